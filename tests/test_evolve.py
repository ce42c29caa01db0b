# ruff: noqa: D102, N815, RUF012 - classes as people write them, with Twisted's names
import dataclasses
import pathlib
import pickle
import sys
import threading

import pytest

from appsnap import EVERYTHING, dumps, evolve, loads
from appsnap.errors import CannotBuild
from appsnap.kinds import KINDS
from appsnap.service import MultiService, Service

TRUST = [f"{__name__}.*"]
LOCK = type(threading.Lock())
log = []


class Named:
    __transient__ = ("passing", "unused")


class Single:
    __transient__ = ("passing",)


class WithFactory:
    __transient__ = {"lock": threading.Lock, "passing": None}


class Inheriting(WithFactory, Named):
    __transient__ = {"passing": list}


class OldStyle:
    persistenceForgets = ("passing",)


class Forgetful(Named):
    """Its own __getstate__ drops the transient attributes."""

    def __getstate__(self):
        return self.__dict__


class Restoring(WithFactory):
    """Its own __setstate__ takes any state."""

    def __setstate__(self, state):
        self.__dict__.update(state, restored=sorted(state))


class Slotted:
    __slots__ = ("lasting", "lock", "passing")
    __transient__ = {"lock": threading.Lock, "passing": None}


@dataclasses.dataclass(frozen=True)
class Frozen:
    lasting: int
    lock: object = None
    __transient__ = {"lock": threading.Lock}


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlots:
    lasting: int
    lock: object = None
    __transient__ = {"lock": threading.Lock}


class Setter:
    """Its reduction has a state setter of its own."""

    __transient__ = ("passing",)

    def __reduce__(self):
        return Setter, (), self.__dict__, None, None, give


def give(obj, state):
    obj.__dict__.update(state)


class MyDict(dict):
    __transient__ = ("passing",)


class Plain:
    pass


class Document(evolve.Versioned):
    persistenceVersion = 3

    def upgradeToVersion1(self):
        log.append("document 1")

    def upgradeToVersion2(self):
        log.append("document 2")

    def upgradeToVersion3(self):
        log.append(("document 3", len(self.parts)))


class Letter(Document):
    persistenceVersion = 1

    def upgradeToVersion1(self):
        log.append("letter 1")


class Failing(evolve.Versioned):
    persistenceVersion = 1

    def upgradeToVersion1(self):
        raise ValueError("no way up")


def made(cls, **attributes):
    obj = object.__new__(cls) if not issubclass(cls, dict) else cls()
    for name, value in attributes.items():
        object.__setattr__(obj, name, value)
    return obj


def clear():
    evolve.transients.cache_clear()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [(*TRUST, f"call:{__name__}.Setter", f"call:{__name__}.give"), EVERYTHING])
class TestTransient:
    @pytest.mark.parametrize("cls", [Named, Single, OldStyle, Forgetful, Setter, MyDict])
    def test_never_saved(self, kind, trust, cls):
        """A transient attribute is never saved, even if the class has its own methods for its state."""
        obj = made(cls, lasting=1, passing=threading.Lock() if cls is not Setter else 5)

        data = dumps([obj, obj], kind)
        one, other = loads(data, trust=trust)

        assert one is other
        assert one.__dict__ == {"lasting": 1}
        assert b"passing" not in data
        assert hasattr(obj, "passing")

    @pytest.mark.parametrize("cls", [WithFactory, Inheriting, Slotted, Frozen, FrozenSlots, Restoring])
    def test_made_anew(self, kind, trust, cls):
        """A transient attribute with a factory is made anew, and the live object keeps its own."""
        lock = threading.Lock()
        obj = made(cls, lasting=1, lock=lock)

        back = loads(dumps(obj, kind), trust=trust)

        assert back.lasting == 1
        assert type(back.lock) is LOCK
        assert back.lock is not lock
        assert obj.lock is lock
        if cls is Inheriting:
            assert back.passing == []
        if cls is Restoring:
            assert back.restored == ["lasting"]
        if cls is Slotted:
            assert not hasattr(back, "passing")

    def test_nothing_else(self, kind, trust):
        """An object that has only transient attributes, or none at all, comes back without."""
        for obj in (made(Named, passing=1), made(Named), made(Slotted, lock=1)):
            back = loads(dumps(obj, kind), trust=trust)

            assert type(back) is type(obj)
            assert not hasattr(back, "passing")

    def test_old_file(self, kind, trust, monkeypatch):
        """An attribute that became transient later doesn't come back from an old file."""
        data = dumps([made(Plain, lasting=1, passing=2)], kind)
        monkeypatch.setattr(Plain, "__transient__", {"passing": None, "lock": threading.Lock}, raising=False)
        clear()
        try:
            (back,) = loads(data, trust=trust)
        finally:
            monkeypatch.undo()
            clear()

        assert back.lasting == 1
        assert not hasattr(back, "passing")
        assert type(back.lock) is LOCK

    def test_file_of_another_writer(self, kind, trust):
        """A pickle by somebody else that has a transient attribute loses it, too."""
        if kind != "pickle":
            pytest.skip("the others have no other writers")

        back = loads(pickle.dumps(made(Named, lasting=1, passing=2)), trust=trust)

        assert back.__dict__ == {"lasting": 1}


