import time

import pytest

from appsnap.recipe import values


@pytest.fixture
def construct():
    """Return a function that makes a value as the builder does."""

    def make(name, args):
        return values.constructor(name).make(args)

    return make


@pytest.fixture
def refused(construct):
    """Return a function that asserts that arguments are refused, and that this takes no time."""

    def check(name, args):
        started = time.process_time()

        with pytest.raises((TypeError, ValueError, OSError)):
            construct(name, args)

        assert time.process_time() - started < 2

    return check
