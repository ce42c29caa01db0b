import hashlib
import tracemalloc

import msgpack
import pytest

import zoo
from appsnap import dumps, loads
from appsnap.errors import AppsnapError, Damaged, NewerFormat
from appsnap.kinds import msgpack as kind
from appsnap.kinds.header import Header
from appsnap.kinds.msgpack.writer import _ENCODERS, StepEncoder
from appsnap.recipe import steps
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.runs import COLUMNS, Merged, Run, Same, Span
from appsnap.recipe.steps import Recipe, Ref
from appsnap.recipe.trust import Trust
from isomorphism import difference

RECIPE = Recipe(
    [
        steps.Name("zoo", "Node"),
        steps.Value("long" * 20),
        steps.Value(b"long" * 20),
        steps.Tuple([1, Ref(0), "a"]),
        steps.List([None, True, False, 1.5, -1, 2**64, -(2**63) - 1, b"b", "\udcff"]),
        steps.Dict(["a", "b"], [1, Ref(1)]),
        steps.Dict([1, Ref(3)], [2, 3]),
        steps.Dict(["a", "a"], [1, 2]),
        steps.Set(["x"]),
        steps.FrozenSet([]),
        steps.ByteArray(b"bytes"),
        steps.New(Ref(0), [1], ["key"], [Ref(1)]),
        steps.New(Ref(0), [Ref(3), 2**64]),
        steps.Call(Ref(0), [Ref(2)]),
        steps.Member(Ref(11), "method"),
        steps.Extend(Ref(4), [3]),
        steps.Update(Ref(5), ["c"], [4]),
        steps.Update(Ref(5), [1.5], [4]),
        steps.Add(Ref(8), ["y"]),
        steps.State(Ref(12), ["a", "class"], [1, Ref(12)]),
        steps.SetState(Ref(12), Ref(5)),
        steps.Dict([], []),
        steps.Dict(["a", "b"], [2, 3]),
        steps.Update(Ref(5), [], []),
        steps.State(Ref(12), ["c"], [2]),
        steps.State(Ref(12), ["x" * 65], [3]),
        steps.State(Ref(12), ["x" * 65], [4]),
        Run(steps.Value, 2, (["long" * 20, "\udcff" * 65],)),  # 15 and 16
        Run(steps.New, 3, (Ref(0), (), ())),  # 17 to 19
        Run(steps.Tuple, 3, (([1, None, "a"], Span(17, 3), Same(Ref(4), 3)),)),
        Run(steps.List, 2, ((),)),
        Run(steps.Dict, 2, (("a", "b"), ([1.5, Ref(3)], [Ref(3), Ref(1)]))),
        Run(steps.Set, 2, ((["a", "b"], Same("c", 2)),)),
        Run(steps.FrozenSet, 2, (([1, 2],),)),  # 27 and 28
        Run(steps.State, 3, (17, ("a",), (Merged(b"\1\0\1", [[Ref(28)], Same(None, 2)]),))),
        Run(steps.SetState, 3, (17, Merged(b"\2\1\0", [Span(23, 1), [Ref(24)], [2**64]]))),
        steps.List(Span(17, 8)),
        steps.Tuple(Same(Ref(0), 9)),
        steps.Extend(Ref(4), Merged(b"\0\1\0", [[Ref(1), Ref(4)], [None]])),
        steps.List([Ref(one) for one in (5, 3, 1, 2, 4, 0, 29, 7)]),
        Run(steps.New, 2, (Ref(0), ("a", "b"), ([1, Ref(3)], Span(17, 2)))),
        Run(steps.Call, 2, (Ref(0), (Same(None, 2), [Ref(3), 5]))),
        Run(steps.Call, 3, (Ref(0), ())),
    ],
    Ref(12),
)


def write(recipe):
    return b"".join(kind.write(Header("msgpack"), recipe, {"some": "1.0"}))


def plain(step):
    """Return a step's type and fields, so that they equal only what is of the same types."""
    parts = [[*field] if isinstance(field, (list, tuple, *COLUMNS)) else [field] for field in step]
    return type(step), [[(type(part), part) for part in field] for field in parts]


