"""`running` is false after every load, and in no file under its own name: services of every shape, in all kinds."""

import copy
import pickle

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.files.layers import Opening, unwrap
from appsnap.files.streams import Memory
from appsnap.kinds import KINDS
from appsnap.kinds.documents import open_document
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.service import MultiService, Service

TRUST = [f"{__name__}.*", *(f"call:{__name__}.{name}" for name in ("made", "empty", "given"))]


def made(cls, on, data):
    obj = cls.__new__(cls)
    obj.__dict__.update(data)
    obj.running = on
    return obj


def empty(cls):
    return cls.__new__(cls)


def given(obj, state):
    obj.__dict__.update(state[0])
    obj.running = state[1]


def dunder(name, get=None, put=None, **body):
    """Return the body of a class that gives its state in one way, and takes it back in another one."""
    if get is not None:
        body[name] = get
    if put is not None:
        body["__setstate__"] = put
    return body


def state(get=None, put=None, **body):
    return dunder("__getstate__", get, put and (lambda self, state: self.__dict__.update(put(state))), **body)


SHAPES = {
    "plain": {},
    "forgets": state(lambda self: dict(self.__dict__)),
    "live": state(lambda self: self.__dict__),
    "nested": state(lambda self: {"inner": dict(self.__dict__)}, lambda state: state["inner"]),
    "deep": state(
        lambda self: {"inner": copy.deepcopy({"data": self.data, "running": self.running})},
        lambda state: state["inner"],
    ),
    "pair": state(lambda self: ("v1", dict(self.__dict__)), lambda state: state[1]),
    "list": state(lambda self: [[dict(self.__dict__)]], lambda state: state[0][0]),
    "values": state(lambda self: (self.running, self.data), lambda state: {"running": state[0], "data": state[1]}),
    "other key": state(
        lambda self: {"on": self.running, "data": self.data},
        lambda state: {"running": state["on"], "data": state["data"]},
    ),
    "sets itself": state(None, lambda state: {**state, "running": True}),
    "argument": dunder("__reduce__", lambda self: (made, (type(self), self.running, {"data": self.data}))),
    "own setter": dunder(
        "__reduce__", lambda self: (empty, (type(self),), ({"data": self.data}, self.running), None, None, given)
    ),
    "property": {"running": property(lambda self: self.on, lambda self, on: setattr(self, "on", on)), "on": False},
    "property without a start": {"running": property(lambda self: self.missing, lambda self, on: None)},
    "read-only": {"running": property(lambda self: False)},
    "slot": {"__slots__": ("running",)},
    "delegates": {"__getattr__": lambda self, name: getattr(self.__dict__["data"], name)},
    "refuses": {"__setattr__": lambda self, name, value: self.__dict__.__setitem__(name, value)},
}
DERIVED = {"property without a start", "read-only"}
BASES = ["service", "multi", "twisted"]


@pytest.fixture
def make(monkeypatch):
    """Return a function that makes a service of a shape that is running."""

    def new(base, shape):
        if base == "twisted":
            cls = pytest.importorskip("twisted.application.service").Service
        else:
            cls = {"service": Service, "multi": MultiService}[base]
        cls = type("Shape", (cls,), {"__module__": __name__, **SHAPES[shape]})
        monkeypatch.setitem(globals(), "Shape", cls)
        service = cls()
        if shape not in DERIVED:
            service.running = True
        service.data = {"running": 5}
        return service

    return new


def recipe_of(data):
    return open_document(unwrap(Memory(data), Opening(None, None, (), LIMITS, None)), None, LIMITS)[1].recipe


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("shape", SHAPES)
class TestShapes:
    @pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
    def test_false_after_loading(self, make, kind, trust, base, shape):
        """The service that was saved goes on running, and the loaded one has stopped."""
        service = make(base, shape)

        back, again = loads(dumps([service, service], kind), trust=trust)

        assert back is again
        assert type(back) is type(service)
        assert back.data == {"running": 5}
        if shape not in DERIVED:
            assert service.running is True
            assert back.running is False or back.running == 0

    def test_not_in_the_file(self, make, kind, base, shape):
        """The one that is in the file is a key in the data of the application."""
        recipe = recipe_of(dumps(make(base, shape), kind))
        names = [name for step in recipe.steps if type(step) is steps.State for name in step.names]
        keys = [key for step in recipe.steps if type(step) in (steps.Dict, steps.Update) for key in step.keys]

        assert names.count("running") == 0
        assert keys.count("running") == 1


@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
@pytest.mark.parametrize("cls", [Service, MultiService])
def test_pickles_of_others(trust, cls, monkeypatch):
    """A state in a file that has it loses it."""
    service = cls()
    with monkeypatch.context() as patch:
        patch.setattr(Service, "__getstate__", lambda self: {"running": 1, "x": 2})
        data = pickle.dumps(service)

    assert loads(data, trust=trust).__dict__ == {"x": 2}