@pytest.mark.parametrize("kind", KINDS)
class TestServices:
    def test_running_is_never_saved(self, kind):
        """A service is stopped when it comes back, even if a subclass forgets about it."""
        tree, child = MultiService(), Service()
        child.setServiceParent(tree)
        tree.running = child.running = 1

        back = loads(dumps(tree, kind))

        assert not back.running
        assert not next(iter(back)).running
        assert tree.running

    def test_ephemeral(self, kind):
        """In the place of something ephemeral a bare Ephemeral comes back."""

        class Connection(evolve.Ephemeral):
            pass

        connection = Connection()
        connection.lock = threading.Lock()

        one, other = loads(dumps([connection, connection], kind))

        assert type(one) is evolve.Ephemeral
        assert one is other


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
class TestVersioned:
    def upgraded(self, kind, trust, cls, monkeypatch, **versions):
        for base, version in versions.items():
            monkeypatch.setattr(globals()[base], "persistenceVersion", version)
        documents = [made(cls, parts=[]), made(cls, parts=[])]
        documents[0].parts.extend(documents)
        data = dumps(documents, kind)
        monkeypatch.undo()
        log.clear()
        back = loads(data, trust=trust)
        assert back[0].parts == back
        assert sorted(back[0].__dict__) == ["parts"]
        return log

    def test_up_to_date(self, kind, trust, monkeypatch):
        """Objects of today's version are left alone."""
        assert self.upgraded(kind, trust, Letter, monkeypatch) == []

    def test_order(self, kind, trust, monkeypatch):
        """Each object takes the steps it lacks, in order, base classes first, when all are complete."""
        found = self.upgraded(kind, trust, Letter, monkeypatch, Document=1, Letter=0)

        first, second = ["document 2", ("document 3", 2), "letter 1"], ["document 2", ("document 3", 0), "letter 1"]
        assert found in ([*first, *second], [*second, *first])

    def test_far_back(self, kind, trust, monkeypatch):
        """Versions before the first one, of which a file can claim a trillion, aren't counted through."""
        found = self.upgraded(kind, trust, Letter, monkeypatch, Document=-(10**12), Letter=0)

        assert found[:2] == ["document 1", "document 2"]
        assert len(found) == 8

    def test_failing(self, kind, trust, monkeypatch):
        """An upgrade that fails is an error of ours, which names the class."""
        monkeypatch.setattr(Failing, "persistenceVersion", 0)
        data = dumps(made(Failing), kind)
        monkeypatch.undo()

        with pytest.raises(CannotBuild, match=r"Failing.*no way up"):
            loads(data, trust=trust)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("everything", [False, True])
class TestRenamed:
    @pytest.fixture(autouse=True)
    def _forget(self):
        yield
        evolve._successors.clear()

    def test_classes(self, kind, everything, monkeypatch):
        """Objects of a renamed class, its members and its nested classes are those of its successor."""

        def method(self):
            return 1

        def other(self):
            return 2

        method.__qualname__, other.__qualname__ = "Old.method", "New.method"
        old = type("Old", (), {"__module__": __name__, "method": method})
        old.Inner = type("Inner", (), {"__module__": __name__, "__qualname__": "Old.Inner"})
        new = type("New", (), {"__module__": __name__, "method": other})
        new.Inner = type("Inner", (), {"__module__": __name__, "__qualname__": "New.Inner"})
        monkeypatch.setitem(globals(), "Old", old)
        data = dumps([old(), old, old.Inner(), old().method], kind)
        monkeypatch.delitem(globals(), "Old")
        monkeypatch.setitem(globals(), "New", new)
        evolve.renamed(f"{__name__}.Old", new)

        obj, cls, inner, method = loads(data, trust=EVERYTHING if everything else TRUST)

        assert type(obj) is cls is new
        assert type(inner) is new.Inner
        assert method() == 2

    def test_trust_is_in_the_new_name(self, kind, everything):
        """The name of the loaded class must be trusted, not the name in the file."""
        data = dumps(made(Plain), kind)
        evolve.renamed(f"{__name__}.Plain", Named)

        back = loads(data, trust=EVERYTHING if everything else [f"{__name__}.Named"])

        assert type(back) is Named

    def test_versions(self, kind, everything, monkeypatch):
        """A renamed class keeps the version of its objects."""
        old = type("Old", (evolve.Versioned,), {"__module__": __name__, "persistenceVersion": 1})
        monkeypatch.setitem(globals(), "Old", old)
        obj = old()
        obj.parts = []
        data = dumps(obj, kind)
        evolve.renamed(f"{__name__}.Old", Document)
        log.clear()

        back = loads(data, trust=EVERYTHING if everything else TRUST)

        assert log == ["document 2", ("document 3", 0)]
        assert back.__dict__ == {"parts": []}


