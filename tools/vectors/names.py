"""Vectors of pickles that name a class or a function: names of Python 2, look-alikes, names that are no texts."""

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
    _names(bare)


def _names(bare: Any) -> None:
    """Add names that aren't what they look like."""
    for name, module, qualname in [
        ("builtin-eval", "__builtin__", "eval"),
        ("builtin-getattr", "__builtin__", "execfile"),
        ("builtin-apply", "__builtin__", "apply"),
        ("builtin-reduce", "__builtin__", "reduce"),
        ("builtin-map", "itertools", "imap"),
        ("exceptions", "exceptions", "__import__"),
        ("copy-reg", "copy_reg", "add_extension"),
        ("commands", "commands", "getoutput"),
        ("user-dict", "UserDict", "os"),
        ("cpickle", "cPickle", "loads"),
        ("stringio", "StringIO", "os"),
        ("queue", "Queue", "os"),
        ("urllib", "urllib", "urlopen"),
        ("urllib2", "urllib2", "urlopen"),
        ("dbhash", "dbhash", "open"),
        ("dummy-thread", "dummy_thread", "start_new_thread"),
        ("thread", "thread", "start_new_thread"),
        ("subprocess", "subprocess", "check_output"),
        ("multiprocessing", "_multiprocessing", "Connection"),
        ("socket-fromfd", "_socket", "fromfd"),
        ("os-getcwdu", "os", "getcwdu"),
    ]:
        for protocol in (0, 2, 4):
            head = b"" if protocol < 2 else bytes([0x80, protocol])
            bare(
                f"python2-{name}-{protocol}", "not trusted", head + f"c{module}\n{qualname}\n(S'a'\ntR.".encode(),
                f"{module}.{qualname}, which Python 2 had, in protocol {protocol}.",
            )  # fmt: skip
    bare(
        "python2-trusted-name", "not trusted", b"c__builtin__\neval\n.", "__builtin__.eval is loaded as builtins.eval.",
        trust=("__builtin__.eval",),
    )  # fmt: skip
    bare("python2-range", "loads", b"c__builtin__\nxrange\n(I3\ntR.", "xrange is Python's range.", result="range(0, 3)")
    bare(
        "python2-set", "loads", b"c__builtin__\nset\n((lp0\nI1\natR.", "A set of Python 2, in protocol 0.", result="{1}",
    )  # fmt: skip
    bare("python2-object", "loads", b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
         "An object of Python 2, in protocol 0.")  # fmt: skip
    bare("python2-text", "loads", b"S'\\xff'\n.", "A str of Python 2 that isn't UTF-8: it is bytes.", result="b'\\xff'")
    bare("python2-unicode", "loads", b"V\\u00e4\n.", "A unicode of Python 2.", result="'ä'")
    for name, operand in [
        ("number", b"K\x01"), ("none", b"N"), ("bytes", b"C\x02os"), ("list", b"]"), ("tuple", b")"), ("name", b"cos\npath\n"),
    ]:  # fmt: skip
        bare(f"stack-global-module-{name}", "damaged", b"\x80\x04" + operand + short("system") + b"\x93.", f"A module that is a {name}.")
        bare(f"stack-global-name-{name}", "damaged", b"\x80\x04" + short("os") + operand + b"\x93.", f"A name that is a {name}.")
    bare("stack-global-empty-module", "damaged", b"\x80\x04" + short("") + short("x") + b"\x93.", "A module without name.")
    bare("stack-global-empty-name", "damaged", b"\x80\x04" + short("os") + short("") + b"\x93.", "A name that is empty.")
    bare("stack-global-short", "damaged", b"\x80\x04" + short("os") + b"\x93.", "A name without its module.")
    for name, module in [
        ("nul", "harmless\0"), ("space", "harmless "), ("tab", "harmless\t"), ("return", "harmless\r"), ("bom", "\ufeffharmless"),
        ("surrogate", "harmless\udcff"), ("full-width", "ｈarmless"), ("ligature", "harmle\ufb06"), ("combining", "harmless\u0301"),
    ]:  # fmt: skip
        raw = module.encode("utf-8", "surrogatepass")
        bare(
            f"global-alphabet-{name}", "damaged" if name == "surrogate" else "not trusted",
            b"\x80\x02c" + raw + b"\nPlain\n)\x81.", "GLOBAL with a module that only looks like the trusted one.", trust=PLAIN,
        )  # fmt: skip
    bare("global-latin", "damaged", b"cos\nsyst\xe4m\n.", "GLOBAL with a name that isn't UTF-8.")
    bare("global-without-end", "damaged", b"cos\nsystem", "GLOBAL whose line doesn't end.")
    bare("global-empty", "damaged", b"c\n\n.", "GLOBAL without names.")
    bare("inst-without-mark", "damaged", b"ios\nsystem\n.", "INST without a mark.")
    bare("obj-without-class", "damaged", b"(o.", "OBJ without a class.")
    bare("obj-without-mark", "damaged", b"cos\nsystem\no.", "OBJ without a mark.")
