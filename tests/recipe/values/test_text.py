import pytest

import zoo


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("pathlib.PosixPath", (5,)),
            ("re.compile", ("x", 128)),
            ("re.compile", (zoo.Node(),)),
            ("uuid.UUID", (None, b"x" * 16)),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit patterns, UUIDs and paths are refused, at once."""
        refused(name, args)
