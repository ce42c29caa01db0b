import pytest


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("builtins.complex", ("1",)),
            ("decimal.Decimal", (5,)),
            ("fractions.Fraction", ("1e99999999",)),
            ("fractions.Fraction", (1.5, 1)),
            pytest.param("fractions.Fraction", (2**10_000_000, 3), id="huge fraction"),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit numbers are refused, at once."""
        refused(name, args)
