import contextlib
import pickle
import tracemalloc

import pytest

import zoo
from appsnap.errors import AppsnapError, CannotLoad, Damaged
from appsnap.kinds.pickle import reader
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import (
    INLINE,
    Call,
    Dict,
    List,
    Member,
    Name,
    New,
    Recipe,
    Ref,
    SetState,
    State,
    Tuple,
    Value,
    operands,
)
from appsnap.recipe.trust import EVERYTHING, Trust
from isomorphism import difference, listed

TRUST = Trust(["zoo.*", "call:zoo.Color"])


def read(data):
    recipe, end = reader.read(memoryview(data))
    assert end == len(data)
    return recipe


def sample(protocol):
    """Return a graph in which most opcodes of a protocol occur."""
    node = zoo.Node()
    node.both = [1, -1, 300, 70000, 2**40, 2**3000, 1.5, None, True, False, "a", "ä" * 100, b"b", b"c" * 300]
    node.parts = {"self": node, 1: (1,), 2: (1, 2), 3: (1, 2, 3), 4: (1, 2, 3, 4), 5: ()}
    node.sets = {frozenset({1, 2}), "x"}, bytearray(b"bytes")
    node.made = [zoo.Color.RED, zoo.Pair(1, 2), zoo.MyList([1]), node.method, zoo.Node]
    if protocol >= 4:
        node.made.append(zoo.ByKeyword(first=node))  # earlier ones have no opcode for keywords
    node.again = [node.both, node.parts, node.sets, node.made]
    return node


class TestSteps:
    def test_same_as_freeze(self):
        """A pickle of plain objects gives the steps that freezing them gives."""
        node = zoo.Node()
        node.name, node.parts = "web", [1, {"a": (2, 3)}]

        recipe, expected = read(pickle.dumps(node, 5)), freeze(node)

        assert (listed(recipe.steps), recipe.root) == (listed(expected.steps), expected.root)

    def test_shared_state(self):
        """A dictionary that is a state and something else, too, stays one dictionary."""
        node = zoo.Node()
        node.me = node.__dict__

        recipe = read(pickle.dumps(node, 5))

        assert SetState in map(type, recipe.steps)
        assert State not in map(type, recipe.steps)
        back = build(recipe, TRUST)
        assert back.me["me"] is back.me

    def test_several_dictionaries(self):
        """Dictionaries in a list are made at once, but one that holds itself is made before."""
        rows = [{"n": n} for n in range(20)]
        rows[3]["me"] = rows[3]

        recipe = read(pickle.dumps(rows, 5))

        assert difference(build(recipe, TRUST), rows) is None
        assert [type(step) for step in recipe.steps].count(Dict) == 20

    def test_shared_arguments(self):
        """Arguments that are also kept elsewhere are one tuple."""
        arguments = (1, [2])

        class Made:
            def __reduce__(self):
                return (complex, arguments)

        recipe = read(pickle.dumps([Made(), Made(), arguments], 5))

        calls = [step for step in recipe.steps if isinstance(step, Call)]
        assert len(calls) == 2
        assert len([step for step in recipe.steps if isinstance(step, (List, Tuple))]) == 3

    @pytest.mark.parametrize(
        ("pickled", "steps"),
        [
            (b"cbuiltins\ngetattr\n(cos\npath\nS'join'\ntR.", [Name("os", "path.join")]),
            (b"cbuiltins\ngetattr\n(I3\nS'bit_length'\ntR.", [Member(3, "bit_length")]),
            (b"cimportlib\nimport_module\n(S'os'\ntR.", [Name("os", "")]),
            (b"cbuiltins\ntype\n(NtR.", [Name("types", "NoneType")]),
            (
                b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.",
                [Name("m", "C"), New(Ref(0), (), (), ())],
            ),
            (b"ccopyreg\n__newobj__\n(cm\nC\ntR.", [Name("m", "C"), New(Ref(0), (), (), ())]),
            (b"(im\nC\n.", [Name("m", "C"), New(Ref(0), (), (), ())]),
            (b"(cm\nC\nI1\no.", [Name("m", "C"), Call(Ref(0), [1])]),
            (b"\x80\x02c__builtin__\nxrange\n.", [Name("builtins", "range")]),
            (b"\x80\x03c__builtin__\nxrange\n.", [Name("__builtin__", "xrange")]),
        ],
    )
    def test_spellings(self, pickled, steps):
        """What pickle spells as a call or in an old way is what it means."""
        assert read(pickled).steps == steps

    def test_numbers_are_no_registers(self):
        """A method of the number 0 isn't one of what register 0 holds."""
        recipe = read(pickle.dumps([zoo.Node, (0).bit_length], 4))

        assert Member(0, "bit_length") in recipe.steps

    def test_where_it_ends(self):
        """Reading stops behind the pickle, wherever it begins."""
        data = b"xx" + pickle.dumps([1], 5)

        recipe, end = reader.read(memoryview(data + b"more"), 2)

        assert end == len(data)
        assert recipe == Recipe([List([1])], Ref(0))

    def test_repeated_keys(self):
        """A key that comes twice is kept twice: the last one counts when it is built."""
        recipe = read(b"(I1\nI2\nI1\nI3\nd.")

        assert recipe.steps == [Dict((1, 1), [2, 3])]
        assert build(recipe, TRUST) == {1: 3}


