"""Methods that take objects apart or put them together run once, whether a save or a load succeeds or fails."""

import collections
import copyreg
import sys

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.errors import CannotBuild, CannotSave
from appsnap.kinds import KINDS

calls = collections.Counter()


class Base:
    def __init__(self, n=0):
        self.n = n

    def count(self, name):
        """Note a call."""
        calls[f"{type(self).__name__}.{name}"] += 1


class Reduces(Base):
    def __reduce__(self):
        self.count("__reduce__")
        return made, (self.n,)


class ReducesEx(Base):
    def __reduce_ex__(self, _):
        self.count("__reduce_ex__")
        return ReducesEx, (self.n,), {"n": self.n}, iter([1, 2]), iter({3: 4}.items())

    def append(self, item):
        """Take an item."""
        self.count("append")

    def __setitem__(self, key, value):
        self.count("__setitem__")


class States(Base):
    def __getstate__(self):
        self.count("__getstate__")
        return {"n": self.n}

    def __setstate__(self, state):
        self.count("__setstate__")
        self.__dict__.update(state)


class Arguments(Base):
    def __getnewargs__(self):
        self.count("__getnewargs__")
        return (self.n,)

    def __new__(cls, _):  # noqa: D102 - as above
        calls["Arguments.__new__"] += 1
        return object.__new__(cls)


class Registered(Base):
    pass


class Refuses(Base):
    def __reduce__(self):
        self.count("__reduce__")
        raise ValueError("no")


class RefusesState(Base):
    def __getstate__(self):
        self.count("__getstate__")
        raise ValueError("no")


class Moody(Base):
    """Each load of one fails, after it has got its state."""

    def __getstate__(self):
        return {"n": self.n}

    def __setstate__(self, state):
        self.count("__setstate__")
        self.__dict__.update(state)
        raise ValueError("not today")


class Unmakeable(Base):
    fails = False

    def __reduce__(self):
        return failing, (self.n,)


class Unborn(Base):
    fails = False

    def __getnewargs__(self):
        return ()

    def __new__(cls, *_):  # noqa: D102 - as above
        if cls.fails:
            calls["Unborn.__new__"] += 1
            raise ValueError("not today")
        return object.__new__(cls)


class Key(Base):
    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        return self.n == other.n


def made(n):
    """Make an object, as a call of a file."""
    calls["made"] += 1
    return Reduces(n)


def failing(_):
    """Fail, as a call of a file."""
    calls["failing"] += 1
    raise ValueError("not today")


def reduce_registered(obj):
    """Take an object apart, as a function of `copyreg`."""
    obj.count("copyreg")
    return Registered, (obj.n,)


copyreg.pickle(Registered, reduce_registered)


@pytest.fixture(autouse=True)
def _no_calls(monkeypatch):
    calls.clear()
    yield
    calls.clear()


def all_of_them():
    return [Reduces(1), ReducesEx(2), States(3), Arguments(4), Registered(5)]


SAVING = {
    "Reduces.__reduce__": 1,
    "ReducesEx.__reduce_ex__": 1,
    "States.__getstate__": 1,
    "Arguments.__getnewargs__": 1,
    "Registered.copyreg": 1,
}
LOADING = {
    "made": 1,
    "ReducesEx.append": 2,
    "ReducesEx.__setitem__": 1,
    "States.__setstate__": 1,
    "Arguments.__new__": 1,
}


def nested(depth, found):
    for _ in range(depth):
        found = [found]
    return found


def arrays():
    numpy = pytest.importorskip("numpy")
    data = numpy.arange(100_000.0)
    return [data, data[:50_000]]


GRAPHS = {
    "list": all_of_them,
    "dict": lambda: {obj.n: {"it": obj} for obj in all_of_them()},
    "set": lambda: [{obj} for obj in all_of_them()],
    "one-set": lambda: {*all_of_them()},
    "deep": lambda: [all_of_them(), nested(5_000, [])],
    "deep-below": lambda: nested(5_000, all_of_them()),
    "code": lambda: [all_of_them(), lambda: 1],
    "arrays": lambda: [all_of_them(), *arrays()],
    "large": lambda: [bytes(100_000), *all_of_them()],
    "bytes": lambda: [all_of_them(), [bytearray(70_000)]],
}


@pytest.mark.parametrize("kind", KINDS)
class TestSuccess:
    @pytest.mark.parametrize("name", GRAPHS)
    def test_save_and_load(self, kind, name):
        """Each method runs once in a save, and once in a load."""
        obj = GRAPHS[name]()
        calls.clear()

        data = dumps(obj, kind)
        assert calls == SAVING
        calls.clear()
        loads(data, trust=EVERYTHING)

        assert calls == LOADING


