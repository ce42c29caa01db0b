"""Flask-SQLAlchemy: the extension is found in its module, where the models are. It gets the engines of the application.

An extension that no module holds is saved by its attributes.
"""

from __future__ import annotations

from typing import Any

from appsnap.recipe.freeze import held
from appsnap.ways import saves

__all__ = ["add_engines", "extension"]


def extension(found: Any, /) -> Any:
    """Return the extension that a module holds."""
    return found


def add_engines(found: Any, engines: Any, /) -> Any:
    """Give an extension the engines of applications: a list of pairs. Returns the extension."""
    for application, own in engines:
        found._app_engines[application] = own
    return found


@saves("flask_sqlalchemy.extension.SQLAlchemy", subclasses=True)
def _(obj: Any) -> Any:
    name = held.name_of(obj)
    if name is None:
        return NotImplemented
    return extension, (held.Constant(*name),), [*obj._app_engines.items()], None, None, add_engines
