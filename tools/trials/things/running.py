"""Things that belong to a running process: threads, queues, futures, asyncio, files, sockets, processes, ctypes."""

import array
import asyncio
import concurrent.futures
import ctypes
import functools
import io
import mmap
import multiprocessing
import os
import pathlib
import pickle
import queue
import sched
import select
import selectors
import shelve
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import types
import zipimport

from trials.things import filled


class Worker(threading.Thread):
    """A thread of its own."""


class WithLock:
    """Has a lock that each load makes anew."""

    __transient__ = {"lock": threading.Lock}

    def __init__(self):
        self.lock = threading.Lock()
        self.a = 1


class Point(ctypes.Structure):
    """A struct of C."""

    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


class Number(ctypes.Union):
    """A union of C."""

    _fields_ = [("i", ctypes.c_int), ("b", ctypes.c_byte * 4)]


class Namespace(threading.local):
    """Attributes of a thread."""


class ProtocolOwn(asyncio.Protocol):
    """A protocol of its own."""

    def __init__(self):
        self.got = []


async def coroutine():
    """Do nothing."""


async def agenerator():
    """Yield."""
    yield 1


def _done_future():
    it = concurrent.futures.Future()
    it.set_result(1)
    return it


def _file():
    return tempfile.TemporaryFile()  # noqa: SIM115


def _path():
    return pathlib.Path(tempfile.gettempdir())


def _queue(cls=queue.Queue):
    it = cls()
    it.put(1)
    return it


def _aqueue(cls=asyncio.Queue, items=(1, 2)):
    it = cls(5)
    for item in items:
        it.put_nowait(item)
    return it


def _acquired():
    it = asyncio.Lock()

    async def run():
        await it.acquire()

    asyncio.run(run())
    return it


def _waited():
    it = asyncio.Event()

    async def run():
        try:
            await asyncio.wait_for(it.wait(), 0.001)
        except TimeoutError:
            pass

    asyncio.run(run())
    return it


def _aevent():
    it = asyncio.Event()
    it.set()
    return it


THINGS = {
    "lock": threading.Lock,
    "rlock": threading.RLock,
    "condition": threading.Condition,
    "event": threading.Event,
    "semaphore": lambda: threading.Semaphore(3),
    "barrier": lambda: threading.Barrier(2),
    "thread": lambda: threading.Thread(target=print),
    "thread subclass": Worker,
    "timer": lambda: threading.Timer(5, print),
    "thread local": threading.local,
    "thread local subclass": Namespace,
    "main thread": threading.main_thread,
    "transient lock": WithLock,
    "queue": _queue,
    "queue lifo": lambda: _queue(queue.LifoQueue),
    "queue priority": lambda: _queue(queue.PriorityQueue),
    "queue simple": lambda: _queue(queue.SimpleQueue),
    "future": concurrent.futures.Future,
    "future done": _done_future,
    "executor": lambda: concurrent.futures.ThreadPoolExecutor(1),
    "asyncio queue": _aqueue,
    "asyncio queue lifo": lambda: _aqueue(asyncio.LifoQueue),
    "asyncio queue priority": lambda: _aqueue(asyncio.PriorityQueue, (2, 1)),
    "asyncio event": asyncio.Event,
    "asyncio event set": _aevent,
    "asyncio event waited for": _waited,
    "asyncio lock": asyncio.Lock,
    "asyncio lock locked": _acquired,
    "asyncio condition": asyncio.Condition,
    "asyncio semaphore": lambda: asyncio.Semaphore(3),
    "asyncio semaphore bounded": lambda: asyncio.BoundedSemaphore(3),
    "asyncio protocol": ProtocolOwn,
    "asyncio stream reader": lambda: asyncio.StreamReader(loop=asyncio.new_event_loop()),
    "asyncio loop": asyncio.new_event_loop,
    "asyncio runner": asyncio.Runner,
    "asyncio policy": asyncio.DefaultEventLoopPolicy,
    "asyncio functions": lambda: [asyncio.run, asyncio.sleep, asyncio.gather],
    "coroutine": lambda: filled(types.SimpleNamespace(), function=coroutine),
    "coroutine object": lambda: coroutine(),
    "async generator": lambda: agenerator(),
    "async generator function": lambda: agenerator,
    "file": _file,
    "file text": lambda: open(os.devnull),  # noqa: SIM115, PTH123
    "file temporary named": lambda: tempfile.NamedTemporaryFile(),  # noqa: SIM115
    "file spooled": lambda: tempfile.SpooledTemporaryFile(),  # noqa: SIM115
    "temporary directory": tempfile.TemporaryDirectory,
    "file raw": lambda: io.FileIO(os.devnull),
    "stdin": lambda: sys.stdin,
    "stderr shared": lambda: [sys.stderr, {"to": sys.stderr}],
    "directory entry": lambda: next(os.scandir("/")),
    "scandir": lambda: os.scandir("/"),
    "socket": socket.socket,
    "socket pair": socket.socketpair,
    "ssl context": ssl.create_default_context,
    "selector": selectors.DefaultSelector,
    "selector key": lambda: selectors.SelectorKey(1, 1, 1, "data"),
    "epoll": lambda: select.epoll() if hasattr(select, "epoll") else None,
    "poll": lambda: select.poll(),
    "process": lambda: subprocess.Popen(["true"]),
    "process completed": lambda: subprocess.CompletedProcess(["a"], 0, b"out"),
    "process multi": lambda: multiprocessing.Process(target=print),
    "process pipe": multiprocessing.Pipe,
    "process value": lambda: multiprocessing.Value("i", 5),
    "process queue": multiprocessing.Queue,
    "mmap": lambda: mmap.mmap(-1, 10),
    "signal set": lambda: {signal.SIGINT},
    "shelf": lambda: shelve.Shelf({}),
    "pickler": lambda: pickle.Pickler(io.BytesIO()),
    "pickle buffer": lambda: pickle.PickleBuffer(b"abc"),
    "ctypes int": lambda: ctypes.c_int(5),
    "ctypes text": lambda: ctypes.c_wchar("a"),
    "ctypes struct": lambda: Point(1, 2.5),
    "ctypes union": lambda: Number(i=7),
    "ctypes array": lambda: (ctypes.c_int * 3)(1, 2, 3),
    "ctypes array of structs": lambda: (Point * 2)(Point(1, 2.0)),
    "ctypes pointer": lambda: ctypes.pointer(ctypes.c_int(5)),
    "ctypes library": lambda: ctypes.CDLL(None),
    "ctypes function": lambda: ctypes.CDLL(None).getpid,
    "ctypes buffer": lambda: ctypes.create_string_buffer(b"abc"),
    "ctypes callback": lambda: ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1),
    "zip importer": lambda: zipimport.zipimporter,
    "module spec": lambda: sys.__spec__,
    "loader": lambda: queue.__spec__.loader,
    "spec of a module": lambda: os.__spec__,
    "traceback": lambda: _traceback(),
    "tracemalloc": lambda: tracemalloc.Filter(True, "a"),  # noqa: FBT003
    "path of a temporary": _path,
    "scheduler": sched.scheduler,
    "partial over a lock": lambda: functools.partial(print, threading.Lock()),
    "list of a file": lambda: [1, _file()],
    "array of bytes": lambda: array.array("B", b"abc"),
}


