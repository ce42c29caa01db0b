"""Signals of blinker: the namespace of a module holds them, and they know their receivers by addresses of the process.

The load finds a signal of a namespace by its name, and connects the receivers that the snapshot has.
"""

from __future__ import annotations

import importlib
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap.errors import Refused
from appsnap.recipe.freeze import held
from appsnap.ways import by_name, saves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["connect", "restore", "signal"]

T = TypeVar("T")

by_name("blinker.base.Namespace")


def signal(namespace: Any, name: str, doc: str | None = None, /) -> Any:
    """Return the signal of a name in a namespace. It is made if there is none."""
    return importlib.import_module("blinker.base").Namespace.signal(namespace, name, doc)


def connect(target: T, connections: Iterable[tuple[Any, ...]], /) -> T:
    """Connect receivers to a signal: each with the switch "weakly", and with its sender if it has one.

    What is only referred to weakly comes as a weak reference. Returns the signal.
    """
    for receiver, weak, *senders in connections:
        found = receiver() if weak else receiver
        alive = [one() if isinstance(one, weakref.ref) else one for one in senders]
        if found is not None and all(one is not None for one in alive):
            target.connect(found, *alive, weak=weak)  # type: ignore[attr-defined]
    return target


def restore(target: T, state: tuple[Iterable[tuple[Any, ...]], dict[str, Any]], /) -> T:
    """Connect receivers to a signal, and give it its attributes. Returns the signal."""
    if not isinstance(target, importlib.import_module("blinker.base").Signal):
        raise TypeError("it is no signal")
    connections, attributes = state
    connect(target, connections)
    vars(target).update(attributes)
    return target


_MADE = frozenset({"receivers", "_by_receiver", "_by_sender", "_weak_senders", "name", "__doc__"})


@saves("blinker.base.Signal", subclasses=True)
def _(obj: Any) -> Any:
    base = importlib.import_module("blinker.base")
    if type(obj).__init__ not in (base.Signal.__init__, base.NamedSignal.__init__):
        raise Refused("a signal of a class with a constructor of its own", "register a way for it with saves(...)")
    connections = [*_connections(obj)]
    made = _made(obj)
    own = {name: one for name, one in vars(obj).items() if name not in _MADE and (name, one) != ("is_muted", False)}
    if own:
        return *made, (connections, own), None, None, restore
    return (*made, connections, None, None, connect) if connections else made


def _made(obj: Any) -> tuple[Any, ...]:
    """Return a function that finds the signal in the process or makes a new one, and its arguments."""
    name, doc = getattr(obj, "name", None), vars(obj).get("__doc__")
    described = () if doc is None else (doc,)
    if name is None:
        known = held.name_of(obj)
        return (getattr, (sys.modules[known[0]], known[1])) if known and "." not in known[1] else (type(obj), described)
    cls = sys.modules["blinker.base"].Namespace
    for module in filter(held.is_importable, [*sys.modules]):
        for namespace in [*vars(sys.modules[module]).values()]:
            if type(namespace) is cls and namespace.get(name) is obj:
                return signal, (namespace, name, *described)
    return type(obj), (name, *described)


def _connections(obj: Any) -> Iterator[tuple[Any, ...]]:
    known = [0, *obj._weak_senders]  # that of any sender comes first
    for address, receiver in obj.receivers.items():
        weak = isinstance(receiver, weakref.ref)
        found = receiver() if weak else receiver
        if found is None:
            continue
        begin = _weakly(found) if weak else found, weak
        senders = obj._by_receiver[address]
        for sender in sorted(senders, key=lambda one: (known.index(one) if one in known else -1, str(one))):
            if sender == 0:
                yield begin
            elif sender in obj._weak_senders:
                alive = obj._weak_senders[sender]()
                if alive is not None:
                    yield *begin, _weakly(alive)
            elif type(sender) is str:
                yield *begin, sender
            else:
                reason = "a signal with a receiver for one sender, of which it only knows the address"
                raise Refused(reason, "connect the receiver in startService")


def _weakly(obj: Any) -> weakref.ref[Any]:
    return weakref.WeakMethod(obj) if isinstance(obj, types.MethodType) else weakref.ref(obj)
