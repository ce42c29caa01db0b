"""The peers of appsnap, and the lower bounds of its time."""

from __future__ import annotations

import functools
import gc
import io
import mmap
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bench.ours import identity
from bench.subject import Subject
from bench.workloads import ARRAY, Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AGE", "AOT", "CHACHA", "COLLECTOR_OFF", "FILES", "IN_MEMORY", "NUMPY", "RAW", "READ", "WITH_ZSTD"]


def _module(name: str) -> Any:
    # Imported late: each process imports only the peer to be measured.
    return import_module(name)


# In memory

PICKLE = Subject("pickle", functools.partial(pickle.dumps, protocol=5), pickle.loads)


def _without_collector(act: Callable[[Any], Any], given: Any) -> Any:
    gc.disable()
    try:
        return act(given)
    finally:
        gc.enable()


COLLECTOR_OFF = Subject(
    "pickle, collector off",
    functools.partial(_without_collector, functools.partial(pickle.dumps, protocol=5)),
    functools.partial(_without_collector, pickle.loads),
)

_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

WITH_ZSTD = Subject(
    "pickle, zstd",
    lambda obj: _module(_ZSTD).compress(pickle.dumps(obj, protocol=5)),
    lambda data: pickle.loads(_module(_ZSTD).decompress(data)),
)


def _like_pickle(name: str) -> Subject:
    return Subject(
        name, lambda obj: _module(name).dumps(obj, protocol=5), lambda data: _module(name).loads(data), needs=name
    )


def _joblib_dumps(obj: Any) -> bytes:
    file = io.BytesIO()
    _module("joblib").dump(obj, file)
    return file.getvalue()


def _skops_loads(data: bytes) -> Any:
    skops = _module("skops.io")
    # Like a user of skops: look at the names in the file first, and agree to them.
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


AOT = Subject(
    "Twisted aot",
    lambda obj: _module("twisted.persisted.aot").jellyToSource(obj),
    lambda text: _module("twisted.persisted.aot").unjellyFromSource(text.decode()),
    needs="twisted",
    is_twisted=True,
)

IN_MEMORY = (
    PICKLE,
    COLLECTOR_OFF,
    WITH_ZSTD,
    _like_pickle("cloudpickle"),
    _like_pickle("dill"),
    Subject("joblib", _joblib_dumps, lambda data: _module("joblib").load(io.BytesIO(data)), needs="joblib"),
    Subject(
        "jsonpickle",
        lambda obj: _module("jsonpickle").encode(obj),
        lambda text: _module("jsonpickle").decode(text.decode()),
        needs="jsonpickle",
    ),
    Subject("skops", lambda obj: _module("skops.io").dumps(obj), _skops_loads, needs="skops"),
    AOT,
)


# On disk


def _dump(module: str, obj: Any, path: Path) -> None:
    with path.open("wb") as file:
        _module(module).dump(obj, file, protocol=5)


def _load(module: str, path: Path) -> Any:
    with path.open("rb") as file:
        return _module(module).load(file)


def _pickle_file(name: str) -> Subject:
    return Subject(name, functools.partial(_dump, name), functools.partial(_load, name), needs=name, on_disk=True)


def _sob_save(obj: Any, path: Path) -> None:
    _module("twisted.persisted.sob").Persistent(obj, "bench").save(filename=str(path))


def _skops_load(path: Path) -> Any:
    skops = _module("skops.io")
    return skops.load(path, trusted=skops.get_untrusted_types(file=path))


PICKLE_FILE = _pickle_file("pickle")
SOB = Subject(
    "Twisted sob",
    _sob_save,
    lambda path: _module("twisted.persisted.sob").load(str(path), "pickle"),
    needs="twisted",
    on_disk=True,
    is_twisted=True,
)

