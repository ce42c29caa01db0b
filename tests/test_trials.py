"""Trials: a part of the objects and scripts that `python -m trials` tries, and the comparison that judges them."""

import collections
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from trials import objects, scripts
from trials.same import difference

KNOWN = {"states/shared dict"}
"""A `__dict__` that was given to an object from outside of its class is its own after loading. So it is by pickle."""

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Text(str):  # noqa: SLOT000 - with attributes
    """A text with attributes."""


class Slots:
    """An object with slots only."""

    __slots__ = ("a", "b")


def filled(obj, **attributes):
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


def shared(*, once):
    part = [1]
    return [part, part if once else [1]]


def adder(n):
    return lambda x: x + n


class TestDifference:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, True),
            (0.0, -0.0),
            (Text("a"), "a"),
            (filled(Text("a"), note=1), Text("a")),
            (filled(Slots(), a=1), filled(Slots(), b=1)),
            (shared(once=True), shared(once=False)),
            (shared(once=False), shared(once=True)),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
            (collections.deque([1], 2), collections.deque([1], 3)),
            (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
            (ValueError(1), ValueError(2)),
            (iter([1, 2]), iter([1])),
            (adder(1), adder(2)),
            (np.array([1]), np.array([1], "i4")),
            (np.rec.array([(1,)], dtype=[("a", "i4")]).dtype, np.dtype([("a", "i4")])),
        ],
        ids=lambda value: type(value).__name__,  # the repr of some has an address, and differs from process to process
    )
    def test_differ(self, one, other):
        """A difference is found that == overlooks."""
        assert difference(one, other)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: float("nan"),
            lambda: shared(once=True),
            lambda: filled(Text("a"), note=[1]),
            lambda: filled(Slots(), a=[1]),
            lambda: adder(1),
            lambda: np.array([[1], None], object),
            lambda: filled(ValueError("a"), note=object),
        ],
    )
    def test_same(self, make):
        """Objects that are made in the same way are the same."""
        assert difference(make(), make()) is None


@pytest.mark.slow
class TestObjects:
    KINDS = ("pickle", "source")

    @pytest.mark.parametrize("module", ["containers", "errors", "states"])
    def test_module(self, tmp_path, module):
        """Each object comes back in a fresh process, or is refused where no load can work."""
        names, _ = objects.chosen_names(modules=[module])

        lines, _ = objects.report(objects.tried(names, self.KINDS, tmp_path, objects.PROJECT / "src"), self.KINDS)

        faults = {line.partition(" [")[0]: line for line in lines if line.startswith(f"{module}/")}
        assert {name: line for name, line in faults.items() if name not in KNOWN} == {}


@pytest.mark.slow
class TestScripts:
    def test_this_python(self, tmp_path):
        """Each script comes back without its text, is saved again, and its code works in both."""
        missing = [package for package in ("attrs", "pydantic") if importlib.util.find_spec(package) is None]
        chosen = [case for case in scripts.cases() if not any(package in case.name for package in missing)]
        pythons = {VERSION: Path(sys.executable)}
        trial = scripts.Trial(tmp_path, scripts.PROJECT / "src", ("pickle", "source"), ("script",), pythons)

        lines, faults = scripts.report(trial.results(chosen))

        assert not faults, lines
