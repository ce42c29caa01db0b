import collections
import copyreg
import hashlib
import pickle
import socket

import pytest

import zoo
from appsnap import dumps
from appsnap.errors import CannotSave
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import (
    Add,
    ByteArray,
    Call,
    Dict,
    Extend,
    FrozenSet,
    List,
    Member,
    Name,
    New,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.service import Application, MultiService, Service
from isomorphism import listed


def steps(obj):
    return listed(freeze(obj).steps)


class TestSteps:
    @pytest.mark.parametrize("atom", [None, True, 5, 2**70, 1.5, "text", b"bytes", "", "x" * 64])
    def test_atoms(self, atom):
        """An atom needs no step."""
        recipe = freeze(atom)

        assert recipe.steps == []
        assert recipe.root is atom or recipe.root == atom

    def test_long_texts(self):
        """A long text is written once, for all equal texts."""
        text = "x" * 65

        assert steps([text, "x" * 65, {"key": text}]) == [
            Value(text),
            Dict(["key"], [Ref(0)]),
            List([Ref(0), Ref(0), Ref(1)]),
        ]

    def test_containers(self):
        """Containers are made after their items."""
        assert steps([(1,), {"a": 2}, {3}, frozenset([4]), bytearray(b"5")]) == [
            Tuple([1]),
            Dict(["a"], [2]),
            Set([3]),
            FrozenSet([4]),
            ByteArray(bytearray(b"5")),
            List([Ref(0), Ref(1), Ref(2), Ref(3), Ref(4)]),
        ]

    def test_cycles(self):
        """A container whose items lead back to it is made empty at that point, and filled at the end."""
        node = zoo.Node()
        found = [set(), {}, node]
        found[0].add(node)
        found[1]["all"] = found
        node.sets = found[0]

        assert steps(found) == [
            Name("zoo", "Node"),
            New(Ref(0), [], [], []),
            Set([]),
            State(Ref(1), ["sets"], [Ref(2)]),
            Add(Ref(2), [Ref(1)]),
            List([]),
            Dict(["all"], [Ref(3)]),
            Extend(Ref(3), [Ref(2), Ref(4), Ref(1)]),
        ]

    def test_itself(self):
        """Containers may hold themselves."""
        items, mapping = [], {}
        items.append(items)
        mapping[0] = mapping

        assert steps(items) == [List([]), Extend(Ref(0), [Ref(0)])]
        assert steps(mapping) == [Dict([], []), Update(Ref(0), [0], [Ref(0)])]

    def test_objects(self):
        """An object is made first. Its attributes follow."""
        node = zoo.Node()
        node.me, node.number = node, 1

        assert steps(node) == [
            Name("zoo", "Node"),
            New(Ref(0), [], [], []),
            State(Ref(1), ["me", "number"], [Ref(1), 1]),
        ]

    def test_states(self):
        """A state is an object of its own if it isn't a dictionary, or if a `__setstate__` may keep it."""
        slots, stateful = zoo.Slots(), zoo.Stateful()
        slots.first = 1

        assert steps(slots)[-2:] == [Tuple([None, Ref(2)]), SetState(Ref(1), Ref(3))]
        assert SetState in map(type, steps(stateful))

    def test_items_before_state(self):
        """The items of a list subclass come before its attributes, as in pickle."""
        mine = zoo.MyList([1])
        mine.name = "mine"
        both = zoo.MyDict({2: 3})
        both.name = "both"

        assert [type(step) for step in steps(mine)] == [Name, New, Extend, State]
        assert [type(step) for step in steps(both)] == [Name, New, Update, State]

    def test_methods(self):
        """A bound method is a Member of its owner. A method of a class is a name."""
        node = zoo.Node()

        assert steps(node.method)[-1] == Member(Ref(1), "method")
        assert steps(zoo.Outer.made) == [Name("zoo", "Outer.made")]
        assert steps((5).bit_length) == [Member(5, "bit_length")]

    def test_calls(self):
        """An object that its reduction makes by a call becomes a Call."""
        assert steps(zoo.MySet()) == [List([]), Name("zoo", "MySet"), Call(Ref(1), [Ref(0)], [], [])]

    def test_kept_alive(self):
        """An object that only a reduction holds keeps its id until the end."""

        class Made:
            def __init__(self, number):
                self.number = number

            def __reduce__(self):
                return complex, (float(self.number), 0.0), {"number": [self.number]}

        found = [step.items for step in steps([Made(number) for number in range(1000)]) if isinstance(step, List)]

        assert found[:-1] == [[number] for number in range(1000)]


class TestErrors:
    def test_all_places_at_once(self):
        """All objects that can't be saved are reported at once, with path, type, reason and advice."""
        application = Application("shop")
        web, group = Service(), MultiService()
        web.setName("web")
        web.setServiceParent(group)
        group.setName("group")
        group.setServiceParent(application)
        pair = socket.socketpair()
        web.opts = {"a": [1, 2, 3, hashlib.sha256()], 5: (pair[0], "x")}
        web.__dict__["with space"] = {hashlib.sha256(): 1}
        group.call = lambda: None
        group.generator = (x for x in ())

        with pytest.raises(CannotSave) as caught:
            dumps(application, "msgpack")
        pair[0].close()
        pair[1].close()

        found = {place.path: place for place in caught.value.places}
        ours = 'application.services["group"].services["web"]'
        assert set(found) == {
            f'{ours}.opts["a"][3]',
            f"{ours}.opts[5][0]",
            f'{ours}.__dict__["with space"].keys()[0]',
            'application.services["group"].generator',
        }
        assert [place.type for place in caught.value.places].count("_hashlib.HASH") == 2
        assert {place.type for place in found.values()} == {"_hashlib.HASH", "socket.socket", "builtins.generator"}
        assert any("startService" in place.advice for place in found.values())
        assert any("digest()" in place.advice for place in found.values())
        assert found.pop(f"{ours}.opts[5][0]").reason == "a connected socket"
        assert all(place.reason.startswith("TypeError: cannot pickle") for place in found.values())
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value.__cause__, TypeError)

    @pytest.mark.parametrize("kind", KINDS)
    def test_same_for_every_kind(self, kind):
        """An object that can't be saved is reported by every kind."""
        with pytest.raises(CannotSave, match=r'object\["rows"\] \(builtins.generator\)'):
            dumps({"rows": (x for x in ())}, kind)

    def test_names_that_lead_elsewhere(self):
        """An object whose name can't be imported isn't saved."""

        class Lying:
            def __reduce__(self):
                return "nothing.of_that_name"

        with pytest.raises(CannotSave, match="can't be imported"):
            dumps(Lying(), "msgpack")

    @pytest.mark.parametrize(
        "reduction",
        [None, 5, (), (int,), (int, []), (5, ()), (int, (), None, [1]), (int, (), None, None, None, 5), (int,) * 7],
    )
    def test_bad_reductions(self, reduction):
        """A malformed result of `__reduce__` is an error at the path of its object."""

        class Bad:
            def __reduce__(self):
                return reduction

        with pytest.raises(CannotSave, match=r'object\["bad"\]'):
            freeze({"bad": Bad()})

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "args",
        [
            (),
            (int, ()),
            (int, (), {}, 1),
            (5, (), {}),
            (int, 5, {}),
            (int, [], {}),
            (int, (), []),
            (int, (), {5: 5}),
            5,
        ],
    )
    def test_bad_keywords(self, args, kind):
        """Malformed arguments of `__newobj_ex__` are an error at the path of their object."""

        class Bad:
            def __reduce_ex__(self, protocol):
                return copyreg.__newobj_ex__, args

        with pytest.raises(CannotSave, match=r'object\["bad"\].*PicklingError.* must '):
            dumps({"bad": Bad()}, kind)

    def test_made_from_itself(self):
        """An object whose arguments contain itself is reported once."""
        counter = collections.Counter()
        counter["x"], counter["y"] = counter, counter

        with pytest.raises(CannotSave) as caught:
            freeze(counter)

        assert len(caught.value.places) == 1

    def test_errors_of_strange_objects(self):
        """An object with a hostile __repr__ or __getattribute__ is reported like any other."""

        class Strange:
            def __repr__(self):
                raise RuntimeError

            def __getattribute__(self, name):
                raise RuntimeError("no " + name)

        with pytest.raises(CannotSave):
            freeze([{Strange(): Strange()}])

    @pytest.mark.parametrize("kind", KINDS)
    def test_live_objects_are_untouched(self, kind):
        """No save changes the objects, whether it fails or succeeds."""
        service = Service()
        service.running = 1
        service.lock = hashlib.sha256()
        service.items = [1, {2}]
        before = dict(service.__dict__)

        with pytest.raises(CannotSave):
            dumps(service, kind)
        del service.lock
        dumps(service, kind)

        del before["lock"]
        assert service.__dict__ == before
        assert service.items is before["items"]
        assert service.__dict__.keys() == before.keys()


