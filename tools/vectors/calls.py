"""Vectors of pickles that call a function: with every opcode, in every protocol, and by way of other functions."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN
from vectors.spelling import short

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    bare = vectors.under("pickle", "stream")
    _by_opcode(bare)
    _by_function(bare)


def _by_opcode(bare: Any) -> None:
    """Add calls of os.system by each opcode, in each protocol that has it."""
    plain = b"cos\nsystem\n"
    text = b"S'touch stolen'\n"
    args = b"(" + text + b"t"
    unicode = b"X\x0c\x00\x00\x00touch stolen"
    stacked = short("os") + short("system") + b"\x93"
    ways = [
        ("global-reduce", plain + args + b"R", range(6)),
        ("global-reduce-tuple1", plain + unicode + b"\x85R", range(2, 6)),
        ("inst", b"(" + text + b"ios\nsystem\n", range(6)),
        ("inst-empty", b"(ios\nsystem\n", range(6)),
        ("obj", b"(" + plain + text + b"o", range(6)),
        ("obj-empty", b"(" + plain + b"o", range(6)),
        ("newobj", plain + args + b"\x81", range(2, 6)),
        ("newobj-ex", plain + args + b"}\x92", range(4, 6)),
        ("stack-global", stacked + args + b"R", range(4, 6)),
        ("stack-global-dotted", short("pathlib") + short("os.system") + b"\x93" + args + b"R", range(4, 6)),
        ("global-dotted", b"cpathlib\nos.system\n" + args + b"R", range(6)),
        ("build-on-name", plain + b"}b", range(6)),
        ("build-on-name-with-state", plain + b"}" + text + text + b"sb", range(6)),
        ("build-on-name-with-slots", plain + b"(N}" + text + text + b"stb", range(6)),
        ("setitem-on-name", plain + text + text + b"s", range(6)),
        ("append-on-name", plain + text + b"a", range(6)),
        ("reference", plain, range(6)),
        ("two-calls", plain + args + b"R0" + b"N", range(6)),
        ("call-dropped-by-pop-mark", b"(" + plain + args + b"R1N", range(2, 6)),
        ("reference-as-key", b"}" + plain + b"Ns", range(6)),
        ("reference-in-frozenset", b"(" + plain + b"\x91", range(4, 6)),
        ("reference-added", b"\x8f(" + plain + b"\x90", range(4, 6)),
        ("reference-as-state", b"charmless\nPlain\n)\x81" + plain + b"b", range(2, 6)),
        ("reference-as-attribute", b"charmless\nPlain\n)\x81}" + b"S'a'\n" + plain + b"sb", range(2, 6)),
        ("reference-as-argument", b"charmless\nPair\n(" + plain + b"Nt\x81", range(2, 6)),
        ("reference-as-keyword", b"charmless\nByKeyword\n)}" + b"S'first'\n" + plain + b"s\x92", range(4, 6)),
        ("call-result-filled", plain + args + b"R}b", range(6)),
        ("call-result-extended", plain + args + b"RNa", range(6)),
        ("call-of-a-call", plain + args + b"R" + args + b"R", range(6)),
        ("call-of-a-text", text + args + b"R", range(6)),
        ("call-of-a-list", b"]" + args + b"R", range(6)),
    ]  # fmt: skip
    refused_early = {"call-of-a-text": "damaged", "call-of-a-list": "not trusted"}
    for name, body, protocols in ways:
        for protocol in protocols:
            head = b"" if protocol < 2 else bytes([0x80, protocol])
            bare(
                f"{name}-{protocol}", refused_early.get(name, "not trusted"), head + body + b".",
                f"os.system by {name.replace('-', ' ')}, in protocol {protocol}.",
                trust=("harmless.Plain", "harmless.Pair", "harmless.ByKeyword") if "as-" in name else (),
            )  # fmt: skip
    for opcode, size in ((pickle.EXT1, 1), (pickle.EXT2, 2), (pickle.EXT4, 4)):
        bare(
            f"extension-{size}", "cannot load", b"\x80\x02" + opcode + (5).to_bytes(size, "little") + args + b"R.",
            "A name by a code of copyreg's registry, which belongs to the process.",
            source="cpython: find_class isn't asked for a cached extension",
        )  # fmt: skip
        bare(f"extension-{size}-zero", "cannot load", b"\x80\x02" + opcode + bytes(size) + b".", "An extension code of 0.")
    bare("persistent-id", "cannot load", b"Pos.system\n.", "A persistent id.")
    bare("persistent-id-binary", "cannot load", b"\x80\x02X\x01\x00\x00\x00aQ.", "A persistent id of protocol 1.")
    bare("persistent-id-name", "cannot load", b"\x80\x02" + plain + b"Q.", "A persistent id that is os.system.")
    bare("next-buffer", "cannot load", b"\x80\x05\x97.", "A buffer out of band.")
    bare("read-only-buffer", "cannot load", b"\x80\x05\x8e\x00\x00\x00\x00\x00\x00\x00\x00\x98.", "A buffer made read-only.")


def _by_function(bare: Any) -> None:
    """Add calls of functions that stand for something else: getattr, import_module, copyreg's, type."""
    get = b"\x80\x04cbuiltins\ngetattr\n"
    module = b"cimportlib\nimport_module\n" + short("os") + b"\x85R"
    run = short("touch stolen") + b"\x85R."
    bare("getattr-of-module", "not trusted", get + module + short("system") + b"\x86R" + run, "getattr(import_module('os'), 'system').")
    bare("getattr-of-name", "not trusted", get + b"cpathlib\nos\n" + short("system") + b"\x86R" + run, "getattr(pathlib.os, 'system').")
    bare("getattr-dotted", "not trusted", get + b"cpathlib\nPath\n" + short("__init__.__globals__") + b"\x86R.", "getattr with dots.")
    bare("getattr-of-result", "not trusted", get + b"cos\nsystem\n" + b")R" + short("x") + b"\x86R.", "getattr of what os.system returned.")
    bare("getattr-of-list", "not trusted", get + b"]" + short("__class__") + b"\x86R.", "getattr([], '__class__').")
    bare("getattr-number", "not trusted", get + b"]K\x01\x86R.", "getattr with a number.")
    bare("getattr-default", "not trusted", get + b"]" + short("a") + b"N\x87R.", "getattr with a default.")
    bare("getattr-long", "damaged", get + b"cos\npath\n" + b"X\xe8\x03\x00\x00" + b"a" * 1000 + b"\x86R.", "getattr with a text of 1,000 letters.")
    bare(
        "getattr-of-getattr",
        "not trusted",
        get + get[2:] * 2 + short("__self__") + b"\x86R" + short("eval") + b"\x86R.",
        "getattr(getattr.__self__, 'eval').",
    )
    bare("import-relative", "not trusted", b"\x80\x04cimportlib\nimport_module\n" + short(".os") + b"\x85R.", "import_module('.os').")
    bare("import-package", "not trusted", b"\x80\x04cimportlib\nimport_module\n" + short("os") + short("os") + b"\x86R.", "import_module('os', 'os').")
    bare("import-empty", "damaged", b"\x80\x04cimportlib\nimport_module\n" + short("") + b"\x85R.", "import_module('').")
    for name, args, expect in [
        ("foreign-base", b"cos\nsystem\ncos\nsystem\nN\x87", "not trusted"),
        ("list-base", b"charmless\nNumbers\ncbuiltins\nlist\n](K\x01K\x02e\x87", "not trusted"),
        ("base-and-state", b"charmless\nPlain\ncbuiltins\nobject\n}\x87", "not trusted"),
        ("object", b"charmless\nPlain\ncbuiltins\nobject\nN\x87", "loads"),
        ("two", b"charmless\nPlain\ncbuiltins\nobject\n\x86", "not trusted"),
    ]:
        bare(
            f"reconstructor-{name}", expect, b"\x80\x04ccopyreg\n_reconstructor\n" + args + b"R.",
            "copyreg._reconstructor calls the __new__ and __init__ of a base that the file names.", trust=("harmless.Plain", "harmless.Numbers"),
        )  # fmt: skip
    bare("newobj-function", "not trusted", b"\x80\x02ccopyreg\n__newobj__\ncos\nsystem\n\x85R.", "copyreg.__newobj__(os.system).")
    bare("newobj-function-empty", "not trusted", b"\x80\x02ccopyreg\n__newobj__\n)R.", "copyreg.__newobj__().")
    bare("newobj-ex-function", "cannot load", b"\x80\x02ccopyreg\n__newobj_ex__\ncos\nsystem\n)}\x87R.", "copyreg.__newobj_ex__(os.system, (), {}).")
    bare(
        "set-state",
        "not trusted",
        b"\x80\x04cappsnap.actions\nset_state\ncharmless\nPlain\n}" + short("x") + b"Ns\x86R.",
        "set_state of a class.",
        trust=PLAIN,
    )
    bare("set-state-dunder", "not trusted",
         b"\x80\x04cappsnap.actions\nset_state\ncharmless\nPlain\n)\x81}" + short("__class__") + b"Ns\x86R.",
         "set_state with __class__.", trust=PLAIN)  # fmt: skip
    bare("set-state-number", "damaged", b"\x80\x04cappsnap.actions\nset_state\nK\x01}\x86R.", "set_state of a number.")
    bare("type-of-none", "loads", b"\x80\x04cbuiltins\ntype\nN\x85R.", "type(None).", result="<class 'NoneType'>")
    bare("type-of-number", "not trusted", b"\x80\x04cbuiltins\ntype\nK\x01\x85R.", "type(1).")
    bare("type-of-three", "not trusted", b"\x80\x04cbuiltins\ntype\n" + short("X") + b")}\x87R.", "type('X', (), {}).")
