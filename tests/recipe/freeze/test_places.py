import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import logging
import mmap
import os
import queue
import re
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import types
import weakref
import zipfile

import pytest

import zoo
from appsnap import EVERYTHING, CannotSave, dumps, evolve, loads
from appsnap.kinds import KINDS


class Client:
    pass


LIVE = zoo.Node()

ANEW = {
    "queue.Queue": queue.Queue(),
    "lambda: queue.LifoQueue(5)": queue.LifoQueue(5),
    "queue.SimpleQueue": queue.SimpleQueue(),
    "threading.Lock": threading.Lock(),
    "threading.RLock": threading.RLock(),
    "threading.Event": threading.Event(),
    "threading.Condition": threading.Condition(),
    "lambda: threading.Semaphore(3)": threading.Semaphore(3),
    "lambda: threading.BoundedSemaphore(2)": threading.BoundedSemaphore(2),
    "threading.local": threading.local(),
    "weakref.WeakValueDictionary": weakref.WeakValueDictionary(a=LIVE),
    "weakref.WeakKeyDictionary": weakref.WeakKeyDictionary({LIVE: 1}),
}

OTHERS = [
    (lambda: threading.Thread(target=print), "threading.Thread", "make it in startService"),
    (lambda: threading.Timer(1, print), "threading.Timer", "make it in startService"),
    (concurrent.futures.ThreadPoolExecutor, "concurrent.futures.thread.ThreadPoolExecutor", "make it in startService"),
    (concurrent.futures.Future, "concurrent.futures._base.Future", "make it in startService"),
    (logging.StreamHandler, "logging.StreamHandler", "in startService"),
    (ssl.create_default_context, "ssl.SSLContext", "open it in startService"),
    (hashlib.sha256, "_hashlib.HASH", "digest()"),
    (lambda: re.match("a", "a"), "re.Match", "match.groups()"),
    (lambda: weakref.ref(LIVE), "weakref.ReferenceType", "the weak reference is to"),
    (sys._getframe, "builtins.frame", "keep the values"),
]

OPENED = [
    (lambda: sqlite3.connect(":memory:"), "sqlite3.Connection", "open it in startService"),
    (lambda: mmap.mmap(-1, 10), "mmap.mmap", "open it in startService"),
    (lambda: zipfile.ZipFile(os.devnull, "w"), "zipfile.ZipFile", "keep the path of the file"),
    (tempfile.NamedTemporaryFile, "tempfile._TemporaryFileWrapper", "keep the path of the file"),
]


