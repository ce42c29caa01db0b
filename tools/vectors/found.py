"""What the fuzzers of `tools/fuzz.py` found, each made as small as it goes."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, R, Steps, document, pack, spell

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

HUGE = 10**5000
"""More digits than Python turns into text."""


def add(vectors: Vectors) -> None:
    """Add them."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, **more: Any) -> None:
        for kind in KINDS:
            # In msgpack, the name of what is called stands in the file, and is imported.
            wanted = "not trusted" if kind == "msgpack" and name.startswith("called-") else expect
            vectors.add(f"found-{name}", kind, wanted, spell(kind, steps, root), about, **more)

    def packed(name: str, expect: str, body: Any, about: str, **more: Any) -> None:
        vectors.add(f"found-{name}", "msgpack", expect, document("msgpack", pack(body)), about, **more)

    _spellings(each)
    _steps(packed)
    _keywords(vectors)
    _texts(vectors)
    _headers(vectors)


def _spellings(each: Any) -> None:
    getattr_, import_ = ("Name", "builtins", "getattr"), ("Name", "importlib", "import_module")
    new = ("Name", "copyreg", "__newobj__")
    plain = ("Name", "harmless", "Plain")
    each(
        "called-getattr",
        "loads",
        [getattr_, ("List", []), ("Call", R(0), [R(1), "append"])],
        R(2),
        "A call of getattr is a member, whatever the kind.",
    )
    each(
        "called-import",
        "not trusted",
        [import_, ("Call", R(0), ["canary_module"])],
        R(1),
        "A call of import_module is a name, whatever the kind.",
    )
    each(
        "called-import-nested",
        "loads",
        [import_, ("Call", R(0), ["types"]), getattr_, ("Call", R(2), [R(1), "NoneType"])],
        R(3),
        "getattr(import_module('types'), 'NoneType') is types.NoneType, whatever the kind.",
    )
    each(
        "called-newobj",
        "loads",
        [new, plain, ("Call", R(0), [R(1)])],
        R(2),
        "A call of copyreg.__newobj__ is a new object.",
        trust=("harmless.Plain",),
    )
    each(
        "newobj-of-a-number",
        "damaged",
        [new, ("Call", R(0), [0, 1])],
        R(1),
        "A call of copyreg.__newobj__ with a number for a class.",
    )
    each(
        "called-type-of-none",
        "loads",
        [("Name", "builtins", "type"), ("Call", R(0), [None])],
        R(1),
        "type(None) is the name types.NoneType.",
    )
    each(
        "member-of-a-name",
        "loads",
        [plain, ("Member", R(0), "method"), ("Tuple", [R(0), R(1)])],
        R(2),
        "A member of a name is a longer name.",
        trust=("harmless.Plain",),
    )
    each(
        "made-of-a-member",
        "not trusted",
        [plain, ("Member", R(0), "method"), ("New", R(1), [])],
        R(2),
        "An object is made of a class's member: the class's trust isn't enough for that.",
        trust=("harmless.Plain",),
    )
    each("member-without-name", "damaged", [("List", []), ("Member", R(0), "")], R(1), "A member without a name.")
    each(
        "filled-name",
        "not trusted",
        [import_, ("SetState", R(0), "types"), ("Name", "importlib", "import_module.NoneType")],
        R(1),
        "A name is filled: in what it is converted to, too.",
    )
    each(
        "keyword-of-65-letters",
        "cannot load",
        [("Name", "harmless", "ByKeyword"), ("New", R(0), [], ["x" * 65], [1])],
        R(1),
        "A keyword long enough to be a value of its own.",
        trust=("harmless.ByKeyword",),
    )


def _steps(packed: Any) -> None:
    packed("step-of-5000-digits", "damaged", [[HUGE], [None]], "A step with a number of 5,001 digits.")
    packed(
        "short-value",
        "damaged",
        [[2, "text"], [9, 0, []], [R(1)]],
        "A text that is short enough to be an operand, as a class.",
    )
    restore = [1, "appsnap.actions", "set_state"]
    packed(
        "called-restore-state",
        "damaged",
        [restore, [10, 0, 5, "s"], [R(1)]],
        "A call of set_state, which is a step of another sort.",
    )


def _keywords(vectors: Vectors) -> None:
    word = b"X" + (100_000).to_bytes(4, "little") + b"x" * 100_000
    body = b"\x80\x04\x8c\x08harmless\x8c\x05Plain\x93\x94" + word + b"\x940(" + b"h\x00)}h\x01K\x01s\x92" * 1000 + b"l."
    vectors.add("found-long-keyword", "pickle", "damaged", body, "A keyword of 100,000 letters, a thousand times: 100 MB in text.")


def _texts(vectors: Vectors) -> None:
    for name, text in [("empty-named", "named('')"), ("long-named", f"named('{'m' * 1001}')")]:
        vectors.add(
            f"found-root-{name}",
            "source",
            "damaged",
            document("source", f"from appsnap.actions import named\napplication = {text}\n"),
            "The root is a name that nothing could have.",
        )
    vectors.add(
        "found-root-long-name",
        "xml",
        "damaged",
        document("xml", f'<root><name of="{"m" * 1001}:x"/></root>\n'),
        "The root is a name of 1,003 letters.",
    )
    fill = '<str id="a">x</str>\n<fill ref="a"><items><none/></items></fill>\n<root><none/></root>\n'
    vectors.add("found-filled-text", "xml", "damaged", document("xml", fill), "A text is filled.")
    arguments = "<argument><int>1</int></argument><argument><str>s</str></argument>"
    restore = f'<call function="appsnap.actions:set_state">{arguments}</call>'
    vectors.add(
        "found-called-restore-state",
        "xml",
        "damaged",
        document("xml", f"<root>{restore}</root>\n"),
        "A number is given a state.",
    )


def _headers(vectors: Vectors) -> None:
    for kind, body in [("msgpack", b"\x91\x91\xc0"), ("pickle", pickle.dumps(None, 5))]:
        tails: dict[str, Any] = {
            "steps": {"steps": HUGE},
            "version": {"distributions": {"a": HUGE}},
            "list": {"distributions": {"a": []}},
        }
        for name, tail in tails.items():
            vectors.add(
                f"found-trailer-{name}",
                kind,
                "damaged",
                document(kind, body, None, tail),
                f"A trailer whose {name} is none.",
            )
        for name, number in [("format", {"appsnap": HUGE}), ("size", {"size": HUGE})]:
            expect = "newer format" if name == "format" else "damaged"
            vectors.add(
                f"found-header-{name}",
                kind,
                expect,
                document(kind, body, number),
                f"A header whose {name} has 5,001 digits.",
            )
