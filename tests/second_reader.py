"""A second reader of snapshots, written from docs/format.md alone, with the standard library, msgpack and cryptography.

`read(data)` returns the header, the steps, the root, and the trailer of a document of the kinds source, msgpack and
xml. A step is a tuple that begins with its name, a reference is a pair: `("List", [1, ("ref", 0)])`. Whatever is as the
text says is read; of what isn't, only some is refused.
"""

import ast
import base64
import datetime as dt
import decimal
import fractions
import hashlib
import io
import itertools
import json
import pickle
import re
import struct
import uuid
import xml.etree.ElementTree as ET

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def read(data):
    """Return header, steps, root and trailer of a document that isn't a pickle."""
    reader = read_xml if data.startswith(b"<?xml") else read_source if data.startswith(b"# appsnap ") else read_msgpack
    header, recipe, root, trailer, before, *buffers = reader(data)
    root = recipe.settle(root)
    need(header["appsnap"] <= 1, "a newer format")
    need(sums(*buffers) == trailer.get("buffers", []), "the checksum of a buffer is wrong")
    need(hashlib.sha256(before).hexdigest() == trailer["sha256"], "the checksum is wrong")
    verify(header["kind"], trailer)
    return header, recipe.steps, root, trailer


def read_pickle(data):
    """Return the header, the bytes of the body, and the trailer of a pickle."""
    file = io.BytesIO(data)
    header = pickle.load(file)
    start = file.tell()
    body = file.read(header["size"])
    end = file.tell()
    trailer = pickle.load(file)
    before, buffers = apart(data[:end], header, start)
    for (begin, _), cls, buffer in zip(spans(header, start), types(header), buffers, strict=True):
        need(data[begin - 9] == (0x8E if cls == 0 else 0x96), "a buffer without its opcode")
        need(data[begin - 8 : begin] == len(buffer).to_bytes(8, "little"), "the size of a buffer")
    need(sums(buffers) == trailer.get("buffers", []), "the checksum of a buffer is wrong")
    need(hashlib.sha256(before).hexdigest() == trailer["sha256"], "the checksum is wrong")
    need(not file.read(), "something follows the trailer")
    verify("pickle", trailer)
    return header, body, trailer


def spans(header, start):
    """Return begin and end of each buffer; the body begins at byte `start`."""
    numbers = header.get("buffers", [])
    found = [(start + at, start + at + size) for at, size in zip(numbers[::3], numbers[1::3], strict=True)]
    need(len(numbers) == 3 * len(found) == 3 * len(types(header)) and {0, 1}.issuperset(types(header)), "types")
    need(len(found) <= 131_072 and all(end - begin >= 65_536 and begin % 64 == 0 for begin, end in found), "buffers")
    need(all(one[1] <= other[0] for one, other in itertools.pairwise([(0, start), *found])), "the order of buffers")
    return found


def types(header):
    """Return the type of each buffer: 0 for bytes, 1 for a bytearray."""
    return header.get("buffers", [])[2::3]


def apart(data, header, start):
    """Return a document without its buffers, and these."""
    found = spans(header, start)
    borders = [0, *itertools.chain(*found), len(data)]
    rest = b"".join(data[begin:end] for begin, end in zip(borders[::2], borders[1::2], strict=True))
    return rest, [data[begin:end] for begin, end in found]


def sums(buffers=()):
    """Return the checksums of each 8 MiB of each buffer."""
    size = 8 << 20
    pieces = [buffer[at : at + size] for buffer in buffers for at in range(0, len(buffer), size)]
    return [hashlib.sha256(piece).hexdigest() for piece in pieces]


def verify(kind, trailer):
    """Verify the signature, if there is one."""
    fields = dict(trailer)
    signature = fields.pop("signature", None)
    if signature is None:
        return
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    prefix, _, letters = signature["key"].rpartition("1")
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter) for letter in letters]
    bits = "".join(f"{value:05b}" for value in values[:-6])  # the checksum is for people
    key = bytes(int(bits[at : at + 8], 2) for at in range(0, 256, 8))
    need(prefix == "appsnap", "the key")
    message = f"appsnap signature 1\n{kind}\n{text}\n".encode()
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature["value"]), message)


