import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

GREETER = Path(__file__).parents[3] / "fixtures" / "greeter"

START = """
import asyncio, sys
import appsnap

async def main():
    application = appsnap.load(sys.argv[1])
    application.privilegedStartService()
    await application.startService()
    (greeter,) = application
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", greeter.services[0].port)
        print((await reader.read()).decode(), end="")
        writer.close()
    await (application.stopService() or asyncio.sleep(0))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a folder with the sample plugin, as pip installs it."""
    folder = tmp_path_factory.mktemp("installed")
    # A copy, because a build may write beside the sources.
    source = shutil.copytree(GREETER, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    flags = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, "--target", folder / "site", source], check=True, timeout=200
    )
    return folder / "site"


@pytest.fixture
def appsnap(folder, environment, installed):
    """Return a function that runs `appsnap` where the sample plugin is installed."""

    def run(*arguments, code=0, program="appsnap", **variables):
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(installed), **variables},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


class TestSample:
    """The sample plugin, a distribution of its own."""

    def test_listed(self, appsnap):
        """It is listed beside appsnap's own."""
        out, err = appsnap("plugins", "--json")

        assert [one for one in json.loads(out) if not one["name"].startswith("twisted:")] == [
            {"name": "greeter", "description": "Greet guests over TCP.", "error": None},
            {"name": "web", "description": "Serve the files of a folder over HTTP.", "error": None},
        ]
        assert not err

    def test_help(self, appsnap):
        """Its options are shown with their types, defaults and help."""
        out, _ = appsnap("make", "greeter", "--help", COLUMNS="100")
        options = {words[0]: " ".join(words[1:]) for line in out.splitlines() if (words := line.split())}

        assert options["--port"] == "INTEGER The port to listen on. [required]"
        assert options["--language"] == "[en|de] The language. [default: en]"
        assert options["--book"] == "PATH A book for the names. [default: guests.txt]"
        assert options["--times"] == "[1|2|3] How often a guest is greeted. [default: 1]"
        assert options["--polite"] == "/ --no-polite Say goodbye, too. [default: polite]"
        assert options["--case"] == "[upper|lower] The letters of the greeting."
        assert "--words" not in options

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_made_and_run(self, appsnap, kind):
        """An application that it makes is saved, loads, runs, and goes on where it was."""
        appsnap(
            *("make", "--kind", kind, "greeter", "--port", "0", "--language", "de", "--guest", "Ada", "--guest", "Bob"),
            *("--no-polite", "--times", "2", "--case", "upper", "greeter"),
        )

        out, _ = appsnap("-c", START, "greeter", program="python")

        assert out == "HALLO, Ada, Bob! You are number 1.\n" * 2 + "HALLO, Ada, Bob! You are number 2.\n" * 2

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], "missing option '--port'"),
            (["--port", "0", "--pause", "0"], "a pause is longer than 0.0 seconds"),
            (["--port", "0", "--times", "4"], "invalid value for '--times': '4' is not one of '1', '2', '3'"),
            (["--port", "0", "--guests", "Ada"], "no such option '--guests'"),
        ],
    )
    def test_usage(self, appsnap, folder, arguments, words):
        """Wrong options are wrong usage, and write nothing."""
        _, err = appsnap("make", "greeter", *arguments, "greeter.tap", code=2)

        assert err.startswith(f"appsnap: error: {words}\nappsnap: hint: ")
        assert err.endswith("appsnap make greeter --help\n")
        assert not (folder / "greeter.tap").exists()

    def test_similar(self, appsnap):
        """A similar name is suggested."""
        _, err = appsnap("make", "greetr", "greeter.tap", code=2)

        assert err == "appsnap: error: no such plugin 'greetr'\nappsnap: hint: did you mean greeter? appsnap plugins\n"

    @pytest.mark.parametrize(
        ("words", "completions"),
        [
            ("appsnap make gr", ["greeter"]),
            ("appsnap make greeter --la", ["--language"]),
            ("appsnap make greeter --language d", ["de"]),
            ("appsnap make --comp", ["--compress"]),
        ],
    )
    def test_completion(self, appsnap, words, completions):
        """A shell completes the name of a plugin, its options and their values."""
        out, _ = appsnap(_APPSNAP_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")), code=0)

        assert [line.partition(",")[2] for line in out.splitlines()] == completions

    def test_broken(self, appsnap, installed, tmp_path):
        """Without its module, it is listed with the reason, and disturbs neither another one nor completion."""
        site = tmp_path / "site"
        shutil.copytree(installed, site)
        (site / "greeter" / "server.py").unlink()

        out, _ = appsnap("plugins", PYTHONPATH=str(site))
        _, err = appsnap("make", "greeter", "--port", "0", "a.tap", PYTHONPATH=str(site), code=1)
        appsnap("make", "web", "web.tap", PYTHONPATH=str(site))
        completed = appsnap(
            PYTHONPATH=str(site),
            _APPSNAP_COMPLETE="bash_complete",
            COMP_WORDS="appsnap make greeter --p",
            COMP_CWORD="3",
        )

        reason = "cannot get its options: ModuleNotFoundError: No module named 'greeter.server'"
        first, second, *_ = out.splitlines()
        assert first.split(maxsplit=1) == ["greeter", f"can't be used: {reason}"]
        assert second.split()[:2] == ["web", "Serve"]
        assert err.startswith(f"appsnap: error: cannot use plugin greeter: {reason}\n")
        assert completed[1] == ""


class TestSaving:
    """The file is made as `save` makes one."""

    def test_verified(self, appsnap, installed, folder, tmp_path):
        """An application that a fresh interpreter can't load isn't saved, and an old file stays."""
        site = tmp_path / "site"
        shutil.copytree(installed, site)
        server = site / "greeter" / "server.py"
        server.write_text(
            server.read_text() + "\n\nimport sys\nif 'load' in sys.argv: raise RuntimeError('only once')\n"
        )
        (folder / "greeter.tap").write_text("old")

        _, err = appsnap("make", "greeter", "--port", "0", "greeter.tap", PYTHONPATH=str(site), code=1)

        assert "not saved, because a fresh interpreter can't load it: " in err
        assert "only once" in err
        assert "hint: " in err
        assert "--no-verify" in err
        assert (folder / "greeter.tap").read_text() == "old"
        appsnap("make", "--no-verify", "greeter", "--port", "0", "greeter.tap", PYTHONPATH=str(site))
        assert (folder / "greeter.tap").read_text("latin-1") != "old"

    def test_printing_plugin(self, appsnap, installed, folder, tmp_path):
        """A plugin that prints disturbs neither a file on stdout nor JSON."""
        site = tmp_path / "site"
        shutil.copytree(installed, site)
        maker = site / "greeter" / "__init__.py"
        maker.write_text(maker.read_text() + "\nprint('imported')\n")

        text, _ = appsnap("make", "--kind", "source", "greeter", "--port", "0", "-", PYTHONPATH=str(site))
        rows, _ = appsnap("plugins", "--json", PYTHONPATH=str(site))

        assert text.startswith("# appsnap 1 source")
        assert [one["name"] for one in json.loads(rows)][:2] == ["greeter", "web"]
