"""Runs in msgpack documents that no writer writes."""

import hashlib
import io
import random
import sys
import tracemalloc

import msgpack
import pytest

import appsnap
from appsnap.errors import AppsnapError, CannotLoad, Damaged
from appsnap.kinds import msgpack as kind
from appsnap.kinds.msgpack.columns import Reader, Writer
from appsnap.recipe.runs import Merged, Run, Same, Span
from appsnap.recipe.steps import Ref
from appsnap.service import MultiService, Service

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LONG = "x" * 65
TWO = [17, 4, 2]  # two empty lists: registers 0 and 1
NAME = [1, "a", "b"]
MANY = 10**9
AHEAD, BEHIND = (msgpack.ExtType(1, byte + bytes(9)) for byte in (b"\xff", b"\x01"))  # beyond 64 bits


def forged(*steps, root=None):
    """Return a document of these steps, with a checksum that is right."""
    body = msgpack.packb([*steps, [root]], unicode_errors="surrogatepass")
    head = msgpack.packb({"appsnap": 1, "kind": "msgpack", "size": len(body)})
    return head + body + msgpack.packb({"sha256": hashlib.sha256(head + body).hexdigest()})


def read(*steps):
    return kind.read(memoryview(forged(*steps))).recipe


MALFORMED = {
    "nothing": [[17]],
    "no count": [[17, 4]],
    "no steps": [[17, 4, 0]],
    "a negative count": [[17, 4, -1]],
    "a count that is true": [[17, 4, True]],
    "a count that is a float": [[17, 4, 2.0]],
    "a count that is a text": [[17, 4, "2"]],
    "a count that is an array": [[17, 4, [2]]],
    "a count that is none": [[17, 4, None]],
    "a run of names": [[17, 1, 2, ["a", "a"], ["b", "c"]]],
    "a run of bytearrays": [[17, 8, 2, [b"a", b"b"]]],
    "a run of calls of no function": [NAME, [17, 10, 2]],
    "a run of calls of a name beyond": [NAME, [17, 10, 2, 1]],
    "a run of calls with short columns": [NAME, [17, 10, 2, 0, [1]]],
    "a run of calls for a simpler step": [[1, "builtins", "getattr"], [17, 10, 2, 0, ["a", "b"], ["upper", "lower"]]],
    "a run of members": [[17, 11, 2, ["a", "b"], "upper"]],
    "a run of extend": [TWO, [17, 12, 2, 2, [1, 2]]],
    "a run of update": [[17, 5, 2, []], [17, 13, 2, 2, ["a"], [1, 2]]],
    "a run of add": [[17, 6, 2], [17, 14, 2, 2, [1, 2]]],
    "a run of runs": [[17, 17, 2, 4]],
    "a run of step 0": [[17, 0, 2]],
    "a run of a step beyond": [[17, 18, 2]],
    "a run of true": [[17, True, 2]],
    "a run of a float": [[17, 4.0, 2]],
    "a run of a text": [[17, "4", 2]],
    "a run of an array": [[17, [4], 2]],
    # Values
    "values without texts": [[17, 2, 2]],
    "values with two arrays": [[17, 2, 1, [LONG], [LONG]]],
    "values of no array": [[17, 2, 1, LONG]],
    "fewer texts": [[17, 2, 2, [LONG]]],
    "more texts": [[17, 2, 1, [LONG, LONG]]],
    "no texts": [[17, 2, 1, []]],
    "a short text": [[17, 2, 2, [LONG, "x" * 64]]],
    "a long byte string": [[17, 2, 2, [LONG, b"x" * 65]]],
    "a reference as a text": [TWO, [17, 2, 2, [LONG, [1]]]],
    "a same of a text": [[17, 2, 2, [[1, LONG, 2]]]],
    "large data as a text": [[17, 2, 1, [msgpack.ExtType(2, b"\0")]]],
    # New
    "new without a class": [NAME, [17, 9, 2]],
    "new with arguments": [NAME, [17, 9, 2, 0, [1, 2]]],
    "new with keywords without columns": [NAME, [17, 9, 2, 0, ["a"]]],
    "new with a short column": [NAME, [17, 9, 2, 0, ["a"], [1]]],
    "new with a keyword twice": [NAME, [17, 9, 2, 0, ["a", "a"], [1, 2], [3, 4]]],
    "new with a keyword that is no text": [NAME, [17, 9, 2, 0, [1], [1, 2]]],
    "new with no arguments": [NAME, [17, 9, 2, 0, []]],
    "new of a name beyond": [NAME, [17, 9, 2, 1]],
    "new of itself": [[17, 9, 2, 0]],
    "new of a register beyond": [TWO, [17, 9, 2, -3]],
    "new of a reference": [NAME, [17, 9, 2, [1]]],
    "new of true": [NAME, [17, 9, 2, True]],
    "new of a column": [NAME, [17, 9, 2, [[1, [[0]], 2]]]],
    # Columns
    "a column that is none": [[17, 4, 2, None]],
    "a column that is a number": [[17, 4, 2, 5]],
    "a column that is a text": [[17, 4, 2, "ab"]],
    "a column that is a map": [[17, 4, 2, {"a": 1}]],
    "an empty column": [[17, 4, 1, []]],
    "a short column": [[17, 4, 2, [1]]],
    "a long column": [[17, 4, 2, [1, 2, 3]]],
    "a second short column": [[17, 4, 2, [1, 2], [1]]],
    "a column with a map": [[17, 4, 2, [1, {}]]],
    "a column of a map": [[17, 4, 1, [{}]]],
    "a column of a map of two": [[17, 4, 1, [{"a": 1, "b": 2}]]],
    "a column with an empty array": [[17, 4, 2, [1, []]]],
    "a column of an empty array": [[17, 4, 1, [[]]]],
    "a column with large data": [[17, 4, 2, [1, msgpack.ExtType(2, b"\0")]]],
    "a column of large data": [[17, 4, 1, [msgpack.ExtType(2, b"\0")]]],
    "a column behind a code": [[17, 4, 2, [[1, 5, 1], 5]]],
    "two codes": [TWO, [17, 4, 2, [[0, 2, 1], [0, 2, 1]]]],
    "a reference beyond": [TWO, [17, 4, 2, [[3], [1]]]],
    "a reference to itself": [[17, 4, 2, [[0], 1]]],
    "a reference ahead": [TWO, [17, 4, 2, [[-1], 1]]],
    "a name beyond": [NAME, [17, 4, 2, [[[1]], 1]]],
    "a negative name": [NAME, [17, 4, 2, [[[-1]], 1]]],
    # Codes
    "code 4": [TWO, [17, 4, 2, [[4, 1, 2]]]],
    "code -1": [TWO, [17, 4, 2, [[-1, 1, 2]]]],
    "code false": [TWO, [17, 4, 2, [[False, 2, 2]]]],
    "code true": [TWO, [17, 4, 2, [[True, 2, 2]]]],
    "code 1.0": [TWO, [17, 4, 2, [[1.0, 2, 2]]]],
    "code '1'": [TWO, [17, 4, 2, [["1", 2, 2]]]],
    "code none": [TWO, [17, 4, 2, [[None, 2, 2]]]],
    "an array as code": [TWO, [17, 4, 2, [[[1], 2, 2]]]],
    # Spans
    "a span beyond": [TWO, [17, 4, 2, [[0, 1, 2]]]],
    "a span at the end": [TWO, [17, 4, 1, [[0, 0, 1]]]],
    "a span before the begin": [TWO, [17, 4, 2, [[0, 3, 2]]]],
    "a span far ahead": [TWO, [17, 4, 2, [[0, AHEAD, 2]]]],
    "a span far behind": [TWO, [17, 4, 2, [[0, BEHIND, 2]]]],
    "a short span": [TWO, [17, 4, 2, [[0, 2, 1]]]],
    "a long span": [TWO, [17, 4, 1, [[0, 2, 2]]]],
    "an empty span": [TWO, [17, 4, 1, [[0, 2, 0]]]],
    "a negative span": [TWO, [17, 4, 1, [[0, 2, -1]]]],
    "a span of true": [TWO, [17, 4, 1, [[0, 2, True]]]],
    "a span from true": [TWO, [17, 4, 1, [[0, True, 1]]]],
    "a span from a reference": [TWO, [17, 4, 2, [[0, [2], 2]]]],
    "a span without a count": [TWO, [17, 4, 2, [[0, 2]]]],
    "a span of three": [TWO, [17, 4, 2, [[0, 2, 2, 1]]]],
    "a span as all items, beyond": [TWO, [4, [0, 1, 2]]],
    "a span as all items, before": [TWO, [4, [0, 3, 2]]],
    "a span of fewer values": [TWO, [5, ["a"], [0, 2, 2]]],
    # Sames
    "a short same": [[17, 4, 2, [[1, 5, 1]]]],
    "a long same": [[17, 4, 2, [[1, 5, 3]]]],
    "an empty same": [[17, 4, 1, [[1, 5, 0]]]],
    "a negative same": [[17, 4, 1, [[1, 5, -1]]]],
    "a same of true times": [[17, 4, 1, [[1, 5, True]]]],
    "a same of a long integer": [[17, 4, 2, [[1, msgpack.ExtType(1, b"\1" + bytes(65)), 2]]]],
    "a same of a long text": [[17, 4, 2, [[1, LONG, 2]]]],
    "a same of long bytes": [[17, 4, 2, [[1, b"x" * 65, 2]]]],
    "a same of a map": [[17, 4, 2, [[1, {}, 2]]]],
    "a same of large data": [[17, 4, 2, [[1, msgpack.ExtType(2, b"\0"), 2]]]],
    "a same of a column": [TWO, [17, 4, 2, [[1, [0, 2, 2], 2]]]],
    "a same of a register beyond": [TWO, [17, 4, 2, [[1, [3], 2]]]],
    "a same of itself": [TWO, [17, 4, 2, [[1, [0], 2]]]],
    "a same of a name beyond": [NAME, [17, 4, 2, [[1, [[1]], 2]]]],
    "a same without a count": [[17, 4, 2, [[1, 5]]]],
    "a same of fewer values": [[5, ["a", "b"], [1, 5, 1]]],
    "a same of more names": [NAME, [9, 0, [], ["a"], [1, 5, 2]]],
    # References
    "a short array of references": [TWO, [17, 4, 2, [[2, 1]]]],
    "a long array of references": [TWO, [17, 4, 2, [[2, 1, 1, 1]]]],
    "a reference to the step itself": [TWO, [17, 4, 2, [[2, 0, 0]]]],
    "a reference to the step before": [TWO, [17, 4, 2, [[2, 1, 1]]]],
    "a distance before the begin": [TWO, [17, 4, 2, [[2, 3, 3]]]],
    "a distance far behind": [TWO, [17, 4, 2, [[2, BEHIND, 1]]]],
    "a distance that is true": [TWO, [17, 4, 2, [[2, True, 2]]]],
    "a distance that is a float": [TWO, [17, 4, 2, [[2, 1.0, 2]]]],
    "a distance that is an array": [TWO, [17, 4, 2, [[2, [1], 2]]]],
    "a distance that is none": [TWO, [17, 4, 2, [[2, None, 2]]]],
    "a distance that is large data": [TWO, [17, 4, 2, [[2, msgpack.ExtType(2, b"\1"), 2]]]],
    # Merged columns
    "a merged column of no order": [[17, 4, 1, [[3, b"", [1]]]]],
    "a merged column without columns": [[17, 4, 2, [[3, b"\0\0"]]]],
    "an order that is a text": [[17, 4, 2, [[3, "\0\0", [1, 2]]]]],
    "an order that is an array": [[17, 4, 2, [[3, [0, 0], [1, 2]]]]],
    "an order that is true": [[17, 4, 1, [[3, True, [1, 2]]]]],
    "an order beyond the columns": [[17, 4, 2, [[3, b"\0\1", [1, 2]]]]],
    "a short order": [[17, 4, 2, [[3, b"\0", [1]]]]],
    "a long order": [[17, 4, 2, [[3, b"\0\0\0", [1, 2, 3]]]]],
    "a merged column of a short column": [[17, 4, 3, [[3, b"\0\1\0", [1], [2]]]]],
    "a merged column of a long column": [[17, 4, 3, [[3, b"\0\1\0", [1, 2, 3], [2]]]]],
    "a merged column of a long span": [TWO, [17, 4, 2, [[3, b"\0\1", [[0, 2, 2]], [2]]]]],
    "a merged column with a column for no place": [[17, 4, 2, [[3, b"\0\0", [1, 2], [3]]]]],
    "a merged column in another": [[17, 4, 2, [[3, b"\0\1", [[3, b"\0", [1]]], [2]]]]],
    "a merged column of no column": [[17, 4, 2, [[3, b"\0\1", 1, [2]]]]],
    "a merged column of bytes": [[17, 4, 2, [[3, b"\0\1", b"ab", [2]]]]],
    "257 columns": [[17, 4, 257, [[3, bytes(range(256)) + b"\0", *[[1]] * 255, [1, 2], [1]]]]],
    "a merged column of values for fewer keys": [[5, ["a"], [3, b"\0\1", [1], [2]]]],
    # Sets
    "sets of none": [[17, 6, 2, [None, None]]],
    "sets of the same none": [[17, 6, 2, [[1, None, 2]]]],
    "sets of booleans": [[17, 6, 2, [True, False]]],
    "sets of floats": [[17, 6, 2, [1.5, 2.5]]],
    "sets of bytes": [[17, 7, 2, [b"a", b"b"]]],
    "sets of texts and integers": [[17, 6, 2, [1, "a"]]],
    "sets of texts, and of integers": [[17, 6, 2, [1, 2], ["a", "b"]]],
    "sets of references": [[17, 3, 2], [17, 6, 2, [[2, 2, 2]]]],
    "sets of a span": [[17, 3, 2], [17, 6, 2, [[0, 2, 2]]]],
    "sets of the same reference": [[17, 3, 2], [17, 7, 2, [[1, [1], 2]]]],
    "sets of merged columns": [[17, 6, 2, [[3, b"\0\1", [1], ["a"]]]]],
    # Keys and names
    "a dictionary without keys": [[17, 5, 2]],
    "fewer keys": [[17, 5, 2, ["a"], [1, 2], [3, 4]]],
    "more keys": [[17, 5, 2, ["a", "b"], [1, 2]]],
    "keys that are integers": [[17, 5, 2, [1], [1, 2]]],
    "keys that are references": [TWO, [17, 5, 2, [[1]], [1, 2]]],
    "a key twice": [[17, 5, 2, ["a", "a"], [1, 2], [3, 4]]],
    "a long key": [[17, 5, 2, [LONG], [1, 2]]],
    "a long key by number": [[5, [LONG, *"abcdef"], 1, 2, 3, 4, 5, 6, 7], [17, 5, 1, 0, *[[1]] * 7]],
    "a long name": [TWO, [17, 15, 2, 2, [LONG], [1, 2]]],
    "a key twice by number": [[5, ["a", "a"], 1, 2], [17, 5, 2, 0, [1, 2], [3, 4]]],
    "keys that are a map": [[17, 5, 2, {"a": 1}, [1, 2]]],
    "keys with a number beyond": [[17, 5, 2, 0, [1, 2]]],
    "values without columns": [[17, 5, 2, ["a", "b"], [1, 5, 2]]],
    # Filling
    "no target": [TWO, [17, 15, 2]],
    "a target beyond": [TWO, [17, 15, 2, 1, ["a"], [1, 2]]],
    "a target ahead": [TWO, [17, 15, 2, 0, ["a"], [1, 2]]],
    "a target before the begin": [TWO, [17, 15, 2, 3, ["a"], [1, 2]]],
    "a negative target": [TWO, [17, 15, 2, -1, ["a"], [1, 2]]],
    "a target that is true": [TWO, [17, 15, 1, True, ["a"], [1]]],
    "a target that is a reference": [TWO, [17, 15, 2, [2], ["a"], [1, 2]]],
    "a name of an attribute twice": [TWO, [17, 15, 2, 2, ["a", "a"], [1, 2], [3, 4]]],
    "a name of an attribute twice by number": [[5, ["a", "a"], 1, 2], TWO, [17, 15, 2, 2, 0, [1, 2], [3, 4]]],
    "names that are bytes": [TWO, [17, 15, 2, 2, [b"a"], [1, 2]]],
    "fewer names": [TWO, [17, 15, 2, 2, ["a"], [1, 2], [3, 4]]],
    "more names": [TWO, [17, 15, 2, 2, ["a", "b"], [1, 2]]],
    "a state ahead": [TWO, [17, 15, 2, 2, ["a"], [[2, 0, -1]]]],
    "a span of states ahead": [TWO, [17, 16, 2, 2, [[0, -1, 2]]]],
    "two states": [TWO, [17, 16, 2, 2, [1, 2], [3, 4]]],
    "no states": [TWO, [17, 16, 2, 2]],
    "a state that is no column": [TWO, [17, 16, 2, 2, 1]],
}

