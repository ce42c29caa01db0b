"""Vectors of pickles that use opcodes on the wrong objects: states, containers, the memo, the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN
from vectors.spelling import short

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    bare = vectors.under("pickle", "stream")
    _states(bare)
    _memo(bare)


def _states(bare: Any) -> None:
    plain = b"\x80\x04charmless\nPlain\n)\x81"
    other = b"charmless\nOther\n"
    trust = ("harmless.Plain", "harmless.Other")
    for name, state in [
        ("dict", b"}" + short("__class__") + other + b"s"),
        ("dict-empty-slots", b"}" + short("__class__") + other + b"s}\x86"),
        ("slots", b"N}" + short("__class__") + other + b"s\x86"),
        ("slots-of-two", b"}}" + short("a") + b"N" + b"s" + short("__class__") + other + b"s\x86"),
        ("memo", short("__class__") + b"q\x050}h\x05" + other + b"s"),
        ("after-build", b"}q\x06b" + b"h\x06" + short("__class__") + other + b"s0h\x06"),
    ]:
        bare(f"build-class-{name}", "not trusted", plain + state + b"b.", "BUILD names __class__.", trust=trust)
    bare("build-without-state", "damaged", b"\x80\x04b.", "BUILD with nothing there.")
    bare("build-on-number", "damaged", b"\x80\x04K\x01}b.", "BUILD on a number.")
    bare("build-on-text", "damaged", b"\x80\x04" + short("a") + b"}b.", "BUILD on a text.")
    bare("build-on-list", "not trusted", b"\x80\x04]}b.", "BUILD on a list.")
    bare("build-on-dict", "not trusted", b"\x80\x04}}b.", "BUILD on a dictionary.")
    bare("build-on-tuple", "not trusted", b"\x80\x04)}b.", "BUILD on a tuple.")
    bare(
        "build-on-class", "not trusted", b"\x80\x04charmless\nPlain\nN}" + short("method") + b"Ns\x86b.",
        "BUILD with slots on a class: setattr for the whole process.", trust=PLAIN, source="picklescan, fickling",
    )  # fmt: skip
    bare(
        "build-on-class-made", "cannot load", b"\x80\x04charmless\nMeta\n" + short("X") + b")}\x87\x81N}" + short("a") + b"Ns\x86b.",
        "BUILD on a class that NEWOBJ made of a metaclass.", trust=("harmless.Meta",),
    )  # fmt: skip
    bare("append-on-tuple", "not trusted", b"\x80\x04)Na.", "APPEND on a tuple.")
    bare("append-on-dict", "not trusted", b"\x80\x04}Na.", "APPEND on a dictionary.")
    bare("append-on-number", "damaged", b"\x80\x04K\x01Na.", "APPEND on a number.")
    bare("setitem-on-list", "not trusted", b"\x80\x04]NNs.", "SETITEM on a list.")
    bare("setitems-odd", "damaged", b"\x80\x04}(Nu.", "SETITEMS with a key and no value.")
    bare("dict-odd", "damaged", b"(Nd.", "DICT with a key and no value.")
    bare("additems-on-list", "not trusted", b"\x80\x04](N\x90.", "ADDITEMS on a list.")
    bare("unhashable-key", "cannot load", b"}]Ns.", "A key that is a list.")
    bare("unhashable-item", "cannot load", b"\x80\x04\x8f(]\x90.", "A set of a list.")
    bare("newobj-list-arguments", "damaged", b"\x80\x04charmless\nPlain\n]\x81.", "NEWOBJ with a list for a tuple.", trust=PLAIN)
    bare("newobj-ex-list-keywords", "damaged", b"\x80\x04charmless\nPlain\n)](NNe\x92.", "NEWOBJ_EX with a list for keywords.", trust=PLAIN)
    bare("newobj-ex-tuple-keywords", "damaged", b"\x80\x04charmless\nPlain\n)(NNt\x92.", "NEWOBJ_EX with a tuple for keywords.", trust=PLAIN)
    bare("newobj-ex-set-keywords", "damaged", b"\x80\x04charmless\nPlain\n)\x8f(N\x90\x92.", "NEWOBJ_EX with a set for keywords.", trust=PLAIN)
    bare("newobj-ex-number-keywords", "damaged", b"\x80\x04charmless\nPlain\n)}K\x01K\x02s\x92.", "NEWOBJ_EX with a number as keyword.", trust=PLAIN)
    bare("newobj-ex-same-keywords", "damaged", b"\x80\x04charmless\nByKeyword\n)}(" + short("first") + b"K\x01" + short("first") + b"K\x02u\x92.",
         "NEWOBJ_EX with a keyword twice.", trust=("harmless.ByKeyword",))  # fmt: skip
    bare("reduce-list-arguments", "damaged", b"cos\nsystem\n]R.", "REDUCE with a list for a tuple.")
    bare("reduce-none", "damaged", b"cos\nsystem\nNR.", "REDUCE with None for a tuple.", source="ExtensionClass")


def _memo(bare: Any) -> None:
    system, args = b"cos\nsystem\n", b"(S'touch stolen'\ntR."
    safe = b"cbuiltins\nlist\n"
    bare("memo-overwritten", "not trusted", safe + b"p0\n0" + system + b"p0\n0g0\n" + args, "A memo that is overwritten: the last one counts.")
    bare("memo-before", "not trusted", system + b"p0\n0" + safe + b"p1\n0g0\n" + args, "A call of what the memo keeps.")
    bare("memo-name-in-pieces", "not trusted",
         b"\x80\x04" + short("os") + b"\x940" + short("system") + b"\x940h\x00h\x01\x93" + args, "A name of texts in the memo.")  # fmt: skip
    bare("memo-long", "not trusted", b"\x80\x02" + system + b"r\xff\xff\xff\x7f0j\xff\xff\xff\x7f" + args, "A memo number of 31 bits.",
         source="nine bytes of LONG_BINPUT ask for 34 GB")  # fmt: skip
    bare("memo-long-alone", "loads", b"\x80\x02Nr\xff\xff\xff\xff.", "LONG_BINPUT with the largest number.", result="None",
         source="nine bytes of LONG_BINPUT ask for 34 GB")  # fmt: skip
    bare("memo-missing", "damaged", b"g5\n.", "A memo that there isn't.")
    bare("memo-negative", "damaged", b"Np-1\n.", "A negative memo number.")
    bare("memo-no-number", "damaged", b"Npx\n.", "A memo number that is none.")
    bare("memo-huge", "damaged", b"Np" + b"9" * 5000 + b"\n.", "A memo number of 5,000 digits.")
    colliding = b"".join(b"p%d\n" % ((2**61 - 1) * number) for number in range(1, 20_000))
    bare("memo-collisions", "damaged", b"N" + colliding + b".", "20,000 memo numbers with the same hash.")
    bare("memo-of-nothing", "damaged", b"p0\n.", "PUT with an empty stack.")
    bare("memo-of-mark", "damaged", b"(p0\n.", "PUT with only a mark on the stack.")
    bare("memoize-order", "not trusted", b"\x80\x04" + system + b"\x94" + safe + b"\x9400h\x00" + args, "MEMOIZE counts what PUT has put.")
    bare("dup", "not trusted", system + b"20" + args, "DUP and POP leave the name where it was.")
    bare("dup-list", "loads", b"]2Na0.", "DUP of a list, the copy of which is filled.", result="[None]")
    bare("dup-dict", "loads", b"}2(NNu0.", "DUP of a dictionary, the copy of which is filled.", result="{None: None}")
    bare("dup-tuple", "loads", b"\x80\x02]\x852\x86.", "DUP of a tuple with a list.", result="(([],), ([],))")
    bare("pop-mark", "not trusted", b"(" + safe + b"1" + system + args, "POP_MARK takes a harmless name away.")
    bare("pop-takes-mark", "loads", b"(0N.", "POP takes a mark.", result="None")
    bare("pop-empty", "damaged", b"0N.", "POP with nothing there.")
    bare("stop-empty", "damaged", b".", "STOP with nothing there.")
    bare("stop-on-mark", "damaged", b"(.", "STOP with only a mark.")
    bare("stop-below-mark", "damaged", b"N(.", "STOP with a mark on the result.")
    bare("stack-left", "not trusted", system + b"(S'touch stolen'\ntRN.", "A call whose result is left on the stack.")
    bare("cycle-in-key", "cannot load", b"\x80\x02}q\x00h\x00\x85Ns.", "A dictionary with a tuple of itself as key.")
    bare("cycle-in-tuple", "loads", b"\x80\x02]q\x00h\x00\x85a.", "A list with a tuple of itself.", result="[([...],)]")
    bare("shared-state", "loads",
         b"\x80\x04charmless\nPlain\n)\x81}q\x00" + short("a") + b"K\x01sb0charmless\nPlain\n)\x81h\x00b.",
         "A dictionary that is the state of two objects.", trust=PLAIN)  # fmt: skip
    bare("state-changed-later", "loads",
         b"\x80\x04charmless\nPlain\n)\x81}q\x00" + short("a") + b"K\x01sbh\x00" + short("b") + b"K\x02s0.",
         "A dictionary that is changed after it was a state.", trust=PLAIN)  # fmt: skip
