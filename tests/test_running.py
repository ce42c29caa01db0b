"""`running` is false after every load, and in no file under its own name: services of every shape, in all kinds."""

import copy
import pickle

import pytest

from appsnap import EVERYTHING, dumps, evolve, load, loads, open_snapshot
from appsnap.files.layers import Opening, unwrap
from appsnap.files.streams import Memory
from appsnap.kinds import KINDS
from appsnap.kinds.documents import open_document
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.recipe.services import without_running
from appsnap.recipe.steps import Recipe, Ref
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
def make(monkeypatch, twisted):
    """Return a function that makes a service of a shape that is running."""

    def new(base, shape):
        if base == "twisted":
            cls = twisted("twisted.application.service").Service
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


class Shop:
    """It is no service, and nothing in it is."""

    def __init__(self):
        self.running = True


class Forgetful:
    """Its instances are put below Twisted's services: no class of it is known where a file is converted."""

    def __init__(self, parent):
        self.parent, self.running, self.x = parent, 1, 2


@pytest.mark.parametrize("kind", KINDS)
class TestConvert:
    @pytest.mark.parametrize("protocol", range(6))
    def test_of_twisted(self, tmp_path, kind, protocol, twisted):
        """The services in a pickle of Twisted lose it, on their way to another kind, and other objects keep it."""
        service = twisted("twisted.application.service")
        application = service.Application("a")
        tree = service.IServiceCollection(application)
        child, below, shop = Forgetful(tree), Forgetful(None), Shop()
        child.services = [below]
        below.parent = child
        tree.services.append(child)
        tree.shop = shop
        (tmp_path / "old.tap").write_bytes(pickle.dumps(application, protocol))

        open_snapshot(tmp_path / "old.tap", kind="pickle").save(tmp_path / "new", kind=kind, sign=False)

        recipe = open_snapshot(tmp_path / "new").document.recipe
        names = [name for step in recipe.steps if type(step) is steps.State for name in step.names]
        keys = [key for step in recipe.steps if type(step) is steps.Dict for key in step.keys]
        assert (names + keys).count("running") == 1
        back = load(tmp_path / "new", trust=EVERYTHING)
        (again,) = service.IServiceCollection(back)
        assert (again.x, again.services[0].x) == (2, 2)
        assert "running" not in again.__dict__
        assert "running" not in again.services[0].__dict__
        assert service.IServiceCollection(back).shop.running

    def test_state_that_something_else_refers_to(self, kind):
        """A dictionary that is data of another object stays whole."""
        recipe = Recipe(
            [
                steps.Name("twisted.application.service", "Service"),
                steps.New(Ref(0), ()),
                steps.Dict(["running", "x"], [1, 2]),
                steps.SetState(Ref(1), Ref(2)),
                steps.New(Ref(0), ()),
                steps.Dict(["running", "x"], [1, 2]),
                steps.SetState(Ref(3), Ref(4)),
                steps.List([Ref(1), Ref(3), Ref(4)]),
            ],
            Ref(5),
        )

        changed = without_running(recipe)

        assert changed.steps[2] == steps.Dict(("x",), (2,))
        assert changed.steps[5] == recipe.steps[5]


def handled(service, data):
    return Handler(service, data)


class Handler:
    def __init__(self, service, data):
        self.service, self.data = service, data

    def __reduce__(self):
        return handled, (self.service, self.data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [[*TRUST, f"{__name__}.live", f"call:{__name__}.handled"], EVERYTHING])
def test_a_live_service_goes_on(kind, trust, monkeypatch):
    """A service that is known by its name isn't made by the load, and isn't stopped by it."""
    live = Service()
    live.running = True
    monkeypatch.setitem(globals(), "live", live)
    monkeypatch.setitem(evolve._registered, (__name__, "live"), live)

    back = loads(dumps([Handler(live, 1), live], kind), trust=trust)

    assert back[0].service is back[1] is live
    assert live.running