class TestPrivateModules:
    @pytest.mark.parametrize("everything", [False, True])
    def test_paths(self, everything):
        """Paths that Python 3.13 saved, where their classes have a module of their own, come back in any version."""
        data = b"cpathlib._local\nPurePosixPath\n(S'/a'\ntR."

        assert loads(data, kind="pickle", trust=EVERYTHING if everything else ()) == pathlib.PurePosixPath("/a")

    def test_saved_by_public_names(self):
        """A file names the public module, which every version of Python has."""
        assert b"_local" not in dumps([pathlib.Path("a"), pathlib.PurePath], "pickle")


class TestKnown:
    def test_looked_up_anew(self, monkeypatch):
        """The save looks up sys.stdout when it begins."""
        replaced = object()
        monkeypatch.setattr(sys, "stdout", replaced)

        assert evolve.known_objects()["sys", "stdout"] is replaced
        assert loads(dumps([replaced], "msgpack")) == [replaced]


class Grown(evolve.Versioned):
    persistenceVersion = 2

    def upgradeToVersion1(self):
        log.append("grown 1")

    def upgradeToVersion2(self):
        log.append("grown 2")


class Shrunk(Grown):
    pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
class TestVersionsThatDoNotFit:
    def refused(self, kind, trust, cls, monkeypatch, **attributes):
        """Return the error of a load after which no upgrade has run, with the path of the object."""
        data = dumps({"it": [made(cls, **attributes), made(Letter, parts=[])]}, kind)
        monkeypatch.undo()
        log.clear()
        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=trust)
        assert log == []
        assert caught.value.path == 'object["it"][0]'
        return caught.value

    def test_newer_than_the_code(self, kind, trust, monkeypatch):
        """An object that newer code has saved isn't loaded by older code."""
        monkeypatch.setattr(Grown, "persistenceVersion", 3)

        error = self.refused(kind, trust, Grown, monkeypatch)

        assert f"version 3 of {__name__}.Grown, and the code has version 2" in str(error)

    def test_a_step_is_missing(self, kind, trust, monkeypatch):
        """Each version between the saved one and that of the code has its method."""
        monkeypatch.setattr(Grown, "persistenceVersion", 0)
        data = dumps({"it": [made(Grown)]}, kind)
        monkeypatch.undo()
        monkeypatch.delattr(Grown, "upgradeToVersion1")
        log.clear()

        with pytest.raises(CannotBuild, match=r"version 0 of .*Grown.* version 2.* upgradeToVersion1") as caught:
            loads(data, trust=trust)

        assert log == []
        assert caught.value.path == 'object["it"][0]'
        assert caught.value.hint == "add Grown.upgradeToVersion1"

    def test_a_class_has_no_versions_any_more(self, kind, trust, monkeypatch):
        """The version of a base that has no versions today isn't dropped."""
        monkeypatch.setattr(Shrunk, "persistenceVersion", 4, raising=False)

        error = self.refused(kind, trust, Shrunk, monkeypatch)

        assert f"version 4 of {__name__}.Shrunk" in str(error)
        assert "renamed(" in error.hint

    def test_no_number(self, kind, trust, monkeypatch):
        """A version that is no number is an error."""
        monkeypatch.setattr(Grown, "persistenceVersion", "new")

        assert "new is no version" in str(self.refused(kind, trust, Grown, monkeypatch))

    def test_a_nest(self, kind, trust, monkeypatch):
        """A version that would never be printed whole is shown by its type."""
        nest = [1]
        for _ in range(60):
            nest = [nest, nest]
        for version, cls in ((nest, "list"), (1 << 100_000, "int")):
            for owner in (Grown, Shrunk):
                monkeypatch.setattr(owner, "persistenceVersion", version, raising=False)

                assert f"<builtins.{cls}>" in str(self.refused(kind, trust, owner, monkeypatch))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
class TestVersionsOfTwisted:
    @pytest.fixture
    def cls(self, monkeypatch, twisted):
        styles = twisted("twisted.persisted.styles")
        steps = {f"upgradeToVersion{n}": lambda _, n=n: log.append(f"record {n}") for n in (1, 2)}
        body = {"__module__": __name__, "persistenceVersion": 2, **steps}
        cls = type("Record", (styles.Versioned,), body)
        monkeypatch.setitem(globals(), "Record", cls)
        log.clear()
        yield cls
        assert styles.versionedsToUpgrade == {}

    def test_upgraded(self, kind, trust, cls, monkeypatch):
        """Objects of Twisted's class are upgraded, each once."""
        monkeypatch.setattr(cls, "persistenceVersion", 1)
        data = dumps([made(cls, n=1)], kind)
        monkeypatch.setattr(cls, "persistenceVersion", 2)

        (back,) = loads(data, trust=trust)

        assert log == ["record 2"]
        assert back.__dict__ == {"n": 1}

    def test_newer(self, kind, trust, cls, monkeypatch):
        """An object that newer code has saved isn't loaded by older code."""
        monkeypatch.setattr(cls, "persistenceVersion", 3)
        data = dumps({"it": made(cls, n=1)}, kind)
        monkeypatch.setattr(cls, "persistenceVersion", 2)

        with pytest.raises(CannotBuild, match=r"version 3 of .*Record, and the code has version 2") as caught:
            loads(data, trust=trust)

        assert caught.value.path == 'object["it"]'
