"""The subjects of appsnap, by its public calls."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import appsnap
from appsnap.files import age
from bench.subject import Skip, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AGE_LAYER", "AUDITED", "COMPRESSED", "ENCRYPTED", "ENCRYPTED_FILE", "FILES", "KINDS", "MAPPED", "identity"]

TRUST = ["bench.workloads.*", "bench.mixed.*"]


def _kind(kind: appsnap.Kind) -> Subject:
    return Subject(
        f"appsnap {kind}",
        functools.partial(appsnap.dumps, kind=kind),
        functools.partial(appsnap.loads, trust=appsnap.EVERYTHING),
    )


def _file(kind: appsnap.Kind) -> Subject:
    """Save with the signature of the key from the first save, so loading needs no list of names."""
    return Subject(f"appsnap {kind}", functools.partial(appsnap.save, kind=kind), appsnap.load, on_disk=True)


KINDS = (_kind("pickle"), _kind("msgpack"), _kind("source"), _kind("xml"))
FILES = (_file("pickle"), _file("msgpack"), _file("source"), _file("xml"))
AUDITED = tuple(
    Subject(f"{kind.name}, audited", None, functools.partial(appsnap.loads, trust=TRUST), saved_by=kind.name)
    for kind in KINDS[:2]
)
COMPRESSED = Subject(
    "appsnap msgpack, compressed",
    functools.partial(appsnap.dumps, kind="msgpack", compress=True),
    functools.partial(appsnap.loads, trust=appsnap.EVERYTHING),
)


def _load_mapped(path: Path) -> Any:
    if "mmap" not in inspect.signature(appsnap.load).parameters:
        raise Skip("not built")
    load: Any = appsnap.load
    return load(path, mmap=True)


MAPPED = Subject("appsnap pickle, mmap", None, _load_mapped, saved_by="appsnap pickle", on_disk=True, is_partial=True)


# Encrypted, for an age recipient: a passphrase would add the second of scrypt


def identity() -> age.X25519Identity:
    """Return the identity of this run; a file in the current folder keeps it."""
    path = Path("identity.txt")
    if not path.exists():
        path.write_text(f"{age.X25519Identity.generate()}\n")
    return age.X25519Identity.parse(path.read_text().strip())


def _recipients() -> list[str]:
    return [str(identity().recipient)]


def _load(load: Any, source: Any) -> Any:
    return load(source, identities=[str(identity())], trust=appsnap.EVERYTHING)


def _consume(pieces: Iterable[object]) -> None:
    for _ in pieces:
        pass


def _encrypt(array: Any) -> Iterable[Any]:
    return age.encrypt([memoryview(array).cast("B")], [identity().recipient])


ENCRYPTED = Subject(
    "appsnap pickle",
    lambda obj: appsnap.dumps(obj, recipients=_recipients()),
    functools.partial(_load, appsnap.loads),
)
ENCRYPTED_FILE = Subject(
    "appsnap pickle to a file",
    lambda obj, path: appsnap.save(obj, path, recipients=_recipients()),
    functools.partial(_load, appsnap.load),
    on_disk=True,
)
AGE_LAYER = Subject(
    "appsnap's age layer alone",
    lambda array: _consume(_encrypt(array)),
    lambda data: _consume(age.decrypt([data], [identity()])),
    given=lambda array: b"".join(bytes(piece) for piece in _encrypt(array)),
    returns_object=False,
    is_partial=True,
)
