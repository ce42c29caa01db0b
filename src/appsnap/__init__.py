"""appsnap saves a Python application - a tree of configured services with all its state - and brings it back."""

from __future__ import annotations

import time

from appsnap._version import __version__ as __version__

# Type checkers know this name. `typing` takes as long to import as Python to start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from appsnap.errors import (
        AppsnapError,
        CannotBuild,
        CannotLoad,
        CannotSave,
        Damaged,
        NewerFormat,
        NotTrusted,
        PassphraseError,
        Refused,
        ServiceError,
        WrongKind,
    )
    from appsnap.kinds import Kind
    from appsnap.limits import Limits
    from appsnap.recipe.trust import EVERYTHING
    from appsnap.sections import critical_section, saved
    from appsnap.snapshot import Snapshot, dumps, load, loads, open_snapshot, save
    from appsnap.ways import by_name, call, plain, saves, transient

imported_at = time.time()
"""The time of the import, in seconds since 1970. A script that was changed later isn't the one that runs."""

__all__ = [
    "EVERYTHING",
    "AppsnapError",
    "CannotBuild",
    "CannotLoad",
    "CannotSave",
    "Damaged",
    "Kind",
    "Limits",
    "NewerFormat",
    "NotTrusted",
    "PassphraseError",
    "Refused",
    "ServiceError",
    "Snapshot",
    "WrongKind",
    "by_name",
    "call",
    "critical_section",
    "dumps",
    "load",
    "loads",
    "open_snapshot",
    "plain",
    "save",
    "saved",
    "saves",
    "transient",
]

_HOMES = {
    **dict.fromkeys(("Snapshot", "dumps", "load", "loads", "open_snapshot", "save"), "snapshot"),
    **dict.fromkeys(("critical_section", "saved"), "sections"),
    **dict.fromkeys(("by_name", "call", "plain", "saves", "transient"), "ways"),
    "EVERYTHING": "recipe.trust",
    "Kind": "kinds",
    "Limits": "limits",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `appsnap --version` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - as above

    value = getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
