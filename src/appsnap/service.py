"""The service tree: what an application is made of, and how it starts and stops.

Names and behaviour are those of Twisted's `application.service`; time is asyncio's. `startService` and `stopService` are
plain functions or coroutine functions: they return None when they are done, or something to await. A `MultiService` asks
each of its children at once, and none waits for another.

A tree that has nothing to wait for needs no event loop. Within one, what is left to wait for is under way, awaited or
not, and an error that nobody awaits is logged. Without one, it begins when it is awaited, as in
`asyncio.run(application.startService())`.

Starting recurses through the tree, because a subclass may override every method on the way.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import logging
import operator
import traceback
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from zope.interface import implementer

from appsnap import evolve, sob
from appsnap.errors import PassphraseError, ServiceError
from appsnap.interfaces import IPersistable, IProcess, IService, IServiceCollection, IServiceMaker

if TYPE_CHECKING:
    from os import PathLike

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
    "service_makers",
]

_log = logging.getLogger(__name__)


@implementer(IService)
class Service:
    """Base of services. `running` is kept here, and never saved."""

    __transient__: ClassVar[tuple[str, ...] | dict[str, Callable[[], object] | None]] = ("running",)

    name: str | None = None
    parent: IServiceCollection | None = None
    running: bool = False

    def __getstate__(self) -> Any:
        state = evolve.lasting_state(type(self), super().__getstate__() or {})
        attributes, *slots = state if isinstance(state, tuple) else (state,)
        # People read this: what the service is comes before what it holds.
        first = {key: attributes[key] for key in ("name", "parent") if key in (attributes or ())}
        return (first | (attributes or {}), *slots) if slots else first | attributes

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name!r}"
        return f"<{type(self).__qualname__}{name} {'running' if self.running else 'stopped'}>"

    def setName(self, name: str) -> None:
        """Set the name. Raises RuntimeError once there is a parent."""
        if self.parent is not None:
            raise RuntimeError(f"the name of {self!r} can't change while it has a parent")
        self.name = name

    def setServiceParent(self, parent: Any) -> Awaitable[object] | None:
        """Leave the old parent, if any, and join another. See `IService`."""
        collection: IServiceCollection = IServiceCollection(parent, parent)
        leaving = None if self.parent is None else self.disownServiceParent()
        if leaving is None:
            return self._join(collection)
        return _eagerly(self._join_after(leaving, collection))

    def _join(self, collection: IServiceCollection) -> Awaitable[object] | None:
        self.parent = collection
        try:
            return collection.addService(self)
        except BaseException:
            self.parent = None
            raise

    async def _join_after(self, leaving: Awaitable[object], collection: IServiceCollection) -> None:
        await _hand_over()
        await leaving
        joining = self._join(collection)
        if joining is not None:
            await joining

    def disownServiceParent(self) -> Awaitable[object] | None:
        """Leave the parent, and return what stopping returns. Raises RuntimeError if there is none."""
        if self.parent is None:
            raise RuntimeError(f"{self!r} has no parent")
        try:
            return self.parent.removeService(self)
        finally:
            self.parent = None

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Do what has to be done before privileges are dropped."""
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
    """A service made of services.

    A start that fails, or is cancelled, is rolled back: the children that had started are stopped, the last one first.
    Then `ServiceError` says which service failed; further errors are its notes. Errors while stopping come out together,
    as an exception group, when all children have stopped.
    """

    __transient__ = ("namedServices", "_starts")

    _starts: tuple[_Round, ...] = ()

    def __init__(self) -> None:
        self.services: list[IService] = []

    def __repr__(self) -> str:
        count = "1 service" if len(self.services) == 1 else f"{len(self.services)} services"
        return f"{super().__repr__()[:-1]}, {count}>"

    @functools.cached_property
    def namedServices(self) -> dict[str, IService]:
        """The children that have a name, by name. Not saved: it follows from `services`."""
        return {child.name: child for child in self.services if child.name is not None}

    def __iter__(self) -> Iterator[IService]:
        return iter(self.services)

    def getServiceNamed(self, name: str) -> IService:
        """Return the child of that name. Raises KeyError."""
        return self.namedServices[name]

    def setServiceParent(self, parent: Any) -> Awaitable[object] | None:
        """Leave the old parent, if any, and join another. Raises RuntimeError if that is somewhere below this one."""
        ancestor: Any = IServiceCollection(parent, parent)
        # Without children it is above nothing: a deep tree that grows downwards isn't climbed at every step.
        while ancestor is self or (ancestor is not None and self.services):
            if ancestor is self:
                raise RuntimeError(f"{self!r} can't be a part of itself")
            ancestor = getattr(ancestor, "parent", None)
        return super().setServiceParent(parent)

    def addService(self, service: IService) -> Awaitable[object] | None:
        """Take in a child, and start it if this one is running: privileged first. See `IServiceCollection`.

        A child that joins during a start becomes a part of that start. One that joins later and fails to start is
        let go again.
        """
        if service.name is not None:
            if service.name in self.namedServices:
                raise RuntimeError(f"{self!r} already has a service named {service.name!r}")
            self.namedServices[service.name] = service
        self.services.append(service)
        start = next((start for start in self._starts if start.whole), None)
        if start is None:
            return _eagerly(self._start_newcomer(service)) if self.running else None
        if self.running:
            return start.ask(service, self._start_both)
        start.waiting[id(service)] = service
        return None

    def removeService(self, service: IService) -> Awaitable[object] | None:
        """Let a child go, and stop it if this one is running. See `IServiceCollection`."""
        path = _path(service, self)
        self._forget(service)
        if self.running:
            return _eagerly(self._stop_removed(service, path))
        for start in self._starts:
            start.waiting.pop(id(service), None)
        return None

    def _forget(self, service: IService) -> None:
        for index, child in enumerate(self.services):
            # By identity: services that are dataclasses may be equal.
            if child is service:
                del self.services[index]
                break
        else:
            raise ValueError(f"{service!r} is no child of {self!r}")
        if service.name is not None and self.namedServices.get(service.name) is service:
            del self.namedServices[service.name]

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Ask each child, in order. A failure is rolled back as in `startService`."""
        super().privilegedStartService()
        return _eagerly(self._start_all("privilegedStartService"))

    def startService(self) -> Awaitable[object] | None:
        """Start each child, in order. Raises ServiceError, or the awaitable does, when all is rolled back."""
        super().startService()
        return _eagerly(self._start_all("startService"))

    def stopService(self) -> Awaitable[object] | None:
        """Stop each child, the last one first; a start that is under way is cancelled. Raises an exception group."""
        super().stopService()
        for start in self._starts:
            start.abandoned = True
        return _eagerly(self._stop_all())

    async def _start_all(self, method: str) -> None:
        start = _Round(method, list(self), operator.methodcaller(method), whole=True)
        await self._run(start)
        if start.failed:
            self.running = self.running and start.abandoned  # who stops it meanwhile may have started it again
            raise await self._undo(start)

    async def _start_newcomer(self, service: IService) -> None:
        start = _Round("startService", [service], self._privileged_first)
        await self._run(start)
        if start.failed:
            failure = await self._undo(start)
            if service.parent is self and not start.abandoned:
                self._forget(service)
                service.parent = None
            raise failure

    def _privileged_first(self, service: IService) -> Awaitable[object] | None:
        return _eagerly(self._start_both(service))

    async def _start_both(self, service: IService) -> None:
        for method in ("privilegedStartService", "startService"):
            step = _Round(method, [service], operator.methodcaller(method))
            await step.run()
            if step.cancelled is not None:
                raise step.cancelled
            for _, error in step.errors:
                raise self._failure(method, service, error)

    async def _run(self, start: _Round) -> None:
        self._starts = (*self._starts, start)
        try:
            await start.run()
        finally:
            self._starts = tuple(other for other in self._starts if other is not start)

    async def _undo(self, start: _Round) -> BaseException:
        """Stop what a failed start has started, and return the error to raise."""
        failed = {id(child): child for child, _ in start.errors}
        undo = await self._stop(
            [*failed.values(), *reversed(start.up.values())],
            lambda child: _stop_failed(child) if id(child) in failed else child.stopService(),
        )
        errors = [*start.errors, *undo.errors]
        for child, error in start.errors:
            error.add_note(f"while starting {_path(child, self)} ({_type(child)})")
        cancelled = start.cancelled or undo.cancelled
        if cancelled is not None:
            _log_errors(error for _, error in errors)
            return cancelled
        if not start.errors:
            return self._failure(start.method, self, RuntimeError("stopped before it had started"))
        failure = self._failure(start.method, *errors[0])
        for _, error in errors[1:]:
            failure.add_note("".join(traceback.format_exception(error)))
        return failure

    def _failure(self, method: str, service: IService, error: BaseException) -> BaseException:
        if isinstance(error, ServiceError) or not isinstance(error, (Exception, asyncio.CancelledError)):
            return error
        path = _path(service) if service is self else _path(service, self)
        failure = ServiceError(method, path, _type(service), error)
        failure.__cause__ = error
        return failure

    async def _stop_all(self) -> None:
        stop = await self._stop(reversed(list(self)), self._stop_child)
        errors = [error for _, error in stop.errors]
        if stop.cancelled is not None:
            _log_errors(errors)
            raise stop.cancelled
        if errors:
            raise BaseExceptionGroup(f"errors while stopping {_path(self)}", errors)

    async def _stop_removed(self, service: IService, path: str) -> None:
        stop = _Round("stopService", [service], self._stop_child)
        await stop.run()
        if stop.cancelled is not None:
            raise stop.cancelled
        for _, error in stop.errors:
            error.add_note(f"while stopping {path} ({_type(service)})")
            raise error

    async def _stop(self, children: Iterable[IService], how: Callable[[IService], object]) -> _Round:
        """Ask children to stop, wait for all, and return the round, its errors flat and each with a place noted."""
        stop = _Round("stopService", children, how, thorough=True)
        await stop.run()
        errors: list[tuple[IService, BaseException]] = []
        for child, error in stop.errors:
            below = isinstance(child, MultiService) and isinstance(error, BaseExceptionGroup)
            for part in error.exceptions if below else (error,):
                if not any(note.startswith("while stopping ") for note in getattr(part, "__notes__", ())):
                    part.add_note(f"while stopping {_path(child, self)} ({_type(child)})")
                errors.append((child, part))
        stop.errors = errors
        return stop

    def _stop_child(self, service: IService) -> object:
        """Stop a child: not if a start has yet to ask it; if it is starting, that has to end first."""
        for start in self._starts:
            if start.waiting.pop(id(service), None) is not None:
                return None
            start.up.pop(id(service), None)
            _, starting = start.pending.get(id(service), (None, None))
            if isinstance(starting, asyncio.Future):
                del start.pending[id(service)]
                return _stop_starting(service, starting)
        return service.stopService()


class _Round:
    """One round of asking services for the same thing: who has yet to be asked, who is at it, who is up, who failed.

    A round that isn't `thorough` ends with the first failure. `whole` marks the start of all that a collection holds.
    """

    def __init__(
        self,
        method: str,
        children: Iterable[IService],
        how: Callable[[IService], object],
        *,
        whole: bool = False,
        thorough: bool = False,
    ) -> None:
        self.method = method
        self.how = how
        self.whole = whole
        self.thorough = thorough
        self.waiting = {id(child): child for child in children}
        self.pending: dict[int, tuple[IService, Awaitable[object]]] = {}
        self.up: dict[int, IService] = {}
        self.errors: list[tuple[IService, BaseException]] = []
        self.cancelled: asyncio.CancelledError | None = None
        self.abandoned = False

    @property
    def failed(self) -> bool:
        return bool(self.errors) or self.cancelled is not None or self.abandoned

    async def run(self) -> None:
        """Ask, and wait until all have ended. Being cancelled is passed on to those that are at it."""
        while True:
            while self.waiting and (self.thorough or not self.failed):
                self.ask(next(iter(self.waiting.values())), self.how)
            if not self.pending:
                return
            await self._wait()

    def ask(self, child: IService, how: Callable[[IService], object]) -> Awaitable[object] | None:
        """Ask one child. Returns what others may await, too."""
        key = id(child)
        self.waiting.pop(key, None)
        self.up[key] = child
        try:
            result = how(child)
        except BaseException as error:  # noqa: BLE001 - an interrupted start is rolled back as well
            self._fail(child, error)
            return None
        if not inspect.isawaitable(result):
            return None
        loop = _running_loop()
        if loop is not None:
            result = asyncio.ensure_future(result)
        self.pending[key] = child, result
        return None if loop is None else result

    async def _wait(self) -> None:
        try:
            await _hand_over()
        except asyncio.CancelledError as error:
            self.cancelled = error
        tasks = {key: (child, asyncio.ensure_future(rest)) for key, (child, rest) in self.pending.items()}
        self.pending.update(tasks)
        if self.cancelled is not None:
            for _, task in tasks.values():
                task.cancel()
        try:
            await asyncio.gather(*(task for _, task in tasks.values()), return_exceptions=True)
        except asyncio.CancelledError as error:  # by now, all have ended
            self.cancelled = error
        for key, (child, task) in tasks.items():
            if self.pending.pop(key, None) is not None:
                error = asyncio.CancelledError() if task.cancelled() else task.exception()
                if error is not None:
                    self._fail(child, error)

    def _fail(self, child: IService, error: BaseException) -> None:
        self.up.pop(id(child), None)
        self.errors.append((child, error))


def _stop_failed(service: IService) -> Awaitable[object] | None:
    """Leave nothing running of a service that failed to start: the children, if it has any; it isn't asked itself."""
    if isinstance(service, MultiService):
        return MultiService.stopService(service) if service.running else None
    if isinstance(service, Service):
        service.running = False
    return None


