import enum
import os
import re
import subprocess
import sys
import textwrap
import types

import pytest

from appsnap import EVERYTHING, dumps, evolve, loads
from appsnap.errors import CannotBuild
from appsnap.kinds import KINDS

OLD = """
import enum
class Mode(enum.Enum):
    FAST = 1
    SLOW = 2
class Job:
    def close(self): return "closed"
    @classmethod
    def made(cls): return cls()
    class Part: pass
def work(): return "worked"
"""
NEW = """
import enum
class Mode(enum.Enum):
    FAST = 1
    STEADY = 2
class Task:
    def shut(self): return "closed"
    class Piece: pass
def labour(): return "worked"
class Job:
    def shut(self): return "closed"
"""


def module(name, text):
    made = types.ModuleType(name)
    made.__spec__ = sys.modules[__name__].__spec__
    exec(text, made.__dict__)
    return made


@pytest.fixture
def versions(monkeypatch):
    """Return a function that puts a new version of the module `shop_of_test` in the place of the old one."""

    def swap(text, name="shop_of_test"):
        made = module(name, text)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    yield swap
    evolve._successors.clear()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("everything", [False, True])
class TestHints:
    @pytest.mark.parametrize(
        ("gone", "functions"),
        [
            ("Mode.SLOW", (lambda m: m.Mode.SLOW, lambda m: m.Mode.STEADY, lambda m, x: x is m.Mode.STEADY)),
            ("work", (lambda m: m.work, lambda m: m.labour, lambda m, x: x is m.labour)),
            ("Job.Part", (lambda m: m.Job.Part, lambda m: m.Task.Piece, lambda m, x: x is m.Task.Piece)),
            ("Job.close", (lambda m: m.Job().close, lambda m: m.Job.shut, lambda _, x: x() == "closed")),
            ("Job.close", (lambda m: m.Job.close, lambda m: m.Job.shut, lambda m, x: x is m.Job.shut)),
        ],
    )
    def test_work(self, kind, everything, versions, gone, functions):
        """The hint about a thing that is gone names a call, and that call helps: a member, a function, a method."""
        take, new, same = functions
        data = dumps({"it": take(versions(OLD))}, kind)
        shop = versions(NEW)
        trust = EVERYTHING if everything else ["shop_of_test.Job", "shop_of_test.Mode", "shop_of_test.work"]
        trust = trust if everything else [*trust, "shop_of_test.labour", "shop_of_test.Task"]

        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=EVERYTHING)
        said = re.search(r"appsnap\.evolve\.renamed\('shop_of_test\.([\w.]+)', (\w+)\)", caught.value.hint)
        assert said[1] == gone
        assert '["it"]' in caught.value.path

        evolve.renamed(f"shop_of_test.{gone}", new(shop))

        assert same(shop, loads(data, trust=trust)["it"])

    def test_the_new_name_counts_where_the_old_one_is_in_use_again(self, kind, everything, versions):
        """A member that was renamed is the new one, even if another member has its old name."""
        data = dumps([versions(OLD).Mode.SLOW], kind)
        shop = versions("import enum\nclass Mode(enum.Enum):\n    SLOW = 1\n    STEADY = 2\n")
        evolve.renamed("shop_of_test.Mode.SLOW", shop.Mode.STEADY)

        assert loads(data, trust=EVERYTHING if everything else ["shop_of_test.Mode"]) == [shop.Mode.STEADY]

    def test_modules(self, kind, everything, versions):
        """Everything in a module moves with it."""
        shop = versions(OLD)
        data = dumps([shop.Job(), shop.work, shop.Mode.SLOW, shop], kind)
        other = versions(OLD, "store_of_test")
        trust = ["store_of_test", "store_of_test.Job", "store_of_test.work", "store_of_test.Mode"]

        evolve.renamed("shop_of_test", other)
        job, work, mode, found = loads(data, trust=EVERYTHING if everything else trust)

        assert type(job) is other.Job
        assert work is other.work
        assert mode is other.Mode.SLOW
        assert found is other


class TestOtherHints:
    def test_members_are_listed(self, versions):
        """Where a member is gone, the hint has those that are there."""
        data = dumps(versions(OLD).Mode.SLOW)
        versions(NEW)

        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=EVERYTHING)

        assert caught.value.hint.startswith("Mode has FAST, STEADY; was it renamed?")

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("import nonesuch_of_test", "install nonesuch_of_test, which late_of_test imports"),
            ("raise OSError('no disk')", ""),
            ("from json import nonesuch", ""),
        ],
    )
    def test_a_module_that_fails(self, versions, monkeypatch, tmp_path, text, hint):
        """Nobody hears of new names where the module is there, and its own code fails."""
        data = dumps(versions(OLD, "late_of_test").Job())
        monkeypatch.delitem(sys.modules, "late_of_test")
        (tmp_path / "late_of_test.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=EVERYTHING)

        assert caught.value.hint == hint

    def test_a_module_of_the_old_name(self, versions, monkeypatch, tmp_path):
        """A module that is gone: one of its name that imports everything from the new one helps, as the hint says."""
        data = dumps(versions(OLD, "late_of_test").Job())
        monkeypatch.delitem(sys.modules, "late_of_test")
        versions(OLD, "new_of_test")

        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=EVERYTHING)

        assert "a module late_of_test says so that imports everything from the new one" in caught.value.hint
        (tmp_path / "late_of_test.py").write_text("from new_of_test import *")
        monkeypatch.syspath_prepend(tmp_path)
        assert type(loads(data, trust=EVERYTHING)).__module__ == "new_of_test"


