"""SQLAlchemy's symbols and dispatchers of events: each has a `__reduce__` of its own that loses something.

A symbol has a number that is another one in each process. A dispatcher forgets who listens.
"""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

from appsnap.recipe.freeze import held
from appsnap.recipe.freeze.cloudpickled import by_reference
from appsnap.ways import by_name, objects, saves

__all__ = ["column_of", "dispatcher", "listen", "symbol", "table_of"]

T = TypeVar("T")


def symbol(name: str, /) -> Any:
    """Return the symbol of a name. A number belongs to it only in this process."""
    return importlib.import_module("sqlalchemy.util.langhelpers").symbol(name)


def table_of(metadata: Any, key: str, /) -> Any:
    """Return a table of a collection of tables."""
    return metadata.tables[key]


def column_of(table: Any, key: str, /) -> Any:
    """Return a column of a table."""
    return table.c[key]


def dispatcher(cls: Any, /) -> Any:
    """Return a new dispatcher for the events of the objects of a class."""
    return importlib.import_module("sqlalchemy.event.base")._UnpickleDispatch()(cls)


def listen(dispatch: T, listeners: dict[str, Any], /) -> T:
    """Let functions listen to events of a new dispatcher, in this order. Returns the dispatcher."""
    for name, (functions, inherited) in listeners.items():
        collection = getattr(dispatch, name).for_modify(dispatch)
        collection.listeners.extend(functions)
        collection.propagate.update(inherited)
    return dispatch


@saves("sqlalchemy.util.langhelpers.symbol", by_name=True)
def _(obj: Any) -> Any:
    return symbol, (obj.name,)


@saves("sqlalchemy.event.base._Dispatch", subclasses=True)
def _(dispatch: Any) -> Any:
    found = {
        one.name: ([*one.listeners], [function for function in one.listeners if function in one.propagate])
        for one in dispatch._event_descriptors
        if one.listeners
    }
    made = dispatcher, (dispatch._instance_cls,)
    return (*made, found, None, None, listen) if found else made


# Classes that are mapped, and their tables, belong to the process. A copy of a mapper would map its class again.

by_name("sqlalchemy.sql.schema.MetaData")
by_name("sqlalchemy.orm.decl_api.registry")


@saves("sqlalchemy.orm.mapper.Mapper")
def _(mapper: Any) -> Any:
    return (getattr, (mapper.class_, "__mapper__")) if by_reference(mapper.class_) else NotImplemented


@saves("sqlalchemy.orm.instrumentation.ClassManager")
def _(manager: Any) -> Any:
    return (getattr, (manager.class_, "_sa_class_manager")) if by_reference(manager.class_) else NotImplemented


@saves("sqlalchemy.orm.interfaces.MapperProperty", subclasses=True)
def _(part: Any) -> Any:
    known = part.parent.attrs.get(part.key) is part and by_reference(part.parent.class_)
    return (getattr, (getattr(part.parent.class_, part.key), "property")) if known else NotImplemented


@saves("sqlalchemy.orm.attributes.QueryableAttribute", subclasses=True)
def _(attribute: Any) -> Any:
    cls = attribute.class_
    known = by_reference(cls) and vars(cls).get(attribute.key) is attribute
    return (getattr, (cls, attribute.key)) if known else NotImplemented


@saves("sqlalchemy.sql.schema.Table")
def _(table: Any) -> Any:
    known = table.metadata.tables.get(table.key) is table and held.name_of(table.metadata) is not None
    return (table_of, (table.metadata, table.key)) if known else NotImplemented


@saves("sqlalchemy.sql.schema.Column")
def _(column: Any) -> Any:
    table = column.table
    known = table is not None and hasattr(table, "metadata") and held.name_of(table.metadata) is not None
    return (column_of, (table, column.key)) if known and table.c.get(column.key) is column else NotImplemented


@saves("sqlalchemy.util._collections.LRUCache")
def _(cache: Any) -> Any:
    made, args, state, *rest = objects.take_apart((), cache)
    return made, args, {**state, "_data": {}}, *rest


_OF_ANNOTATED = ("_propagate_attrs", "comparator", "dialect_options", "type")
"""Attributes that a copy with annotations may have on its own. Its `__reduce__` forgets them."""


@saves("sqlalchemy.sql.annotation.Annotated", subclasses=True)
def _(annotated: Any) -> Any:
    made = annotated.__reduce__()
    own = {name: vars(annotated)[name] for name in _OF_ANNOTATED if name in vars(annotated)}
    return (*made, own) if own else made
