"""Saved state that outlives its code: transient attributes, `Ephemeral`, `Versioned`, renamed classes, known objects.

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "Ephemeral",
    "Versioned",
    "current_name",
    "is_plain_assignment",
    "known",
    "known_objects",
    "needs_restoring",
    "public_module",
    "renamed",
    "transients",
    "transients_digest",
    "upgrade_later",
    "upgrades",
    "without_transients",
]

_WELL_KNOWN = (
    ("os", "environ"),
    ("sys", "stdin"),
    ("sys", "stdout"),
    ("sys", "stderr"),
    ("sys", "__stdin__"),
    ("sys", "__stdout__"),
    ("sys", "__stderr__"),
    ("logging", "lastResort"),
    ("twisted.internet", "reactor"),
)

_VERSION = ".persistenceVersion"
_PRIVATE_MODULES = {"pathlib._local": "pathlib"}  # in Python 3.13
_registered: dict[tuple[str, str], Any] = {}
_successors: dict[str, type] = {}
_restored: contextvars.ContextVar[list[Versioned] | None] = contextvars.ContextVar("restored", default=None)


@functools.cache
def transients(cls: type) -> Mapping[str, Callable[[], Any] | None]:
    """Return the names of a class's transient attributes, each with its factory or None.

    They come from `__transient__`, and from `persistenceForgets` in classes ported from Twisted.
    """
    found: dict[str, Callable[[], Any] | None] = {}
    for base in reversed(cls.__mro__):
        for attribute in ("persistenceForgets", "__transient__"):
            names = base.__dict__.get(attribute, ())
            found |= names if isinstance(names, dict) else dict.fromkeys(names)
    return found


def needs_restoring(cls: type) -> bool:
    """Tell whether a class needs `actions.set_state`: it has transient attributes or versions."""
    return bool(transients(cls)) or issubclass(cls, Versioned)


def transients_digest(cls: type) -> str | None:
    """Return a digest of the names of a class's transient attributes, or None.

    A digest means that an object can be restored by assigning its attributes, as long as the names stay the same. None
    means that restoring does more than that, or that a name isn't a text.
    """
    drop = transients(cls)
    if not _only_assigns(cls) or not all(type(name) is str for name in drop):
        return None
    spelled = "".join(f"{len(name)}:{name}" for name in sorted(drop))
    return hashlib.sha256(spelled.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def without_transients(cls: type, state: Any) -> Any:
    """Return a pickle state without transient attributes: the state itself if it has none, else a copy.

    A state is a dictionary, or a pair of a dictionary and the slots, or the list of fields of a frozen dataclass with
    slots. In such a list, None takes the place of a transient field.
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
        return tuple(without_transients(cls, part) if isinstance(part, dict) else part for part in state)
    if isinstance(state, list) and dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        if len(fields) == len(state):
            return [None if field.name in drop else value for field, value in zip(fields, state, strict=True)]
    return state


def upgrade_later(obj: Versioned) -> None:
    """Upgrade an object at the end of the `upgrades` block, or at once outside of one."""
    waiting = _restored.get()
    if waiting is not None:
        waiting.append(obj)
    else:
        _upgrade(obj)


def is_plain_assignment(cls: type, names: Iterable[str]) -> bool:
    """Tell whether `actions.set_state` only assigns attributes of these names to objects of a class."""
    lookup: Any = cls.__getattribute__
    standard = lookup is object.__getattribute__ and cls.__dictoffset__ != 0
    return standard and _only_assigns(cls) and transients(cls).keys().isdisjoint(names)


def _only_assigns(cls: type) -> bool:
    """Tell whether a class has no transient attribute with a factory, no versions and no `__setstate__`."""
    made_anew = any(factory is not None for factory in transients(cls).values())
    by_itself = hasattr(cls, "__setstate__") or hasattr(cls, "__getattr__")
    return not (made_anew or by_itself or issubclass(cls, Versioned))


def _upgrade(obj: Versioned) -> None:
    try:
        # Looked up in the class: an attribute of this name may hold anything that the file refers to.
        type(obj).upgrade(obj)
    except Exception as error:
        cls = f"{type(obj).__module__}.{type(obj).__qualname__}"
        raise CannotBuild(f"<{cls}>", cls, f"its upgrade failed: {type(error).__name__}: {error}") from error


class Ephemeral:
    """Base of objects that are never saved. A bare `Ephemeral` comes back in their place."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Ephemeral, ()


class Versioned:
    """Base of classes whose saved state may be older than their code.

    A class raises its `persistenceVersion` when its attributes change, and has a method `upgradeToVersionN` for each N.
    Once the whole application is restored, each object runs the methods above its saved version, in order.
    """

    persistenceVersion: ClassVar[int] = 0  # noqa: N815 - Twisted's name

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # Called on the class: the state may have an attribute of this name.
        state.update((key, base.persistenceVersion) for base, key in type(self)._versions())  # noqa: SLF001 - of this class
        return state

    @classmethod
    def _versions(cls) -> list[tuple[type[Versioned], str]]:
        return [
            (base, f"{base.__module__}.{base.__qualname__}{_VERSION}")
            for base in reversed(cls.__mro__)
            if base is not Versioned and "persistenceVersion" in base.__dict__
        ]

    def upgrade(self) -> None:
        """Run the upgrades that the saved state lacks, those of base classes first."""
        for base, key in type(self)._versions():  # noqa: SLF001 - of this class
            saved = self.__dict__.pop(key, 0)
            for old in [old for old, new in _successors.items() if new is base]:
                saved = self.__dict__.pop(old + _VERSION, saved)
            for version in range(max(saved, 0) + 1, base.persistenceVersion + 1):
                method = base.__dict__.get(f"upgradeToVersion{version}")
                if method is not None:
                    method(self)


@contextlib.contextmanager
def upgrades() -> Iterator[None]:
    """Hold back the upgrades of `Versioned` objects in this block, and run them at its end."""
    waiting: list[Versioned] = []
    token = _restored.set(waiting)
    try:
        yield
    finally:
        _restored.reset(token)
    for obj in waiting:
        _upgrade(obj)


def renamed(old: str, new: type) -> None:
    """Load the class `new` for every snapshot that names `old`, which has the form `"package.module.Class"`."""
    _successors[old] = new


def public_module(module: str) -> str:
    """Return the public module for the private one that some version of Python moved a class to."""
    return _PRIVATE_MODULES.get(module, module)


def current_name(module: str, qualname: str) -> tuple[str, str]:
    """Return the module and qualified name of today for a name in a snapshot."""
    module = public_module(module)
    if _successors:
        # Methods and nested classes move with a renamed class.
        owner, rest = qualname, ""
        while owner:
            new = _successors.get(f"{module}.{owner}")
            if new is not None:
                return new.__module__, new.__qualname__ + rest
            owner, _, last = owner.rpartition(".")
            rest = f".{last}{rest}"
    return module, qualname


def known(obj: Any, module: str, qualname: str) -> None:
    """Save an object by name from now on. Loading looks `module.qualname` up in its place."""
    _registered[module, qualname] = obj


def known_objects() -> dict[tuple[str, str], Any]:
    """Return the objects that are saved by name: the registered ones, and the standard ones of every process."""
    found = {}
    for module, name in _WELL_KNOWN:
        # Looked up at each save: programs replace sys.stdout, and import the reactor late or never.
        obj = getattr(sys.modules.get(module), name, None)
        if obj is not None:
            found[module, name] = obj
    return found | _registered
