"""Locks, queues, pools and futures, which `appsnap.ways` makes anew. None of them calls a function of the file."""

from __future__ import annotations

import _thread
import importlib
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import check, of
from appsnap.recipe.values.containers import STATEFUL
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.values.registry import Make

__all__ = ["TYPES", "made_by_way"]

_NOTHING = of(most=0)
_WORD = 64


def made_by_way(name: str, check_all: Callable[[tuple[Any, ...]], object]) -> Make:
    """Return a function that checks arguments, and then calls the function of this name in `appsnap.ways`."""
    module, _, function = name.rpartition(".")

    def make(args: tuple[Any, ...]) -> Any:
        check_all(args)
        return getattr(importlib.import_module(module), function)(*args)

    return make


def _type(
    family: str, function: str, check_all: Callable[[tuple[Any, ...]], object] = _NOTHING, **more: Any
) -> ValueType:
    name = f"appsnap.ways.{family}.{function}"
    # The largest of them take 4 KB: a queue has a lock, and three conditions with their methods.
    fields: dict[str, Any] = {"identity": True, "methods": True, "referable": False, "work": lambda _: 10} | more
    return ValueType(name=name, make=made_by_way(name, check_all), **fields)


def _positions(*types: tuple[type, ...], least: int) -> Callable[[tuple[Any, ...]], None]:
    """Return a check that there are at least so many arguments, each of one of the types at its place."""

    def check_all(args: tuple[Any, ...]) -> None:
        check(least <= len(args) <= len(types), f"takes {least} to {len(types)} arguments, not {len(args)}")
        for argument, allowed in zip(args, types, strict=False):
            check(type(argument) in allowed, f"takes no {type(argument).__name__} here")

    return check_all


def _check_lock(args: tuple[Any, ...]) -> None:
    python = getattr(sys.modules.get("threading"), "_RLock", None)
    check(len(args) == 1 and type(args[0]) in (_thread.LockType, _thread.RLock, python), "takes a lock")


def _check_asyncio_lock(args: tuple[Any, ...]) -> None:
    lock = getattr(sys.modules.get("asyncio"), "Lock", None)
    check(len(args) == 1 and type(args[0]) is lock, "takes a lock")


def _check_put(args: tuple[Any, ...]) -> None:
    simple = getattr(sys.modules.get("queue"), "SimpleQueue", None)
    check(len(args) == 2 and type(args[0]) is simple and type(args[1]) is list, "takes a queue and a list")


def _check_error(args: tuple[Any, ...]) -> None:
    check(len(args) == 1 and issubclass(type(args[0]), BaseException), "takes an exception")


def _check_time(args: tuple[Any, ...]) -> None:
    of(float, int, most=1)(args)
    # A handle is hashed by its time, and compared by it.
    check(all(type(when) is float or when.bit_length() < _WORD for when in args), "takes a time in seconds")


def _check_processes(args: tuple[Any, ...]) -> None:
    _positions((int,), (str,), (int, type(None)), (bool,), least=2)(args)
    # The others start a process at once, which looks for its modules in the current folder.
    check(args[1] == "fork", "starts a process: it has to be made by appsnap.ways.pools.pool, and that call trusted")


_FLAG = of(bool, most=1)
_NUMBER = of(int, least=1, most=1)
_HEAVY: dict[str, Any] = {"work": lambda _: 30}
_QUEUE = _positions((deque,), (int, float), (int,), least=1)
_LIST_QUEUE = _positions((list,), (int, float), (int,), least=1)
_TIME = (float, int, type(None))


def _check_any(args: tuple[Any, ...]) -> None:
    check(len(args) <= 1, "takes one argument")


TYPES = (
    *(_type("threads", name) for name in ("Lock", "RLock", "PythonRLock")),
    _type("generators", "ended", methods=False),
    _type("threads", "main_thread", methods=False),
    _type("threads", "local", filled_by=STATEFUL),
    _type("threads", "Condition", _check_lock),
    _type("threads", "Barrier", _positions((int,), _TIME, (bool,), least=1)),
    _type("asyncio", "Lock"),
    _type("asyncio", "Condition", _check_asyncio_lock),
    _type("asyncio", "Barrier", _NUMBER),
    _type("asyncio", "spent_handle", _check_time),
    *(_type(family, "Event", _FLAG) for family in ("threads", "asyncio")),
    *(_type(family, name, _NUMBER) for family in ("threads", "asyncio") for name in ("Semaphore", "BoundedSemaphore")),
    *(
        _type(family, name, check_all, **_HEAVY)
        for family in ("queues", "asyncio")
        for name, check_all in (("Queue", _QUEUE), ("LifoQueue", _LIST_QUEUE), ("PriorityQueue", _LIST_QUEUE))
    ),
    _type("queues", "SimpleQueue"),
    _type("queues", "put", _check_put),
    _type("pools", "ThreadPoolExecutor", _positions((int,), (str,), (bool,), least=1), methods=False, **_HEAVY),
    # It opens pipes, and takes semaphores of the system.
    _type("pools", "ProcessPoolExecutor", _check_processes, methods=False, work=lambda _: 1_000),
    *(
        _type(family, name, check_all)
        for family in ("pools", "asyncio")
        for name, check_all in (
            ("finished_future", _check_any),
            ("failed_future", _check_error),
            ("cancelled_future", _NOTHING),
            ("pending_future", _NOTHING),
        )
    ),
)
