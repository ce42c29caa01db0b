import pytest


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("logging.getLogger", (5,)),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit loggers are refused, at once."""
        refused(name, args)
