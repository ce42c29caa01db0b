"""Services for an object that a module holds in a variable."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from appsnap.service import Service

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["OfModule"]

_log = logging.getLogger("appsnap.hosting")


class OfModule(Service):
    """A service for an object that the `module` holds in the `variable`.

    Functions of the module use the object under that name. An object from a snapshot is a copy of the one that the
    module has made at its import. So the start puts it into the variable, if an object of the same class is there.
    """

    module: ModuleType | None = None
    variable: str | None = None

    def _put_back(self, obj: Any) -> None:
        if self.module is None or self.variable is None:
            return
        held = vars(self.module).get(self.variable)
        if held is obj:
            return
        if type(held) is type(obj):
            setattr(self.module, self.variable, obj)
        else:
            place = f"{self.module.__name__}:{self.variable}"
            _log.warning("%s is no %s any more, and stays as it is", place, type(obj).__qualname__)
