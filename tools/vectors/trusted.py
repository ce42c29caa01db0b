"""Vectors of what a recipe may refer to, create, call and fill: the same steps in each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, R, Steps, spell, two_kinds

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add_trust"]

PLAIN = ("harmless.Plain",)


def add_trust(vectors: Vectors) -> None:
    """Add them."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, **more: Any) -> None:
        for kind in KINDS:
            vectors.add(name, kind, expect, spell(kind, steps, root), about, **more)

    def two(name: str, expect: str, steps: Steps, root: Any, about: str, **more: Any) -> None:
        for kind in two_kinds(name):
            vectors.add(name, kind, expect, spell(kind, steps, root), about, **more)

    _uses(each)
    _granted(each)
    _members(two)
    _states(two)
    _filled(two)
    _twice(each)
    _smuggled_calls(each)
    _good(each)


def _uses(each: Any) -> None:
    system = ("Name", "os", "system")
    each("call", "not trusted", [system, ("Call", R(0), ["touch stolen"])], R(1), "os.system is called.")
    each("reference", "not trusted", [system], R(0), "The root is os.system itself.")
    each("reference-inside", "not trusted", [system, ("List", [R(0)])], R(1), "A list holds os.system.")
    each("module", "not trusted", [("Name", "canary_module", "")], R(0), "The root is a module, which would be imported.")
    each(
        "class-of-unwanted-module", "not trusted", [("Name", "canary_module", "Class"), ("New", R(0), [])], R(1),
        "A module would be imported for a class that nobody trusts.", source="skops#506",
    )  # fmt: skip
    each(
        "create", "not trusted", [("Name", "subprocess", "Popen"), ("New", R(0), [["touch", "stolen"]][:0])], R(1),
        "An object of subprocess.Popen is created.",
    )  # fmt: skip
    each(
        "call-of-a-class", "not trusted",
        [("Name", "subprocess", "Popen"), ("List", ["touch", "stolen"]), ("Call", R(0), [R(1)])], R(2),
        "A class is called, which starts a process.",
    )  # fmt: skip
    each(
        "call-of-what-may-be-referred-to", "not trusted", [("Name", "harmless", "callback"), ("Call", R(0), [])], R(1),
        "A function is called that is trusted to be referred to.", trust=("harmless.callback",),
    )  # fmt: skip
    each(
        "call-of-what-may-be-created", "not trusted", [("Name", "harmless", "Plain"), ("Call", R(0), [])], R(1),
        "A class is called that is trusted to be created: its __init__ isn't.", trust=PLAIN,
    )  # fmt: skip
    each(
        "call-of-an-object", "not trusted", [("Name", "harmless", "Plain"), ("New", R(0), []), ("Call", R(1), [])], R(2),
        "An object that the recipe made is called.", trust=PLAIN,
    )  # fmt: skip
    each(
        "call-of-a-list", "not trusted", [("List", []), ("Call", R(0), [])], R(1), "A list is called.",
    )  # fmt: skip
    each(
        "call-of-a-method", "not trusted", [("List", []), ("Member", R(0), "append"), ("Call", R(1), [1])], R(0),
        "A bound method is called.",
    )  # fmt: skip
    each(
        "create-of-an-object", "not trusted", [("Name", "harmless", "Plain"), ("New", R(0), []), ("New", R(1), [])], R(2),
        "An object is made of an object.", trust=PLAIN,
    )  # fmt: skip
    each(
        "create-of-a-called", "not trusted",
        [("Name", "builtins", "type"), ("Tuple", []), ("Dict", [], []), ("Call", R(0), ["X", R(1), R(2)]), ("New", R(3), [])],
        R(4), "A class is made by type(), and an object of it.",
    )  # fmt: skip
    for attribute in ("__class__", "__subclasses__", "__init__", "__reduce__", "__globals__", "mro"):
        each(
            f"member-of-a-class-{attribute.strip('_')}", "not trusted",
            [("Name", "builtins", "object"), ("Member", R(0), attribute)], R(1),
            f"{attribute} of a class that any recipe may refer to.",
        )  # fmt: skip


