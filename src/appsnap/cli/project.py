"""The project in a folder: its modules, and the names in `[tool.appsnap] trust` of its pyproject.toml.

The file may have come with the snapshot beside it, in one archive. So it counts only in a folder where the user has
agreed to these very names: `appsnap keys trust-folder`.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.cli import output
from appsnap.errors import AppsnapError
from appsnap.printable import plural, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["names_of", "search_current_folder", "trust_in"]

_FILE = "pyproject.toml"

_MOST = 100_000
"""The most bytes of a pyproject.toml with names."""

_DEEP_KEY = re.compile(rb"""(?:\.[ \t]*(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*){100}""")
"""A key with a hundred dots. `tomllib` keeps each beginning of a key: 80,000 bytes of one key take 6 GB."""


def search_current_folder() -> None:
    """Find modules in the current folder too. It comes last, so no module there can replace an installed one."""
    folder = os.getcwd()  # noqa: PTH109 - sys.path has texts
    if folder not in sys.path:
        sys.path.append(folder)


def trust_in(snapshot: Snapshot, trust: Sequence[str] | Everything) -> Sequence[str] | Everything:
    """Return how far a snapshot is trusted: EVERYTHING, or the names of the command line and of the project.

    The file of the project is read only if that makes a difference. A note says which names of it are ignored, because
    the user hasn't agreed to them. Raises AppsnapError, and OSError.
    """
    from appsnap.recipe.trust import EVERYTHING, Everything  # noqa: PLC0415 - help doesn't need it

    if isinstance(trust, Everything) or snapshot.is_trusted_as_a_whole:
        return EVERYTHING
    listed = names_of(".")
    names = [name for name in listed if name not in trust]
    if not names:
        return trust
    from appsnap.keys.keyring import Keyring  # noqa: PLC0415 - few folders have names

    if Keyring().agrees(".", listed):
        return [*trust, *names]
    shown = shortened(", ".join(names), 200)
    output.note(
        f"note: {_FILE} in this folder lists {plural(len(names), 'name')} to trust, ignored until you agree: {shown}; "
        "to agree: appsnap keys trust-folder ."
    )
    return trust


def names_of(folder: str) -> list[str]:
    """Return the names that the pyproject.toml of a folder wants to be trusted. Raises AppsnapError, and OSError."""
    path = Path(folder, _FILE)
    names = _listed(path)
    if names:
        from appsnap.recipe.trust import Trust  # noqa: PLC0415 - help doesn't need it

        try:
            Trust(names)
        except ValueError as error:
            raise AppsnapError(f"{path}: [tool.appsnap] trust: {error}") from None
    return [*dict.fromkeys(names)]


def _listed(path: Path) -> list[str]:
    data = _read(path)
    if b"appsnap" not in data:
        return []
    if len(data) > _MOST:
        raise AppsnapError(f"{path} has more than {_MOST:,} bytes, too many for a [tool.appsnap] trust")
    if _DEEP_KEY.search(data):
        raise AppsnapError(f"{path} has a key with more than 100 parts")
    import tomllib  # noqa: PLC0415 - few projects need it

    try:
        section: Any = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise AppsnapError(f"{path} is not text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise AppsnapError(f"{path} is not valid TOML: {error}") from None
    for key in ("tool", "appsnap"):
        section = section.get(key, {}) if isinstance(section, dict) else {}
    names = section.get("trust", []) if isinstance(section, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AppsnapError(f'{path}: [tool.appsnap] trust has to be a list like ["shop.*", "call:shop.make"]')
    return names


def _read(path: Path) -> bytes:
    try:
        # In a stranger's folder it may be a pipe, which would never open, or a link to a device without an end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST * 100)
