import random

import pytest
from hypothesis import given, settings, strategies as st

import appsnap
import shapes
import shop
import zoo
from appsnap import EVERYTHING
from appsnap.errors import CannotLoad
from appsnap.kinds import kind_named
from appsnap.kinds.header import Header
from appsnap.recipe import steps
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.ordering import in_order
from appsnap.recipe.runs import Run, Same, Span
from appsnap.recipe.steps import MAKERS, Call, Extend, List, Name, New, Recipe, Ref, State, Tuple, make_step
from appsnap.recipe.trust import Trust
from appsnap.service import MultiService, Service
from isomorphism import difference, listed

OTHERWISE = {"argument_parser", "shared_dict"}
"""Cases in which `freeze` takes a step before anything needs it."""


def content(recipe):
    return listed(recipe.steps), recipe.root


def reordered(recipe, order):
    """Return a recipe of the same steps in another order, which is given by their numbers."""
    makers = [at for at, step in enumerate(recipe.steps) if type(step) in MAKERS]
    numbers = {
        at: Ref(number) for number, at in enumerate(at for at in order if type(recipe.steps[at]) in steps.MAKERS)
    }

    def moved(field):
        if type(field) is Ref:
            return numbers[makers[field]]
        return [moved(x) for x in field] if isinstance(field, (list, tuple)) else field

    found = [make_step(type(recipe.steps[at]), [moved(field) for field in recipe.steps[at]]) for at in order]
    return Recipe(found, moved(recipe.root))


def as_columns(recipe):
    """Return a recipe with its names and new objects first, and the states last."""
    ranks = {Name: 0, New: 1, State: 3}
    order = sorted(range(len(recipe.steps)), key=lambda at: ranks.get(type(recipe.steps[at]), 2))
    return reordered(recipe, order)


def any_order(recipe, chance):
    """Return the numbers of steps in an order in which each comes behind the makers of its operands."""
    makers = [at for at, step in enumerate(recipe.steps) if type(step) in MAKERS]
    needs = [{makers[x] for x in steps.operands(step) if type(x) is Ref} for step in recipe.steps]
    order, left = [], [*range(len(recipe.steps))]
    while left:
        ready = [at for at in left if needs[at].issubset(order)]
        order.append(chance.choice(ready))
        left.remove(order[-1])
    return order


def specification(chance):
    """Return a specification for `zoo.make`."""
    number = lambda: chance.randrange(30)  # noqa: E731
    return (
        chance.choices(sorted(zoo.MUTABLE), k=chance.randrange(1, 7)),
        [
            (chance.choice(sorted(zoo.IMMUTABLE)), [number() for _ in range(chance.randrange(3))], number())
            for _ in range(chance.randrange(5))
        ],
        [(number(), chance.choice("amz"), number(), number()) for _ in range(chance.randrange(20))],
        number(),
    )


def application(count):
    root = MultiService()
    for number in range(count):
        service = Service()
        service.setName(f"service {number}")
        service.options = {"port": number, "pair": (number, [service]), "tags": {"a", "b"}}
        service.setServiceParent(root)
    return root


def text(recipe):
    return b"".join(kind_named("source").write(Header("source"), recipe, {}))


