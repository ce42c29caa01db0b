import copy

import pytest

import zoo
from appsnap.errors import CannotBuild
from appsnap.recipe.build import build
from appsnap.recipe.steps import Call, Dict, Extend, List, Name, Recipe, Ref, SetState, Tuple
from appsnap.recipe.trust import Trust


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("_codecs.encode", ("x", "rot13")),
            ("_codecs.encode", (b"x", "latin1")),
            ("builtins.bytes", (10**12,)),
            ("builtins.bytearray", (10**12,)),
            ("builtins.bytearray", ("x", "zlib_codec")),
            ("builtins.memoryview", (zoo.Node(),)),
            ("builtins.range", ("1",)),
            ("builtins.range", (0, 1 << 8_000_000, 1 << 4_000_000)),
            ("array._array_reconstructor", (zoo.Node, "i", 1, b"")),
            ("array._array_reconstructor", (zoo.array.array, "O", 1, b"")),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit bytes, views and ranges are refused, at once."""
        refused(name, args)


RANGE = [Name("builtins", "range"), Call(Ref(0), [10**11]), List([])]


def with_args(name, first, args):
    """Return the recipe of an exception whose state has other arguments than its constructor had."""
    made = [*RANGE, Name("builtins", "ValueError"), Call(Ref(3), []), List([Ref(4)])]
    state = [Tuple(args), Dict(["args"], [Ref(8)]), SetState(Ref(7), Ref(9))]
    return Recipe([*made, Name("builtins", name), Call(Ref(6), first), *state], Ref(7))


class TestArgumentsOfExceptions:
    @pytest.mark.parametrize(
        ("name", "first", "args"),
        [
            ("UnicodeDecodeError", ["u", b"x", 0, 1, "r"], ["u", b"x", -(2**40), 1 - 2**40, "r"]),
            ("UnicodeTranslateError", ["x", 0, 1, "r"], ["x", 0, 2, "r"]),
            ("SyntaxError", ["a"], ["a", Ref(1)]),
            ("ExceptionGroup", ["a", Ref(5)], ["a", Ref(1)]),
        ],
    )
    def test_that_a_copy_would_take(self, name, first, args):
        """A copy calls the class with the arguments in the state: they are checked as those of the first call."""
        with pytest.raises(CannotBuild, match="no state of a BaseException"):
            build(with_args(name, first, args), Trust())

    def test_that_could_be_filled_later(self):
        """The place of a SyntaxError is a tuple: the recipe could fill a list after the check."""
        made = [Name("builtins", "SyntaxError"), List(["f", 1, 2, "t"]), Call(Ref(0), ["a", Ref(1)])]

        with pytest.raises(CannotBuild, match="takes a tuple of a place"):
            build(Recipe([*made, Extend(Ref(1), [1, 10**11])], Ref(2)), Trust())

    def test_good_ones(self):
        """Arguments that fit are set."""
        loaded = build(with_args("UnicodeDecodeError", ["u", b"x", 0, 1, "r"], ["u", b"yz", 1, 2, "s"]), Trust())

        assert str(copy.copy(loaded)) == "'u' codec can't decode byte 0x7a in position 1: s"
