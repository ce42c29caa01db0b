"""What mutants are made of: numbers and texts at the edges of something, names that a snapshot may or mustn't want."""

from __future__ import annotations

__all__ = ["NAMES", "NUMBERS", "TEXTS"]

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
    "appsnap.evolve": "restore_state Ephemeral",
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
    "appsnap.source": "new",
    "appsnap.sob": "Persistent",
    "unknown.module": "Class",
}
NAMES = [(module, name) for module, names in _NAMES.items() for name in names.split()]
