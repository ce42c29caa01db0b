"""Frames and tables: pandas, pyarrow, polars."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from trials.things import filled


class Frame(pd.DataFrame):
    """A frame of its own."""

    _metadata = ["note"]

    @property
    def _constructor(self):
        return Frame


def _frame():
    return pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("nan")]}, index=["r", "s"])


def _with_attrs():
    it = _frame()
    it.attrs["k"] = [1]
    it.flags.allows_duplicate_labels = False
    return it


def _many():
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", "y"])
    return pd.DataFrame({"v": range(4)}, index=index)


def _times():
    index = pd.date_range("2024-01-01", periods=3, freq="D", tz="Europe/Vienna")
    return pd.Series([1.0, 2.0, 3.0], index, name="t")


def _objects():
    return pd.Series([[1], {"a": 2}, None], dtype=object)


def _shared():
    it = _frame()
    return [it, it, it["a"]]


def _table():
    return pa.table({"a": [1, None], "b": ["x", "y"]}, metadata={"k": "v"})


P = pd.Series
THINGS = {
    "frame": _frame,
    "frame empty": pd.DataFrame,
    "frame attrs": _with_attrs,
    "frame multiindex": _many,
    "frame subclass": lambda: filled(Frame({"a": [1]}), note="n"),
    "frame of objects": lambda: pd.DataFrame({"a": _objects()}),
    "frame of categories": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y", "x"], ordered=True)}),
    "frame duplicate columns": lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "frame shared": _shared,
    "series": lambda: P([1, 2, 3], name="n"),
    "series of texts": lambda: P(["a", None]),
    "series of strings": lambda: P(["a", None], dtype="string"),
    "series of objects": _objects,
    "series of times": _times,
    "series nullable": lambda: P([1, None], dtype="Int64"),
    "series bool nullable": lambda: P([True, None], dtype="boolean"),
    "series sparse": lambda: P(pd.arrays.SparseArray([0, 0, 1])),
    "series of arrow": lambda: P([1, None], dtype="int64[pyarrow]"),
    "series of intervals": lambda: P(pd.interval_range(0, 3)),
    "series of periods": lambda: P(pd.period_range("2024-01", periods=2, freq="M")),
    "series of durations": lambda: P(pd.to_timedelta([1, 2], unit="h")),
    "index": lambda: pd.Index([1, 2], name="i"),
    "index of texts": lambda: pd.Index(["a", "b"]),
    "index range": lambda: pd.RangeIndex(1, 10, 3),
    "index of dates": lambda: pd.date_range("2024-01-01", periods=2, freq="ME"),
    "index of categories": lambda: pd.CategoricalIndex(["a", "b"]),
    "index multi": lambda: _many().index,
    "index of intervals": lambda: pd.interval_range(0, 2),
    "index of periods": lambda: pd.period_range("2024", periods=2, freq="Y"),
    "timestamp": lambda: pd.Timestamp("2024-01-01 10:00", tz="Europe/Vienna"),
    "timedelta": lambda: pd.Timedelta("1 day 2 hours"),
    "period": lambda: pd.Period("2024-01", "M"),
    "interval": lambda: pd.Interval(0, 1, closed="left"),
    "nat and na": lambda: [pd.NaT, pd.NA],
    "offset": lambda: [pd.offsets.MonthEnd(2), pd.offsets.BDay(), pd.DateOffset(months=1)],
    "categorical": lambda: pd.Categorical(["a", "b"], ["b", "a"], ordered=True),
    "categorical dtype": lambda: pd.CategoricalDtype(["a", "b"], ordered=True),
    "dtypes": lambda: [pd.Int64Dtype(), pd.StringDtype(), pd.DatetimeTZDtype(tz="UTC"), pd.PeriodDtype("M")],
    "array": lambda: pd.array([1, None]),
    "groupby": lambda: _frame().groupby("b"),
    "rolling": lambda: P([1, 2, 3]).rolling(2),
    "grouper": lambda: pd.Grouper(key="a"),
    "named agg": lambda: pd.NamedAgg("a", "sum"),
    "index slice": lambda: pd.IndexSlice[1:3],
    "arrow table": _table,
    "arrow array": lambda: pa.array([1, None, 3]),
    "arrow nested": lambda: pa.array([[1], None, [2, 3]]),
    "arrow dictionary": lambda: pa.array(["a", "b", "a"]).dictionary_encode(),
    "arrow schema": lambda: pa.schema([("a", pa.int32()), ("b", pa.list_(pa.string()))]),
    "arrow batch": lambda: pa.record_batch({"a": [1, 2]}),
    "arrow chunked": lambda: pa.chunked_array([[1], [2, 3]]),
    "arrow type": lambda: [pa.int64(), pa.timestamp("us", "UTC"), pa.struct([("a", pa.int8())])],
    "arrow scalar": lambda: pa.scalar(5),
    "arrow buffer": lambda: pa.py_buffer(b"abc"),
    "arrow sliced": lambda: pa.array(range(100))[10:20],
    "polars frame": lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "polars series": lambda: pl.Series("s", [1.5, None]),
    "polars lazy": lambda: pl.DataFrame({"a": [1]}).lazy().filter(pl.col("a") > 0),
    "polars expression": lambda: pl.col("a").sum() + 1,
    "polars dtype": lambda: [pl.Int64, pl.List(pl.String), pl.Datetime("us")],
    "polars dates": lambda: pl.Series([dt.date(2024, 1, 1)]),
    "polars objects": lambda: pl.DataFrame({"a": [[1], [2, 3]], "b": [{"x": 1}, None]}),
}


def _plain(x):
    return (x.to_dict("split"), [str(t) for t in x.dtypes], x.index.names, x.attrs)


def _series(x):
    return (repr(x.tolist()), str(x.dtype), x.name, repr(x.index), type(x.array).__name__)


CHECKS = {
    **{n: _plain for n in ("frame", "frame empty", "frame attrs", "frame multiindex", "frame of objects")},
    **{n: _plain for n in ("frame of categories", "frame duplicate columns", "frame subclass")},
    **{n: _series for n in THINGS if n.startswith("series")},
    **{n: (lambda x: (repr(x), x.names, str(x.dtype), type(x))) for n in THINGS if n.startswith("index ")},
    **{n: (lambda x: (str(x), type(x))) for n in THINGS if n.startswith(("arrow", "polars"))},
    "index": lambda x: (repr(x), x.name),
    "index slice": repr,
    "frame shared": lambda x: (x[0] is x[1], _plain(x[0]), _series(x[2])),
    "polars lazy": lambda x: x.collect().rows(),
    "polars expression": str,
    "polars frame": lambda x: x.rows(),
    "arrow table": lambda x: (x.to_pydict(), x.schema.metadata),
    "arrow sliced": lambda x: x.to_pylist(),
    "array": lambda x: (repr(x), x.dtype),
    "groupby": lambda g: g["a"].sum().to_dict(),
    "rolling": lambda r: repr(r.sum().tolist()),
    "categorical": repr,
    "categorical dtype": repr,
    "timestamp": lambda t: (repr(t), t.tz),
    "nat and na": lambda x: (x[0] is pd.NaT, x[1] is pd.NA),
    "grouper": repr,
    "dtypes": repr,
    "offset": repr,
    "interval": repr,
    "period": repr,
    "timedelta": repr,
    "frame subclass": lambda x: (type(x), x.note, x.to_dict()),
    "arrow buffer": lambda b: b.to_pybytes(),
}
OPAQUE = set(CHECKS)
assert np.__name__