class TestInOrder:
    @pytest.mark.parametrize("name", sorted(shapes.CASES.keys() - OTHERWISE))
    def test_an_ordinary_recipe_keeps_its_order(self, name):
        """The order is the one of `freeze`."""
        recipe = freeze(shapes.CASES[name][0]())

        assert content(in_order(recipe)) == content(recipe)

    @pytest.mark.parametrize("graph", [application(5), shop.make()])
    def test_columns_are_read_like_any_recipe(self, graph):
        """With all objects first and all states last, a recipe has the ordinary text."""
        recipe = freeze(graph)
        columns = as_columns(recipe)

        assert text(columns) != text(recipe)
        assert text(in_order(columns)) == text(recipe)

    @pytest.mark.slow
    @given(st.integers(0, 2**32))
    @settings(max_examples=300)
    def test_the_objects_are_the_same(self, seed):
        """The steps of any order that a recipe may have make the same objects in the ordinary order."""
        chance = random.Random(seed)
        recipe = freeze(zoo.make(specification(chance)))
        for mixed in recipe, as_columns(recipe), reordered(recipe, any_order(recipe, chance)):
            try:
                expected = build(mixed, Trust(EVERYTHING))
            except CannotLoad:
                continue  # a key that has no hash yet

            assert difference(expected, build(in_order(mixed), Trust(EVERYTHING))) is None

    def test_what_is_read_is_filled_as_far_as_before(self):
        """A call that copies a list gets it with the items that the list has at that step, and no others."""
        made = [Name("builtins", "sorted"), List([]), Extend(Ref(1), [1]), Call(Ref(0), [Ref(1)]), Extend(Ref(1), [2])]
        made.append(List([Ref(1), Ref(2)]))

        assert build(in_order(Recipe(made, Ref(3))), Trust(EVERYTHING)) == [[1, 2], [1]]

    def test_a_circle_through_a_tuple(self):
        """What leads back to itself is made in an order in which each step refers to earlier ones."""
        made = [List([]), Tuple([Ref(0)]), Extend(Ref(0), [Ref(1)])]

        back = build(in_order(Recipe(made, Ref(1))), Trust(EVERYTHING))

        assert back[0][0] is back

    def test_depth_does_not_matter(self):
        """Ten thousand levels of lists, and of objects that lead to each other, are put in order."""
        deep, last = [], zoo.Node()
        graph = [deep, last]
        for _ in range(10_000):
            deep.append([])
            deep, last.next = deep[0], zoo.Node()
            last.next.previous, last = last, last.next
        recipe = freeze(graph)

        assert content(in_order(recipe)) == content(recipe)
        assert content(in_order(as_columns(recipe))) == content(recipe)

    @pytest.mark.timeout(100)
    def test_many_references_to_a_list_that_waits(self):
        """A list waits for one of its 60,000 items, and 60,000 lists refer to it meanwhile."""
        many = 60_000
        run = Run(List, many, ((Same(Ref(0), many),),))
        filled = Extend(Ref(0), [*[Ref(1)] * many, Ref(2 + many)])
        recipe = Recipe([List([]), List([]), run, List(Span(2, many)), filled], Ref(2 + many))

        assert in_order(recipe).size == many + 4

    @pytest.mark.timeout(100)
    def test_many_lists_that_wait_for_calls_in_calls(self):
        """20,000 lists are filled behind 5,000 calls, each an argument of the next one, and the first has the lists."""
        many, calls = 20_000, 5_000
        made = [Name("observed", "function"), Run(List, many, ((),)), List(Span(1, many))]
        made += [Call(Ref(0), [Ref(many + 1 + number)]) for number in range(calls)]
        made += [Extend(Ref(1 + number), [number]) for number in range(many)]
        recipe = Recipe(made, Ref(many + 1 + calls))

        ordered = in_order(recipe)

        assert [type(step) for step in ordered.steps[-many:]] == [Extend] * many
        assert ordered.size == recipe.size

    @pytest.mark.parametrize("kind", ["source", "xml"])
    @pytest.mark.parametrize("case", ["services", "records", "shop"])
    def test_conversions(self, case, kind):
        """The text that is made of a msgpack with runs is the one that a save of the objects gives."""
        root = MultiService()
        for number in range(20):
            service = Service()
            service.name, service.options = f"web-{number}", {"port": number, "tags": ["a", number]}
            service.setServiceParent(root)
        records = [{"id": number, "at": (number, 1.5), "of": None} for number in range(20)]
        made = {"services": root, "records": records, "shop": shop.make()}[case]
        with_runs = kind_named("msgpack").read(memoryview(appsnap.dumps(made, "msgpack"))).recipe

        assert with_runs.has_runs or case == "shop"
        texts = [b"".join(kind_named(kind).write(Header(kind), one, {})) for one in (with_runs, freeze(made))]
        assert texts[0] == texts[1]
