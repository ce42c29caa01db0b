"""The service tree: an application is a tree of services that start and stop together.

The classes have the names and the behaviour of Twisted's `application.service`, on asyncio. `startService` and
`stopService` are plain functions or coroutine functions. They return None when they are done, or something to await. A
`MultiService` asks all of its children at once, and no child waits for another.

A tree that has nothing to wait for needs no event loop. Within an event loop, the rest of a start or stop runs whether
it is awaited or not, and an error that nobody awaits is logged. Without an event loop, the rest begins when it is
awaited, as in `asyncio.run(application.startService())`.

A collection has one transition at a time: it is starting, stopping, or neither.

* A second start joins the first one, and a second stop does.
* A start waits for the stop that is under way. A stop rolls back the start that is under way: each service's start has
  ended or is cancelled before its stop, and each is stopped once.
* A service may ask its parents to stop or start from its own `startService` or `stopService`, and await the result.
  That doesn't wait for itself: the request is carried out when the method has ended.
* A start is given up when all of its callers are cancelled. A stop or a roll-back goes on, and so does a move.
* Within an event loop, a start of a collection that has started, and a stop of one that has stopped, ask only those
  services whose `running` has changed since. After a failed start, a stop does the same with or without an event loop:
  only services that are up are stopped. In other cases each call asks every child, as Twisted's does.
* A transition whose event loop was closed is over, at the next call: all that it was doing counts as cancelled.
* A service that is no collection obeys each call. Its parent knows nothing of calls by others.

A collection whose methods aren't overridden isn't called by its parent: its children are asked without recursion, so
the depth of a tree has no limit. An override of `startService` or `stopService` has to return or await the result of
`super()`. If it doesn't, its parent doesn't wait for the children, and their errors are logged. The code of an override
in the root isn't a part of the transition: the transition begins and ends with the call of `super()`.
"""

from __future__ import annotations

import functools
import importlib
import os
import types
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from zope.interface import implementer

from appsnap import evolve, sob
from appsnap.errors import PassphraseError
from appsnap.interfaces import IPersistable, IProcess, IService, IServiceCollection, IServiceMaker
from appsnap.lifecycle import Lifecycle, both, walked
from appsnap.limits import LIMITS
from appsnap.printable import label, plural, type_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from appsnap.files.streams import Readable
    from appsnap.kinds import Kind
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Trusted
    from appsnap.snapshot.places import FilePath

__all__ = [
    "Application",
    "IPersistable",
    "IProcess",
    "IService",
    "IServiceCollection",
    "IServiceMaker",
    "MultiService",
    "Process",
    "Service",
    "ServiceMaker",
    "loadApplication",
]

_leaving: set[int] = set()
"""The services, by identity, whose parents let them go at this moment."""


