import functools
import random
from fractions import Fraction

import pytest

from appsnap.errors import CannotLoad
from appsnap.limits import LIMITS
from appsnap.recipe.build import build
from appsnap.recipe.steps import Dict, Recipe, Ref, Set, Tuple, Update
from appsnap.recipe.trust import Trust
from appsnap.recipe.trust.cost import CostCounter, KnownKeys
from appsnap.recipe.trust.probes import FEW, Places

BITS = 15
MASK = (1 << BITS) - 1


@functools.cache
def chosen():
    """Return keys that fill a part of the cycle of places, and others that come to the begin of that part."""
    arc = [7]
    while len(arc) < MASK // 2:
        arc.append((arc[-1] * 5 + 1) & MASK)
    position = {place: number for number, place in enumerate(arc)}
    others = []
    key = arc[0]
    while len(others) < 2_000:
        key += MASK + 1
        at, perturbation = key & MASK, key
        while at in position and perturbation:
            perturbation >>= 5
            at = (at * 5 + perturbation + 1) & MASK
        if position.get(at, MASK) < len(arc) // 2:
            others.append(key)
    return arc, others


def walked(hashes, size):
    """Return the probes of a dictionary of this size, counted in the plainest way."""
    places, total = {}, 0
    for number in hashes:
        at, perturbation = number % size, number % 2**64
        while at in places and places[at] != number:
            perturbation >>= 5
            at = (5 * at + perturbation + 1) % size
            total += 1
        places[at] = number
    return total


def walked_in_set(hashes, size):
    """Return the same of a set, which looks at nine more places for each that is taken."""
    places, total = set(), 0
    for number in hashes:
        at, perturbation = number % size, number % 2**64
        while True:
            near = range(at, at + 10) if at + 9 < size else [at]
            free = next((place for place in near if place not in places), None)
            if free is not None:
                break
            total += len(near)
            perturbation >>= 5
            at = (5 * at + perturbation + 1) % size
        total += free - at
        places.add(free)
    return total


def probes(hashes, most, *, linear):
    places = Places(of_set=linear)
    for start in range(0, len(hashes), 1_000):
        places.add(hashes[start : start + 1_000], most)
    return places.probes


class TestProbes:
    def test_counting(self):
        """The probes are those of the recurrence in CPython's dictobject.c, in a table of each size."""
        numbers = [random.Random(1).getrandbits(61) for _ in range(5_000)]

        assert probes(numbers, 10**9, linear=False) == walked(numbers[: FEW * 2 // 3], FEW) + walked(numbers, 2 * FEW)

    def test_counting_in_sets(self):
        """Those of a set are those of its setobject.c."""
        numbers = [number << 32 for number in range(4_500)]

        expected = walked_in_set(numbers[: FEW * 3 // 5], FEW) + walked_in_set(numbers, 2 * FEW)
        assert probes(numbers, 10**9, linear=True) == expected

    @pytest.mark.parametrize("linear", [False, True])
    @pytest.mark.parametrize(
        "number",
        [
            pytest.param(lambda n: n, id="ordinals"),
            pytest.param(lambda n: -n, id="negative"),
            pytest.param(lambda n: n << 32, id="shifted"),
            pytest.param(lambda n: n << 20, id="pages"),
            pytest.param(lambda n: 1_700_000_000_000 + 1000 * n, id="milliseconds"),
            pytest.param(lambda n: 140_000_000_000_000 + 64 * n, id="addresses"),
            pytest.param(lambda n: n * 0x9E3779B97F4A7C15 % 2**61, id="hashes"),
            pytest.param(lambda n: n / 7, id="floats"),
            pytest.param(lambda n: (n, n + 1), id="pairs"),
            pytest.param(lambda n: n * 1_000_003, id="multiples"),
        ],
    )
    def test_honest_numbers(self, number, linear):
        """Numbers that programs count with take few probes each."""
        hashes = [hash(number(n)) for n in range(30_000)]

        assert probes(hashes, 10**9, linear=linear) < (320 if linear else 32) * len(hashes)

    def test_bound(self):
        """The count ends soon behind its bound."""
        arc, others = chosen()

        assert 5_000_000 < probes([*arc, *others], 5_000_000, linear=False) < 5_100_000


class TestKeys:
    @pytest.mark.parametrize(
        "steps",
        [
            pytest.param(lambda arc, others: [Dict([*arc, *others], [None] * len([*arc, *others]))], id="dict"),
            pytest.param(lambda arc, others: [Dict(arc, arc), Update(Ref(0), others, others)], id="update"),
            pytest.param(
                lambda arc, others: [Dict(arc, arc), *(Update(Ref(0), [one], [one]) for one in others)], id="one-by-one"
            ),
            pytest.param(
                lambda arc, others: [Dict([*map(float, arc), *others], [None] * (len(arc) + len(others)))], id="floats"
            ),
        ],
    )
    def test_one_sequence(self, steps):
        """Keys that pass each other's places are refused, with hashes that are all different."""
        arc, others = chosen()

        with pytest.raises(CannotLoad, match="key_comparisons=5,000,000"):
            build(Recipe(steps(arc, others), Ref(0)), Trust(()), LIMITS)

    def test_tuples(self):
        """Keys of any type count by their hashes."""
        arc, others = chosen()
        counter = CostCounter(Recipe([], None), LIMITS)
        known = KnownKeys()
        counter.hash([Fraction(number) for number in arc], known)

        with pytest.raises(CannotLoad, match="same places"):
            counter.hash([Fraction(number) for number in others], known)

    def test_honest_keys(self):
        """A dictionary of a hundred thousand shifted numbers or pairs loads."""
        numbers = [number << 32 for number in range(100_000)]
        pairs = [Tuple([number, number]) for number in range(10_000)]
        recipe = Recipe([*pairs, Set([Ref(number) for number in range(10_000)]), Dict(numbers, numbers)], Ref(10_001))

        assert len(build(recipe, Trust(()), LIMITS)) == 100_000
