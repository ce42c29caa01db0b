import subprocess
import sys

import pytest

LATE = {"asyncio", "msgpack", "defusedxml", "cloudpickle.cloudpickle_fast", "code", "json"}

UNNEEDED = {
    *("cryptography", "backports.zstd", "compression.zstd", "appsnap.files.age", "appsnap.files.zstd", "cloudpickle"),
    *("appsnap.recipe.freeze", "appsnap.recipe.build", "appsnap.snapshot.saving", "appsnap.kinds.pickle.native"),
    *("difflib", "secrets", "tempfile", "subprocess", "shutil", "importlib.metadata", "appsnap.recipe.differences"),
}
"""Modules that a command doesn't need to look at a plain, unsigned file."""


def imported(*arguments, cwd=None):
    """Return the modules that a command imports."""
    code = "import sys; from appsnap.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return set(result.stderr.split())


class TestVersion:
    """`appsnap --version`."""

    def test_imports(self):
        """It imports appsnap, its cli, and a few modules of the standard library: no click, nothing else."""
        bare = imported("--version")

        assert {name for name in bare if name.partition(".")[0] == "appsnap"} == {
            "appsnap",
            "appsnap._version",
            "appsnap.cli",
        }
        assert not bare & {"click", "cryptography", "zope", "dataclasses", "inspect", "pathlib", "logging", *LATE}
        assert not bare & {"typing", "re"}


class TestHelp:
    """`--help`, which shells ask for as well when they complete."""

    @pytest.mark.parametrize(
        "arguments", [["--help"], ["save", "--help"], ["show", "--help"], ["load", "--help"], ["run", "--help"]]
    )
    def test_imports(self, arguments):
        """Neither cryptography nor the recipe's machinery is imported to explain a command."""
        assert not imported(*arguments) & {"cryptography", "zope", "appsnap.snapshot", "appsnap.service", *LATE}


class TestShow:
    """Commands that only look."""

    @pytest.mark.parametrize("command", ["show", "audit", "verify"])
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_imports(self, command, kind, tmp_path):
        """Neither services nor their event loop, nor any reader of another kind, layer, or code that makes objects."""
        from appsnap import save

        save({"a": [1]}, tmp_path / "a", kind=kind, sign=False)

        found = imported(command, "a", cwd=tmp_path)

        own = {"msgpack"} if kind == "msgpack" else set()
        assert not found & ({"appsnap.service", "appsnap.internet", "appsnap.kinds.xml", "zope", *LATE} - own)
        assert not found & UNNEEDED

    def test_show(self, tmp_path):
        """To show plain data takes no table of value types, and no audit."""
        from appsnap import save

        save({"a": [1]}, tmp_path / "a.tap")

        found = imported("show", "a.tap", cwd=tmp_path)

        assert not found & (UNNEEDED - {"cryptography"})
        assert not found & {"appsnap.recipe.values", "appsnap.recipe.trust", "logging", "zoneinfo", "decimal"}


class TestLoad:
    """`load` and `save` of a plain file."""

    def test_load(self, tmp_path):
        """To load a pickle of one's own takes nothing of saving, and no layer."""
        from appsnap import save

        save({"a": [1]}, tmp_path / "a.tap")
        code = "import sys, appsnap; appsnap.load('a.tap'); print(*sys.modules, file=sys.stderr)"

        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

        found = set(done.stderr.split())
        assert not found & {"cloudpickle", "appsnap.recipe.freeze", "appsnap.snapshot.saving", "appsnap.recipe.build"}
        assert not found & {"backports.zstd", "compression.zstd", "appsnap.files.age", "click", *LATE} - {"json"}

    def test_save(self, tmp_path):
        """To save a plain file takes no layer, and no snapshot that was opened."""
        code = "import sys, appsnap; appsnap.save([1], 'a.tap', sign=False); print(*sys.modules, file=sys.stderr)"

        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

        found = set(done.stderr.split())
        assert not found & {
            "backports.zstd",
            "compression.zstd",
            "appsnap.files.age",
            "appsnap.snapshot.opened",
            "click",
        }
        assert not found & {"importlib.metadata", "appsnap.kinds.msgpack", *LATE} - {"cloudpickle"}


class TestRun:
    """`run`, which waits for people and service managers."""

    FOREIGN = frozenset({"aiohttp", "appsnap.web", "difflib", "multiprocessing", "concurrent.futures.process"})

    @pytest.mark.parametrize("state", [[], ["--state", "state"]])
    def test_imports(self, state, tmp_path):
        """A snapshot that runs needs no plugin, no aiohttp and no module of other commands."""
        from appsnap import save
        from appsnap.service import Application

        save(Application("empty"), tmp_path / "a.tap")
        code = (
            "import os, signal, sys\n"
            "from appsnap.runner import process\n"
            "ready = process.Process._tell_ready\n"
            "def stop(self):\n"
            "    ready(self)\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "process.Process._tell_ready = stop\n"
            "from appsnap.cli import main\n"
            "try: main()\n"
            "finally: print(*sys.modules)"
        )

        done = subprocess.run(
            [sys.executable, "-c", code, "run", "a.tap", *state],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )

        found = set(done.stdout.split())
        commands = {name for name in found if name.startswith("appsnap.cli.commands.")}
        assert "is running as process" in done.stderr
        assert not found & self.FOREIGN
        assert commands == {"appsnap.cli.commands.run"}
        assert not {name for name in found if "report" in name.split(".")[-1]}
