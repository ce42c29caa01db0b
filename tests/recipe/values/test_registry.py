import subprocess
import sys
import types

import pytest

import appsnap
import zoo
from appsnap import Limits, evolve
from appsnap.cli import service_tree
from appsnap.errors import CannotBuild, CannotLoad, NotTrusted
from appsnap.kinds import KINDS
from appsnap.recipe import steps, values
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.steps import Call, Name, Recipe, Ref
from appsnap.recipe.trust import Trust, wants
from appsnap.recipe.values import ValueType, registry

TABLES = ("_by_name", "_by_type", "_constructors", "_state_rules")
RECORDS = list(registry._by_name.values())


class Toy:
    """Holds two things, and equals all of its kind."""

    def __init__(self, left, right):
        self.left = left
        self.right = right

    def __hash__(self):
        return 5

    def __eq__(self, other):
        return isinstance(other, Toy)

    def __repr__(self):
        return f"Toy({self.left}, {self.right})"

    def turned(self):
        """Return a Toy with the two exchanged."""
        return Toy(self.right, self.left)


Toy.__module__ = "toys"  # no module of this name can be imported


def make_toy(args):
    left, right = args
    if type(left) is not int:
        raise ValueError("takes a whole number")
    return Toy(left, right)


@pytest.fixture
def toy(monkeypatch):
    """Return a function that registers Toy, with more fields, until the test is over."""
    module = type(sys)("toys")
    module.Toy = Toy
    module.piece = Toy
    monkeypatch.setitem(sys.modules, "toys", module)
    for table in TABLES:
        monkeypatch.setattr(registry, table, dict(getattr(registry, table)))
    for table in ("_wrappers", "_of_the_process"):
        monkeypatch.setattr(registry, table, getattr(registry, table))

    def register(**fields):
        values.register(
            ValueType(
                name="toys.Toy",
                cls=Toy,
                reduce=lambda value: (Toy, (value.left, value.right)),
                make=make_toy,
                **fields,
            )
        )

    return register


class TestRecords:
    @pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
    def test_is_complete(self, record):
        """A record names its type, and gives no right to a value that nobody can make."""
        makers = [*([record.name] if record.make else []), *record.made_by]

        assert record.name.isprintable()
        assert all(values.constructor(name).value_type is record for name in makers)
        if record.cls is not None:
            assert values.of_type(record.cls) is record
            found = __import__(record.name.rpartition(".")[0], fromlist=["_"])
            assert getattr(found, record.name.rpartition(".")[2]) is record.cls
        assert not (record.creatable and not record.referable)
        assert record.filled_by <= steps.FILLERS
        if record.filled_by or record.methods or record.work or record.reduce:
            assert makers
        if record.hashed:
            assert makers or record.inherited
        if record.state_fits or record.wraps or record.of_the_process:
            assert record.cls is not None
        if record.subclasses:
            assert record.reduce is not None

    def test_every_value_is_constructible(self):
        """Constructors can make what freeze takes values apart into."""
        recipe = freeze([value for value in [*zoo.VALUES, *zoo.ARRAYS] if type(value).__module__ != "zoo"])
        names = {}
        register = 0
        for step in recipe.steps:
            if isinstance(step, Name):
                names[register] = step.dotted
            if isinstance(step, Call):
                assert values.constructor(names[step.function]) is not None
            register += type(step) in steps.MAKERS

    @pytest.mark.parametrize("name", ["eval", "type", "getattr", "open", "__import__"])
    def test_gadgets(self, name):
        """No record lets a snapshot have functions that do more than make a value."""
        assert values.constructor(f"builtins.{name}") is None
        assert not values.is_referable(f"builtins.{name}")
        assert not values.is_creatable(f"builtins.{name}")

    def test_what_is_saved_by_name(self, monkeypatch):
        """Any snapshot may refer to the objects that evolve saves by name, those of a library once that is imported."""
        reactor = "twisted.internet.reactor"
        monkeypatch.setitem(sys.modules, reactor, sys.modules.get(reactor, types.ModuleType(reactor)))
        assert all(values.is_referable(f"{module}.{name}") for module, name in evolve._WELL_KNOWN)

    def test_creatable_classes(self):
        """The classes of appsnap that any snapshot may create exist."""
        for record in RECORDS:
            if record.creatable and record.name.startswith("appsnap."):
                module, _, name = record.name.rpartition(".")
                found = getattr(__import__(module, fromlist=["_"]), name)
                assert isinstance(found, type) or (callable(found) and not record.creatable)

    def test_numpy_is_not_imported(self):
        """The records of numpy don't import it."""
        code = "import sys, appsnap.recipe.values; sys.exit('numpy' in sys.modules or 'asyncio' in sys.modules)"

        subprocess.run([sys.executable, "-c", code], check=True)


