import re
import warnings

import pytest

import zoo
from appsnap import CannotSave, dumps
from appsnap.errors import CannotBuild
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.steps import Dict, List, Name, New, Recipe, Ref, SetState, Tuple
from appsnap.recipe.trust import Trust


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


@pytest.mark.parametrize(("container", "levels", "times"), [(Tuple, 5, 1), (Tuple, 60, 2), (List, 60, 2)])
def test_safety_of_a_uuid(container, levels, times):
    """Python hashes the `is_safe` of a UUID, and prints it in an error: only a number or None stands there."""
    made = [Name("uuid", "UUID"), New(Ref(0), []), container([1])]
    made += [container([Ref(at)] * times) for at in range(2, levels)]
    state = Dict(["int", "is_safe"], [5, Ref(levels)])

    with pytest.raises(CannotBuild, match="no state of a UUID"):
        build(Recipe([*made, state, SetState(Ref(1), Ref(levels + 1))], Ref(1)), Trust())


def test_attributes_of_a_uuid():
    """Beside the state of a UUID, no attribute replaces a part that was checked."""
    made = [Name("uuid", "UUID"), New(Ref(0), []), Dict(["int"], [5]), Tuple([1])]
    state = Dict([".state", "int"], [Ref(2), Ref(3)])

    with pytest.raises(CannotBuild, match="a slot of a UUID"):
        build(Recipe([*made, state, SetState(Ref(1), Ref(4))], Ref(1)), Trust())


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
