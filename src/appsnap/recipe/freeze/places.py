"""Objects that can't be saved: the object to name, the path to it, and the advice about it.

Most such objects are deep inside another one that is somebody else's work: the lock of a queue. The user knows the
queue, and the attribute of an own class that holds it. So the outermost object of the standard library is named.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap.errors import Place, Refused
from appsnap.recipe import steps
from appsnap.recipe.freeze.attributes import package_of
from appsnap.recipe.outline import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    Step = tuple[str, Any, Any]
    """A step of a walk's path: the form of its label, the key in that, and the object."""

__all__ = ["describe", "label"]


def label(form: str, key: Any, child: Any) -> str:
    """Return one step of a path. As in an outline, a service in a list is labelled by its name."""
    if form == "[%d]":
        try:
            attributes = object.__getattribute__(child, "__dict__")
        except AttributeError:
            attributes = {}
        name = attributes.get("name")
        return f"[{quoted(name)}]" if type(name) is str and "parent" in attributes else f"[{key}]"
    if form == "[%r]":
        # Atoms only: the __repr__ of another class may do anything.
        return f"[{quoted(key) if type(key) in steps.ATOMS else f'<{type(key).__qualname__}>'}]"
    if form == ".%s" and not key.isidentifier():
        return f".__dict__[{quoted(key)}]"
    return form % (key,) if "%" in form else form


def describe(root: str, path: Sequence[Step], error: BaseException) -> tuple[Any, Place]:
    """Return the object to blame for an error at the end of a path, and its place.

    The first step is that of the root, without a label.
    """
    path = _as_users_see_it(path)
    own, at = _find(path)
    if isinstance(error, Refused):
        at = len(path) - 1
    culprit = path[at][2]
    reason = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}".splitlines()[0]
    labels = ["", *map(_label, path, path[1:])]
    inner = "".join(labels[at + 1 :])
    if inner:
        reason += f" (at its {inner.lstrip('. ')})"
    known = at > 0 and culprit is type(path[at - 1][2])
    where = root + "".join(labels[: at if known else at + 1])
    attribute = ""
    if -1 < own < at and path[own + 1][0] == ".%s" and not _has_name(path[own][2]):
        attribute = path[own + 1][1]
    advice = error.advice if isinstance(error, Refused) else _advice(culprit)
    transient = "name the attribute in "
    transient += f'__transient__ = ("{attribute}",)' if attribute else "the __transient__ of the class that holds it"
    advice = advice.replace("TRANSIENT", transient)
    if isinstance(error, Refused) and error.obj is not None:
        culprit = error.obj
    return culprit, Place(where, _type_name(culprit), reason, advice)


def _as_users_see_it(path: Sequence[Step]) -> list[Step]:
    """Return a path without the states and arguments that hold attributes and variables of an object."""
    found: list[Step] = []
    at = 0
    while at < len(path):
        found.append(path[at])
        seen = _attribute(path, at) or _variable(path, at)
        if seen is None:
            at += 1
        else:
            at, form, key = seen
            found.append((form, key, path[at][2]))
            at += 1
    return found


def _attribute(path: Sequence[Step], at: int) -> tuple[int, str, Any] | None:
    """Return the position, form and key of the step to an attribute of an object, if its state has it by its name."""
    obj = path[at][2]
    forms = [form for form, _, _ in path[at + 1 : at + 4]]
    # The state is a dictionary, or a pair of one and that of the slots.
    for state in ([".__getstate__()", "[%r]"], [".__getstate__()", "[%d]", "[%r]"]):
        count = len(state)
        if forms[:count] == state:
            _, name, value = path[at + count]
            if type(name) is str and _holds(obj, name, value):
                return at + count, ".%s", name
    if forms[:1] == [" argument %d"] and path[at + 1][1] == 0 and _type_name(obj) in _QUEUES:
        return at + 1, ".%s", "_queue" if hasattr(obj, "_queue") else "queue"
    if forms[:2] == [".__getstate__()", "[%d]"] and type(obj) is functools.partial:
        return at + 2, ".%s", ("func", "args", "keywords", "__dict__")[path[at + 2][1]]
    return None


def _holds(obj: Any, name: str, value: Any) -> bool:
    """Tell whether an attribute has this value, without a call of anybody's code."""
    with contextlib.suppress(AttributeError):
        if object.__getattribute__(obj, "__dict__").get(name) is value:
            return True
    slots = [vars(base).get(name) for base in type(obj).__mro__]
    with contextlib.suppress(AttributeError):
        return any(type(slot) is types.MemberDescriptorType and slot.__get__(obj) is value for slot in slots)
    return False


def _variable(path: Sequence[Step], at: int) -> tuple[int, str, Any] | None:
    """Return the position, form and key of the step to a variable or default of a function that is saved by value."""
    function = path[at][2]
    if type(function) is not types.FunctionType:
        return None
    code = function.__code__
    variables = {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # it is empty
            variables[name] = cell.cell_contents
    variables |= function.__kwdefaults__ or {}
    defaults = function.__defaults__ or ()
    variables |= zip(code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount], defaults, strict=True)
    for later in range(at + 1, len(path)):
        for name, value in variables.items():
            if value is path[later][2] and type(value) not in steps.ATOMS:
                return later, " variable %s", name
    return None


def _label(above: Step, step: Step) -> str:
    """Return the label of a step. As in an outline, the class of an object is labelled as such."""
    return ".__class__" if step[0] == " argument %d" and step[2] is type(above[2]) else label(*step)