def as_read(step):
    """Return a step whose fields have the types that a reader gives them."""
    if isinstance(step, Run):
        return step
    names = {steps.Dict: 0, steps.New: 2, steps.Update: 1, steps.State: 1}.get(type(step))
    return type(step)(*(tuple(field) if at == names else field for at, field in enumerate(step)))


def forged(body, **fields):
    """Return a document with a body of one's own, and a checksum that is right."""
    body = body if isinstance(body, bytes) else msgpack.packb(body)
    head = msgpack.packb({"appsnap": 1, "kind": "msgpack", "size": len(body)} | fields)
    digest = hashlib.sha256(head + body).hexdigest()
    return memoryview(head + body + msgpack.packb({"sha256": digest}))


class TestDocument:
    def test_numbers(self):
        """The number of a step in a file is its place in the schema of the steps."""
        fields = {type(step): step for step in RECIPE.steps}
        encoder = StepEncoder()

        encoder.registers = 20

        assert [_ENCODERS[step](encoder, fields[step])[0] for step in steps.FIELDS] == [*range(1, 17)]

    def test_every_step(self):
        """Every step comes back as it was."""
        document = kind.read(memoryview(write(RECIPE)))

        assert document.recipe.compact == [*map(as_read, RECIPE.compact)]
        assert list(map(plain, document.recipe.steps)) == list(map(plain, RECIPE.steps))
        assert type(document.recipe.root) is Ref
        assert document.recipe.root == RECIPE.root
        assert write(document.recipe) == write(RECIPE)
        assert document.header.kind == "msgpack"
        assert document.trailer.steps == len(RECIPE.steps)
        assert document.trailer.distributions == {"some": "1.0"}

    def test_any_library_reads_it(self):
        """A document is three msgpack objects in a row, without depth."""
        unpacker = msgpack.Unpacker(ext_hook=lambda code, data: ("ext", code, data), unicode_errors="surrogatepass")
        unpacker.feed(write(RECIPE))

        head, body, trailer = unpacker

        assert head["appsnap"] == 1
        assert len(body) == len(RECIPE.compact) + 1
        assert set(trailer) == {"sha256", "steps", "distributions"}

    def test_deterministic(self):
        """The same recipe gives the same bytes."""
        assert write(RECIPE) == write(RECIPE)


