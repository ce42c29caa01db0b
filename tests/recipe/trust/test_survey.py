import functools
import tracemalloc

import pytest

import zoo
from appsnap.errors import CannotLoad, NotTrusted
from appsnap.recipe.build import build
from appsnap.recipe.runs import Merged, Run, Same
from appsnap.recipe.steps import (
    Call,
    Dict,
    List,
    Member,
    Name,
    New,
    Recipe,
    Ref,
    SetState,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.recipe.trust import Trust, obstacles, wants
from appsnap.recipe.trust.attributes import OWN
from appsnap.recipe.trust.survey import Survey

NODE = [Name("zoo", "Node"), New(Ref(0), [])]
PARTIAL = [Name("zoo", "function"), Name("functools", "partial"), Call(Ref(1), [Ref(0)])]
ARRAY = [
    *(Name("numpy", "dtype"), Call(Ref(0), ["|O"]), Name("numpy", "ndarray"), Tuple([0])),
    Call(Ref(2), [Ref(3), Ref(1), None, 0, None, "C"]),
]


def made(steps, target, trust):
    return build(Recipe(steps, Ref(target)), Trust(trust))


def refused(steps, target, trust, error=NotTrusted):
    with pytest.raises(error) as caught:
        made(steps, target, trust)
    return str(caught.value)


class TestAttributes:
    @pytest.mark.parametrize("name", sorted(OWN - {"__annotations__"}))
    def test_own(self, name):
        """No form of state puts a name that is Python's own on an object: as attribute, in a dictionary, as a slot."""
        forms = [
            [State(Ref(1), [name], [1])],
            [Dict([name], [1]), SetState(Ref(1), Ref(2))],
            [Dict([], []), Update(Ref(2), [name], [1]), SetState(Ref(1), Ref(2))],
            [Dict([name], [1]), Tuple([None, Ref(2)]), SetState(Ref(1), Ref(3))],
            [Dict([name], [1]), Tuple([Ref(2), None]), SetState(Ref(1), Ref(3))],
        ]
        for form in forms:
            assert [one.depends_on for one in obstacles(Recipe([*NODE, *form], Ref(1)))] == ["zoo.Node"]
            assert f"object (zoo.Node) has a state with {name}, which" in refused([*NODE, *form], 1, ["zoo.Node"])

    @pytest.mark.parametrize(
        "name", ["__call__", "__del__", "__iter__", "__doc__", "__module__", "__x", "__", "__a_b__"]
    )
    def test_others(self, name):
        """Any other name is data in the `__dict__` of an object."""
        assert made([*NODE, State(Ref(1), [name], [1])], 1, ["zoo.Node"]).__dict__ == {name: 1}
        assert obstacles(Recipe([*NODE, State(Ref(1), [name], [1])], Ref(1))) == []

    @pytest.mark.parametrize("key", [1, 1.5, b"a", None, True])
    def test_keys_of_no_text(self, key):
        """A `__dict__` may have keys that are numbers, bytes or None."""
        assert made([*NODE, Dict([key], [1]), SetState(Ref(1), Ref(2))], 1, ["zoo.Node"]).__dict__ == {key: 1}

    @pytest.mark.parametrize("key", [Ref(2), 1 << 70])
    def test_keys_that_cost(self, key):
        """A tuple or a long integer would be hashed for every object that has it."""
        steps = [*NODE, Tuple([1]), Dict([key], [1]), SetState(Ref(1), Ref(3))]

        assert "neither a text nor a number" in refused(steps, 1, ["zoo.Node"])


class TestAnnotations:
    @pytest.mark.parametrize("text", ["int", "list[int] | None", "typing.Literal['a', 'b c']", "Callable[[int], a.b]"])
    def test_names(self, text):
        """Annotations that are names and subscripts come back."""
        steps = [*NODE, Dict(["a"], [text]), State(Ref(1), ["__annotations__"], [Ref(2)])]

        assert made(steps, 1, ["zoo.Node"]).__annotations__ == {"a": text}

    @pytest.mark.parametrize(
        "text", ["f()", "9**9", "{f}", "f'{x}'", "lambda: 1", "'\\x28'", "(x := 1)", "'a' * 9", "-x"]
    )
    def test_code(self, text):
        """Others are code, which `typing.get_type_hints` runs, in whatever way they get there."""
        state = State(Ref(1), ["__annotations__"], [Ref(2)])
        long = text + " " * 100
        forms = [
            [Dict(["a"], [text]), state],
            [Dict([], []), Update(Ref(2), ["a"], [text]), state],
            [Dict([], []), state, Update(Ref(2), ["a"], [text])],
            [Dict([], []), Value(long), List([Ref(3)]), state, Update(Ref(2), ["a"], [Ref(4)])],
        ]
        for form in forms:
            assert "annotations that are more than names" in refused([*NODE, *form], 1, ["zoo.Node"])

    def test_no_dictionary_of_the_file(self):
        """Annotations that the file has from elsewhere could be anything."""
        steps = [*NODE, Name("zoo", "function"), Call(Ref(2), []), State(Ref(1), ["__annotations__"], [Ref(3)])]

        assert "annotations that are more" in refused(steps, 1, ["zoo.Node", "call:zoo.function"])

    def test_many_in_a_dictionary_of_many(self):
        """A thousand objects share a dictionary with a thousand annotations: one look at each of these is enough."""
        runs = [Run(New, 1_000, (Ref(0), (), ())), Run(SetState, 1_000, (2, Same(Ref(1), 1_000)))]
        steps = [NODE[0], Dict(["__annotations__"] * 1_000, ["int"] * 1_000), *runs]
        tracemalloc.start()
        try:
            found = obstacles(Recipe(steps, Ref(2)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert found
        assert peak < 20_000_000


class TestPartials:
    def state(self, attributes):
        """Return steps that give the partial such attributes."""
        return [Tuple([]), Dict([], []), *attributes, Tuple([Ref(0), Ref(3), Ref(4), Ref(5)]), SetState(Ref(2), Ref(6))]

    def test_attributes(self):
        """A partial has attributes, but none that are Python's own, even if they are added later."""
        good = [*PARTIAL, *self.state([Dict(["__name__"], ["x"])])]
        later = [*PARTIAL, *self.state([Dict([], [])]), Update(Ref(5), ["__reduce_ex__"], [1])]

        assert made(good, 2, ["zoo.function"]).__name__ == "x"
        assert "has a state with __reduce_ex__" in refused(later, 2, ["zoo.function"])

    def test_attributes_of_a_subclass(self):
        """The same holds for a class of which the audit doesn't know that it is one of partials."""
        steps = [Name("strangers", "Part"), New(Ref(0), [Ref(1)])]
        steps = [steps[0], Name("zoo", "function"), steps[1], Tuple([]), Dict([], []), Dict(["__reduce__"], [1])]
        steps += [Tuple([Ref(1), Ref(3), Ref(4), Ref(5)]), SetState(Ref(2), Ref(6))]

        assert "(strangers.Part) has a state with __reduce__" in refused(steps, 2, ["strangers.Part", "zoo.function"])

    def test_call(self):
        """A partial is called if its function may be called, and nothing else."""
        steps = [*PARTIAL, Call(Ref(2), [5])]

        assert [want.grant for want in wants(Recipe(steps, Ref(3)))][-1] == "call:zoo.function"
        assert made(steps, 3, ["zoo.function", "call:zoo.function"]) == 5
        assert "zoo.function to call" in refused(steps, 3, ["zoo.function"])

    def test_call_of_another_function(self):
        """A state can change the function of a partial: then both must be trusted."""
        change = [Name("os", "system"), Tuple([]), Dict([], []), Tuple([Ref(3), Ref(4), Ref(5), None])]
        steps = [*PARTIAL, *change, SetState(Ref(2), Ref(6)), Call(Ref(2), ["true"])]

        assert "os.system to call" in refused(steps, 7, ["zoo.function", "call:zoo.function", "os.system"])

    def test_call_of_a_constructor(self):
        """A partial of a value type would get around the checks of its arguments."""
        steps = [Name("builtins", "bytearray"), *PARTIAL[1:2], Call(Ref(1), [Ref(0)]), Call(Ref(2), [1 << 40])]

        assert "is made by a partial of something else" in refused(steps, 3, ["call:builtins.bytearray"])

    def test_call_of_an_unknown_function(self):
        """A function without a name, or one that the audit can't see, isn't called."""
        for function in ([*PARTIAL, Call(Ref(1), [Ref(2)])], [*PARTIAL, SetState(Ref(2), None)]):
            last = Ref(3) if len(function) == 4 and type(function[-1]) is Call else Ref(2)
            refused([*function, Call(last, [])], int(last) + 1, ["zoo.function", "call:zoo.function"])


class TestArrays:
    def state(self, data, shape=1):
        """Return steps that give the array such a state."""
        return [Tuple([shape]), data, Tuple([1, Ref(5), Ref(1), False, Ref(6)]), SetState(Ref(4), Ref(7))]

    def test_objects(self):
        """An array of objects is made without trust; it may lead back to itself."""
        array = made([*ARRAY, *self.state(List([Ref(4)]))], 4, [])

        assert array.dtype == object
        assert array[0] is array

    @pytest.mark.parametrize("state", [List([1, 2]), List([]), Tuple([1]), Value(b"a" * 8 * 10)], ids=str)
    def test_other_states(self, state):
        """A state that doesn't fit is refused."""
        refused([*ARRAY, *self.state(state)], 4, [], CannotLoad)

    @pytest.mark.parametrize("shape", [-1, 1 << 62, "a", None])
    def test_shapes(self, shape):
        """Nor does one of another shape fit."""
        refused([*ARRAY, *self.state(List([1]), shape=shape)], 4, [], CannotLoad)

    def test_memory_that_others_see(self):
        """An array of numbers gets no state: a view could look at memory that is free by then."""
        numbers = [Name("numpy", "dtype"), Call(Ref(0), ["|u1"]), Name("numpy", "ndarray"), Tuple([1])]
        numbers += [Call(Ref(2), [Ref(3), Ref(1), b"x", 0, None, "C"])]

        refused([*numbers, *self.state(List([1]))], 4, [], CannotLoad)

    def test_views(self):
        """No view shows an array of objects: its bytes are addresses."""
        steps = [*ARRAY, *self.state(List([1])), Name("builtins", "memoryview"), Call(Ref(8), [Ref(4)])]

        refused(steps, 9, [], CannotLoad)

    def test_size(self):
        """No array of objects is made without objects for it."""
        steps = [*ARRAY[:3], Tuple([1 << 40]), *ARRAY[4:]]

        refused(steps, 4, [], CannotLoad)

    @pytest.mark.parametrize("state", [["|", None, None, None, -1, -1, 63], [3, "|", None, None, None, -1, -1, 63]])
    def test_dtypes(self, state):
        """A dtype gets no state, even one that a function made."""
        steps = [Name("zoo", "function"), Name("numpy", "dtype"), Call(Ref(1), ["<f8"]), Call(Ref(0), [Ref(2)])]

        refused([*steps, Tuple(state), SetState(Ref(3), Ref(4))], 3, ["call:zoo.function"], CannotLoad)

    @pytest.mark.parametrize("cls", ["builtins.list", "zoo.Node"])
    def test_classes(self, cls):
        """The function of numpy makes arrays, and no objects of other classes."""
        steps = [Name("numpy._core.multiarray", "_reconstruct"), Name(*cls.split(".")), Tuple([0])]

        refused([*steps, Call(Ref(0), [Ref(1), Ref(2), b"b"])], 3, [cls], CannotLoad)

    @pytest.mark.parametrize(
        "fields",
        [
            {"offsets": [8]},
            {"offsets": [-1]},
            {"offsets": []},
            {"itemsize": 1 << 40},
            {"itemsize": 4},
            {"names": [1]},
            {"names": ["a", "a"]},
            {"formats": ["i4"]},
            {"titles": [1]},
            {"more": []},
        ],
        ids=str,
    )
    def test_fields(self, fields):
        """A structure whose fields don't fit is refused."""
        described = {"names": ["a"], "formats": [Ref(1)], "offsets": [0], "itemsize": 8} | fields
        parts = [value for value in described.values() if type(value) is list]
        operands = [value if type(value) is not list else Ref(3 + parts.index(value)) for value in described.values()]
        steps = [Name("numpy", "dtype"), Call(Ref(0), ["<f8"]), Name("builtins", "int"), *map(List, parts)]
        size = len(parts) + 3

        refused([*steps, Dict([*described], operands), Call(Ref(0), [Ref(size), False])], size + 1, [], CannotLoad)


class TestCode:
    CODE = (Name("cloudpickle.cloudpickle", "_make_cell"), Call(Ref(0), [5]))

    def test_what_code_made(self):
        """What a name with code made is trusted as code, once that is granted."""
        steps = [*self.CODE, Member(Ref(1), "cell_contents")]

        assert made(steps, 2, ["call:cloudpickle.cloudpickle._make_cell"]) == 5
        assert "_make_cell to call" in refused(steps, 2, [])

    def test_what_code_did_not_make(self):
        """A reference to such a name makes nothing, and other objects of the file are as before."""
        trust = ["call:cloudpickle.cloudpickle._make_cell", "cloudpickle.cloudpickle._make_cell", "zoo.*"]

        for steps in (
            [self.CODE[0], List([Ref(0)]), Call(Ref(1), [])],
            [*self.CODE, Name("zoo", "Node"), New(Ref(2), []), Call(Ref(3), [])],
            [*self.CODE, Name("zoo", "Node"), New(Ref(2), []), Member(Ref(3), "__reduce__")],
        ):
            refused(steps, len(steps) - 1, trust)


class TestMethods:
    def test_that_bind_themselves(self):
        """A callable of the class that binds itself is a method; a property isn't."""
        zoo.Node.cached = functools.lru_cache(zoo.Node.method)
        zoo.Node.trap = functools.cached_property(lambda _: pytest.fail("was read"))
        try:
            assert made([*NODE, Member(Ref(1), "cached")], 2, ["zoo.Node"])().__class__ is zoo.Node
            refused([*NODE, Member(Ref(1), "trap")], 2, ["zoo.Node"], CannotLoad)
        finally:
            del zoo.Node.cached, zoo.Node.trap

    @pytest.mark.parametrize(
        "name",
        [
            *("__class__", "__closure__", "__conform__", "__deepcopy__", "__del__", "__dict__", "__dir__", "__get__"),
            *("__getattr__", "__getattribute__", "__init__", "__reduce_ex__", "__set_name__", "__setattr__"),
            "__subclasshook__",
        ],
    )
    @pytest.mark.parametrize("owner", [5, "a", Ref(1)])
    def test_that_lead_elsewhere(self, owner, name):
        """Of Python's own methods a file has those behind operators, and no grant adds another."""
        message = refused([*NODE, Member(owner, name)], 2, ["zoo.Node", f"zoo.Node.{name}"])

        assert message == f"not trusted: object is the method {name}, which leads beyond its object"

    def test_of_a_library(self):
        """A library may choose a name of that form for a function of its own; its name has to be granted."""
        zoo.Node.__default__ = zoo.Node.method
        zoo.Node.__trap__ = functools.lru_cache(zoo.Node.method)
        try:
            steps = [*NODE, Member(Ref(1), "__default__")]
            assert made(steps, 2, ["zoo.Node", "zoo.Node.__default__"])().__class__ is zoo.Node
            assert "zoo.Node.__default__" in refused(steps, 2, ["zoo.Node", "zoo.*"])
            steps = [*NODE, Member(Ref(1), "__trap__")]
            refused(steps, 2, ["zoo.Node", "zoo.Node.__trap__"], CannotLoad)
        finally:
            del zoo.Node.__default__, zoo.Node.__trap__

    def test_operators(self):
        """These are found without trust."""
        assert made([Member(5, "__add__")], 0, [])(2) == 7
        assert [*made([List([1]), Member(Ref(0), "__iter__")], 1, [])()] == [1]


class Order(bytes):
    """The order of a column, which counts how often it is looked through."""

    looks = 0

    def __iter__(self):
        self.looks += 1
        return super().__iter__()


class TestColumns:
    def test_names_in_each_part(self):
        """The names in a column that is merged of many are found by one look at its order."""
        names = [Name("zoo", f"N{number}") for number in range(200)]
        order = Order(range(200))
        run = Run(List, 200, ((Merged(order, [Same(Ref(number), 1) for number in range(200)]),),))

        assert len(Survey(Recipe([*names, run], Ref(200))).uses) == 200
        assert order.looks == 1


def test_paths():
    """Every obstacle has a path, also one behind a class or function that the file made."""
    steps = [*PARTIAL, Call(Ref(2), [Ref(2)]), *[Name("zoo", "Node"), New(Ref(4), []), Tuple([Ref(5)])]]
    steps += [Update(Ref(6), [1], [2]), Call(Ref(3), [Ref(6)]), List([Ref(7)])]

    found = [str(obstacle) for obstacle in obstacles(Recipe(steps, Ref(8)))]

    assert found == [
        "object[0] argument 0 is filled, but this file didn't make it",
        "object[0] is made by something without a name",
    ]
