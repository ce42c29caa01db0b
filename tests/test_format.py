import collections
import copyreg
import datetime as dt
import decimal
import functools
import hashlib
import importlib
import inspect
import io
import itertools
import json
import logging
import math
import os.path
import pickle
import random
import re
import struct
import sys
import traceback
from pathlib import Path

import msgpack
import pytest

import appsnap
import second_reader
import shop
from appsnap import actions, sob
from appsnap.errors import CannotLoad, Damaged, NewerFormat, NotInGrammar, NotTrusted, PassphraseError
from appsnap.files import age
from appsnap.kinds import KINDS, kind_named, recognise
from appsnap.kinds.header import Header
from appsnap.recipe.runs import COLUMNS, Run
from appsnap.recipe.steps import Ref
from appsnap.service import Application, MultiService

READ_BY_BOTH = ("source", "msgpack", "xml")
LONG = "x" * 65
R = [("ref", number) for number in range(10)]
CODES = (*range(0x100), *range(0x600, 0x620), *range(0x2000, 0x2070), 0x34F, 0x17B5, 0x180D, 0x2800, 0x3000, 0x3164)
CODES += (0xD800, 0xFE0F, 0xFEFE, 0xFEFF, 0xFFA0, 0xFFF8, 0xFFFC, 0xFFFE, 0x110BD, 0x13430, 0x1BCA0, 0x1D173, 0x1F375)
CODES += (0xE0000, 0xE01EF, 0xE0FFF, 0xE1000)
COLLIDING = ("web", "web", "web_2", "new", "set", "list", "class", "application", "é", "1st", "a_b", "a b", LONG, 5)
DICTS = [("Dict", ["a"], [1]), ("Dict", ["a"], [2])]
OF_B = [("Dict", ["b"], [1]), ("Dict", ["b"], [2])]
FILLS = ("Extend", "Update", "Add", "State", "SetState")


# What is compared


def theirs(data, kind):
    """Return steps and root as appsnap reads them, in the form of the second reader."""
    recipe = kind_named(kind).read(memoryview(data)).recipe
    return [(type(step).__name__, *map(translated, step)) for step in recipe.steps], translated(recipe.root)


def translated(field):
    if type(field) is Ref:
        return ("ref", int(field))
    if isinstance(field, (list, tuple, *COLUMNS)):
        return [translated(part) for part in field]
    return bytes(field) if isinstance(field, (bytearray, memoryview)) else field


def with_late_names(steps, root):
    """Put the step of each name directly before the first that refers to it."""
    recipe = second_reader._Recipe()
    made = []

    def moved(field):
        if isinstance(field, tuple):
            return made[field[1]]
        return [moved(part) for part in field] if isinstance(field, list) else field

    for step, *fields in steps:
        if step == "Name":
            made.append(second_reader.Known(*fields))
            continue
        result = recipe.add(step, *map(moved, fields))
        if step not in FILLS:
            made.append(result)
    return recipe.steps, recipe.settle(moved(root))


def exact(value):
    """Return a value that equals only a value of the same type, and only the same bits of a float."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(exact, value)]
    return type(value).__name__, struct.pack(">d", value) if isinstance(value, float) else value


def agreed(data, kind):
    """Return steps and root of a document, on which both readers agree."""
    _, steps, root, _ = second_reader.read(data)
    other = theirs(data, kind)
    assert exact((steps, root)) == exact(with_late_names(*other) if kind == "source" else other)
    return steps, root


def service(**attributes):
    """Return an object with any attributes."""
    made = MultiService()
    vars(made).clear()
    vars(made).update(attributes)
    return made


def cycle(through):
    node = service()
    node.holder = {"list": [node], "dictionary": {node: node}, "set": {node, 1, "a"}}[through]
    return node.holder


def nested(count, wrap):
    made = wrap(0)
    for _ in range(count):
        made = wrap(made)
    return made


def values():
    shared = [1]
    itself = []
    itself.append((itself, [1]))
    keyed = {}
    keyed["me"] = keyed[3] = keyed
    long_bytes = b"z" * 65
    array = bytearray(b"abc")
    large = bytearray((8 << 20) + 1)
    ordered = collections.OrderedDict(b=1, a=[2])
    ordered.note = "an attribute"
    web = shop.make().getServiceNamed("web")
    return {
        "shop": shop.make(),
        "singletons": [None, True, False, ..., NotImplemented, type(None), type(...)],
        "integers": [0, 255, *(s * 2**n + d for s in (1, -1) for n in (0, 31, 63, 64, 127) for d in (-1, 0, 1))],
        "huge integers": [10**5000, -(10**5000), 1 << 9_999, 1 << 10_000],
        "floats": [0.0, -0.0, 1.5, 5e-324, 1.7e308, math.inf, -math.inf, math.nan, -math.nan],
        "texts": ["", "日本語", "\U0001f375", "'\"\\", '"""', " x ", "&<>]]>"],
        "texts of 64 and 65": ["x" * 64, LONG, LONG, "é" * 64, "é" * 65],
        "odd texts": [
            "\0",
            "\n",
            "\r\n",
            "\t",
            "\x7f",
            "\x85\x9b\xad",
            "\u061c\u200b\u2028\u202e\ufeff\U000e0041",
            "\ufffe\uffff",
        ],
        "surrogates": ["\ud800", "\udfff x", "\udc00\ud800", "\ud800" * 65],
        "texts like trailers": ["\n\n# appsnap trailer: {}\n", "\n  <trailer ", "line\n" * 30, "]]>\n</snapshot>\n"],
        "bytes": [b"", b"x" * 64, b"x" * 65, b"x" * 65, bytes(range(256)), b"'\"\\\n"],
        "shared bytes": [long_bytes, long_bytes],
        "bytearrays": [bytearray(), bytearray(range(256)), array, array],
        "a list in itself": itself,
        "a dictionary in itself": keyed,
        **{f"a cycle through a {through}": cycle(through) for through in ("list", "dictionary", "set")},
        "shared": [shared, (shared, shared), {"a": shared}, service(a=shared)],
        "tuples": ((), ((),), (1,), (1, 2, (3, (4, [5])))),
        "sets": [set(), frozenset(), {1}, frozenset([frozenset()])],
        "a set of all": {frozenset([1]), (1, 2), int, None, LONG, 2.5, b"b"},
        "dictionaries": [{}, {1: 2}, {"a": 1, 2: 3}, {(1, 2): [3]}, {None: 1, True: 2, 1.5: 3, b"a": 4}, {int: 1}],
        "odd keys": [{"": 1, "\ud800": 2, "\n": 3, "\r": 4, "\0": 5, "a b": 6, "class": 7}, {LONG: 1, "a": 2}],
        "an ordered dictionary": ordered,
        "collections": [collections.deque([1, 2], 3), collections.Counter("aab"), collections.defaultdict(list)],
        "times": [
            dt.datetime(2020, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - without a time zone is what is tested
            dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
            dt.timedelta(5, 6, 7),
            dt.timezone(dt.timedelta(hours=1), "é"),
            dt.date(1, 1, 1),
            dt.time(1, 2),
        ],
        "numbers": [decimal.Decimal("3.20"), complex(-0.0, 1), range(5), slice(1, None, 2)],
        "methods": [web.answer, [].append, "abc".upper, (1).__add__, dict.fromkeys, dt.datetime.now, LONG.join],
        "names": [shop.services.Mood.BUSY, shop.services.Mood, int, len, json, os.path, os.path.join, shop.Stock.order],
        "names of Python's own": [set, frozenset, bytearray, float, getattr, type, object, list, print],
        "calls": [functools.partial(int, "12", base=3), logging.getLogger("a.b"), ValueError(1), random.Random(1)],
        "extended, with a state": traceback.StackSummary([1, 2]),
        "slots": msgpack.Timestamp(1, 2),
        "odd attributes": service(
            **{"a": 1, "class": 2, "a b": 3, "": 4, "é": 5, "self": 6, "cls": 7, "\ud800": 8, "\n": 9}
        ),
        "a long attribute": service(**{LONG: 1}),
        "colliding names": [service(name=name, parent=None) for name in COLLIDING] * 2,
        "deep": nested(60, lambda x: [x]),
        "deep dictionaries": nested(60, lambda x: {"a": x, "b": (x,)}),
        "a long list": list(range(5_000)),
        "a long dictionary": {str(n): [n] for n in range(3_000)},
        "a long set": set(range(3_000)),
        "a long tuple": tuple(range(3_000)),
        "an atom": 5,
        "a long text": LONG,
        "large bytes": [
            b"a" * 65_535,
            b"b" * 65_536,
            bytearray(b"c" * 70_001),
            {"a": large, "b": large},
            b"d" * 65_600,
        ],
        "a class": shop.Stock,
        **runs(),
    }


class Slotted:
    """Objects without `__dict__`."""

    __slots__ = ("a", "b", "peer")


def slotted(number):
    made = Slotted()
    made.a, made.b = number, [number]
    if number % 2:
        made.peer = made
    return made


