"""aiohttp's lists that freeze, its signals, and views of its headers. They are in C, and have no way to be pickled."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import by_name, saves, transient
from appsnap.ways.anew import reduction

__all__ = ["fill_list", "no_loop"]


def fill_list(made: Any, state: dict[str, Any], /) -> Any:
    """Give a new list or signal its owner, items and attributes, and freeze it if it was frozen. Returns the list."""
    library = importlib.import_module("frozenlist")
    if not isinstance(made, library.FrozenList):
        raise TypeError(f"a {type(made).__qualname__} is no frozen list")
    library.FrozenList.__init__(made, state["items"])
    if "owner" in state:
        made._owner = state["owner"]
    if "attributes" in state:
        vars(made).update(state["attributes"])
    if state["frozen"]:
        made.freeze()
    return made


@saves("frozenlist.FrozenList", subclasses=True)
def _(obj: Any) -> Any:
    state: dict[str, Any] = {"items": [*obj], "frozen": obj.frozen}
    if hasattr(obj, "_owner"):
        state["owner"] = obj._owner
    attributes = dict(getattr(obj, "__dict__", {}))
    if "_exits" in attributes:
        attributes["_exits"] = []  # of the run
    if attributes:
        state["attributes"] = attributes
    return newobj, (type(obj),), state, None, None, fill_list


def no_loop() -> None:
    """Return None: an application belongs to the next event loop that runs it."""


by_name("aiohttp.helpers.BaseKey")
transient("aiohttp.web_app.Application", {"_loop": no_loop})


@saves("multidict._multidict.MultiDictProxy", subclasses=True)
@saves("multidict._multidict_py.MultiDictProxy", subclasses=True)
def _(view: Any) -> Any:
    cls = type(view)
    base = next(one for one in cls.__mro__ if one.__name__ == "MultiDictProxy")
    state = {name: one for name, one in (vars(view) if cls.__dictoffset__ else {}).items() if name != "_md"}
    # Only the garbage collector sees the multidict behind a view. It may see those in attributes, too.
    behind = [one for one in gc.get_referents(view) if isinstance(one, sys.modules[base.__module__].MultiDict)]
    behind.sort(key=lambda one: any(one is other for other in state.values()))
    return reduction(view, cls, (behind[0],), state)
