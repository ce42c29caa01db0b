"""A recipe spelled in each kind, by writers of their own: what appsnap's would never write, these do.

A recipe is a list of steps, each a tuple that begins with its name: `("Call", 0, ["touch stolen"])`. A `R` is a
reference to a register; whatever a reader should refuse can stand in it.
"""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import struct
from base64 import b64encode
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgpack

__all__ = ["KINDS", "R", "Script", "Steps", "document", "pack", "pickle_plain", "pickled", "short", "spell"]

KINDS = ("pickle", "source", "msgpack", "xml")
HEAD = {"python": "3.11.0", "version": "1.0"}
MAKERS = ("Name", "Value", "Tuple", "List", "Dict", "Set", "FrozenSet", "ByteArray", "New", "Call", "Member")

Steps = list[tuple[Any, ...]]


class R(int):
    """A reference to a register."""


class Script:
    """Steps while they are being written: it counts the registers."""

    def __init__(self) -> None:
        self.steps: Steps = []
        self._registers = 0

    def make(self, *step: Any) -> R:
        """Add a step that writes a register, and return that."""
        self.steps.append(step)
        self._registers += 1
        return R(self._registers - 1)

    def do(self, *step: Any) -> None:
        """Add a step that fills."""
        self.steps.append(step)


def spell(kind: str, steps: Steps, root: Any) -> bytes:
    """Return the document of a recipe."""
    return {"pickle": _pickle, "source": _source, "msgpack": _msgpack, "xml": _xml}[kind](steps, root)


