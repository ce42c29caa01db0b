"""How saved state outlives its code: transient attributes, `Ephemeral`, `Versioned`, renamed classes, known objects.

A class names the attributes that never enter a snapshot::

    class Web(Service):
        __transient__ = ("_port",)                      # gone after loading
        __transient__ = {"lock": threading.Lock}        # made anew at loading

Classes inherit the names of their bases.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import hashlib
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from appsnap.errors import CannotBuild
from appsnap.twisted.names import PERSISTENCE_FORGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "Ephemeral",
    "Versioned",
    "is_restored",
    "known",
    "known_objects",
    "lasting_state",
    "left_out",
    "public_module",
    "read_only",
    "renamed",
    "restore_state",
    "successor",
    "takes_all",
    "transients",
    "upgrades",
]

_WELL_KNOWN = (
    ("os", "environ"),
    ("sys", "stdin"),
    ("sys", "stdout"),
    ("sys", "stderr"),
    ("sys", "__stdin__"),
    ("sys", "__stdout__"),
    ("sys", "__stderr__"),
    ("twisted.internet", "reactor"),
)

_ABSENT: Any = object()
_VERSION = ".persistenceVersion"
_PRIVATE_MODULES = {"pathlib._local": "pathlib"}  # in Python 3.13
_registered: dict[tuple[str, str], Any] = {}
_successors: dict[str, type] = {}
_restored: contextvars.ContextVar[list[Versioned] | None] = contextvars.ContextVar("restored", default=None)


@functools.cache
def transients(cls: type) -> Mapping[str, Callable[[], Any] | None]:
    """Return the names of a class's transient attributes, each with its factory or None.

    Besides `__transient__` this reads `persistenceForgets`, as classes ported from Twisted have it.
    """
    found: dict[str, Callable[[], Any] | None] = {}
    for base in reversed(cls.__mro__):
        for attribute in (PERSISTENCE_FORGETS, "__transient__"):
            names = base.__dict__.get(attribute, ())
            found |= names if isinstance(names, dict) else dict.fromkeys(names)
    return found


def is_restored(cls: type) -> bool:
    """Tell whether objects of a class get their state by `restore_state`: it has transient attributes or versions."""
    return bool(transients(cls)) or issubclass(cls, Versioned)


def left_out(cls: type) -> str | None:
    """Return a digest of the names of a class's transient attributes, if leaving them out is all that restoring means.

    None where restoring means more, or where one of the names is no text.
    """
    drop = transients(cls)
    if not _only_assigns(cls) or not all(type(name) is str for name in drop):
        return None
    spelled = "".join(f"{len(name)}:{name}" for name in sorted(drop))
    return hashlib.sha256(spelled.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def lasting_state(cls: type, state: Any) -> Any:
    """Return a pickle state without transient attributes: itself if it has none, else a copy.

    A state is a dictionary, or a pair of it and the slots, or the list of fields that a frozen dataclass with slots
    has: in that, None takes the place of what is transient.
    """
    drop = transients(cls)
    if isinstance(state, dict):
        if type(state) is dict and drop.keys().isdisjoint(state):
            return state
        lasting = dict(state.items())
        for name in drop:
            lasting.pop(name, None)
        return lasting
    if isinstance(state, tuple) and len(state) == 2:
        return tuple(lasting_state(cls, part) if isinstance(part, dict) else part for part in state)
    if isinstance(state, list) and dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        if len(fields) == len(state):
            return [None if field.name in drop else value for field, value in zip(fields, state, strict=True)]
    return state


def restore_state(obj: Any, state: Any) -> None:
    """Give an object its state as pickle does, without what is transient, and make anew what has a factory."""
    cls = type(obj)
    drop = transients(cls)  # type: ignore[arg-type]  # a class can be hashed, whatever its metaclass
    if drop:
        state = lasting_state(cls, state)
    _assign(obj, state)
    for name, factory in drop.items():
        if factory is not None:
            object.__setattr__(obj, name, factory())  # also where the class is frozen
    if isinstance(obj, Versioned):
        waiting = _restored.get()
        if waiting is not None:
            waiting.append(obj)
        else:
            _upgrade(obj)


def read_only(array: Any) -> Any:
    """Return one of numpy's arrays, which can't be written to from now on, though what it looks at can."""
    array.flags.writeable = False
    return array


def takes_all(cls: type, names: Iterable[str]) -> bool:
    """Tell whether `restore_state` does no more for an object of a class than to assign it attributes of such names."""
    lookup: Any = cls.__getattribute__
    standard = lookup is object.__getattribute__ and cls.__dictoffset__ != 0
    return standard and _only_assigns(cls) and transients(cls).keys().isdisjoint(names)


def _only_assigns(cls: type) -> bool:
    """Tell whether a class has no transient attribute with a factory, no versions, and no answer to `__setstate__`."""
    made_anew = any(factory is not None for factory in transients(cls).values())
    by_itself = hasattr(cls, "__setstate__") or hasattr(cls, "__getattr__")
    return not (made_anew or by_itself or issubclass(cls, Versioned))


def _upgrade(obj: Versioned) -> None:
    try:
        # Of the class: an attribute of this name may be anything that a snapshot refers to.
        type(obj).upgrade(obj)
    except Exception as error:
        cls = f"{type(obj).__module__}.{type(obj).__qualname__}"
        raise CannotBuild(f"<{cls}>", cls, f"its upgrade failed: {type(error).__name__}: {error}") from error


def _assign(obj: Any, state: Any) -> None:
    setstate = getattr(obj, "__setstate__", _ABSENT)
    if setstate is not _ABSENT:
        setstate(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        attributes = obj.__dict__
        for name, value in state.items():
            attributes[sys.intern(name) if type(name) is str else name] = value
    if slots:
        for name, value in slots.items():
            setattr(obj, name, value)


class Ephemeral:
    """Base of objects that are never saved: in their place a bare `Ephemeral` comes back."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Ephemeral, ()