class TestLookUps:
    def test_subclasses(self):
        """A subclass is another type, unless the record says that it counts."""
        import numpy as np

        assert values.of_type(type("Mine", (set,), {})) is None
        assert values.of_type(type(np.dtype("f8"))).name == "numpy.dtype"
        assert values.of_type(type("Mine", (np.float64,), {})) is None

    def test_impostors(self):
        """A class that has the name of a registered type isn't that type."""
        impostor = type("Decimal", (), {"__module__": "decimal"})

        assert values.of_type(impostor) is None
        assert values.reducer(impostor) is None

    @pytest.mark.parametrize("fields", [{"name": "decimal.Decimal"}, {"name": "re.compile"}, {"name": "os.environ"}])
    def test_names_are_taken_once(self, toy, fields):
        """Two types can't have one name, nor a function the name of a type."""
        with pytest.raises(ValueError, match="is registered already"):
            values.register(ValueType(**fields))
        with pytest.raises(ValueError, match="is registered already"):
            values.register(ValueType(name="toys.Toy", made_by={fields["name"]: make_toy}))
        with pytest.raises(ValueError, match="is registered already"):
            values.register(ValueType(name="toys.Set", cls=set))
        assert not values.is_referable("toys.Toy")


class TestRegistered:
    """A new type needs its record, and no other change."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_round_trip(self, toy, kind):
        """It goes through every kind without trust."""
        with pytest.raises(NotTrusted):
            appsnap.loads(appsnap.dumps([Toy(1, [2])], kind))

        toy()
        (back,) = appsnap.loads(appsnap.dumps([Toy(1, [2])], kind))

        assert (type(back), back.left, back.right) == (Toy, 1, [2])

    def test_arguments(self, toy):
        """Its arguments are checked, and the error has the path."""
        toy()

        with pytest.raises(CannotBuild, match="takes a whole number") as caught:
            appsnap.loads(appsnap.dumps({"a": Toy("1", 2)}, "msgpack"))
        assert caught.value.path == 'object["a"]'

    def test_audit(self, toy):
        """It wants no trust of its own; what it holds does."""
        toy()
        recipe = freeze(Toy(1, zoo.Node()))
        named = Recipe([Name("toys", "Toy"), steps.New(Ref(0), ())], Ref(1))

        assert [want.name for want in wants(recipe) if not Trust().grant(Name(*want.name.split(".")), want.use)] == [
            "zoo.Node"
        ]
        with pytest.raises(NotTrusted):
            build(named, Trust())

    def test_rights(self, toy):
        """Methods, filling and creation are allowed where its record says so."""
        toy(methods=True, creatable=True, filled_by=frozenset({steps.State}), state_fits=lambda state: "left" in state)
        made = [Name("toys", "Toy"), Call(Ref(0), [1, 2])]

        assert build(Recipe([*made, steps.Member(Ref(1), "turned")], Ref(2)), Trust())().left == 2
        assert build(Recipe([*made, steps.State(Ref(1), ["left"], [3])], Ref(1)), Trust()).left == 3
        assert type(build(Recipe([Name("toys", "Toy"), steps.New(Ref(0), ())], Ref(1)), Trust())) is Toy
        with pytest.raises(CannotBuild, match="no state of a Toy"):
            build(Recipe([*made, steps.State(Ref(1), ["right"], [3])], Ref(1)), Trust())

    @pytest.mark.parametrize("fields", [{}, {"of_the_process": True}, {"wraps": True}])
    def test_rights_that_it_lacks(self, toy, fields):
        """Without them, it isn't filled and its methods need trust."""
        toy(**fields)
        made = [Name("toys", "Toy"), Call(Ref(0), [1, 2])]

        with pytest.raises(NotTrusted, match=r"toys\.Toy\.turned"):
            build(Recipe([*made, steps.Member(Ref(1), "turned")], Ref(2)), Trust())
        with pytest.raises(NotTrusted, match="is filled"):
            build(Recipe([*made, steps.Extend(Ref(1), [3])], Ref(1)), Trust())
        if fields:
            stranger = [Name("toys", "piece"), Call(Ref(0), [1, 2]), steps.Extend(Ref(1), [3])]
            with pytest.raises(CannotBuild, match="Toy"):
                build(Recipe(stranger, Ref(1)), Trust(["call:toys.piece"]))

    def test_keywords(self, toy):
        """Its constructor gets those that the record has, and no others."""

        def make(args, *, right=0):
            return Toy(*args, right)

        values.register(ValueType(name="toys.Top", make=make, keywords=frozenset({"right"})))
        sys.modules["toys"].Top = make
        top = Name("toys", "Top")

        assert build(Recipe([top, Call(Ref(0), [1], ("right",), [2])], Ref(1)), Trust()).right == 2
        assert build(Recipe([top, Call(Ref(0), [1])], Ref(1)), Trust()).right == 0
        for name in ("left", "right "):
            with pytest.raises(CannotBuild, match=rf"toys\.Top takes no keyword {name}"):
                build(Recipe([top, Call(Ref(0), [1], (name,), [2])], Ref(1)), Trust())

    def test_show(self, toy):
        """It is shown as a call, again in full where only its value counts."""
        shared = Toy(1, 2)
        toy()
        before = [*text_lines(Outline(freeze([shared, shared])))]

        assert before == ["object: list of 2", "├── [0]: toys.Toy(1, 2)", "└── [1]: toys.Toy(1, 2)"]

    def test_show_with_identity(self, toy):
        """It is shown once where its identity counts."""
        shared = Toy(1, 2)
        toy(identity=True)

        assert [*text_lines(Outline(freeze([shared, shared])))][2] == "└── [1]: → object[0]"

    @pytest.mark.parametrize(("fields", "line"), [({}, "<toys.Toy>"), ({"plain": True}, "Toy(1, 2)")])
    def test_service_tree(self, toy, fields, line):
        """The tree of restored services shows a plain value by its `repr`."""
        toy(**fields)

        assert [*service_tree.lines([Toy(1, 2)], 5)] == [f"[{line}]"]

    def test_cost(self, toy):
        """Its hashing, its work and its comparison count."""
        toy(hashed=lambda args: args[1], work=lambda args: args[0], compared=lambda _: 1_000, converts_integers=True)
        made = [Name("toys", "Toy"), *(Call(Ref(0), [number, ()]) for number in range(1, 101))]
        keys = [Ref(number) for number in range(1, 101)]

        with pytest.raises(CannotLoad, match="key_comparisons"):
            build(Recipe([*made, steps.Set(keys)], Ref(101)), Trust(), Limits(key_comparisons=100_000))
        with pytest.raises(CannotLoad, match="copies"):
            build(Recipe([*made, Call(Ref(0), [2_000_000, 2])], Ref(101)), Trust())
