"""Tells the sort of an object, and makes an application of it that runs.

The class of the object decides, and nothing is imported for it:

* a service, or an application of services;
* an application of aiohttp: an `Application` of its module `web_app`, or of a subclass;
* ASGI: a coroutine function or method `__call__` that takes three arguments, or any that names them `scope`, `receive`
  and `send`;
* WSGI: a function or method `__call__` that takes two arguments, and is no coroutine function;
* an object with `start` and `stop`, or with `async def run()`.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from appsnap.hosting.aiohttp import AiohttpServer
from appsnap.hosting.asgi import ASGIServer
from appsnap.hosting.objects import ObjectService, can_run, can_start
from appsnap.hosting.wsgi import WSGIServer
from appsnap.interfaces import IService
from appsnap.service import Application

if TYPE_CHECKING:
    from appsnap.hosting.server import Server
    from appsnap.hosting.variable import OfModule

__all__ = ["Sort", "hosted", "served", "sort_of"]

Sort = Literal["service", "aiohttp", "ASGI", "WSGI", "object"]

_SERVERS: dict[Sort | None, type[Server]] = {"aiohttp": AiohttpServer, "ASGI": ASGIServer, "WSGI": WSGIServer}


def sort_of(obj: Any) -> Sort | None:
    """Return the sort of an object, or None if it is of none of these."""
    if IService(obj, None) is not None:
        return "service"
    if not isinstance(obj, type):
        classes = type(obj).__mro__
        if any((base.__module__, base.__qualname__) == ("aiohttp.web_app", "Application") for base in classes):
            return "aiohttp"
        if (called := _called(obj)) is not None:
            return called
        if can_start(obj) or can_run(obj):
            return "object"
    return None


def _called(obj: Any) -> Literal["ASGI", "WSGI"] | None:
    """Return the protocol by which an object is called, or None."""
    if not callable(obj):
        return None
    try:
        parameters = inspect.signature(obj).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one.name for one in parameters if one.kind in positional and one.default is one.empty]
    is_async = any(inspect.iscoroutinefunction(one) for one in (obj, type(obj).__call__))
    if needed == ["scope", "receive", "send"] or (is_async and len(needed) == 3):
        return "ASGI"
    return "WSGI" if len(needed) == 2 and not is_async else None


def served(obj: Any, source: str, host: str, port: int) -> Application | None:
    """Return an application that serves an object at an address, or None if no server can.

    The object comes from a `source`: `module:name`, or a file.

    Raises AppsnapError if the library isn't installed.
    """
    server = _SERVERS.get(sort_of(obj))
    if server is None:
        return None
    server.check_installed()
    return _application(server(obj, host, port), source)


def hosted(obj: Any, source: str) -> Any:
    """Return an application that runs an object with `start` and `stop`, or `run`. Returns any other as it is."""
    return _application(ObjectService(obj), source) if sort_of(obj) == "object" else obj


def _application(service: OfModule, source: str) -> Application:
    """Return an application of one service, named after the variable and the module, or after the file."""
    module, colon, name = source.partition(":")
    if not colon or Path(source).exists():
        module = name = Path(source).stem
    elif name.isidentifier() and module in sys.modules:
        # They come first in the state: the module is imported before the application is made.
        state = {"module": sys.modules[module], "variable": name, **vars(service)}
        vars(service).clear()
        vars(service).update(state)
    service.setName(name)
    application = Application(module.rpartition(".")[2])
    service.setServiceParent(application)
    return application
