"""The project in the current folder: its modules, and the names in `[tool.appsnap] trust` of its pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["search_current_folder", "trust_in"]

_FILE = "pyproject.toml"


def search_current_folder() -> None:
    """Find modules in the current folder too. It comes last, so no module there can replace an installed one."""
    folder = os.getcwd()  # noqa: PTH109 - sys.path has texts
    if folder not in sys.path:
        sys.path.append(folder)


def trust_in(snapshot: Snapshot, trust: Sequence[str] | Everything) -> Sequence[str] | Everything:
    """Return how far a snapshot is trusted: EVERYTHING, or the names of the command line and of the project.

    The file of the project is read only if that makes a difference. Raises AppsnapError, and OSError.
    """
    from appsnap.recipe.trust import EVERYTHING, Everything, Trust  # noqa: PLC0415 - help doesn't need it

    if isinstance(trust, Everything) or snapshot.is_trusted_as_a_whole:
        return EVERYTHING
    names = _trusted()
    try:
        Trust(names)
    except ValueError as error:
        raise AppsnapError(f"{_FILE}: [tool.appsnap] trust: {error}") from None
    return [*trust, *names]


def _trusted() -> list[str]:
    try:
        text = Path(_FILE).read_text("utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise AppsnapError(f"{_FILE} is not text in UTF-8") from None
    if "appsnap" not in text:
        return []
    import tomllib  # noqa: PLC0415 - few projects need it

    try:
        section: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise AppsnapError(f"{_FILE} is not valid TOML: {error}") from None
    for key in ("tool", "appsnap"):
        section = section.get(key, {}) if isinstance(section, dict) else {}
    names = section.get("trust", []) if isinstance(section, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AppsnapError(f'{_FILE}: [tool.appsnap] trust has to be a list like ["shop.*", "call:shop.make"]')
    return names