class TestForged:
    @pytest.mark.parametrize(
        "body",
        [
            [],
            {},
            1,
            [1],
            [[]],
            [[1, 2]],
            [[], [None]],
            [[99], [None]],
            [[True, "os", "system"], [None]],
            [[1.0, "os", "system"], [None]],
            [["1", "os", "system"], [None]],
            [[1, "os"], [None]],
            [[1, b"os", "system"], [None]],
            [[2, 1], [None]],
            [[3, [1]], [None]],
            [[3, {"a": 1}], [None]],
            [[3, msgpack.Timestamp(0)], [None]],
            [[3, msgpack.ExtType(0, b"\x00")], [None]],
            [[3, msgpack.ExtType(0, b"\xff")], [None]],
            [[3, msgpack.ExtType(5, b"\x00")], [None]],
            [[3], [3, msgpack.ExtType(0, b"\x00")], [None]],
            [[3], [3, []], [None]],
            [[3], [3, [0, 0]], [None]],
            [[3], [3, [[0]]], [None]],
            [[3], [3, [True]], [None]],
            [[3], [3, ["0"]], [None]],
            [[3], [3, [-1]], [None]],
            [[3], [16, [1], None], [None]],
            [[5, [1]], [None]],
            [[5, [1], 2, 3], [None]],
            [[5, [1], []], [None]],
            [[5, {"a": 1}], [None]],
            [[5, {"a": 1}, []], [None]],
            [[5], [None]],
            [[5, 0], [None]],
            [[5, ["a"], 1], [5, 1, 1], [None]],
            [[5, ["a"], 1], [5, -1, 1], [None]],
            [[5, ["a"], 1], [5, False, 1], [None]],
            [[5, ["a"], 1], [5, "a", 1], [None]],
            [[5, ["a"], 1], [5, None, 1], [None]],
            [[5, ["a"], 1], [5, 0], [None]],
            [[5, ["a"], 1], [5, 0, 1, 2], [None]],
            [[5, ["a"], 1], [13, 1, 0], [None]],
            [[5, ["a"], 1], [13, 1, {"a": 1}], [None]],
            [[5, ["a"], 1], [15, 1, 0], [None]],
            [[5, ["a"], 1], [15, 1, 0, 1, 2], [None]],
            [[5, ["a"], 1], [15, 1, True, 1], [None]],
            [[5, ["a"], 1], [15, 1, {"a": 1}], [None]],
            [[5, ["a", "a"], 1, 2], [15, 1, 0, 1, 2], [None]],
            [[5, [1], 1], [5, 0, 1], [None]],
            [[5, ["x" * 65], 1], [5, 0, 1], [None]],
            [[9, 0, []], [None]],
            [[1, "a", "b"], [9, 1, []], [None]],
            [[1, "a", "b"], [9, -2, []], [None]],
            [[4], [9, 0, []], [None]],
            [[1, "a", "b"], [9, True, []], [None]],
            [[1, "a", "b"], [9, 0, {}], [None]],
            [[1, "a", "b"], [9, 0, 5], [None]],
            [[1, "a", "b"], [9, 0, [], {"a": 1}], [None]],
            [[1, "a", "b"], [9, 0, [], [1], 1], [None]],
            [[1, "a", "b"], [9, 0, [], ["a"]], [None]],
            [[1, "a", "b"], [9, 0, [], ["a", "a"], 1, 1], [None]],
            [[1, "a", "b"], [9, 0, [], 0, 1], [None]],
            [[1, "a", "b"], [15, 1, [1], 1], [None]],
            [[4], [12, 0], [None]],
            [[4], [12, 2], [None]],
            [[4], [12, -1], [None]],
            [[4], [12, True], [None]],
            [[4], [12, None], [None]],
            [[4], [msgpack.ExtType(0, b"\x00")]],
            [[4], [[0]]],
            [[4], [[2]]],
            [[4], [[-1]]],
            [[4], [[[0]]]],
            [[1, "a", "b"], [[[1]]]],
            [[1, "a", "b"], [[[-1]]]],
            [[1, "a", "b"], [[[True]]]],
            [[1, "a", "b"], [[[[0]]]]],
            [[4], [[0, 1, 1]]],
            [[4], [[]]],
            [[4], [[[]]]],
            [[4], [[[0, 0]]]],
            [[4], [[{}]]],
            [4, [None]],
            [None, [None]],
            ["12", [None]],
            [{1: 2}, [None]],
            b"\xc1",
            b"\x91\xc0\xc0",
            b"\x92\x92\x04\xd4\xff\x00\x91\xc0",
            b"\x92\x92\x04\xd4\x00\x00\x91\xc0",
            b"",
        ],
        ids=repr,
    )
    def test_bodies(self, body):
        """What no writer writes is refused, even with the right checksum."""
        with pytest.raises(Damaged):
            kind.read(forged(body))

    def test_which_step_it_is(self):
        """The error says which step is none, or that it is the root."""
        with pytest.raises(Damaged, match=r"^step 1 is malformed"):
            kind.read(forged([[4], [99], [4], [None]]))
        with pytest.raises(Damaged, match=r"^the root is malformed"):
            kind.read(forged([[4], [[0]]]))
        with pytest.raises(Damaged, match=r"^the body is not a list of steps"):
            kind.read(forged([]))

    @pytest.mark.parametrize("step", [[], [1, "os"], [1, "os", "system", "x"], [5], [9, 0], [13, 0], [16, 0], [8], [2]])
    def test_fields_too_many_or_too_few(self, step):
        """The error says so, and names no function."""
        with pytest.raises(Damaged, match=r"^step 1 is malformed \(too many or too few fields\)"):
            kind.read(forged([[4], step, [None]]))

    def test_a_name_that_stands_twice(self):
        """A dictionary may have a key twice, and another by the number of the keys. A state may not, either way."""
        body = [[5, ["a", "a"], 1, 2], [5, 0, 3, 4], [[1]]]

        assert kind.read(forged(body)).recipe.steps[1] == steps.Dict(("a", "a"), [3, 4])
        for step in ([15, 1, 0, 3, 4], [15, 1, ["a", "a"], 3, 4], [17, 15, 1, 1, 0, [3], [4]], [17, 5, 1, 0, [3], [4]]):
            with pytest.raises(Damaged, match="the name 'a' is given twice"):
                kind.read(forged([body[0], step, [None]]))

    def test_a_long_key_is_there_as_often_as_it_is_used(self):
        """No number stands for it: a small file would become one of gigabytes in another kind."""
        long, short = (
            Recipe([steps.Dict([], []), *[steps.State(Ref(0), [name], [None])] * 100], None)
            for name in ("x" * 17, "x" * 16)
        )

        assert write(long).count(b"x" * 17) == 100
        assert write(short).count(b"x" * 16) == 1
        for recipe in (long, short):
            assert list(map(plain, kind.read(memoryview(write(recipe))).recipe.steps)) == list(map(plain, recipe.steps))

    def test_steps_are_counted(self):
        """A trailer that counts other steps is refused."""
        head, body, _ = kind.write(Header("msgpack"), RECIPE, {})
        trailer = {"sha256": hashlib.sha256(head + body).hexdigest(), "steps": 5}

        with pytest.raises(Damaged, match="other steps"):
            kind.read(memoryview(head + body + msgpack.packb(trailer)))

    @pytest.mark.parametrize("fields", [{"size": -1}, {"size": 10**9}, {"size": "1"}, {"size": True}, {"kind": "x"}])
    def test_headers(self, fields):
        """A header that doesn't fit is refused."""
        with pytest.raises(Damaged):
            kind.read(forged([[None]], **fields))

    def test_newer(self):
        """A later format is named as such."""
        with pytest.raises(NewerFormat):
            kind.read(forged([[None]], appsnap=2))

    @pytest.mark.parametrize(
        "start",
        [
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\xc6\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x00",
        ],
    )
    def test_lengths_that_lie(self, start):
        """A length that claims more than is there gets no memory for it, not even many of them within each other."""
        bodies = [start, b"\x91" + start, (start[:1] + b"\x00\x01\x00\x00") * 400 + b"\xc0" * 100_000]
        tracemalloc.start()
        try:
            for body in bodies:
                with pytest.raises(Damaged):
                    kind.read(forged(body))
                with pytest.raises(Damaged):
                    kind.read(memoryview(body))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 5_000_000


