# ruff: noqa: D102 - classes as people write them
import asyncio
import collections
import copyreg
import ctypes
import logging
import os
import pathlib
import subprocess
import sys
import sysconfig
import traceback
import types
import unittest.mock

import pytest

import shapes
from appsnap import EVERYTHING, CannotSave, actions, dumps, loads, save
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import inherited
from appsnap.recipe.trust.filling import check_state
from appsnap.states import BASE_STATE

TESTS = pathlib.Path(shapes.__file__).parent


def faults(path, trust):
    """Load a file of shapes in a fresh process, and return the names of those that aren't right."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    code = f"import shapes; shapes.main({str(path)!r}, {trust!r})"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", KINDS)
class TestShapes:
    def test_in_a_fresh_process(self, kind, tmp_path):
        """Attributes, items and arguments of every shape come back, without a call of the class's own constructor."""
        save({name: make() for name, (make, _) in shapes.CASES.items()}, tmp_path / "own", kind=kind)

        assert faults(tmp_path / "own", "own") == []

    @pytest.mark.parametrize("name", shapes.CASES)
    def test_alone(self, kind, name):
        """The same in this process."""
        make, check = shapes.CASES[name]

        check(loads(dumps(make(), kind), trust=EVERYTHING))

    def test_of_a_stranger(self, kind, tmp_path):
        """The same from an unsigned file, with the names granted that it lists."""
        shaped = {name: make() for name, (make, _) in shapes.CASES.items() if name not in shapes.FOR_OWN_FILES}
        save(shaped, tmp_path / "other", kind=kind, sign=False)

        assert faults(tmp_path / "other", "stranger") == []


class Target:
    """An object that proxies stand for."""


class Pretender:
    """A proxy written in Python."""

    def __init__(self, target):
        self.target = target

    @property
    def __class__(self):
        return type(self.target)


class Forwarder:
    """A proxy that looks everything up in its target."""

    def __init__(self, target):
        object.__setattr__(self, "target", target)

    def __getattribute__(self, name):
        return getattr(object.__getattribute__(self, "target"), name)


class Savable(Pretender):
    """A proxy that says how it is saved."""

    def __reduce_ex__(self, protocol):
        return Savable, (self.target,)


class Registered(Pretender):
    """A proxy that a program has registered."""


class NeedsArguments:
    """Nobody knows the arguments of its `__new__`."""

    def __new__(cls, host, *, port, debug=False):
        self = super().__new__(cls)
        self.host = host
        return self


class GivesOthers:
    """Its `__new__` takes other arguments than those that it names."""

    def __new__(cls, host):
        return super().__new__(cls)

    def __getnewargs__(self):
        return ("a", "b")


class ByName:
    """It is hashed by its name."""

    def __init__(self, name):
        self.name = name
        self.distances = {self: 0}

    def __hash__(self):
        return hash(self.name)


class ByDefault(ByName):
    """It has another hash before it has its name."""

    name = ""


class Frozen(ByName):
    """It is an item of a frozen set."""

    def __init__(self, name):
        self.name = name
        self.distances = frozenset([self])


class ByIdentity:
    """It is hashed by its identity."""

    def __init__(self):
        self.distances = {self: 0}
        self.all = {self}


class ByClass(ByIdentity):
    """It is hashed by its class."""

    def __hash__(self):
        return 5


class TakesAnything:
    """Its `__new__` may be called without arguments."""

    def __new__(cls, *args, **keywords):
        return super().__new__(cls)


TARGET = Target()


