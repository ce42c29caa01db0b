"""The keys of a user: their own, which signs their snapshots, and the keys of others and the folders that they trust.

Three text files have them, in the folder that APPSNAP_CONFIG_DIR names, or else in the user's configuration folder.
`signing-key.txt` has the own key, and only the user may read it. `trusted-keys.txt` has a key and a name on each line.
`trusted-folders.txt` has a JSON list on each line: the path of a folder, and the list of names from its pyproject.toml
that the user has agreed to. Lines that begin with `#` are comments.

A list of the machine has the same form as `trusted-keys.txt`. It is root's, and holds for all users, also for those of
services, who have no such folder. Keys can also be trusted for the length of the process.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appsnap.errors import AppsnapError
from appsnap.files import atomic
from appsnap.keys.signatures import SigningKey, check_key

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MACHINE", "Keyring", "trust_for_this_process"]

MACHINE = Path("/etc/appsnap/trusted-keys.txt")
"""The list of the machine."""

_WRITE, _READ_OR_WRITE = 0o022, 0o077

_given: dict[str, str] = {}
"""The keys that are trusted for the length of the process, with the words for their owners."""


def trust_for_this_process(key: str) -> None:
    """Trust a key until the process ends. Raises AppsnapError for a text that is no public key."""
    _given[check_key(key)] = "by --trust-key"


class Keyring:
    """The keys in a folder, by default the user's. Any fault of a file of keys raises AppsnapError."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _user_folder()
        self.own_path = self.folder / "signing-key.txt"
        self.trusted_path = self.folder / "trusted-keys.txt"
        self.folders_path = self.folder / "trusted-folders.txt"

    def signing_key(self) -> SigningKey:
        """Return the own key. The first call makes it."""
        try:
            return self._own() or self._make_own()
        except OSError as error:
            raise AppsnapError(
                f"there is no signing key, and none can be made in {self.folder}: {_reason(error)}",
                hint="set APPSNAP_CONFIG_DIR to a folder of yours, or save unsigned: --no-sign, or sign=False",
            ) from error

    def own(self) -> str | None:
        """Return the own public key, or None if there is none or this process may not read it."""
        try:
            key = self._own()
        except OSError:
            return None
        return None if key is None else key.public_key

    def trusted(self) -> dict[str, str]:
        """Return the keys of others that the user trusts, with their names."""
        return _keys(self.trusted_path, _MINE)

    def trusted_by_machine(self) -> dict[str, str]:
        """Return the keys that everybody on this machine trusts, with their names."""
        return _keys(MACHINE, _OF_ROOT)

    def all_trusted(self) -> dict[str, str]:
        """Return all keys of others that are trusted here and now, with their names."""
        return {**self.trusted_by_machine(), **_given, **self.trusted()}

    def trust(self, key: str, name: str = "") -> None:
        """Trust a key. A new name replaces an old one."""
        check_key(key)
        if any(not character.isprintable() for character in name):
            raise AppsnapError("the name of a key has to be one line of printable text")
        if key == self.own():
            raise AppsnapError("this is your own key, which is trusted anyway")
        self._write_keys({**self.trusted(), key: name})

    def revoke(self, key: str) -> None:
        """Stop trusting a key."""
        try:
            check_key(key)
        except AppsnapError as error:
            error.hint = "appsnap keys list"
            raise
        left = self.trusted()
        if left.pop(key, None) is None:
            if key in self.trusted_by_machine():
                raise AppsnapError(f"this key is on the list of the machine, {MACHINE}", hint="root can edit that file")
            if key == self.own():
                raise AppsnapError(
                    "this is your own key",
                    hint=f"move {self.own_path} to another place, and the next save makes a new key; then, to go on "
                    f"loading the files that the old key signed: appsnap keys trust {key}",
                )
            raise AppsnapError(f"{key} isn't one of the keys that you trust", hint="appsnap keys list")
        self._write_keys(left)

    def knows(self, key: str) -> bool:
        """Tell whether a key is the own one, or trusted."""
        return key == self.own() or key in self.all_trusted()

    def folders(self) -> dict[str, list[str]]:
        """Return the trusted folders, each with the names in its pyproject.toml that the user has agreed to."""
        found = {}
        for line in _lines(self.folders_path, _MINE):
            try:
                path, names = json.loads(line)
                found[os.fspath(path)] = [os.fspath(name) for name in list.copy(names)]
            except (ValueError, TypeError, RecursionError):
                raise AppsnapError(
                    f"{self.folders_path}: a line has no folder with its names: {line:.60}", hint="remove that line"
                ) from None
        return found

    def agrees(self, folder: str, names: Iterable[str]) -> bool:
        """Tell whether the user has agreed to exactly these names in a folder. Links in its path are followed."""
        return set(names) == {*self.folders().get(os.path.realpath(folder), ())}

    def trust_folder(self, folder: str, names: Iterable[str]) -> None:
        """Trust a folder to list these names, and no others. They replace those of an earlier agreement."""
        self._write_folders({**self.folders(), os.path.realpath(folder): [*names]})

    def revoke_folder(self, folder: str) -> None:
        """Stop trusting a folder, which may be gone."""
        left = self.folders()
        path = os.path.realpath(folder)
        if left.pop(path, None) is None:
            raise AppsnapError(f"{path} isn't one of the folders that you trust", hint="appsnap keys list")
        self._write_folders(left)

    def _own(self) -> SigningKey | None:
        try:
            text = _text(self.own_path, _MINE_ALONE)
        except FileNotFoundError:
            return None
        lines = _lines_of(text)
        if len(lines) != 1:
            raise AppsnapError(f"{self.own_path} must have one key, not {len(lines)}", hint=_restoring(self.own_path))
        try:
            return SigningKey.parse(lines[0])
        except AppsnapError as error:
            raise AppsnapError(f"{self.own_path}: {error}", hint=_restoring(self.own_path)) from None

    def _make_own(self) -> SigningKey:
        import tempfile  # noqa: PLC0415 - once a user

        self._make_folder()
        key = SigningKey.generate()
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as file:
            file.write(
                f"# created: {dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}\n# public key: {key.public_key}\n{key}\n"
            )
            file.flush()
            os.fsync(file.fileno())
            try:
                # The link puts the whole file in place in one step. If two processes save for the first time, both
                # end with the same key, and neither has to wait.
                os.link(file.name, self.own_path)
            except FileExistsError:
                found = self._own()
                assert found is not None
                return found
        return key

    def _write_keys(self, keys: dict[str, str]) -> None:
        lines = [f"{key} {name}".rstrip() for key, name in keys.items()]
        self._write(self.trusted_path, "Snapshots signed by these keys may run any code.", lines)

    def _write_folders(self, folders: dict[str, list[str]]) -> None:
        lines = [json.dumps([path, names]) for path, names in folders.items()]
        self._write(self.folders_path, "Snapshots that are loaded in these folders may use these names.", lines)

    def _write(self, path: Path, comment: str, lines: list[str]) -> None:
        try:
            self._make_folder()
            atomic.write(path, ["".join(f"{line}\n" for line in (f"# {comment}", *lines)).encode()])
        except OSError as error:
            raise AppsnapError(f"{path} can't be written: {_reason(error)}") from error

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(self.folder, _MINE)


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may have access to a file of keys, and the modes that a hint gives it and its folder."""

    others_may_not: int
    of_root: bool = False

    @property
    def owners(self) -> tuple[int, ...]:
        return (0,) if self.of_root else (os.geteuid(), 0)

    @property
    def modes(self) -> tuple[str, str]:
        return ("755", "644") if self.of_root else ("700", "600")


_MINE, _MINE_ALONE, _OF_ROOT = _Access(_WRITE), _Access(_READ_OR_WRITE), _Access(_WRITE, of_root=True)


def _keys(path: Path, access: _Access) -> dict[str, str]:
    lines = [line.partition(" ") for line in _lines(path, access)]
    try:
        return {check_key(key): name.strip() for key, _, name in lines}
    except AppsnapError as error:
        raise AppsnapError(f"{path}: {error}", hint="remove that line") from None


def _lines(path: Path, access: _Access) -> list[str]:
    try:
        return _lines_of(_text(path, access))
    except OSError:
        return []


def _text(path: Path, access: _Access) -> str:
    with path.open("rb") as file:
        # Anybody who can write to the folder can replace the file, or put a link in its place.
        _check_folder(path.parent, access)
        _check_access(path, os.fstat(file.fileno()), access, access.others_may_not, access.modes[1])
        try:
            return file.read().decode()
        except UnicodeDecodeError:
            raise AppsnapError(f"{path} is not text in UTF-8") from None


def _check_folder(folder: Path, access: _Access) -> None:
    _check_access(folder, folder.stat(), access, _WRITE, access.modes[0])


def _check_access(path: Path, about: os.stat_result, access: _Access, others_may_not: int, mode: str) -> None:
    quoted = shlex.quote(str(path))
    if about.st_uid not in access.owners:
        raise AppsnapError(
            f"{path} belongs to another user, who could change the keys that you trust",
            hint=f"chown root {quoted}" if access.of_root else "set APPSNAP_CONFIG_DIR to a folder of yours",
        )
    if about.st_mode & others_may_not:
        verb = "write" if about.st_mode & _WRITE else "read"
        raise AppsnapError(f"other users can {verb} {path}", hint=f"chmod {mode} {quoted}")


def _user_folder() -> Path:
    folder = os.environ.get("APPSNAP_CONFIG_DIR")
    if folder:
        return Path(folder)
    import platformdirs  # noqa: PLC0415 - not needed if the environment names the folder

    # Without HOME and an entry for the user there is no such folder. Older platformdirs then name the current folder.
    nowhere = Path(os.devnull)
    try:
        found = platformdirs.user_config_path("appsnap", appauthor=False)
    except RuntimeError:
        return nowhere
    return found if found.is_absolute() else nowhere


def _restoring(path: Path) -> str:
    move = f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')}"
    return (
        f"restore it from a backup; if there is none, `{move}` lets the next save make a new key, and all "
        "files that you signed become a stranger's"
    )


def _reason(error: OSError) -> str:
    reason = str(error.strerror)
    return reason[:1].lower() + reason[1:]


def _lines_of(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