class TestBuffers:
    def test_in_band(self):
        """Buffers of protocol 5 become bytes or bytearrays. Short read-only ones are atoms."""

        class Held:
            def __init__(self, data):
                self.data = data

            def __reduce_ex__(self, protocol):
                return bytes, (pickle.PickleBuffer(self.data),)

        assert steps(Held(b"short"))[-1] == Call(Ref(0), [b"short"], [], [])
        assert Value(b"long" * 50) in steps(Held(b"long" * 50))
        assert ByteArray(bytearray(b"can be written")) in steps(Held(bytearray(b"can be written")))

    def test_not_contiguous(self):
        """A buffer with gaps can't be saved."""

        class Held:
            def __reduce_ex__(self, protocol):
                return bytes, (pickle.PickleBuffer(memoryview(b"abcd")[::2]),)

        with pytest.raises(CannotSave):
            freeze(Held())


class Once:
    """An object that can be taken apart only once: its iterator is empty afterwards."""

    def __init__(self, pairs):
        self.pairs = iter(pairs)

    def __reduce__(self):
        return dict, (), None, None, self.pairs


class TestOnce:
    def test_nothing_is_lost(self):
        """An error of the first walk is raised even if the second one has none."""
        assert freeze(Once([("a", 1)])).steps

        for wrong in (Once([("a",)]), [Once([("a", 1), ("b",)])], {"key": (Once([1]), 2)}):
            with pytest.raises(CannotSave):
                freeze(wrong)
