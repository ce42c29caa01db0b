"""Generations that somebody else may have written: they get what WHAT itself wants, and no more."""

import functools
import io
import os
import sys
import textwrap
import types
from pathlib import Path

import cloudpickle
import pytest

import appsnap
from appsnap import EVERYTHING, errors, script
from appsnap.interfaces import IProcess
from appsnap.internet import StreamServerService, TimerService
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import MAKERS, Call, Dict, List, Member, Name, New, Recipe, Ref, State, Tuple
from appsnap.runner.grants import grants_of
from appsnap.runner.vouched import check_vouched
from appsnap.service import Application, Process, Service

HERE = __name__
RAN = []


class Shop(Service):
    def tick(self):
        """Work."""

    async def handle(self, reader, writer):
        """Work."""


class Other(Service):
    """A class that WHAT doesn't use."""


class Sly(Process):
    """A class that WHAT may use, and that keeps its own user."""

    uid = property(lambda _: 0)


def work(*args):
    """Leave a trace."""
    RAN.append(args)


@functools.lru_cache
def cached():
    """Work."""


def what(*services, uid=None):
    application = Application("shop", uid)
    shop = Shop()
    for service in (shop, TimerService(1, shop.tick), TimerService(1, work, 5), StreamServerService(shop.handle)):
        service.setServiceParent(application)
    for service in services:
        service.setServiceParent(application)
    return application


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def opened(data, path=None):
    """Return the snapshot in a file, which is opened as the runner does it."""
    if path is None:
        return appsnap.open_snapshot(io.BytesIO(data))
    path.write_bytes(data)
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return appsnap.open_snapshot(file)


def start(grants, snapshot, more=()):
    """Do all that comes before the start of a generation, and return the application."""
    application = grants.build(snapshot, more)
    check_vouched(application, grants.trust(more), grants.trust_to_call(more))
    return application


class TestOwn:
    def test_generation(self, kind):
        """A generation that nobody signed is built and started with the names of WHAT, and no others."""
        grants = grants_of(what(), kind)

        application = start(grants, opened(appsnap.dumps(what(), kind)))

        assert [type(service) for service in application] == [Shop, TimerService, TimerService, StreamServerService]
        assert f"{HERE}.Shop" in grants.names
        assert f"call:{HERE}.work" in grants.called
        assert f"call:{HERE}.work" not in grants.names
        assert grants.carried == ()

    def test_functions_of_all_sorts(self):
        """Timers call what WHAT's timers may call: partials, classes, cached functions, methods."""
        sorts = [functools.partial(work, 1), Other, cached, Shop.tick, Shop().tick, Shop().tick.__call__, print]
        application = what(*[TimerService(1, function) for function in sorts])
        grants = grants_of(application, "pickle")

        start(grants, opened(appsnap.dumps(application)))

    def test_more(self, kind):
        """Other names need trust of their own, which the hint tells."""
        grants = grants_of(what(), kind)
        snapshot = opened(appsnap.dumps(what(Other()), kind))

        with pytest.raises(errors.NotTrusted, match=f"{HERE}.Other") as caught:
            start(grants, snapshot)

        assert caught.value.hint.endswith(f"--trust {HERE}.Other")
        assert type(start(grants, snapshot, [f"{HERE}.Other"]).services[-1]) is Other


TAC = """
import enum
import functools
from appsnap.internet import TimerService
from appsnap.service import Application, Service

class Color(enum.Enum):
    RED = 1

def counted(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@counted
def tick():
    pass

@functools.lru_cache
def tock():
    pass

class Shop(Service):
    color = Color.RED
    class Part:
        pass

application = Application("shop")
shop = Shop()
shop.color, shop.part = Color.RED, Shop.Part()
shop.setServiceParent(application)
for function in (tick, tock, shop.stopService):
    TimerService(1, function).setServiceParent(application)
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script, and returns its application and its module."""

    def forget():
        for name in [name for name in sys.modules if name.startswith("<")]:
            cloudpickle.unregister_pickle_by_value(sys.modules.pop(name))

    def run(source):
        forget()
        (tmp_path / "shop.tac").write_text(textwrap.dedent(source))
        return script.run_module(tmp_path / "shop.tac")

    yield run
    forget()


class TestScripts:
    def test_by_name(self, run, kind):
        """The code of a script comes from the script, and a generation of it has only names."""
        data = appsnap.dumps(run(TAC)[0], kind)
        application, module = run(TAC)
        grants = grants_of(application, kind, module)

        found = start(grants, opened(data).replacing(module)[0])

        assert type(found.services[0]) is module.Shop
        assert found.services[1].call[0] is module.tick
        assert grants.carried == ()
        assert "<shop.tac>.Shop" in grants.names
        assert "call:<shop.tac>.tick" in grants.called
        assert not any("code" in name for name in (*grants.names, *grants.called))

    def test_code(self, run, kind):
        """Code of the script that no name leads to isn't granted. The error says where it is, and what to do."""
        source = TAC + "\nshop.key = lambda: 1\n"
        data = appsnap.dumps(run(source)[0], kind)
        application, module = run(source)
        grants = grants_of(application, kind, module)
        assert grants.carried

        with pytest.raises(errors.NotTrusted, match=r"carries code at application\.services\[0\]\.key") as caught:
            start(grants, opened(data).replacing(module)[0])

        assert "to a module" in caught.value.hint
        assert "--fresh" in caught.value.hint

    def test_code_that_is_gone(self, run):
        """So is the code of a class that the script has no more."""
        data = appsnap.dumps(run(TAC)[0])
        application, module = run(TAC.replace("Part", "Piece"))
        grants = grants_of(application, "pickle", module)
        snapshot, gone = opened(data).replacing(module)
        assert gone == ["Shop.Part"]

        with pytest.raises(errors.NotTrusted, match="carries code"):
            start(grants, snapshot)


