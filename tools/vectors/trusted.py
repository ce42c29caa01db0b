"""Vectors of references, created objects, calls and members that the caller has not trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, all_kinds, in_kinds, rooted, two_kinds
from vectors.spelling import R, Steps, document, pack

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    each = in_kinds(vectors.add, all_kinds)
    two = in_kinds(vectors.add, two_kinds)
    _uses(each)
    _granted(each)
    _members(two)
    for kind, body in BODIES.items():
        _prepared(vectors, kind, body)


BODIES: dict[str, str | bytes] = {
    "pickle": b"\x80\x05N.", "source": "application = None\n", "msgpack": pack([[None]]), "xml": rooted("<none/>"),
}  # fmt: skip
"""The bodies of a document whose root is None."""


def _prepared(vectors: Vectors, kind: str, body: str | bytes) -> None:
    """Add headers that name a function to call before anything is imported."""
    for name, text, expect, trust in [
        ("call", "os:getcwd", "not trusted", ()),
        ("module", "canary_module:Class", "not trusted", ("canary_module.Class",)),
        ("reference", "harmless:callback", "not trusted", ("harmless.callback", "harmless.Plain")),
        ("constructor", "builtins:list", "not trusted", ()),
        ("missing", "harmless:nothing", "cannot load", ("call:harmless.nothing",)),
        ("no-function", "harmless:settings", "cannot load", ("call:harmless.settings",)),
        ("no-colon", "os.getcwd", "damaged", ()),
        ("spaces", "os: getcwd", "damaged", ()),
        ("nul", "os:getcwd\0" if kind != "xml" else "os:", "damaged", ()),
        ("long", f"os:{'a' * 2_000}", "damaged", ()),
    ]:
        payload = document(kind, body, {"prepare": text})
        vectors.add(f"prepare-{name}", kind, expect, payload, f"A header with prepare {text[:40]!r}.", trust=trust)


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
            f"member-of-a-list-{attribute.strip('_').replace('_', '-')}", "not trusted",
            [("List", []), ("Member", R(0), attribute)], R(1), f"{attribute} of a list leads to what isn't the list's.",
        )  # fmt: skip
    each(
        "member-that-is-an-attribute", "cannot load",
        [*made, ("Name", "harmless", "callback"), ("State", R(1), ["run"], [R(2)]), ("Member", R(1), "run")], R(3),
        "What an object holds isn't a method of it.", trust=(*PLAIN, "harmless.callback"),
    )  # fmt: skip
    each(
        "member-of-a-member", "not trusted", [*made, ("Member", R(1), "method"), ("Member", R(2), "__func__")], R(3),
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
