"""The user, the group and the name of the process. Root's process becomes another user's for good."""

from __future__ import annotations

import grp
import importlib
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError
from appsnap.printable import escaped, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.interfaces import IProcess

__all__ = ["Identity", "name_process", "resolve"]

_MOST = 2**32 - 2
"""The highest number of a user or group. The next one stands for no change: setresuid(2)."""

_LATE = (
    *("concurrent.futures.process", "concurrent.futures.thread", "multiprocessing.connection", "tokenize"),
    *("encodings.ascii", "encodings.idna", "encodings.latin_1"),
)
"""Modules that asyncio, sockets and tracebacks import at their first need. The user may not be able to read them."""

_CAP_SETGID, _CAP_SETUID = 6, 7
"""Capabilities of Linux: linux/capability.h."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and a group for the process. None means that the process keeps its own.

    `entry` is the user's entry in the list of users, if there is one.
    """

    uid: int | None
    gid: int | None
    entry: pwd.struct_passwd | None = None

    @property
    def differs(self) -> bool:
        """Whether `drop` would change anything."""
        return self._other_user or self._other_group

    @property
    def _other_user(self) -> bool:
        return self.uid is not None and _numbers("uid") != {self.uid}

    @property
    def _other_group(self) -> bool:
        return self.gid is not None and _numbers("gid") != {self.gid}

    def __str__(self) -> str:
        user = None if self.uid is None else f"user {self.entry.pw_name if self.entry else self.uid}"
        group = None if self.gid is None else f"group {self.gid}"
        return ", ".join(filter(None, (user, group)))

    def drop(self) -> None:
        """Become the user and the group, and nobody else's any more: real, effective and saved. Raises AppsnapError.

        HOME, USER and LOGNAME follow the user.
        """
        if not self.differs:
            return
        for module in _LATE:
            importlib.import_module(module)
        try:
            # The groups first, and the user last: without root's rights nothing can be changed any more.
            if self.gid is not None:
                if self.entry is not None and self.uid is not None:
                    os.initgroups(self.entry.pw_name, self.gid)
                else:
                    os.setgroups([self.gid])
                _set("gid", self.gid)
            if self.uid is not None:
                _set("uid", self.uid)
        except OSError as error:
            raise AppsnapError(f"this process can't become {self}: {error.strerror}") from error
        if self.uid is not None:
            _name_user(self.entry)


def resolve(uid: str | int | None, gid: str | int | None, process: IProcess | None) -> Identity | None:
    """Return the user and the group that are asked for, or None. Raises AppsnapError if this process can't become them.

    `uid` and `gid` are names or numbers, from the command line. Without a `uid`, the application decides (`process`);
    without a `gid`, too, unless there is a `uid`. The group of a user is the user's own, unless another one is given.
    """
    if uid is None:
        gid = _of_application(process, "gid") if gid is None else gid
        uid = _of_application(process, "uid")
    if uid is None and gid is None:
        return None
    user, entry = (None, None) if uid is None else _user(uid)
    group = None if gid is None else _group(gid)
    found = Identity(user, group, entry)
    if group is None and found.differs:
        if entry is None:
            raise AppsnapError(f"user {user} is in no list of users, so the group isn't known", hint="give --gid, too")
        found = Identity(user, entry.pw_gid, entry)
    _check_permitted(found)
    return found


def name_process(process: IProcess | None, warn: Callable[[str], object]) -> None:
    """Give the process the name that the application wants for it, if it does."""
    name: Any = getattr(process, "processName", None)
    if name is None:
        return
    if type(name) is not str:
        warn(escaped(f"application.processName is {label(name)}, and not a text"))
        return
    try:
        import setproctitle  # noqa: PLC0415 - optional
    except ImportError:
        warn(escaped(f"the process isn't named {label(name)}: that needs setproctitle (pip install 'appsnap[title]')"))
        return
    setproctitle.setproctitle(escaped(label(name)))


def _numbers(kind: str) -> set[int]:
    """Return the real, the effective and the saved number of this process. macOS doesn't tell the saved one."""
    all_three = getattr(os, f"getres{kind}", None)
    return {*all_three()} if all_three else {getattr(os, f"get{kind}")(), getattr(os, f"gete{kind}")()}


def _set(kind: str, number: int) -> None:
    all_three = getattr(os, f"setres{kind}", None)
    if all_three:
        all_three(number, number, number)
    else:
        getattr(os, f"set{kind}")(number)  # for root, it sets all three


def _of_application(process: IProcess | None, attribute: str) -> int | None:
    value: Any = getattr(process, attribute, None)
    if value is None or (type(value) is int and 0 <= value <= _MOST):
        return value
    raise AppsnapError(
        f"application.{attribute} is {label(value)}, and not a number from 0 to {_MOST}",
        hint=f"--{attribute} overrules it",
    )


def _user(wanted: str | int) -> tuple[int, pwd.struct_passwd | None]:
    number = _number(wanted, "user")
    try:
        entry = pwd.getpwnam(str(wanted)) if number is None else pwd.getpwuid(number)
    except KeyError:
        if number is None:
            raise AppsnapError(f"there is no user {label(wanted)}", hint="getent passwd lists the users") from None
        return number, None
    return entry.pw_uid, entry


def _group(wanted: str | int) -> int:
    number = _number(wanted, "group")
    if number is not None:
        return number
    try:
        return grp.getgrnam(str(wanted)).gr_gid
    except KeyError:
        raise AppsnapError(f"there is no group {label(wanted)}", hint="getent group lists the groups") from None


def _number(wanted: str | int, kind: str) -> int | None:
    if isinstance(wanted, str) and not re.fullmatch("[0-9]+", wanted):
        return None
    if len(str(wanted)) > len(str(_MOST)) or int(wanted) > _MOST:
        raise AppsnapError(f"the number of a {kind} is at most {_MOST}, and not {label(wanted)}")
    return int(wanted)


def _check_permitted(wanted: Identity) -> None:
    if not wanted.differs:
        return
    rights = _rights()
    # Groups are set whenever anything is.
    needed = (_CAP_SETGID, _CAP_SETUID) if wanted._other_user else (_CAP_SETGID,)  # noqa: SLF001 - its own module
    if not all(rights >> capability & 1 for capability in needed):
        user, group = os.geteuid(), os.getegid()
        raise AppsnapError(
            f"this process can't become {wanted}: it is user {user}, group {group}, and may not change that",
            hint="start it as root, or as that user and group",
        )


def _rights() -> int:
    """Return the capabilities of this process, a bit for each. Elsewhere than on Linux, root has all."""
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:
        status = b""
    found = re.search(rb"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else -(os.geteuid() == 0)


def _name_user(entry: pwd.struct_passwd | None) -> None:
    if entry is not None:
        os.environ.update(HOME=entry.pw_dir, USER=entry.pw_name, LOGNAME=entry.pw_name)
        return
    for variable in ("USER", "LOGNAME"):
        os.environ.pop(variable, None)
    os.environ["HOME"] = "/"  # another user's files are no place to write to
