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
import enum
import functools
import hashlib
import sys
import types
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from appsnap import running, states
from appsnap.errors import CannotBuild
from appsnap.printable import label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")

__all__ = [
    "Ephemeral",
    "VersionError",
    "Versioned",
    "before_transients",
    "current_member",
    "current_name",
    "finish_later",
    "follow",
    "goes_by",
    "has_renamed_members",
    "is_plain_assignment",
    "is_plain_slots",
    "known",
    "known_objects",
    "needs_restoring",
    "public_name",
    "renamed",
    "renames",
    "transient",
    "transients",
    "transients_digest",
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
_PUBLIC_NAMES = {  # as above
    ("_thread", "lock"): ("threading", "Lock"),
    ("_contextvars", "Context"): ("contextvars", "Context"),
    ("_contextvars", "ContextVar"): ("contextvars", "ContextVar"),
    ("re", "PatternError"): ("re", "error"),
    ("collections", "_deque_iterator"): ("_collections", "_deque_iterator"),
    ("collections", "_deque_reverse_iterator"): ("_collections", "_deque_reverse_iterator"),
}
_registered: dict[tuple[str, str], Any] = {}
_successors: dict[str, Any] = {}
_transient: dict[str, Mapping[str, Callable[[], Any] | None]] = {}  # those of classes that don't name theirs
_before_transients: list[Callable[[type], object]] = []
_restored: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("restored", default=None)


@functools.cache
def transients(cls: type) -> Mapping[str, Callable[[], Any] | None]:
    """Return the names of a class's transient attributes, each with its factory or None.

    They come from `__transient__`, from `transient`, and from `persistenceForgets` in classes ported from Twisted.
    `running` of Twisted's services is one, too.
    """
    for ask in _before_transients:
        ask(cls)
    found: dict[str, Callable[[], Any] | None] = {}
    for base in reversed(cls.__mro__):
        for name, names in _transient.items():
            if goes_by(base, name):
                found |= names
        for attribute in ("persistenceForgets", "__transient__"):
            names = base.__dict__.get(attribute, ())
            found |= names if isinstance(names, dict) else dict.fromkeys(names)
        if running.is_service_class(base):
            found["running"] = None
    return found


def transient(name: str, names: Mapping[str, Callable[[], Any] | None]) -> None:
    """Say which attributes of a class and its subclasses are transient, each with its factory or None.

    Both the save and the load have to know that. Names that are given later join those from before.
    """
    _transient[name] = {**_transient.get(name, {}), **names}
    transients.cache_clear()


def before_transients(ask: Callable[[type], object]) -> None:
    """Call a function with each class before its transient attributes count."""
    _before_transients.append(ask)


def goes_by(cls: type, name: str) -> bool:
    """Tell whether a class has this dotted name. Nothing is imported."""
    if f"{cls.__module__}.{cls.__qualname__}" == name:
        return True
    # A library offers classes of its inner modules under shorter names.
    module, _, qualname = name.rpartition(".")
    return vars(sys.modules[module]).get(qualname) is cls if module in sys.modules else False


def needs_restoring(cls: type) -> bool:
    """Tell whether a class needs `actions.set_state`: it has transient attributes or versions."""
    return bool(transients(cls)) or issubclass(cls, Versioned)


def transients_digest(cls: type) -> str | None:
    """Return a digest of the names of a class's transient attributes, or None.

    A digest means that an object can be restored by assigning its attributes, as long as the names stay the same. None
    means that restoring does more than that, or that a name isn't a text.
    """
    drop = transients(cls)
    if not _only_assigns(cls) or states.misleads_pickle(cls) or not all(type(name) is str for name in drop):
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
    # A class with a `__setstate__` may give any meaning to a pair.
    if isinstance(state, tuple) and len(state) == 2 and states.special(cls, "__setstate__") is None:
        return tuple(without_transients(cls, part) if isinstance(part, dict) else part for part in state)
    if isinstance(state, list) and dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        if len(fields) == len(state):
            return [None if field.name in drop else value for field, value in zip(fields, state, strict=True)]
    return state


def finish_later(obj: Any) -> None:
    """Stop a service or upgrade a `Versioned` object, at the end of the `upgrades` block, or at once outside of one."""
    is_service, is_versioned = running.is_service(type(obj)), isinstance(obj, Versioned)
    waiting = _restored.get()
    if waiting is not None and (is_service or is_versioned):
        waiting.append(obj)
        return
    if is_service:
        running.stop(obj)
    if is_versioned:
        _check_versions(obj, Versioned)
        _upgrade(obj, type(obj).upgrade)


def is_plain_assignment(cls: type, names: Iterable[str]) -> bool:
    """Tell whether `actions.set_state` only assigns attributes of these names to objects of a class."""
    lookup: Any = cls.__getattribute__
    standard = lookup is object.__getattribute__ and cls.__dictoffset__ != 0
    by_name = transients(cls).keys() | states.slots_beside_dict(cls)
    return standard and _only_assigns(cls) and by_name.isdisjoint(names)


def is_plain_slots(cls: type, names: Iterable[str]) -> bool:
    """Tell whether `actions.set_state` only sets the slots of these names, in objects of a class without `__dict__`."""
    plain = cls.__dictoffset__ == 0 and states.special(cls, "__setattr__") is object.__setattr__
    slots = all(type(states.special(cls, name)) is types.MemberDescriptorType for name in names)
    return plain and slots and _only_assigns(cls) and not transients(cls) and not running.is_service(cls)


def _only_assigns(cls: type) -> bool:
    """Tell whether a class has no transient attribute with a factory, no versions and no `__setstate__`."""
    made_anew = any(factory is not None for factory in transients(cls).values())
    by_itself = states.special(cls, "__setstate__") is not None or running.is_kept_elsewhere(cls)
    return not (made_anew or by_itself or issubclass(cls, Versioned))


def _upgrade(obj: Any, upgrade: Callable[[Any], object], locate: Callable[[object], str] | None = None) -> None:
    try:
        upgrade(obj)
    except MemoryError:
        raise
    except Exception as error:
        cls = f"{type(obj).__module__}.{type(obj).__qualname__}"
        path = f"<{cls}>" if locate is None else locate(obj)
        raise CannotBuild(path, cls, f"its upgrade failed: {type(error).__name__}: {error}") from error


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
            saved = 0
            for name in _keys(base, key):
                saved = self.__dict__.pop(name, saved)
            for version in range(max(saved, 0) + 1, base.persistenceVersion + 1):
                base.__dict__[f"upgradeToVersion{version}"](self)


class VersionError(ValueError):
    """The code can't bring an object to today's version. Raised before any object is upgraded."""

    def __init__(self, obj: Any, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.obj = obj
        self.hint = hint


def _keys(base: type, key: str) -> list[str]:
    """Return the attributes that may hold the saved version of a class: under its name, then under old names."""
    return [key, *(old + _VERSION for old, new in _successors.items() if new is base)]


def _check_versions(obj: Any, root: type) -> None:
    """Check that a class has all the steps from the saved version to today's. Raises VersionError."""
    attributes = obj.__dict__
    known = {"persistenceVersion"}
    for base in type(obj).__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if base is root or not issubclass(base, root) or "persistenceVersion" not in base.__dict__:
            continue
        code = base.__dict__["persistenceVersion"]
        keys = _keys(base, name + _VERSION)
        known.update(keys)
        saved = next((attributes[key] for key in reversed(keys) if key in attributes), 0)
        if type(saved) is not int:
            raise VersionError(obj, f"{label(saved)} is no version of {name}", "the file was changed")
        if saved > code:
            raise VersionError(
                obj,
                f"it was saved by version {label(saved)} of {name}, and the code has version {code}",
                "load it with the newer code that saved it",
            )
        for version in range(max(saved, 0) + 1, code + 1):
            if f"upgradeToVersion{version}" not in base.__dict__:
                raise VersionError(
                    obj,
                    f"it was saved by version {label(saved)} of {name}, the code has version {code}, and there is no "
                    f"method upgradeToVersion{version}",
                    f"add {base.__qualname__}.upgradeToVersion{version}",
                )
    for key in attributes.keys() - known:
        if isinstance(key, str) and key.endswith(_VERSION):
            name = key.removesuffix(_VERSION)
            raise VersionError(
                obj,
                f"it was saved by version {label(attributes[key])} of {name}, and no class of it has versions under "
                "that name",
                f"if that class has a new name: appsnap.evolve.renamed({name!r}, TheNewClass)",
            )


@contextlib.contextmanager
def upgrades(locate: Callable[[object], str] | None = None) -> Iterator[None]:
    """Hold back the upgrades of `Versioned` objects in this block, and run them at its end. Stop the services first.

    The objects of Twisted's class of that name are upgraded, too. `locate` returns the path of an object. Raises
    VersionError before the first upgrade, and CannotBuild if an upgrade fails.
    """
    waiting: list[Any] = []
    token = _restored.set(waiting)
    before = frozenset(_of_twisted())
    try:
        yield
        twisted = {key: obj for key, obj in _of_twisted().items() if key not in before}
        for key in twisted:
            _of_twisted().pop(key, None)
    finally:
        _restored.reset(token)
    for obj in waiting:
        if running.is_service(type(obj)):
            running.stop(obj)
    waiting = [obj for obj in waiting if isinstance(obj, Versioned)]
    for obj in waiting:
        _check_versions(obj, Versioned)
    for obj in twisted.values():
        _check_versions(obj, sys.modules["twisted.persisted.styles"].Versioned)
    for obj in waiting:
        # Looked up in the class: an attribute of this name may hold anything that the file refers to.
        _upgrade(obj, type(obj).upgrade, locate)
    for obj in twisted.values():
        _upgrade(obj, type(obj).versionUpgrade, locate)


def _of_twisted() -> dict[int, Any]:
    """Return the objects of Twisted's `Versioned` that wait for their upgrade, by id."""
    styles = sys.modules.get("twisted.persisted.styles")
    return {} if styles is None else styles.versionedsToUpgrade


def renamed(old: str, new: Any) -> None:
    """Load `new` for every snapshot that names `old`, which has the form `"package.module.Class"`.

    `new` is a class, a function, a method, a module or a member of an enumeration. Everything in a renamed class or
    module moves with it. Raises TypeError for an object without a name.
    """
    _name_of(new)
    _successors[old] = new


def _name_of(found: Any) -> tuple[str, str]:
    if isinstance(found, types.ModuleType):
        return found.__name__, ""
    cls = type(found) if isinstance(found, enum.Enum) else found
    module, qualname = getattr(cls, "__module__", None), getattr(cls, "__qualname__", None)
    if isinstance(found, enum.Enum) and qualname is not None:
        qualname = f"{qualname}.{found._name_}" if found._name_ in type(found).__members__ else None
    if type(module) is not str or type(qualname) is not str or "<" in qualname:
        raise TypeError(f"a class, function, module or member of an enumeration is needed, not {found!r:.100}")
    return module, qualname


def public_name(module: str, qualname: str) -> tuple[str, str]:
    """Return the name that all versions of Python have for a class that some version names otherwise."""
    return _PUBLIC_NAMES.get((module, qualname), (_PRIVATE_MODULES.get(module, module), qualname))


def current_name(module: str, qualname: str) -> tuple[str, str]:
    """Return the module and qualified name of today for a name in a snapshot."""
    module, qualname = public_name(module, qualname)
    if _successors:
        # Methods and nested classes move with a renamed class.
        owner, rest = qualname, ""
        while owner:
            new = _successors.get(f"{module}.{owner}")
            if new is not None:
                module, owner = _name_of(new)
                return module, (owner + rest).lstrip(".")
            owner, _, last = owner.rpartition(".")
            rest = f".{last}{rest}"
        # Modules move with a renamed package.
        owner, rest = module, ""
        while owner:
            if isinstance(_successors.get(owner), types.ModuleType):
                return _successors[owner].__name__ + rest, qualname
            owner, _, last = owner.rpartition(".")
            rest = f".{last}{rest}"
    return module, qualname


def follow(name: tuple[str, str], look_up: Callable[[Any], T]) -> tuple[Any, T]:
    """Return the name of today for a name in a snapshot, of the same type, and the object that `look_up` finds by it.

    To look a name up may import a module, and that may call `renamed`. Then the new name counts, whether the old one
    was found or not. Raises the error of `look_up` for the last name.
    """
    cls: Any = type(name)
    make: Any = getattr(cls, "_make", cls)
    current = make(current_name(*name))
    for _ in range(_MOST_RENAMES):
        error: Exception | None = None
        try:
            found = look_up(current)
        except (ImportError, AttributeError) as missing:
            error = missing
        again = make(current_name(*name))
        if again == current:
            if error is not None:
                raise error
            return current, found
        current = again
    raise ImportError(f"{'.'.join(name)} gets a new name by each import")


_MOST_RENAMES = 20


def renames() -> int:
    """Return how many names were renamed so far."""
    return len(_successors)


def current_member(cls: type, name: str) -> str:
    """Return the name of today for a method of the objects of a class."""
    for base in cls.__mro__ if _successors else ():
        names = [f"{base.__module__}.{base.__qualname__}", *(old for old, new in _successors.items() if new is base)]
        new = next((_successors[f"{old}.{name}"] for old in names if f"{old}.{name}" in _successors), None)
        if new is not None:
            return _name_of(new)[1].rpartition(".")[2]
    return name


def has_renamed_members(module: str, qualname: str) -> bool:
    """Tell whether something inside a class of this name was renamed: a method, or a member of an enumeration.

    `importlib.import_module` counts as such a class if a module was renamed.
    """
    if (module, qualname) == ("importlib", "import_module"):
        return any(isinstance(new, types.ModuleType) for new in _successors.values())
    return any(old.startswith(f"{module}.{qualname}.") for old in _successors)


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
