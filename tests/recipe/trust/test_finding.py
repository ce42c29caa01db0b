import subprocess
import sys
import textwrap

import pytest

from appsnap import errors, evolve
from appsnap.recipe.build import build
from appsnap.recipe.steps import Call, List, Member, Name, New, Recipe, Ref, State
from appsnap.recipe.trust import Trust, wants


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes the modules of a package, by name, and makes it importable."""
    monkeypatch.syspath_prepend(tmp_path)
    before = {*sys.modules}

    def write(**modules):
        folder = tmp_path / "stall"
        folder.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            file = folder / f"{name.replace('__of__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(textwrap.dedent(text), "utf-8")
        return folder

    yield write
    for name in {*sys.modules} - before:
        if name.partition(".")[0] == "stall":
            del sys.modules[name]
    evolve._successors.clear()


def made(module, qualname):
    return Recipe([Name(module, qualname), New(Ref(0), [])], Ref(1))


def referred(module, qualname):
    return Recipe([Name(module, qualname)], Ref(0))


class TestPairs:
    @pytest.mark.parametrize(
        ("module", "qualname"),
        [
            ("array.array", ""),
            ("uuid", "UUID.x"),
            ("uuid.SafeUUID", "safe"),
            ("twisted", "internet.reactor"),
            ("collections.deque", ""),
            ("numpy", "_core.multiarray._reconstruct"),
        ],
    )
    def test_are_asked(self, module, qualname):
        """A name that is harmless as a part of its module isn't so as another module."""
        recipe = referred(module, qualname)
        name = Name(module, qualname).dotted

        with pytest.raises(errors.NotTrusted):
            build(recipe, Trust())

        assert [want.name for want in wants(recipe)] == [name]

    @pytest.mark.parametrize("module", ["twisted.internet", "twisted.internet.reactor"])
    def test_of_the_reactor(self, module, monkeypatch):
        """A reactor is found where the program has one. Elsewhere it is asked for, and not imported."""
        recipe = referred(module, "" if module.endswith("reactor") else "reactor")
        monkeypatch.delitem(sys.modules, "twisted.internet.reactor", raising=False)
        modules = {*sys.modules}

        for trust in ([], ["shop.*"], ["call:twisted.internet.reactor"]):
            with pytest.raises(errors.NotTrusted) as refused:
                build(recipe, Trust(trust))
            assert [want.grant for want in refused.value.wants] == ["twisted.internet.reactor"]

        assert {*sys.modules} == modules
        stand_in = object()
        monkeypatch.setitem(sys.modules, "twisted.internet.reactor", stand_in)
        assert build(recipe, Trust()) is stand_in

    def test_of_a_module_that_is_named_like_a_class(self, package):
        """Trust in a class is none in a module that has its name."""
        folder = package(__init__="class Web: pass", Web="raise SystemExit('imported')")

        with pytest.raises(errors.CannotBuild, match=r"stall\.Web is no module, but a type"):
            build(referred("stall.Web", ""), Trust(["stall.Web"]))

        assert (folder / "Web.py").exists()
        assert build(referred("stall", ""), Trust(["stall"])).__name__ == "stall"

    def test_of_service_makers(self):
        """A maker of services imports a module that its attribute names: it needs trust."""
        recipe = Recipe(
            [Name("appsnap.service", "ServiceMaker"), New(Ref(0), []), State(Ref(1), ["module"], ["this"])], Ref(1)
        )

        with pytest.raises(errors.NotTrusted, match=r"appsnap\.service\.ServiceMaker"):
            build(recipe, Trust())


