"""Methods that change the object while it is saved: afterwards it is as before, and the file has their result."""

import collections
import threading

import pytest

from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.kinds import KINDS

TRUST = [f"{__name__}.*", f"call:{__name__}.rebuilt"]


def rebuilt(state):
    obj = Base.__new__(Base)
    obj.__dict__.update(state)
    return obj


class Base:
    def __init__(self):
        self.kept, self.lock, self.items = 1, threading.Lock(), [2]


class Deletes(Base):
    """Twisted's LogFile does this."""

    def __getstate__(self):
        state = self.__dict__
        del state["lock"]
        return state


class DeletesFromTheStandardState(Base):
    """The standard state is the live `__dict__`."""

    def __getstate__(self):
        state = super().__getstate__()
        del state["lock"]
        return state


class Pops(Base):
    def __getstate__(self):
        self.__dict__.pop("lock")
        return ("v1", [self.__dict__])

    def __setstate__(self, state):
        self.__dict__.update(state[1][0])


class Overwrites(Base):
    def __getstate__(self):
        self.lock = None
        return self.__dict__


class Replaces(Base):
    def __getstate__(self):
        self.__dict__ = {"kept": self.kept, "items": self.items}
        return self.__dict__


class Adds(Base):
    def __getstate__(self):
        del self.lock
        self.saved = True
        return dict(self.__dict__)


class Reduces(Base):
    def __reduce__(self):
        del self.lock
        return rebuilt, (self.__dict__,)


class Clears(Base):
    def __getstate__(self):
        state = {"kept": self.kept, "items": self.items}
        self.__dict__.clear()
        return state


class InSlots:
    __slots__ = ("items", "kept", "lock")

    def __init__(self):
        self.kept, self.lock, self.items = 1, threading.Lock(), [2]

    def __getstate__(self):
        del self.lock
        self.items = [2]
        return None, {"kept": self.kept, "items": self.items}


class Selfish(Base):
    """It has itself in its state, and looks itself up."""

    registry: dict = {}  # noqa: RUF012 - as people write it

    def __getstate__(self):
        del self.__dict__["lock"]
        return {**self.__dict__, "me": self, "number": self.registry[id(self)]}


class OfDict(dict):
    def __init__(self):
        self.lock = threading.Lock()

    def __getstate__(self):
        del self.lock
        return {"kept": 1, "items": sorted(self)}


class Shared(Base):
    """All objects have the attributes of one."""

    state: dict = {}  # noqa: RUF012 - as people write it

    def __init__(self):
        self.__dict__ = self.state
        super().__init__()

    def __getstate__(self):
        del self.lock
        return self.__dict__.copy()


class Fails(Base):
    def __getstate__(self):
        del self.lock
        raise ValueError("no state")


def attributes(obj):
    if hasattr(obj, "__dict__"):
        return obj.__dict__
    return {name: getattr(obj, name) for name in obj.__slots__}


CLASSES = [
    Deletes,
    DeletesFromTheStandardState,
    Pops,
    Overwrites,
    Replaces,
    Adds,
    Reduces,
    Clears,
    InSlots,
    Selfish,
    OfDict,
    Shared,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
@pytest.mark.parametrize("cls", CLASSES)
def test_as_before(kind, trust, cls):
    """The live object has its attributes, in the same dictionary, and the copy has those of the state."""
    obj = cls()
    Selfish.registry[id(obj)] = 5
    if cls is OfDict:
        obj[2] = 3
    own, before = getattr(obj, "__dict__", None), dict(attributes(obj))

    back, other = loads(dumps([obj, obj], kind), trust=trust)

    assert getattr(obj, "__dict__", None) is own
    assert attributes(obj) == before
    assert all(attributes(obj)[name] is value for name, value in before.items())
    assert back is other
    assert (back.kept, back.items) == (1, [2])
    assert getattr(back, "lock", None) is None
    if cls is Selfish:
        assert back.me is back
        assert back.number == 5


@pytest.mark.parametrize("kind", KINDS)
def test_when_it_fails(kind):
    """The object is as before even if its method raises."""
    obj = Fails()
    before = dict(obj.__dict__)

    with pytest.raises(CannotSave, match="no state"):
        dumps(obj, kind)

    assert obj.__dict__ == before


class Plain(Base):
    """Its method changes nothing, and has a list of the object in its state."""

    def __getstate__(self):
        return {"items": self.items, "kept": {"items": self.items}, "ordered": collections.OrderedDict(a=[1])}


@pytest.mark.parametrize("kind", KINDS)
def test_identity(kind):
    """Objects in a state stay the same objects."""
    obj = Plain()

    back, items = loads(dumps([obj, obj.items], kind), trust=EVERYTHING)

    assert back.items is back.kept["items"] is items
    assert type(back.ordered) is collections.OrderedDict


def test_log_file_of_twisted(tmp_path, twisted):
    """A log file goes on writing after a save: its own `__getstate__` would spoil it."""
    logfile = twisted("twisted.python.logfile")
    log = logfile.LogFile("a.log", str(tmp_path))
    before = dict(log.__dict__)
    for kind in KINDS:
        dumps(log, kind)

    assert log.__dict__ == before
    log.write("text")
    log.close()
