"""The project in a folder: its modules, and two lists in `[tool.appsnap]` of its pyproject.toml.

`trust` has names for snapshots. `ways` has modules with ways to save, which are imported where a program or a trusted
file may import modules of the folder anyway. To look at a file imports none.

The file may have come with the snapshot beside it, in one archive. So it counts only in a folder where the user has
agreed to these very names: `appsnap keys trust-folder`.
"""

from __future__ import annotations

import importlib
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

_WAYS = "ways:"
"""The begin of a module with ways to save among the names of a folder."""

_MOST = 100_000
"""The most bytes of a pyproject.toml with names."""

_DEEP_KEY = re.compile(rb"""(?:\.[ \t]*(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*){100}""")
"""A key with a hundred dots. `tomllib` keeps each beginning of a key: 80,000 bytes of one key take 6 GB."""


def search_current_folder() -> None:
    """Find modules in the current folder too, and import those with its ways to save.

    It comes last, so no module there can replace an installed one. Raises AppsnapError for ways that can't be imported.
    """
    folder = os.getcwd()  # noqa: PTH109 - sys.path has texts
    if folder not in sys.path:
        sys.path.append(folder)
    if folder not in _with_ways:
        _with_ways.add(folder)
        _import_ways()


_with_ways: set[str] = set()


def _import_ways() -> None:
    try:
        listed = names_of(".")
    except (AppsnapError, OSError) as error:
        # A file trusted as a whole loads beside a damaged pyproject.toml.
        reason = f"{_FILE}: {str(error.strerror).lower()}" if isinstance(error, OSError) else str(error)
        output.note(f"note: {reason}; its ways to save are left out")
        return
    modules = [name.removeprefix(_WAYS) for name in listed if name.startswith(_WAYS)]
    if not modules or not _agrees(listed, modules, "to import"):
        return
    for module in modules:
        try:
            importlib.import_module(module)
        except MemoryError:
            raise
        except Exception as error:
            raise AppsnapError(
                f"{_FILE}: [tool.appsnap] ways: {module} can't be imported: {type(error).__name__}: {error}",
                hint="set APPSNAP_TRACEBACK=1 to see the traceback",
            ) from error


def trust_in(snapshot: Snapshot, trust: Sequence[str] | Everything) -> Sequence[str] | Everything:
    """Return how far a snapshot is trusted: EVERYTHING, or the names of the command line and of the project.

    The file of the project is read only if that makes a difference. A note says which names of it are ignored, because
    the user hasn't agreed to them. Raises AppsnapError, and OSError.
    """
    from appsnap.recipe.trust import EVERYTHING, Everything  # noqa: PLC0415 - help doesn't need it

    if isinstance(trust, Everything) or snapshot.is_trusted_as_a_whole:
        return EVERYTHING
    listed = names_of(".")
    names = [name for name in listed if name not in trust and not name.startswith(_WAYS)]
    return [*trust, *names] if names and _agrees(listed, names, "to trust") else trust


def _agrees(listed: Sequence[str], names: Sequence[str], purpose: str) -> bool:
    """Tell whether the user agrees to the current folder. If not, a note says which names are ignored."""
    from appsnap.keys.keyring import Keyring  # noqa: PLC0415 - few folders have names

    if Keyring().agrees(".", listed):
        return True
    shown = shortened(", ".join(names), 200)
    output.note(
        f"note: {_FILE} in this folder lists {plural(len(names), 'name')} {purpose}, ignored until you agree: {shown}; "
        "to agree: appsnap keys trust-folder ."
    )
    return False


def names_of(folder: str) -> list[str]:
    """Return the names that the pyproject.toml of a folder lists: those to trust, and `ways:` with modules of ways.

    Raises AppsnapError, and OSError.
    """
    path = Path(folder, _FILE)
    section = _section(path)
    names = _list_of(section, "trust", path, '["shop.*", "call:shop.make"]')
    modules = _list_of(section, "ways", path, '["shop.ways"]')
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")):
            raise AppsnapError(f"{path}: [tool.appsnap] ways: {module!r} is no name of a module")
    if names:
        from appsnap.recipe.trust import Trust  # noqa: PLC0415 - help doesn't need it

        try:
            Trust(names)
        except ValueError as error:
            raise AppsnapError(f"{path}: [tool.appsnap] trust: {error}") from None
    return [*dict.fromkeys([*names, *(_WAYS + module for module in modules)])]


def _section(path: Path) -> dict[str, Any]:
    data = _read(path)
    if b"appsnap" not in data:
        return {}
    if len(data) > _MOST:
        raise AppsnapError(f"{path} has more than {_MOST:,} bytes, too many for a [tool.appsnap]")
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
    return section if isinstance(section, dict) else {}


def _list_of(section: dict[str, Any], key: str, path: Path, example: str) -> list[str]:
    names = section.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AppsnapError(f"{path}: [tool.appsnap] {key} has to be a list like {example}")
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
