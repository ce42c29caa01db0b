import gc

import pytest

from appsnap.gc_pause import gc_paused


@gc_paused
def work(fail=False):
    if fail:
        raise ValueError
    return gc.isenabled(), inner()


@gc_paused
def inner():
    return gc.isenabled()


class TestGcPaused:
    def test_off_and_on(self):
        """The collector is off while the function runs, nested calls included, and on again afterwards."""
        assert work() == (False, False)
        assert gc.isenabled()

    def test_errors(self):
        """After an error the collector is on again."""
        with pytest.raises(ValueError):
            work(fail=True)

        assert gc.isenabled()

    def test_left_off(self):
        """A collector that was off stays off."""
        gc.disable()
        try:
            work()
            assert not gc.isenabled()
        finally:
            gc.enable()
