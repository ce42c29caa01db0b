import sys
import types

import pytest

from appsnap import evolve
from appsnap.recipe.values import ways


@pytest.fixture
def registry(monkeypatch):
    """Forget the ways that a test registers."""
    monkeypatch.setattr(ways, "_ways", {package: [*known] for package, known in ways._ways.items()})
    monkeypatch.setattr(ways, "_imported", {*ways._imported})
    monkeypatch.setattr(evolve, "_transient", {**evolve._transient})
    yield
    evolve.transients.cache_clear()


@pytest.fixture
def module(monkeypatch):
    """Return a function that makes a module from its text."""

    def make(name, text):
        made = types.ModuleType(name)
        made.__spec__ = types.SimpleNamespace(name=name)
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(text, f"{name}.py", "exec"), vars(made))  # the module of a library
        return made

    return make