@pytest.mark.parametrize("protocol", range(6))
class TestProtocols:
    def test_sample(self, protocol):
        """Pickles of every protocol are read."""
        node = sample(protocol)

        back = build(read(pickle.dumps(node, protocol)), TRUST if protocol > 1 else Trust(EVERYTHING))

        assert difference(node, back) is None

    def test_values(self, protocol):
        """Values of the standard library need no trust in any protocol that can say them."""
        values = [
            value for value in zoo.VALUES if type(value).__module__ in ("datetime", "decimal", "uuid", "ipaddress")
        ]
        if protocol < 4:
            values = [value for value in values if not getattr(value, "fold", 0)]  # lost by pickle itself

        back = build(read(pickle.dumps(values, protocol)), Trust() if protocol > 1 else Trust(EVERYTHING))

        assert difference(values, back) is None


class TestWindows:
    def test_every_end(self, monkeypatch):
        """The bytes are read in pieces, and the steps are the same wherever a piece ends."""
        data = pickle.dumps([sample(5), [{"name": f"service {n}", "port": n, "rate": n / 2} for n in range(20)]], 5)
        whole = read(data)

        for size in range(reader._REACH + 1, reader._REACH + 60):
            monkeypatch.setattr(reader, "_WINDOW", size)
            assert read(data) == whole


class TestLongTexts:
    @pytest.mark.parametrize("protocol", range(6))
    def test_one_step(self, protocol):
        """A text that is too long for an atom has one step, wherever it stands."""
        text = "x" * (INLINE + 1)
        things = [text, {text: text}, (text, 1), {"key": text}, zoo.MyList([text]), frozenset({text})]

        recipe = read(pickle.dumps(things, protocol))

        assert [step.value for step in recipe.steps if isinstance(step, Value)] == [text]
        atoms = [atom for step in recipe.steps for atom in operands(step) if isinstance(atom, str)]
        assert max(map(len, atoms)) <= INLINE

    def test_long_names(self):
        """Names may be longer than the texts that are atoms."""
        name = "C" * (INLINE + 1)
        pickled = b"\x80\x04\x8c\x03app" + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."

        assert read(pickled).steps == [Name("app", name)]