def _granted(each: Any) -> None:
    everything = ("harmless.*",)
    for name, qualname, about in [
        ("function", "callback", "A function isn't a class defined in the package."),
        ("module-of-it", "", "The module itself isn't a class defined in the package."),
        ("object", "settings", "An object isn't a class defined in the package."),
        ("foreign-module", "collections", "A module that the trusted one has imported."),
        ("foreign-class", "collections.UserDict", "A class that the trusted module has only imported."),
        ("foreign-name", "Versioned", "A class that the trusted module has only imported, by its name."),
        ("through-modules", "enum.sys.modules", "What a module in the trusted one leads to."),
        ("globals", "Plain.method.__globals__", "What a method of a trusted class leads to."),
        ("subclasses", "Plain.__subclasses__", "What every class leads to."),
        ("base", "Plain.__base__", "The base of a trusted class, which is none of the package's."),
        ("class-of-class", "Plain.__class__", "The class of a trusted class."),
        ("dict", "Plain.__dict__", "The attributes of a trusted class."),
        ("missing", "Nothing", ""),
    ]:
        if about:
            each(f"package-{name}", "not trusted", [("Name", "harmless", qualname)], R(0), about, trust=everything)
    for qualname in ("Plain.__class__", "Plain.__subclasses__", "Plain.method.__globals__", "Plain.__dict__", "callback"):
        each(
            f"class-{qualname.lower().replace('.', '-').replace('_', '')}", "not trusted", [("Name", "harmless", qualname)],
            R(0), f"{qualname} isn't a member of the class that is trusted.", trust=PLAIN,
        )  # fmt: skip
    each(
        "package-prefix", "not trusted", [("Name", "harmless_not", "Plain"), ("New", R(0), [])], R(1),
        "A module whose name only begins like that of the trusted package.", trust=everything, source="skops CVE-2025-54412",
    )  # fmt: skip
    each(
        "package-call", "not trusted", [("Name", "harmless", "Plain"), ("Call", R(0), [])], R(1),
        "A package is trusted: its classes aren't to be called.", trust=everything,
    )  # fmt: skip
    each(
        "package-method", "loads", [("Name", "harmless", "Plain.method")], R(0),
        "A method of a class in the trusted package is referred to.", trust=everything,
    )  # fmt: skip
    each(
        "dotted-through-another-module", "not trusted", [("Name", "pathlib", "os.system")], R(0),
        "os.system, found through a module that has imported os.", trust=("pathlib.PurePath",),
    )  # fmt: skip
    each(
        "trusted-under-another-name", "not trusted", [("Name", "posix", "system")], R(0),
        "What is trusted as os.system is named as posix.system.", trust=("os.system",),
    )  # fmt: skip
    for name, module, qualname in [
        ("nul", "harmless\0", "Plain"),
        ("trailing-space", "harmless ", "Plain"),
        ("leading-space", " harmless", "Plain"),
        ("newline", "harmless\n", "Plain"),
        ("surrogate", "harmless\udc00", "Plain"),
        ("full-width", "ｈarmless", "Plain"),
        ("full-width-class", "harmless", "Ｐlain"),
        ("soft-hyphen", "harm\u00adless", "Plain"),
        ("zero-width", "harmless", "Plain\u200b"),
        ("case", "Harmless", "Plain"),
        ("cyrillic", "h\u0430rmless", "Plain"),
        ("nul-in-class", "harmless", "Plain\0"),
        ("double-dot", "harmless.", "Plain"),
        ("path", "./harmless", "Plain"),
        ("extension", "harmless.py", "Plain"),
    ]:
        each(
            f"alphabet-{name}", "not trusted", [("Name", module, qualname), ("New", R(0), [])], R(1),
            "A name that only looks like the trusted one.", trust=PLAIN,
        )  # fmt: skip
    each(
        "alphabet-nul-standard-library", "not trusted", [("Name", "os\0", "getcwd")], R(0),
        "On some versions of Python, a NUL in the name imports a second module os.", trust=("os.getcwd",),
    )  # fmt: skip
    each(
        "alphabet-nul-in-package", "not trusted", [("Name", "harmless.sub\0", "Plain")], R(0),
        "A NUL in the name of a module of the trusted package.", trust=everything,
    )  # fmt: skip


