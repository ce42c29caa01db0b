"""CPython's own tests of pickling, run against every way that an object goes through appsnap."""

import contextlib
import importlib.util
import pickle
import unittest

import pytest

from appsnap import snapshot
from appsnap.errors import AppsnapError, CannotBuild, CannotSave
from appsnap.files.header import Header
from appsnap.kinds import KINDS, kind_named, opcodes
from appsnap.kinds.pickle import encode
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.trust import EVERYTHING, Trust

if importlib.util.find_spec("test.pickletester") is None:
    pytest.skip("NO CONFORMANCE TESTS: this Python comes without its `test` package", allow_module_level=True)

from test import pickletester

_ALL = Trust(EVERYTHING)


def _read(kind, data):
    return build(kind_named(kind).read(memoryview(data)).recipe, _ALL)


def _written(kind, obj):
    return b"".join(kind_named(kind).write(Header(kind), freeze(obj), {}))


WAYS = {
    "pickle_by_c": (
        lambda obj: snapshot.dumps(obj, "pickle"),
        lambda data: snapshot.loads(data, trust=EVERYTHING),
    ),
    "pickle_by_c_then_reader": (
        lambda obj: snapshot.dumps(obj, "pickle"),
        lambda data: _read("pickle", data),
    ),
    "writer_then_reader": (
        lambda obj: _written("pickle", obj),
        lambda data: _read("pickle", data),
    ),
    "writer_then_stdlib": (lambda obj: encode(freeze(obj)), pickle.loads),
    **{
        kind: (lambda obj, kind=kind: snapshot.dumps(obj, kind), lambda data, kind=kind: _read(kind, data))
        for kind in KINDS[1:]
        if importlib.util.find_spec(f"appsnap.kinds.{kind}")
    },
}
"""Name to a pair: object to bytes, and bytes to object."""

LEFT_OUT = {}

@pytest.fixture(autouse=True)
def _as_ours(monkeypatch):
    """Ask for no protocol but ours; where a test looks at bytes, show it those of pickle, so that its rest counts."""
    monkeypatch.setattr(pickletester, "protocols", range(5, 6))
    for name in ("count_opcode", "opcode_in_pickle"):
        look = getattr(pickletester, name)
        monkeypatch.setattr(pickletester, name, lambda code, data, look=look: look(code, data.pickled))


class _Bytes(bytes):
    """What appsnap wrote, and what pickle writes for the same object."""

    pickled = b""

    def __contains__(self, part):
        return part in self.pickled


class _Saving:
    """What the tests of CPython call. The protocol that they ask for is ignored: ours is 5."""

    py_version = None
    pickler = pickle._Pickler

    def dumps(self, obj, protocol=None, **options):
        if options:
            raise unittest.SkipTest(f"no such options: {options}")
        try:
            data = _Bytes(type(self).way[0](obj))
        except CannotSave as error:
            if error.__cause__ is None:
                raise
            raise error.__cause__ from None
        with contextlib.suppress(Exception):
            data.pickled = pickle.dumps(obj, 5)
        return data

    def loads(self, data, **options):
        if options:
            raise unittest.SkipTest(f"no such options: {options}")
        try:
            return type(self).way[1](data)
        except CannotBuild as error:
            raise error.__cause__ from None


for _name, _way in WAYS.items():
    _bases = [_Saving, pickletester.AbstractPickleTests, unittest.TestCase]
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", tuple(_bases), {"way": _way, **dict.fromkeys(LEFT_OUT)})
    if hasattr(pickletester, "AbstractPicklingErrorTests"):
        _bases = [_Saving, pickletester.AbstractPicklingErrorTests, unittest.TestCase]
        globals()[f"TestErrors_{_name}"] = type(f"TestErrors_{_name}", tuple(_bases), {"way": _way, **dict.fromkeys(LEFT_OUT)})


class TestReader(pickletester.AbstractUnpickleTests, unittest.TestCase):
    """Pickles written by hand, many of them broken, read by our own reader."""

    def loads(self, data, **options):
        if options:
            raise unittest.SkipTest(f"no such options: {options}")
        recipe, _ = opcodes.read(memoryview(data))
        return build(recipe, _ALL)

    def check_unpickling_error(self, errors, data):
        with self.subTest(data=data), self.assertRaises(AppsnapError):
            self.loads(data)

    bad_stack_errors = truncated_errors = (AppsnapError,)