def tree(depth, number=0):
    made = service(number=number, name=f"s{number}", parent=None, services=[])
    for place in range(12 if depth else 0):
        child = tree(depth - 1, number * 12 + place)
        child.parent = made
        made.services.append(child)
    return made


def peers(count):
    chance = random.Random(1)
    made = [service(name=f"p{number}") for number in range(count)]
    for one in made:
        one.peer, one.maybe = chance.choice(made), chance.choice([None, 5, chance.choice(made)])
    return made


def runs():
    """Return objects of one shape in long lists."""
    classes = [type(f"C{number}", (), {"__module__": __name__}) for number in range(300)]
    for cls in classes:
        globals().setdefault(cls.__name__, cls)
    some = [globals()[cls.__name__] for cls in classes]
    shared, long = [1], "y" * 100
    mixed = [[number, str(number)] for number in range(20)] + [{"n": number, "s": shared} for number in range(20)]
    mixed += [(number, 1.5, None) for number in range(20)] + [None, "a", 2.5, long, b"b" * 70, shared, int]
    random.Random(2).shuffle(mixed)
    row = {"deep": [[{"x": number}] for number in range(9)]}
    return {
        "runs of a tree": tree(2),
        "runs of records": [{"id": n, "name": f"n{n}", "rate": n / 7, "on": n % 2 == 0, "same": 5} for n in range(50)],
        "runs in a mixed list": mixed,
        "runs of slots": [slotted(number) for number in range(20)],
        "runs of sets": [{n, n + 1} for n in range(9)] + [frozenset({f"a{n}", "b"}) for n in range(9)] + [set()] * 9,
        "sets without a run": [
            [{n, None} for n in range(9)],
            [{n, 0.5} for n in range(9)],
            [{n, f"{n}"} for n in range(9)],
        ],
        "runs of long texts": [f"{number:070}" for number in range(20)] * 2 + [long, long],
        "runs with long texts": [
            {"t": f"{number:070}", "u": long, "v": f"{number:0{60 + number}}"} for number in range(9)
        ],
        "runs of peers": peers(50),
        "runs with None": [service(n=n, x=None if n % 3 else [n]) for n in range(30)],
        "runs of long integers": [{"huge": 10**200, "large": 2**512 - 1} for n in range(10)],
        "runs of equal parts": [service(a=1, b="x", c=shared, d=(), e=int) for n in range(10)],
        "many shapes": [service() if n % 7 else globals()[f"C{n % 300}"]() for n in range(3_000)],
        "300 classes": [some[n % 300]() for n in range(300 * 8)],
        "runs in runs": [row, *({"deep": [[{"x": (number,)}] * 2] * 9} for number in range(9))],
        "deep runs": nested(12, lambda x: [[x, number] for number in range(2)] + [[number, 1] for number in range(8)]),
        "runs below the last level": nested(40, lambda x: [x, [[number] for number in range(8)]]),
        "runs with classes": [[int, number, [len]] for number in range(9)] + [(str, int)] * 9,
        "runs of many columns": [dict.fromkeys(map(str, range(width)), 1) for width in (64, 65) for _ in range(8)],
        "runs of eight and seven": [[[n] for n in range(8)], [[n] for n in range(7)], [[n, 0] for n in range(7)]],
        "runs of values": [{"d": dt.date(2000, 1, n), "c": complex(n, 1)} for n in range(1, 12)],
        "runs that are undone": [service(a=n, m=mixed[0].copy) for n in range(9)]
        + [random.Random(n) for n in range(9)],
        "runs of negative zeros": [{"z": -0.0 if n % 2 else 0.0, "n": math.nan, "b": n == 3} for n in range(9)],
        "runs of odd keys": [{"": n, "\ud800": n, 1: n} for n in range(9)] + [{"": n, "\ud800": n} for n in range(9)],
        "long keys": [{LONG: n} for n in range(9)] + [service(**{LONG: n}) for n in range(9)],
    }


VALUES = values()


@pytest.fixture(params=READ_BY_BOTH)
def kind(request):
    return request.param


# Documents made by hand


def of_msgpack(*steps, root=None, **fields):
    body = msgpack.packb([*steps, [root]], unicode_errors="surrogatepass")
    head = msgpack.packb({"appsnap": 1, "kind": "msgpack", **fields, "size": len(body)})
    sha256 = hashlib.sha256(head + body).hexdigest()
    counts = [step[2] if isinstance(step, list) and step[:1] == [17] and len(step) > 2 else 1 for step in steps]
    return head + body + msgpack.packb({"sha256": sha256, "steps": sum(counts)})


def of_source(text, header="{}", number=1):
    head = f"# appsnap {number} source: {header}\n\n{text}\n".encode("utf-8", "surrogatepass")
    trailer = json.dumps({"sha256": hashlib.sha256(head).hexdigest(), "steps": 0})
    return head + f"# appsnap trailer: {trailer}\n".encode()


def of_xml(elements, attributes='appsnap="1" kind="xml"', start='<?xml version="1.0" encoding="UTF-8"?>'):
    head = f"{start}\n<snapshot {attributes}>\n{elements}\n".encode()
    return head + f'  <trailer sha256="{hashlib.sha256(head).hexdigest()}" steps="0"/>\n</snapshot>\n'.encode()


def of_pickle(body, **fields):
    head = pickle.dumps({"appsnap": 1, "kind": "pickle", **fields, "size": len(body)}, 5)
    return head + body + pickle.dumps({"sha256": hashlib.sha256(head + body).hexdigest()}, 5)


def calling(function, *args):
    """Return the pickle of a call."""
    parts = [pickle.dumps(part, 2, fix_imports=False)[2:-1] for part in (function, *args)]
    return b"\x80\x05" + parts[0] + b"(" + b"".join(parts[1:]) + b"tR."


def back(distance):
    """Return a reference in msgpack: so many registers before the next one."""
    return [distance]