def need(condition, what):
    if not condition:
        raise ValueError(what)


# The recipe


class Known:
    """A name that was mentioned. It becomes a step directly before the first step that refers to it."""

    def __init__(self, module, qualname):
        self.key = (module, qualname)


class _Recipe:
    def __init__(self):
        self.steps = []
        self.registers = 0
        self.once = {}

    def add(self, step, *fields):
        """Append a step; return a reference to the object that it makes or fills."""
        fields = [self.settle(field) for field in fields]
        self.steps.append((step, *fields))
        if step in ("Extend", "Update", "Add", "State", "SetState"):
            return fields[0]
        self.registers += 1
        return ("ref", self.registers - 1)

    def first(self, step, *fields):
        """Append a step unless an equal one is there."""
        if (step, *fields) not in self.once:
            self.once[step, *fields] = self.add(step, *fields)
        return self.once[step, *fields]

    def settle(self, field):
        """Replace names by references, and see that each reference is to an earlier register."""
        if isinstance(field, list):
            return [self.settle(item) for item in field]
        if isinstance(field, tuple):
            need(0 <= field[1] < self.registers, f"register {field[1]} isn't written yet")
        return self.first("Name", *field.key) if isinstance(field, Known) else field

    def atom(self, value):
        if isinstance(value, str | bytes) and len(value) > 64:
            return self.first("Value", value) if isinstance(value, str) else self.add("Value", value)
        return value

    def member(self, owner, name):
        if not isinstance(owner, Known):
            return self.add("Member", owner, name)
        module, qualname = owner.key
        return Known(module, f"{qualname}.{name}" if qualname else name)


# msgpack

NUMBERS = ["", "Name", "Value", "Tuple", "List", "Dict", "Set", "FrozenSet", "ByteArray", "New", "Call", "Member"]
NUMBERS += ["Extend", "Update", "Add", "State", "SetState", "Run", "CallWithKeywords"]


def extension(code, data):
    need(code in (1, 2), f"extension {code}")
    number = int.from_bytes(data, "big", signed=True)
    return number if code == 1 else Number(number)


class Number:
    """The number of a buffer, in the place of its data."""

    def __init__(self, number):
        self.number = number


def index(number):
    need(type(number) is int and number >= 0, f"{number} for a number")
    return number


def whole(number):
    need(type(number) is int, f"{number} for a distance")
    return number


