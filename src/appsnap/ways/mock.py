"""Mocks: each has a class of its own, which its constructor makes, and may say that it is of another class."""

from __future__ import annotations

import unittest.mock
from typing import Any

from appsnap.ways import saves
from appsnap.ways.anew import attributes

__all__: list[str] = []


@saves(unittest.mock.NonCallableMock, subclasses=True)
def _(mock: Any) -> Any:
    # The constructor would make a class below the one that the file has.
    return object.__new__, (type(mock),), attributes(mock)
