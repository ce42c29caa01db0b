"""Objects of the process, which a snapshot finds again by name: loggers, the event loop, standard streams."""

from __future__ import annotations

import contextvars
import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import call, check, of
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    import asyncio

__all__ = ["OBJECTS", "TYPES"]


def _make_logger(args: tuple[Any, ...]) -> logging.Logger:
    of(str, least=0, most=1)(args)
    # Each dot makes another logger, for good.
    check(all(len(name) <= 500 and name.count(".") <= 50 for name in args), "takes a name of a module")
    return logging.getLogger(*args)


def _make_closed_loop(args: tuple[Any, ...]) -> Any:
    of(least=0, most=0)(args)
    return importlib.import_module("appsnap.ways.asyncio").closed_loop()


def _reduce_loop(loop: Any) -> Any:
    asyncio = sys.modules["asyncio"]
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if loop is running:
        return asyncio.get_running_loop, ()
    return importlib.import_module("appsnap.ways.asyncio").reduced_loop(loop)


def _make_running_loop(args: tuple[Any, ...]) -> asyncio.AbstractEventLoop:
    import asyncio  # noqa: PLC0415 - asyncio is half the time of starting the command line

    of(least=0, most=0)(args)
    return asyncio.get_running_loop()


def _make_context(args: tuple[Any, ...]) -> Any:
    pairs = all(type(item) is tuple and len(item) == 2 and type(item[0]) is contextvars.ContextVar for item in args)
    check(pairs, "takes pairs of a context variable and its value")
    return importlib.import_module("appsnap.ways.contexts").context(*args)


TYPES = (
    ValueType(
        name="contextvars.ContextVar",
        cls=contextvars.ContextVar,
        make=call(contextvars.ContextVar, str, least=1, most=1),
        identity=True,
    ),
    ValueType(
        name="contextvars.Context",
        cls=contextvars.Context,
        made_by={"appsnap.ways.contexts.context": _make_context},
        identity=True,
    ),
    ValueType(
        name="logging.Logger",
        cls=logging.Logger,
        made_by={"logging.getLogger": _make_logger},
        referable=False,
        of_the_process=True,
        methods=True,
    ),
    ValueType(
        name="asyncio.events.AbstractEventLoop",
        reduce=_reduce_loop,
        subclasses=True,
        made_by={
            "_asyncio.get_running_loop": _make_running_loop,
            "appsnap.ways.asyncio.closed_loop": _make_closed_loop,
        },
        work=lambda _: 500,
        referable=False,
    ),
)

OBJECTS = (
    "os.environ",
    "sys.stdin",
    "sys.stdout",
    "sys.stderr",
    "sys.__stdin__",
    "sys.__stdout__",
    "sys.__stderr__",
    "logging.lastResort",
    "twisted.internet.reactor",
)
"""`evolve` saves them by name."""
