from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, count_services, counts_in_words
from appsnap.recipe.steps import List, Name, Recipe, Ref
from appsnap.service import Application, MultiService, Service


def application(count):
    root = Application("a")
    inner = MultiService()
    inner.setServiceParent(root)
    for _ in range(count):
        Service().setServiceParent(inner)
    return Outline(freeze(root))


class TestServices:
    def test_all_levels(self):
        """Services are counted on all levels."""
        assert count_services(application(3)) == 4

    def test_no_collection(self):
        """A list has no services, and a number neither."""
        assert count_services(Outline(freeze([1]))) is None
        assert count_services(Outline(freeze(5))) is None

    def test_few_nodes(self):
        """Only collections of services become nodes."""
        outline = application(1_000)

        count_services(outline)

        assert len(outline.nodes._known) < 10


class TestWords:
    def test_application(self):
        """An application has services."""
        assert counts_in_words(application(3), 1234) == (
            "4 services, 10 objects, 1,234 steps, 3 names: appsnap.service.Application, appsnap.service.MultiService, "
            "appsnap.service.Service"
        )

    def test_many_names(self):
        """The first five names are listed, shortened and quoted where they could pass for words of ours."""
        recipe = Recipe([*(Name("m", f"C{number}") for number in range(12)), List([Ref(0)])], Ref(12))
        long = Recipe([Name("m", "x" * 900), Name("m", "a b, c"), List([Ref(0)])], Ref(2))

        assert counts_in_words(Outline(recipe), 13) == (
            "13 objects, 13 steps, 12 names: m.C0, m.C1, m.C2, m.C3, m.C4, …"
        )
        assert len(counts_in_words(Outline(long), 3)) < 130
        assert counts_in_words(Outline(long), 3).endswith('"m.a b, c"')