HUGE = {
    "new": [NAME, [17, 9, MANY, 0]],
    "lists": [[17, 4, MANY]],
    "tuples of a same": [[17, 3, MANY, [[1, None, MANY]]]],
    "dictionaries": [[17, 5, MANY, []]],
    "dictionaries of a same": [[17, 5, MANY, ["a"], [[1, 5, MANY]]]],
    "sets of a same": [[17, 6, MANY, [[1, 5, MANY]]]],
    "frozen sets": [[17, 7, MANY]],
    "texts": [[17, 2, MANY, [LONG]]],
    "states": [TWO, [17, 15, MANY, 2, [], []]],
    "set states": [TWO, [17, 16, MANY, 2, [[1, None, MANY]]]],
    "items": [[4, [1, None, MANY]]],
    "a tuple": [[3, [1, "a", MANY]]],
    "a set": [[6, [1, 1, MANY]]],
    "values": [[5, ["a"], [1, None, MANY]]],
    "attributes": [[4], [15, 1, ["a"], [1, None, MANY]]],
    "arguments": [NAME, [9, 0, [[1, None, MANY]]]],
    "keywords": [NAME, [9, 0, [], ["a"], [1, None, MANY]]],
    "a call": [[1, "builtins", "getattr"], [10, 0, [1, "a", MANY]]],
    "an extension": [[4], [12, 1, [1, None, MANY]]],
    "an update": [[5, []], [13, 1, ["a"], [1, None, MANY]]],
    "an addition": [[6], [14, 1, [1, None, MANY]]],
    "more than 64 bits": [[17, 4, msgpack.ExtType(1, b"\1" + bytes(2_000))]],
    "a merged column": [[17, 4, 2, [[3, b"\0\1", [[1, 5, MANY]], [1]]]]],
    "many sames": [[17, 4, 100_000, *[[[1, None, 100_000]]] * 101]],
    "many lists of a same": [[4, [1, None, 100_000]]] * 200,
    "many lists of a span": [[17, 4, 100_000], *[[4, [0, 100_000 + number, 100_000]] for number in range(200)]],
    "many columns of a span": [[17, 4, 100_000], [17, 4, 100_000, *[[[0, 100_000, 100_000]]] * 200]],
    "many runs": [[17, 4, 100_000]] * 200,
}