class _Steps:
    """Turns arrays into steps of a recipe."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.names = []  # the registers of names
        self.keys = []  # those that have a number

    # Operands

    def register(self, number):
        need(0 <= number < self.recipe.registers, f"register {number} isn't written yet")
        return ("ref", number)

    def origin(self, number):
        """Return what makes something: a name by its number, anything else by its distance."""
        return self.name(number) if whole(number) >= 0 else self.register(self.recipe.registers + number)

    def name(self, number):
        return ("ref", self.names[index(number)])

    def target(self, distance):
        return self.register(self.recipe.registers - whole(distance))

    def operand(self, item):
        match item:
            case [[number]]:
                return self.name(number)
            case [distance]:
                return self.target(distance)
        need(not isinstance(item, list | dict | Number), "no operand")
        return item

    def operands(self, items, starts=None):
        """Return operands. `starts` has the register that each distance begins at, in a column of a run."""
        if len(items) == 1 and isinstance(items[0], list) and len(items[0]) > 1:
            return self.column(*items[0], starts=starts)
        return [*map(self.operand, items)]

    def column(self, code, *fields, starts):
        match code, fields:
            case 0, [distance, count]:
                first = (self.recipe.registers if starts is None else starts[0]) - whole(distance)
                return [self.register(first + number) for number in range(count)]
            case 1, [one, count]:
                return [self.operand(one)] * count
            case 2, distances:
                begins = [self.recipe.registers] * len(distances) if starts is None else starts
                return [self.register(start - whole(far)) for start, far in zip(begins, distances, strict=True)]
            case 3, [bytes() as order, *columns]:
                parts = []
                for number, column in enumerate(columns):
                    own = None if starts is None else [x for x, n in zip(starts, order, strict=True) if n == number]
                    parts.append(self.operands(column, own))
                need(all(len(part) == order.count(number) for number, part in enumerate(parts)), "merged columns")
                iterators = [*map(iter, parts)]
                return [next(iterators[number]) for number in order]
        raise ValueError(f"a column {code}")

    def mapping(self, keys, values):
        keys, values = self.numbered(keys), self.operands(values)
        need(len(keys) == len(values), "keys and values")
        return keys, values

    def numbered(self, keys):
        if not isinstance(keys, list):
            return self.keys[index(keys)]
        keys = [*map(self.operand, keys)]
        if all(isinstance(key, str) for key in keys) and sum(len(key) for key in keys) <= 16 * len(keys):
            self.keys.append(keys)
        return keys

    def named(self, names, values):
        names, values = self.mapping(names, values)
        return self.distinct(names), values

    def distinct(self, names):
        need(all(isinstance(name, str) for name in names) and len(set(names)) == len(names), "names")
        return names

    # Runs

    def run(self, number, count, *fields):
        """Return the steps that a run stands for."""
        step = NUMBERS[number]
        first = self.recipe.registers
        need(index(count) > 0, "an empty run")
        match step, fields:
            case "Value", [texts]:
                need(len(texts) == count and all(isinstance(text, str) and len(text) > 64 for text in texts), "texts")
                return [("Value", text) for text in texts]
            case "New", [cls]:
                return [("New", self.origin(cls), [], [], [])] * count
            case "New", [cls, keys, *columns]:
                names = self.distinct(self.numbered(keys))
                need(names and len(names) == len(columns), "keywords and columns")
                return [("New", self.origin(cls), [], names, row) for row in self.rows(columns, count, first)]
            case "Call", [function, *columns]:
                return [("Call", self.origin(function), row, [], []) for row in self.rows(columns, count, first)]
            case "Tuple" | "List" | "Set" | "FrozenSet", columns:
                rows = self.rows(columns, count, first)
                types = {type(item) for row in rows for item in row}
                need("Set" not in step or types <= {str} or types <= {int}, "the items of sets")
                return [(step, row) for row in rows]
            case "Dict", [keys, *columns]:
                keys = self.distinct(self.numbered(keys))
                need(len(keys) == len(columns), "keys and columns")
                return [("Dict", keys, row) for row in self.rows(columns, count, first)]
            case "State", [target, names, *columns]:
                targets = self.targets(target, count)
                names = self.distinct(self.numbered(names))
                need(len(names) == len(columns), "names and columns")
                rows = self.rows(columns, count, targets[0][1])
                return [("State", one, names, row) for one, row in zip(targets, rows, strict=True)]
            case "SetState", [target, column]:
                targets = self.targets(target, count)
                rows = self.rows([column], count, targets[0][1])
                return [("SetState", one, state) for one, (state,) in zip(targets, rows, strict=True)]
        raise ValueError(f"a run of {step} and {fields}")

    def targets(self, distance, count):
        _, first = self.target(distance)
        return [self.register(first + number) for number in range(count)]

    def rows(self, columns, count, first):
        """Return the operands of each step. Distances begin at the register that a step makes or fills."""
        found = [self.operands(column, [*range(first, first + count)]) for column in columns]
        need(all(len(column) == count for column in found), "the length of a column")
        return [[column[number] for column in found] for number in range(count)]


def read_msgpack(data):
    unpacker = msgpack.Unpacker(io.BytesIO(data), ext_hook=extension, unicode_errors="surrogatepass")
    header = unpacker.unpack()
    start = unpacker.tell()
    *steps, (root,) = unpacker.unpack()
    end = unpacker.tell()
    need(end - start == header["size"], "the size of the body")
    for begin, stop in spans(header, start):
        need(begin == end + -end % 64 and not any(data[end:begin]), "where a buffer stands")
        end = stop
    before, buffers = apart(data[:end], header, start)
    trailer = unpacked(data[end:])
    left = dict(enumerate(buffers))
    recipe = _Recipe()
    made = _Steps(recipe)
    for number, *fields in steps:
        match NUMBERS[number], fields:
            case "Tuple" | "List" | "Set" | "FrozenSet" as step, items:
                recipe.add(step, made.operands(items))
            case "Dict", [keys, *values]:
                recipe.add("Dict", *made.mapping(keys, values))
            case "New", [cls, args, *keywords]:
                names, values = made.named(keywords[0], keywords[1:]) if keywords else ([], [])
                recipe.add("New", made.origin(cls), made.operands(args), names, values)
            case "Call", [function, *args]:
                recipe.add("Call", made.origin(function), made.operands(args), [], [])
            case "CallWithKeywords", [function, args, keys, *values]:
                names, values = made.named(keys, values)
                need(names, "keywords")
                recipe.add("Call", made.origin(function), made.operands(args), names, values)
            case "Extend" | "Add" as step, [target, *items]:
                recipe.add(step, made.target(target), made.operands(items))
            case "Update", [target, keys, *values]:
                recipe.add("Update", made.target(target), *made.mapping(keys, values))
            case "State", [target, names, *values]:
                recipe.add("State", made.target(target), *made.named(names, values))
            case "SetState", [target, state]:
                recipe.add("SetState", made.target(target), made.operand(state))
            case "Member", [owner, name]:
                recipe.add("Member", made.operand(owner), name)
            case "Value" | "ByteArray" as step, [Number(number=number)]:
                need(types(header)[number] == (step == "ByteArray"), "the type of a buffer")
                recipe.add(step, left.pop(number))
            case "Name", [module, qualname]:
                made.names.append(recipe.registers)
                recipe.add("Name", module, qualname)
            case "Value" | "ByteArray" as step, [_]:
                recipe.add(step, *fields)
            case "Run", fields:
                for step in made.run(*fields):
                    recipe.add(*step)
            case step, _:
                raise ValueError(f"{step} of {fields}")
    need(not left, "a buffer that nothing has")
    need(len(recipe.steps) == trailer["steps"], "the number of steps")
    return header, recipe, made.operand(root), trailer, before, buffers


def unpacked(data):
    return msgpack.unpackb(data, unicode_errors="surrogatepass")


# source

FILLS = ("state", "set_state", "extend", "add", "update")
REFUSED = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5]|"
    "[\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc]|"
    "[\U000110bd\U000110cd\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a]|"
    "[\U000e0000-\U000e0fff]"
)


CLOCK = ["hour", "minute", "second", "microsecond", "tzinfo", "fold"]
PARAMETERS = {
    ("builtins", "complex"): ["real", "imag"],
    ("collections", "deque"): ["iterable", "maxlen"],
    ("datetime", "date"): ["year", "month", "day"],
    ("datetime", "datetime"): ["year", "month", "day", *CLOCK],
    ("datetime", "time"): CLOCK,
    ("datetime", "timedelta"): ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"],
    ("datetime", "timezone"): ["offset", "name"],
    ("decimal", "Decimal"): ["value"],
    ("fractions", "Fraction"): ["numerator", "denominator"],
    **{("ipaddress", f"IPv{n}{x}"): ["address"] for n in "46" for x in ("Address", "Interface", "Network")},
    ("re", "compile"): ["pattern", "flags"],
    ("uuid", "UUID"): ["hex", "bytes", "bytes_le", "fields", "int"],
    ("zoneinfo", "ZoneInfo"): ["key"],
}
ABSENT = {"tzinfo": None, "iterable": (), **dict.fromkeys([*CLOCK[:4], "numerator", "real"], 0)}


def by_position(name, args, named):
    """Return the arguments of a call as the recipe has them."""
    given = dict(zip(PARAMETERS[name], args, strict=False))
    need(len(given) == len(args) and not given.keys() & named.keys(), "arguments")
    need(named.keys() <= {*PARAMETERS[name]}, "keywords")
    given |= named
    plain = all(type(value) in (int, float, str, bytes) for value in given.values())
    value = given.get(PARAMETERS[name][0])
    match name[1]:
        case "timedelta" if plain and (named or len(args) > 3 or float in map(type, args)):
            duration = dt.timedelta(**given)
            return [duration.days, duration.seconds, duration.microseconds]
        case "Decimal" if type(value) in (int, float) and (type(value) is float or value.bit_length() <= 14_300):
            return [str(decimal.Decimal(value))]
        case "UUID" if plain and value is None:
            return [str(uuid.UUID(**given))]
        case "Fraction" if plain and "denominator" not in given:
            text = re.fullmatch(r"\s*[-+]?[0-9]{0,300}\.[0-9]{0,300}\s*", value) if type(value) is str else True
            return [*fractions.Fraction(value).as_integer_ratio()] if text else [value]
        case "datetime" | "time" if given.pop("fold", 0):
            zone = given.pop("tzinfo", None)
            packed = getattr(dt, name[1])(**given, fold=1).__reduce_ex__(4)[1]
            return [*packed, *([] if zone is None else [zone])]
    most = max((PARAMETERS[name].index(key) + 1 for key in given), default=0)
    return [given[key] if key in given else ABSENT[key] for key in PARAMETERS[name][:most]]


def read_source(data):
    head = re.match(rb"# appsnap (\d+) source: (.*)\n", data)
    tail = re.search(rb"\n# appsnap trailer: (.*)\n\Z", data)
    text = data.decode("utf-8")
    need(head and tail and not REFUSED.search(text), "no header, no trailer, or a character that may not occur")
    module = _Module()
    for statement in ast.parse(text).body:
        need("application" not in module.variables, "something stands behind the last statement")
        module.statement(statement)
    header = {"appsnap": int(head[1]), "kind": "source", **json.loads(head[2])}
    return header, module.recipe, module.variables["application"], json.loads(tail[1]), data[: tail.start() + 1]


class _Module:
    def __init__(self):
        self.recipe = _Recipe()
        self.variables = {}

    def bind(self, variable, value):
        need(variable not in self.variables, f"{variable} is bound twice")
        self.variables[variable] = value

    def statement(self, node):
        match node:
            case ast.ImportFrom(module="appsnap.actions", level=0):
                pass
            case ast.ImportFrom(module=module, names=names, level=0):
                for alias in names:
                    self.bind(alias.asname or alias.name, Known(module, alias.name))
            case ast.Import(names=[alias]):
                self.bind(alias.asname or alias.name, Known(alias.name, ""))
            case ast.Assign(targets=[ast.Name(id=variable)], value=value):
                self.bind(variable, self.expr(value))
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as fill) if name in FILLS:
                self.expr(fill)
            case _:
                raise ValueError(ast.unparse(node))

    def expr(self, node):
        add = self.recipe.add
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() | bytes() as value):
                return self.recipe.atom(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.UnaryOp(op=ast.USub(), operand=ast.UnaryOp()):
                raise ValueError("two minuses")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                product = self.number(left) * self.number(right)
                need(isinstance(product, float) or abs(product) < 10**4300, "a product of more than 4,300 digits")
                return product
            case ast.Name(id=variable):
                return self.variables[variable]
            case ast.Attribute(value=owner, attr=name):
                return self.recipe.member(self.expr(owner), name)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return add(type(node).__name__, self.exprs(items))
            case ast.Dict():
                return add("Dict", *self.pairs(node))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=named) if name not in self.variables:
                return self.helper(name, args, named)
            case ast.Call(func=function, args=args, keywords=named):
                function = self.expr(function)
                args, (names, values) = self.exprs(args), self.named(named)
                if isinstance(function, Known) and function.key in PARAMETERS:
                    args = by_position(function.key, args, dict(zip(names, values, strict=True)))
                    names = values = []
                return add("Call", function, [add("Tuple", []) if x == () else x for x in args], names, values)
        raise ValueError(ast.unparse(node))

    def number(self, node):
        value = self.expr(node)
        need(type(value) in (int, float) and (type(value) is float or abs(value) < 10**4300), "no number")
        return value

    def exprs(self, nodes):
        return [self.expr(node) for node in nodes]

    def pairs(self, node):
        both = [(self.expr(key), self.expr(value)) for key, value in zip(node.keys, node.values, strict=True)]
        return [key for key, _ in both], [value for _, value in both]

    def named(self, keywords):
        """Return the names and values of `NAME=expr, **dict`."""
        names, values = [], []
        for keyword in keywords:
            names += [keyword.arg] if keyword.arg else [key.value for key in keyword.value.keys]
            values += self.exprs([keyword.value] if keyword.arg else keyword.value.values)
        return names, values

    def data(self, name, args):
        """Return the bytes of `from_base64` or `packed`."""
        match name, args:
            case "from_base64", [ast.Constant(value=str() as text)]:
                return base64.b64decode(text, validate=True)
            case "packed", [ast.Constant(value=str() as form), *rows]:
                numbers = [number for row in rows for number in self.exprs(row.elts)]
                need(all(isinstance(row, ast.List) for row in rows) and form[0] in "<>|", "rows of numbers")
                letter = dict(
                    zip(
                        ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"],
                        "?bhiqBHIQefd",
                        strict=True,
                    )
                )[form[1:]]
                needed = {bool} if letter == "?" else {int, float} if letter in "efd" else {int}
                need(needed.issuperset(map(type, numbers)), "the types of numbers")
                return struct.pack(f"{form[0].replace('|', '<')}{len(numbers)}{letter}", *numbers)
        raise ValueError(name)

    def helper(self, name, args, named):
        add = self.recipe.add
        match name, args:
            case "set", []:
                return add("Set", [])
            case "frozenset", []:
                return add("FrozenSet", [])
            case "frozenset", [ast.Set(elts=items)]:
                return add("FrozenSet", self.exprs(items))
            case "bytearray", [ast.Constant(value=bytes() as value)]:
                return add("ByteArray", value)
            case "bytearray", [ast.Call(func=ast.Name(id="from_base64" | "packed" as inner), args=args)]:
                return add("ByteArray", self.data(inner, args))
            case "from_base64" | "packed", _:
                return self.recipe.atom(self.data(name, args))
            case "float", [ast.Constant(value="nan" | "-nan" | "inf" | "-inf" as value)]:
                return float(value)
            case "getattr", [owner, ast.Constant(value=str() as attribute)]:
                return self.recipe.member(self.expr(owner), attribute)
            case "named", [ast.Constant(value=module), *rest]:
                return Known(module, rest[0].value if rest else "")
            case "new", [cls, *args]:
                return add("New", self.expr(cls), self.exprs(args), *self.named(named))
            case "state", [target]:
                return add("State", self.expr(target), *self.named(named))
            case "set_state", [target, state]:
                return add("SetState", self.expr(target), self.expr(state))
            case "extend" | "add", [target, ast.List(elts=items)]:
                return add(name.title(), self.expr(target), self.exprs(items))
            case "update", [target, ast.Dict() as node]:
                return add("Update", self.expr(target), *self.pairs(node))
        raise ValueError(f"a call of {name}")


# xml

STEPS = {"list": "List", "tuple": "Tuple", "set": "Set", "frozenset": "FrozenSet", "items": "Extend", "members": "Add"}


def read_xml(data):
    need(b"<!DOCTYPE" not in data and data.endswith(b"</snapshot>\n"), "a DTD, or no end")
    before = data[: data.rindex(b"\n  <trailer ") + 1]
    snapshot = ET.fromstring(data)
    *elements, root, trailer = snapshot
    need((snapshot.tag, root.tag, trailer.tag) == ("snapshot", "root", "trailer"), "elements")
    document = _Document()
    for element in elements:
        need(element.tag == "fill" or "id" in element.attrib, "a value without id")
        document.value(element)
    header = {
        name.removesuffix("-escaped"): text_of(snapshot, name.removesuffix("-escaped")) for name in snapshot.attrib
    }
    header["appsnap"] = int(header["appsnap"])
    signatures = [one for one in trailer if one.tag == "signature"]
    owners = {owner.attrib["name"]: owner.attrib["version"] for owner in trailer if owner.tag == "distribution"}
    fields = {"sha256": trailer.attrib["sha256"], "steps": int(trailer.attrib["steps"]), "distributions": owners}
    if "vouched" in trailer.attrib:
        fields["vouched"] = trailer.attrib["vouched"] == "true"
    if signatures:
        fields["signature"] = {"key": signatures[0].attrib["key"], "value": signatures[0].text}
    return header, document.recipe, document.value(root[0]), fields, before


def text_of(element, name):
    """Return the value of an attribute, or None."""
    text = element.get(f"{name}-escaped")
    return element.get(name) if text is None else unescaped(text)


def unescaped(text):
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


def known(text):
    module, _, qualname = text.partition(":")
    return Known(module, qualname)


class _Document:
    def __init__(self):
        self.recipe = _Recipe()
        self.ids = {}

    def value(self, element):
        value = self.made(element)
        if "id" in element.attrib:
            self.ids[element.attrib["id"]] = value
        return value

    def values(self, elements):
        return [self.value(element) for element in elements]

    def made(self, element):
        text = element.text or ""
        add = self.recipe.add
        match element.tag:
            case "none" | "true" | "false" as tag:
                return {"none": None, "true": True, "false": False}[tag]
            case "int":
                return int(text, 16 if "0x" in text else 10)
            case "float":
                return float(text)
            case "str":
                return self.recipe.atom(unescaped(text) if element.get("escaped") == "true" else text)
            case "bytes":
                return self.recipe.atom(base64.b64decode(text))
            case "bytearray":
                return add("ByteArray", base64.b64decode(text))
            case "list" | "tuple" | "set" | "frozenset" as tag:
                return add(STEPS[tag], self.values(element))
            case "dict":
                return add("Dict", *self.items(element))
            case "name":
                return known(text_of(element, "of"))
            case "ref":
                return self.ids[element.attrib["to"]]
            case "method":
                return self.recipe.member(self.value(element[0]), text_of(element, "name"))
            case "object" | "call" | "filled" | "fill" as tag:
                return getattr(self, tag)(element)
        raise ValueError(element.tag)

    def items(self, element):
        keys, values = [], []
        for item in element:
            key = text_of(item, "key")
            keys.append(self.value(item[0]) if key is None else self.recipe.atom(key))
            values.append(self.value(item[-1]))
        return keys, values

    def first(self, element, name):
        """Return the object named by an attribute, else the value in the first child; and the other children."""
        text = text_of(element, name)
        return (self.value(element[0][0]), element[1:]) if text is None else (known(text), element[:])

    def object(self, element, step="New", role="class"):
        cls, rest = self.first(element, role)
        arguments = [(text_of(x, "name"), self.value(x[0])) for x in rest if x.tag == "argument"]
        positional = [value for name, value in arguments if name is None]
        named = [(name, value) for name, value in arguments if name is not None]
        made = self.recipe.add(step, cls, positional, [name for name, _ in named], [value for _, value in named])
        return self.filling(made, rest[len(arguments) :])

    def call(self, element):
        return self.object(element, "Call", "function")

    def filled(self, element):
        return self.filling(*self.first(element, "target"))

    def fill(self, element):
        if "ref" in element.attrib:
            return self.filling(self.ids[element.attrib["ref"]], element)
        return self.filled(element)

    def filling(self, target, elements):
        add = self.recipe.add
        for element in elements:
            match element.tag:
                case "state":
                    names = [text_of(attribute, "name") for attribute in element]
                    add("State", target, names, self.values(attribute[0] for attribute in element))
                case "given-state":
                    add("SetState", target, self.value(element[0]))
                case "items" | "members" as tag:
                    add(STEPS[tag], target, self.values(element))
                case "entries":
                    add("Update", target, *self.items(element))
                case _:
                    raise ValueError(element.tag)
        return target