@implementer(IService)
class Service:
    """Base of services. `running` is never saved."""

    __transient__: ClassVar[tuple[str, ...] | dict[str, Callable[[], object] | None]] = ("running",)

    name: str | None = None
    parent: IServiceCollection | None = None
    running: bool = False

    def __getstate__(self) -> Any:
        state = evolve.without_transients(type(self), super().__getstate__() or {})
        attributes, *slots = state if isinstance(state, tuple) else (state,)
        attributes = attributes or {}
        # Source files are read by people: name and parent come first.
        ordered = {key: attributes[key] for key in ("name", "parent") if key in attributes} | attributes
        return (ordered, *slots) if slots else ordered

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {label(self.name)!r}"
        return f"<{type(self).__qualname__}{name} {'running' if self.running else 'stopped'}>"

    def setName(self, name: str) -> None:
        """Set the name. Raises RuntimeError once there is a parent."""
        if self.parent is not None:
            raise RuntimeError(f"the name of {self!r} can't change while it has a parent")
        self.name = name

    def setServiceParent(self, parent: Any) -> Awaitable[object] | None:
        """Leave the old parent, if any, and join another, at once. See `IService`."""
        collection: IServiceCollection = IServiceCollection(parent, parent)
        before = self.parent
        if before is None:
            return self._join(collection)
        try:
            leaving = self.disownServiceParent()
        finally:  # it joins even if it fails to stop: it would be in no collection else
            # Its own stop may have put it elsewhere. That was asked for later, so it stays there.
            joining = self._join(collection) if self.parent is None else None
        return both(leaving, joining)

    def _join(self, collection: IServiceCollection) -> Awaitable[object] | None:
        self.parent = collection
        _leaving.discard(id(self))
        try:
            return collection.addService(self)
        except BaseException:
            self.parent = None
            raise

    def disownServiceParent(self) -> Awaitable[object] | None:
        """Leave the parent, and return the result of stopping. Raises RuntimeError if there is no parent."""
        parent = self.parent
        if parent is None:
            raise RuntimeError(f"{self!r} has no parent")
        _leaving.add(id(self))
        try:
            return parent.removeService(self)
        finally:
            # Its own stop may have put it elsewhere, or back.
            if self.parent is parent and id(self) in _leaving:
                self.parent = None
            _leaving.discard(id(self))

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Do the part of starting that needs privileges."""
        return None

    def startService(self) -> Awaitable[object] | None:
        """Start."""
        self.running = True
        return None

    def stopService(self) -> Awaitable[object] | None:
        """Stop."""
        self.running = False
        return None


@implementer(IServiceCollection)
class MultiService(Service):
    """A service made of services. Its module tells what happens when starts and stops overlap.

    A start that fails or is cancelled is rolled back: the children that had started are stopped, the last one first.
    Then `ServiceError` names the service that failed. Further errors are its notes. Errors of stopping come together in
    an exception group when all children have stopped.
    """

    __transient__ = ("_lifecycle", "namedServices")

    def __init__(self) -> None:
        self.services: list[IService] = []

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, {plural(_count(self), 'service')}>"

    @functools.cached_property
    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(self, super())

    @functools.cached_property
    def namedServices(self) -> dict[str, IService]:
        """The children that have a name, by name. It isn't saved, because it follows from `services`."""
        return {child.name: child for child in self.services if child.name is not None}

    def __iter__(self) -> Iterator[IService]:
        return iter(self.services)

    def getServiceNamed(self, name: str) -> IService:
        """Return the child of that name. Raises KeyError."""
        return self.namedServices[name]

    def setServiceParent(self, parent: Any) -> Awaitable[object] | None:
        """Leave the old parent, if any, and join another. Raises RuntimeError if the new parent is below this one."""
        ancestor: Any = IServiceCollection(parent, parent)
        # A service without children is above nothing. So a deep tree that grows downwards isn't climbed at every step.
        while ancestor is self or (ancestor is not None and self.services):
            if ancestor is self:
                raise RuntimeError(f"{self!r} can't be a part of itself")
            ancestor = getattr(ancestor, "parent", None)
        return super().setServiceParent(parent)

    def addService(self, service: IService) -> Awaitable[object] | None:
        """Take in a child, and start it if this one is running: privileged first. See `IServiceCollection`.

        A child that joins during a start becomes a part of that start. A child that joins later and fails to start
        leaves again.
        """
        if service.name is not None:
            if service.name in self.namedServices:
                raise RuntimeError(f"{self!r} already has a service named {label(service.name)!r}")
            self.namedServices[service.name] = service
        self.services.append(service)
        return self._lifecycle.added(service, self._let_go)

    def removeService(self, service: IService) -> Awaitable[object] | None:
        """Let a child go, and stop it if this one is running. See `IServiceCollection`."""
        self._forget(service)
        return self._lifecycle.removed(service)

    def _forget(self, service: IService) -> None:
        for index, child in enumerate(self.services):
            # Compared by identity, because services that are dataclasses may be equal.
            if child is service:
                del self.services[index]
                break
        else:
            raise ValueError(f"{service!r} is no child of {self!r}")
        if service.name is not None and self.namedServices.get(service.name) is service:
            del self.namedServices[service.name]

    def _let_go(self, service: IService) -> None:
        if any(child is service for child in self.services):
            self._forget(service)
        if service.parent is self:
            service.parent = None

    @walked
    def privilegedStartService(self) -> Awaitable[object] | None:
        """Ask each child, in order. A failure is rolled back as `startService` does."""
        return self._lifecycle.start("privilegedStartService")

    @walked
    def startService(self) -> Awaitable[object] | None:
        """Start each child, in order. When a failure is rolled back, this or the awaitable raises ServiceError."""
        return self._lifecycle.start("startService")

    @walked
    def stopService(self) -> Awaitable[object] | None:
        """Stop each child, the last one first. This cancels a running start. Raises an exception group."""
        return self._lifecycle.stop()


