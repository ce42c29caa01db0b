import subprocess
import sys
from pathlib import Path

import click
import pytest

from appsnap import errors, plugins
from appsnap.cli.plugin import plugin_call
from appsnap.cli.suggest import UnknownCommand


class TestPluginCall:
    """A plugin with its options, for a command that makes the application itself."""

    def test_application(self, tmp_path, monkeypatch):
        """The options make the application, when it is asked for."""
        monkeypatch.chdir(tmp_path)

        call = plugin_call("web", ["--port", "81", "--path", "www"], "appsnap run")
        monkeypatch.chdir("/")
        (service,) = call.application()

        assert (service.port, service.path, service.host) == (81, str(tmp_path / "www"), "127.0.0.1")
        assert call.plugin == plugins.find("web")

    def test_text(self, tmp_path, monkeypatch):
        """The text is the same for the same options, and another one for others."""
        monkeypatch.chdir(tmp_path)

        def text(*arguments):
            return plugin_call("web", arguments, "appsnap run").text

        assert text("--port", "81", "--path", "www") == text(f"--path={tmp_path}/www", "--port=81")
        assert text("--port", "81") != text("--port", "82") != text()
        assert text("--path", "a\nb\udcff").isprintable()

    def test_text_is_unambiguous(self):
        """A value can't look like two options."""
        first = plugin_call("web", ["--host", "a", "--port", "81"], "appsnap run").text
        second = plugin_call("web", ["--host", "a port=81"], "appsnap run").text

        assert first != second

    def test_help(self, capsys):
        """Help names the command before the plugin, and ends the command."""
        with pytest.raises(click.exceptions.Exit) as caught:
            plugin_call("web", ["--help"], "appsnap run")

        assert caught.value.exit_code == 0
        out = capsys.readouterr().out
        assert out.startswith("Usage: appsnap run web [OPTIONS]\n")
        assert "--path PATH" in out

    @pytest.mark.parametrize(
        "arguments", [["--prt", "81"], ["--port", "x"], ["--port"], ["stray"], ["--port", "99999"]]
    )
    def test_usage(self, arguments):
        """Wrong usage names the command to type for help."""
        with pytest.raises(click.UsageError) as caught:
            plugin_call("web", arguments, "appsnap run")
        assert caught.value.ctx.command_path == "appsnap run web"

    def test_unknown(self):
        """A name that no plugin has is wrong usage, with the name that is like it."""
        with pytest.raises(UnknownCommand, match="no such plugin 'wbe'") as caught:
            plugin_call("wbe", [], "appsnap run")
        assert caught.value.suggestion == "web"
        assert caught.value.command == "appsnap plugins"

    def test_fault_in_options(self, tmp_path, monkeypatch):
        """An error of `__post_init__` that isn't the user's names the plugin."""
        info = tmp_path / "stall-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: stall\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[appsnap.services]\nstall = stall_with_fault:maker\n")
        (tmp_path / "stall_with_fault.py").write_text(
            "from dataclasses import dataclass\n"
            "from appsnap.service import ServiceMaker\n"
            "@dataclass\n"
            "class Options:\n"
            "    def __post_init__(self): raise TypeError('a fault')\n"
            "maker = ServiceMaker('Stall', __name__, 'Sell apples.', 'stall')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(errors.PluginError, match="plugin stall: cannot make its options: TypeError: a fault"):
            plugin_call("stall", [], "appsnap run")


def imported(*arguments):
    """Return the modules that a command imports."""
    code = "import sys; from appsnap.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return {*done.stderr.split()}


class TestImports:
    def test_help_of_make(self):
        """Help reads no metadata, and imports no plugin."""
        assert not imported("make", "--help") & {"importlib.metadata", "appsnap.web", "appsnap.plugins", "zope"}

    @pytest.mark.parametrize("arguments", [["plugins"], ["plugins", "--json"], ["make", "web", "--help"]])
    def test_plugin(self, arguments):
        """A plugin is imported to be listed, and to tell its options, but nothing that it needs to run."""
        found = imported(*arguments)

        assert "appsnap.web" in found
        assert not found & {"aiohttp", "cloudpickle", "cryptography", "appsnap.snapshot"}