@pytest.mark.parametrize("kind", KINDS)
class TestFailingSaves:
    @pytest.mark.parametrize(
        ("bad", "counted", "path"),
        [
            (Refuses, {"Refuses.__reduce__": 1}, 'object["all"][1]["it"]'),
            (RefusesState, {"RefusesState.__getstate__": 1}, 'object["all"][1]["it"]'),
            (lambda: (x for x in ()), {}, 'object["all"][1]["it"]'),
        ],
        ids=["reduce", "getstate", "generator"],
    )
    def test_each(self, kind, bad, counted, path):
        """A save that fails has called each method once, and names the place."""
        obj = {"first": all_of_them(), "all": [1, {"it": bad()}], "set": {Key(1)}}
        calls.clear()

        with pytest.raises(CannotSave) as caught:
            dumps(obj, kind)

        assert calls == SAVING | counted
        assert [place.path for place in caught.value.places] == [path]

    def test_two(self, kind):
        """Two objects that refuse are named both, and each is asked once."""
        with pytest.raises(CannotSave) as caught:
            dumps([Refuses(), [RefusesState()]], kind)

        assert calls == {"Refuses.__reduce__": 1, "RefusesState.__getstate__": 1}
        assert [place.path for place in caught.value.places] == ["object[0]", "object[1][0]"]


@pytest.mark.parametrize("kind", KINDS)
class TestFailingLoads:
    @pytest.mark.parametrize(
        "failure",
        [
            (Moody, "Moody.__setstate__", "Moody"),
            (Unmakeable, "failing", "failing"),
            (Unborn, "Unborn.__new__", "Unborn"),
        ],
        ids=["setstate", "call", "new"],
    )
    @pytest.mark.parametrize(
        "placed",
        [
            (lambda bad: {"all": [1, {"it": bad}]}, 'object[1]["all"][1]["it"]'),
            (lambda bad: [(1, bad)], "object[1][0][1]"),
            (lambda bad: States([bad]), "object[1].n[0]"),
            (lambda bad: {Key(1): [bad]}, None),
            (lambda bad: nested(300, bad), None),
        ],
        ids=["dict", "tuple", "state", "key", "deep"],
    )
    def test_each(self, kind, failure, placed, monkeypatch):
        """A load that fails has called each method once, and names the place."""
        bad, name, cls = failure
        place, path = placed
        data = dumps([all_of_them(), place(bad(7)), [States(8)]], kind)
        monkeypatch.setattr(Unborn, "fails", True)
        calls.clear()

        with pytest.raises(CannotBuild, match="ValueError: not today") as caught:
            loads(data, trust=EVERYTHING)

        # In source and xml, deep parts stand before the others.
        assert calls.items() <= (LOADING | {name: 1}).items()
        assert calls[name] == 1
        assert caught.value.type == f"{__name__}.{cls}"
        assert caught.value.path == path or path is None

    def test_names(self, kind, monkeypatch):
        """A class that is gone is named with its path, and what came before it ran once."""
        data = dumps([States(1), {"it": Key(2)}], kind)
        monkeypatch.delattr(sys.modules[__name__], "Key")
        calls.clear()

        with pytest.raises(CannotBuild) as caught:
            loads(data, trust=EVERYTHING)

        assert calls["States.__setstate__"] <= 1
        assert caught.value.path == 'object[1]["it"]'
        assert f"renamed('{__name__}.Key', TheNewClass)" in caught.value.hint

    def test_memory(self, kind, monkeypatch):
        """Where memory ends, that is the error, and nothing is tried again."""
        data = dumps([States(1), Moody(2)], kind)

        def end(self, _):
            self.count("__setstate__")
            raise MemoryError

        monkeypatch.setattr(Moody, "__setstate__", end)
        with pytest.raises(MemoryError):
            loads(data, trust=EVERYTHING)

        assert calls["Moody.__setstate__"] == 1

    def test_memory_at_a_save(self, kind, monkeypatch):
        """It is the same in a save."""

        def end(self):
            self.count("__reduce__")
            raise MemoryError

        monkeypatch.setattr(Refuses, "__reduce__", end)
        with pytest.raises(MemoryError) as caught:
            dumps([Refuses()], kind)

        assert not isinstance(caught.value, CannotSave)
        assert calls == {"Refuses.__reduce__": 1}
