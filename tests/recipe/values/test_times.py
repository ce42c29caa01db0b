import zoneinfo

import pytest

import appsnap
from appsnap.kinds import KINDS


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("datetime.date", ("2024", 1, 1)),
            ("datetime.datetime", (1.0, 1, 1)),
            ("datetime.timedelta", (1.5,)),
            ("datetime.timezone", (5,)),
            ("zoneinfo.ZoneInfo", ("../../etc/passwd",)),
            ("zoneinfo.ZoneInfo._unpickle", (5, True)),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit dates, times and time zones are refused, at once."""
        refused(name, args)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [(), appsnap.EVERYTHING])
def test_zone_outside_of_the_cache(kind, trust):
    """A zone that isn't in the cache of zones is a new one again, also a stranger's."""
    zone = zoneinfo.ZoneInfo.no_cache("Europe/Vienna")

    one, other, cached = appsnap.loads(appsnap.dumps([zone, zone, zoneinfo.ZoneInfo(zone.key)], kind), trust=trust)

    assert one is other
    assert one is not cached
    assert cached is zoneinfo.ZoneInfo("Europe/Vienna")
    assert one.key == "Europe/Vienna"
