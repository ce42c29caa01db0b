"""appsnap reads the files of all its formats."""

from pathlib import Path

import pytest

import appsnap
import make_golden
import shop
from appsnap.kinds.header import FORMAT

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
CALLS = sorted(GOLDEN.glob("*/parcels.*"))
FILES = sorted(path for path in GOLDEN.glob("*/shop*"))


def opened(path):
    """Return the arguments that open a file."""
    if path.name == "shop-passphrase.etap":
        return {"passphrase": "tea and cake"}
    if path.name == "shop-armored.etas":
        return {"identities": [(path.parent / "identity.txt").read_text()]}
    return {}


@pytest.mark.slow
class TestGolden:
    def test_there_are_files_of_every_format(self):
        """One folder a format, with a file of each kind and layer."""
        assert {int(folder.name) for folder in GOLDEN.iterdir()} == {*range(1, FORMAT + 1)}
        assert len(FILES) >= 6 * FORMAT

    @pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
    def test_a_golden_file_loads(self, path):
        """By names and as a whole, it gives the application that it was made from."""
        expected = appsnap.dumps(shop.make(), "source")

        for trust in (["shop.*"], appsnap.EVERYTHING):
            application = appsnap.load(path, trust=trust, **opened(path))

            assert appsnap.dumps(application, "source") == expected

    @pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/orders.tam")), ids=lambda path: path.parent.name)
    def test_a_golden_file_of_runs_loads(self, path):
        """Objects of a few shapes come back as they were."""
        for trust in (["shop.*"], appsnap.EVERYTHING):
            assert appsnap.load(path, trust=trust) == make_golden.orders()

    @pytest.mark.parametrize("path", CALLS, ids=lambda path: f"{path.parent.name}/{path.name}")
    def test_a_golden_file_of_calls_loads(self, path):
        """Objects that calls with keywords make come back as they were."""
        expected = appsnap.dumps(make_golden.parcels(), "source")

        for trust in (["call:shop.parcels.Parcel"], appsnap.EVERYTHING):
            assert appsnap.dumps(appsnap.load(path, trust=trust), "source") == expected

    @pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
    def test_a_golden_file_is_shown(self, path):
        """Header and tree are read without the application."""
        snapshot = appsnap.open_snapshot(path, **opened(path))

        assert str(snapshot.header.format) == path.parent.name
        assert snapshot.header.name == "shop"
        assert '["stock"]: shop.services.Stock' in str(snapshot)