def sample():
    """Return a graph of all sorts of parts."""
    node = zoo.Node()
    node.parts = [1, "a", {"b": node}, {frozenset({2})}, b"c", 1.5, zoo.Color.RED, node.method, 2**70]
    return node


class TestMalformed:
    DATA = dumps(sample(), "msgpack")

    def test_truncated(self):
        """Whatever is missing at the end, the document is refused."""
        for length in range(len(self.DATA)):
            with pytest.raises(Damaged):
                kind.read(memoryview(self.DATA)[:length])

    def test_flipped(self):
        """Whatever byte is altered, the document is refused: the checksum covers all of it."""
        for position in range(len(self.DATA)):
            altered = bytearray(self.DATA)
            altered[position] ^= 0x01
            try:
                back = loads(altered, trust=["zoo.*"])
            except AppsnapError:
                continue
            # The trailer itself isn't covered: a letter of a field's name, say.
            assert position > self.DATA.rindex(b"sha256") + 64
            assert difference(sample(), back) is None

    @pytest.mark.parametrize("mask", [0x01, 0x02, 0x10, 0x80, 0xFF])
    def test_flipped_with_the_right_checksum(self, mask):
        """Whatever byte of the body is altered, there is an error of ours, or other objects, and nothing else."""
        recipe = freeze(sample())
        body = bytes([*kind.write(Header("msgpack"), recipe, {})][1])
        good = 0
        for position in range(len(body)):
            altered = bytearray(body)
            altered[position] ^= mask
            try:
                build(kind.read(forged(bytes(altered))).recipe, Trust(["zoo.*"]))
            except AppsnapError:
                continue
            good += 1

        assert 0 < good < len(body)
