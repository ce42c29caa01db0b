import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from appsnap.errors import PluginError
from appsnap.twisted_plugins import BadOptions, installed

pytest.importorskip("twisted")

from twisted.application import service

PLUGIN = """
    from twisted.application.service import IServiceMaker, Service
    from twisted.plugin import IPlugin
    from twisted.python import usage
    from zope.interface import implementer

    class Options(usage.Options):
        optParameters = [["port", "p", 80, "The port.", int]]

        def postOptions(self):
            if self["port"] == 13:
                raise usage.UsageError("not this port")

    @implementer(IServiceMaker, IPlugin)
    class Maker:
        tapname = "stall"
        description = "A  stall\\n in the market."
        options = Options

        def makeService(self, options):
            made = Service()
            made.setName("stall")
            made.port, made.pidfile = options["port"], options.parent["pidfile"]
            if options["port"] == 666:
                raise ValueError("no")
            return made

    maker = Maker()
"""


@pytest.fixture
def market(tmp_path, monkeypatch):
    """Return the folder of `twisted.plugins` of a distribution, with a plugin that works and one that doesn't."""
    import twisted.plugins

    folder = tmp_path / "twisted" / "plugins"
    folder.mkdir(parents=True)
    (folder / "stall_plugin.py").write_text(textwrap.dedent(PLUGIN))
    (folder / "broken_plugin.py").write_text("import there_is_no_such_module\n")
    monkeypatch.setattr(twisted.plugins, "__path__", [*twisted.plugins.__path__, str(folder)])
    yield folder
    for name in ("stall_plugin", "broken_plugin"):
        sys.modules.pop(f"twisted.plugins.{name}", None)


def found(name):
    return next(plugin for plugin in installed() if plugin.name == name)


class TestInstalled:
    def test_found(self, market):
        """Twisted's own are found, and those of other distributions. A broken one has the reason."""
        names = [plugin.name for plugin in installed()]

        assert names == sorted(names)
        assert {"twisted:web", "twisted:words", "twisted:stall"} <= {*names}
        assert found("twisted:stall").description == "A stall in the market."
        assert "there_is_no_such_module" in found("twisted:broken_plugin").error
        with pytest.raises(PluginError, match="there_is_no_such_module"):
            found("twisted:broken_plugin").application([])

    def test_no_cache(self, market):
        """Twisted's cache file is not written."""
        found("twisted:stall").application([])

        assert [path for path in market.iterdir() if path.suffix == ".cache"] == []

    def test_without_twisted(self):
        """Where Twisted isn't installed, there are none, and the command line works."""
        program = (
            "import importlib.util, sys; real = importlib.util.find_spec\n"
            "importlib.util.find_spec = lambda name, *rest: None if name == 'twisted' else real(name, *rest)\n"
            "from appsnap.cli import main; sys.argv = ['appsnap', 'plugins']; sys.exit(main())"
        )

        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert done.stdout.startswith("web  ")
        assert "twisted" not in done.stdout

    def test_not_imported(self):
        """Our own plugins are made without an import of Twisted."""
        program = "import sys; from appsnap import plugins; plugins.names(); assert 'twisted' not in sys.modules"

        subprocess.run([sys.executable, "-c", program], check=True)


class TestApplication:
    def test_made(self, market):
        """The options parse the arguments, and know those of twistd. The application has the plugin's name."""
        application = found("twisted:stall").application(["--port", "8080"])

        root = service.IService(application)
        assert root.name == "stall"
        assert root.getServiceNamed("stall").port == 8080
        assert Path(root.getServiceNamed("stall").pidfile).name == "twistd.pid"

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--port", "13"], "twisted:stall: not this port"),
            (["--port", "x"], "twisted:stall: Parameter type enforcement failed"),
            (["--prot"], "twisted:stall: option --prot not recognized"),
            (["more"], "twisted:stall: Wrong number of arguments"),
        ],
    )
    def test_bad_options(self, arguments, reason, market):
        """The words are those of Twisted's options."""
        with pytest.raises(BadOptions) as raised:
            found("twisted:stall").application(arguments)

        assert str(raised.value).startswith(reason)

    def test_fails(self, market):
        """An error of the maker is one of the plugin."""
        with pytest.raises(PluginError, match="makeService failed: ValueError: no"):
            found("twisted:stall").application(["-p", "666"])
