"""Django's settings, and the objects of the process that depend on them.

`django.conf.settings` belongs to the process. A load configures it as it was when the snapshot was made. Where it is
configured already, the settings of the process stay.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from appsnap.errors import Refused
from appsnap.ways import by_name, saves

__all__ = ["settings"]

_VARIABLE = "DJANGO_SETTINGS_MODULE"


def settings(module: str | None, changed: dict[str, Any], /) -> Any:
    """Return `django.conf.settings`, and set Django up with it if nobody has done that yet.

    `module` is the name of the module with settings. Without one, the settings are those in `changed`.
    """
    found = importlib.import_module("django.conf").settings
    if not found.configured:
        if module is None:
            found.configure(**changed)
        else:
            os.environ.setdefault(_VARIABLE, module)
            for name, value in changed.items():
                setattr(found, name, value)
        importlib.import_module("django").setup()
    return found


@saves("django.conf.LazySettings")
def _(found: Any) -> Any:
    if found is not sys.modules["django.conf"].settings:
        raise Refused("settings other than django.conf.settings", "keep the values that you need from them")
    if not found.configured:
        return getattr, (sys.modules["django.conf"], "settings")
    holder = vars(found)["_wrapped"]
    module = getattr(holder, "SETTINGS_MODULE", None)
    if module is None or type(holder).__name__ == "UserSettingsHolder":
        changed = {name: value for name, value in vars(holder).items() if name.isupper() and name != "SETTINGS_MODULE"}
        return settings, (None, changed)
    return settings, (module, {})


by_name("django.apps.registry.Apps")
by_name("django.utils.connection.BaseConnectionHandler")
by_name("django.dispatch.dispatcher.Signal")