def _find(path: Sequence[Step]) -> tuple[int, int]:
    """Return the positions of the last object of the user, or -1, and of the object to blame."""
    last = len(path) - 1
    own = max((at for at in range(last) if _is_of_user(path[at][2])), default=-1)
    # Without an own object on the path, a library may hold everything: its application, say.
    foreign = range(own + 1, last) if own >= 0 else [at for at in range(last) if not _is_installed(path[at][2])]
    return own, next((at for at in foreign if not _is_transparent(type(path[at][2]))), last)


def _is_of_user(obj: Any) -> bool:
    """Tell whether a user can change the class of an object, and its advice isn't that of a class above."""
    if _has_name(obj):
        return package_of(obj) not in sys.stdlib_module_names
    above = {f"{base.__module__}.{base.__qualname__}" for base in type(obj).__mro__}
    return package_of(type(obj)) not in sys.stdlib_module_names and above.isdisjoint(_KNOWN) and not _is_installed(obj)


def _is_installed(obj: Any) -> bool:
    """Tell whether the class of an object belongs to an installed library, but not to appsnap."""
    file = getattr(sys.modules.get(str(type(obj).__module__)), "__file__", None)
    folders = file.replace("\\", "/").split("/") if isinstance(file, str) else ()
    return package_of(type(obj)) != "appsnap" and not {"site-packages", "dist-packages"}.isdisjoint(folders)


def _has_name(obj: Any) -> bool:
    """Tell whether an object is a class or function. `isinstance` would ask a strange object for its class."""
    return issubclass(type(obj), (type, types.FunctionType))


def _is_transparent(cls: type) -> bool:
    """Tell whether a class of the standard library holds objects of others, and nothing of its own."""
    return package_of(cls) in _TRANSPARENT or f"{cls.__module__}.{cls.__qualname__}" in {"argparse.Namespace", *_QUEUES}


_TRANSPARENT = frozenset(
    [
        *("builtins", "collections", "_collections", "dataclasses", "functools", "itertools", "operator", "types"),
        *("typing", "weakref", "_weakrefset", "_queue"),
    ]
)

_QUEUES = frozenset(
    f"{module}.{name}" for module in ("queue", "asyncio.queues") for name in ("Queue", "LifoQueue", "PriorityQueue")
)
"""The queues, which are made from a container of their items."""


def _type_name(obj: Any) -> str:
    is_class = issubclass(type(obj), type)
    cls = obj if is_class else type(obj)
    return f"{'class ' if is_class else ''}{cls.__module__}.{cls.__qualname__}"


# Advice


def _advice(obj: Any) -> str:
    """Return a way on for the user of an object. In the place of `TRANSIENT` comes advice about its attribute."""
    names = {f"{base.__module__}.{base.__qualname__}" for base in type(obj).__mro__}
    for text, known in _ADVICE.items():
        if not known.isdisjoint(names):
            return text
    if not _is_of_user(obj):
        return "make it in startService, and TRANSIENT"
    return "TRANSIENT, or write a __reduce__ for its own class"


_ADVICE = {
    "keep only the values that you need from it, or move them to a module that can be imported": {"builtins.module"},
    "keep its key, and make the zone by zoneinfo.ZoneInfo(key)": {"zoneinfo.ZoneInfo"},
    "keep the path of the file, and open it in startService": {
        "_io._IOBase",
        "tempfile._TemporaryFileWrapper",
        "zipfile.ZipFile",
        "tarfile.TarFile",
        "shelve.Shelf",
        "_gdbm.gdbm",
        "_dbm.dbm",
    },
    "keep the arguments of its function, and call that in startService": {
        "builtins.generator",
        "builtins.coroutine",
        "builtins.async_generator",
    },
    "open it in startService, and TRANSIENT": {
        "socket.socket",
        "_socket.socket",
        "ssl.SSLSocket",
        "_ssl._SSLContext",
        "sqlite3.Connection",
        "sqlite3.Cursor",
        "mmap.mmap",
        "select.epoll",
        "select.poll",
        "select.kqueue",
        "selectors.BaseSelector",
        "http.client.HTTPConnection",
        "ftplib.FTP",
        "smtplib.SMTP",
        "imaplib.IMAP4",
        "poplib.POP3",
        "multiprocessing.connection._ConnectionBase",
    },
    "make it in startService, and TRANSIENT": {
        "asyncio.events.AbstractEventLoop",
        "asyncio.events.AbstractServer",
        "asyncio.base_events.Server",
        "asyncio.streams.StreamReader",
        "asyncio.streams.StreamWriter",
        "concurrent.futures._base.Executor",
        "subprocess.Popen",
        "multiprocessing.process.BaseProcess",
        "multiprocessing.pool.Pool",
        "multiprocessing.managers.BaseManager",
    },
    "add it to its logger in startService, and TRANSIENT": {"logging.Handler"},
    "keep the data that was hashed, or the result of its digest()": {
        "_hashlib.HASH",
        "_hashlib.HMAC",
        "hmac.HMAC",
        "_blake2.blake2b",
        "_blake2.blake2s",
        "_md5.md5",
        "_sha1.sha1",
        "_sha256.sha256",
        "_sha512.sha512",
        "_sha2.SHA256Type",
        "_sha2.SHA512Type",
        "_sha3.sha3_256",
        "_sha3.sha3_512",
    },
    "keep the values that you need from it, or TRANSIENT": {
        "builtins.frame",
        "builtins.traceback",
        "_contextvars.Token",
    },
}

_KNOWN = frozenset[str]().union(*_ADVICE.values())
"""Classes of objects that can't be saved, nor can those of their subclasses, as a rule."""
