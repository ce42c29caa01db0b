import collections
import contextlib
import dataclasses
import functools
import hashlib
import mmap
import multiprocessing
import queue
import select
import subprocess
import sys
import tempfile
import threading
import types

import pytest

from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.kinds import KINDS


class Client:
    pass


OTHERS = [
    (hashlib.sha256, "_hashlib.HASH", "digest()"),
    (sys._getframe, "builtins.frame", "keep the values"),
    (multiprocessing.Lock, "multiprocessing.synchronize.Lock", "make it in startService"),
    (multiprocessing.Event, "multiprocessing.synchronize.Event", "make it in startService"),
    (lambda: (x for x in ()), "builtins.generator", "keep the arguments of its function"),
]

OPENED = [
    (lambda: mmap.mmap(-1, 10), "mmap.mmap", "open it in startService"),
    (tempfile.NamedTemporaryFile, "tempfile._TemporaryFileWrapper", "open it in startService"),
]


def places(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps({"it": obj}, kind)
    return caught.value.places


@pytest.mark.parametrize("kind", KINDS)
class TestOfTheStandardLibrary:
    @pytest.mark.parametrize(("make", "name", "advice"), OTHERS, ids=[name for _, name, _ in OTHERS])
    def test_advice(self, kind, make, name, advice):
        """Each is named once, by the attribute that holds it, with advice that fits."""
        client = Client()
        client.it = make()

        (place,) = places(client, kind)

        assert (place.path, place.type) == ('object["it"].it', name)
        assert advice in place.advice

    @pytest.mark.parametrize(("make", "name", "advice"), OPENED, ids=[name for _, name, _ in OPENED])
    def test_open(self, kind, make, name, advice):
        """An open connection or file is named as the user knows it."""
        client = Client()
        with contextlib.closing(make()) as client.it:
            (place,) = places(client, kind)

        assert (place.path, place.type) == ('object["it"].it', name)
        assert advice in place.advice

    def test_process(self, kind):
        """A child process is one object."""
        client = Client()
        with subprocess.Popen([sys.executable, "-c", ""]) as client.child:
            (place,) = places(client, kind)

        assert place.advice == 'make it in startService, and name the attribute in __transient__ = ("child",)'

    def test_inner_path(self, kind):
        """The reason tells where in the object the error is."""
        client = Client()
        client.done = contextlib.closing(x for x in ())

        (place,) = places(client, kind)

        assert place.reason == "TypeError: cannot pickle 'generator' object (at its thing)"

    @pytest.mark.parametrize("cls", [queue.Queue, queue.SimpleQueue, queue.PriorityQueue])
    def test_item_of_a_queue(self, kind, cls):
        """An item of a queue is named itself, with the place that it has in it."""
        client = Client()
        client.jobs = cls()
        client.jobs.put(x for x in ())

        (place,) = places(client, kind)

        inner = ".__getstate__()[0]" if cls is queue.SimpleQueue else ".queue[0]"
        assert (place.path, place.type) == (f'object["it"].jobs{inner}', "builtins.generator")
        assert place.advice == "keep the arguments of its function, and call that in startService"


@pytest.mark.parametrize("kind", KINDS)
class TestCulprit:
    @pytest.mark.parametrize(
        ("make", "path"),
        [
            (lambda lock: [lock], "[0]"),
            (lambda lock: collections.deque([lock]), "[0]"),
            (lambda lock: types.SimpleNamespace(a=lock), ".a"),
            (lambda lock: functools.partial(print, lock), ".args[0]"),
            (lambda lock: functools.partial(print, sep={1: lock}), '.keywords["sep"][1]'),
            (lambda lock: {lock: 1}, ".keys()[0]"),
            (lambda lock: (1, {"a": [lock]}), '[1]["a"][0]'),
        ],
    )
    def test_in_containers(self, kind, make, path):
        """Containers of the standard library aren't to blame for their items."""
        client = Client()
        client.opts = make(multiprocessing.Lock())

        (place,) = places(client, kind)

        assert (place.path, place.type) == (f'object["it"].opts{path}', "multiprocessing.synchronize.Lock")
        assert '__transient__ = ("opts",)' in place.advice

    def test_own_object_inside(self, kind):
        """An object of the user within one of the standard library is the one to blame for its attributes."""
        inner, client = Client(), Client()
        inner.lock = multiprocessing.Lock()
        client.table = collections.ChainMap({"inner": inner})

        (place,) = places(client, kind)

        assert place.path == 'object["it"].table.maps[0]["inner"].lock'
        assert '__transient__ = ("lock",)' in place.advice

    def test_once(self, kind):
        """An object with two paths is counted once."""
        client = Client()
        client.one = client.other = multiprocessing.Lock()

        assert [place.path for place in places([client, client.one], kind)] == ['object["it"][0].one']

    def test_own_subclass(self, kind):
        """An own subclass of a class that can't be saved is named itself, not the parts of its base."""
        client = Client()
        with type("Own", (subprocess.Popen,), {})([sys.executable, "-c", ""]) as client.own:
            (place,) = places(client, kind)

        assert (place.path, place.type.rpartition(".")[2]) == ('object["it"].own', "Own")
        assert place.advice == 'make it in startService, and name the attribute in __transient__ = ("own",)'

    def test_object_of_a_library(self, kind, monkeypatch):
        """An object of an installed library is named itself: nobody can change its class."""
        library = types.ModuleType("some_library")
        library.__file__ = "/usr/lib/python3/site-packages/some_library.py"
        library.Session = type("Session", (), {"__module__": "some_library"})
        monkeypatch.setitem(sys.modules, "some_library", library)
        client = Client()
        client.session = library.Session()
        client.session.rows = {"a": (x for x in ())}
        client.session.client = inner = Client()
        inner.lock = multiprocessing.Lock()

        session, lock = places(client, kind)

        assert (session.path, session.type) == ('object["it"].session', "some_library.Session")
        assert session.reason == """TypeError: cannot pickle 'generator' object (at its rows["a"])"""
        assert session.advice == 'make it in startService, and name the attribute in __transient__ = ("session",)'
        assert lock.path == 'object["it"].session.client.lock'
        assert [place.path for place in places(client.session.rows, kind)] == ['object["it"]["a"]']

    def test_class(self, kind):
        """A class is named as such. The objects of it aren't counted beside it."""

        class Base:
            def __init_subclass__(cls, *, key):
                pass

        class Sub(Base, key=1):
            pass

        (place,) = places([Sub(), Sub(), Sub], kind)

        assert (place.path, place.type) == ('object["it"][0]', f"class {Sub.__module__}.{Sub.__qualname__}")
        assert place.advice == "put it into a module that can be imported"


PLAIN = """
class Holder:
    ADVICE
    def __init__(self):
        self.jobs = make()
"""
SLOTS = """
class Holder:
    __slots__ = ("jobs",)
    ADVICE
    def __init__(self):
        self.jobs = make()
"""
FIELDS = """
@dataclasses.dataclass
class Holder:
    ADVICE
    jobs: object = dataclasses.field(default_factory=make)
"""
FROZEN = """
@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    ADVICE
    jobs: object = dataclasses.field(default_factory=make)
"""
OWN_STATE = """
class Holder:
    ADVICE
    def __init__(self):
        self.jobs = make()
    def __getstate__(self):
        return dict(self.__dict__)
"""
SHAPES = {"plain": PLAIN, "slots": SLOTS, "dataclass": FIELDS, "frozen-slots": FROZEN, "own-state": OWN_STATE}
LEFT_OUT = {
    "lock": multiprocessing.Lock,
    "event": multiprocessing.Event,
    "epoll": select.epoll,
    "selector": select.poll,
}


def holder(monkeypatch, shape, make, advice="pass"):
    """Return an object of a class that was written with an advice, in a module that can be imported."""
    module = types.ModuleType("shop_of_holders")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    module.__spec__ = sys.modules[__name__].__spec__
    module.__dict__.update(make=make, dataclasses=dataclasses, queue=queue, threading=threading)
    exec(SHAPES[shape].replace("ADVICE", advice), module.__dict__)
    return module.Holder()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
class TestFollowed:
    """The advice is typed into the class as it stands, whatever the class looks like; then the object is saved."""

    @pytest.mark.parametrize("name", LEFT_OUT)
    def test_left_out(self, monkeypatch, kind, shape, name):
        """The attribute isn't there after a load, until the service makes it."""
        (place,) = places(holder(monkeypatch, shape, LEFT_OUT[name]), kind)
        advice = place.advice.partition("name the attribute in ")[2]

        made = loads(dumps(holder(monkeypatch, shape, LEFT_OUT[name], advice), kind), trust=EVERYTHING)

        assert getattr(made, "jobs", None) is None


@pytest.mark.parametrize("kind", KINDS)
class TestVariables:
    def test_closure(self, kind):
        """What a function holds has the name of its variable."""
        jobs = multiprocessing.Lock()

        (place,) = places(lambda: [jobs.get()], kind)

        assert (place.path, place.type) == ('object["it"] variable jobs', "multiprocessing.synchronize.Lock")

    def test_default(self, kind):
        """A default has the name of its parameter."""
        made = multiprocessing.Lock()

        (place,) = places(lambda a, jobs=made, *, b=1: (a, jobs, b), kind)

        assert place.path == 'object["it"] variable jobs'

    def test_empty_cell(self, kind):
        """A variable without a value, and one that is compared in its own way, are no obstacles."""

        class Odd:
            def __eq__(self, other):
                raise AssertionError("nobody may ask")

            __hash__ = None

        def outer():
            odd, jobs = Odd(), multiprocessing.Lock()
            take = lambda: (odd, jobs, late)  # noqa: E731 - a closure with an empty cell
            if odd is None:
                late = 1
            return take

        assert [place.path for place in places(outer(), kind)] == ['object["it"] variable jobs']

    def test_nine(self, kind):
        """Nine attributes have nine lines."""
        client = Client()
        for number, make in enumerate([*LEFT_OUT.values(), *LEFT_OUT.values(), multiprocessing.Lock]):
            setattr(client, f"a{number}", make())

        assert [place.path for place in places(client, kind)] == [f'object["it"].a{number}' for number in range(9)]
