"""Values for mutants: numbers and texts at edges of a format, names of harmless and of dangerous objects."""

from __future__ import annotations

import zlib
from random import Random
from typing import Any

__all__ = ["NAMES", "NUMBERS", "TEXTS", "fields"]

NUMBERS = [
    *(0, 1, -1, 2, 3, 5, 63, 64, 65, 127, 128, 255, 256, 2**31 - 1, 2**31, 2**32, 2**61 - 1),
    *(2**63, 2**64, -(2**63), 2**70),
]
_TEXTS = (
    "a __class__ __dict__ __setstate__ data maps extend append add items upgrade int args name parent a:b a.b <locals>"
    " ä __init__ __call__ latin1 <f8 |S0 C UTC 1/2 ::1 1 harmless Plain zoo Node"
)
TEXTS = [*_TEXTS.split(), "", "name\0", "x" * 65, "\ud800", "\x1b[2J", "\n"]
_NAMES = {
    "harmless": "Plain Other Slots Hooked Numbers Table Group Proxy Series Chain Pair Color Color.RED Old ByKeyword"
    " Meta Made callback Plain.method settings Outer.Inner",
    "zoo": "Node Data FrozenSlots MyTuple MyInt MyStr Access function",
    "builtins": "object set range frozenset bytearray ValueError OSError getattr ExceptionGroup SyntaxError slice"
    " memoryview complex type bytes UnicodeDecodeError list dict",
    "collections": "OrderedDict Counter deque defaultdict UserDict UserList UserString ChainMap",
    "datetime": "date datetime time timedelta timezone",
    "numpy": "dtype ndarray int64 datetime64 str_ bytes_",
    "types": "SimpleNamespace MappingProxyType NoneType",
    "uuid": "UUID SafeUUID.safe",
    "zoneinfo": "ZoneInfo ZoneInfo._unpickle",
    "array": "_array_reconstructor array",
    "copyreg": "_reconstructor __newobj__",
    "os": "environ system",
    "appsnap.actions": "named new set_state",
    "appsnap.evolve": "Ephemeral",
    "appsnap.service": "Application Service",
    "functools": "partial",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "re": "compile",
    "logging": "getLogger",
    "pathlib": "PurePosixPath",
    "ipaddress": "IPv6Network",
    "sys": "stdout",
    "importlib": "import_module",
    "_codecs": "encode",
    "_asyncio": "get_running_loop",
    "appsnap.internet": "TimerService",
    "appsnap.sob": "Persistent",
    "unknown.module": "Class",
}
NAMES = [(module, name) for module, names in _NAMES.items() for name in names.split()]

_HEAD = ("appsnap", "kind", "name", "tag", "time", "python", "version", "size", "other")
_TAIL = ("sha256", "steps", "distributions", "restored_by_call", "other")
_FIELDS: list[Any] = [
    *NUMBERS,
    *TEXTS,
    10**5000,
    None,
    True,
    1.5,
    b"a",
    [],
    ["a"],
    {},
    {"a": "b"},
    {"a": 10**5000},
    {"a": {}},
]


def fields(body: bytes | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return changed fields for header and trailer: usually none, and always the same for the same body."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    chance = Random(zlib.crc32(raw))
    head = {chance.choice(_HEAD): chance.choice(_FIELDS)} if chance.random() < 0.05 else {}
    tail = {chance.choice(_TAIL): chance.choice(_FIELDS)} if chance.random() < 0.05 else {}
    return head, tail
