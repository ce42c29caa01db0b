"""Columns on and off: the same objects, the same calls in the same order, the same errors."""

import collections
import contextlib
import copyreg
import hashlib
import inspect
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import observed
from appsnap import dumps
from appsnap.errors import CannotBuild, CannotSave
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.runs import Run
from appsnap.recipe.trust import EVERYTHING, Trust
from graphs import Graph
from isomorphism import difference

TRUST = Trust(EVERYTHING)


def outcome(obj, *, runs):
    """Return the recipe of an object and what is loaded from it, each an error if it fails, and the calls of both."""
    observed.LOG.clear()
    try:
        recipe = freeze(obj, runs=runs)
    except CannotSave as error:
        return str(error), None, observed.LOG.copy(), []
    saving = observed.LOG.copy()
    observed.LOG.clear()
    try:
        back = build(recipe, TRUST)
    except CannotBuild as error:
        back = str(error)
    return recipe, back, saving, observed.LOG.copy()


def check(make):
    """Compare columns on and off for the object that a function makes. Return the recipe with columns."""
    plain, back, saving, loading = outcome(make(), runs=False)
    recipe, also, saving_runs, loading_runs = outcome(make(), runs=True)

    assert saving_runs == saving
    if isinstance(plain, str):
        assert recipe == plain
        return None
    assert loading_runs == loading
    if isinstance(back, str):
        assert also == back
    else:
        assert difference(back, also) is None
    return recipe


@pytest.mark.parametrize("seed", range(150))
def test_graphs(seed):
    """A graph of objects of many classes is saved and loaded as without columns."""
    check(lambda: Graph(seed).root)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_graphs(seed):
    """So are many more."""
    for number in range(200):
        check(lambda number=number: Graph(f"{seed} {number}").root)


def many(make, count=9):
    """Return a list of objects that a function of a number makes."""
    return [make(number) for number in range(count)]


def cyclic():
    """Return a dictionary that leads back to itself."""
    found = {"items": [1]}
    found["self"] = found
    return found


