import enum
import re
import sys
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
