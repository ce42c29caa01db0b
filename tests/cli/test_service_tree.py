import itertools
from collections import OrderedDict, UserList
from decimal import Decimal
from types import SimpleNamespace

import pytest

from appsnap.cli.service_tree import lines, rows
from appsnap.service import Application, MultiService, Service


def deep(levels):
    root = service = Application("root")
    for _ in range(levels):
        child = MultiService()
        service.services.append(child)
        service = child
    return root


class TestLines:
    """The tree of services, restored."""

    def test_branches(self):
        """Children stand below their parent, in order."""
        root = Application("root")
        group = MultiService()
        group.services += [Service(), Service()]
        root.services += [group, Service()]

        assert [*lines(root, 9)] == [
            "root: appsnap.service.Application",
            "├── appsnap.service.MultiService",
            "│   ├── appsnap.service.Service",
            "│   └── appsnap.service.Service",
            "└── appsnap.service.Service",
        ]

    def test_other_objects(self):
        """An object that is no collection of services is shown by its own description, shortened."""
        assert [*lines(list(range(1000)), 9)] == ["[0, 1, 2, 3, 4, 5, ...]"]
        assert [*lines([Decimal(1), b"x", 1.5], 9)] == ["[Decimal('1'), b'x', 1.5]"]
        assert [*lines(16**5000, 9)] == ["0x100000000000000000…"]

    def test_many_paths(self):
        """A service on 2^60 paths is shown at once, in any container."""
        value = [1]
        for _ in range(60):
            value = [value, value]
        for cls, held in ((SimpleNamespace, {"a": value}), (OrderedDict, {"a": value}), (UserList, value)):
            holder = cls(**held) if isinstance(held, dict) else cls(held)
            name = f"{cls.__module__}.{cls.__qualname__}"
            assert [*lines(holder, 9)] == [name]
            assert [*lines([holder], 9)] == [f"[<{name}>]"]


class TestRows:
    """The rows of the tree."""

    def test_strange_services(self):
        """Only lists are gone through: another sequence may be a range of a billion."""
        root = MultiService()
        root.services = range(10**15)

        assert [row.type for row in rows(root, 9)] == ["appsnap.service.MultiService"]

    @pytest.mark.parametrize(
        "components",
        [
            {"appsnap.interfaces.IServiceCollection": range(10**15)},
            {"appsnap.interfaces.IServiceCollection": itertools.count()},
            range(10**15),
            [range(10**15)],
        ],
        ids=["range", "endless", "of-a-range", "list"],
    )
    def test_components_that_are_no_collections(self, components):
        """A component is gone through where its class is one of collections."""
        root = Application("shop")
        root.components = components

        assert len([*rows(root, 9)]) == 1

    def test_names(self):
        """A name is shown where it is a text or a number, and short; else its class is."""
        doubled = []
        for _ in range(60):
            doubled = [doubled, doubled]
        root = Application("a" * 1_000)
        for name in (doubled, range(10**15), 10**5_000, 7, type("Text", (str,), {})("x")):
            child = Service()
            child.name = name
            root.services.append(child)

        names = [row.name for row in rows(root, 9)]

        assert len(names[0]) == 100
        assert names[1:] == [
            "<builtins.list>",
            "<builtins.range>",
            "<builtins.int>",
            "7",
            f"<{__name__}.Text>",
        ]
        assert repr(root.services[0]) == "<Service '<builtins.list>' stopped>"

    def test_shared_services(self):
        """A list that all services have is gone through once."""
        gone_through = []

        class Services(list):
            def __iter__(self):
                gone_through.append(len(self))
                return super().__iter__()

        services = Services(MultiService() for _ in range(20))
        for service in services:
            service.services = services
        gone_through.clear()

        assert len([*rows(services[0], 99)]) == 20
        assert gone_through == [20]

    def test_own_iteration(self):
        """A collection that goes through its services in a way of its own is asked."""

        class Reversed(MultiService):
            def __iter__(self):
                return reversed(self.services)

        root = Reversed()
        for name in ("a", "b"):
            child = Service()
            child.setName(name)
            child.setServiceParent(root)

        assert [row.name for row in rows(root, 9)] == [None, "b", "a"]

    def test_depth(self):
        """Services below the given depth are counted, and left out."""
        found = [*rows(deep(5), 2)]

        assert [(row.level, row.omitted) for row in found] == [(0, 0), (1, 0), (2, 1)]

    def test_very_deep(self):
        """A tree that is deeper than Python's stack."""
        assert sum(1 for _ in rows(deep(3000), 10_000)) == 3001

    def test_cycle(self):
        """A service that holds itself is shown once."""
        root = Application("root")
        root.services += [root, Service()]

        assert [row.level for row in rows(root, 9)] == [0, 1]