# Hostile generations


def altered(change):
    """Return the recipe of a generation, changed: `change` gets its steps and the register of the shop."""
    recipe = freeze(what())
    made = [*recipe.steps]
    registers = iter(range(len(made)))
    numbered = [(next(registers) if type(step) in MAKERS else None, step) for step in made]
    names = {register: step for register, step in numbered if isinstance(step, Name)}
    shop = next(at for at, step in numbered if isinstance(step, New) and names[step.cls].qualname == "Shop")
    count = next(registers)
    return Recipe([*made, *change(Ref(count), Ref(shop))], recipe.root)


def attribute(name, *more):
    """Return a change that gives the shop an attribute: the last thing that the steps make."""

    def change(first, shop):
        made = [step(first, shop) if callable(step) and not isinstance(step, type) else step for step in more]
        last = sum(type(step) in MAKERS for step in made) - 1
        return [*made, State(shop, (name,), [Ref(first + last)])]

    return change


WORK = Name(HERE, "work")
PARTIAL = Name("functools", "partial")
METHOD = Name("types", "MethodType")


def calling(*args):
    """Return a step that calls the first of the steps before it with the second one, or with these arguments."""
    return lambda first, _: Call(first, [*args] or [Ref(first + 1)])


REFUSED = {
    "system": attribute("privilegedStartService", Name("os", "system")),
    "posix": attribute("privilegedStartService", Name("posix", "system")),
    "partial": attribute("privilegedStartService", PARTIAL, Name("os", "system"), calling()),
    "eval": attribute("startService", Name("builtins", "eval")),
    "reduce": attribute("x", Name("os", "system"), calling("touch ran")),
    "exec": attribute("x", Name("builtins", "exec"), calling("open('ran', 'w')")),
    "popen": lambda first, _: [Name("subprocess", "Popen"), New(first, ())],
    "other": lambda first, _: [Name(HERE, "Other"), New(first, ())],
    "call of a reference": attribute("x", WORK, calling("hello")),
    "method type": attribute("privilegedStartService", METHOD, WORK, lambda f, shop: Call(f, [Ref(f + 1), shop])),
    "class attribute": lambda first, _: [Name(HERE, "Shop"), State(first, ("tick",), [5])],
    "class": lambda _, shop: [State(shop, ("__class__",), [None])],
    "code": attribute("x", Name("appsnap.code", "bytecode"), calling(1, "3.11", b"")),
    "marshal": attribute("x", Name("marshal", "loads"), calling(b"")),
    "code type": attribute("x", Name("types", "CodeType")),
    "type": attribute("x", Name("builtins", "type"), calling("A", None, None)),
    "cloudpickle": attribute("x", Name("cloudpickle.cloudpickle", "_make_skeleton_class")),
    "function by value": attribute("x", Name("appsnap.code", "module"), calling("m")),
    "timer": attribute(
        "x",
        Name("os", "system"),
        Tuple(()),
        Dict((), ()),
        lambda f, _: Tuple([f, Ref(f + 1), Ref(f + 2)]),
        Name("appsnap.internet", "TimerService"),
        lambda f, _: New(Ref(f + 4), (), (), ()),
        lambda f, _: State(Ref(f + 5), ("step", "call"), [1, Ref(f + 3)]),
        lambda f, _: List([Ref(f + 5)]),
    ),
    "import": attribute("x", Name("antigravity", "")),
}

NOT_STARTED = {
    "reference": attribute("privilegedStartService", WORK),
    "hook": attribute("afterRestore", WORK),
    "other hook": attribute("beforeSnapshot", WORK),
    "stop": attribute("stopService", WORK),
    "class": attribute("startService", Name(HERE, "Shop")),
    "call": attribute("privilegedStartService", Name(HERE, "work.__call__")),
    "partial": attribute("privilegedStartService", PARTIAL, WORK, calling()),
    "call of a partial": attribute(
        "privilegedStartService", PARTIAL, WORK, calling(), lambda f, _: Member(Ref(f + 2), "__call__")
    ),
    "name": lambda _, shop: [State(shop, ("name",), ["x" * 10_000])],
}