class TestRecipes:
    @pytest.mark.parametrize("name", VALUES)
    def test_two_readers_find_the_same(self, kind, name):
        """A reader made from the text alone reads a document as appsnap does."""
        agreed(appsnap.dumps(VALUES[name], kind), kind)

    @pytest.mark.parametrize("name", VALUES)
    def test_equal_objects_give_equal_bytes(self, kind, name):
        """Objects made anew in the same way are the same document."""
        assert appsnap.dumps(values()[name], kind) == appsnap.dumps(VALUES[name], kind)

    @pytest.mark.parametrize("name", ["shop", "odd keys", "a cycle through a set", "a long list"])
    def test_the_kinds_make_the_same(self, kind, name):
        """In any order of steps, the loaded objects give the bytes of the original."""
        made = appsnap.loads(appsnap.dumps(VALUES[name], kind), trust=appsnap.EVERYTHING)

        assert appsnap.dumps(made, "msgpack") == appsnap.dumps(VALUES[name], "msgpack")

    @pytest.mark.parametrize(
        ("value", "steps"),
        [
            ([LONG, LONG + "", "x" * 64], [("Value", LONG), ("List", [R[0], R[0], "x" * 64])]),
            (VALUES["shared bytes"], [("Value", b"z" * 65), ("List", [R[0], R[0]])]),
            ([b"x" * 65, bytes([120]) * 65], [("Value", b"x" * 65), ("Value", b"x" * 65), ("List", [R[0], R[1]])]),
            (
                [[1], int, [2], int],
                [("List", [1]), ("List", [2]), ("Name", "builtins", "int"), ("List", [R[0], R[2], R[1], R[2]])],
            ),
            (json, [("Name", "json", "")]),
            (shop.services.Mood.BUSY, [("Name", "shop.services", "Mood.BUSY")]),
            ("abc".upper, [("Member", "abc", "upper")]),
            (bytearray(b"a"), [("ByteArray", b"a")]),
            (
                VALUES["a list in itself"],
                [("List", []), ("List", [1]), ("Tuple", [R[0], R[1]]), ("Extend", R[0], [R[2]])],
            ),
            (
                VALUES["an ordered dictionary"],
                [
                    ("Name", "collections", "OrderedDict"),
                    ("Call", R[0], [], [], []),
                    ("List", [2]),
                    ("Update", R[1], ["b", "a"], [1, R[2]]),
                    ("State", R[1], ["note"], ["an attribute"]),
                ],
            ),
            (
                VALUES["slots"],
                [
                    ("Name", "msgpack.ext", "Timestamp"),
                    ("New", R[0], [], [], []),
                    ("Dict", ["seconds", "nanoseconds"], [1, 2]),
                    ("Tuple", [None, R[2]]),
                    ("SetState", R[1], R[3]),
                ],
            ),
            ({2.5, b"b", "a", "B", None, True, 3, -1}, [("Set", [None, True, -1, 3, 2.5, "B", "a", b"b"])]),
        ],
        ids=itertools.count(),
    )
    def test_writing(self, value, steps):
        """Texts once, bytes once an object, names before their first use, cycles filled at the end, sets in order."""
        found, _ = agreed(appsnap.dumps(value, "msgpack"), "msgpack")

        assert exact(found) == exact(steps)

    def test_sets_have_made_things_behind_atoms(self):
        """In a set: atoms, then objects of earlier steps by register, then earlier names, then the rest."""
        first, second = (1,), (2,)
        steps, _ = agreed(appsnap.dumps([second, first, int, {int, (3,), first, second, "a"}], "msgpack"), "msgpack")

        (items,) = [step[1] for step in steps if step[0] == "Set"]
        kinds = [steps[item[1]] if isinstance(item, tuple) else item for item in items]
        assert kinds == ["a", ("Tuple", [2]), ("Tuple", [1]), ("Name", "builtins", "int"), ("Tuple", [3])]

    def test_a_state_for_setstate(self):
        """A class's own `__setstate__` gets a state of any shape."""
        steps, _ = agreed(appsnap.dumps(random.Random(1), "msgpack"), "msgpack")

        assert steps[-1] == ("SetState", R[1], R[3])

    @pytest.mark.parametrize(
        ("obj", "last"), [(shop.services.Price(1), "SetState"), (shop.Stock({}), "State")], ids=["plain", "transient"]
    )
    def test_a_dictionary_for_setstate(self, monkeypatch, kind, obj, last):
        """It is a State all the same where the class has transient attributes."""
        monkeypatch.setattr(type(obj), "__setstate__", lambda self, state: None, raising=False)

        assert agreed(appsnap.dumps(obj, kind), kind)[0][-1][0] == last

    @pytest.mark.parametrize(
        "steps",
        [
            [[4, back(0)]],
            [[4, back(-1)], [4]],
            [[4, back(1)]],
            [[12, 0]],
            [[10, 0], [1, "builtins", "int"]],
            [[4, [[0]]], [1, "builtins", "int"]],
        ],
        ids=str,
    )
    def test_a_reference_is_to_an_earlier_register(self, steps):
        """With any trust, a reader refuses a reference to a later register."""
        with pytest.raises(Damaged, match="not written yet"):
            appsnap.loads(of_msgpack(*steps), trust=appsnap.EVERYTHING)

    @pytest.mark.parametrize(
        "steps",
        [
            [[5, []], [12, 1, 1]],
            [[4], [13, 1, ["a"], 1]],
            [[4], [14, 1, 1]],
            [[4], [15, 1, ["a"], 1]],
            [[5, []], [16, 1, None]],
            [[4], [10, -1]],
            [[4], [9, -1, []]],
            [[4], [17, 9, 2, -1]],
            [[17, 4, 2], [17, 15, 2, 2, ["a"], [1, 2]]],
            [[17, 5, 2, []], [17, 16, 2, 2, [1, 2]]],
            [[1, "appsnap.service", "Service"], [9, 0, []], [15, 1, ["__class__"], 1]],
            [[1, "appsnap.service", "Service"], [9, 0, []], [5, ["__class__"], 1], [15, 2, 0, 1]],
            [[1, "appsnap.service", "Service"], [17, 9, 2, 0], [17, 15, 2, 2, ["__class__"], [1, 2]]],
            [[1, "os", "system"], [10, 0, "true"]],
            [[1, "os", "system"], [4, [[0]]]],
            [[1, "os", "system"], [17, 4, 2, [[1, [[0]], 2]]]],
        ],
        ids=str,
    )
    def test_what_is_checked_before_anything_is_made(self, steps):
        """Fillings fit their targets, makers are names, no attribute is Python's own, and names are trusted."""
        with pytest.raises(NotTrusted):
            appsnap.loads(of_msgpack(*steps))

    def test_a_state_of_any_shape_is_checked_when_it_is_set(self):
        """Nothing names an attribute that is Python's own in a SetState either."""
        steps = [[1, "appsnap.service", "Service"], [9, 0, []], [5, ["__class__"], 1], [16, 2, back(1)]]

        with pytest.raises(NotTrusted, match="Python's own"):
            appsnap.loads(of_msgpack(*steps))

    def test_names_trusted_without_being_listed(self):
        """They stand where the text says."""
        assert "the registry of `appsnap.recipe.values`" in Path(__file__).parents[1].joinpath(
            "docs/format.md"
        ).read_text("utf-8")
        assert appsnap.loads(of_msgpack([1, "builtins", "int"], root=[[0]])) is int


class TestHeaderAndTrailer:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_header_has_its_keys_in_order(self, tmp_path, kind, monkeypatch):
        """Number, kind, name, tag, time, versions, size; a source file has no time, a text no size."""
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1078056000")
        appsnap.save(shop.make(), tmp_path / "file", kind=kind, tag="blue")

        data = (tmp_path / "file").read_bytes()
        header = (second_reader.read_pickle if kind == "pickle" else second_reader.read)(data)[0]

        expected = {"appsnap": 1, "kind": kind, "name": "shop", "tag": "blue"}
        expected |= {} if kind == "source" else {"time": "2004-02-29T12:00:00Z"}
        expected |= {"python": sys.version.split()[0], "version": appsnap.__version__}
        size = header.pop("size", None)
        assert list(header.items()) == list(expected.items())
        assert (size is not None) == (kind in ("pickle", "msgpack"))

    @pytest.mark.parametrize(
        ("kind", "tag"),
        [
            *itertools.product(KINDS, ["", "a\nb", "é", "\0", "\ud800", "\\u0041"]),
        ],
        ids=ascii,
    )
    def test_a_tag_is_any_text(self, tmp_path, kind, tag):
        """The header holds any text."""
        appsnap.save(None, tmp_path / "file", kind=kind, tag=tag)

        assert appsnap.open_snapshot(tmp_path / "file").header.tag == tag

    @pytest.mark.parametrize("kind", KINDS)
    def test_dumps_leaves_out_time_name_and_tag(self, kind):
        """The header from dumps has only the versions, so equal objects give equal bytes."""
        read = second_reader.read_pickle if kind == "pickle" else second_reader.read

        header = read(appsnap.dumps(shop.make(), kind))[0]

        assert not header.keys() & {"time", "name", "tag"}

    def test_the_trailer(self, kind):
        """It has the sum, the number of steps, and the distributions of names that aren't appsnap's or Python's."""
        _, steps, _, trailer = second_reader.read(appsnap.dumps([msgpack.Timestamp(1), service(), json], kind))

        assert trailer.keys() == {"sha256", "steps", "distributions"}
        assert trailer["steps"] == len(steps)
        assert trailer["distributions"] == {"msgpack": ".".join(map(str, msgpack.version))}

    def test_a_long_container_adds_steps(self):
        """The trailer counts the steps of the recipe that was written; a divided container has more when it is read."""
        counts = {kind: second_reader.read(appsnap.dumps([*range(5_000)], kind))[1::2] for kind in READ_BY_BOTH}

        assert {kind: trailer["steps"] for kind, (_, trailer) in counts.items()} == dict.fromkeys(READ_BY_BOTH, 1)
        assert {kind: len(steps) for kind, (steps, _) in counts.items()} == {"source": 12, "msgpack": 1, "xml": 12}

    @pytest.mark.parametrize(
        "data",
        [
            of_msgpack(appsnap=2),
            of_source("application = None\n", number=2),
            of_xml("<root><none/></root>", 'appsnap="2" kind="xml"'),
            of_pickle(pickle.dumps(None, 5), appsnap=2),
        ],
        ids=lambda data: data[:9],
    )
    def test_a_newer_format_is_refused(self, data):
        """A number above the reader's own isn't guessed at."""
        with pytest.raises(NewerFormat):
            appsnap.loads(data)

    @pytest.mark.parametrize(
        "data",
        [
            of_msgpack(flavour="new"),
            of_source("application = None\n", '{"flavour": "new"}'),
            of_xml("<root><none/></root>", 'appsnap="1" kind="xml" flavour="new"'),
            of_pickle(pickle.dumps(None, 5), flavour="new"),
        ],
        ids=lambda data: data[:9],
    )
    def test_unknown_keys_are_ignored(self, data):
        """A newer field doesn't keep an old reader from reading."""
        assert appsnap.loads(data) is None

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_wrong_checksum(self, kind):
        """It is refused, but in a source file it means that somebody edited it."""
        data = appsnap.dumps(["tea"], kind).replace(b"tea", b"ale")

        if kind == "source":
            assert appsnap.loads(data) == ["ale"]
            assert kind_named(kind).read(memoryview(data)).edited
        else:
            with pytest.raises(Damaged, match="checksum"):
                appsnap.loads(data)