def places(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps({"it": obj}, kind)
    return caught.value.places


@pytest.mark.parametrize("kind", KINDS)
class TestOfTheStandardLibrary:
    @pytest.mark.parametrize("factory", ANEW)
    def test_made_anew(self, kind, factory):
        """The advice is the whole assignment, for the attribute of the user's class, and it works."""
        client = Client()
        client.jobs = ANEW[factory]

        (place,) = places(client, kind)

        made = f'__transient__ = {{"jobs": {factory}}}'
        assert (place.path, place.advice) == ('object["it"].jobs', f"have it made anew by every load: {made}")
        assert place.type.rpartition(".")[2].lower() == factory.partition("(")[0].rpartition(".")[2].lower().replace(
            "local", "_local"
        )
        transient = eval(made.partition(" = ")[2])
        assert type(transient["jobs"]()) is type(ANEW[factory])
        assert evolve.transients(type("Client", (), {"__transient__": transient})) == transient

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
        client.done = threading.Event()

        (place,) = places(client, kind)

        assert place.reason == "TypeError: cannot pickle '_thread.lock' object (at its _cond._lock)"


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
        client.opts = make(threading.Lock())

        (place,) = places(client, kind)

        assert (place.path, place.type) == (f'object["it"].opts{path}', "_thread.lock")
        assert '__transient__ = {"lock": threading.Lock}' in place.advice

    def test_own_object_inside(self, kind):
        """An object of the user within one of the standard library is the one to blame for its attributes."""
        inner, client = Client(), Client()
        inner.lock = threading.Lock()
        client.table = collections.ChainMap({"inner": inner})

        (place,) = places(client, kind)

        assert place.path == 'object["it"].table.maps[0]["inner"].lock'
        assert '{"lock": threading.Lock}' in place.advice

    def test_once(self, kind):
        """An object with two paths is counted once."""
        client = Client()
        client.one = client.other = queue.Queue()

        assert [place.path for place in places([client, client.one], kind)] == ['object["it"][0].one']

    @pytest.mark.parametrize(
        ("base", "advice"),
        [
            (threading.Thread, "make it in startService, and name the attribute in __transient__ = "),
            (queue.Queue, "make it in startService, and name the attribute in __transient__ = "),
            (logging.Handler, "add it to its logger in startService, and name the attribute in __transient__ = "),
        ],
    )
    def test_own_subclass(self, kind, base, advice):
        """An own subclass of a class that can't be saved is named itself, not the parts of its base."""
        client = Client()
        client.own = type("Own", (base,), {})()

        (place,) = places(client, kind)

        assert (place.path, place.type.rpartition(".")[2]) == ('object["it"].own', "Own")
        assert place.advice == f'{advice}("own",)'

    def test_object_of_a_library(self, kind, monkeypatch):
        """An object of an installed library is named itself: nobody can change its class."""
        library = types.ModuleType("some_library")
        library.__file__ = "/usr/lib/python3/site-packages/some_library.py"
        library.Session = type("Session", (), {"__module__": "some_library"})
        monkeypatch.setitem(sys.modules, "some_library", library)
        client = Client()
        client.session = library.Session()
        client.session.locks = {"a": threading.Lock()}
        client.session.client = inner = Client()
        inner.lock = threading.Lock()

        session, lock = places(client, kind)

        assert (session.path, session.type) == ('object["it"].session', "some_library.Session")
        assert session.reason == """TypeError: cannot pickle '_thread.lock' object (at its locks["a"])"""
        assert session.advice == 'make it in startService, and name the attribute in __transient__ = ("session",)'
        assert lock.path == 'object["it"].session.client.lock'
        assert [place.path for place in places(client.session.locks, kind)] == ['object["it"]["a"]']

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
MADE = {
    "queue.Queue": queue.Queue,
    "lambda: queue.LifoQueue(5)": lambda: queue.LifoQueue(5),
    "threading.Lock": threading.Lock,
    "threading.Event": threading.Event,
    "lambda: threading.Semaphore(3)": lambda: threading.Semaphore(3),
}
LEFT_OUT = {
    "thread": lambda: threading.Thread(target=print),
    "future": concurrent.futures.Future,
    "executor": concurrent.futures.ThreadPoolExecutor,
    "handler": logging.StreamHandler,
    "barrier": lambda: threading.Barrier(2),
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

    @pytest.mark.parametrize("factory", MADE)
    def test_made_anew(self, monkeypatch, kind, shape, factory):
        """A load makes a new one, which works."""
        (place,) = places(holder(monkeypatch, shape, MADE[factory]), kind)
        assert place.path == 'object["it"].jobs'
        advice = place.advice.partition("every load: ")[2]

        made = loads(dumps(holder(monkeypatch, shape, MADE[factory], advice), kind), trust=EVERYTHING)

        assert type(made.jobs) is type(MADE[factory]())
        assert (
            made.jobs.acquire()
            if hasattr(made.jobs, "acquire")
            else made.jobs.qsize() == 0
            if hasattr(made.jobs, "qsize")
            else not made.jobs.is_set()
        )

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
        jobs = queue.Queue()

        (place,) = places(lambda: [jobs.get()], kind)

        assert (place.path, place.type) == ('object["it"] variable jobs', "queue.Queue")

    def test_default(self, kind):
        """A default has the name of its parameter."""
        made = queue.Queue()

        (place,) = places(lambda a, jobs=made, *, b=1: (a, jobs, b), kind)

        assert place.path == 'object["it"] variable jobs'

    def test_empty_cell(self, kind):
        """A variable without a value, and one that is compared in its own way, are no obstacles."""

        class Odd:
            def __eq__(self, other):
                raise AssertionError("nobody may ask")

            __hash__ = None

        def outer():
            odd, jobs = Odd(), queue.Queue()
            take = lambda: (odd, jobs, late)  # noqa: E731 - a closure with an empty cell
            if odd is None:
                late = 1
            return take

        assert [place.path for place in places(outer(), kind)] == ['object["it"] variable jobs']

    def test_nine(self, kind):
        """Nine attributes have nine lines."""
        client = Client()
        for number, make in enumerate((*MADE.values(), *[LEFT_OUT[name] for name in sorted(LEFT_OUT)][:4])):
            setattr(client, f"a{number}", make())

        assert [place.path for place in places(client, kind)] == [f'object["it"].a{number}' for number in range(9)]
