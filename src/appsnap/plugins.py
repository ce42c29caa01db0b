"""Plugins: service makers that installed distributions announce in the entry-point group `appsnap.services`.

A distribution with a plugin `shop` has these lines in its pyproject.toml. `maker` is an `IServiceMaker`::

    [project.entry-points."appsnap.services"]
    shop = "shop.plugin:maker"

The names stand in the metadata of distributions. A plugin is imported only when it is used.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError, PluginError
from appsnap.interfaces import IService, IServiceMaker
from appsnap.printable import as_word, in_words, plural, type_of
from appsnap.service import Application

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "Plugin", "find", "installed", "names"]

GROUP = "appsnap.services"
"""The entry-point group."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin: its name, and the entry points that have this name. It works if there is just one of these."""

    name: str
    entry_points: tuple[EntryPoint, ...]

    @property
    def maker(self) -> IServiceMaker:
        """The service maker. This imports the plugin. Raises PluginError."""
        if len(self.entry_points) > 1:
            owners = ", ".join(as_word(point.dist.name if point.dist else "?") for point in self.entry_points)
            raise PluginError(
                self.name,
                f"{plural(len(self.entry_points), 'distribution')} have a plugin of this name: {owners}",
                hint="uninstall all but one of them",
            )
        (point,) = self.entry_points
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:
            raise PluginError(self.name, f"cannot import {point.value}: {in_words(error)}") from error
        maker: IServiceMaker | None = IServiceMaker(loaded, None)
        if maker is None:
            raise PluginError(self.name, f"{point.value} is no service maker, but {type_of(loaded)}")
        return maker

    @property
    def description(self) -> str:
        """A line about the plugin. Raises PluginError."""
        maker = self.maker
        try:
            return " ".join(str(maker.description).split())
        except (Exception, SystemExit) as error:
            raise PluginError(self.name, f"it has no description: {in_words(error)}") from error

    @property
    def options(self) -> type:
        """The dataclass of its options. Raises PluginError."""
        maker = self.maker
        try:
            options: Any = maker.options
        except (Exception, SystemExit) as error:
            raise PluginError(self.name, f"cannot get its options: {in_words(error)}") from error
        if not (isinstance(options, type) and dataclasses.is_dataclass(options)):
            what = f"the class {options.__qualname__}" if isinstance(options, type) else type_of(options)
            raise PluginError(self.name, f"its options are no dataclass, but {what}")
        return options

    def application(self, options: object) -> Application:
        """Make the service of these options, an instance of `self.options`, and return it as an application.

        A service that is no application becomes the child of a new one with the plugin's name. Raises PluginError, or
        the AppsnapError that the plugin raises.
        """
        maker = self.maker
        try:
            made: object = maker.makeService(options)
            if isinstance(made, Application):
                return made
            service = IService(made, None)
            if service is not None:
                application = Application(self.name)
                service.setServiceParent(application)
                return application
        except AppsnapError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(self.name, f"makeService failed: {in_words(error)}") from error
        raise PluginError(self.name, f"makeService returned {type_of(made)}, which is no service")


def installed() -> list[Plugin]:
    """Return all plugins, by their names. This imports none of them."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - it brings the parser of mails, and few commands use it

    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points.setdefault(point.name, []).append(point)
    return [Plugin(name, tuple(points[name])) for name in sorted(points)]


def names() -> list[str]:
    """Return the names of all plugins. This imports none of them."""
    return [plugin.name for plugin in installed()]


def find(name: str) -> Plugin | None:
    """Return the plugin of a name, or None. This doesn't import it."""
    return next((plugin for plugin in installed() if plugin.name == name), None)