class TestLayers:
    @pytest.mark.parametrize(
        ("kind", "first"),
        [("pickle", b"\x80"), ("source", b"# appsnap "), ("msgpack", b"\x85\xa7appsnap"), ("xml", b"<?xml")],
    )
    def test_a_document_is_known_by_its_first_bytes(self, kind, first):
        """Each kind begins as its section says."""
        data = appsnap.dumps(None, kind)

        assert data.startswith(first)
        assert recognise(data[:16]) == kind

    @pytest.mark.parametrize(("count", "known"), [(12, True), (13, False)])
    def test_a_header_of_msgpack_has_at_most_15_keys(self, count, known):
        """With more, the map begins otherwise, and isn't recognised."""
        data = of_msgpack(**{f"key{n}": "" for n in range(count)})

        if known:
            assert appsnap.loads(data) is None
        else:
            with pytest.raises(Damaged, match="no snapshot"):
                appsnap.loads(data)

    def test_zstd_has_a_checksum(self):
        """The frame begins with its magic number, and the bit of its descriptor for a checksum is set."""
        data = appsnap.dumps([1], compress=True)

        assert data.startswith(bytes.fromhex("28B52FFD"))
        assert data[4] & 0b100

    def test_age(self, monkeypatch):
        """A passphrase is a recipient of type scrypt, a key one of type X25519 or mlkem768x25519; armor is a text."""
        assert inspect.signature(age.ScryptRecipient).parameters["work_factor"].default == 18
        assert inspect.signature(age.ScryptIdentity).parameters["max_work_factor"].default == 20
        monkeypatch.setattr("appsnap.files.age.WORK_FACTOR", age.CHEAPEST)
        keys = {"X25519": age.X25519Identity.generate(), "mlkem768x25519": age.HybridIdentity.generate()}

        first = appsnap.dumps(None, passphrase="tea").split(b"\n")
        assert first[0] == b"age-encryption.org/v1"
        assert first[1].startswith(b"-> scrypt ")
        assert sum(line.startswith(b"-> ") for line in first) == 1
        for stanza, key in keys.items():
            data = appsnap.dumps(None, recipients=[str(key.recipient)])
            assert data.split(b"\n")[1].split()[:2] == [b"->", stanza.encode()]
        assert str(keys["mlkem768x25519"].recipient).startswith("age1pq1")
        armored = appsnap.dumps(None, passphrase="tea", armor=True)
        assert armored.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
        assert appsnap.loads(b" \r\n" * 341 + armored, passphrase="tea") is None

    def test_a_passphrase_is_alone(self):
        """With another recipient beside it nothing is written."""
        key = age.X25519Identity.generate()

        with pytest.raises(PassphraseError, match="only recipient"):
            appsnap.dumps(None, passphrase="tea", recipients=[str(key.recipient)])


def columns_of(data):
    """Return the columns of all runs of a document, by the name of their class."""
    found = collections.Counter()
    seen = [kind_named("msgpack").read(memoryview(data)).recipe.compact]
    while seen:
        for one in seen.pop():
            if isinstance(one, Run):
                found[one.step.__name__] += 1
                seen.append(one.columns)
            elif isinstance(one, (list, *COLUMNS)):
                found[type(one).__name__] += 1
                seen += [one.columns] if isinstance(one, COLUMNS[2]) else []
    return found


def check_steps(steps, expected):
    """Check that both readers find these ordinary steps in a msgpack, or that it is refused."""
    data = of_msgpack(*steps)

    if expected is None:
        with pytest.raises(Damaged):
            theirs(data, "msgpack")
    else:
        assert exact(agreed(data, "msgpack")[0]) == exact(expected)


N = [("Name", "a", "b")]
LONGS = [LONG + "a", LONG + "b"]


class TestRuns:
    def test_every_sort_occurs(self):
        """The values here have each sort of run, and of column."""
        found = sum((columns_of(appsnap.dumps(value, "msgpack")) for value in runs().values()), collections.Counter())

        assert found.keys() == {"Value", "Tuple", "List", "Dict", "Set", "FrozenSet", "New", "Call", "State"} | {
            *("SetState", "list", "Span", "Same", "Merged")
        }

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([[17, 2, 2, LONGS]], [("Value", text) for text in LONGS]),
            ([[1, "a", "b"], [17, 9, 2, 0]], [*N, *[("New", R[0], [], [], [])] * 2]),
            ([[4], [17, 9, 1, -1]], [("List", []), ("New", R[0], [], [], [])]),
            ([[1, "a", "b"], [17, 9, 1, 0, ["x"], [5]]], [*N, ("New", R[0], [], ["x"], [5])]),
            (
                [[1, "a", "b"], [17, 10, 2, 0, [5, 6], [[1, 7, 2]]]],
                [*N, ("Call", R[0], [5, 7], [], []), ("Call", R[0], [6, 7], [], [])],
            ),
            ([[1, "a", "b"], [17, 10, 2, 0]], [*N, *[("Call", R[0], [], [], [])] * 2]),
            ([[17, 4, 3]], [("List", [])] * 3),
            ([[17, 3, 2, [1, "a"], [None, 2.5]]], [("Tuple", [1, None]), ("Tuple", ["a", 2.5])]),
            ([[17, 6, 2, ["a", "b"]]], [("Set", ["a"]), ("Set", ["b"])]),
            ([[17, 7, 2, [1, 2], [[1, 5, 2]]]], [("FrozenSet", [1, 5]), ("FrozenSet", [2, 5])]),
            ([[17, 5, 2, ["a"], [1, 2]]], DICTS),
            ([[5, ["a"], 1], [17, 5, 2, 0, [1, 2]]], [DICTS[0], *DICTS]),
            ([[17, 5, 2, ["a"], [1, 2]], [5, 0, 1]], [*DICTS, DICTS[0]]),
            ([[17, 5, 2, []]], [("Dict", [], [])] * 2),
            # Distances begin at the register that the step makes.
            ([[4], [17, 4, 2, [[2, 1, 2]]]], [("List", []), *[("List", [R[0]])] * 2]),
            ([[4], [4], [17, 4, 2, [[0, 2, 2]]]], [("List", []), ("List", []), ("List", [R[0]]), ("List", [R[1]])]),
            # Of other references they begin at the register that the first step makes.
            ([[4], [17, 4, 2, [[1], 5]]], [("List", []), ("List", [R[0]]), ("List", [5])]),
            ([[4], [17, 4, 2, [[1, [1], 2]]]], [("List", []), *[("List", [R[0]])] * 2]),
            # They begin at the register that the step fills.
            (
                [[4], [17, 4, 2], [17, 15, 2, 2, ["a"], [[2, 1, 2]]]],
                [*[("List", [])] * 3, *[("State", one, ["a"], [R[0]]) for one in R[1:3]]],
            ),
            ([[17, 4, 2], [17, 15, 2, 2, ["a"], [[2, 0, -1]]]], None),
            (
                [[17, 4, 2], [17, 15, 2, 2, ["a"], [[2, -1, 1]]]],
                [*[("List", [])] * 2, ("State", R[0], ["a"], [R[1]]), ("State", R[1], ["a"], [R[0]])],
            ),
            (
                [[17, 4, 4], [17, 16, 2, 4, [[0, -2, 2]]]],
                [*[("List", [])] * 4, ("SetState", R[0], R[2]), ("SetState", R[1], R[3])],
            ),
            (
                [[17, 4, 2], [17, 16, 2, 2, [None, [2]]]],
                [*[("List", [])] * 2, ("SetState", R[0], None), ("SetState", R[1], R[0])],
            ),
            # In merged columns they begin at the register of the step in that place.
            (
                [[4], [4], [17, 4, 4, [[3, b"\0\1\0\1", [[2, 1, 2]], [[0, 2, 2]]]]]],
                None,
            ),
            (
                [[4], [4], [17, 4, 4, [[3, b"\0\1\0\1", [[2, 1, 4]], [[0, 3, 2]]]]]],
                [("List", []), ("List", []), *[("List", [one]) for one in (R[1], R[0], R[0], R[1])]],
            ),
            (
                [[4], [17, 3, 3, [[3, b"\1\0\1", [7], [[1, [1], 2]]]]]],
                [("List", []), *[("Tuple", [one]) for one in (R[0], 7, R[0])]],
            ),
            # Ordinary steps may have columns, too.
            ([[4], [4], [4, [0, 2, 2]]], [("List", []), ("List", []), ("List", R[:2])]),
            ([[4], [4], [3, [2, 1, 2]]], [("List", []), ("List", []), ("Tuple", [R[1], R[0]])]),
            ([[4], [12, 1, [1, [1], 2]]], [("List", []), ("Extend", R[0], [R[0], R[0]])]),
            ([[4], [5, ["a", "b"], [1, 5, 2]]], [("List", []), ("Dict", ["a", "b"], [5, 5])]),
            ([[4], [10, -1, [3, b"\1\0\0", [1, 2], [[1]]]]], [("List", []), ("Call", R[0], [R[0], 1, 2], [], [])]),
            ([[4], [9, -1, [[1, 5, 2]], ["a"], [2, 1]]], [("List", []), ("New", R[0], [5, 5], ["a"], [R[0]])]),
            ([[4], [9, -1, [5, [1]]]], [("List", []), ("New", R[0], [5, R[0]], [], [])]),
        ],
        ids=itertools.count(),
    )
    def test_what_they_stand_for(self, steps, expected):
        """Both readers find the same ordinary steps in a run."""
        check_steps(steps, expected)


