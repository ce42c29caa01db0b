from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest

from appsnap.errors import CannotBuild, CannotLoad
from appsnap.limits import LIMITS, Limits
from appsnap.recipe import values
from appsnap.recipe.build import build
from appsnap.recipe.steps import (
    Call,
    Dict,
    Extend,
    FrozenSet,
    List,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.recipe.trust import EVERYTHING, Trust
from appsnap.recipe.trust.cost import CostCounter

MODULUS = 2**61 - 1


def made(steps, limits=LIMITS, trust=()):
    registers = sum(type(step) not in (Extend, Update) for step in steps)
    return build(Recipe(steps, Ref(registers - 1)), Trust(trust), limits)


def refused(steps, limits=LIMITS):
    with pytest.raises(CannotLoad) as caught:
        made(steps, limits)
    return caught.value


def as_float(number):
    """Return a float with this hash, which has 53 bits of 61, at any place."""
    parts = [((number >> shift | number << (61 - shift)) & MODULUS, shift) for shift in range(61)]
    return next(float(part) * 2.0**shift for part, shift in parts if part < 1 << 53)


class TestAddedItems:
    def test_one_by_one(self):
        """The keys that calls add to a weak set count together."""
        steps = [Name("appsnap.ways.weak", "WeakSet"), Name("appsnap.ways.weak", "add_items"), Name("uuid", "UUID")]
        steps.append(Call(Ref(0), []))
        held = [target := Ref(3)]
        for number in range(100):
            held.append(Ref(len(steps)))
            steps += [Call(Ref(2), [f"{5 + number * MODULUS:032x}"]), Set([held[-1]])]
            steps.append(Call(Ref(1), [target, Ref(len(steps) - 1)]))
            target = Ref(len(steps) - 1)  # the same set
        steps.append(List(held))

        items = made(steps)  # they live as long as this list

        assert len(items[0]) == 100
        assert "key_comparisons" in str(refused(steps, Limits(key_comparisons=1_000)))


class TestMadeAnew:
    @pytest.mark.parametrize("name", ["threads.Event", "asyncio.Event", "weak.WeakSet", "pools.finished_future"])
    def test_memory(self, name):
        """What takes a thousand bytes counts more than its step."""
        module, _, function = f"appsnap.ways.{name}".rpartition(".")
        steps = [Name(module, function), *[Call(Ref(0), [])] * 10, List([*map(Ref, range(1, 11))])]

        assert len(made(steps)) == 10
        counter = CostCounter(Recipe(steps, Ref(11)), LIMITS)
        value_type = values.constructor(f"appsnap.ways.{name}").value_type
        with pytest.raises(CannotLoad, match="copies"):
            counter.copy((), 200_000 * value_type.work(()))

    def test_time_of_a_handle(self):
        """A handle is hashed by its time, which isn't a number of thousands of digits."""
        with pytest.raises(CannotBuild, match="a time in seconds"):
            made([Name("appsnap.ways.asyncio", "spent_handle"), Call(Ref(0), [2**9_000])])


class TestHashing:
    def test_doubling(self):
        """Tuples of tuples whose hash would take forever are refused as keys; as values they are cheap."""
        steps = [Tuple([1]), *(Tuple([Ref(number), Ref(number)]) for number in range(64))]

        for more in [
            [Dict([Ref(64)], [1])],
            [Set([Ref(64)])],
            [FrozenSet([Ref(64)])],
            [Dict([], []), Update(Ref(65), [Ref(64)], [1])],
            [List([Ref(64)]), Name("builtins", "set"), Call(Ref(66), [Ref(65)])],
            [List([]), Extend(Ref(65), [Ref(64)]), Name("builtins", "set"), Call(Ref(66), [Ref(65)])],
        ]:
            assert "key_items=20,000,000" in str(refused([*steps, *more]))
        assert made([*steps, Dict([1], [Ref(64)])])

    def test_depth(self):
        """A key that would overflow the stack is refused."""
        steps = [Tuple([1]), *(Tuple([Ref(number)]) for number in range(100_000))]

        error = refused([*steps, Dict([Ref(100_000)], [1])])

        assert "levels deep: the limit is key_depth=1,000" in str(error)
        assert "--limit key_depth=…" in error.hint

    def test_items_are_counted_exactly(self):
        """A key costs what is in it, on all levels; so often as it is used."""
        steps = [Tuple([1, 2]), Tuple([Ref(0), 3]), Set([Ref(1)]), Set([Ref(1)])]

        assert made(steps, Limits(key_items=10))
        assert "key_items=9" in str(refused(steps, Limits(key_items=9)))

    def test_keys_that_are_hashed_anew(self):
        """A Counter made of a dictionary hashes the keys of that once more."""
        counter = [Dict([], []), Update(Ref(0), ["a"] * 100, [1] * 100), Name("collections", "Counter")]
        calls = [Call(Ref(1), [Ref(0)])] * 10

        assert made([*counter, *calls], Limits(key_items=2_000)) == Counter(a=1)
        assert "key_items=900" in str(refused([*counter, *calls], Limits(key_items=900)))

    @pytest.mark.parametrize(
        ("name", "args"),
        [(("fractions", "Fraction"), [3**100_000, 2**150_000]), (("re", "compile"), [Ref(0)])],
    )
    def test_values_that_are_hashed_as_a_whole(self, name, args):
        """A Fraction of long numbers, or a long pattern, is no cheap key: its hash isn't kept."""
        steps = [Value("x" * 100_000), Name(*name), Call(Ref(1), args)]
        many = [Tuple([Ref(2)])] * 20

        error = refused([*steps, *many, Set([Ref(3 + at) for at in range(20)])], Limits(key_items=20_000))

        assert "key_items=20,000" in str(error)

    def test_long_integers(self):
        """Hashing an integer of a million bits takes as long as hashing thousands of items."""
        key = 1 << 1_000_000

        assert "key_items=30,000" in str(refused([Dict([key], [1])], Limits(key_items=30_000)))
        assert "key_items=30,000" in str(refused([Tuple([key]), Dict([Ref(0)], [1])], Limits(key_items=30_000)))
        assert made([Dict([key], [1])]) == {key: 1}

    def test_the_trusted_as_code(self):
        """What is trusted as code may cost what it likes."""
        steps = [Tuple([1]), Tuple([Ref(0)]), Dict([Ref(1)], [1])]

        assert made(steps, Limits(key_depth=1), EVERYTHING) == {((1,),): 1}


class TestComparing:
    def test_integers(self):
        """Integers with the same hash, which make a dictionary quadratic, are refused."""
        keys = [n * MODULUS + 1 for n in range(20_000)]

        assert "same hash: the limit is key_comparisons=5,000,000" in str(refused([Dict(keys, keys)]))
        assert made([Dict(list(range(20_000)), keys)])
        assert made([Dict([n * 2**62 + n for n in range(20_000)], keys)])

    def test_one_by_one(self):
        """Keys are compared with those that their container has already."""
        steps = [Dict([], []), *(Update(Ref(0), [n * MODULUS], [0]) for n in range(1, 101))]

        assert len(made(steps, Limits(key_comparisons=20_000))) == 100
        assert "key_comparisons=4,000" in str(refused(steps, Limits(key_comparisons=4_000)))

    @pytest.mark.parametrize(
        ("key", "size"),
        [
            (((1, 2), 3), 5),
            (frozenset([(1,), 2]), 4),
            (1 << 320, 11),
            (Fraction(1, 1 << 639), 21),
            (Decimal("9" * 8_000), 100),
        ],
    )
    def test_large_keys(self, key, size):
        """A comparison costs as much as is in the key."""
        counter = CostCounter(Recipe([], None), Limits(key_comparisons=size - 1))

        with pytest.raises(CannotLoad, match="same hash"):
            counter.hash([key, key])

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("wrapped", [False, True])
    def test_numbers_of_numpy(self, wrapped, order, late):
        """A number of numpy is compared with all numbers of a range, or of a tuple of one."""
        pytest.importorskip("numpy")
        start = 77 if wrapped else 33  # with a hash that a float can have
        long = range(start, start + 10**9)
        steps = [Name("builtins", "range"), Call(Ref(0), [long.start, long.stop]), Tuple([Ref(1)])]
        number = as_float(hash((long,) if wrapped else long))
        keys = [Ref(2) if wrapped else Ref(1), Ref(4)][::order]
        assert hash(number) == hash((long,) if wrapped else long)
        steps += [Name("numpy", "float64"), Call(Ref(3), [number])]

        if late:
            steps += [Dict(keys[:1], [1]), Update(Ref(5), keys[1:], [2])]
        else:
            steps += [Set(keys)]

        assert "same hash" in str(refused(steps))

    def test_dtypes(self):
        """Two dtypes are compared field by field."""
        numpy = pytest.importorskip("numpy")
        dtype = numpy.dtype([(f"f{n}", "<i8") for n in range(1_000)])
        counter = CostCounter(Recipe([], None), Limits(key_comparisons=999))

        with pytest.raises(CannotLoad, match="same hash"):
            counter.hash([dtype, dtype])

    def test_equal_trees(self):
        """Keys that differ only in a last item with the same hash are compared all the way to it."""
        steps = []
        for n in range(1, 501):
            steps.append(Tuple([]))
            for _ in range(9):
                steps.append(Tuple([Ref(len(steps) - 1)] * 2))
            steps.append(Tuple([Ref(len(steps) - 1), n * MODULUS]))

        keys = Set([Ref(11 * n + 10) for n in range(500)])

        assert "same hash" in str(refused([*steps, keys]))


class TestCopying:
    def test_of_one_list(self):
        """Values made of one list over and over are refused once they hold much more than the file."""
        source = [List([0] * 10_000), Name("collections", "deque")]

        assert made([*source, *[Call(Ref(1), [Ref(0)])] * 100])
        assert "copies=4" in str(refused([*source, *[Call(Ref(1), [Ref(0)])] * 200]))
        assert made([*source, *[Call(Ref(1), [Ref(0)])] * 200], Limits(copies=200))

    def test_what_is_free(self):
        """A million items may be copied without counting, and not one more."""
        source = [List([0] * 1_000), Name("collections", "deque")]

        assert made([*source, *[Call(Ref(1), [Ref(0)])] * 900], Limits(copies=0))
        assert "copies=0" in str(refused([*source, *[Call(Ref(1), [Ref(0)])] * 1_001], Limits(copies=0)))


@pytest.mark.timeout(100)
def test_chain_maps_of_one_list():
    """To look at a list of maps that many ChainMaps share takes little for each of them, and a long one is refused."""
    many = 20_000
    for maps, message in [(1_000, None), (1_001, "this is no state of a ChainMap")]:
        made = [Name("collections", "ChainMap"), Dict([], []), List([Ref(1)] * maps), *[New(Ref(0), [])] * many]
        made += [State(Ref(3 + number), ["maps"], [Ref(2)]) for number in range(many)]
        if message is None:
            assert len(build(Recipe(made, Ref(3)), Trust([])).maps) == maps
        else:
            with pytest.raises(CannotBuild, match=message):
                build(Recipe(made, Ref(3)), Trust([]))


def test_one_state_of_a_base_class_for_many():
    """The state that an exception hands on to its base class counts for each exception that gets it."""
    many = 2_000
    made = [Name("builtins", "ValueError"), Dict([f"k{number}" for number in range(many)], [1] * many)]
    made += [Call(Ref(0), [])] * many + [State(Ref(2 + number), [".state"], [Ref(1)]) for number in range(many)]

    with pytest.raises(CannotLoad, match="copies=4"):
        build(Recipe(made, Ref(2)), Trust([]))
