"""msgspec's classes that can't be imported: their metaclass, written in C, keeps more in them than attributes.

Its encoders, decoders and constraints are written in C, too. Their attributes are the keywords that made them.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import sys
from typing import Any

from appsnap.recipe.freeze.cloudpickled import by_reference
from appsnap.ways import call, saves

__all__ = ["struct"]

_OPTIONS = (
    *("frozen", "eq", "order", "array_like", "tag", "tag_field", "omit_defaults", "forbid_unknown_fields"),
    *("weakref", "dict", "gc", "cache_hash"),
)
_MADE = frozenset({
    *("__struct_fields__", "__struct_defaults__", "__struct_encode_fields__", "__struct_config__", "__match_args__"),
    *("__annotations__", "__module__", "__qualname__", "__slots__", "__doc__", "__dict__", "__weakref__"),
    *("__post_init__cached__", "__firstlineno__", "__static_attributes__"),
})  # fmt: skip


def struct(name: str, fields: list[Any], bases: tuple[Any, ...], attributes: dict[str, Any], options: Any, /) -> Any:
    """Return a struct class. Each field is its name, its type, and maybe its default or the factory of it."""
    library = importlib.import_module("msgspec")
    made = [
        (field, of_type, *(library.field(default_factory=one) if kind == "factory" else one for kind, one in default))
        for field, of_type, *default in fields
    ]
    required_late = any(len(one) > 2 and len(after) == 2 for one, after in itertools.pairwise(made))
    return library.defstruct(name, made, bases=bases or None, namespace=attributes, kw_only=required_late, **options)


@saves("msgspec._core.StructMeta")
def _(cls: Any) -> Any:
    if by_reference(cls):
        return NotImplemented
    library = sys.modules["msgspec"]
    nothing = library.NODEFAULT
    fields = []
    for one in sys.modules["msgspec.structs"].fields(cls):
        default = [("value", one.default)] if one.default is not nothing else []
        default = [("factory", one.default_factory)] if one.default_factory is not nothing else default
        fields.append((one.name, one.type, *default))
    names = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    config = cls.__struct_config__
    options = {name: getattr(config, name) for name in _OPTIONS if hasattr(config, name)}
    renamed = {name: new for name, new in names.items() if name != new}
    attributes = {name: one for name, one in vars(cls).items() if name not in _MADE and name not in names}
    return struct, (
        cls.__name__,
        fields,
        tuple(base for base in cls.__bases__ if base is not library.Struct),
        attributes,
        {**options, "module": cls.__module__, **({"rename": renamed} if renamed else {})},
    )


@saves("msgspec.Meta")
@saves("msgspec.json.Decoder")
@saves("msgspec.json.Encoder")
@saves("msgspec.msgpack.Decoder")
@saves("msgspec.msgpack.Encoder")
def _(obj: Any) -> Any:
    keywords = {}
    for one in inspect.signature(type(obj)).parameters.values():
        value = getattr(obj, one.name)
        if value is not one.default:
            keywords[one.name] = value
    return call(type(obj), **keywords)
