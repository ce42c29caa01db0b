"""The packer of `msgpack`, which is written in C: no attribute tells its parameters, but it answers by them."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import Any

from appsnap.errors import Refused
from appsnap.ways import call, saves

__all__: list[str] = []


@saves("msgpack._cmsgpack.Packer")
def _(packer: Any) -> Any:
    if packer.bytes():
        raise Refused("a packer with bytes in it", "take its bytes and reset it before the save")
    # The packer refers to nothing else, except to its class in some versions of Python.
    default, errors = gc.get_referents(packer)[-2:]
    if default is not None:
        # Only a call of that function would show which objects it is asked about.
        raise Refused("a packer with a function of its own", "make the packer in startService or in __setstate__")
    autoreset = packer.pack(None) is not None
    packer.reset()
    found = {
        "autoreset": autoreset,
        "use_single_float": _packed(packer, 0.5)[:1] == b"\xca",
        "use_bin_type": _packed(packer, b"")[:1] == b"\xc4",
        "strict_types": _packed(packer, ()) == b"",
        "datetime": _packed(packer, datetime.now(UTC)) != b"",
        "unicode_errors": errors,
    }
    return call(type(packer), **{name: one for name, one in found.items() if one != _DEFAULTS[name]})


_DEFAULTS = {
    "autoreset": True,
    "use_bin_type": True,
    "unicode_errors": None,
    "use_single_float": False,
    "strict_types": False,
    "datetime": False,
}


def _packed(packer: Any, value: object) -> bytes:
    """Return the bytes of a value, or none if the packer refuses it. The packer is as empty as it was."""
    try:
        packed: bytes = packer.pack(value) or packer.bytes()
    except TypeError:
        packed = b""
    packer.reset()
    return packed
