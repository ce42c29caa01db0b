import pytest

from appsnap.recipe.steps import Dict, Name, New, Recipe, Ref


@pytest.fixture
def deep():
    """Return a function that makes a recipe with long paths."""

    def make(levels, letters, bottom):
        """Return dictionaries in each other, each with an object of a class with a long name as its key."""
        steps = [*bottom, Name("m", letters * 990)]
        steps.append(New(Ref(len(steps) - 1), []))
        key, inner = Ref(len(steps) - 1), Ref(len(bottom) - 1)
        for _ in range(levels):
            steps.append(Dict([key], [inner]))
            inner = Ref(len(steps) - 1)
        return Recipe(steps, inner)

    return make
