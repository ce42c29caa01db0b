"""Names that only this process knows: written under a name that every process finds, or refused. All in all kinds."""

import subprocess
import sys

import pytest

from appsnap import CannotSave, evolve, save
from appsnap.errors import CannotBuild, NotTrusted
from appsnap.kinds import KINDS
from appsnap.recipe import steps
from appsnap.recipe.build import build
from appsnap.recipe.steps import Recipe
from appsnap.recipe.trust import Trust

START = f"""
import importlib, sys, appsnap, appsnap.evolve
KINDS = {list(KINDS)}
def save(obj, **options):
    for kind in KINDS:
        appsnap.save({{"it": obj}}, "s." + kind, kind=kind, **options)
def load(**options):
    return [appsnap.load("s." + kind, **options)["it"] for kind in KINDS]
def refused(obj):
    for kind in KINDS:
        try: appsnap.save({{"it": obj}}, "s." + kind, kind=kind)
        except appsnap.CannotSave as error: print(error)
        else: print("saved")
"""


@pytest.fixture
def program(tmp_path):
    """Return a function that runs a program beside modules, in a process of its own, and returns its lines."""

    def run(code, **modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text, "utf-8")
        program = [sys.executable, "-c", START + code]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout.strip().splitlines()

    return run


RELOADED = """
import enum
class Job:
    def __init__(self): self.n = 1
    class Part: pass
class Mode(enum.Enum):
    FAST = 1
"""


class TestReloaded:
    @pytest.mark.parametrize(
        "made", ["shop.Job()", "shop.Job.Part()", "shop.Mode.FAST", "shop.Job", "shop.Job().__init__"]
    )
    def test_refused(self, program, made):
        """An object whose class was reloaded can't be saved: the error has path, class, reason and a way on."""
        lines = program(f"import shop\nx = {made}\nimportlib.reload(shop)\nrefused([x])", shop=RELOADED)

        assert len(lines) == 4
        for said in lines:
            assert said.startswith('cannot save 1 object: object["it"][0]')
            assert "its module was reloaded" in said
            assert "make the object anew" in said

    def test_new_objects(self, program):
        """Objects of the class that is there now are saved."""
        program("import shop\nimportlib.reload(shop)\nsave(shop.Job())", shop=RELOADED)

        assert program("import shop\nprint({type(one) is shop.Job for one in load()})") == ["{True}"]


LIBRARY = """
import sys
def register(function):
    function.__module__, function.__qualname__ = __name__, "task_" + function.__name__
    setattr(sys.modules[__name__], function.__qualname__, function)
    return function
"""
WRAPPER = """
import functools
def twice(f):
    @functools.wraps(f)
    def new(): return 2 * f()
    return new
"""


class TestFunctionsOfALibrary:
    def test_by_the_name_of_the_definition(self, program):
        """A function that a library has renamed goes by its name in the application's module."""
        shop = "import library\n@library.register\ndef work(): return 5\n"
        program("import shop\nsave(shop.work)", library=LIBRARY, shop=shop)

        assert program("print([one() for one in load()])") == ["[5, 5, 5, 5]"]

    def test_of_a_script(self, program):
        """A function of a script has no name that a load could find, even if a library gives it one."""
        script = "import library\n@library.register\ndef work(): return 5\nrefused(work)"
        lines = program(script, library=LIBRARY)

        assert len(lines) == 4
        for said in lines:
            assert 'object["it"]' in said
            assert "library.task_work is this function only where its script ran" in said

    def test_decorated(self, program):
        """A function that a decorator has made goes by the name of the function that it wraps."""
        shop = "import library\n@library.twice\ndef work(): return 5\n"
        program("import shop\nsave(shop.work)", library=WRAPPER, shop=shop)

        assert program("print([one() for one in load()])") == ["[10, 10, 10, 10]"]


ENGINE = """
import sys
class Engine:
    def __init__(self): self.n = 0
sys.modules[__name__] = Engine()
"""


@pytest.mark.parametrize("trust", ["()", "appsnap.EVERYTHING", "['power', 'power.engine', 'power.engine.*']"])
def test_module_that_makes_itself(program, tmp_path, trust):
    """An object that has put itself into the place of its module is that of the new process."""
    (tmp_path / "power").mkdir()
    program(
        "import power.engine\nengine = sys.modules['power.engine']\nengine.n = 7\n"
        f"appsnap.evolve.known(engine, 'power', 'engine')\nsave([engine, engine], sign={trust == '()'})",
        **{"power/__init__": "", "power/engine": ENGINE},
    )

    lines = program(f"for one, other in load(trust={trust}): print(one is other is sys.modules['power.engine'], one.n)")

    assert lines == ["True 0"] * 4


class TestReactor:
    def test_in_a_fresh_process(self, program):
        """Twisted's reactor is installed by the load of an application that refers to it."""
        pytest.importorskip("twisted")
        program(
            "from twisted.internet import reactor, task\nsave([reactor, reactor.callLater, task.LoopingCall(print)])"
        )

        lines = program(
            "for made, method, call in load():\n"
            "    from twisted.internet import reactor\n"
            "    print(made is reactor is call.clock, method == reactor.callLater)"
        )

        assert lines == ["True True"] * 4

    def test_by_pickle_itself(self, program):
        """Pickle finds it without us, in a pickle that the C pickler wrote."""
        pytest.importorskip("twisted")
        program("from twisted.internet import reactor\nsave(reactor)")

        lines = program(
            "import pickle\n"
            "with open('s.pickle', 'rb') as file: _, body = pickle.load(file), pickle.load(file)\n"
            "print(body['it'] is sys.modules['twisted.internet.reactor'])"
        )

        assert lines == ["True"]

    def test_for_a_stranger(self, program):
        """To refer to it needs no trust where it is there. Elsewhere the audit lists it, for it has to be imported."""
        pytest.importorskip("twisted")
        program("from twisted.internet import reactor\nsave(reactor, sign=False)")

        lines = program("import twisted.internet.reactor\nprint(len({id(one) for one in load()}))")
        alone = program(
            "import appsnap, sys\n"
            "try: load()\nexcept appsnap.NotTrusted as error: trust = [want.grant for want in error.wants]\n"
            "print(*trust, 'twisted' in sys.modules)\n"
            "print(load(trust=trust)[0] is sys.modules['twisted.internet.reactor'])"
        )
        of_package = program("print(load(trust=['twisted.*'])[0] is sys.modules['twisted.internet.reactor'])")

        assert lines == ["1"]
        assert alone == ["twisted.internet.reactor False", "True"]
        assert of_package == ["True"]


def test_a_known_name_that_is_nowhere(tmp_path, monkeypatch):
    """A name that no load can find is refused at the save."""
    thing = object()
    monkeypatch.setitem(evolve._registered, ("collections", "no_such_name"), thing)
    for kind in KINDS:
        with pytest.raises(CannotSave, match=r'object\["it"\].*no_such_name'):
            save({"it": thing}, tmp_path / "s", kind=kind)


@pytest.mark.parametrize("name", ["__main__.Thing", "__main__", "nothing.Thing"])
def test_a_program_is_never_imported(tmp_path, monkeypatch, name):
    """A package that is trusted has a program, too: no name in a file runs it."""
    folder = tmp_path / "package_of_test"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text("raise SystemExit('ran')", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for trust in (["package_of_test.*"], ["package_of_test.*", f"package_of_test.{name}"]):
        with pytest.raises((CannotBuild, NotTrusted)):
            build(Recipe([steps.Name("package_of_test", name)], steps.Ref(0)), Trust(trust))
