import subprocess
import sys

import pytest

LATE = {"asyncio", "msgpack", "defusedxml", "cloudpickle.cloudpickle_fast", "code", "json"}


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


class TestHelp:
    """`--help`, which shells ask for as well when they complete."""

    @pytest.mark.parametrize("arguments", [["--help"], ["save", "--help"], ["show", "--help"], ["load", "--help"]])
    def test_imports(self, arguments):
        """Neither cryptography nor the recipe's machinery is imported to explain a command."""
        assert not imported(*arguments) & {"cryptography", "zope", "appsnap.snapshot", "appsnap.service", *LATE}


class TestShow:
    """Commands that only look."""

    @pytest.mark.parametrize("command", ["show", "audit", "verify"])
    def test_imports(self, command, tmp_path):
        """Neither services nor their event loop, and no reader of another kind."""
        from appsnap import save

        save({"a": [1]}, tmp_path / "a.tap")

        found = imported(command, "a.tap", cwd=tmp_path)

        # A signature is over JSON.
        assert not found & {"appsnap.service", "appsnap.internet", "appsnap.kinds.xml", "zope", *LATE} - {"json"}