def document(kind: str, body: bytes | str, head: dict[str, Any] | None = None, tail: dict[str, Any] | None = None) -> bytes:
    """Put header and trailer around a body, both right but for what `head` and `tail` change (None leaves out)."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    fields = {"appsnap": 1, "kind": kind, **HEAD, **(head or {})}
    if kind == "source":
        fields.pop("kind")
        number = fields.pop("appsnap")
        before = f"# appsnap {number} source: {json.dumps(fields)}\n\n".encode() + raw + b"\n"
        trailer = json.dumps({"sha256": hashlib.sha256(before).hexdigest(), "distributions": {}, **(tail or {})})
        return before + f"# appsnap trailer: {trailer}\n".encode()
    if kind == "xml":
        attributes = "".join(_attribute(key, str(value)) for key, value in fields.items())
        before = f'<?xml version="1.0" encoding="UTF-8"?>\n<snapshot{attributes}>\n'.encode() + raw
        more = {"sha256": hashlib.sha256(before).hexdigest(), "steps": 0, **(tail or {})}
        attributes = " ".join(f"{key}={quoteattr(str(value))}" for key, value in more.items())
        return before + f"  <trailer {attributes}/>\n</snapshot>\n".encode()
    packed = pack if kind == "msgpack" else pickle_plain
    fields = {"appsnap": 1, "kind": kind, **HEAD, "size": len(raw), **(head or {})}
    before = packed({key: value for key, value in fields.items() if value is not None}) + raw
    return before + packed({"sha256": hashlib.sha256(before).hexdigest(), "distributions": {}, **(tail or {})})


# pickle


def short(text: str) -> bytes:
    """Return the opcode SHORT_BINUNICODE with a text, in which surrogates may stand."""
    raw = text.encode("utf-8", "surrogatepass")
    return pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw


def pickle_plain(fields: dict[str, Any]) -> bytes:
    """Return a header or trailer as pickle."""
    return pickle.dumps(fields, 5)


def _pickle(steps: Steps, root: Any) -> bytes:
    return document("pickle", pickled(steps, root))


def pickled(steps: Steps, root: Any) -> bytes:
    """Return the pickle of a recipe, without header and trailer."""
    keep = pickle.MEMOIZE + pickle.POP
    out = bytearray(b"\x80\x05")
    for name, *fields in steps:
        match name, fields:
            case "Name", [module, ""]:
                out += _value("importlib") + _value("import_module") + pickle.STACK_GLOBAL
                out += _value(module) + pickle.TUPLE1 + b"R" + keep
            case "Name", [module, qualname]:
                out += _value(module) + _value(qualname) + pickle.STACK_GLOBAL + keep
            case "Value", [value]:
                out += _value(value) + keep
            case "Tuple", [items]:
                out += b"(" + _values(items) + b"t" + keep
            case "List", [items]:
                out += b"]" + pickle.MEMOIZE + b"(" + _values(items) + b"e0"
            case "Dict", [keys, values]:
                out += b"}" + pickle.MEMOIZE + b"(" + _pairs(keys, values) + b"u0"
            case "Set", [items]:
                out += pickle.EMPTY_SET + pickle.MEMOIZE + b"(" + _values(items) + pickle.ADDITEMS + b"0"
            case "FrozenSet", [items]:
                out += b"(" + _values(items) + pickle.FROZENSET + keep
            case "ByteArray", [data]:
                out += pickle.BYTEARRAY8 + struct.pack("<Q", len(data)) + data + keep
            case "New", [cls, args]:
                out += _value(cls) + b"(" + _values(args) + b"t" + pickle.NEWOBJ + keep
            case "New", [cls, args, names, values]:
                out += _value(cls) + b"(" + _values(args) + b"t}(" + _pairs(names, values) + b"u" + pickle.NEWOBJ_EX + keep
            case "Call", [function, args]:
                out += _value(function) + b"(" + _values(args) + b"tR" + keep
            case "Call", [function, args, names, values]:
                out += _value("appsnap.actions") + _value("called") + pickle.STACK_GLOBAL
                out += _value(function) + b"(" + _values(args) + b"t}(" + _pairs(names, values) + b"u\x87R" + keep
            case "Member", [owner, attribute]:
                out += _value("builtins") + _value("getattr") + pickle.STACK_GLOBAL
                out += _value(owner) + _value(attribute) + pickle.TUPLE2 + b"R" + keep
            case "Extend", [target, items]:
                out += _value(target) + b"(" + _values(items) + b"e0"
            case "Add", [target, items]:
                out += _value(target) + b"(" + _values(items) + pickle.ADDITEMS + b"0"
            case "Update", [target, keys, values]:
                out += _value(target) + b"(" + _pairs(keys, values) + b"u0"
            case "State", [target, names, values]:
                out += _value(target) + b"}(" + _pairs(names, values) + b"ub0"
            case "SetState", [target, state]:
                out += _value(target) + _value(state) + b"b0"
            case _:
                raise ValueError(name)
    return bytes(out + _value(root) + b".")


def _values(values: Any) -> bytes:
    return b"".join(map(_value, values))


def _pairs(keys: Any, values: Any) -> bytes:
    return b"".join(_value(key) + _value(value) for key, value in zip(keys, values, strict=True))


def _value(value: Any) -> bytes:
    if isinstance(value, R):
        return pickle.LONG_BINGET + struct.pack("<I", value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return pickle.BINBYTES + struct.pack("<I", len(value)) + value
    return pickle.dumps(value, 5)[2:-1]


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(raw)) + raw


# msgpack


_NUMBERS = {name: number for number, name in enumerate(
    ["Name", "Value", "Tuple", "List", "Dict", "Set", "FrozenSet", "ByteArray", "New", "Call", "Member", "Extend",
     "Update", "Add", "State", "SetState"], 1)}  # fmt: skip
_SPREAD = {"Tuple", "List", "Dict", "Set", "FrozenSet", "Call", "Extend", "Update", "Add", "State"}


def pack(value: Any) -> bytes:
    """Return a value as msgpack. In a body, a reference is the array of its distance from the next register."""
    plain = _with_distances(value) if isinstance(value, list) else value
    packed: bytes = msgpack.packb(plain, default=_extension, strict_types=True, unicode_errors="surrogatepass")
    return packed


def _with_distances(body: list[Any]) -> list[Any]:
    found = []
    registers = 0
    for step in body:
        found.append(_relative(step, registers))
        match step:
            case [int() as number, *_] if 1 <= number <= _NUMBERS["Member"] or number == 18:
                registers += 1
            case [17, int() as number, int() as count, *_] if 1 <= number <= _NUMBERS["Member"]:
                registers += count
    return found


def _relative(value: Any, registers: int) -> Any:
    if isinstance(value, R):
        return [registers - value]
    return [_relative(part, registers) for part in value] if isinstance(value, list) else value


def _extension(value: Any) -> Any:
    return msgpack.ExtType(1, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _msgpack(steps: Steps, root: Any) -> bytes:
    """Return the document, with each array of keys as it is: no number stands for one."""
    body = []
    names: dict[int, int] = {}  # by register
    registers = 0
    for name, *fields in steps:
        row: list[Any] = list(fields)
        if isinstance(row[0], R) and name in ("New", "Call"):
            # No file has so many names.
            row[0] = names.get(row[0], row[0] - registers if row[0] < registers else 1_000_000)
        elif isinstance(row[0], R) and name != "Member":
            row[0] = registers - row[0]
        if name in _SPREAD or len(row) == 4:
            row[-1:] = fields[-1]
        body.append([18 if name == "Call" and len(fields) == 4 else _NUMBERS[name], *row])
        if name == "Name":
            names[registers] = len(names)
        registers += name in MAKERS
    return document("msgpack", pack([*body, [root]]))


# source


def _source(steps: Steps, root: Any) -> bytes:
    lines = ["from appsnap.actions import add, extend, new, set_state, state, named, update\n"]
    register = 0
    for name, *fields in steps:
        bound = f"v{register} = " if name in MAKERS else ""
        register += name in MAKERS
        lines.append(f"{bound}{_statement(name, fields)}\n")
    return document("source", "".join([*lines, f"application = {_literal(root)}\n"]))


def _statement(name: str, fields: list[Any]) -> str:
    match name, fields:
        case "Name", [module, qualname]:
            return f"named({module!a}, {qualname!a})" if qualname else f"named({module!a})"
        case "Value", [value]:
            return ascii(value)
        case "Tuple", [items]:
            return f"({''.join(f'{_literal(item)}, ' for item in items)})"
        case "List", [items]:
            return f"[{_literals(items)}]"
        case "Dict", [keys, values]:
            return _mapping(keys, values)
        case "Set", [items]:
            return f"{{{_literals(items)}}}" if items else "set()"
        case "FrozenSet", [items]:
            return f"frozenset({{{_literals(items)}}})" if items else "frozenset()"
        case "ByteArray", [data]:
            return f"bytearray({data!r})"
        case "New", [cls, args, *rest]:
            keywords = f", **{_mapping(*rest)}" if rest else ""
            return f"new({_literals([cls, *args])}{keywords})"
        case "Call", [function, args, *rest]:
            keywords = f"{', ' if args else ''}**{_mapping(*rest)}" if rest else ""
            return f"{_literal(function)}({_literals(args)}{keywords})"
        case "Member", [owner, attribute]:
            return f"getattr({_literal(owner)}, {attribute!a})"
        case "Extend" | "Add", [target, items]:
            return f"{name.lower()}({_literal(target)}, [{_literals(items)}])"
        case "Update", [target, keys, values]:
            return f"update({_literal(target)}, {_mapping(keys, values)})"
        case "State", [target, names, values]:
            return f"state({_literal(target)}, **{_mapping(names, values)})"
        case "SetState", [target, state]:
            return f"set_state({_literal(target)}, {_literal(state)})"
    raise ValueError(name)


def _literal(value: Any) -> str:
    if isinstance(value, R):
        return f"v{int(value)}"
    if type(value) is int and value.bit_length() > 10_000:
        return hex(value)
    if type(value) is float and not math.isfinite(value):
        return f'float("{value}")'
    return ascii(value)


def _literals(values: Any) -> str:
    return ", ".join(map(_literal, values))


def _mapping(keys: Any, values: Any) -> str:
    return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in zip(keys, values, strict=True)) + "}"


# xml


def _xml(steps: Steps, root: Any) -> bytes:
    lines = []
    register = 0
    for name, *fields in steps:
        more = f' id="v{register}"' if name in MAKERS else ""
        register += name in MAKERS
        lines.append(f"  {_element(name, fields, more)}\n")
    return document("xml", "".join([*lines, f"  <root>{_atom(root)}</root>\n"]))


def _element(name: str, fields: list[Any], more: str) -> str:
    match name, fields:
        case "Name", [module, qualname]:
            return f"<name{_attribute('of', f'{module}:{qualname}')}{more}/>"
        case "Value", [value]:
            return _atom(value, more)
        case "Tuple" | "List" | "Set" | "FrozenSet", [items]:
            return f"<{name.lower()}{more}>{_atoms(items)}</{name.lower()}>"
        case "Dict", [keys, values]:
            return f"<dict{more}>{_items(keys, values)}</dict>"
        case "ByteArray", [data]:
            return f"<bytearray{more}>{b64encode(data).decode()}</bytearray>"
        case "New", [cls, args, *rest]:
            return f"<object{more}><class>{_atom(cls)}</class>{_arguments(args)}{_keywords(*rest)}</object>"
        case "Call", [function, args, *rest]:
            return f"<call{more}><function>{_atom(function)}</function>{_arguments(args)}{_keywords(*rest)}</call>"
        case "Member", [owner, attribute]:
            return f"<method{_attribute('name', attribute)}{more}>{_atom(owner)}</method>"
        case "Extend", [target, items]:
            return _fill(target, f"<items>{_atoms(items)}</items>")
        case "Add", [target, items]:
            return _fill(target, f"<members>{_atoms(items)}</members>")
        case "Update", [target, keys, values]:
            return _fill(target, f"<entries>{_items(keys, values)}</entries>")
        case "State", [target, names, values]:
            attributes = (f"<attribute{_attribute('name', k)}>{_atom(v)}</attribute>" for k, v in zip(names, values, strict=True))
            return _fill(target, f"<state>{''.join(attributes)}</state>")
        case "SetState", [target, state]:
            return _fill(target, f"<given-state>{_atom(state)}</given-state>")
    raise ValueError(name)


def _fill(target: Any, inner: str) -> str:
    return f"<fill><target>{_atom(target)}</target>{inner}</fill>"


def _attribute(name: str, value: str) -> str:
    return f" {name}={quoteattr(value)}" if _fits(value) else f" {name}-escaped={quoteattr(_escaped(value))}"


def _fits(text: str) -> bool:
    return all(char in "\t\n" or (char >= " " and not "\ud800" <= char <= "\udfff") for char in text)


def _escaped(text: str) -> str:
    return "".join(char if char != "\\" and _fits(char) else f"\\u{ord(char):04x}" for char in text)


def _atoms(values: Any) -> str:
    return "".join(map(_atom, values))


def _arguments(values: Any) -> str:
    return "".join(f"<argument>{_atom(value)}</argument>" for value in values)


def _keywords(names: Any = (), values: Any = ()) -> str:
    return "".join(f"<argument{_attribute('name', k)}>{_atom(v)}</argument>" for k, v in zip(names, values, strict=True))


def _items(keys: Any, values: Any) -> str:
    return "".join(f"<item>{_atom(k)}{_atom(v)}</item>" for k, v in zip(keys, values, strict=True))


def _atom(value: Any, more: str = "") -> str:
    if isinstance(value, R):
        return f'<ref to="v{int(value)}"{more}/>'
    match value:
        case None | True | False:
            return f"<{str(value).lower()}{more}/>"
        case bytes():
            return f"<bytes{more}>{b64encode(value).decode()}</bytes>"
        case int():
            return f"<int{more}>{value if value.bit_length() < 10_000 else hex(value)}</int>"
        case float():
            return f"<float{more}>{value!r}</float>"
    if _fits(value):
        return f"<str{more}>{escape(value)}</str>"
    return f'<str{more} escaped="true">{escape(_escaped(value))}</str>'
