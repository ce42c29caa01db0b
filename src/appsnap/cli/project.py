"""What the current folder has a say in: its modules, and the names in `[tool.appsnap] trust` of its pyproject.toml."""

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
    """Let modules be found in the current folder too: last, so that none there takes the place of an installed one."""
    folder = os.getcwd()  # noqa: PTH109 - a text is what is needed
    if folder not in sys.path:
        sys.path.append(folder)


def trust_in(snapshot: Snapshot, trust: Sequence[str] | Everything) -> Sequence[str] | Everything:
    """Return how far a snapshot is trusted: as a whole; or what the command line trusts, and the project's names.

    The project is asked only where that makes a difference. Raises AppsnapError, and OSError.
    """
    from appsnap.recipe.trust import EVERYTHING, Everything, Trust  # noqa: PLC0415 - as late as what is read

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
        raise AppsnapError(f"{_FILE} is no text in UTF-8") from None
    if "appsnap" not in text:
        return []
    import tomllib  # noqa: PLC0415 - few projects have need of it

    try:
        section: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise AppsnapError(f"{_FILE} is no TOML: {error}") from None
    for key in ("tool", "appsnap"):
        section = section.get(key, {}) if isinstance(section, dict) else {}
    names = section.get("trust", []) if isinstance(section, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AppsnapError(f'{_FILE}: [tool.appsnap] trust is no list of texts, as in ["shop.*", "call:shop.make"]')
    return names
