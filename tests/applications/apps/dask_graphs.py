"""dask: delayed calls, an array in chunks whose sizes were asked for, and a bag."""

import dask.array as da
import dask.bag
import numpy as np
from dask import delayed

GROUP = "unseen"
PACKAGES = ("dask",)


def more(number):
    return number + 1


@delayed(pure=True)
def add(one, other):
    return one + other


class Study:
    def __init__(self):
        self.total = add(delayed(more)(1), 2)
        self.array = da.from_array(np.arange(12).reshape(3, 4), chunks=2)
        assert self.array.numblocks == (2, 2)
        self.mean = (self.array + 1).mean(axis=0)
        self.bag = dask.bag.from_sequence(range(6), npartitions=2).map(more)


def build(folder):
    return Study()


def facts(study):
    return {
        "total": study.total.compute(scheduler="sync"),
        "mean": study.mean.compute(scheduler="sync").tolist(),
        "bag": study.bag.compute(scheduler="sync"),
        "key": study.total.key,
    }


def use(study, folder):
    assert study.array.numblocks == (2, 2)
    assert add(study.total, 1).compute(scheduler="threads") == 5
    assert study.bag.sum().compute(scheduler="sync") == 21
    assert (study.array.T @ study.array).compute(scheduler="sync").shape == (4, 4)
