import pytest


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