class TestMalformed:
    @pytest.mark.parametrize("steps", MALFORMED.values(), ids=MALFORMED)
    def test_runs(self, steps):
        """A run that no writer writes is damaged, with one line of reason, and with any trust."""
        with pytest.raises(Damaged, match=r"^step \d+ is malformed \([^\n]+\)$"):
            read(*steps)
        with pytest.raises(Damaged):
            appsnap.loads(forged(*steps), trust=appsnap.EVERYTHING)


class TestHuge:
    @pytest.mark.parametrize("steps", HUGE.values(), ids=HUGE)
    def test_counts(self, steps):
        """A count that a few bytes give is refused before there is memory for it, with names trusted, too."""
        data = forged(*steps)
        tracemalloc.start()
        try:
            for trust in ((), ["a.*"]):
                with pytest.raises(AppsnapError, match=r"steps_per_byte=4|malformed|not written") as caught:
                    appsnap.loads(data, trust=trust)
                assert isinstance(caught.value, (CannotLoad, Damaged))
            with pytest.raises(AppsnapError, match=r"steps=10,000,000|malformed|not written"):
                read(*steps)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 40_000_000

    def test_the_limits(self):
        """Each of the two numbers may be as high as the limit, and no higher."""
        data = forged([17, 4, 1_000, [[1, None, 1_000]]], root=[1])
        few = appsnap.Limits(steps=1_000)

        assert appsnap.loads(data, limits=few) == [None]
        for steps in (
            [[17, 4, 1_001]],
            [[17, 4, 1_000], [4]],
            [[4, [1, None, 1_001]]],
            [[4, [1, None, 999]], [3, [1, 1, 2]]],
        ):
            with pytest.raises(CannotLoad, match="the limit is steps=1,000"):
                appsnap.loads(forged(*steps), limits=few)

    def test_trusted(self, tmp_path):
        """A file that is trusted as a whole has the limit on steps alone; others need a higher one."""
        value = [{"a": 1, "b": None} for _ in range(300_000)]
        appsnap.save(value, tmp_path / "file", kind="msgpack")
        data = appsnap.dumps(value, "msgpack")

        assert appsnap.load(tmp_path / "file") == value
        assert appsnap.loads(data, limits=appsnap.Limits(steps_per_byte=10**6)) == value
        with pytest.raises(CannotLoad, match="steps_per_byte"):
            appsnap.loads(data)

    def test_merged_columns(self):
        """A merged column may have 256 columns, and any number of operands."""
        order = bytes(range(256)) * 4_000
        steps = [[17, 4, 4_000 * 256, [[3, order, *[[*range(4_000)]] * 256]]]]

        assert len(read(*steps).compact[0].fields[0][0]) == len(order)


