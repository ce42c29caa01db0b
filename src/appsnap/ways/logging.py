"""Handlers of logs that open their files themselves, by the function `open`, which each of them keeps.

A handler opens its file again once it was rotated, or when its first record comes. That of a stranger opens no other
files than those that its load was granted.
"""

from __future__ import annotations

import errno
import os
import weakref
from typing import IO, TYPE_CHECKING, Any

from appsnap import effects, states
from appsnap.recipe.freeze.inherited import standard_reduction
from appsnap.ways import call, saves

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["opener"]

_ATTRIBUTE = "_builtin_open"


def opener(path: str, mode: str = "a") -> Callable[..., Any]:
    """Return the function that a handler opens its file by: `open`, or one that is limited as the load under way is."""
    grants = effects.granted()
    if grants is None:
        return open
    made = _Opener(path, mode)
    _grants[made] = grants
    return made


class _Opener:
    """The function `open`, for files that were granted. Nothing is truncated: text goes to the end of a file."""

    def __init__(self, path: str, mode: str) -> None:
        self._saved = path, mode

    def __call__(self, path: str, mode: str, encoding: str | None = None, errors: str | None = None) -> IO[Any]:
        return open(path, mode, encoding=encoding, errors=errors, opener=self._open)

    def _open(self, path: str, flags: int) -> int:
        flags |= os.O_APPEND if flags & os.O_TRUNC else 0
        with effects.allowed(_grants.get(self, effects.Grants())):
            try:
                return effects.open_file(path, flags)
            except effects.Denied as error:
                reason = f"{os.strerror(errno.EACCES)}: {error.effect.grant} isn't granted to the snapshot"
                raise PermissionError(errno.EACCES, reason, path) from None

    def __reduce__(self) -> Any:
        path, mode = self._saved
        return call(opener, path, mode=mode)


_grants: weakref.WeakKeyDictionary[_Opener, effects.Grants] = weakref.WeakKeyDictionary()
"""The grants of each opener. No attribute has them: a file may fill an object of any class that is trusted."""


@saves("logging.FileHandler", subclasses=True)
def _(handler: Any) -> Any:
    cls = type(handler)
    if any(states.special(cls, name) is not states.special(object, name) for name in _PROTOCOL):
        return NotImplemented
    reduction = standard_reduction(handler)
    state = reduction[2]
    if type(state) is not dict or state.get(_ATTRIBUTE) is not open:
        return NotImplemented
    own = _Opener(handler.baseFilename, handler.mode)
    return (*reduction[:2], {**state, _ATTRIBUTE: own}, *reduction[3:])


_PROTOCOL = ("__reduce_ex__", "__reduce__", "__getstate__")