def _members(each: Any) -> None:
    made: Steps = [("Name", "harmless", "Plain"), ("New", R(0), [])]
    each(
        "method-of-an-object", "loads", [*made, ("Member", R(1), "method")], R(2),
        "A method of an object of a trusted class.", trust=PLAIN,
    )  # fmt: skip
    for attribute in ("__reduce__", "__init_subclass__", "__class__", "__setattr__", "__getattribute__", "__dict__", "__init__"):
        each(
            f"member-{attribute.strip('_').replace('_', '-')}", "not trusted", [*made, ("Member", R(1), attribute)], R(2),
            f"{attribute} leads to what isn't the object's.", trust=PLAIN,
        )  # fmt: skip
        each(
            f"member-of-a-list-{attribute.strip('_').replace('_', '-')}", "cannot load",
            [("List", []), ("Member", R(0), attribute)], R(1), f"{attribute} of a list leads to what isn't the list's.",
        )  # fmt: skip
    each(
        "member-that-is-an-attribute", "cannot load",
        [*made, ("Name", "harmless", "callback"), ("State", R(1), ["run"], [R(2)]), ("Member", R(1), "run")], R(3),
        "What an object holds isn't a method of it.", trust=(*PLAIN, "harmless.callback"),
    )  # fmt: skip
    each(
        "member-of-a-member", "cannot load", [*made, ("Member", R(1), "method"), ("Member", R(2), "__func__")], R(3),
        "The function of a bound method, which leads to the globals of its module.", trust=PLAIN,
    )  # fmt: skip
    each(
        "member-of-a-path", "not trusted",
        [("Name", "pathlib", "PosixPath"), ("Call", R(0), ["keep.txt"]), ("Member", R(1), "unlink")], R(2),
        "A method that removes a file.",
    )  # fmt: skip
    each(
        "member-of-an-array", "not trusted",
        [
            ("Name", "numpy", "dtype"), ("Call", R(0), ["|u1"]), ("Name", "numpy", "ndarray"), ("Tuple", [1]),
            ("Call", R(2), [R(3), R(1), b"x", 0, None, "C"]), ("Member", R(4), "tofile"),
        ], R(5), "A method that writes a file.",
    )  # fmt: skip
    each(
        "member-of-a-stream", "not trusted", [("Name", "sys", "stdout"), ("Member", R(0), "write")], R(1),
        "A method of what any recipe may refer to.",
    )  # fmt: skip
    each(
        "member-of-the-environment", "not trusted", [("Name", "os", "environ"), ("Member", R(0), "update")], R(1),
        "A method of what any recipe may refer to.",
    )  # fmt: skip
    each("member-of-a-text", "loads", [("Member", "abc", "upper")], R(0), "A method of a text.")
    each("member-of-nothing", "cannot load", [("Member", None, "upper")], R(0), "A method that None hasn't.")
    each(
        "member-of-a-module", "not trusted", [("Name", "canary_module", ""), ("Member", R(0), "Class")], R(1),
        "What looks like a method is something in a module.",
    )  # fmt: skip