class TestBuffers:
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_header_and_trailer(self, kind):
        """Both describe each buffer as in the text, with keys in that order; a checksum covers 8 MiB at most."""
        data = appsnap.dumps(VALUES["large bytes"], kind)
        read = second_reader.read_pickle if kind == "pickle" else second_reader.read
        header, trailer = read(data)[0], read(data)[-1]

        assert [*header][-3:] == ["size", "buffers", "padding"]
        assert header["buffers"][1::3] == [65_536, 70_001, (8 << 20) + 1, 65_600]
        assert not header["padding"].strip(" ")
        assert header["buffers"][2::3] == [0, 1, 1, 0]
        assert len(trailer["buffers"]) == 5
        assert [*trailer][:2] == ["sha256", "buffers"]


class TestPickle:
    @pytest.mark.parametrize("name", VALUES)
    def test_three_pickles_in_a_row(self, name):
        """`pickle.load` finds header, body and trailer, the header's size is the body's, the sum is of both."""
        data = appsnap.dumps(VALUES[name])
        header, body, trailer = second_reader.read_pickle(data)

        assert body[:2] == b"\x80\x05"
        assert data[14:23] == b"\x8c\x07appsnap"
        assert next(iter(header)) == "appsnap"
        assert "distributions" in trailer
        if "steps" not in trailer:
            assert appsnap.dumps(pickle.loads(body), "msgpack") == appsnap.dumps(VALUES[name], "msgpack")

    def test_a_pickle_of_a_recipe_counts_its_steps(self, tmp_path):
        """`steps` is missing where objects were pickled directly."""
        recipe = kind_named("msgpack").read(memoryview(appsnap.dumps([1, [2]], "msgpack"))).recipe
        data = b"".join(kind_named("pickle").write(Header("pickle"), recipe, {}))

        assert second_reader.read_pickle(data)[2]["steps"] == 2
        assert pickle.loads(second_reader.read_pickle(data)[1]) == [1, [2]]
        assert "steps" not in second_reader.read_pickle(appsnap.dumps([1, [2]]))[2]

    @pytest.mark.parametrize("protocol", range(6))
    def test_a_pickle_without_header_is_a_body(self, protocol):
        """Of every protocol; those that have no first byte of their own are read where the kind is given."""
        assert appsnap.loads(pickle.dumps({"a": [1]}, protocol), kind="pickle") == {"a": [1]}

    @pytest.mark.parametrize(
        ("body", "steps"),
        [
            (pickle.dumps([*range(3_000)], 5), [("List", [*range(3_000)])]),
            (pickle.dumps({n: n for n in range(3_000)}, 5), [("Dict", [*range(3_000)], [*range(3_000)])]),
            (b"\x80\x05]\x94(h\x00K\x01e.", [("List", []), ("Extend", R[0], [R[0], 1])]),
            (b"c__builtin__\nxrange\n.", [("Name", "builtins", "range")]),
            (b"\x80\x03c__builtin__\nxrange\n.", [("Name", "__builtin__", "xrange")]),
            (b"(i__main__\nA\n.", [("Name", "__main__", "A"), ("New", R[0], [], [], [])]),
            (b"(c__main__\nA\nI5\no.", [("Name", "__main__", "A"), ("Call", R[0], [5], [], [])]),
            (b"U\x01a.", []),
            (pickle.dumps(complex, 5), [("Name", "builtins", "complex")]),
            (pickle.dumps(1j, 5), [("Name", "builtins", "complex"), ("Call", R[0], [0.0, 1.0], [], [])]),
            (
                pickle.dumps(service(a=1), 5),
                [("Name", "appsnap.service", "MultiService"), ("New", R[0], [], [], []), ("State", R[1], ["a"], [1])],
            ),
        ],
        ids=itertools.count(),
    )
    def test_opcodes(self, body, steps):
        """They are translated to steps as the text says."""
        assert exact(theirs(body, "pickle")[0]) == exact(steps)

    def test_a_state_that_something_else_refers_to(self):
        """Then every state of the pickle is a SetState."""
        first, second = shop.services.Price(1), shop.services.Price(2)

        apart = [step[0] for step in theirs(pickle.dumps([first, second], 5), "pickle")[0]]
        shared = [step[0] for step in theirs(pickle.dumps([first, second, vars(second)], 5), "pickle")[0]]

        assert apart == ["Name", "New", "State", "New", "State", "List"]
        assert shared == ["Name", "New", "Dict", "SetState", "New", "Dict", "SetState", "List"]

    @pytest.mark.parametrize(
        ("function", "args", "steps"),
        [
            (copyreg.__newobj__, (int, 5), [("Name", "builtins", "int"), ("New", R[0], [5], [], [])]),
            (copyreg._reconstructor, (int, object, None), [("Name", "builtins", "int"), ("New", R[0], [], [], [])]),
            (importlib.import_module, ("os",), [("Name", "os", "")]),
            (getattr, (int, "real"), [("Name", "builtins", "int.real")]),
            (getattr, ("a", "upper"), [("Member", "a", "upper")]),
            (type, (None,), [("Name", "types", "NoneType")]),
            (len, ("a",), [("Name", "builtins", "len"), ("Call", R[0], ["a"], [], [])]),
            (
                actions.called,
                (sorted, ("ba",), {"reverse": True}),
                [("Name", "builtins", "sorted"), ("Call", R[0], ["ba"], ["reverse"], [True])],
            ),
            (actions.called, (getattr, ("a", "upper"), {}), [("Member", "a", "upper")]),
        ],
        ids=itertools.count(),
    )
    def test_calls_that_are_a_spelling_of_something_else(self, function, args, steps):
        """They become the simpler step."""
        assert theirs(calling(function, *args), "pickle")[0] == steps

    def test_set_state(self):
        """Its call is a State."""
        made = calling(actions.set_state, service(), {"a": 1})

        assert theirs(made, "pickle")[0][-1] == ("State", R[1], ["a"], [1])

    @pytest.mark.parametrize(
        "body",
        [
            b"Px\n.",
            b"\x80\x02K\x01Q.",
            b"\x80\x02\x82\x01.",
            b"\x80\x05\x97.",
            calling(copyreg.__newobj_ex__, int, (), {}),
        ],
        ids=itertools.count(),
    )
    def test_what_only_the_writer_could_resolve_is_refused(self, body):
        """Persistent ids, extension codes, buffers out of band, and calls of `copyreg.__newobj_ex__`."""
        with pytest.raises(CannotLoad, match=r"only the program that wrote it|don't need"):
            theirs(body, "pickle")