@implementer(IProcess)
class Process:
    """How the application's process should run. None means: no change."""

    processName: str | None = None  # noqa: N815 - Twisted's name
    uid: int | None = None
    gid: int | None = None

    def __init__(self, uid: int | None = None, gid: int | None = None) -> None:
        if uid is not None:
            self.uid = uid
        if gid is not None:
            self.gid = gid


def _count(collection: MultiService) -> int:
    services = getattr(collection, "services", None)
    return len(services) if isinstance(services, (list, tuple)) else 0


class Application(MultiService, Process):
    """The root of a service tree. It provides `IService`, `IServiceCollection`, `IProcess` and `IPersistable`.

    `setComponent` sets an object for any other interface, or one for these, which `interface(application)` then
    returns. Components are a part of the application's state.
    """

    style: Kind = "pickle"
    components: Mapping[str, Any] = types.MappingProxyType({})

    def __init__(self, name: str, uid: int | None = None, gid: int | None = None) -> None:
        self.name = name
        Process.__init__(self, uid, gid)
        MultiService.__init__(self)

    def setComponent(self, interface: Any, component: Any) -> None:
        """Set the object that `interface(application)` returns."""
        self.components = {**self.components, interface.__identifier__: component}

    def unsetComponent(self, interface: Any) -> None:
        """Remove the component for an interface. Raises KeyError."""
        components = dict(self.components)
        del components[interface.__identifier__]
        self.components = components

    def getComponent(self, interface: Any, default: Any = None) -> Any:
        """Return the component for an interface, or the application itself if it provides the interface."""
        # A stranger's file may have a range there, through which Python would look.
        mapped = isinstance(self.components, (dict, types.MappingProxyType))
        if mapped and interface.__identifier__ in self.components:
            return self.components[interface.__identifier__]
        if interface is IPersistable:
            return _PersistentApplication(self, label(self.name))
        component = interface.__adapt__(self)
        return default if component is None else component

    def __conform__(self, interface: Any) -> Any:
        # The method of the class: the file may set an attribute of this name to anything.
        return type(self).getComponent(self, interface)


class _PersistentApplication(sob.Persistent):
    """Keeps its style in the application, which is saved."""

    original: Application

    @property
    def style(self) -> Kind:
        return self.original.style

    @style.setter
    def style(self, style: Kind) -> None:
        if style != self.original.style:  # the default isn't saved
            self.original.style = style


@implementer(IServiceMaker)
class ServiceMaker:
    """Makes services with `Options` and `makeService` of a module. The module is imported when either is used."""

    def __init__(self, name: str, module: str, description: str, tapname: str) -> None:
        self.name = name
        self.module = module
        self.description = description
        self.tapname = tapname

    @property
    def options(self) -> Any:
        """The module's `Options`."""
        return importlib.import_module(self.module).Options

    @property
    def makeService(self) -> Any:
        """The module's `makeService`."""
        return importlib.import_module(self.module).makeService


def loadApplication(
    filename: FilePath | Readable,
    kind: Kind | Literal["python"],
    passphrase: str | None = None,
    *,
    trust: Trusted = (),
    limits: Limits = LIMITS,
) -> Application:
    """Load an application from a file. `kind` is `pickle`, `source`, `msgpack`, `xml`, or `python` for a script.

    A script is run, and has to assign `application`. The other kinds are loaded as `appsnap.load` does, with `trust`
    and `limits`. Raises CannotLoad or one of its subclasses, among them WrongKind for an object that isn't an
    application; PassphraseError, OSError.
    """
    # Imported late: services run without it.
    from appsnap.snapshot import loading  # noqa: PLC0415

    if kind != "python":
        loaded = sob.load(filename, kind, passphrase, trust=trust, limits=limits)
    elif not isinstance(filename, (str, os.PathLike)):
        raise TypeError(f"a script is run from a path, not from {type_of(filename)}")
    elif passphrase is not None:
        raise PassphraseError(f"{filename} is a script, and scripts aren't encrypted", hint="leave out the passphrase")
    else:
        loaded = sob.loadValueFromFile(os.fsdecode(filename), "application")
    application: Application = loading.as_expected(loaded, Application, filename)
    return application
