"""The interfaces of the service tree. `IService(application)` adapts; `IService.providedBy(thing)` asks.

The interfaces have the names and the behaviour of Twisted's `application.service`. Where Twisted returns a Deferred,
these return an awaitable, or None if there is nothing to wait for.
"""
# ruff: noqa: N805 - an interface describes its methods as they are called: without self
# ruff: noqa: N815 - Twisted's names

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from os import PathLike

    from appsnap.kinds import Kind

__all__ = ["IPersistable", "IProcess", "IService", "IServiceCollection", "IServiceMaker"]


class IService(Interface):
    """Something that an application starts and stops."""

    name: str | None = Attribute("The name of the service, unique among its siblings, or None.")
    running: bool = Attribute("True from `startService` to `stopService`. Never saved.")
    parent: IServiceCollection | None = Attribute("The collection that holds the service, or None.")

    def setName(name: str) -> None:
        """Set the name. Raises RuntimeError once there is a parent."""

    def setServiceParent(parent: Any) -> Awaitable[object] | None:
        """Leave the old parent, if any, and join another: anything that adapts to `IServiceCollection`.

        The service is in its new parent at once, even if it fails to stop. It starts there when it has stopped. Returns
        an awaitable if that takes time. Raises RuntimeError if the new parent has a child of that name. Then the
        service has no parent. A service that fails to start in its new parent leaves it.
        """

    def disownServiceParent() -> Awaitable[object] | None:
        """Leave the parent, and return the result of stopping."""

    def privilegedStartService() -> Awaitable[object] | None:
        """Do the part of starting that needs privileges, for instance bind a port below 1024."""

    def startService() -> Awaitable[object] | None:
        """Start. A service that fails to start cleans up by itself: it isn't asked to stop."""

    def stopService() -> Awaitable[object] | None:
        """Stop."""


class IServiceCollection(Interface):
    """Something that holds services, in order."""

    def getServiceNamed(name: str) -> IService:
        """Return the child of that name. Raises KeyError."""

    def __iter__() -> Iterator[IService]:
        """Iterate over the children in order."""

    def addService(service: IService) -> Awaitable[object] | None:
        """Take in a child, and start it if the collection is running: privileged first.

        For `IService.setServiceParent` to call. Raises RuntimeError if there is a child of that name.
        """

    def removeService(service: IService) -> Awaitable[object] | None:
        """Let a child go. If the collection is running, stop the child, and return the result of that.

        For `IService.disownServiceParent` to call. Raises ValueError if it isn't a child.
        """


class IProcess(Interface):
    """How the application's process should run. None means: no change."""

    processName: str | None = Attribute("The name of the process in lists of processes.")
    uid: int | None = Attribute("The numeric user to become.")
    gid: int | None = Attribute("The numeric group to become.")


class IPersistable(Interface):
    """Something that can be saved to a file."""

    def setStyle(style: Kind) -> None:
        """Set the kind of file: `pickle`, `source`, `msgpack` or `xml`."""

    def save(
        tag: str | None = None, filename: str | PathLike[str] | None = None, passphrase: str | None = None
    ) -> None:
        """Save to `filename`, or to `NAME[-TAG]` with the extension of the kind. A passphrase encrypts the file."""


class IServiceMaker(Interface):
    """Something that makes a service from options. `appsnap.plugins` finds them."""

    tapname: str = Attribute("The short name of the maker, for the command line.")
    description: str = Attribute("One line for a list of makers.")
    options: type = Attribute("A dataclass, whose fields are the options.")

    def makeService(options: Any) -> IService:
        """Return a new service, made from an instance of `options`."""