class TestMsgpack:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([[1, "a", "b.c"]], [("Name", "a", "b.c")]),
            ([[2, LONG]], [("Value", LONG)]),
            ([[3], [4, 1], [6, 1], [7, 1]], [("Tuple", []), ("List", [1]), ("Set", [1]), ("FrozenSet", [1])]),
            ([[5, []]], [("Dict", [], [])]),
            ([[5, ["b", "a"], 1, back(0)]], None),
            ([[4], [5, ["b", "a"], 1, back(1)]], [("List", []), ("Dict", ["b", "a"], [1, R[0]])]),
            ([[3], [5, [back(1), 0], 2, 3]], [("Tuple", []), ("Dict", [R[0], 0], [2, 3])]),
            ([[5, ["a", 1], 2, 3]], [("Dict", ["a", 1], [2, 3])]),
            ([[5, ["a", "a"], 2, 3]], [("Dict", ["a", "a"], [2, 3])]),
            ([[8, b"a"]], [("ByteArray", b"a")]),
            ([[1, "a", "b"], [9, 0, [1]]], [("Name", "a", "b"), ("New", R[0], [1], [], [])]),
            ([[1, "a", "b"], [9, 0, [], ["k"], 2]], [("Name", "a", "b"), ("New", R[0], [], ["k"], [2])]),
            ([[1, "a", "b"], [9, 0, [back(1)], []]], [("Name", "a", "b"), ("New", R[0], [R[0]], [], [])]),
            ([[1, "a", "b"], [9, -1, [[[0]]]]], [("Name", "a", "b"), ("New", R[0], [R[0]], [], [])]),
            ([[4], [1, "a", "b"], [4, [[0]]]], [("List", []), ("Name", "a", "b"), ("List", [R[1]])]),
            ([[4], [10, -1]], [("List", []), ("Call", R[0], [], [], [])]),
            ([[1, "a", "b"], [10, 0, 1, 2]], [("Name", "a", "b"), ("Call", R[0], [1, 2], [], [])]),
            (
                [[1, "a", "b"], [18, 0, [1, back(0)], ["k", "l"], 2, back(1)]],
                None,
            ),
            (
                [[1, "a", "b"], [18, 0, [1, back(1)], ["k", "l"], 2, back(1)]],
                [("Name", "a", "b"), ("Call", R[0], [1, R[0]], ["k", "l"], [2, R[0]])],
            ),
            ([[1, "a", "b"], [18, 0, [], []]], None),
            ([[1, "a", "b"], [18, 0, [], ["k"]]], None),
            ([[1, "a", "b"], [18, 0, [], ["k", "k"], 1, 2]], None),
            ([[1, "a", "b"], [18, 0, [], [1], 2]], None),
            ([[11, "a", "upper"]], [("Member", "a", "upper")]),
            ([[4], [12, 1, 1]], [("List", []), ("Extend", R[0], [1])]),
            ([[5, []], [13, 1, [1], 2]], [("Dict", [], []), ("Update", R[0], [1], [2])]),
            ([[6], [14, 1, 1]], [("Set", []), ("Add", R[0], [1])]),
            ([[4], [15, 1, ["a"], 1]], [("List", []), ("State", R[0], ["a"], [1])]),
            ([[4], [15, 1, [LONG], 1]], [("List", []), ("State", R[0], [LONG], [1])]),
            ([[4], [16, 1, None]], [("List", []), ("SetState", R[0], None)]),
            ([[4, msgpack.ExtType(1, b"\x01" + bytes(9))]], [("List", [2**72])]),
            ([[4, msgpack.ExtType(1, b"\xff" + bytes(9))]], [("List", [-(2**72)])]),
            ([[4, "\ud800"]], [("List", ["\ud800"])]),
            ([[17]], None),
            ([[0]], None),
            ([[]], None),
            ([1], None),
            ([[1, "a"]], None),
            ([[4], [16, 1, back(1)]], [("List", []), ("SetState", R[0], R[0])]),
            ([[4], [11, back(1), "pop"]], [("List", []), ("Member", R[0], "pop")]),
            ([[4, back(1)]], None),
            ([[4, back(-1)]], None),
            ([[4, {}]], None),
            ([[4, {"a": 1}]], None),
            ([[5, {}]], None),
            ([[5, {"a": 1}]], None),
            ([[5, ["a"]]], None),
            ([[5, ["a"], 1, 2]], None),
            ([[4], [13, 1, ["a"]]], None),
            ([[4], [15, 1, ["a"], 1, 2]], None),
            ([[4], [15, 1, [1], 2]], None),
            ([[4], [15, 1, {"a": 1}]], None),
            ([[1, "a", "b"], [9, 0, [], [1], 2]], None),
            ([[1, "a", "b"], [9, 0, [], ["k"]]], None),
            ([[4], [16, back(1), None]], None),
            ([[4], [4, []]], None),
            ([[4], [4, [0, 0]]], None),
            ([[4], [4, [[0]]]], None),
            ([[4], [4, ["0"]]], None),
            ([[4], [4, [False]]], None),
            ([[4], [4, [-1]]], None),
            ([[4], [4, msgpack.ExtType(0, b"\x00")]], None),
            ([[4, msgpack.ExtType(2, b"\x01")]], None),
            ([[4, msgpack.Timestamp(1)]], None),
        ],
        ids=itertools.count(),
    )
    def test_steps(self, steps, expected):
        """A step is a number and its fields; anything else is refused."""
        check_steps(steps, expected)

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([[5, ["a", "b"], 1, 2], [5, 0, 3, 4]], [("Dict", ["a", "b"], [1, 2]), ("Dict", ["a", "b"], [3, 4])]),
            ([[5, []], [5, 0], [5, ["a"], 1], [5, 1, 2]], [*[("Dict", [], [])] * 2, *DICTS]),
            ([[5, [1], 1], [5, ["a"], 1], [5, 0, 2]], [("Dict", [1], [1]), *DICTS]),
            ([[5, ["a", b"a"], 1, 1], [5, ["a"], 1], [5, 0, 2]], [("Dict", ["a", b"a"], [1, 1]), *DICTS]),
            ([[5, [LONG], 1], [5, ["a"], 1], [5, 0, 2]], [("Dict", [LONG], [1]), *DICTS]),
            ([[5, ["é" * 16], 1], [5, 0, 2]], [("Dict", ["é" * 16], [1]), ("Dict", ["é" * 16], [2])]),
            ([[5, ["a"], 1], [5, ["a"], 1], [5, ["b"], 1], [5, 2, 2]], [DICTS[0], DICTS[0], *OF_B]),
            (
                [[1, "a", "b"], [9, 0, [], ["k"], 1], [15, 1, 0, 2], [13, 1, 0, 3], [5, 0, 4], [9, 0, [], 0, 5]],
                [
                    ("Name", "a", "b"),
                    ("New", R[0], [], ["k"], [1]),
                    ("State", R[1], ["k"], [2]),
                    ("Update", R[1], ["k"], [3]),
                    ("Dict", ["k"], [4]),
                    ("New", R[0], [], ["k"], [5]),
                ],
            ),
            (
                [[4], [13, 1, ["a"], 1], [15, 1, ["b"], 1], [5, 0, 2], [15, 2, 1, 2]],
                [
                    ("List", []),
                    ("Update", R[0], ["a"], [1]),
                    ("State", R[0], ["b"], [1]),
                    ("Dict", ["a"], [2]),
                    ("State", R[0], ["b"], [2]),
                ],
            ),
            ([[5, ["a", "a"], 1, 2], [5, 0, 3, 4]], [("Dict", ["a", "a"], [1, 2]), ("Dict", ["a", "a"], [3, 4])]),
            ([[5, ["a", "a"], 1, 2], [15, 1, 0, 3, 4]], None),
            ([[1, "a", "b"], [5, ["a", "a"], 1, 2], [9, 0, [], 0, 3, 4]], None),
            ([[4], [15, 1, ["a", "a"], 1, 2]], None),
            ([[5, 0]], None),
            ([[5, [1], 1], [5, 0, 1]], None),
            ([[5, [LONG], 1], [5, 0, 1]], None),
            ([[4], [15, 1, [LONG], 1], [15, 1, 0, 1]], None),
            ([[5, ["a"], 1], [5, 1, 2]], None),
            ([[5, ["a"], 1], [5, -1, 2]], None),
            ([[5, ["a"], 1], [5, False, 2]], None),
            ([[5, ["a"], 1], [5, 0.0, 2]], None),
            ([[5, ["a"], 1], [5, None, 2]], None),
            ([[5, ["a"], 1], [5, "a", 2]], None),
            ([[5, ["a"], 1], [5, "0", 2]], None),
            ([[5, ["a"], 1], [5, 2**63, 2]], None),
            ([[5, ["a"], 1], [5, 0]], None),
            ([[5, ["a"], 1], [5, 0, 2, 3]], None),
            ([[4], [15, 1, ["a"], 1], [15, 1, 0]], None),
            ([[4], [15, 1, ["a"], 1], [15, 1, 0, 2, 3]], None),
            ([[4], [15, 1, ["a"], 1], [15, 1, -1, 2]], None),
        ],
        ids=itertools.count(),
    )
    def test_numbers_of_keys(self, steps, expected):
        """Arrays of short texts are numbered across all steps; another integer is refused."""
        check_steps(steps, expected)

    def test_keys_are_written_once(self):
        """Equal keys are written by their number, across all steps; other keys are written in full."""
        value = [{"a": 1}, {}, {LONG: 1}, {"a": 2}, {}, {LONG: 2}, service(a=3), {"a": 4, 1: 5}, {"a": 6, 1: 7}]

        _, body, _ = msgpack.Unpacker(io.BytesIO(appsnap.dumps(value, "msgpack")))

        assert [step[2 if step[0] == 15 else 1] for step in body if step[0] in (5, 15)] == [
            *(["a"], [], [[1]], 0, 1, [[4]], 0, ["a", 1], ["a", 1])
        ]
        assert agreed(appsnap.dumps(value, "msgpack"), "msgpack")

    @pytest.mark.parametrize("place", [0, 2])
    def test_no_map_has_a_key_twice(self, place):
        """Header and trailer that have are refused: it could be read as either."""
        parts = [*msgpack.Unpacker(io.BytesIO(of_msgpack()))]
        packed = [msgpack.packb(part) for part in parts]
        packed[place] = bytes([packed[place][0] + 1]) + packed[place][1:]
        packed[place] += msgpack.packb("size") + msgpack.packb(2) if place == 0 else msgpack.packb("steps") + b"\x00"
        if place == 0:
            packed[2] = msgpack.packb(parts[2] | {"sha256": hashlib.sha256(packed[0] + packed[1]).hexdigest()})

        with pytest.raises(Damaged, match="one key twice"):
            appsnap.loads(b"".join(packed))

    def test_what_is_written(self):
        """Three objects; references are arrays of one, integers beyond 64 bits are extensions."""
        data = appsnap.dumps([{"a": 1}, {1: 2}, 2**64 - 1, 2**64, -(2**63)], "msgpack")

        header, body, trailer = msgpack.Unpacker(io.BytesIO(data))

        assert (
            header["size"]
            == len(msgpack.packb(body))
            == len(data) - len(msgpack.packb(header) + msgpack.packb(trailer))
        )
        big = msgpack.ExtType(1, b"\x01" + bytes(8))
        assert body == [
            [5, ["a"], 1],
            [5, [1], 2],
            [4, back(2), back(1), 2**64 - 1, big, -(2**63)],
            [back(1)],
        ]


TIMEDELTA, UTC = ("Name", "datetime", "timedelta"), ("Name", "datetime", "timezone.utc")


def called(*args):
    return "Call", R[0], [*args], [], []