class TestPackages:
    def test_a_class_that_moved(self, package):
        """Trust in a package covers a class that moved within the package, and is still found under its old name."""
        package(
            m__of____init__="from stall.m.impl import Web, Other", m__of__impl="class Web: pass\nclass Other(Web): pass"
        )

        assert type(build(made("stall.m", "Web"), Trust(["stall.*"]))).__module__ == "stall.m.impl"
        assert type(build(made("stall.m", "Other"), Trust(["stall.*"]))).__qualname__ == "Other"

    def test_members_of_a_class_that_moved(self, package):
        """So do its methods, and the members of an enumeration."""
        package(
            m__of____init__="from .impl import *",
            m__of__impl="import enum\nclass Web:\n    def run(self): return 5\nclass Mode(enum.Enum):\n    FAST = 1\n",
        )

        assert build(referred("stall.m", "Mode.FAST"), Trust(["stall.*"])).value == 1
        assert build(referred("stall.m", "Web.run"), Trust(["stall.*"])).__name__ == "run"
        assert build(Recipe([*made("stall.m", "Web").steps, Member(Ref(1), "run")], Ref(2)), Trust(["stall.*"]))() == 5

    @pytest.mark.parametrize("trust", ["stall.m.Web", "stall.m.*"])
    def test_inherited_methods(self, package, trust):
        """A class comes with the methods that it inherits from a class of a library, and with none that was put there.

        Those of Python's classes are found in these.
        """
        package(
            m__of____init__="""
            import threading
            from stall.base import Base, stranger
            class Web(Base, threading.Thread):
                put = stranger
                @classmethod
                def own(cls): return cls
            """,
            base="""
            def stranger(self): pass
            class Base:
                @classmethod
                def inherited(cls): return cls
                put_there = stranger
            """,
        )
        named = [Name("stall.m", "Web"), New(Ref(0), [])]

        for method in ("own", "inherited"):
            steps = [*named, Name("stall.m", f"Web.{method}"), List([Ref(1), Ref(2)])]
            web, bound = build(Recipe(steps, Ref(3)), Trust([trust]))
            assert bound() is type(web)
        for method in ("put", "put_there", "start"):
            with pytest.raises(errors.NotTrusted, match=f"Web.{method} is no class defined"):
                build(
                    Recipe([*named, Name("stall.m", f"Web.{method}"), List([Ref(1), Ref(2)])], Ref(3)), Trust([trust])
                )

    @pytest.mark.parametrize("name", ["Popen", "Liar", "run"])
    def test_what_comes_from_elsewhere(self, package, name):
        """Trust in a package covers no class of another package, whatever that class says of itself."""
        package(
            m="""
            import subprocess
            from subprocess import Popen, run
            class Liar: pass
            Liar.__module__ = "subprocess"
            """
        )

        with pytest.raises(errors.NotTrusted, match="no class defined in"):
            build(referred("stall.m", name), Trust(["stall.*"]))

    def test_modules_without_the_name(self, package):
        """No module is imported that doesn't have the name of the class in its text."""
        package(tests="raise SystemExit('imported')")

        with pytest.raises(errors.NotTrusted, match=r"stall\.tests\.Web is no class defined in stall\.tests"):
            build(made("stall.tests", "Web"), Trust(["stall.*"]))

        assert "stall.tests" not in sys.modules

    def test_lazy_modules(self, package):
        """No module is asked for a text of the file."""
        package(m="def __getattr__(name):\n    raise SystemExit(name)\n")

        with pytest.raises(errors.CannotBuild, match="has no 'Web'"):
            build(made("stall.m", "Web"), Trust(["stall.*"]))

    def test_modules_as_parts(self, package):
        """No module is imported as a part of a package."""
        package(tests="raise SystemExit('imported')")

        with pytest.raises((errors.CannotBuild, errors.NotTrusted)):
            build(made("stall", "tests.Web"), Trust(["stall.*"]))

        assert "stall.tests" not in sys.modules


class TestRenames:
    VICTIM = "class Mark:\n    def __setstate__(self, state): raise SystemExit('ran')\n"
    MOVED = (
        "from appsnap import evolve\nfrom stall.victim import Mark\nclass Thing: pass\n"
        "evolve.renamed('stall.moved.Old', Mark)\n"
    )

    def test_during_an_import(self, package):
        """A package that is imported for a file renames nothing to a thing that isn't trusted."""
        package(moved=self.MOVED, victim=self.VICTIM)
        recipe = Recipe(
            [
                Name("stall.moved", "Thing"),
                Name("stall.moved", "Old"),
                New(Ref(0), []),
                New(Ref(1), []),
                State(Ref(3), ["a"], [1]),
            ],
            Ref(2),
        )

        for _ in range(2):
            with pytest.raises(errors.NotTrusted, match=r"stall\.victim\.Mark"):
                build(recipe, Trust(["stall.moved.*"]))

    def test_to_a_thing_that_is_trusted(self, package):
        """A rename counts that comes with the import, where its new name is trusted too."""
        package(__init__="from appsnap import evolve\nclass Site: pass\nevolve.renamed('stall.Web', Site)")

        assert type(build(made("stall", "Web"), Trust(["stall.*"]))).__qualname__ == "Site"

    def test_to_a_value_type(self, package):
        """Nothing becomes a constructor that the audit didn't see."""
        package(
            __init__="import array\nfrom appsnap import evolve\nevolve.renamed('stall.Web', array._array_reconstructor)"
        )
        recipe = Recipe([Name("stall", "Web"), Call(Ref(0), [1])], Ref(1))

        with pytest.raises((errors.NotTrusted, errors.CannotBuild)):
            build(recipe, Trust(["call:stall.Web"]))


@pytest.mark.parametrize("name", ["numpy", "tzdata"])
def test_packages_beside_the_file(tmp_path, name):
    """No package is imported without trust from the current folder, or from that of the program."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("open('stolen', 'w').close()", "utf-8")
    made = "Recipe([Name('numpy', 'int8'), Call(Ref(0), [1])], Ref(1))"
    if name == "tzdata":
        made = "Recipe([Name('zoneinfo', 'ZoneInfo'), Call(Ref(0), ['Europe/Nowhere'])], Ref(1))"
    script = (
        "from appsnap.recipe.build import build\nfrom appsnap.recipe.steps import *\n"
        "from appsnap.recipe.trust import Trust\n"
        f"try: build({made}, Trust())\nexcept Exception as error: print(error)\n"
    )
    (tmp_path / "program.py").write_text(script, "utf-8")

    for command in (["-c", script], ["program.py"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=True)

        assert f"{name} isn't taken from {tmp_path.resolve()}" in done.stdout, done.stderr
    assert not (tmp_path / "stolen").exists()
