import sys

import numpy as np
import pytest

from appsnap.recipe.values import dtypes
from appsnap.recipe.values.numpy import read_only

READ_ONLY = f"{read_only.__module__}.read_only"


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("numpy.dtype", ("O",)),
            ("numpy.dtype", ("O8",)),
            ("numpy.dtype", (["O"],)),
            ("numpy.dtype", ([("a", "O")],)),
            ("numpy.dtype", ("i4,O",)),
            ("numpy.dtype", ("(2,)O",)),
            ("numpy.dtype", ("f8", False, True)),
            ("numpy.dtype", ({"names": ["a"], "formats": ["O"]},)),
            ("numpy.dtype", (object,)),
            ("numpy.float64", ([1],)),
            ("numpy.datetime64", ("2024", "s")),
            ("numpy.datetime64", (1, "ns, x")),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit dtypes and scalars are refused, at once."""
        refused(name, args)

    @pytest.mark.parametrize(
        "args",
        [
            ((10**9,), np.dtype("f8"), b"x" * 8, 0, None, "C"),
            ((2,), np.dtype("f8"), b"x" * 15, 0, None, "C"),
            ((2,), np.dtype("f8"), b"x" * 17, 0, None, "C"),
            ((-2,), np.dtype("f8"), b"x" * 16, 0, None, "C"),
            ((-1, -2), np.dtype("f8"), b"x" * 16, 0, None, "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 8, None, "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, (16,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, None, "K"),
            ((2,), np.dtype("O"), b"x" * 16, 0, None, "C"),
            ((2,), "O", b"x" * 16, 0, None, "C"),
            ((2,), np.dtype("f8"), None, 0, None, "C"),
            ([2], np.dtype("f8"), b"x" * 16, 0, None, "C"),
            ((2,), np.dtype("f8")),
            ((True, 2), np.dtype("f8"), b"x" * 16, 0, None, "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 1, (8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, (9,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, (-8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 7, (-8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, -8, (8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 2**63, (8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, (2**63,), "C"),
            ((3,), np.dtype("f8"), b"x" * 16, 2**61, (-(2**60),), "C"),
            ((2, 2), np.dtype("f8"), b"x" * 16, 0, (8, 8), "C"),
            ((2, 1), np.dtype("f8"), b"x" * 16, 0, (8,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, [8], "C"),
            ((2,), np.dtype("f8"), b"x" * 16, 0, (True,), "C"),
            ((2,), np.dtype("f8"), b"x" * 16, True, (8,), "C"),
            ((2,), np.dtype("f8"), None, 0, (0,), "C"),
            ((2**61, 2**61), np.dtype("u1"), b"x", 0, (0, 0), "C"),
            ((2,), np.dtype("V0"), b"x" * 16, 0, (8,), "C"),
            ((0,), np.dtype("f8"), b"", 0, (8,), "C"),
            ((2,), np.dtype("f8"), memoryview(b"x" * 15), 0, None, "C"),
            ((2,), np.dtype("f8"), memoryview(np.zeros(4)[::2]), 0, None, "C"),
            ((2,), np.dtype("f8"), np.zeros(2), 0, None, "C"),
        ],
    )
    def test_arrays(self, construct, args):
        """An array has exactly the bytes of its shape: more would be memory that isn't its own."""
        with pytest.raises((TypeError, ValueError)):
            construct("numpy.ndarray", args)

    @pytest.mark.parametrize(
        "dtype",
        ["<U2", ">U2", [("a", "i4"), ("b", "<U1")], [("a", [("b", "<U2", (1, 1))])], [("a", "i2"), ("b", "<U1")]],
    )
    def test_characters(self, construct, dtype):
        """A number that is no character is refused: Python would write beyond the end of what it makes of the text."""
        dtype = np.dtype(dtype)
        good = np.zeros(3, dtype).tobytes()
        order = "big" if dtype.str[0] == ">" else "little"
        bad = good[:-4] + (sys.maxunicode + 1).to_bytes(4, order)
        size, reversed_ = dtype.itemsize, (-dtype.itemsize,)

        assert construct("numpy.ndarray", ((3,), dtype, good, 0, None, "C")).tobytes() == good
        assert construct("numpy.ndarray", ((3,), dtype, good, 2 * size, reversed_, "C")).tobytes() == good
        assert construct("numpy.ndarray", ((1,), dtype, bad, size, (5,), "C")).size == 1
        assert dtypes.takes_state(np.ndarray((0,), "b"), (1, (3, 1), dtype, False, good))
        assert not dtypes.takes_state(np.ndarray((0,), "b"), (1, (3, 1), dtype, False, bad))
        for rest in ((bad, 0, None), (bad, 2 * size, reversed_)):
            with pytest.raises(ValueError, match="no character"):
                construct("numpy.ndarray", ((3,), dtype, *rest, "C"))

    @pytest.mark.parametrize("dtype", ["V0", "S0"])
    def test_items_without_size(self, dtype):
        """No state gives an array items without size: there could be any number of them."""
        array = np.ndarray((0,), "b")
        state = [(1, shape, np.dtype(dtype), False, b"") for shape in ((2**39,), (0,))]

        assert [dtypes.takes_state(array, one) for one in state] == [False, True]


class TestManyFields:
    def test_twice(self, refused):
        """A dtype with another one twice in one place, and so on: its hash would never end."""
        made = np.dtype("<i8")
        for _ in range(12):
            described = {"names": ["a", "b"], "formats": [made, made], "offsets": [0, 0], "itemsize": 8}
            made = np.dtype(described)

        refused("numpy.dtype", ({**described, "formats": [made, made]}, False))

    def test_items_without_size(self, refused):
        """Items without size are counted on all levels together."""
        empty = np.dtype({"names": [], "formats": [], "offsets": [], "itemsize": 0})

        refused("numpy.dtype", ((np.dtype((empty, (200,))), (200,)),))
        refused("numpy.dtype", ([("a", [("b", ">q", (2**31 - 1, 0))])],))


class TestMade:
    @pytest.mark.parametrize(
        ("args", "items"),
        [
            (((2,), np.dtype("u1"), b"abc", 1, (1,), "C"), [98, 99]),
            (((2,), np.dtype("u1"), b"abc", 2, (-2,), "C"), [99, 97]),
            (((2, 2), np.dtype("u1"), b"abc", 0, (1, 1), "C"), [[97, 98], [98, 99]]),
            (((), np.dtype("u1"), b"abc", 2, (), "C"), 99),
            (((1000,), np.dtype("u1"), b"abc", 2, (0,), "C"), [99] * 1000),
            (((3,), np.dtype("u1"), memoryview(b"abc"), 0, None, "C"), [97, 98, 99]),
        ],
    )
    def test_views(self, construct, args, items):
        """An array may be a view of its bytes, by any strides that stay within them."""
        assert construct("numpy.ndarray", args).tolist() == items

    def test_read_only(self, construct):
        """What is no array isn't made read-only."""
        for thing in (b"", memoryview(b""), np.ma.zeros(2), [np.zeros(2)]):
            with pytest.raises(ValueError, match="takes an array"):
                construct(READ_ONLY, (thing,))
