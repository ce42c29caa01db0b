import pytest

import zoo


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