class TestHostile:
    @pytest.fixture(autouse=True)
    def _nothing_ran(self, tmp_path, monkeypatch):
        """Hold against every file here that nothing was called."""
        monkeypatch.chdir(tmp_path)
        RAN.clear()
        yield
        assert RAN == []
        assert not Path("ran").exists()

    @pytest.mark.parametrize("name", REFUSED)
    def test_not_built(self, kind, name, tmp_path):
        """It is refused before anything in it is made, although WHAT refers to a function, and uses a partial."""
        grants = grants_of(what(TimerService(1, functools.partial(work, 1))), kind)
        data = b"".join(kind_named(kind).write(Header(kind), altered(REFUSED[name]), {}, None))

        with pytest.raises(errors.NotTrusted):
            grants.build(opened(data, tmp_path / "shop-00000001.x"))

    @pytest.mark.parametrize("name", NOT_STARTED)
    def test_not_started(self, kind, name, tmp_path):
        """Names that WHAT refers to may be data. What would be called before privileges are dropped needs more."""
        grants = grants_of(what(TimerService(1, functools.partial(work, 1))), kind)
        data = b"".join(kind_named(kind).write(Header(kind), altered(NOT_STARTED[name]), {}, None))
        application = grants.build(opened(data, tmp_path / "shop-00000001.x"), [f"{HERE}.work.__call__"])

        with pytest.raises((errors.NotTrusted, errors.CannotLoad)):
            check_vouched(application, grants.trust(), grants.trust_to_call())

    def test_bound_to_another_object(self, kind):
        """A function that was bound to an object isn't one of its methods, even where WHAT has bound one so."""
        bound = what()
        bound.services[0].key = types.MethodType(work, bound.services[0])
        grants = grants_of(bound, kind)
        bound.services[0].privilegedStartService = bound.services[0].key

        application = grants.build(opened(appsnap.dumps(bound, kind)))

        with pytest.raises(errors.NotTrusted, match=f"{HERE}.work to call"):
            check_vouched(application, grants.trust(), grants.trust_to_call())

    @pytest.mark.parametrize("how", ["signed", "passphrase"])
    def test_vouched_for(self, how, tmp_path):
        """A signature adds nothing, for the user can copy a file; nor does the passphrase, which the process knew."""
        path = tmp_path / "shop-00000001.tap"
        hostile = what(Other())
        appsnap.save(hostile, path, passphrase="tea" if how == "passphrase" else None, sign=how == "signed")
        snapshot = appsnap.open_snapshot(path, passphrase="tea" if how == "passphrase" else None)
        assert snapshot.is_trusted_as_a_whole
        grants = grants_of(what(), "pickle")

        with pytest.raises(errors.NotTrusted, match=f"{HERE}.Other") as caught:
            grants.build(snapshot)
        assert caught.value.provenance == ""  # no trust in a key would help

    @pytest.mark.parametrize(
        "more",
        [
            *(EVERYTHING, ["appsnap.*"], ["appsnap.code.*"], ["cloudpickle.*"], ["types.CodeType", "builtins.*"]),
            [
                "call:appsnap.code.function",
                "call:appsnap.code.bytecode",
                "call:appsnap.code.module",
                "appsnap.code.names",
            ],
        ],
        ids=["everything", "package", "code", "cloudpickle", "types", "call"],
    )
    def test_code_by_any_trust(self, kind, more):
        """No trust lets a generation carry code: neither a package of names, nor the names themselves."""
        grants = grants_of(what(), kind)
        hostile = what()
        hostile.services[0].key = eval("lambda: 1")

        with pytest.raises(errors.NotTrusted, match="carries code"):
            grants.build(opened(appsnap.dumps(hostile, kind)), more)

        for name in ("function", "class_", "bytecode"):
            assert grants.trust(more).grant(Name("appsnap.code", name), "call") is None
            assert grants.trust_to_call(more).grant(Name("appsnap.code", name), "call") is None
            assert grants.trust(more).grant(Name("appsnap.code", name), "reference") is None

    def test_user(self, kind):
        """A generation that says another user than WHAT doesn't choose who the process becomes."""
        for uid, other in ((1234, 0), (1234, None), (None, 0)):
            grants = grants_of(what(uid=uid), kind)
            application = grants.build(opened(appsnap.dumps(what(uid=other), kind)))

            assert IProcess(application).uid == uid
            assert grants.uid == uid

    def test_user_of_a_component(self, kind):
        """Nor does a component, even one that can't be changed."""
        expected, sly = what(uid=1234), what(uid=1234)
        expected.key = Sly()
        grants = grants_of(expected, kind)
        sly.setComponent(IProcess, Sly())

        with pytest.raises(errors.CannotLoad, match="uid"):
            grants.build(opened(appsnap.dumps(sly, kind)))

    @pytest.mark.parametrize("sort", ["device", "empty device", "pipe", "hole"])
    def test_files_of_other_sorts(self, sort, tmp_path):
        """A file that is no snapshot is refused by its first bytes, however long it is."""
        path = tmp_path / "shop-00000001.tap"
        if sort == "hole":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        elif sort == "pipe":
            os.mkfifo(path)
        else:
            path = "/dev/zero" if sort == "device" else "/dev/null"
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)

        with open(number, "rb", buffering=0) as file, pytest.raises((errors.CannotLoad, OSError)):
            appsnap.open_snapshot(file)
