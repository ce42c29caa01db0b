"""Service makers of Twisted's plugins, which `twistd` finds too: those in modules of `twisted.plugins`.

Twisted keeps a cache file of them, and writes it into folders of installed packages. Here the modules are looked at
instead, so looking for plugins imports Twisted and all of them, and writes nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError, PluginError
from appsnap.printable import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PREFIX", "BadOptions", "TwistedPlugin", "installed"]

PREFIX = "twisted:"
"""What stands before the name of a plugin of Twisted's."""


class BadOptions(AppsnapError):
    """The options for a plugin of Twisted's are wrong: its own `UsageError`."""


@dataclass(frozen=True, slots=True)
class TwistedPlugin:
    """A plugin of Twisted's: its name, with the prefix, and its maker, or the reason why there is none."""

    name: str
    maker: Any = None
    error: str = ""

    @property
    def description(self) -> str:
        """A line about the plugin. Raises PluginError."""
        self._check()
        return " ".join(str(self.maker.description).split())

    def _check(self) -> None:
        if self.error:
            raise PluginError(self.name, self.error)

    def application(self, arguments: Sequence[str]) -> Any:
        """Make the application of these command-line arguments, as `twistd` makes it.

        The options of Twisted's print the help for `--help`, and raise SystemExit. Raises BadOptions and PluginError.
        """
        self._check()
        from twisted.python import usage  # noqa: PLC0415 - only plugins need it

        service: Any = importlib.import_module("twisted.application.service")

        try:
            options = self.maker.options()
            if "--help" not in arguments:
                # Plugins look there for the options of the process. The help would name it, too.
                options.parent = importlib.import_module("twisted.scripts.twistd").ServerOptions()
            options.parseOptions([*arguments])
            made = self.maker.makeService(options)
            application: Any = service.Application(self.name.removeprefix(PREFIX))
            service.IService(made).setServiceParent(application)
        except usage.UsageError as error:
            raise BadOptions(f"{self.name}: {error}") from error
        except SystemExit as error:
            if not error.code:
                raise
            raise PluginError(self.name, f"makeService failed: {in_words(error)}") from error
        except AppsnapError:
            raise
        except Exception as error:
            raise PluginError(self.name, f"makeService failed: {in_words(error)}") from error
        return application


def installed() -> list[TwistedPlugin]:
    """Return the plugins of Twisted's, by their names: none where Twisted isn't installed."""
    if "twisted" not in sys.modules and importlib.util.find_spec("twisted") is None:
        return []
    return sorted(_found(), key=lambda plugin: plugin.name)


def _found() -> Iterator[TwistedPlugin]:
    import twisted.plugins  # noqa: PLC0415 - only plugins need it
    from twisted.application.service import IServiceMaker  # noqa: PLC0415 - as above
    from twisted.plugin import IPlugin  # noqa: PLC0415 - as above

    for module in pkgutil.iter_modules(twisted.plugins.__path__):
        try:
            found = importlib.import_module(f"twisted.plugins.{module.name}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the others can be used
            reason = f"cannot import twisted.plugins.{module.name}: {in_words(error)}"
            yield TwistedPlugin(PREFIX + module.name, error=reason)
            continue
        for value in vars(found).values():
            if IServiceMaker.providedBy(value) and IPlugin.providedBy(value):
                yield TwistedPlugin(PREFIX + str(value.tapname), value)
