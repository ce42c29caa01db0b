import subprocess
import sys
import textwrap
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from zope.interface import implementer

from appsnap import errors, plugins
from appsnap.interfaces import IServiceMaker
from appsnap.service import Application, MultiService, Service


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Return a function that installs a distribution: its name, its entry points, and a module."""
    monkeypatch.syspath_prepend(tmp_path)
    before = {*sys.modules}

    def install(name, entry_points, source=""):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[appsnap.services]\n" + "\n".join(entry_points))
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))

    yield install
    for name in {*sys.modules} - before:
        if name.startswith("stall"):
            del sys.modules[name]


STALL = """
    from dataclasses import dataclass
    from appsnap.service import Application, MultiService, Service, ServiceMaker

    @dataclass
    class Options:
        port: int = 80

    def makeService(options):
        made = Service()
        made.port = options.port
        return made

    maker = ServiceMaker("Stall", __name__, "Sells\\n  apples.", "stall")
    no_maker = object()
    odd = ServiceMaker("Odd", "stall_odd", "Is odd.", "odd")
"""


class TestNames:
    def test_nothing_is_imported(self, distribution):
        """Names are read from metadata, of all distributions together, each once."""
        distribution("stall", ["stall = stall:maker", "gone = nowhere:maker"])
        distribution("stall_two", ["apples = stall_two:maker", "stall = stall_two:maker"])

        assert plugins.names() == ["apples", "gone", "stall", "web"]
        assert plugins.find("gone").name == "gone"
        assert plugins.find("nothing") is None
        assert not {"stall", "stall_two"} & {*sys.modules}

    def test_imports(self):
        """To find a plugin imports neither it nor what it needs."""
        code = "import sys; from appsnap import plugins; plugins.find('web'); print(*sys.modules)"

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert not {"appsnap.web", "aiohttp"} & {*done.stdout.split()}


class TestMaker:
    def test_found(self, distribution):
        """The maker, its description in one line, and its options."""
        distribution("stall", ["apples = stall:maker"], STALL)
        plugin = plugins.find("apples")

        assert plugin.maker is sys.modules["stall"].maker
        assert plugin.description == "Sells apples."
        assert plugin.options is sys.modules["stall"].Options

    @pytest.mark.parametrize(
        ("entry_point", "source", "reason"),
        [
            ("nowhere:maker", "", "cannot import nowhere:maker: ModuleNotFoundError: No module named 'nowhere'"),
            ("stall:nothing", STALL, "cannot import stall:nothing: AttributeError: module 'stall' has no attribute"),
            ("stall:maker", "1 +", "cannot import stall:maker: SyntaxError: invalid syntax (stall.py, line 1)"),
            ("stall:maker", "raise ValueError('bad')", "cannot import stall:maker: ValueError: bad"),
            ("stall:maker", "raise SystemExit(3)", "cannot import stall:maker: SystemExit: 3"),
            ("stall maker", STALL, "cannot import"),
            ("stall:no_maker", STALL, "stall:no_maker is no service maker, but an object"),
            ("stall:Options", STALL, "stall:Options is no service maker, but a type"),
        ],
    )
    def test_broken(self, distribution, entry_point, source, reason):
        """A plugin that gives no maker says why; the error has its name."""
        distribution("stall", [f"apples = {entry_point}"], source)

        with pytest.raises(errors.PluginError) as caught:
            _ = plugins.find("apples").maker
        assert caught.value.plugin == "apples"
        assert caught.value.reason.startswith(reason)
        assert str(caught.value) == f"cannot use plugin apples: {caught.value.reason}"
        assert caught.value.exit_code == 1

    def test_two(self, distribution):
        """Two distributions with a plugin of one name: none of them is chosen."""
        distribution("stall", ["web = stall:maker"], STALL)

        with pytest.raises(errors.PluginError, match=r"web: 2 distributions have a plugin of this name: ") as caught:
            _ = plugins.find("web").maker
        assert {"appsnap", "stall"} <= {*caught.value.reason.replace(",", "").split()}
        assert "stall" not in sys.modules

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("1 +", "cannot get its options: SyntaxError: invalid syntax (stall_odd.py, line 1)"),
            ("", "cannot get its options: AttributeError: module 'stall_odd' has no attribute 'Options'"),
            ("class Options: pass", "its options are no dataclass, but the class Options"),
            ("Options = 7", "its options are no dataclass, but an int"),
            (
                "from dataclasses import make_dataclass\nOptions = make_dataclass('O', [])()",
                "its options are no dataclass",
            ),
        ],
    )
    def test_options(self, distribution, source, reason):
        """Options that are none say so."""
        distribution("stall", ["odd = stall:odd"], STALL)
        distribution("stall_odd", [], source)

        with pytest.raises(errors.PluginError) as caught:
            _ = plugins.find("odd").options
        assert caught.value.reason.startswith(reason)


def plugin_that_makes(make):
    """Return a plugin whose makeService is a function."""

    @dataclass
    class Options:
        port: int = 80

    @implementer(IServiceMaker)
    class Maker:
        def makeService(self, options):
            return make(options)

    return plugins.Plugin("apples", (SimpleNamespace(value="stall:maker", load=Maker),)), Options()


class TestApplication:
    def test_service(self, distribution):
        """A service is put into an application with the plugin's name."""
        distribution("stall", ["apples = stall:maker"], STALL)
        plugin = plugins.find("apples")

        application = plugin.application(plugin.options(port=81))

        (service,) = application
        assert type(application) is Application
        assert application.name == "apples"
        assert (service.port, service.parent) == (81, application)

    def test_collection(self):
        """A collection of services is a service."""
        collection = MultiService()
        plugin, options = plugin_that_makes(lambda options: collection)

        assert [*plugin.application(options)] == [collection]

    def test_application(self):
        """An application stays as it is, with its own name."""
        application = Application("shop")
        plugin, options = plugin_that_makes(lambda options: application)

        assert plugin.application(options) is application
        assert application.name == "shop"

    @pytest.mark.parametrize(
        ("made", "words"), [(None, "None"), (7, "an int"), (Service, "a type"), ([Service()], "a list")]
    )
    def test_no_service(self, made, words):
        """Anything else is an error that names the plugin."""
        plugin, options = plugin_that_makes(lambda options: made)

        with pytest.raises(errors.PluginError) as caught:
            plugin.application(options)
        assert str(caught.value) == f"cannot use plugin apples: makeService returned {words}, which is no service"

    def test_error(self):
        """An error of makeService is told with its type."""

        def fail(options):
            raise KeyError("port")

        plugin, options = plugin_that_makes(fail)

        with pytest.raises(errors.PluginError, match="cannot use plugin apples: makeService failed: KeyError: 'port'"):
            plugin.application(options)

    def test_own_error(self):
        """An error in our words comes out as it is, with its hint."""
        error = errors.AppsnapError("no aiohttp", hint="pip install aiohttp")

        def fail(options):
            raise error

        plugin, options = plugin_that_makes(fail)

        with pytest.raises(errors.AppsnapError) as caught:
            plugin.application(options)
        assert caught.value is error
