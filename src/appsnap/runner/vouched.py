"""The check before a file is run that nobody vouches for: it has a tree of services, and calls what the user trusts.

A load makes the services of such a file, and trust in names covers that. A start does more: a timer calls a function
with arguments of the file's choice, and a server listens at an address of its choice. Timers and servers call theirs
once the process has dropped its privileges. An attribute in the place of a method may be called before that.
"""

from __future__ import annotations

import functools
import shlex
import types
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, NotTrusted, Want
from appsnap.hosting.aiohttp import AiohttpServer
from appsnap.hosting.asgi import ASGIServer
from appsnap.hosting.objects import ObjectService
from appsnap.hosting.wsgi import WSGIServer
from appsnap.interfaces import IService, IServiceCollection
from appsnap.internet import StreamServerService, TimerService
from appsnap.printable import label, type_of
from appsnap.recipe import steps
from appsnap.service import MultiService
from appsnap.twisted_services import adapted, implements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.recipe.trust import Trust

__all__ = ["check_vouched"]

_LONGEST = 1_000
"""Characters of the name of a service."""


def check_vouched(application: Any, trust: Trust, called: Trust | None = None) -> None:
    """Check that an application may be run. Raises NotTrusted with all names that are missing, and CannotLoad.

    `called` is the trust for the functions of timers and servers, if it is another one.
    """
    called = trust if called is None else called
    missing: dict[tuple[str, str], Want] = {}
    for service, path in _services(application):
        wanted = [(trust, found) for found in _wanted(service)] + [(called, found) for found in _wanted_later(service)]
        for trusted, (name, use) in wanted:
            if not trusted.names(name, use):
                missing.setdefault((name.dotted, use), Want(name.dotted, use, path))
    if missing:
        wants = list(missing.values())
        grants = " ".join(f"--trust {shlex.quote(want.grant)}" for want in wants)
        raise NotTrusted(
            wants, hint=f"to run it, the file needs more trust than to be loaded; if you trust these names: {grants}"
        )


def _services(application: Any) -> Iterator[tuple[Any, str]]:
    """Yield the services of a tree, each with its path. Raises CannotLoad where the tree is none."""
    root: Any = adapted(IService, application)
    stack = [(root, "application")]
    found = {id(root)}
    while stack:
        service, path = stack.pop()
        if not implements(IService, type(service)):
            raise CannotLoad(f"{path} is {type_of(service)}, and no service")
        name = service.name
        if name is not None and (type(name) is not str or len(name) > _LONGEST):
            raise CannotLoad(f"the name of {path} is {label(name)}, and no short text")
        _check_parents(service, path)
        yield service, path
        if not implements(IServiceCollection, type(service)):
            continue
        children = service
        if type(service).__iter__ is MultiService.__iter__:
            children = getattr(service, "services", None)
            if not isinstance(children, (list, tuple)):
                raise CannotLoad(f"the services of {path} are {type_of(children)}, and no list")
        for number, child in enumerate(children):
            if id(child) in found:
                raise CannotLoad(f"{path}.services[{number}] is in the tree twice")
            found.add(id(child))
            stack.append((child, f"{path}.services[{number}]"))


def _check_parents(service: Any, path: str) -> None:
    """Check that the parents of a service come to an end."""
    seen = 0
    slow = fast = service
    while fast is not None:
        fast = getattr(fast, "parent", None)
        seen += 1
        if seen % 2 == 0:
            slow = getattr(slow, "parent", None)
        if fast is slow and fast is not None:
            raise CannotLoad(f"the parents of {path} come back to themselves")


def _wanted(service: Any) -> Iterator[tuple[steps.Name, str]]:
    """Yield the names, each with its use, that have to be trusted before a service is started."""
    for attribute, value in getattr(service, "__dict__", {}).items():
        # An attribute takes the place of a method of the class: `startService`, say.
        takes_place = attribute in _HOOKS or callable(getattr(type(service), attribute, None))
        if type(attribute) is str and callable(value) and takes_place:
            yield from _names_of(value)
    for cls in _CALLING:
        if type(service) is cls:
            yield steps.Name(cls.__module__, cls.__qualname__), "create"


def _wanted_later(service: Any) -> Iterator[tuple[steps.Name, str]]:
    """Yield the names of the functions that a service calls when it has been started."""
    for cls, attribute in _CALLING.items():
        if isinstance(service, cls) or (cls is TimerService and _is_timer_of_twisted(service)):
            function = getattr(service, attribute, None)
            if attribute == "call":
                function = function[0] if type(function) is tuple and function else None
            yield from _names_of(function)


def _is_timer_of_twisted(service: Any) -> bool:
    names = {(cls.__module__, cls.__qualname__) for cls in type(service).__mro__}
    return ("twisted.application.internet", "TimerService") in names


_HOOKS = frozenset({"afterRestore", "beforeSnapshot", "afterSnapshot"})
"""The methods that a service may have, and that are called if it has them."""

_CALLING: dict[type, str] = {
    TimerService: "call",
    StreamServerService: "handler",
    ASGIServer: "application",
    AiohttpServer: "application",
    WSGIServer: "application",
    ObjectService: "object",
}
"""The services that call a function, each with its attribute."""


def _names_of(function: Any) -> Iterator[tuple[steps.Name, str]]:
    while True:
        owner = getattr(function, "__self__", None) if type(function) in _BOUND else None
        if type(function) is functools.partial:
            function = function.func
        elif type(owner) in _CALLED_BY_CALL:
            function = owner  # this is its `__call__`, or the like
        else:
            break
    if type(function) is types.MethodType and not _is_own(function.__func__, owner):
        yield from _names_of(function.__func__)
    if owner is not None and not isinstance(owner, types.ModuleType):
        function = owner if isinstance(owner, type) else type(owner)
        yield steps.Name(function.__module__, function.__qualname__), "create"
    elif type(function) in _FUNCTIONS or isinstance(function, type):
        yield steps.Name(str(function.__module__), function.__qualname__), "call"
    elif function is not None:
        yield steps.Name(type(function).__module__, type(function).__qualname__), "create"


def _is_own(function: Any, owner: Any) -> bool:
    """Tell whether a function is one of the class of the object that it is bound to, or of the class itself."""
    classes = (*type(owner).__mro__, *(owner.__mro__ if isinstance(owner, type) else ()))
    found = (value for cls in classes for value in vars(cls).values())
    return any(function is (x.__func__ if isinstance(x, classmethod) else x) for x in found)


_BOUND = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)
_CALLED_BY_CALL = (functools.partial, *_BOUND, types.FunctionType)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(functools.lru_cache(len)))