class TestOperands:
    @pytest.mark.parametrize(
        "column",
        [
            [1, "a", None],
            [Ref(3), 1, Ref(9)],
            [Ref(3), Ref(9), Ref(1)],
            Span(4, 3),
            Same(Ref(2), 3),
            Same("a", 3),
            Merged(b"\0\1\0", [[Ref(1), Ref(2)], [None]]),
            Merged(b"\1\0\1", [Span(5, 1), Span(7, 2)]),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("places", [None, range(10, 13), range(6, 9)])
    def test_there_and_back(self, column, places):
        """A column comes back as it was, from any register that its distances begin at."""
        writer, reader = Writer(), Reader(100, 0)
        writer.registers = reader.registers = 10

        found = writer.column(column, [10] * 3 if places is None else places)

        assert reader.column(msgpack.unpackb(msgpack.packb(found)), 3, places) == column

    def test_a_run_in_a_recipe(self):
        """A run is one array of the body."""
        recipe = read(TWO, [17, 15, 2, 2, ["a"], [[2, 0, 0]]])

        assert [type(step) for step in recipe.compact] == [Run, Run]
        assert recipe.compact[1].fields == (0, ("a",), ([Ref(0), Ref(1)],))
        assert recipe.size == len(recipe.steps) == 4


def services(count, more):
    """Return an application of so many services, and more in between."""
    made, added = random.Random(1), random.Random(2)
    tree = MultiService()

    def service(chance):
        one = Service()
        one.name, one.rate = f"service {chance.randrange(10**9)}", chance.random()
        one.token, one.parent = f"{chance.getrandbits(128):032x}", tree
        return one

    tree.services = [service(made) for _ in range(count)]
    for _ in range(more):
        tree.services.insert(added.randrange(count), service(added))
    return tree


class TestChanges:
    def body(self, value):
        """Return the bytes of a body."""
        unpacker = msgpack.Unpacker(io.BytesIO(data := appsnap.dumps(value, "msgpack")))
        unpacker.skip()
        start = unpacker.tell()
        unpacker.skip()
        return data[start : unpacker.tell()]

    def test_more_objects(self):
        """One service more in a hundred changes the file where they are: 0.8 % of it is new."""
        before, after = self.body(services(3_000, 0)), self.body(services(3_000, 30))
        options = {zstd.CompressionParameter.compression_level: 19, zstd.CompressionParameter.window_log: 20}

        patch = zstd.compress(after, options=options, zstd_dict=zstd.ZstdDict(before, is_raw=True).as_prefix)

        assert len(patch) < len(after) / 50

    def test_what_is_before(self):
        """Steps in front of a new object have the same bytes, and so have those behind it that don't lead past it."""
        first, second = [[n] for n in range(20)], [{"a": [n]} for n in range(20)]

        bodies = [[first, second], [[*first, [20]], second]]
        one, other = ([*msgpack.Unpacker(io.BytesIO(appsnap.dumps(value, "msgpack")))][1] for value in bodies)

        assert [at for at, (step, same) in enumerate(zip(one, other, strict=True)) if step != same] == [0, 1]