NO_STATEMENTS = """
import os, json; application = 1
import os.path; application = 1
from os import *; application = 1
from . import a; application = 1
from appsnap.actions import new as make; application = 1
from appsnap.actions import restore_state; application = 1
x = 1; x = 2; application = x
x = y = 1; application = x
x, y = 1, 2; application = x
x: int = 1; application = x
new = 1; application = 1
named = 1; application = 1
set = 1; application = 1
float = 1; application = 1
getattr = 1; application = 1
application = 1; x = 2
application = 1; application = 2
x = 2
'a text'; application = 1
print(); application = 1
import os; application = os.getenv(*['a'])
if 1: application = 1
def application(): pass
é = 1; application = é
""".strip().split("\n")
NO_EXPRESSIONS = """
x
len('a')
f''
1j
...
+1
--1
1 + 1
'a' * 3
[1][0]
[*()]
{**{}}
[x for x in ()]
2 * 'a'
from_base64('A')
from_base64('AA=')
from_base64('AA==AA==')
from_base64('A A=')
from_base64('AAA-')
from_base64(b'AAAA')
bytearray(from_base64('!'))
packed('<f8', 1)
packed('<f8', ['1'])
packed('<f8', [True])
packed('<f8', [[1]])
packed('<f4', [1e39])
packed('<i1', [128])
packed('<u8', [-1])
packed('<i4', [1.0])
packed('|b1', [1])
packed('=f8', [1])
packed('<c8', [1])
packed('f8', [1])
packed('<f8', *[[1]])
packed()
[1] * 2
2 * True
-[1]
-None
2 * 3 .real
(2).real * 3
2 * nothing
7e300 * 1e300 * 'a'
1 if 2 else 3
(x := 1)
lambda: 1
float('1')
set([1])
frozenset([1])
frozenset(set())
bytearray(1)
getattr('a', b'')
named('a', 'b', 'c')
new()
new(1)
state(1, a=2)
extend([], (1,))
update({}, [])
set_state([], a=1)
1 +
""".strip().split("\n")


class TestSource:
    @pytest.mark.parametrize(
        ("text", "steps", "root"),
        [
            ("import os\napplication = os", [("Name", "os", "")], R[0]),
            ("import os.path as p\napplication = p.join", [("Name", "os.path", "join")], R[0]),
            ("from a.b import c, d as e\napplication = e", [("Name", "a.b", "d")], R[0]),
            ("from a import (\n    c,\n)\napplication = c.d.e", [("Name", "a", "c.d.e")], R[0]),
            ("from a import b\nx = b\napplication = x.c", [("Name", "a", "b.c")], R[0]),
            ("application = named('a-b')", [("Name", "a-b", "")], R[0]),
            ("application = named('a', '<b>').c", [("Name", "a", "<b>.c")], R[0]),
            ("application = getattr(named('a', 'b'), 'c d')", [("Name", "a", "b.c d")], R[0]),
            ("application = getattr('a', 'c d')", [("Member", "a", "c d")], R[0]),
            ("application = (1).real", [("Member", 1, "real")], R[0]),
            ("application = ((1))", [], 1),
            ("application = (\n    'a'\n    \"b\"\n)", [], "ab"),
            ("application = b'a' b'b'", [], b"ab"),
            ("application = 0x10", [], 16),
            ("application = from_base64('AAEC' 'Aw==')", [], b"\0\1\2\3"),
            ("application = bytearray(from_base64(''))", [("ByteArray", b"")], R[0]),
            (f"application = from_base64('{'A' * 100}')", [("Value", bytes(75))], R[0]),
            ("application = packed('<i2', [1, -2], [3])", [], b"\1\0\xfe\xff\3\0"),
            ("application = bytearray(packed('>f4', [0.1, 2 * 3, float('-inf'),],),)", None, R[0]),
            ("application = [packed('|b1', [True, False]), packed('<f2', []), packed('<f8')]", None, R[0]),
            ("application = -1.5", [], -1.5),
            ("x = 60\napplication = -(x * 60) * 24", [], -86400),
            ("application = 0.1 * 3 * -3 * (2 * 0x10) * -(float('inf'))", [], math.inf),
            (
                "from datetime import timedelta\napplication = timedelta(hours=1.5)",
                [TIMEDELTA, called(0, 5400, 0)],
                R[1],
            ),
            (
                "from datetime import timedelta\napplication = timedelta(1, hours=-25)",
                [TIMEDELTA, called(-1, 82800, 0)],
                R[1],
            ),
            ("from datetime import timedelta\napplication = timedelta(days=1)", [TIMEDELTA, called(1, 0, 0)], R[1]),
            ("from datetime import timedelta\napplication = timedelta(1)", [TIMEDELTA, called(1)], R[1]),
            ("import datetime\napplication = datetime.timedelta()", [TIMEDELTA, called()], R[1]),
            (
                "from datetime import datetime as D, timezone\napplication = D(2026, 5, day=1, tzinfo=timezone.utc)",
                [("Name", "datetime", "datetime"), UTC, ("Call", R[0], [2026, 5, 1, 0, 0, 0, 0, R[1]], [], [])],
                R[2],
            ),
            (
                "from datetime import time, timezone\napplication = time(2, fold=1, tzinfo=timezone.utc)",
                [("Name", "datetime", "time"), UTC, ("Call", R[0], [b"\x82\0\0\0\0\0", R[1]], [], [])],
                R[2],
            ),
            (
                "from collections import deque\napplication = deque(maxlen=3)",
                [("Tuple", []), ("Name", "collections", "deque"), ("Call", R[1], [R[0], 3], [], [])],
                R[2],
            ),
            ("from uuid import UUID\napplication = UUID(int=5)", None, R[1]),
            ("import decimal\napplication = [decimal.Decimal(value=0.1), decimal.Decimal(5)]", None, R[3]),
            (
                "import fractions\napplication = [fractions.Fraction('0.5'), fractions.Fraction(numerator=5)]",
                None,
                R[3],
            ),
            ("import re\napplication = re.compile(flags=2, pattern='a')", None, R[1]),
            ("application = float('-nan')", [], -math.nan),
            ("application = float('inf')", [], math.inf),
            ("application = [None, True, (), (1,), {2}, {3: 4}]", None, R[4]),
            ("application = [set(), frozenset(), frozenset({1})]", None, R[3]),
            ("application = bytearray(b'a')", [("ByteArray", b"a")], R[0]),
            (f"application = ['{LONG}', '{LONG}']", [("Value", LONG), ("List", [R[0], R[0]])], R[1]),
            ("x = []\nextend(x, [1])\napplication = x", [("List", []), ("Extend", R[0], [1])], R[0]),
            ("x = set()\nadd(x, [1])\napplication = x", [("Set", []), ("Add", R[0], [1])], R[0]),
            ("application = update({}, {1: 2})", [("Dict", [], []), ("Update", R[0], [1], [2])], R[0]),
            ("application = set_state([], 1)", [("List", []), ("SetState", R[0], 1)], R[0]),
            ("application = state([], a=1, **{'b c': 2})", [("List", []), ("State", R[0], ["a", "b c"], [1, 2])], R[0]),
            (
                "from a import b\nfrom appsnap.actions import new, state\napplication = new(b, [1], c=[2], **{'': 3})",
                [("List", [1]), ("List", [2]), ("Name", "a", "b"), ("New", R[2], [R[0]], ["c", ""], [R[1], 3])],
                R[3],
            ),
            (
                "from a import b, c\napplication = [b([1], c), []]",
                [
                    ("List", [1]),
                    ("Name", "a", "b"),
                    ("Name", "a", "c"),
                    ("Call", R[1], [R[0], R[2]], [], []),
                    ("List", []),
                    ("List", [R[3], R[4]]),
                ],
                R[5],
            ),
            ("# one\n\nx = [  # two\n    1,\n]\n# three\n\napplication = x  # four", [("List", [1])], R[0]),
        ],
        ids=itertools.count(),
    )
    def test_the_grammar(self, text, steps, root):
        """Each production is read, by both readers alike."""
        found, found_root = agreed(of_source(text + "\n"), "source")

        assert exact(found_root) == exact(root)
        assert steps is None or exact(found) == exact(steps)

    @pytest.mark.parametrize("text", NO_STATEMENTS + [f"application = {text}" for text in NO_EXPRESSIONS])
    def test_what_is_not_of_the_grammar(self, text):
        """It is refused before anything is made."""
        with pytest.raises((Damaged, NotInGrammar)):
            theirs(of_source(text.replace("; ", "\n") + "\n"), "source")

    @pytest.mark.parametrize("code", CODES, ids=hex)
    def test_characters(self, code):
        """Those that the text lists are refused, in comments too, and no others that UTF-8 has."""
        paper = Path(__file__).parent.parent.joinpath("docs", "format.md").read_text("utf-8")
        part = paper.partition("These characters may not occur at all")[2].partition("    file  ")[0]
        ranges = [(int(a, 16), int(b or a, 16)) for a, b in re.findall(r"U\+(\w+)(?:\s+to\s+U\+(\w+))?", part)]
        listed = any(first <= code <= last for first, last in ranges) and code not in (9, 10)
        data = of_source(f"# {chr(code)}\napplication = 1\n")

        if listed or code == 0xD800:
            with pytest.raises((Damaged, NotInGrammar)):
                theirs(data, "source")
        else:
            assert agreed(data, "source") == ([], 1)

    def test_none_of_them_is_written(self):
        """The literal of a text has escapes for these characters."""
        text = appsnap.dumps([chr(code) for code in range(0x2100)] + ["\ufeff", "\U000e0001"], "source").decode()

        assert not second_reader.REFUSED.search(text)

    def test_a_long_attribute_without_syntax(self):
        """An attribute may have a name of any length that is no identifier."""
        agreed(appsnap.dumps(service(**{"a b" * 30: 1}), "source"), "source")

    def test_first_and_last_line(self):
        """The header is JSON without number and kind, the trailer JSON behind an empty line."""
        lines = appsnap.dumps([1], "source").decode().split("\n")

        assert json.loads(lines[0].removeprefix("# appsnap 1 source: ")).keys() == {"python", "version"}
        assert lines[-3:-1] == ["", lines[-2]]
        assert json.loads(lines[-2].removeprefix("# appsnap trailer: "))["steps"] == 1
        assert lines[-1] == ""

    def test_a_header_may_be_bare(self):
        """The first line needs only format and kind; a file without trailer was edited."""
        assert kind_named("source").read(memoryview(b"# appsnap 1 source\n\napplication = 1\n")).edited

    def test_variables(self):
        """Shared objects, named services, deep and long objects have variables, numbered if they collide."""
        text = appsnap.dumps(VALUES["colliding names"][:7], "source").decode()
        variables = [line.split(" = ")[0] for line in text.split("\n") if " = " in line]

        assert variables == ["web", "web_2", "web_2_2", "new_1", "set_1", "list_1", "class_1", "application"]
        assert f"\nlist_1 = {'[' * 13}0{']' * 13}\n" in appsnap.dumps(VALUES["deep"], "source").decode()
        assert "\nlist_1 = []\nextend(\n    list_1,\n" in appsnap.dumps(VALUES["a long list"], "source").decode()

    @pytest.mark.parametrize("name", VALUES)
    def test_python_runs_it(self, name):
        """Run as a module, it makes objects that give the bytes of the original."""
        namespace = {}

        exec(compile(appsnap.dumps(VALUES[name], "source"), name, "exec"), namespace)

        assert appsnap.dumps(namespace["application"], "msgpack") == appsnap.dumps(VALUES[name], "msgpack")