def _traceback():
    try:
        raise ValueError
    except ValueError as error:
        return error.__traceback__


CHECKS = {
    "transient lock": lambda x: (x.a, x.lock.acquire(blocking=False)),
    "asyncio queue": lambda q: (q.maxsize, q.get_nowait(), q.qsize()),
    "asyncio queue lifo": lambda q: (q.get_nowait(), q.qsize()),
    "asyncio queue priority": lambda q: (q.get_nowait(), q.qsize()),
    "asyncio event set": lambda e: e.is_set(),
    "asyncio lock": lambda x: x.locked(),
    "asyncio lock locked": lambda x: x.locked(),
    "asyncio semaphore": lambda s: s._value,
    "asyncio protocol": lambda p: p.got,
    "stdin": lambda s: s is sys.stdin,
    "stderr shared": lambda s: s[0] is sys.stderr is s[1]["to"],
    "ctypes int": lambda c: c.value,
    "ctypes text": lambda c: c.value,
    "ctypes struct": lambda s: (s.x, s.y),
    "ctypes union": lambda u: u.i,
    "ctypes array": list,
    "ctypes array of structs": lambda a: [(p.x, p.y) for p in a],
    "ctypes buffer": lambda b: b.value,
    "ctypes function": lambda f: f.__name__,
    "pickle buffer": lambda b: bytes(b),
    "process completed": lambda p: (p.args, p.returncode, p.stdout),
    "spec of a module": lambda s: s.name,
    "shelf": dict,
    "tracemalloc": lambda f: f.filename_pattern,
    "thread local": lambda x: vars(x),
    "file spooled": lambda f: f.read(),
    "asyncio policy": lambda p: type(p),
    "asyncio runner": lambda p: type(p),
    "selector": lambda s: s.get_map() is not None,
}
OPAQUE = {
    *THINGS.keys()
    - {"transient lock", "process completed", "coroutine", "signal set", "selector key", "asyncio functions"}
    - {"array of bytes", "path of a temporary", "async generator function", "asyncio protocol", "zip importer"}
}
