import array
import datetime as dt
import json
import subprocess
import sys
import zoneinfo
from collections import deque

import numpy as np
import pytest

import appsnap
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, json_nodes, text_lines
from appsnap.recipe.steps import Call, Dict, List, Name, New, Recipe, Ref, SetState, State, Tuple

UTC = dt.UTC
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NUMPY = [Name("numpy", "ndarray"), Name("numpy", "dtype")]


def lines(obj):
    return list(text_lines(Outline(obj if isinstance(obj, Recipe) else freeze(obj))))


class TestLines:
    @pytest.mark.parametrize(
        ("value", "line"),
        [
            (np.arange(3), "ndarray int64 (3,) 24 bytes [0 1 2]"),
            (np.array([1.5, 2]), "ndarray float64 (2,) 16 bytes [1.5 2.]"),
            (np.array([True]), "ndarray bool (1,) 1 bytes [True]"),
            (np.array([1 + 2j]), "ndarray complex128 (1,) 16 bytes [1+2j]"),
            (np.array(["a", "bc"]), 'ndarray <U2 (2,) 16 bytes ["a" "bc"]'),
            (np.arange(2, dtype=">i2"), "ndarray >i2 (2,) 4 bytes [0 1]"),
            (np.zeros((0, 3)), "ndarray float64 (0, 3) 0 bytes []"),
            (np.array([b"ab", b"c"]), "ndarray |S2 (2,) 4 bytes [b'ab' b'c']"),
            (np.array([b"x" * 30]), f"ndarray |S30 (1,) 30 bytes [b'{'x' * 20}'…] sha256 666a596d"),
            (np.frombuffer(b"abc", "S3"), "ndarray |S3 (1,) 3 bytes [b'abc']"),
            (np.frombuffer(bytes(7), "u1"), "ndarray uint8 (7,) 7 bytes [0 0 0 0 0 0 …] sha256 837885c8"),
            (np.array(["2026-01-01", "NaT"], "M8[D]"), "ndarray datetime64[D] (2,) 16 bytes [2026-01-01 NaT]"),
            (np.array(["2026-01-01T10"], "M8[ns]"), "ndarray datetime64[ns] (1,) 8 bytes [2026-01-01T10:00:00]"),
            (np.array([1, "x", None], object), 'ndarray object (3,) [1 "x" None]'),
            (dt.datetime(2026, 1, 1, tzinfo=UTC), "datetime 2026-01-01T00:00:00Z"),
            (dt.datetime(2026, 1, 1, 0, 30), "datetime 2026-01-01T00:30:00"),  # noqa: DTZ001 - without a zone
            (dt.datetime(2026, 1, 1, tzinfo=BERLIN), "datetime 2026-01-01T00:00:00 Europe/Berlin"),
            (dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-2))), "datetime 2026-01-01T00:00:00-02:00"),
            (dt.timedelta(60, 3), "datetime.timedelta(days=60, seconds=3)"),
            (range(1, 9, 2), "range(1, 9, 2)"),
            (1 + 2j, "(1+2j)"),
            (slice(1, None), "slice(1, None, None)"),
            (array.array("i", [1, 2, 3]), "array('i', [1, 2, 3])"),
            (array.array("d", [0.5]), "array('d', [0.5])"),
            (deque([1, 2], 5), "deque([1, 2], maxlen=5)"),
            (deque("a"), 'deque(["a"])'),
        ],
    )  # fmt: skip
    def test_one_line(self, value, line):
        """A value is one line, as people know it, wherever it stands, and not again argument by argument."""
        long = "attribute_" * 5

        assert lines(value) == [f"object: {line}"]
        assert lines({long: value, 1: [[], [[[[[]]]]]]})[1] == f'├── ["{long}"]: {line}'

    def test_tuple_of_one(self):
        """A tuple of one item has its comma, as in Python."""
        assert lines([(2,), ((3,),)]) == ["object: list of 2", "├── [0]: (2,)", "└── [1]: ((3,),)"]

    @pytest.mark.parametrize(
        ("value", "start"),
        [
            (np.zeros(1000), "object: ndarray float64 (1000,) 8,000 bytes [0. 0. 0. 0. 0. 0. …] sha256 "),
            (np.asfortranarray(np.zeros((2, 3))), "object: ndarray float64 (2, 3) 48 bytes sha256 "),
            (array.array("i", range(100)), "object: array('i', [0, 1, 2, 3, 4, 5, …]) 100 items sha256 "),
            ("x" * 5_000, 'object: "xxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxx" 5,000 characters sha256 '),
            (b"x" * 500, "object: b'xxxxxxxxxxxx…xxxxxxxx' 500 bytes sha256 "),
            (bytearray(500), "object: bytearray(b'\\x00"),
        ],
    )
    def test_cut(self, value, start):
        """What is cut has its size and a digest, so two that differ look different."""
        (line,) = lines(value)
        other = value.copy() if isinstance(value, np.ndarray) else value[:]
        if isinstance(value, np.ndarray):
            other.flat[-1] = 7
        elif isinstance(value, (str, bytes)):
            other = value[:200] + value[:1].replace(value[:1], "y" if isinstance(value, str) else b"y") + value[201:]
        else:
            other[50] = 9

        assert line.startswith(start)
        assert "sha256" in line
        assert lines(other) != [line]

    @pytest.mark.parametrize(
        "recipe",
        [
            [*NUMPY, Tuple([2**70] * 60), Call(Ref(1), ["<f8"]), Call(Ref(0), [Ref(2), Ref(3), None])],
            [*NUMPY, Tuple([1]), Call(Ref(1), ["f8, signed by you"]), Call(Ref(0), [Ref(2), Ref(3), b"12345678"])],
            [*NUMPY, Call(Ref(0), [])],
            [Name("datetime", "datetime"), Call(Ref(0), [2**100, 1, 1])],
            [
                *(Name("datetime", "datetime"), Name("zoneinfo", "ZoneInfo"), Call(Ref(1), ["x, signed by you"])),
                Call(Ref(0), [1, 1, 1, 0, 0, 0, 0, Ref(2)]),
            ],
            [Name("pandas", "DataFrame"), New(Ref(0), []), State(Ref(1), ["_mgr"], [Ref(1)])],
            [
                *(Name("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"), Call(Ref(0), [])),
                *(Tuple([Ref(1), Ref(1)]), SetState(Ref(1), Ref(2)), Name("pandas.core.indexes.base", "_new_Index")),
                *(Dict(["data"], [Ref(1)]), Call(Ref(3), [Ref(0), Ref(4)])),
            ],
            [Name("array", "_array_reconstructor"), Call(Ref(0), [1, 2, 99, None])],
            [Name("builtins", "range"), Call(Ref(0), [1 << 100_000])],
        ],
    )  # fmt: skip
    def test_malformed(self, recipe):
        """A call that no writer gives such a form is shown as a call."""
        registers = sum(type(step) not in (State, SetState) for step in recipe)
        shown = "\n".join(lines(Recipe([*recipe, List([Ref(registers - 1)])], Ref(registers))))

        assert "object: list of 1" in shown or "object: [" in shown
        assert "signed by you" not in shown.replace('"f8, signed by you"', "").replace('"x, signed by you"', "")

    def test_deque_of_containers(self):
        """The items of a deque that don't fit are items, and no empty argument stands beside them."""
        shown = lines(deque([{"a": [["x" * 50]] * 3}]))

        assert shown[0] == "object: collections.deque"
        assert "argument 0" not in "".join(shown)
        assert any("[0]: dict of 1" in line for line in shown)