class Versioned:
    """Base of classes whose saved state may be older than their code.

    A class raises its `persistenceVersion` when its attributes change, and has a method `upgradeToVersionN` for each N.
    A restored object runs those that it lacks, in order, once the whole application has been restored.
    """

    persistenceVersion: ClassVar[int] = 0  # noqa: N815 - Twisted's name

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # By the class: the state may have an attribute of this name.
        state.update((key, base.persistenceVersion) for base, key in type(self)._versions())  # noqa: SLF001 - as said
        return state

    @classmethod
    def _versions(cls) -> list[tuple[type[Versioned], str]]:
        return [
            (base, f"{base.__module__}.{base.__qualname__}{_VERSION}")
            for base in reversed(cls.__mro__)
            if base is not Versioned and "persistenceVersion" in base.__dict__
        ]

    def upgrade(self) -> None:
        """Bring the attributes up to the versions of the classes, base classes first."""
        for base, key in type(self)._versions():  # noqa: SLF001 - as above
            saved = self.__dict__.pop(key, 0)
            for old in [old for old, new in _successors.items() if new is base]:
                saved = self.__dict__.pop(old + _VERSION, saved)
            for version in range(max(saved, 0) + 1, base.persistenceVersion + 1):
                method = base.__dict__.get(f"upgradeToVersion{version}")
                if method is not None:
                    method(self)


@contextlib.contextmanager
def upgrades() -> Iterator[None]:
    """Hold back the upgrades of `Versioned` objects restored in this block, and run them at its end."""
    waiting: list[Versioned] = []
    token = _restored.set(waiting)
    try:
        yield
    finally:
        _restored.reset(token)
    for obj in waiting:
        _upgrade(obj)


def renamed(old: str, new: type) -> None:
    """Let snapshots that name a class `old` (as `"package.module.Class"`) have the class `new`."""
    _successors[old] = new


def public_module(module: str) -> str:
    """Return the module by which people know what one version of Python or another has in a private one."""
    return _PRIVATE_MODULES.get(module, module)


def successor(module: str, qualname: str) -> tuple[str, str]:
    """Return module and qualified name under which something saved by name is to be found today."""
    module = public_module(module)
    if _successors:
        # What belongs to a renamed class - a method, a nested class - has moved with it.
        owner, rest = qualname, ""
        while owner:
            new = _successors.get(f"{module}.{owner}")
            if new is not None:
                return new.__module__, new.__qualname__ + rest
            owner, _, last = owner.rpartition(".")
            rest = f".{last}{rest}"
    return module, qualname


def known(obj: Any, module: str, qualname: str) -> None:
    """Save an object by name from now on: at loading, `module.qualname` is what takes its place."""
    _registered[module, qualname] = obj


def known_objects() -> dict[tuple[str, str], Any]:
    """Return the objects that are saved by name: the registered, and those that every process has."""
    found = {}
    for module, name in _WELL_KNOWN:
        # Looked up at each save: sys.stdout gets replaced, and the reactor is there only if somebody uses it.
        obj = getattr(sys.modules.get(module), name, None)
        if obj is not None:
            found[module, name] = obj
    return found | _registered
