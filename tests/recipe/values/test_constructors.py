import time

import numpy as np
import pytest

import zoo
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import Call, Name
from appsnap.recipe.values.constructors import (
    CREATABLE,
    FILLED_BY,
    REFERABLE,
    WITH_HARMLESS_METHODS,
    construct,
    is_constructible,
)


class TestTables:
    def test_every_value_is_constructible(self):
        """What freeze takes values apart into is what can be put together."""
        recipe = freeze([value for value in [*zoo.VALUES, *zoo.ARRAYS] if type(value).__module__ != "zoo"])
        names = {}
        register = 0
        for step in recipe.steps:
            if isinstance(step, Name):
                names[register] = step.dotted
            if isinstance(step, Call):
                assert is_constructible(names[step.function])
            register += not type(step).__name__.startswith(("Extend", "Update", "Add", "State", "SetState"))

    def test_tables_agree(self):
        """Who may be filled, or has harmless methods, can be constructed."""
        assert all(map(is_constructible, FILLED_BY))
        assert all(map(is_constructible, WITH_HARMLESS_METHODS))
        assert CREATABLE <= REFERABLE
        assert not is_constructible("builtins.eval")
        assert not is_constructible("builtins.type")
        assert "builtins.type" not in REFERABLE


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("_codecs.encode", ("x", "rot13")),
            ("_codecs.encode", (b"x", "latin1")),
            ("builtins.bytes", (10**12,)),
            ("builtins.bytearray", (10**12,)),
            ("builtins.bytearray", ("x", "zlib_codec")),
            ("builtins.complex", ("1",)),
            ("builtins.frozenset", ("text",)),
            ("builtins.memoryview", (zoo.Node(),)),
            ("builtins.range", ("1",)),
            ("builtins.range", (0, 1 << 8_000_000, 1 << 4_000_000)),
            ("builtins.set", ({1: 2},)),
            ("collections.Counter", ([1],)),
            ("collections.OrderedDict", (zoo.Node(),)),
            ("collections.defaultdict", (int, {})),
            ("collections.deque", ("text",)),
            ("collections.deque", ([], "5")),
            ("datetime.date", ("2024", 1, 1)),
            ("datetime.datetime", (1.0, 1, 1)),
            ("datetime.timedelta", (1.5,)),
            ("datetime.timezone", (5,)),
            ("decimal.Decimal", (5,)),
            ("fractions.Fraction", ("1e99999999",)),
            ("fractions.Fraction", (1.5, 1)),
            pytest.param("fractions.Fraction", (2**10_000_000, 3), id="huge fraction"),
            ("functools.partial", (5,)),
            ("functools.partial", (print, "x")),
            ("logging.getLogger", (5,)),
            ("pathlib.PosixPath", (5,)),
            ("re.compile", ("x", 128)),
            ("re.compile", (zoo.Node(),)),
            ("types.MappingProxyType", (zoo.MyDict(),)),
            ("types.SimpleNamespace", (1,)),
            ("uuid.UUID", (None, b"x" * 16)),
            ("zoneinfo.ZoneInfo", ("../../etc/passwd",)),
            ("zoneinfo.ZoneInfo._unpickle", (5, True)),
            ("array._array_reconstructor", (zoo.Node, "i", 1, b"")),
            ("array._array_reconstructor", (zoo.array.array, "O", 1, b"")),
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
    def test_arguments(self, name, args):
        """Arguments that don't belong there are refused, at once."""
        started = time.process_time()

        with pytest.raises((TypeError, ValueError, OSError)):
            construct(name, args)

        assert time.process_time() - started < 2

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
    def test_arrays(self, args):
        """An array has exactly the bytes of its shape: more would be memory that isn't its own."""
        with pytest.raises((TypeError, ValueError)):
            construct("numpy.ndarray", args)

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
    def test_views(self, args, items):
        """An array may be a view of its bytes, by any strides that stay within them."""
        assert construct("numpy.ndarray", args).tolist() == items

    def test_read_only(self):
        """What is no array isn't made read-only."""
        for thing in (b"", memoryview(b""), np.ma.zeros(2), [np.zeros(2)]):
            with pytest.raises(ValueError, match="takes an array"):
                construct("appsnap.actions.read_only", (thing,))