class TestFrames:
    def test_lines(self):
        """A frame shows its size, its columns and their types; a series and an index theirs."""
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [1.5, 2, 3]})
        (shown,) = lines(frame)
        (other,) = lines(frame.assign(a=[1, 2, 4]))

        assert shown.startswith("object: DataFrame 3 \u00d7 3: a int64, b str, c float64 sha256 ")
        assert other.startswith(shown[: shown.index("sha256")])
        assert other != shown
        assert lines(pd.Series([1.0, 2], name="q"))[0].startswith('object: Series float64 (2,) "q" sha256 ')
        assert lines(pd.Index([1, 2, 3])) == ["object: Index int64 (3,) [1 2 3]"]
        assert lines(pd.RangeIndex(5)) == ["object: RangeIndex int64 (5,) [0 1 2 3 4]"]

    def test_nothing_is_imported(self, tmp_path):
        """To show arrays takes no numpy."""
        path = tmp_path / "array.tap"
        appsnap.save(np.arange(3), path)
        code = f"import sys, appsnap; print(appsnap.open_snapshot({str(path)!r})); print('numpy' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert "ndarray int64 (3,) 24 bytes [0 1 2]\nFalse" in done.stdout


class TestJson:
    def test_large(self):
        """Large data is told by its size, its digest and its begin; small data in full, and arrays in one line, too."""
        nodes = [*json_nodes(Outline(freeze([np.zeros(1_000_000), "x" * 20_000, b"y" * 70])))]
        text = json.dumps(nodes)

        assert len(text) < 5_000
        assert [node["shown"][:20] for node in nodes if "shown" in node] == ["ndarray float64 (100"]
        sizes = [
            node["value"]["size"] for node in nodes if isinstance(node.get("value"), dict) and "size" in node["value"]
        ]
        assert sorted(sizes) == [20_000, 8_000_000]
        assert {"python": repr(b"y" * 70)} in [node.get("value") for node in nodes]
