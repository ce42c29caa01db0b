import re
import warnings

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


def test_template(construct):
    """A flag of old files that Python warns of, or doesn't know any more, is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert construct("re.compile", ("a", 3)) == re.compile("a", re.IGNORECASE)


@pytest.mark.parametrize("kind", KINDS)
def test_pattern_of_a_scanner(kind):
    """The pattern of a re.Scanner has no text: no load could compile it."""
    scanner = re.Scanner([("a", None)])

    with pytest.raises(CannotSave, match=r"no text to compile \(at its scanner\)"):
        dumps(scanner, kind)
