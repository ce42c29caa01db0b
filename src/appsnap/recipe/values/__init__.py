"""Value types: the types whose values any snapshot may hold, one record each.

* A *value type* (`ValueType`) is all that appsnap knows of a type: how its values are taken apart when they are saved,
  how they are made again, and which rights a stranger's snapshot has over them.
* A *constructor* is a type or a function that snapshots call to make a value. Its record has the function that checks
  the arguments, and then makes the value.
* The *registry* holds the records. Freezing looks them up by type; the audit, the builder, the outline and the cost
  counter look them up by dotted name.
* An *object known by name* (`os.environ`) is no value, but any snapshot may refer to it.

To add a value type, add one record to the `TYPES` of a family: `builtins`, `numbers`, `times`, `text`, `containers`,
`process`, `numpy`, `anew`, `connections`, `files` and `weak` for those that `appsnap.ways` makes, or `services` for
appsnap's own classes. Nothing else changes. If the package of the type isn't always installed, leave `cls` out. `make`
sees the arguments of a stranger, so it must check all of them, and fast.
"""

from __future__ import annotations

from appsnap.recipe.values import (
    anew,
    builtins,
    connections,
    containers,
    files,
    numbers,
    numpy,
    process,
    services,
    text,
    times,
    weak,
)
from appsnap.recipe.values.numbers import BITS, BYTES, conversion
from appsnap.recipe.values.registry import (
    OTHER,
    Constructor,
    ValueType,
    constructor,
    has_identity,
    is_creatable,
    is_object,
    is_referable,
    late_state_rules,
    named,
    of_class,
    of_the_process,
    of_type,
    pair,
    reducer,
    register,
    register_object,
    state_rules,
    wrappers,
)

__all__ = [
    "BITS",
    "BYTES",
    "OTHER",
    "Constructor",
    "ValueType",
    "constructor",
    "conversion",
    "has_identity",
    "is_creatable",
    "is_object",
    "is_referable",
    "late_state_rules",
    "named",
    "of_class",
    "of_the_process",
    "of_type",
    "pair",
    "reducer",
    "register",
    "register_object",
    "state_rules",
    "wrappers",
]

for _type in (
    *builtins.TYPES,
    *numbers.TYPES,
    *containers.TYPES,
    *times.TYPES,
    *text.TYPES,
    *process.TYPES,
    *anew.TYPES,
    *connections.TYPES,
    *weak.TYPES,
    *numpy.TYPES,
    *services.TYPES,
    *files.TYPES,
):
    register(_type)
for _name in (*builtins.OBJECTS, *times.OBJECTS, *text.OBJECTS, *process.OBJECTS, *services.OBJECTS):
    register_object(_name)
