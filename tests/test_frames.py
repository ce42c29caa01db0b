"""Arrays of pandas and pyarrow: they need trust as a whole."""

import pickle

import numpy as np
import pytest

import appsnap
from appsnap import EVERYTHING
from appsnap.kinds.large import LEAST

pytestmark = pytest.mark.slow

KINDS = ("pickle", "source", "msgpack", "xml")


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "configuration"))


def columns(size):
    return {
        "number": np.arange(size),
        "fraction": np.arange(size) / 3,
        "time": np.arange(size).astype("datetime64[s]"),
        "flag": np.arange(size) % 2 == 0,
    }


@pytest.mark.parametrize("size", [10, LEAST])
@pytest.mark.parametrize("kind", KINDS)
class TestFrames:
    def test_pandas(self, kind, size, tmp_path):
        """A frame of pandas comes back equal, and can be written to."""
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({**columns(size), "text": [str(n) for n in range(size)]}).set_index("time")
        frame["category"] = frame["text"].astype("category") if size < 100 else 1
        appsnap.save({"frame": frame, "part": frame["number"][2:5]}, tmp_path / "x", kind=kind)

        found = appsnap.load(tmp_path / "x", trust=EVERYTHING)

        pandas.testing.assert_frame_equal(found["frame"], frame)
        pandas.testing.assert_series_equal(found["part"], frame["number"][2:5])
        found["frame"].iloc[0, 0] = 17
        assert found["frame"].iloc[0, 0] == 17

    def test_pyarrow(self, kind, size, tmp_path):
        """A table of pyarrow comes back equal."""
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.table(columns(size))
        appsnap.save(table, tmp_path / "x", kind=kind)

        assert appsnap.load(tmp_path / "x", trust=EVERYTHING).equals(table)


class TestSize:
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_as_buffers(self, kind, tmp_path):
        """Their buffers stand in the file as buffers, and take no more space than in pickle."""
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"number": np.arange(100_000), "fraction": np.arange(100_000) / 3})
        appsnap.save(frame, tmp_path / "x", kind=kind)

        assert b"buffers" in (tmp_path / "x").read_bytes()[:500]
        assert (tmp_path / "x").stat().st_size < len(pickle.dumps(frame, 5)) + 5_000