async def _stop_starting(service: IService, starting: asyncio.Future[object]) -> None:
    starting.cancel()
    await asyncio.wait([starting])
    if starting.cancelled():
        rest = _stop_failed(service)
    else:
        starting.result()
        rest = service.stopService()
    if inspect.isawaitable(rest):
        await rest


@types.coroutine
def _hand_over() -> Generator[None, None, None]:
    yield


def _eagerly(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run a coroutine at once, up to where it has to wait: there it says `await _hand_over()`.

    What is left of it then is a task, so that it goes on whether it is awaited or not. Because the coroutine has begun,
    a cancellation, however early, finds it within its own `try`. Without an event loop the rest waits for one.
    """
    try:
        work.send(None)
    except StopIteration:
        return None
    loop = _running_loop()
    if loop is None:
        return _finish(work)
    rest = _Rest(work, loop=loop)
    _under_way.add(rest)
    rest.add_done_callback(_under_way.discard)
    return rest


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    await _Begun(work)


class _Begun:
    """Makes a coroutine that has begun awaitable, which Python refuses for the coroutine itself."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, None, None]:
        return self._work.__await__()


class _Rest(asyncio.Task[None]):
    """The rest of a start or stop. An error that nobody fetches is logged here, not by asyncio."""

    def __del__(self) -> None:
        if self._log_traceback:
            _log_errors([self.exception()])
        super().__del__()


_under_way: set[_Rest] = set()  # an event loop itself has only weak references to its tasks


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _log_errors(errors: Iterable[BaseException | None]) -> None:
    for error in errors:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            _log.error("an error that nobody awaits: %s: %s", type(error).__name__, error, exc_info=error)


def _path(service: Any, parent: Any = None) -> str:
    """Return the place of a service, as in `application.services["web"].services[0]`."""
    labels = []
    parent = service.parent if parent is None else parent
    while parent is not None:
        labels.append(_label(service, parent))
        service, parent = parent, getattr(parent, "parent", None)
    if isinstance(service, Application):
        labels.append("application")
    return ".".join(reversed(labels)) or type(service).__qualname__


def _label(service: IService, parent: IServiceCollection) -> str:
    if service.name is not None:
        return f'services["{service.name}"]'
    return next((f"services[{index}]" for index, child in enumerate(parent) if child is service), "services[?]")


def _type(service: object) -> str:
    return f"{type(service).__module__}.{type(service).__qualname__}"


@implementer(IProcess)
class Process:
    """How the application's process should run. None means: leave it as it is."""

    processName: str | None = None
    uid: int | None = None
    gid: int | None = None

    def __init__(self, uid: int | None = None, gid: int | None = None) -> None:
        if uid is not None:
            self.uid = uid
        if gid is not None:
            self.gid = gid


class Application(MultiService, Process):
    """The root of a service tree: one object that answers `IService`, `IServiceCollection`, `IProcess`, `IPersistable`.

    Other components can be set; they become a part of its state. One that is set for an interface that it answers
    itself takes its place in `interface(application)`.
    """

    style = "pickle"
    components: Mapping[str, Any] = types.MappingProxyType({})

    def __init__(self, name: str, uid: int | None = None, gid: int | None = None) -> None:
        self.name = name
        Process.__init__(self, uid, gid)
        MultiService.__init__(self)

    def setComponent(self, interface: Any, component: Any) -> None:
        """Let `component` answer for an interface."""
        self.components = {**self.components, interface.__identifier__: component}

    def unsetComponent(self, interface: Any) -> None:
        """Take back what was set for an interface. Raises KeyError."""
        components = dict(self.components)
        del components[interface.__identifier__]
        self.components = components

    def getComponent(self, interface: Any, default: Any = None) -> Any:
        """Return what answers for an interface: what was set, or the application itself."""
        if interface.__identifier__ in self.components:
            return self.components[interface.__identifier__]
        if interface is IPersistable:
            return _PersistentApplication(self, str(self.name))
        component = interface.__adapt__(self)
        return default if component is None else component

    def __conform__(self, interface: Any) -> Any:
        return self.getComponent(interface)


class _PersistentApplication(sob.Persistent):
    """Keeps its style in the application, so that it lasts."""

    original: Application

    @property
    def style(self) -> str:
        return self.original.style

    @style.setter
    def style(self, style: str) -> None:
        self.original.style = style


@implementer(IServiceMaker)
class ServiceMaker:
    """Makes services with `Options` and `makeService` of a module, which isn't imported before they are asked for."""

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


def service_makers() -> list[IServiceMaker]:
    """Return the service makers of all installed distributions, by `tapname`. One that can't be imported is logged."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - an application that runs has no need of it

    makers = []
    for entry_point in entry_points(group="appsnap.services"):
        try:
            makers.append(IServiceMaker(entry_point.load()))
        except Exception:
            _log.exception("no service maker: the entry point %s = %s", entry_point.name, entry_point.value)
    return sorted(makers, key=lambda maker: maker.tapname)


def loadApplication(
    filename: str | PathLike[str], kind: str, passphrase: str | None = None, *, trust: Iterable[str] = ()
) -> Any:
    """Load an application from a file. `kind` is `pickle`, `source`, `msgpack`, `xml`, or `python` for a script.

    A script is run; `application` is what it has to make. See `appsnap.load` for the others, and for `trust`.
    Raises CannotLoad or one of its subclasses, PassphraseError, OSError.
    """
    if kind != "python":
        return sob.load(filename, kind, passphrase, trust=trust)
    if passphrase is not None:
        raise PassphraseError(f"{filename} is a script, which is never encrypted", hint="leave out the passphrase")
    return sob.loadValueFromFile(filename, "application")
