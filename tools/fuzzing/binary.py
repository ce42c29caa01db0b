"""Forms of binary documents: the opcodes of a pickle, the steps of msgpack, the bytes of age and zstd."""

from __future__ import annotations

import pickle
import pickletools
import re
from typing import TYPE_CHECKING, Any

import msgpack

from fuzzing.form import Form
from fuzzing.words import NAMES, NUMBERS, TEXTS, fields
from vectors.spelling import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["LAYERS", "MSGPACK", "PICKLE", "body_start"]


# pickle


def _split_pickle(data: bytes) -> list[bytes] | None:
    # Never by pickle.loads: a vector may have a call in its header.
    body = data[body_start(data) :] if b"\x8c\x07appsnap" in data[:30] else data
    found = []
    at = 0
    try:
        for opcode, _, position in pickletools.genops(body):
            if position:
                found.append(body[at:position])
            at = position or 0
            if opcode.name == "STOP":
                body = body[: at + 1]  # `join` makes a new trailer
    except Exception:  # noqa: BLE001 - the rest is one part
        pass
    found.append(body[at:])
    return [one for one in found if not one.startswith(pickle.FRAME)]


def body_start(data: bytes) -> int:
    """Return the end of the header, the first pickle of a document; 0 if it has no end."""
    try:
        return next(at or 0 for opcode, _, at in pickletools.genops(data) if opcode.name == "STOP") + 1
    except Exception:  # noqa: BLE001 - no pickle
        return 0


_OPCODES = [bytes([code]) for code in range(256)]
_SIMPLE = [op.code.encode("latin-1") for op in pickletools.opcodes if op.arg is None and op.name != "STOP"]
_OPENING = [bytes([code]) for code in b")]}\x8f(N\x94201"]
_CLOSING = [bytes([code]) for code in b"Rb\x81\x92\x85\x86\x87teusa\x90\x91o"]


_PUSHING = {ord(op.code) for op in pickletools.opcodes if not op.stack_before and len(op.stack_after) == 1}


def _make_opcode(chance: Random) -> bytes:
    match chance.randrange(10):
        case 0 | 1 | 2 | 3:
            return _make_push(chance)
        case 4 | 5 | 6:
            return chance.choice(_SIMPLE)
        case 7 | 8:
            return chance.choice(_CLOSING)
        case _:
            return chance.choice(_OPCODES) + chance.randbytes(chance.randrange(5))


def _make_push(chance: Random) -> bytes:
    """Return an opcode that pushes a value onto the stack."""
    match chance.randrange(6):
        case 0:
            module, qualname = chance.choice(NAMES)
            return b"c" + module.encode() + b"\n" + qualname.encode() + b"\n"
        case 1:
            raw = chance.choice(TEXTS).encode("utf-8", "surrogatepass")
            return pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw
        case 2:
            number = chance.choice(NUMBERS)
            raw = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
            return pickle.LONG1 + bytes([len(raw)]) + raw
        case 3 | 4:
            return pickle.BINGET + bytes([chance.randrange(12)])
        case _:
            return chance.choice(_OPENING)


def _change_opcode(chance: Random, part: bytes) -> bytes:
    if part[:1] and part[0] in _PUSHING and chance.random() < 0.7:
        return _make_push(chance)
    if part[:1] in _CLOSING and chance.random() < 0.5:
        return chance.choice(_CLOSING)
    if len(part) < 2 or chance.random() < 0.2:
        return _make_opcode(chance)
    return _changed_bytes(chance, part)


def _changed_bytes(chance: Random, part: bytes) -> bytes:
    changed = bytearray(part)
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(changed))
        flipped, more = changed[at] ^ 1 << chance.randrange(8), (changed[at] + 1) & 255
        changed[at] = chance.choice((flipped, more, 0, 255, 10, 32, chance.randrange(256)))
    return bytes(changed)


