import collections

import pytest

import appsnap
import zoo
from appsnap.kinds import KINDS


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("builtins.frozenset", ("text",)),
            ("builtins.set", ({1: 2},)),
            ("collections.Counter", ([1],)),
            ("collections.OrderedDict", (zoo.Node(),)),
            ("collections.defaultdict", (int, {})),
            ("collections.deque", ("text",)),
            ("collections.deque", ([], "5")),
            ("functools.partial", (5,)),
            ("functools.partial", (print, "x")),
            ("types.MappingProxyType", (zoo.MyDict(),)),
            ("types.SimpleNamespace", (1,)),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit containers are refused, at once."""
        refused(name, args)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [(), appsnap.EVERYTHING])
def test_counter_with_attributes(kind, trust):
    """A counter keeps its attributes, though its own reduction leaves them out."""
    counter = collections.Counter("aab")
    counter.parts = [counter]

    back = appsnap.loads(appsnap.dumps(counter, kind), trust=trust)

    assert back == counter
    assert back.parts[0] is back
