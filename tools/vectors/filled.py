"""Vectors of states and items given to objects that must not be changed, and of calls that filling would make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, all_kinds, in_kinds, two_kinds
from vectors.spelling import R, Steps

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    each = in_kinds(vectors.add, all_kinds)
    two = in_kinds(vectors.add, two_kinds)
    _states(two)
    _filled(two)
    _twice(each)
    _smuggled_calls(each)


def _states(each: Any) -> None:
    made: Steps = [("Name", "harmless", "Plain"), ("New", R(0), [])]
    other = ("Name", "harmless", "Other")
    trust = (*PLAIN, "harmless.Other")
    for attribute in ("__class__", "__dict__", "__setstate__", "__reduce_ex__", "__deepcopy__", "__array_interface__", "__conform__"):
        each(
            f"state-{attribute.strip('_').replace('_', '-')}", "not trusted",
            [*made, other, ("State", R(1), [attribute], [R(2)])], R(1),
            f"A state names {attribute}, which is Python's own.", trust=trust,
        )  # fmt: skip
    for attribute in ("__del__", "__call__", "__name__", "__my_cache__", "__"):
        each(
            f"state-{attribute.strip('_').replace('_', '-') or 'underscores'}", "loads",
            [*made, other, ("State", R(1), [attribute], [R(2)])], R(1),
            f"A state names {attribute}, which is data in an object.", trust=trust,
        )  # fmt: skip
    for name, text in [("call", "__import__('os').system('touch stolen')"), ("power", "9**9**9"), ("format", "f'{x}'")]:
        each(
            f"state-annotations-{name}", "not trusted",
            [*made, ("Dict", ["a"], [text]), ("State", R(1), ["__annotations__"], [R(2)])], R(1),
            "An annotation is an expression, which typing.get_type_hints evaluates.", trust=trust,
        )  # fmt: skip
        each(
            f"state-annotations-{name}-later", "not trusted",
            [*made, ("Dict", [], []), ("State", R(1), ["__annotations__"], [R(2)]), ("Update", R(2), ["a"], [text])], R(1),
            "The same, added once the object has its annotations.", trust=trust,
        )  # fmt: skip
    each(
        "state-annotations-names", "loads",
        [*made, ("Dict", ["a"], ["list[int] | None"]), ("State", R(1), ["__annotations__"], [R(2)])], R(1),
        "An annotation of names.", trust=trust,
    )  # fmt: skip
    mappings: list[tuple[str, Steps]] = [
        ("dict", [("Dict", ["__class__"], [R(2)])]),
        ("ordered-dict", [("Dict", ["__class__"], [R(2)]), ("Name", "collections", "OrderedDict"), ("Call", R(4), [R(3)])]),
        ("counter", [("Dict", ["__class__"], [R(2)]), ("Name", "collections", "Counter"), ("Call", R(4), [R(3)])]),
        (
            "default-dict",
            [("Name", "collections", "defaultdict"), ("Call", R(3), []), ("Update", R(4), ["__class__"], [R(2)]), ("Tuple", [R(4)])][:3],
        ),
        ("mapping-proxy", [("Dict", ["__class__"], [R(2)]), ("Name", "types", "MappingProxyType"), ("Call", R(4), [R(3)])]),
        (
            "user-dict",
            [("Dict", ["__class__"], [R(2)]), ("Name", "collections", "UserDict"), ("New", R(4), []), ("State", R(5), ["data"], [R(3)])],
        ),
        ("subclass", [("Name", "harmless", "Table"), ("New", R(3), []), ("Update", R(4), ["__class__"], [R(2)])]),
        (
            "chain-map",
            [
                ("Dict", ["__class__"], [R(2)]), ("List", [R(3)]), ("Name", "collections", "ChainMap"), ("New", R(5), []),
                ("State", R(6), ["maps"], [R(4)]),
            ],
        ),
    ]  # fmt: skip
    for name, steps in mappings:
        mapping = R(2 + sum(step[0] in ("Dict", "Call", "Name", "New", "List") for step in steps))
        grants = (*trust, "harmless.Table") if name == "subclass" else trust
        refused = "not trusted" if name == "dict" else "cannot load"
        each(
            f"state-in-slots-{name}", refused,
            [*made, other, *steps, ("Tuple", [None, mapping]), ("SetState", R(1), R(mapping + 1))], R(1),
            "The slots of a state name __class__, so that the object becomes one of another class.", trust=grants,
        )  # fmt: skip
        each(
            f"state-as-{name}", refused, [*made, other, *steps, ("SetState", R(1), mapping)], R(1),
            "A state names __class__ in a mapping.", trust=grants,
        )  # fmt: skip
        each(
            f"state-of-an-exception-as-{name}", refused,
            [
                ("Name", "builtins", "ValueError"), ("Call", R(0), []), other, *steps, ("SetState", R(1), mapping),
            ], R(1), "The state of an exception names __class__.", trust=grants,
        )  # fmt: skip
    each(
        "state-key-of-no-text", "loads", [*made, ("Dict", [1], [2]), ("SetState", R(1), R(2))], R(1),
        "An attribute whose name is a number.", trust=PLAIN,
    )  # fmt: skip
    each(
        "state-key-of-a-tuple", "not trusted", [*made, ("Tuple", [1]), ("Dict", [R(2)], [2]), ("SetState", R(1), R(3))], R(1),
        "An attribute whose name is a tuple, which is hashed for each object.", trust=PLAIN,
    )  # fmt: skip
    each(
        "state-list", "cannot load", [*made, ("List", [1]), ("SetState", R(1), R(2))], R(1),
        "A state that is a list, for a class that takes none.", trust=PLAIN,
    )  # fmt: skip
    each(
        "state-number", "cannot load", [*made, ("SetState", R(1), 1)], R(1), "A state that is a number.", trust=PLAIN,
    )  # fmt: skip
    each(
        "state-of-a-namespace", "not trusted",
        [("Name", "types", "SimpleNamespace"), ("Call", R(0), []), ("State", R(1), ["__class__"], [1])], R(1),
        "A state of a namespace names __class__.",
    )  # fmt: skip
    each(
        "state-own", "loads", [("Name", "harmless", "Hooked"), ("New", R(0), []), ("SetState", R(1), 1)], R(1),
        "A state of any shape, for a class that takes it.", trust=("harmless.Hooked",),
    )  # fmt: skip


def _filled(each: Any) -> None:
    for name, module, qualname, trust in [
        ("class", "harmless", "Plain", PLAIN),
        ("function", "harmless", "callback", ("harmless.callback",)),
        ("enum-member", "harmless", "Color.RED", ("harmless.Color",)),
        ("module", "harmless", "", ("harmless",)),
        ("stream", "sys", "stdout", ()),
        ("builtin-class", "builtins", "list", ()),
        ("exception-class", "builtins", "ValueError", ()),
        ("own-class", "appsnap.service", "Service", ()),
        ("interface", "appsnap.interfaces", "IService", ()),
    ]:
        known = ("Name", module, qualname)
        about = f"A {name.replace('-', ' ')} that the process has gets"
        each(f"fill-{name}-state", "not trusted", [known, ("State", R(0), ["x"], [1])], R(0), f"{about} a state.", trust=trust)
        each(
            f"fill-{name}-slots", "not trusted",
            [known, ("Dict", ["x"], [1]), ("Tuple", [None, R(1)]), ("SetState", R(0), R(2))], R(0),
            f"{about} a state of slots, which is set with setattr.", trust=trust, source="picklescan, fickling",
        )  # fmt: skip
    for name, filling in [
        ("update", ("Update", R(0), ["PATH"], ["/stolen"])),
        ("extend", ("Extend", R(0), ["x"])),
        ("add", ("Add", R(0), ["x"])),
    ]:
        each(f"fill-environment-{name}", "not trusted", [("Name", "os", "environ"), filling], R(0), "os.environ is changed.")
        each(
            f"fill-registry-{name}", "not trusted", [("Name", "harmless", "settings"), filling], R(0),
            "A dictionary that the process has is changed.", trust=("harmless.settings",),
        )  # fmt: skip
        each(
            f"fill-called-{name}", "not trusted",
            [("Name", "harmless", "Plain"), ("New", R(0), []), ("Member", R(1), "method"), (filling[0], R(2), *filling[2:])],
            R(1), "A bound method is filled.", trust=PLAIN,
        )  # fmt: skip
    each(
        "fill-logger", "not trusted",
        [("Name", "logging", "getLogger"), ("Call", R(0), ["harmless"]), ("State", R(1), ["disabled"], [True])], R(1),
        "A logger, which belongs to the process, gets a state.",
    )  # fmt: skip
    each(
        "fill-dtype", "not trusted",
        [
            ("Name", "numpy", "dtype"), ("Call", R(0), ["<f8"]),
            ("Tuple", [3, "|", None, None, None, -1, -1, 63]), ("SetState", R(1), R(2)),
        ], R(1), "The state of a numpy.dtype: a chosen one crashes the interpreter.", source="numpy: dtype.__setstate__",
    )  # fmt: skip
    each(
        "fill-array", "cannot load",
        [
            ("Name", "numpy", "dtype"), ("Call", R(0), ["|u1"]), ("Name", "numpy", "ndarray"), ("Tuple", [1]),
            ("Call", R(2), [R(3), R(1), b"x", 0, None, "C"]), ("Tuple", [1, R(3), R(1), False, b"x"]), ("SetState", R(4), R(5)),
        ], R(4), "The state of a numpy.ndarray: a chosen one crashes the interpreter.", source="numpy: ndarray.__setstate__",
    )  # fmt: skip
    objects: Steps = [
        ("Name", "numpy", "dtype"), ("Call", R(0), ["|O"]), ("Name", "numpy", "ndarray"), ("Tuple", [0]),
        ("Call", R(2), [R(3), R(1), None, 0, None, "C"]), ("Tuple", [2]),
    ]  # fmt: skip
    for name, items, expect, about in [
        ("objects", ("List", [1, "a"]), "loads", "The state of an array of objects."),
        ("objects-few", ("List", [1]), "cannot load", "The state of an array of objects has fewer than its shape."),
        ("objects-bytes", ("Tuple", [1, "a"]), "cannot load", "The state of an array of objects has no list of them."),
    ]:
        each(
            f"fill-array-of-{name}", expect,
            [*objects, items, ("Tuple", [1, R(5), R(1), False, R(6)]), ("SetState", R(4), R(7))], R(4), about,
            source="needs numpy" if expect == "loads" else "",
        )  # fmt: skip
    each(
        "show-array-of-objects", "cannot load",
        [
            *objects, ("List", [1, "a"]), ("Tuple", [1, R(5), R(1), False, R(6)]), ("SetState", R(4), R(7)),
            ("Name", "builtins", "memoryview"), ("Call", R(8), [R(4)]),
        ], R(9), "A view of an array of objects, which shows their addresses.",
    )  # fmt: skip
    each("fill-tuple", "not trusted", [("Tuple", [1]), ("Extend", R(0), [2])], R(0), "A tuple is extended.")
    each("fill-list-by-update", "not trusted", [("List", [1]), ("Update", R(0), [0], [2])], R(0), "A list is updated.")
    each("fill-dict-by-state", "not trusted", [("Dict", [], []), ("State", R(0), ["x"], [2])], R(0), "A dictionary gets a state.")
    each("fill-frozenset", "not trusted", [("FrozenSet", []), ("Add", R(0), [2])], R(0), "A frozenset is added to.")
    each("fill-bytearray", "not trusted", [("ByteArray", b"ab"), ("Extend", R(0), [99])], R(0), "A bytearray is extended.")
    each(
        "fill-enum-member-made", "cannot load",
        [("Name", "harmless", "Color"), ("New", R(0), [1]), ("State", R(1), ["_value_"], [2])], R(1),
        "New gives the member that the process has, and the recipe changes it.", trust=("harmless.Color",),
    )  # fmt: skip
    each(
        "create-class", "cannot load",
        [("Name", "harmless", "Meta"), ("Tuple", []), ("Dict", [], []), ("New", R(0), ["X", R(1), R(2)])], R(3),
        "A metaclass is trusted; a class is made of it.", trust=("harmless.Meta",),
    )  # fmt: skip
    for name, module, cls, attribute, listed in [
        ("user-dict", "collections", "UserDict", "data", False),
        ("user-list", "collections", "UserList", "data", False),
        ("chain-map", "collections", "ChainMap", "maps", True),
        ("subclass-of-user-dict", "harmless", "Proxy", "data", False),
        ("subclass-of-user-list", "harmless", "Series", "data", False),
        ("subclass-of-chain-map", "harmless", "Chain", "maps", True),
    ]:
        for live, owner, variable in [("environment", "os", "environ"), ("settings", "harmless", "settings")]:
            steps: Steps = [("Name", module, cls), ("New", R(0), []), ("Name", owner, variable), ("List", [R(2)])]
            steps += [("State", R(1), [attribute], [R(3 if listed else 2)]), ("Update", R(1), ["LD_PRELOAD"], ["stolen"])]
            grants = tuple(f"{a}.{b}" for a, b in [(module, cls), (owner, variable)] if a == "harmless")
            each(
                f"fill-{live}-through-{name}", "cannot load", steps, R(1),
                "What the process has is the data of an object that the recipe made, and changed through it.", trust=grants,
            )  # fmt: skip


def _twice(each: Any) -> None:
    """Add names that stand twice: one reader would take the first, another the last."""
    plain: Steps = [("Name", "harmless", "Plain"), ("New", R(0), [])]
    about = "A state with one attribute twice"
    each("state-name-twice", "damaged", [*plain, ("State", R(1), ["a", "b", "a"], [1, 2, 3])], R(1), f"{about}.", trust=PLAIN)
    keywords: Steps = [("Name", "harmless", "ByKeyword"), ("New", R(0), [], ["first", "first"], [1, 2])]
    each("keyword-twice", "damaged", keywords, R(1), "An object that is made with one keyword twice.", trust=("harmless.ByKeyword",))


def _smuggled_calls(each: Any) -> None:
    """Add attributes that filling an object could call, although only references to them are trusted."""
    made: Steps = [("Name", "harmless", "Plain"), ("New", R(0), []), ("Name", "harmless", "callback")]
    trust = (*PLAIN, "harmless.callback")
    about = "What is only trusted to be referred to is an attribute that the filling calls:"
    for attribute, filling in [
        ("extend", ("Extend", R(1), [1])),
        ("append", ("Extend", R(1), [1])),
        ("add", ("Add", R(1), [1])),
        ("update", ("Update", R(1), ["a"], [1])),
        ("setdefault", ("Update", R(1), ["a"], [1])),
    ]:
        each(
            f"attribute-called-{attribute}", "cannot load", [*made, ("State", R(1), [attribute], [R(2)]), filling], R(1),
            f"{about} {attribute}.", trust=trust,
        )  # fmt: skip
    each(
        "attribute-called-items", "cannot load",
        [*made, ("State", R(1), ["items"], [R(2)]), ("New", R(0), []), ("SetState", R(3), R(1))], R(3), f"{about} items.",
        trust=trust,
    )  # fmt: skip
    each(
        "attribute-called-items-of-slots", "cannot load",
        [
            *made, ("State", R(1), ["items"], [R(2)]), ("New", R(0), []), ("Tuple", [None, R(1)]), ("SetState", R(3), R(4)),
        ], R(3), f"{about} items.", trust=trust,
    )  # fmt: skip
    for attribute in ("upgrade", "_versions", "upgradeToVersion1"):
        each(
            f"attribute-not-called-{attribute.strip('_').lower()}", "loads",
            [("Name", "harmless", "Old"), ("New", R(0), []), ("Name", "harmless", "callback"), ("State", R(1), [attribute], [R(2)])],
            R(1), f"An object whose state is older than its code has an attribute {attribute} of the file's.",
            trust=("harmless.Old", "harmless.callback"),
        )  # fmt: skip
    each(
        "factory-not-called", "loads",
        [
            ("Name", "harmless", "callback"), ("Name", "collections", "defaultdict"), ("Call", R(1), [R(0)]),
            ("Update", R(2), ["a"], [1]),
        ], R(2), "A defaultdict keeps a function that is only trusted to be referred to, and doesn't call it.",
        trust=("harmless.callback",),
    )  # fmt: skip
    each(
        "factory", "not trusted", [("Name", "os", "getcwd"), ("Name", "collections", "defaultdict"), ("Call", R(1), [R(0)])],
        R(2), "A defaultdict with a function that nobody trusts.",
    )  # fmt: skip
    each(
        "partial", "not trusted",
        [("Name", "os", "system"), ("Name", "functools", "partial"), ("Call", R(1), [R(0)])], R(2),
        "A partial of os.system.",
    )  # fmt: skip
    each(
        "partial-state", "not trusted",
        [
            ("Name", "builtins", "list"), ("Name", "functools", "partial"), ("Call", R(1), [R(0)]), ("Name", "os", "system"),
            ("Tuple", ["touch stolen"]), ("Dict", [], []), ("Tuple", [R(3), R(4), R(5), None]), ("SetState", R(2), R(6)),
        ], R(2), "The state of a partial puts os.system in the place of a harmless function.",
    )  # fmt: skip
    each(
        "partial-with-arguments", "cannot load",
        [("Name", "builtins", "list"), ("Name", "functools", "partial"), ("Call", R(1), [R(0), 1])], R(2),
        "A partial gets its arguments from its state, as pickle has it, not from the call.",
    )  # fmt: skip
    each(
        "hash-called", "cannot load",
        [*made, ("Name", "collections", "UserString"), ("New", R(3), []), ("State", R(4), ["data"], [R(1)]), ("Dict", [R(4)], [1])],
        R(5), "The text of a UserString is an object, which would be hashed and compared in its place.", trust=trust,
    )  # fmt: skip