def _states(each: Any) -> None:
    made: Steps = [("Name", "harmless", "Plain"), ("New", R(0), [])]
    other = ("Name", "harmless", "Other")
    trust = (*PLAIN, "harmless.Other")
    for attribute in ("__class__", "__dict__", "__setstate__", "__del__", "__reduce_ex__", "__call__", "__"):
        each(
            f"state-{attribute.strip('_').replace('_', '-') or 'underscores'}", "not trusted",
            [*made, other, ("State", R(1), [attribute], [R(2)])], R(1),
            f"A state names {attribute}, which is Python's own.", trust=trust,
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
        each(
            f"state-in-slots-{name}", "cannot load",
            [*made, other, *steps, ("Tuple", [None, mapping]), ("SetState", R(1), R(mapping + 1))], R(1),
            "The slots of a state name __class__, so that the object becomes one of another class.", trust=grants,
        )  # fmt: skip
        each(
            f"state-as-{name}", "cannot load", [*made, other, *steps, ("SetState", R(1), mapping)], R(1),
            "A state names __class__ in a mapping.", trust=grants,
        )  # fmt: skip
        each(
            f"state-of-an-exception-as-{name}", "cannot load",
            [
                ("Name", "builtins", "ValueError"), ("Call", R(0), []), other, *steps, ("SetState", R(1), mapping),
            ], R(1), "The state of an exception names __class__.", trust=grants,
        )  # fmt: skip
    each(
        "state-key-of-no-text", "cannot load", [*made, ("Dict", [1], [2]), ("SetState", R(1), R(2))], R(1),
        "An attribute whose name is a number.", trust=PLAIN,
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


def _twice(each: Any) -> None:
    """Add names that stand twice: one reader would take the first, another the last."""
    plain: Steps = [("Name", "harmless", "Plain"), ("New", R(0), [])]
    about = "A state with one attribute twice"
    each("state-name-twice", "damaged", [*plain, ("State", R(1), ["a", "b", "a"], [1, 2, 3])], R(1), f"{about}.", trust=PLAIN)
    keywords: Steps = [("Name", "harmless", "ByKeyword"), ("New", R(0), [], ["first", "first"], [1, 2])]
    each("keyword-twice", "damaged", keywords, R(1), "An object that is made with one keyword twice.", trust=("harmless.ByKeyword",))


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
        "fill-array", "not trusted",
        [
            ("Name", "numpy", "dtype"), ("Call", R(0), ["|u1"]), ("Name", "numpy", "ndarray"), ("Tuple", [1]),
            ("Call", R(2), [R(3), R(1), b"x", 0, None, "C"]), ("Tuple", [1, R(3), R(1), False, b"x"]), ("SetState", R(4), R(5)),
        ], R(4), "The state of a numpy.ndarray: a chosen one crashes the interpreter.", source="numpy: ndarray.__setstate__",
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


def _smuggled_calls(each: Any) -> None:
    """Add what makes a builder call something that is only referred to."""
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


def _good(each: Any) -> None:
    """Add what must load: a reader that refuses everything is safe, and of no use."""
    each("good-none", "loads", [], None, "Nothing but None.", result="None")
    each("good-list", "loads", [("List", [1, "a", b"b", 1.5, None, True])], R(0), "A list.", result="[1, 'a', b'b', 1.5, None, True]")
    each("good-cycle", "loads", [("List", []), ("Extend", R(0), [R(0)])], R(0), "A list in itself.", result="[[...]]")
    each(
        "good-cycle-aside", "loads", [("List", []), ("Extend", R(0), [R(0)])], None,
        "A list in itself, to which nothing else refers.", result="None",
    )  # fmt: skip
    each("good-unused", "loads", [("List", []), ("Set", [1])], None, "Things that nothing refers to.", result="None")
    each(
        "good-state-order", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("List", [R(1)]), ("State", R(1), ["a"], [R(2)])], R(1),
        "An object in a list in the object.", trust=PLAIN,
    )  # fmt: skip
    each(
        "good-own-attribute", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("State", R(1), ["a"], [R(1)])], None,
        "An object that is its own attribute, to which nothing else refers.", trust=PLAIN, result="None",
    )  # fmt: skip
    each(
        "good-keywords", "loads",
        [("Name", "harmless", "ByKeyword"), ("New", R(0), [], ["first"], [1])], R(1),
        "An object that is made with a keyword.", trust=("harmless.ByKeyword",),
    )  # fmt: skip
    each(
        "good-named-tuple", "loads", [("Name", "harmless", "Pair"), ("New", R(0), [1, 2])], R(1), "A named tuple.",
        trust=("harmless.Pair",), result="Pair(left=1, right=2)",
    )  # fmt: skip
    each(
        "good-enum", "loads", [("Name", "harmless", "Color.RED")], R(0), "A member of an enumeration.",
        trust=("harmless.*",), result="<Color.RED: 1>",
    )  # fmt: skip
    each(
        "good-nested-class", "loads", [("Name", "harmless", "Outer.Inner"), ("New", R(0), [])], R(1), "A nested class.",
        trust=("harmless.*",),
    )  # fmt: skip
    each("good-surrogate", "loads", [("List", ["\ud800"])], R(0), "A lone surrogate.", result="['\\ud800']")
    each("good-integer", "loads", [("List", [2**64, -(2**64)])], R(0), "Integers of more than 64 bits.",
         result="[18446744073709551616, -18446744073709551616]")  # fmt: skip
    each("good-digits", "loads", [("List", [10**5000])], R(0), "An integer of 5,001 digits.")
    each("good-floats", "loads", [("List", [float("inf"), -0.0])], R(0), "An infinity and a negative zero.", result="[inf, -0.0]")
    each("good-text", "loads", [("Value", "x" * 65)], R(0), "A text of 65 characters.", result=repr("x" * 65))
    each("good-keys", "loads", [("Dict", ["py/object", 1, None, b"a"], [2, 3, 4, 5])], R(0), "Keys of each type.",
         result="{'py/object': 2, 1: 3, None: 4, b'a': 5}")  # fmt: skip
    each(
        "good-odd-attributes", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("State", R(1), ["class", "a b", "", "ä", "\ud800", "self", "cls", "target"], [1] * 8)],
        R(1), "Attributes with names that are no identifiers, or those of parameters.", trust=PLAIN,
    )  # fmt: skip
    each(
        "good-odd-keywords", "cannot load",
        [("Name", "harmless", "Plain"), ("New", R(0), [], ["cls", "self", "\ud800"], [1, 2, 3])],
        R(1), "Keywords that the class doesn't take.", trust=PLAIN,
    )  # fmt: skip
