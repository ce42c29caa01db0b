"""Vectors of calls with keywords, and of the function that stands for them in pickles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, all_kinds, in_kinds
from vectors.spelling import KINDS, R, Steps, document, pack, short, spell

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

SYSTEM = ("Name", "os", "system")
CALLED = ("Name", "appsnap.actions", "called")
GRANTED = ("appsnap.actions.called", "call:appsnap.actions.called")


def add(vectors: Vectors) -> None:
    """Add them."""
    each = in_kinds(lambda name, *rest, **more: vectors.add(f"keywords-{name}", *rest, **more), all_kinds)
    _calls(vectors, each)
    _ways_around(each)
    _pickles(vectors.under("pickle", "called"))
    msgpack = vectors.under("msgpack", "keywords")
    name = [1, "harmless", "callback"]
    bad: dict[str, list[Any]] = {"none": [[], []], "fewer": [[], ["a"]], "more": [[], ["a"], 1, 2], "number": [[], [1], 2]}
    for word, fields in bad.items():
        body = document("msgpack", pack([name, [18, 0, *fields], [R(1)]]))
        msgpack(f"step-{word}", "damaged", body, f"A step of a call with keywords: {fields}.", trust=("call:harmless.callback",))


def _calls(vectors: Vectors, each: Any) -> None:
    callback = ("Name", "harmless", "callback")
    trust = ("call:harmless.callback",)
    call: Steps = [callback, ("Call", R(0), [1], ["a"], [2])]
    by_keyword: Steps = [("Name", "harmless", "ByKeyword"), ("Call", R(0), [], ["first"], [2])]
    each("granted", "loads", by_keyword, R(1), "A class that may be called, with a keyword.", trust=("call:harmless.ByKeyword",))
    each("unfit", "cannot load", [*by_keyword[:1], ("Call", R(0), [], ["second"], [2])], R(1), "A keyword that it doesn't take.",
         trust=("call:harmless.ByKeyword",))  # fmt: skip
    each("call", "not trusted", call, R(1), "A function that isn't.")
    each("referred-to", "not trusted", call, R(1), "A function that is granted to refer to.", trust=("harmless.callback",))
    each(
        "no-identifier", "cannot load", [*by_keyword[:1], ("Call", R(0), [], ["a b", "", "if"], [1, 2, 3])], R(1),
        "Keywords that are no identifiers: the function refuses them.", trust=("call:harmless.ByKeyword",),
    )  # fmt: skip
    each("twice", "damaged", [callback, ("Call", R(0), [], ["a", "a"], [1, 2])], R(1), "A keyword twice.", trust=trust)
    each("long", "damaged", [callback, ("Call", R(0), [], ["a" * 1001], [1])], R(1), "A keyword of 1,001 letters.", trust=trust)
    each("argument", "not trusted", [callback, SYSTEM, ("Call", R(0), [], ["a"], [R(1)])], R(2), "os.system as a keyword's value.", trust=trust)
    odd: list[tuple[str, str, str, list[Any], dict[str, Any]]] = [
        ("bytes-source", "builtins", "bytearray", [], {"source": 10**11}),
        ("path-mode", "pathlib", "PosixPath", ["a"], {"mode": 1}),
        ("range-step", "builtins", "range", [0, 1], {"step": 0}),
        ("set-iterable", "builtins", "set", [], {"iterable": 5}),
        ("partial-function", "functools", "partial", [], {"func": R(0)}),
        ("text-encoding", "_codecs", "encode", ["a"], {"encoding": "zlib_codec"}),
        ("dunder", "pathlib", "PosixPath", [], {"__class__": 1}),
    ]
    for name, module, qualname, arguments, keywords in odd:
        each(
            f"constructor-{name}", "cannot load", [("Name", module, qualname), ("Call", R(0), arguments, [*keywords], [*keywords.values()])],
            R(1), f"{qualname} with {', '.join(keywords)}: it takes no keyword, and Python's own isn't called.",
        )  # fmt: skip
    date: Steps = [("Name", "datetime", "date"), ("Call", R(0), [2026], ["day", "month"], [2, 1])]
    about = "A date. In a recipe its arguments are by position, and in msgpack no other form is read."
    for kind in KINDS:
        expected, result = ("damaged", "") if kind == "msgpack" else ("loads", "datetime.date(2026, 1, 2)")
        vectors.add("keywords-date", kind, expected, spell(kind, date, R(1)), about, result=result)


def _ways_around(each: Any) -> None:
    """Add recipes that refer to the function that calls anything, with trust in it by its name."""
    args: Steps = [CALLED, SYSTEM, ("Tuple", ["touch stolen"]), ("Dict", [], [])]
    partial = ("Name", "functools", "partial")
    ways: list[tuple[str, Steps, str]] = [
        ("called", [("Call", R(0), [R(1), R(2), R(3)])], "called itself, by a call that is none with keywords."),
        ("called-by-keywords", [("Call", R(0), [R(1)], ["args", "keywords"], [R(2), R(3)])], "called itself, with keywords."),
        ("partial", [partial, ("Call", R(4), [R(0)]), ("Call", R(5), [R(1), R(2), R(3)])], "A partial of it."),
        (
            "partial-later",
            [
                partial,
                ("Name", "harmless", "callback"),
                ("Call", R(4), [R(5)]),
                ("Tuple", []),
                ("Tuple", [R(0), R(7), R(3), None]),
                ("SetState", R(6), R(8)),
                ("Call", R(6), [R(1), R(2), R(3)]),
            ],
            "A partial that it becomes the function of.",
        ),
        ("setter", [("Name", "harmless", "Plain"), ("New", R(4), []), ("Call", R(0), [R(5), R(3)])], "It gives an object its state."),
        ("in-a-list", [("List", [R(0)])], "A reference to it."),
        ("attribute", [("Name", "harmless", "Plain"), ("New", R(4), []), ("State", R(5), ["a"], [R(0)])], "An attribute that is it."),
        ("factory", [("Name", "collections", "defaultdict"), ("Call", R(4), [R(0)])], "The factory of a defaultdict."),
        ("new", [("New", R(0), [R(1), R(2), R(3)])], "An object of it."),
        ("member", [("Member", R(0), "__call__"), ("Call", R(4), [R(1), R(2), R(3)])], "Its method __call__."),
    ]
    for name, steps, about in ways:
        registers = sum(step[0] not in ("State", "SetState") for step in [*args, *steps])
        each(
            name, "not trusted", [*args, *steps], R(registers - 1), about,
            trust=(*PLAIN, "os.system", "call:os.system", "harmless.callback", "call:harmless.callback", *GRANTED),
        )  # fmt: skip


def _pickles(bare: Any) -> None:
    called, system = short("appsnap.actions") + short("called") + b"\x93", short("os") + short("system") + b"\x93"
    args = short("touch stolen") + b"\x85"
    head, run = b"\x80\x05", called + system
    for name, body, about in [
        ("system", run + args + b"}\x87R.", "called(os.system, …): the audit names os.system."),
        ("twice", called + called + system + args + b"}\x87}\x87R.", "called(called, …)."),
        ("keyword", run + args + b"}" + short("a") + b"Ns\x87R.", "called(os.system, …, {'a': None})."),
        ("number-key", run + args + b"}K\x01Ns\x87R.", "Keywords with a number as key."),
        ("pairs", run + args + b"](" + short("a") + b"N\x86e\x87R.", "Keywords that are a list of pairs."),
        ("list", run + b"](" + short("touch stolen") + b"e}\x87R.", "Arguments that are a list."),
        ("two", run + args + b"\x86R.", "called without keywords."),
        ("shared", b"}\x940" + run + args + b"h\x00\x87R.", "Keywords that something else refers to."),
        ("filled-later", run + args + b"}\x94\x87\x940h\x00" + short("a") + b"Ns0h\x01R.", "Keywords that get an item later."),
        ("inst", b"(" + system + args + b"}iappsnap.actions\ncalled\n.", "called by INST."),
        ("obj", b"(" + called + system + args + b"}o.", "called by OBJ."),
        ("newobj", run + args + b"}\x87\x81.", "called by NEWOBJ."),
        ("getattr", b"cbuiltins\ngetattr\n" + b"cimportlib\nimport_module\n" + short("appsnap.actions") + b"\x85R" + short("called")
         + b"\x86R" + system + args + b"}\x87R.", "called by getattr and import_module."),
        ("setter", called + b"charmless\nPlain\n)\x81}\x86R.", "called as a state setter."),
    ]:  # fmt: skip
        bare(name, "not trusted", head + body, about, trust=("harmless.Plain", *GRANTED))
    bare(
        "repeated", "cannot load",
        head + called + b"\x94cbuiltins\nlen\n)}(" + b"".join(short(f"k{n}") + b"N" for n in range(2_000)) + b"u\x87\x940"
        + b"h\x00" + b"h\x01R0h\x00" * 20_000 + b"0N.",
        "One tuple of arguments with 2,000 keywords, for 20,000 calls.", trust=("call:builtins.len",),
    )  # fmt: skip
    bare(
        "nested", "not trusted",
        head + called + b"charmless\nByKeyword\n)}" + short("first") + run + args + b"}\x87Rs\x87R.",
        "A call with keywords as the value of a keyword.", trust=("call:harmless.ByKeyword",),
    )  # fmt: skip