class TestRefused:
    @pytest.mark.parametrize(
        ("pickled", "what"),
        [
            (b"Pid\n.", "persistent id"),
            (b"NQ.", "persistent id"),
            (b"\x82\x01.", "extension code"),
            (b"\x83\x01\x00.", "extension code"),
            (b"\x84\x01\x00\x00\x00.", "extension code"),
            (b"\x97.", "out of band"),
            (b"\x97\x98.", "out of band"),
        ],
    )
    def test_what_only_its_writer_knows(self, pickled, what):
        """A pickle that needs its writer is refused, with the reason."""
        with pytest.raises(CannotLoad, match=what):
            read(pickled)

    @pytest.mark.parametrize(
        "pickled",
        [
            b"r\xff\xff\xff\x7f.",
            b"Nr\xff\xff\xff\x7f.",
            b"Np2147483647000\n.",
            b"B\xff\xff\xff\x7f.",
            b"X\xff\xff\xff\x7f.",
            b"T\xff\xff\xff\x7f.",
            b"T\xff\xff\xff\xff.",
            b"\x8b\xff\xff\xff\x7f.",
            b"\x8b\xff\xff\xff\xff.",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
            b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
            b"\x96\x00\x00\x00\x00\x01\x00\x00\x00.",
            b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
            b"I" + b"9" * 5000 + b"\n.",
            b"L" + b"9" * 5000 + b"L\n.",
        ],
    )
    def test_lengths_that_lie(self, pickled):
        """A length or number that claims much gets no memory for it."""
        tracemalloc.start()
        try:
            with contextlib.suppress(Damaged):
                read(pickled)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 1_000_000

    def test_keywords_of_a_list(self):
        """Keyword arguments are a dictionary."""
        with pytest.raises(Damaged, match="have to be a dictionary"):
            read(b"cm\nC\n)]I1\na\x92.")

    @pytest.mark.parametrize(
        "pickled", [b"I0\nI1\na.", b"I0\n(I1\ne.", b"I0\nI1\nI1\ns.", b"I0\n(I1\n\x90.", b"I0\n}b."]
    )
    def test_filled_atoms(self, pickled):
        """A number is no register that could be filled."""
        with pytest.raises(Damaged, match="filled"):
            read(b"]2" + pickled)

    def test_offset(self):
        """The error says where."""
        with pytest.raises(Damaged) as caught:
            read(b"\x80\x05]\xff.")

        assert caught.value.offset == 3


def attempt(data):
    """Tell whether objects can be made of some bytes, or there is an error of ours."""
    try:
        build(reader.read(memoryview(data))[0], TRUST)
    except AppsnapError:
        return False
    return True


class TestMalformed:
    DATA = tuple(pickle.dumps(sample(protocol), protocol) for protocol in (0, 2, 5))

    @pytest.mark.parametrize("data", DATA, ids=["protocol 0", "protocol 2", "protocol 5"])
    def test_truncated(self, data):
        """Whatever is missing at the end, the pickle is refused."""
        for length in range(len(data)):
            with pytest.raises(AppsnapError):
                reader.read(memoryview(data)[:length])

    @pytest.mark.slow
    @pytest.mark.parametrize("data", DATA, ids=["protocol 0", "protocol 2", "protocol 5"])
    @pytest.mark.parametrize("mask", [0x01, 0x10, 0x80, 0xFF])
    def test_flipped(self, data, mask):
        """Whatever byte is altered, there is an error of ours, or other objects, and nothing else."""
        outcomes = set()
        for position in range(len(data)):
            altered = bytearray(data)
            altered[position] ^= mask
            outcomes.add(attempt(altered))

        assert outcomes == {False, True} or data is self.DATA[0]


class TestWords:
    """A malformed pickle is described in words about the file, not about the functions that read it."""

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"\x80\x04G\x00\x00.", "a number is cut off"),
            (b"\x80\x04J\x00.", "a number is cut off"),
            (b"\x80\x04\x8c\x02\xff\xfe.", "a text isn't UTF-8"),
            (b"Fx\n.", "malformed float"),
            (b"F1_0\n.", "malformed float"),
            (b"Ix\n.", "malformed integer"),
            (b"0.", "it uses more objects than it has made"),
            (b"(o.", "it uses more objects than it has made"),
            (b"\x80\x04K\x01]\x93.", "a name has to be a text"),
            (b"\x80\x04K\x01)R.", "an object stands where another sort of object belongs"),
        ],
    )
    def test_why(self, data, why):
        """The words stand in brackets."""
        with pytest.raises(Damaged) as caught:
            read(data)

        assert f"({why})" in str(caught.value)
