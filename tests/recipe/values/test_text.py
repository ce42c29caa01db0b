import re

import pytest

import zoo
from appsnap import CannotSave, dumps
from appsnap.kinds import KINDS


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


@pytest.mark.parametrize("kind", KINDS)
def test_pattern_of_a_scanner(kind):
    """The pattern of a re.Scanner has no text: no load could compile it."""
    scanner = re.Scanner([("a", None)])

    with pytest.raises(CannotSave, match=r"no text to compile \(at its scanner\)"):
        dumps(scanner, kind)