class TestRenamed:
    @pytest.mark.parametrize("new", [5, "shop.Job", lambda: None, enum.Flag("F", "A B")(3), object()])
    def test_needs_a_name(self, new):
        """Only a thing that a load can find by its name takes the place of another one."""
        with pytest.raises(TypeError, match="is needed"):
            evolve.renamed("shop.Old", new)


class TestRenamedByTheImport:
    """A package tells its new names when it is imported, and nothing has imported it before the load."""

    OLD = """
        import enum
        class Web:
            class Part: pass
            def close(self): return "closed"
        class Mode(enum.Enum):
            SLOW = 1
        def work(): return "worked"
    """
    NEW = """
        import enum
        from appsnap.evolve import renamed
        class Site:
            class Part: pass
            def shut(self): return "closed"
        class Pace(enum.Enum):
            STEADY = 1
        def labour(): return "worked"
        renamed("shop_of_import.Web", Site)
        renamed("shop_of_import.Web.close", Site.shut)
        renamed("shop_of_import.Mode", Pace)
        renamed("shop_of_import.Mode.SLOW", Pace.STEADY)
        renamed("shop_of_import.work", labour)
    """
    THINGS = {  # noqa: RUF012 - never changed
        "class": ("shop.Web()", "Site"),
        "inner": ("shop.Web.Part()", "Site.Part"),
        "method": ("shop.Web().close", "method"),
        "member": ("shop.Mode.SLOW", "Pace"),
        "function": ("shop.work", "function"),
        "after others": ("[shop.Web(), {1: shop.work}, shop.Mode.SLOW]", "list"),
    }

    @staticmethod
    def run(folder, code):
        """Run code in a new process that finds modules in a folder."""
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-c", f"import sys, appsnap\n{code}"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)

    def write(self, tmp_path, **texts):
        """Write the versions of a module to folders."""
        for name, text in texts.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "shop_of_import.py").write_text(textwrap.dedent(text))

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("everything", [False, True], ids=["names", "everything"])
    def test_each(self, tmp_path, kind, everything):
        """The new names count, in each kind, for own files and where names are trusted."""
        self.write(tmp_path, old=self.OLD, new=self.NEW)
        saves = "".join(
            f"appsnap.save({expression}, {str(tmp_path / name)!r}, kind={kind!r}, sign=False)\n"
            for name, (expression, _) in self.THINGS.items()
        )
        saved = self.run(tmp_path / "old", f"import shop_of_import as shop\n{saves}")
        assert saved.stderr == ""
        names = ["shop_of_import.*", "shop_of_import.work", "shop_of_import.labour"]
        trust = "appsnap.EVERYTHING" if everything else repr(names)

        for name, (_, expected) in self.THINGS.items():
            code = f"print(type(appsnap.load({str(tmp_path / name)!r}, trust={trust})).__qualname__)"
            found = self.run(tmp_path / "new", code)

            assert (found.stdout.strip(), found.stderr) == (expected, ""), name

    @pytest.mark.parametrize("kind", KINDS)
    def test_old_name_still_there(self, tmp_path, kind):
        """The new name counts, too, where the module keeps the old one for others."""
        new = (
            "class Web: pass\nclass Site: pass\nfrom appsnap.evolve import renamed\nrenamed('shop_of_import.Web', Site)"
        )
        self.write(tmp_path, old="class Web: pass", new=new)
        path = str(tmp_path / "file")
        self.run(tmp_path / "old", f"import shop_of_import as shop\nappsnap.save(shop.Web(), {path!r}, kind={kind!r})")

        found = self.run(tmp_path / "new", f"print(type(appsnap.load({path!r}, trust=appsnap.EVERYTHING)).__name__)")

        assert (found.stdout, found.stderr) == ("Site\n", "")

    @pytest.mark.parametrize("kind", KINDS)
    def test_module_that_is_gone(self, tmp_path, kind):
        """A package may rename a module of its own that is gone."""
        for name in ("old", "new"):
            (tmp_path / name / "pack_of_import").mkdir(parents=True)
        (tmp_path / "old/pack_of_import/__init__.py").write_text("")
        (tmp_path / "old/pack_of_import/web.py").write_text("class Web: pass")
        (tmp_path / "new/pack_of_import/site.py").write_text("class Web: pass")
        (tmp_path / "new/pack_of_import/__init__.py").write_text(
            "from pack_of_import import site\nfrom appsnap.evolve import renamed\nrenamed('pack_of_import.web', site)"
        )
        path = str(tmp_path / "file")
        code = f"from pack_of_import import web\nappsnap.save([web.Web(), web], {path!r}, kind={kind!r}, sign=False)"
        assert self.run(tmp_path / "old", code).stderr == ""

        for trust in ("appsnap.EVERYTHING", "['pack_of_import.*', 'pack_of_import.web', 'pack_of_import.site']"):
            found = self.run(tmp_path / "new", f"print(appsnap.load({path!r}, trust={trust})[0].__module__)")

            assert (found.stdout, found.stderr) == ("pack_of_import.site\n", "")

    @pytest.mark.parametrize("kind", KINDS)
    def test_new_name_has_to_be_trusted(self, tmp_path, kind):
        """A trusted module can't lead to a name that isn't trusted itself."""
        new = """
            import subprocess
            from appsnap.evolve import renamed
            renamed("shop_of_import.Web", subprocess.Popen)
        """
        self.write(tmp_path, old="class Web: pass", new=new)
        path = str(tmp_path / "file")
        code = f"import shop_of_import as shop\nappsnap.save(shop.Web(), {path!r}, kind={kind!r}, sign=False)"
        assert self.run(tmp_path / "old", code).stderr == ""

        found = self.run(tmp_path / "new", f"appsnap.load({path!r}, trust=['shop_of_import.*'])")

        assert "NotTrusted" in found.stderr
        assert "subprocess.Popen" in found.stderr
