"""Arrays, scalars and types of numpy."""

import functools

import numpy as np

from trials.things import filled


class Array(np.ndarray):
    """An array with attributes, as numpy's manual describes it."""

    def __new__(cls, values, note=None):
        self = np.asarray(values).view(cls)
        self.note = note
        return self

    def __array_finalize__(self, other):
        self.note = getattr(other, "note", None)


class ArrayKept(Array):
    """Keeps its attributes."""

    def __reduce__(self):
        function, args, state = super().__reduce__()
        return function, args, (*state, self.__dict__)

    def __setstate__(self, state):
        self.__dict__.update(state[-1])
        super().__setstate__(state[:-1])


class Wrapper:
    """Holds an array, and is one for numpy."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


def square(x):
    """Square."""
    return x * x


def _objects():
    it = np.empty(3, object)
    it[:] = [[1], {"a": 2}, None]
    return it


def _own_objects():
    it = np.empty(2, object)
    it[0], it[1] = Wrapper(1), it
    return it


def _shared():
    base = np.arange(10)
    return [base, base[2:5], base.reshape(2, 5)]


def _twice():
    base = np.arange(4)
    return [base, base, {"x": base}]


def _masked():
    return np.ma.masked_array([1, 2, 3], mask=[0, 1, 0], fill_value=9)


def _readonly():
    it = np.arange(3)
    it.flags.writeable = False
    return it


def _generator():
    it = np.random.default_rng(5)
    it.random()
    return it


def _state():
    it = np.random.RandomState(5)
    it.normal()
    return it


def _memmap():
    import tempfile

    return np.memmap(tempfile.TemporaryFile(), dtype="i4", shape=(3,), mode="w+")  # noqa: SIM115


RECORD = [("a", "i1"), ("b", "<f8"), ("c", "U3")]
THINGS = {
    "ints": lambda: np.arange(6).reshape(2, 3),
    "fortran": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    "scalar array": lambda: np.array(1.5),
    "empty": lambda: np.zeros((0, 3), "f4"),
    "large": lambda: np.arange(100_000.0),
    "strided": lambda: np.arange(10)[::3],
    "negative strides": lambda: np.arange(5)[::-1],
    "transposed": lambda: np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "broadcast": lambda: np.broadcast_to(np.arange(3), (2, 3)),
    "big endian": lambda: np.array([1, 2], ">u2"),
    "bools": lambda: np.array([True, False]),
    "texts": lambda: np.array(["a", "äö"]),
    "bytes": lambda: np.array([b"a", b"bc"]),
    "void": lambda: np.array([b"ab"], "V4"),
    "complex": lambda: np.array([1 + 2j, complex("nan")]),
    "half": lambda: np.array([float("nan"), -0.0], "f2"),
    "long double": lambda: np.array([1.5], np.longdouble),
    "dates": lambda: np.array(["2024-01-01", "NaT"], "datetime64[s]"),
    "durations": lambda: np.array([1, 2], "timedelta64[25s]"),
    "records": lambda: np.array([(1, 2.5, "x")], RECORD),
    "records nested": lambda: np.array([(1, (2.0,))], [("a", "i1"), ("b", [("c", "<f8")])]),
    "records subarray": lambda: np.array([(1, [1, 2])], [("a", "i1"), ("b", "<i2", (2,))]),
    "records aligned": lambda: np.array([(1, 2.5)], np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "records titled": lambda: np.zeros(1, np.dtype([(("title", "a"), "i4")])),
    "records offsets": lambda: np.zeros(
        1, np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 12})
    ),
    "records of objects": lambda: np.array([(1, [2])], [("a", "i4"), ("b", "O")]),
    "recarray": lambda: np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    "recarray record": lambda: np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])[0],
    "objects": _objects,
    "objects own": _own_objects,
    "objects empty": lambda: np.empty((0,), object),
    "objects of texts": lambda: np.array(["a", None], object),
    "objects of arrays": lambda: np.array([np.arange(2), np.arange(3), None], object)[:2],
    "string dtype": lambda: np.array(["a", "longer"], np.dtypes.StringDType()),
    "read only": _readonly,
    "from buffer": lambda: np.frombuffer(b"abcd", "u1"),
    "from bytearray": lambda: np.frombuffer(bytearray(b"abcd"), "u1"),
    "shared memory": _shared,
    "same twice": _twice,
    "subclass": lambda: Array([1, 2], "n"),
    "subclass kept": lambda: ArrayKept([1, 2], "n"),
    "matrix": lambda: np.matrix([[1, 2], [3, 4]]),
    "masked": _masked,
    "masked constant": lambda: np.ma.masked,
    "masked records": lambda: np.ma.array([(1, 2.0)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "f8")]),
    "chararray": lambda: np.char.array(["a", "b"]),
    "memmap": _memmap,
    "float64": lambda: np.float64(1.5),
    "float32 nan": lambda: np.float32("nan"),
    "int8": lambda: np.int8(-3),
    "uint64": lambda: np.uint64(2**64 - 1),
    "bool": lambda: [np.bool_(True), np.False_],
    "complex64": lambda: np.complex64(1 - 2j),
    "str scalar": lambda: np.str_("ä"),
    "bytes scalar": lambda: np.bytes_(b"a\0b"),
    "void scalar": lambda: np.array([(1, 2.5, "x")], RECORD)[0],
    "datetime scalar": lambda: [np.datetime64("2024-01-01T00:00:00.5"), np.datetime64("NaT", "s")],
    "timedelta scalar": lambda: np.timedelta64(7, "25s"),
    "longdouble scalar": lambda: np.longdouble("1.25"),
    "dtype": lambda: [np.dtype("<f8"), np.dtype(">i4"), np.dtype("O"), np.dtype("?")],
    "dtype of records": lambda: np.dtype([("a", "i1"), ("b", [("c", "<f8")])]),
    "dtype aligned": lambda: np.dtype([("a", "i1"), ("b", "f8")], align=True),
    "dtype metadata": lambda: np.dtype("i4", metadata={"a": [1]}),
    "dtype of record": lambda: np.dtype((np.record, [("a", "i4")])),
    "dtype datetime": lambda: np.dtype("datetime64[25s]"),
    "dtype class": lambda: [np.float64, np.dtype, type(np.dtype("f8")), np.generic],
    "ufunc": lambda: [np.add, np.sin],
    "ufunc method": lambda: np.add.reduce,
    "ufunc made": lambda: np.frompyfunc(square, 1, 1),
    "vectorize": lambda: np.vectorize(square),
    "function": lambda: [np.mean, np.linalg.norm, np.array],
    "partial": lambda: functools.partial(np.sum, axis=0),
    "generator": _generator,
    "generator bits": lambda: np.random.PCG64(3),
    "generator others": lambda: [np.random.MT19937(3), np.random.Philox(3), np.random.SFC64(3)],
    "random state": _state,
    "seed sequence": lambda: np.random.SeedSequence(5, spawn_key=(1,)),
    "random method": lambda: _generator().normal,
    "polynomial": lambda: np.polynomial.Polynomial([1, 2, 3]),
    "poly1d": lambda: np.poly1d([1, 2]),
    "finfo": lambda: np.finfo("f8"),
    "iinfo": lambda: np.iinfo("i4"),
    "nditer": lambda: np.nditer(np.arange(3)),
    "flatiter": lambda: np.arange(3).flat,
    "ndindex": lambda: np.ndindex(2, 2),
    "broadcast object": lambda: np.broadcast(np.arange(3), 1),
    "index expression": lambda: np.s_[1:3, ::2],
    "newaxis": lambda: [np.newaxis, np.nan, np.pi],
    "busdaycalendar": lambda: np.busdaycalendar("1111100", ["2024-01-01"]),
    "wrapper": lambda: Wrapper(np.arange(3)),
    "structured in dict": lambda: {"a": np.arange(3), np.int64(5): np.float32(1)},
    "with attribute": lambda: filled(Array([1]), extra=[1]),
    "errors": lambda: np.linalg.LinAlgError("x"),
    "axis error": lambda: np.exceptions.AxisError(3, 2, "m"),
}
CHECKS = {
    "recarray": lambda r: (r.a, r[0].b, type(r[0])),
    "recarray record": lambda r: r.a,
    "shared memory": lambda x: (x[1].__setitem__(0, 99), x[0][2], x[2][0, 2]),
    "same twice": lambda x: x[0] is x[1] is x[2]["x"],
    "masked": lambda m: (m.sum(), m.fill_value, m.mask.tolist()),
    "masked constant": lambda m: m is np.ma.masked,
    "masked records": lambda m: (m.tolist(), m.mask.tolist()),
    "generator": lambda g: g.random(),
    "generator bits": lambda g: g.random_raw(),
    "random state": lambda r: (r.normal(), r.rand()),
    "random method": lambda m: m(),
    "seed sequence": lambda s: s.generate_state(2),
    "ufunc method": lambda m: m([1, 2]),
    "vectorize": lambda v: v([1, 2]),
    "ufunc made": lambda u: u(3),
    "poly1d": lambda p: p(3),
    "polynomial": lambda p: (p(3), p.coef),
    "memmap": lambda m: (m.tolist(), type(m)),
    "long double": lambda a: (repr(a), a.dtype),
    "longdouble scalar": repr,
    "records aligned": lambda a: (a.tolist(), a.dtype),
    "finfo": lambda f: f.eps,
    "iinfo": lambda f: f.max,
    "read only": lambda a: a.flags.writeable,
    "subclass": type,
    "subclass kept": lambda a: a.note,
    "dtype metadata": lambda d: dict(d.metadata),
    "busdaycalendar": lambda b: b.weekmask,
    "void scalar": lambda v: v["b"],
    "objects own": lambda a: a[1] is a,
    "axis error": lambda e: (e.axis, e.ndim, str(e)),
    "structured in dict": lambda d: d[5],
}
OPAQUE = {
    *("masked", "masked constant", "masked records", "generator", "generator bits", "random state", "random method"),
    *(
        "objects own",
        "busdaycalendar",
        "nditer",
        "flatiter",
        "broadcast object",
        "finfo",
        "vectorize",
        "ufunc made",
        "poly1d",
    ),
    *("memmap", "long double", "longdouble scalar", "records aligned", "polynomial"),  # padding, caches
    *("subclass", "ufunc method", "seed sequence", "generator others", "with attribute", "shared memory"),
}
