"""Vectors of files that are opened again, by paths and arguments of the file's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import all_kinds, in_kinds, two_kinds
from vectors.spelling import R, Steps

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

REOPEN = ("Name", "appsnap.ways.files", "reopen")
ANYWHERE = ("write:/*",)


def add(vectors: Vectors) -> None:
    """Add them."""
    each = in_kinds(lambda name, *rest, **more: vectors.add(f"opened-{name}", *rest, **more), all_kinds)
    two = in_kinds(lambda name, *rest, **more: vectors.add(f"opened-{name}", *rest, **more), two_kinds)
    each("kept", "loads", _opening("keep.txt"), R(1), "A file that may be read.", trust=("read:/*",))
    two("kept-to-write", "loads", _opening("keep.txt", mode="w"), R(1), "A file that may be written keeps its content.", trust=ANYWHERE)
    for mode in ("r", "w", "a", "r+"):
        word = mode.replace("+", "-plus")
        each(f"stolen-{word}", "not trusted", _opening("stolen", mode=mode), R(1), f"A file is opened in the mode {mode}.")
        two(f"granted-elsewhere-{word}", "not trusted", _opening("/etc/passwd", mode=mode), R(1),
            "Another folder is granted.", trust=("write:/var/lib/shop/*", "read:/etc/shop/*"))  # fmt: skip
    two("dots", "not trusted", _opening("/var/lib/shop/../../../etc/passwd"), R(1), "A path with `..`.", trust=("read:/var/lib/shop/*",))
    two("read-only", "not trusted", _opening("/etc/passwd", mode="a"), R(1), "A file to read is written.", trust=("read:/etc/passwd",))
    two("by-package", "not trusted", _opening("stolen", mode="w"), R(1), "The package of the function is trusted.", trust=("appsnap.*",))
    two("reference", "not trusted", [REOPEN], R(0), "The function is handed to something else.", trust=("appsnap.*", *ANYWHERE))
    for name, path in (("device", "/dev/zero"), ("folder", "/"), ("gone", "/nothing/is/here")):
        expect = "not trusted" if name == "folder" else "cannot load"
        each(name, expect, _opening(path, mode="rb"), R(1), f"The path is {path}.", trust=ANYWHERE)
    bad: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "nothing": ([], {}),
        "nul": (["stolen\0x"], {}),
        "bytes": ([b"stolen"], {}),
        "descriptor": ([0], {}),
        "star": (["/var/*"], {}),
        "long": (["/" + "a/" * 2048], {}),
        "mode": (["stolen"], {"mode": "rw"}),
        "mode-of-both": (["stolen"], {"mode": "wbt"}),
        "position": (["stolen"], {"position": 10**30}),
        "position-of-bytes": (["stolen"], {"mode": "rb", "position": 1 << 63}),
        "position-before": (["stolen"], {"position": -1}),
        "state-of-decoder": (["stolen"], {"position": 1 << 100}),
        "encoding-that-transforms": (["stolen"], {"encoding": "zlib_codec"}),
        "encoding-with-state": (["stolen"], {"encoding": "iso2022_jp_2"}),
        "encoding-of-a-module": (["stolen"], {"encoding": "harmless"}),
        "errors": (["stolen"], {"errors": "harmless"}),
        "newline": (["stolen"], {"newline": "x"}),
        "opener": (["stolen"], {"opener": "x"}),
        "unpacked": (["stolen"], {"mode": "rb", "compression": "gzip", "position": 1 << 40}),
    }
    for name, (args, keywords) in bad.items():
        steps: Steps = [REOPEN, ("Call", R(0), args, [*keywords], [*keywords.values()])] if keywords else [REOPEN, ("Call", R(0), args)]
        two(name, "not trusted", steps, R(1), f"Arguments that no open file has: {args!r:.40} {keywords}.", trust=ANYWHERE)
    two("path-of-a-list", "not trusted", [REOPEN, ("List", ["stolen"]), ("Call", R(0), [R(1)])], R(2), "The path is a list.", trust=ANYWHERE)
    two("path-of-a-call", "not trusted",
        [REOPEN, ("Name", "pathlib", "PurePosixPath"), ("Call", R(1), ["stolen"]), ("Call", R(0), [R(2)])], R(3),
        "The path is an object.", trust=ANYWHERE)  # fmt: skip
    over = ("Name", "appsnap.ways.files", "text_over")
    two("text-over-a-list", "cannot load", [over, ("List", []), ("Call", R(0), [R(1)])], R(2), "A text over no file.")
    two("partial", "not trusted",
        [REOPEN, ("Name", "functools", "partial"), ("Call", R(1), [R(0), "stolen"]), ("Call", R(2), [])], R(3),
        "A partial of the function is called.", trust=("call:functools.partial", *ANYWHERE))  # fmt: skip

    again = ("Name", "appsnap.ways.logging", "opener")
    two("again", "not trusted", [again, ("Call", R(0), ["stolen"])], R(1), "A function that opens a file, for a handler of logs.")
    two("again-by-reference", "not trusted", [again], R(0), "A function that makes such functions.", trust=("appsnap.*", *ANYWHERE))
    two("again-opener", "not trusted", [again, ("Call", R(0), ["stolen"], ["encoding"], ["x"])], R(1),
        "It has another keyword.", trust=ANYWHERE)  # fmt: skip


def _opening(path: str, mode: str = "r") -> Steps:
    return [REOPEN, ("Call", R(0), [path], ["mode"], [mode])]
