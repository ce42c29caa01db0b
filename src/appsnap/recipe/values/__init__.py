"""Value types."""

from __future__ import annotations

from appsnap.recipe.values.reducers import ADDRESSES, PATHS, REDUCERS, SCALARS, reduce_ndarray, reducer

__all__ = ["ADDRESSES", "PATHS", "REDUCERS", "SCALARS", "reduce_ndarray", "reducer"]
