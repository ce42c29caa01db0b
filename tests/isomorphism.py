"""Comparison of object graphs: types, values, and who is the same as whom."""

import copyreg
import enum
import logging
import math
import pathlib
import re
import struct
import types
import zoneinfo

import numpy as np

ATOMS = (type(None), bool, int, float, str, bytes)
# Found again, or made once for all who ask.
UNIQUE = (type, types.FunctionType, types.ModuleType, enum.Enum, logging.Logger, type(...), type(NotImplemented))
# What is equal may be the same: their types keep caches.
CACHED = (re.Pattern, zoneinfo.ZoneInfo, np.dtype)


def listed(steps):
    """Return steps with a list in the place of each sequence, so that lists and tuples are the same."""
    return [type(step)(*([*x] if type(x) in (list, tuple) else x for x in step)) for step in steps]


def difference(one, other):
    """Return where two graphs differ, and how, or None."""
    return _solve({}, {}, [(one, other, "x")], [], [])


def _solve(there, back, pairs, sets, kept):
    """Compare pairs of objects, given who is who so far; sets last, where all ways to pair their items are tried."""
    while pairs:
        found = _compare(there, back, pairs, sets, kept)
        if found:
            return found
    if not sets:
        return None
    (mine, others, path), *rest = sets
    if len(mine) != len(others):
        return f"{path}: {len(mine)} items are {len(others)}"
    if not mine:
        return _solve(there, back, [], rest, kept)
    found = None
    for number, its in enumerate(others):
        left = (mine[1:], others[:number] + others[number + 1 :], path)
        found = _solve(there.copy(), back.copy(), [(mine[0], its, f"{path}{{}}")], [left, *rest], kept)
        if not found:
            return None
    return found


def _compare(there, back, pairs, sets, kept):
    one, other, path = pairs.pop()
    cls = type(one)
    if cls is not type(other):
        return f"{path}: {cls} is {type(other)}"
    if cls in ATOMS:
        if cls is float:
            one, other = ("nan" if math.isnan(x) else struct.pack(">d", x) for x in (one, other))
        return None if one == other else f"{path}: {one!r:.60} is {other!r:.60}"
    if isinstance(one, UNIQUE) or (cls is types.BuiltinFunctionType and _is_known(one)):
        return None if one is other else f"{path}: {one!r:.60} is {other!r:.60}"
    of_class = cls is types.MethodType and isinstance(one.__self__, type)  # known by name, made at each look
    if not isinstance(one, CACHED) and not of_class:
        if id(one) in there or id(other) in back:
            same = there.get(id(one)) == id(other) and back.get(id(other)) == id(one)
            return None if same else f"{path}: the same as something else"
        there[id(one)], back[id(other)] = id(other), id(one)
        kept += [one, other]
    if cls in (set, frozenset):
        sets.append((list(one), list(other), path))
        return None
    mine, others = _parts(one), _parts(other)
    if len(mine) != len(others):
        return f"{path}: {len(mine)} parts are {len(others)}"
    for number, (part, its) in enumerate(zip(mine, others, strict=True)):
        pairs.append((part, its, f"{path}/{number}"))
    return None


def _is_known(function):
    return isinstance(function.__self__, types.ModuleType)


def _parts(obj):
    match obj:
        case list() | tuple() if type(obj) in (list, tuple):
            return list(obj)
        case dict() if type(obj) is dict:
            return [part for pair in obj.items() for part in pair]
        case set():
            return [frozenset(obj), obj.__dict__]
        case bytearray():
            return [bytes(obj)]
        case types.MethodType() | types.BuiltinFunctionType() | types.MethodWrapperType():
            return [obj.__self__, obj.__name__]
        case types.MappingProxyType():
            return [dict(obj)]
        case re.Pattern():
            return [obj.pattern, int(obj.flags)]
        case pathlib.PurePath():
            return [str(obj)]
        case memoryview():
            return [obj.tobytes(), obj.format, obj.shape, obj.readonly]
        case np.ndarray():
            return [
                obj.dtype,
                obj.shape,
                obj.tobytes("A"),
                obj.flags.f_contiguous or obj.ndim < 2,
                obj.flags.writeable or not obj.size,
            ]
        case np.generic():
            return [obj.dtype, obj.tobytes()]
    reduce = copyreg.dispatch_table.get(type(obj))
    reduction = obj.__reduce_ex__(5) if reduce is None else reduce(obj)
    function, args, state, items, pairs, *_ = (*reduction, None, None, None, None)
    return [function, *args, state, list(items or ()), list(pairs or ())]
