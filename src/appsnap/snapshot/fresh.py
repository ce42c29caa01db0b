"""The fresh interpreter that tries a new snapshot: it loads it, and compares the loaded objects with the saved ones."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import sys
import traceback
from typing import IO, TYPE_CHECKING, Any

from appsnap import effects
from appsnap.errors import AppsnapError, CannotSave
from appsnap.files.layers import Opening
from appsnap.limits import Limits
from appsnap.recipe.differences import Comparison, Difference
from appsnap.recipe.freeze import freeze
from appsnap.recipe.freeze.inventory import Inventory, contents, type_name
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Ref
from appsnap.recipe.trust import EVERYTHING
from appsnap.snapshot.loading import open_file
from appsnap.snapshot.looped import built
from appsnap.snapshot.trial import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main"]

_MOST = 20
"""Losses that are reported."""


def main() -> None:
    """Load the file that comes through the socket in the last argument, and write the answer to stdout.

    The argument before it is the kind. Its modules are imported before the file is there.
    """
    # What the application prints goes elsewhere.
    answer = os.dup(1)
    channel = socket.socket(fileno=int(sys.argv.pop()))

    def forked() -> None:
        # The other interpreter waits for the end of the answer. Children that stay must not keep it open.
        os.dup2(1, answer, inheritable=False)
        os.close(channel.detach())

    channel.set_inheritable(False)
    os.register_at_fork(after_in_child=forked)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    importlib.import_module(f"appsnap.kinds.{sys.argv.pop()}")
    _, files, _, _ = socket.recv_fds(channel, 1, 1)
    if not files:
        os._exit(0)  # nothing was written
    os.dup2(files[0], 0)
    os.close(files[0])
    lines = channel.makefile("rb")
    job = json.loads(lines.readline())
    if job["here"]:
        sys.path.append(os.getcwd())  # noqa: PTH109 - sys.path has texts
    try:
        with effects.trial():
            found = _try(job, lines)
    except MemoryError:
        found = {"error": "out of memory", "memory": True}
    except AppsnapError as error:
        _trace()
        foreign = isinstance(error.__cause__, Exception) and not error.hint
        hint = error.hint or "set APPSNAP_TRACEBACK=1 to see the traceback" * foreign
        found = {"error": str(error).removeprefix("/dev/stdin: "), "hint": hint}
    except Exception as error:  # noqa: BLE001 - the other interpreter tells it
        _trace()
        found = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    # After an error, the other interpreter may still be sending.
    with contextlib.suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)
    with os.fdopen(answer, "w", encoding="ascii") as out:
        json.dump(found, out)
    # Nothing that the application does at its exit is of use here.
    sys.stderr.flush()
    os._exit(0)


def _trace() -> None:
    if os.environ.get("APPSNAP_TRACEBACK"):
        traceback.print_exc()


def _try(job: dict[str, Any], lines: IO[bytes]) -> dict[str, Any]:
    passphrase = job["passphrase"] and bytes.fromhex(job["passphrase"]).decode("utf-8", "surrogateescape")
    for module in job["ways"]:
        # One that was made by hand is missed where it counts.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    snapshot = open_file("/dev/stdin", Opening(None, passphrase, (), Limits(**job["limits"])))
    trust: Any = EVERYTHING
    if not job["everything"]:
        trust = job["trust"] if job["trust"] is not None else [want.grant for want in snapshot.names]
    restored = built(lambda: snapshot.build(trust))
    saved = Outline(snapshot.document.recipe)
    inventory = Inventory()
    try:
        again = Outline(freeze(restored, notes=inventory))
    except CannotSave as error:
        return {"lost": [], "different": f"the restored objects can't be saved: {error.places[0]}"}
    comparison = Comparison(saved, again)
    found = [*_compare_facts(json.loads(lines.readline()), saved, comparison, inventory), *comparison.found]
    losses = [one for one in reversed(found) if one.lost]
    # The objects tell more than the recipe, which has lost some of them already. They are compared first.
    lost = [(one.path, one.cls, one.words) for one in {one.path: one for one in losses}.values()][::-1]
    return {"lost": lost[:_MOST], "different": str(found[0]) if found else None}


def _compare_facts(
    facts: list[dict[str, Any]], saved: Outline, comparison: Comparison, inventory: Inventory
) -> Iterator[Difference]:
    if not facts:
        return
    wanted = {fact["path"] for fact in facts}
    here = {path: number for number in range(len(saved.nodes)) if (path := _tail(saved, number)) in wanted}
    for fact in facts:
        number = here.get(fact["path"])
        if number is None or number not in comparison.restored:
            continue
        restored = comparison.restored[number]
        if type(restored) is Ref and restored not in inventory.objects:
            continue
        obj = inventory.objects[restored] if type(restored) is Ref else restored
        path, cls = saved.path(Ref(number)), fact["type"]
        if fact["type"] != type_name(obj):
            yield Difference(path, cls, f"saved a {fact['type']}, restored a {type_name(obj)}")
        if fact["holder"]:
            module, _, name = fact["holder"].rpartition(".")
            if getattr(sys.modules.get(module), name, None) is not obj:
                words = f"saved {fact['holder']}, which that module holds, restored a copy of it"
                yield Difference(path, cls, words)
        there = dict(contents(obj)) if fact["counts"] else {}
        if fact["empty"] and there:
            continue  # its class has made it anew
        for label, count in fact["counts"].items():
            now = there.get(label)
            if count is None and label not in there:
                words = f"saved with the attribute {label[1:]}, restored without"
                yield Difference(path, cls, words, lost=not label.startswith("._"))
            elif count and (label in there or "." not in label[1:]) and (now or 0) < count:
                items = "item" if count == 1 else "items"
                yield Difference(path + label, cls, f"saved {count:,} {items}, restored {now or 0:,}", lost=True)


def _tail(outline: Outline, number: int) -> str:
    return ROOT + outline.path(Ref(number)).removeprefix(outline.root_name)