FILES = (
    PICKLE_FILE,
    _pickle_file("cloudpickle"),
    _pickle_file("dill"),
    Subject(
        "joblib",
        lambda obj, path: _module("joblib").dump(obj, path),
        lambda path: _module("joblib").load(path),
        needs="joblib",
        on_disk=True,
    ),
    Subject(
        "jsonpickle",
        lambda obj, path: path.write_text(_module("jsonpickle").encode(obj)),
        lambda path: _module("jsonpickle").decode(path.read_text()),
        needs="jsonpickle",
        on_disk=True,
    ),
    Subject("skops", lambda obj, path: _module("skops.io").dump(obj, path), _skops_load, needs="skops", on_disk=True),
    SOB,
)


# Lower bounds: the same bytes, without any format


def _write(array: Any, path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        left = memoryview(array).cast("B")
        while left:  # one call writes at most 2 GiB
            left = left[file.write(left) :]


def _read(path: Path) -> mmap.mmap:
    """Read a file into memory that is given in huge pages: in small ones, the memory takes longer than the reading."""
    place = mmap.mmap(-1, path.stat().st_size, access=mmap.ACCESS_COPY)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        place.madvise(mmap.MADV_HUGEPAGE)
    with path.open("rb", buffering=0) as file:
        left = memoryview(place)
        while left:
            left = left[file.readinto(left) :]
    return place


def _numpy_save(array: Any, path: Path) -> None:
    with path.open("wb") as file:
        _module("numpy").save(file, array)


NUMPY = Subject(
    "numpy",
    _numpy_save,
    lambda path: _module("numpy").load(path),
    needs="numpy",
    on_disk=True,
)
RAW = Subject("write and read alone", _write, _read, on_disk=True, returns_object=False, is_floor=True)
READ = Subject("Path.read_bytes", None, Path.read_bytes, saved_by=RAW.name, on_disk=True, returns_object=False)

CHUNK = 64 << 10
BATCH = 64
"""Chunks in a buffer of 4 MiB. All batches use the same buffer."""


def _nonces() -> Iterator[bytes]:
    number = 0
    while True:
        yield number.to_bytes(12)
        number += 1


def _apply(method: str, data: Any, size: int, growth: int) -> None:
    apply = getattr(ChaCha20Poly1305(bytes(32)), method)
    view = memoryview(data).cast("B")
    buffer = memoryview(bytearray((size + growth) * BATCH))
    nonces = _nonces()
    for start in range(0, len(view), size * BATCH):
        for place, offset in enumerate(range(start, min(start + size * BATCH, len(view)), size)):
            chunk = view[offset : offset + size]
            apply(next(nonces), chunk, None, buffer[place * (size + growth) :][: len(chunk) + growth])


def _all_encrypted(array: Any) -> bytes:
    cipher = ChaCha20Poly1305(bytes(32))
    view = memoryview(array).cast("B")
    chunks = (view[offset : offset + CHUNK] for offset in range(0, len(view), CHUNK))
    return b"".join(cipher.encrypt(nonce, chunk, None) for chunk, nonce in zip(chunks, _nonces(), strict=False))


CHACHA = Subject(
    "ChaCha20-Poly1305 alone",
    lambda array: _apply("encrypt_into", array, CHUNK, 16),
    lambda data: _apply("decrypt_into", data, CHUNK + 16, -16),
    given=_all_encrypted,
    returns_object=False,
    is_floor=True,
)


# The age program


def _make_plain_file(size: int) -> Path:
    path = Path(f"plain-{size}")
    if not path.exists():
        _write(ARRAY.make(size), path)
    return path


def _age_save(plain: Path, path: Path) -> None:
    recipient = str(identity().recipient)
    subprocess.run(["age", "--encrypt", "--recipient", recipient, "--output", str(path), str(plain)], check=True)


def _age_load(path: Path) -> None:
    command = ["age", "--decrypt", "--identity", "identity.txt", "--output", "decrypted", str(path)]
    subprocess.run(command, check=True)


AGE = Subject(
    "age program",
    _age_save,
    _age_load,
    needs="$age",
    on_disk=True,
    returns_object=False,
    data=Data(_make_plain_file, lambda *_: True, heavy=True),
)