class TestUndone:
    """A run is undone by the first thing in it that has to be made in the ordinary order."""

    @pytest.mark.parametrize("cls", [observed.Stated, observed.Reduced, observed.ByArguments, observed.Upgraded])
    def test_containers_that_lead_back(self, cls):
        """A container that was made empty in a run is taken apart again."""
        found = cyclic()

        check(lambda: many(lambda at: observed.Plain(first=found if at == 1 else at, second=cls(first=at))))

    def test_containers_of_an_earlier_run(self):
        """A container that was made in an earlier run stays."""
        found = cyclic()
        first = many(lambda at: observed.Plain(first=found if at == 1 else at))
        second = many(lambda at: observed.Other(first=found, second=observed.Stated(first=at)))

        recipe = check(lambda: [first, second])

        assert recipe.has_runs

    def test_containers_around(self):
        """A container around a run that leads back to it is made empty at the same place as ever."""
        around = {}
        around["all"] = many(lambda at: observed.Plain(around=around, first=observed.Stated(first=at, second=around)))

        check(lambda: around)

    def test_the_first_call(self):
        """The method that is called first is that of the first object in the ordinary order."""
        check(
            lambda: many(
                lambda at: observed.Plain(first=observed.Stated(at=at) if at else 1, second=observed.Stated(at=at))
            )
        )

    def test_functions_of_copyreg(self, monkeypatch):
        """A function that is registered for a class is called in the ordinary order."""
        calls = []

        def reduce(obj):
            calls.append(obj.at)
            return observed.made, (observed.Other,), {"at": obj.at}

        monkeypatch.setitem(copyreg.dispatch_table, observed.Other, reduce)
        objects = many(
            lambda at: observed.Plain(first=observed.Other(at=-at) if at else 0, second=observed.Other(at=at))
        )

        for runs in (False, True):
            freeze(objects, runs=runs)

        assert calls[: len(calls) // 2] == calls[len(calls) // 2 :]

    @pytest.mark.parametrize("most", [10, 1_000_000])
    def test_at_most_some(self, monkeypatch, most):
        """There are no more runs once many objects had to be taken apart again. Each shape is tried once."""
        monkeypatch.setattr("appsnap.recipe.freeze.columns._MOST_UNDONE", most)
        names = [f"n{at}" for at in range(20)]

        def make():
            lists = [many(lambda at, name=name: observed.Plain(**{name: observed.Stated(at=at)})) for name in names]
            return [*lists, *lists[:1], many(lambda at: observed.Plain(first=at))]

        assert check(make).has_runs == (most > 10)


def test_deep_rows():
    """Rows in rows have runs down to the last level of the fast walk, and the same ones for a caller deep in calls."""

    def make(depth):
        rows = [[0, 0] for _ in range(8)]
        for _ in range(depth):
            rows = [[row, 1] for row in rows]
        return rows

    def deeper(levels, objects):
        return freeze(objects, runs=True) if not levels else deeper(levels - 1, objects)

    for depth in (40, 1_000):
        recipe = freeze(make(depth), runs=True)

        assert 10 < sum(isinstance(step, Run) for step in recipe.compact) < 40
        assert deeper(600, make(depth)) == recipe


class TestOrder:
    """The order of calls, and that which they see."""

    def test_keys(self):
        """Keys of a class with a hash of its own are hashed in the ordinary order."""

        def make():
            keys = many(lambda at: observed.Hashed(key=at))
            return [keys, many(lambda at: observed.Plain(first={keys[at]}, second={keys[-1 - at]: (keys[at], 1)}))]

        check(make)

    @pytest.mark.parametrize("cls", [dict, collections.OrderedDict])
    def test_keys_in_tuples(self, cls):
        """So are keys in tuples, and those of other dictionaries."""

        def make():
            keys = many(lambda at: observed.Hashed(key=at))
            return [
                keys,
                many(lambda at: observed.Plain(first=cls({(keys[at], 1): 1}), second=cls({keys[-1 - at]: 2}))),
            ]

        check(make)

    def test_own_objects_as_keys(self):
        """Objects of a run may be keys within it, if their hash is their identity."""

        def make():
            objects = many(lambda at: observed.Plain(at=at))
            for obj in objects:
                obj.first, obj.second = {obj}, {(objects[3], obj): obj}
            return objects

        assert check(make).has_runs

    def test_methods_of_attributes(self):
        """An attribute that is called like a method is found once its object is filled."""

        def function(_):
            """Do nothing."""

        def make():
            others = many(lambda at: observed.Other(at=at))
            for other in others:
                other.own = types.MethodType(observed.Plain.method, other)
                other.method = other.own
            return [(observed.Plain(first=types.MethodType(observed.Plain.method, x), second=x), x) for x in others]

        check(make)

    def test_properties_in_the_place_of_slots(self):
        """A property in the place of a slot is read once for each object."""
        objects = many(lambda _: observed.PropertyOnSlot())
        for at, obj in enumerate(objects):
            observed.Slots.first.__set__(obj, at)

        check(lambda: objects)

    def test_arrays_of_objects(self):
        """Numpy looks at objects that it puts into an array when they are filled."""

        def make():
            objects = many(lambda at: observed.Sized(at=at))
            for obj in objects:
                obj.array = np.empty(2, dtype=object)
                obj.array[0], obj.array[1] = objects[0], objects[-1]
            return objects

        _, _, saving, loading = outcome(make(), runs=False)
        _, _, saving_runs, loading_runs = outcome(make(), runs=True)

        assert saving_runs == saving
        assert loading_runs == loading


class TestRecipes:
    """The recipe with runs."""

    @pytest.mark.parametrize("seed", range(40))
    def test_objects_stay(self, seed):
        """The objects are the same after they were saved."""
        graph = Graph(seed)
        before = picture(graph)

        freeze_or_none(graph.root)

        assert picture(graph) == before

    def test_other_processes(self):
        """The bytes are the same in each process."""
        code = "import test_columns; print(test_columns.digests())"
        found = set()
        for number in ("0", "1", "77"):
            path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
            environment = {**os.environ, "PYTHONHASHSEED": number, "PYTHONPATH": path}
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
            found.add(done.stdout)

        assert len(found) == 1

    @pytest.mark.parametrize("left", [60, 100, 150, 250, 400])
    def test_callers_near_the_limit(self, left):
        """A caller near the limit of recursion gets the same recipe, and no method is called twice."""

        def make():
            chain = None
            for _ in range(40):
                chain = many(lambda at, below=chain: observed.Plain(at=at, below=below if at == 5 else at))
            return [chain, many(lambda at: [observed.Stated(at=at), chain])]

        usual, _, calls, _ = outcome(make(), runs=True)
        deep, _, calls_of_deep, _ = deeply(lambda: outcome(make(), runs=True), left)

        assert deep == usual
        assert calls_of_deep == calls

    @pytest.mark.parametrize("levels", [29, 30, 31, 1_000])
    def test_levels(self, levels):
        """Objects may be nested in any number of levels."""

        def make():
            rows = [[at] for at in range(9)]
            for level in range(levels):
                rows = [observed.Plain(row=row, level=level) if level % 2 else {"row": row} for row in rows]
            return rows

        plain, runs = (freeze(make(), runs=runs) for runs in (False, True))

        assert len(plain.steps) == len(runs.steps)
        assert runs.has_runs

    @pytest.mark.parametrize(("cls", "name"), [(observed.Web, "running"), (observed.Forgets, "second")])
    def test_saved_again(self, cls, name):
        """What is loaded has the same recipe, also if some objects had attributes that aren't saved."""
        objects = many(lambda _: cls.__new__(cls), 9)
        for at, obj in enumerate(objects):
            obj.__dict__.update({name: 1, "first": at} if at % 3 else {"first": at})

        recipe = freeze(objects, runs=True)

        assert recipe.has_runs
        assert freeze(build(recipe, TRUST), runs=True) == recipe

    def test_ephemeral_objects(self):
        """Ephemeral objects undo no run, whether they are loaded or not."""
        objects = many(lambda at: observed.Plain(at=at, gone=observed.Gone()))

        recipe = check(lambda: objects)

        assert recipe.has_runs
        assert freeze(build(recipe, TRUST), runs=True) == recipe


def freeze_or_none(obj):
    """Return the recipe of an object, or None if it can't be saved."""
    try:
        return freeze(obj, runs=True)
    except CannotSave:
        return None


def picture(graph):
    """Return all that is in the objects of a graph, by identity."""
    objects = [*graph.rare, *(obj for _, pool in graph.pools for obj in pool)]
    found = [(id(obj), list(getattr(obj, "__dict__", {}).items()), observed.look(obj)) for obj in objects]
    return [(number, [(name, id(value)) for name, value in own], seen) for number, own, seen in found]


def digests():
    """Return a digest of each of some documents."""
    documents = []
    for seed in range(60):
        with contextlib.suppress(CannotSave):
            documents.append(dumps(Graph(seed).root, kind="msgpack"))
    return [hashlib.sha256(document).hexdigest() for document in documents]


def deeply(function, left):
    """Call a function with so many frames left."""
    frames = len(inspect.stack(0))

    def descend(levels):
        return function() if levels <= 0 else descend(levels - 1)

    return descend(sys.getrecursionlimit() - frames - left)