class TestXml:
    @pytest.mark.parametrize(
        ("element", "steps", "root"),
        [
            ("<none/>", [], None),
            ("<true/>", [], True),
            ("<int>-12</int>", [], -12),
            ("<int>-0xff</int>", [], -255),
            ("<float>-0.0</float>", [], -0.0),
            ("<float>-nan</float>", [], -math.nan),
            ("<float>-inf</float>", [], -math.inf),
            ("<str> a&amp;\n</str>", [], " a&\n"),
            ("<str/>", [], ""),
            ('<str escaped="true">\\u0000\\ud800\\u005c</str>', [], "\0\ud800\\"),
            (f"<str>{LONG}</str>", [("Value", LONG)], R[0]),
            ("<bytes>AGE=</bytes>", [], b"\0a"),
            ("<bytearray>YQ==</bytearray>", [("ByteArray", b"a")], R[0]),
            (
                "<list>\n  <tuple/> <set/><frozenset><int>1</int></frozenset>\n</list>",
                [("Tuple", []), ("Set", []), ("FrozenSet", [1]), ("List", [R[0], R[1], R[2]])],
                R[3],
            ),
            (
                """<dict>
                    <item key="a"><int>1</int></item>
                    <item key-escaped="\\u0000"><int>2</int></item>
                    <item><int>3</int><int>4</int></item>
                </dict>""",
                [("Dict", ["a", "\0", 3], [1, 2, 4])],
                R[0],
            ),
            ('<name of="a.b:c.d"/>', [("Name", "a.b", "c.d")], R[0]),
            ('<name of="a.b:"/>', [("Name", "a.b", "")], R[0]),
            ('<name of="a:b:c"/>', [("Name", "a", "b:c")], R[0]),
            (
                """<object class="a:b">
                    <argument><int>1</int></argument>
                    <argument name="c"><int>2</int></argument>
                    <state><attribute name="d"><int>3</int></attribute></state>
                </object>""",
                [("Name", "a", "b"), ("New", R[0], [1], ["c"], [2]), ("State", R[1], ["d"], [3])],
                R[1],
            ),
            (
                "<object><class><list/></class><given-state><int>1</int></given-state></object>",
                [("List", []), ("New", R[0], [], [], []), ("SetState", R[1], 1)],
                R[1],
            ),
            (
                '<call function="a:b"><argument><list/></argument><items><int>1</int></items></call>',
                [("List", []), ("Name", "a", "b"), ("Call", R[1], [R[0]], [], []), ("Extend", R[2], [1])],
                R[2],
            ),
            ("<call><function><list/></function></call>", [("List", []), ("Call", R[0], [], [], [])], R[1]),
            ('<method name="upper"><str>a</str></method>', [("Member", "a", "upper")], R[0]),
            (
                "<filled><target><set/></target><members><int>1</int></members></filled>",
                [("Set", []), ("Add", R[0], [1])],
                R[0],
            ),
            (
                '<filled><target><dict/></target><entries><item key="a"><int>1</int></item></entries></filled>',
                [("Dict", [], []), ("Update", R[0], ["a"], [1])],
                R[0],
            ),
        ],
        ids=itertools.count(),
    )
    def test_elements(self, element, steps, root):
        """Each is read, by both readers alike."""
        found, found_root = agreed(of_xml(f"  <root>{element}</root>"), "xml")

        assert exact((found, found_root)) == exact((steps, root))

    def test_statements(self):
        """An element with an id is referred to by it, and filled by it."""
        steps, root = agreed(
            of_xml(
                '<list id="a"/>\n<fill ref="a"><items><ref to="a"/></items></fill>\n'
                '<fill><target><name of="b:c"/></target><state/></fill>\n<root><ref to="a"/></root>'
            ),
            "xml",
        )

        assert steps == [("List", []), ("Extend", R[0], [R[0]]), ("Name", "b", "c"), ("State", R[1], [], [])]
        assert root == R[0]

    @pytest.mark.parametrize(
        "data",
        [
            of_xml("<root><none/></root>", start='<?xml version="1.0"?><!DOCTYPE snapshot>'),
            of_xml("<root><none/></root>") + b"\n",
            of_xml("<root><none/></root><fill/>"),
            of_xml("<root><none/><none/></root>"),
            of_xml("<none/>"),
            of_xml('<root><ref to="a"/></root><list id="a"/>'),
            of_xml("<root><int>1.0</int></root>"),
            of_xml("<root><int> 1</int></root>"),
            of_xml("<root><bytes>A</bytes></root>"),
            of_xml('<root><name of="a"/></root>'),
            of_xml("<root><tea/></root>"),
            of_xml("<root><none/></root>").replace(b"  <trailer", b"<trailer"),
        ],
        ids=itertools.count(),
    )
    def test_what_is_not_of_the_format(self, data):
        """It is refused."""
        with pytest.raises(Damaged):
            theirs(data, "xml")

    def test_surrogates_that_are_a_pair(self):
        """They don't become the character that they would stand for."""
        assert appsnap.loads(appsnap.dumps("\ud83c\udf75", "xml")) == "\ud83c\udf75"

    def test_ids(self):
        """An object with a variable in source has an id."""
        source = appsnap.dumps(shop.make(), "source").decode()

        for name in ("shop", "stock", "web", "office", "till", "clerk"):
            assert f"\n{name} = " in source
            assert f' id="{name}"' in appsnap.dumps(shop.make(), "xml").decode()


class TestNamesOfFiles:
    @pytest.mark.parametrize(
        ("kind", "extension"), [("pickle", "tap"), ("source", "tas"), ("msgpack", "tam"), ("xml", "tax")]
    )
    def test_extensions(self, tmp_path, monkeypatch, kind, extension):
        """Name, tag, kind, and `e` where the file is encrypted."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("appsnap.files.age.WORK_FACTOR", age.CHEAPEST)
        persistent = sob.Persistent(Application("shop"), "shop")
        persistent.setStyle(kind)

        persistent.save()
        persistent.save(tag="blue", passphrase="tea")

        assert sorted(path.name for path in tmp_path.iterdir()) == [f"shop-blue.e{extension}", f"shop.{extension}"]
        assert sob.guessType(f"shop.{extension}") == sob.guessType(f"shop-blue.e{extension}") == kind

    @pytest.mark.parametrize("name", ["shop.tac", "shop.py"])
    def test_scripts_are_no_snapshots(self, name):
        """Their kind is none of those that snapshots have."""
        assert sob.guessType(name) not in KINDS