def refusal(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps({"it": obj}, kind)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
class TestRefused:
    @pytest.mark.parametrize(
        "proxy",
        [Pretender(TARGET), Forwarder(TARGET)],
    )
    def test_proxy(self, kind, proxy):
        """A proxy would come back as a copy of another object, or as an empty one."""
        said = refusal(proxy, kind)

        assert '["it"]' in said
        assert "stands for an object of another class" in said

    def test_proxy_with_a_way(self, kind, monkeypatch):
        """A proxy is saved as its own class says, or as a program has registered."""
        made = loads(dumps(Savable([1]), kind), trust=EVERYTHING)
        assert type(made) is Savable
        assert made.target == [1]

        monkeypatch.setitem(copyreg.dispatch_table, Registered, lambda proxy: (Registered, (proxy.target,)))
        assert type(loads(dumps(Registered({}), kind), trust=EVERYTHING)) is Registered

    @pytest.mark.parametrize(
        ("obj", "reason"),
        [
            (NeedsArguments("h", port=1), "its __new__ needs host, port"),
            (GivesOthers("h"), "too many positional arguments"),
            (ByDefault("n"), "a key of its own attribute distances"),
            (Frozen("n"), "a key of its own attribute distances"),
            (sys.flags, "only the interpreter"),
            (sys.version_info, "only the interpreter"),
            (sys.float_info, "isn't written in Python"),
            (ctypes.CDLL(None), "keeps more in it than attributes"),
        ],
    )
    def test_at_the_save(self, kind, obj, reason):
        """An object that no load can make is refused at the save, with the place and the reason."""
        said = refusal(obj, kind)

        assert '["it"]' in said
        assert reason in said

    def test_without_arguments(self, kind):
        """A `__new__` that needs no arguments is called without."""
        assert type(loads(dumps(TakesAnything(), kind), trust=EVERYTHING)) is TakesAnything

    @pytest.mark.parametrize("cls", [ByIdentity, ByClass])
    def test_own_key(self, kind, cls):
        """An object may be a key of its own attribute, if its hash needs no attributes."""
        made = loads(dumps(cls(), kind), trust=EVERYTHING)

        assert made.distances[made] == 0
        assert made in made.all

    def test_mock(self, kind):
        """A mock that stands for nothing else comes back with its answers."""
        mock = unittest.mock.MagicMock()
        mock.price.return_value = 5

        assert loads(dumps(mock, kind), trust=EVERYTHING).price() == 5


class Formula:
    """An object that its arguments say all about, whose class has a state of its own for pickles of old."""

    __slots__ = ("args", "known")

    def __new__(cls, *args):
        self = object.__new__(cls)
        self.args, self.known = args, {}
        return self

    def __reduce_ex__(self, protocol):
        return super().__reduce_ex__(protocol)

    def __getnewargs__(self):
        return self.args

    def __getstate__(self):
        return None

    def __setstate__(self, state):
        raise AssertionError("there is none")


class Sum(Formula):
    __slots__ = ("order",)

    def __new__(cls, *args):
        self = super().__new__(cls, *args)
        self.order = len(args)
        return self


@pytest.mark.parametrize("kind", KINDS)
class TestNoState:
    def test_slots_of_subclasses(self, kind):
        """A class that says it has no state means its subclasses, too."""
        formula = Sum(1, Formula(2))
        formula.known.update(sign=1)

        back = loads(dumps(formula, kind), trust=EVERYTHING)

        assert (back.order, back.args[1].args, back.known) == (2, (2,), {})


@pytest.mark.parametrize("kind", KINDS)
class TestLibrary:
    SOURCE = """
class Label:
    def __init__(self, name):
        self.name = name

class Settings:
    def __init__(self):
        self.debug = False

UNDEFINED = Label("undefined")
SETTINGS = Settings()
"""

    def test_label(self, kind, monkeypatch):
        """A library's object that has only texts is saved by its name, and one with settings isn't."""
        library = types.ModuleType("shoplib")
        library.__file__ = f"{sysconfig.get_paths()['purelib']}/shoplib.py"
        monkeypatch.setitem(sys.modules, "shoplib", library)
        exec(self.SOURCE, library.__dict__)

        label, settings = loads(dumps([library.UNDEFINED, library.SETTINGS], kind), trust=EVERYTHING)

        assert label is library.UNDEFINED
        assert settings is not library.SETTINGS

    def test_of_the_application(self, kind, monkeypatch):
        """Nothing with attributes goes by name in the application."""
        module = types.ModuleType("shopapp")
        module.__file__ = "/srv/shopapp.py"
        monkeypatch.setitem(sys.modules, "shopapp", module)
        exec(self.SOURCE, module.__dict__)

        label = loads(dumps(module.UNDEFINED, kind), trust=EVERYTHING)

        assert label is not module.UNDEFINED
        assert label.name == "undefined"


@pytest.mark.parametrize("kind", KINDS)
class TestNotes:
    def test_handlers(self, kind, tmp_path):
        """A note says that the handlers of a logger, which goes by its name, aren't in the file."""
        lines = []
        plain, busy = logging.getLogger("shop.plain"), logging.getLogger("shop.busy")
        handler = logging.NullHandler()
        busy.addHandler(handler)
        try:
            save([plain, busy, busy], tmp_path / "noted", kind=kind, note=lines.append)
        finally:
            busy.removeHandler(handler)

        assert lines == ["the logger shop.busy is saved by its name, without its 1 handler; set it up where you load"]

    def test_addresses(self, kind, tmp_path):
        """A note has the places of integers that are ids of saved objects: after a load, no object has them."""
        lines = []
        job, other = Target(), Target()
        job.registry = {id(other): "other", 5: [2**33, -(2**40)]}
        job.owner = id(job)
        job.jobs = [other]
        save({"job": job, "large": 2**70}, tmp_path / "noted", kind=kind, note=lines.append)

        (line,) = lines
        assert line.startswith('object["job"].')
        assert 'object["job"].owner' in line
        assert 'object["job"].registry' in line
        assert line.endswith(": the id() of an object, which it has no more after a load; keep the object")

    def test_no_addresses(self, kind, tmp_path):
        """Other integers are not noted."""
        lines = []
        save([Target(), *(2**number + 5 for number in range(100))], tmp_path / "noted", kind=kind, note=lines.append)

        assert lines == []


def test_state_of_a_base_class():
    """Beside a state for the base class, no stranger sets attributes that are Python's own."""
    with pytest.raises(TypeError):
        check_state(shapes.WithRandom(), {BASE_STATE: (3, (), None), "__class__": int})


def test_speed_of_ordinary_classes():
    """Ordinary classes have no rule, and so cost nothing."""
    assert inherited.rule(Target) is None
    assert inherited.rule(type("Plain", (dict,), {})) is None
    assert inherited.rule(types.GenericAlias) is None


class TestLoops:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("make", [asyncio.Event, asyncio.Lock, asyncio.Queue, asyncio.Condition])
    def test_used_in_a_loop_that_has_ended(self, make, kind):
        """An event that somebody waited for can be saved after its loop has ended, and used in another one."""

        async def use(obj):
            if isinstance(obj, asyncio.Queue):
                task = asyncio.ensure_future(obj.get())
                await asyncio.sleep(0)
                obj.put_nowait(1)
            elif isinstance(obj, asyncio.Event):
                task = asyncio.ensure_future(obj.wait())
                await asyncio.sleep(0)
                obj.set()
            else:
                await obj.acquire()
                task = asyncio.ensure_future(obj.acquire())
                await asyncio.sleep(0)
                obj.release()
            await task
            if isinstance(obj, asyncio.Event):
                obj.clear()
            elif not isinstance(obj, asyncio.Queue):
                obj.release()

        obj = make()
        asyncio.run(use(obj))

        asyncio.run(use(loads(dumps(obj, kind), trust=EVERYTHING)))


@pytest.mark.parametrize("kind", KINDS)
class TestOtherPythons:
    """Objects that each version of Python keeps in its own way."""

    def test_parents(self, kind):
        """Nothing of the class of the parents of a path is in the file."""
        data = dumps(pathlib.PurePosixPath("/a/b/c").parents, kind)

        assert b"_PathParents" not in data
        assert [*map(str, loads(data, trust=EVERYTHING))] == ["/a/b", "/a", "/"]

    @pytest.mark.parametrize("name", ["_line", "_lines"])
    def test_frames(self, kind, name):
        """A frame of a traceback takes the text of its line under either name."""
        frame = traceback.FrameSummary("gone.py", 3, "work", line="call()")
        state = {"filename": "gone.py", "lineno": 3, "name": "work", name: "call()"}

        found = actions.set_state(traceback.FrameSummary.__new__(traceback.FrameSummary), (None, state))

        assert found.line == loads(dumps(frame, kind), trust=EVERYTHING).line == "call()"
        assert traceback.StackSummary.from_list([found]).format() == traceback.StackSummary.from_list([frame]).format()

    def test_iterators(self, kind):
        """Iterators over deques have a name that all versions know."""
        ahead, back = iter(collections.deque([1, 2, 3])), reversed(collections.deque([1, 2, 3]))
        next(ahead)
        next(back)
        data = dumps([ahead, back], kind)

        assert b"collections._deque_it" not in data.replace(b"_collections._deque_it", b"")
        assert [[*one] for one in loads(data, trust=EVERYTHING)] == [[2, 3], [2, 1]]
