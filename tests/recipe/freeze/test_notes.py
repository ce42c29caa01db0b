import dataclasses
import functools
import logging
import subprocess
import sys
import types

import pytest

from appsnap import CannotSave, dumps, save as save_file, sob
from appsnap.kinds import KINDS

SCRIPT = """
import dataclasses
from appsnap import service

class Web(service.Service):
    def get(self): return 1
    class Inner: pass

@dataclasses.dataclass
class Order:
    item: str = "tea"

def tick(): return tock()
def tock(): return 1

application = service.Application("shop")
for name in ("web", "other"):
    web = Web()
    web.setName(name)
    web.setServiceParent(application)
web.call, web.method, web.inner = tick, web.get, Web.Inner()
"""


def notes_of(obj, kind, folder, **options):
    lines = []
    save_file(obj, folder / "file", kind=kind, note=lines.append, **options)
    return lines


def local():
    def inner():
        return 1

    return inner


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Return the module of a script, as a run of Python leaves it."""
    path = tmp_path / "hello.py"
    path.write_text(SCRIPT, "utf-8")
    module = types.ModuleType("__main__")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", module)
    exec(compile(SCRIPT, str(path), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("kind", KINDS)
class TestNotes:
    def test_script(self, kind, script, tmp_path):
        """One line for a script: numbers, paths, text, a way on. Methods and inner classes belong to their class."""
        (line,) = notes_of(script.application, kind, tmp_path)

        assert line == (
            '1 class and 2 functions of hello.py are saved as code (application.services["web"], '
            'application.services["other"].call), with the text of hello.py; '
            "put them into a module to have them by name"
        )

    def test_generated_methods(self, kind, script, tmp_path):
        """The methods that `dataclasses` generates belong to their class."""
        (line,) = notes_of([script.Order()], kind, tmp_path)

        assert line.startswith("1 class of hello.py is saved as code (object[0])")
        assert line.endswith("; put it into a module to have it by name")

    def test_many_paths(self, kind, script, tmp_path):
        """Of many paths, the first ones are shown."""
        (line,) = notes_of([script.tick, script.tock, script.Web, script.Order], kind, tmp_path)

        assert line.startswith(
            "2 classes and 2 functions of hello.py are saved as code (object[0], object[1], object[2], …)"
        )

    def test_dispatching(self, kind, tmp_path):
        """The functions that a `singledispatch` chooses from are told by its path."""

        @functools.singledispatch
        def shown(x):
            return "any"

        shown.register(int, lambda x: "int")
        (line,) = notes_of({"f": shown}, kind, tmp_path)

        assert line.startswith(f'3 functions of {__name__} are saved as code (object["f"])')

    def test_local(self, kind, tmp_path):
        """A function in a function is told by its module."""
        (line,) = notes_of({"f": local()}, kind, tmp_path)

        assert line.startswith(f'1 function of {__name__} is saved as code (object["f"])')
        assert line.endswith("; define it by name at the top level of a module to have it by name")

    def test_without_text(self, kind, tmp_path):
        """Code without a text is for one version of Python."""
        made = {}
        exec("def made(): pass", made)
        (line,) = notes_of(made["made"], kind, tmp_path)

        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert f"saved as code (object), for Python {version} only;" in line

    def test_nothing_to_tell(self, kind, tmp_path):
        """Nothing is noted for classes and functions that have a name."""
        assert notes_of([dataclasses.Field, functools.partial(print, 1), len, local], kind, tmp_path) == []

    def test_logged(self, kind, script, tmp_path, caplog):
        """Without `note`, a line goes to the log."""
        save_file(script.tick, tmp_path / "file", kind=kind)

        assert [(record.name, record.levelno) for record in caplog.records] == [("appsnap", logging.WARNING)]
        assert caplog.messages[0].startswith("2 functions of hello.py are saved as code (object)")

    def test_no_note_of_a_failed_save(self, kind, script, tmp_path):
        """A file that wasn't written has no notes."""
        lines = []

        def fail(*_):
            raise OSError("no")

        with pytest.raises(OSError, match="no"):
            save_file(script.tick, tmp_path / "file", kind=kind, progress=fail, note=lines.append)
        assert lines == []


@pytest.mark.parametrize("kind", KINDS)
class TestWithoutCode:
    def places(self, obj, kind, tmp_path):
        """Return the places of a refused save. `save` and `dumps` refuse alike, and the file isn't there."""
        with pytest.raises(CannotSave) as caught:
            save_file(obj, tmp_path / "file", kind=kind, code=False)
        assert not (tmp_path / "file").exists()
        with pytest.raises(CannotSave) as again:
            dumps(obj, kind, code=False)
        assert str(again.value) == str(caught.value)
        assert not caught.value.hint
        return [(place.path, place.type) for place in caught.value.places]

    def test_script(self, kind, script, tmp_path):
        """Each class and function is refused once, with its path."""
        assert self.places(script.application, kind, tmp_path) == [
            ('application.services["web"]', "class __main__.Web"),
            ('application.services["other"].call', "builtins.function"),
            ('application.services["other"].inner', "class __main__.Web.Inner"),
        ]

    def test_others(self, kind, tmp_path):
        """So are lambdas, local functions, and code objects."""
        obj = {"lambda": lambda: 1, "local": local(), "code": local.__code__}

        assert [path for path, _ in self.places(obj, kind, tmp_path)] == [f'object["{name}"]' for name in obj]

    def test_names_are_fine(self, kind, tmp_path):
        """Classes and functions with a name are saved as ever."""
        save_file([local, dataclasses.Field, TestNotes], tmp_path / "file", kind=kind, code=False)

        assert (tmp_path / "file").exists()


class TestPersistent:
    def test_logged(self, script, tmp_path, caplog):
        """Twisted's way to save tells it, too."""
        sob.Persistent(script.application, "shop").save(filename=tmp_path / "shop.tap")

        assert "of hello.py are saved as code" in caplog.text


class TestStderr:
    @pytest.mark.slow
    def test_without_logging(self, tmp_path):
        """A program that doesn't set up logging sees the line on stderr."""
        (tmp_path / "hello.py").write_text(
            f"{SCRIPT}\nimport appsnap\nappsnap.save(application, 'shop.tap')\n", "utf-8"
        )

        ran = subprocess.run(
            [sys.executable, "-W", "error", "hello.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        )

        assert ran.stderr.startswith("1 class and 2 functions of hello.py are saved as code (")
