"""SQLAlchemy's symbols: their own `__reduce__` has a number that is another one in each process."""

from __future__ import annotations

import importlib
from typing import Any

from appsnap.ways import saves

__all__ = ["symbol"]


def symbol(name: str, /) -> Any:
    """Return the symbol of a name. A number belongs to it only in this process."""
    return importlib.import_module("sqlalchemy.util.langhelpers").symbol(name)


@saves("sqlalchemy.util.langhelpers.symbol", by_name=True)
def _(obj: Any) -> Any:
    return symbol, (obj.name,)