def _join_pickle(parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return document("pickle", body, *fields(body)) if len(body) % 2 else body


PICKLE = Form(_split_pickle, _change_opcode, _make_opcode, _join_pickle)


# msgpack


def _split_msgpack(data: bytes) -> list[Any] | None:
    try:
        unpacker = msgpack.Unpacker(unicode_errors="surrogatepass", strict_map_key=False)
        unpacker.feed(data)
        unpacker.unpack()
        body = unpacker.unpack()
    except Exception:  # noqa: BLE001 - no document of msgpack
        return None
    return body if isinstance(body, list) else None


_SMALL = [number for number in NUMBERS if -(2**63) <= number < 2**64]


def _make_step(chance: Random) -> Any:
    def value() -> Any:
        atom = chance.choice((chance.choice(TEXTS), chance.choice(_SMALL), None, True, 1.5, b"x"))
        return _reference(chance) if chance.random() < 0.4 else atom

    def values() -> list[Any]:
        return [value() for _ in range(chance.randrange(4))]

    number = chance.randrange(1, 18)
    target = chance.randrange(12)
    match number:
        case 17:
            return _make_run(chance)
        case 1:
            return [1, *chance.choice(NAMES)]
        case 2:
            return [2, chance.choice(TEXTS) * 3]
        case 5:
            return [5, *_make_mapping(chance, value)]
        case 8:
            return [8, b"abc"]
        case 9:
            return [9, _origin(chance), values(), *(_make_mapping(chance, value) if chance.random() < 0.3 else [])]
        case 11:
            return [11, value(), chance.choice(TEXTS)]
        case 13 | 15:
            return [number, target, *_make_mapping(chance, value)]
        case 16:
            return [16, target, value()]
        case 10:
            return [10, _origin(chance), *values()]
        case 12 | 14:
            return [number, target, *values()]
    if chance.random() < 0.2:
        return [number, *_make_column(chance, chance.randrange(1, 9))]
    return [number, *values()]


def _make_mapping(chance: Random, value: Callable[[], Any]) -> list[Any]:
    """Return keys, or the number of keys, and values."""
    count = chance.randrange(3)
    if chance.random() < 0.4:
        return [chance.randrange(6), *(value() for _ in range(count))]
    keys = [chance.choice(TEXTS) if chance.random() < 0.9 else value() for _ in range(count)]
    return [keys, *(value() for _ in keys)]


_RUNS = (2, 3, 4, 5, 6, 7, 9, 15, 16)


def _make_run(chance: Random) -> Any:
    """Return a run, which is good most of the time."""
    number = chance.choice(_RUNS) if chance.random() < 0.97 else chance.randrange(18)
    count = chance.choice((1, 2, 2, 3, 9))
    keys = chance.sample(TEXTS, chance.randrange(3))
    columns = [_make_column(chance, count) for _ in keys]
    target = count + chance.choice((0, 0, 0, 1, 5))
    announced = count if chance.random() < 0.97 else chance.choice(_SMALL)
    fields: list[Any]
    match number:
        case 2:
            fields = [[chance.choice("abc") * 65 for _ in range(count)]]
        case 9:
            fields = [_origin(chance)]
        case 15:
            fields = [target, keys if chance.random() < 0.7 else chance.randrange(6), *columns]
        case 16:
            fields = [target, _make_column(chance, count)]
        case 5:
            fields = [keys if chance.random() < 0.7 else chance.randrange(6), *columns]
        case 6 | 7:
            fields = [[chance.choice(_SMALL) for _ in range(count)] for _ in keys]
        case _:
            fields = columns
    return [17, number, announced, *fields]


def _make_column(chance: Random, count: int, *, merged: bool = True) -> Any:
    """Return the column of a run."""
    match chance.randrange(5):
        case 0:
            return [[0, chance.randrange(-2, 12), count]]
        case 1:
            return [[1, chance.choice((*TEXTS, *_SMALL, None, _reference(chance))), count]]
        case 2:
            return [[2, *(chance.randrange(-3, 12) for _ in range(count))]]
        case 3 if merged and count > 1:
            order = bytes(chance.randrange(2) for _ in range(count))
            return [[3, order, *(_make_column(chance, order.count(part), merged=False) for part in range(2))]]
    return [
        _reference(chance) if chance.random() < 0.2 else chance.choice((*TEXTS, *_SMALL, None)) for _ in range(count)
    ]


def _origin(chance: Random) -> int:
    """Return what makes something: the number of a name, or a distance."""
    return chance.randrange(-9, 5)


def _reference(chance: Random) -> Any:
    return [chance.randrange(14)] if chance.random() < 0.6 else [[chance.randrange(5)]]


def _change_step(chance: Random, step: Any) -> Any:
    if _is_reference(step) and chance.random() < 0.7:
        return _reference(chance)
    if isinstance(step, list) and step and chance.random() < 0.9:
        step = list(step)
        at = chance.randrange(len(step))
        match chance.randrange(6):
            case 0:
                del step[at]
            case 1:
                step.insert(at, step[chance.randrange(len(step))])
            case 2 if isinstance(step[0], int):
                step[0] = chance.randrange(1, 18)  # another step, with the same operands
            case _:
                at = at or chance.randrange(len(step))
                step[at] = _change_step(chance, step[at])
        return step
    if isinstance(step, dict) and step and chance.random() < 0.8:
        key = chance.choice(list(step))
        return {k: _change_step(chance, v) if k == key else v for k, v in step.items()}
    if chance.random() < 0.6:
        match step:  # most often another value of the same type
            case int():
                return chance.randrange(14)
            case str():
                return chance.choice(TEXTS)
    match chance.randrange(6):
        case 0:
            return chance.choice(_SMALL)
        case 1:
            return chance.choice(TEXTS)
        case 2:
            return _reference(chance)
        case 3 if isinstance(step, int) and not isinstance(step, bool):
            return step + chance.choice((-1, 1))
        case 4:
            odd = [
                [],
                {},
                None,
                True,
                1.5,
                float("nan"),
                b"",
                b"x" * 65,
                [1],
                [1, 2],
                {"a": 1},
                msgpack.ExtType(0, b"\0"),
            ]
            return chance.choice(odd)
    return _make_step(chance)


def _is_reference(step: Any) -> bool:
    match step:
        case [int()] | [[int()]]:
            return True
    return False


def _join_msgpack(parts: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(parts, unicode_errors="surrogatepass")
    return document("msgpack", packed, *fields(packed))


MSGPACK = Form(_split_msgpack, _change_step, _make_step, _join_msgpack)


# age and zstd


_HEADER = re.compile(rb"[^\n ]+|[\n ]+")


def _split_bytes(data: bytes) -> list[bytes] | None:
    if data.startswith(b"age-encryption.org/"):
        end = data.index(b"\n", data.index(b"--- ")) + 1
        return [*_HEADER.findall(data[:end]), *_pieces(data[end:])]
    return _pieces(data)


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(min(len(data), 40))] + [
        data[at : at + 16] for at in range(40, len(data), 16)
    ]


_LINES = [
    *(b"-> scrypt ", b"-> X25519 ", b"--- ", b"\n", b" ", b"2", b"18", b"30", b"AAAA", b"age-encryption.org/v1\n"),
    *(b"\x28\xb5\x2f\xfd", b"-----END AGE ENCRYPTED FILE-----\n"),
]


def _make_bytes(chance: Random) -> bytes:
    return chance.choice(_LINES) if chance.random() < 0.6 else chance.randbytes(chance.choice((1, 4, 16)))


def _change_bytes(chance: Random, part: bytes) -> bytes:
    return _changed_bytes(chance, part) if part else _make_bytes(chance)


LAYERS = Form(_split_bytes, _change_bytes, _make_bytes, b"".join)
