import abc
import collections
import dataclasses
import functools
import io
import logging
import pickle
import sys
import types
import typing
import weakref

import cloudpickle
import pytest

import zoo
from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import cloudpickled, freeze
from appsnap.recipe.steps import Name

DECIDED = {
    *cloudpickled.DECIDED_OTHERWISE,
    *(classmethod, staticmethod, property, weakref.WeakSet, types.CellType, types.CodeType, types.MappingProxyType),
    *(type(view) for of in ({}, collections.OrderedDict()) for view in (of.keys(), of.values(), of.items())),
    *(logging.Logger, logging.RootLogger, types.GetSetDescriptorType, typing.TypeVar, dataclasses._FIELD_BASE),
    *(abc.abstractmethod, abc.abstractclassmethod, abc.abstractstaticmethod, abc.abstractproperty),
}


class TestTable:
    def test_everything_is_decided(self):
        """Somebody has decided about each type in cloudpickle's table: whether to take its entry, or another one."""
        assert cloudpickle.Pickler._dispatch_table.keys() - DECIDED == set()

    @pytest.mark.parametrize("cls", sorted(DECIDED - cloudpickled.DECIDED_OTHERWISE, key=repr))
    def test_is_taken(self, cls):
        """Each entry is there, in cloudpickle's form or in ours."""
        assert cloudpickled.reducer(cls) is not None

    def test_files_are_left_out(self):
        """The content of a file is never saved."""
        assert cloudpickled.reducer(io.TextIOWrapper) is None


@pytest.mark.parametrize("kind", KINDS)
class TestEntries:
    def came_back(self, obj, kind):
        """Return the copy of an object."""
        return loads(dumps(obj, kind), trust=EVERYTHING)

    def test_ordered_views(self, kind):
        """The views of an OrderedDict come back, in order."""
        ordered = collections.OrderedDict(b=1, a=2)

        keys, values, items = self.came_back([ordered.keys(), ordered.values(), ordered.items()], kind)

        assert [[*keys], [*values], [*items]] == [["b", "a"], [1, 2], [("b", 1), ("a", 2)]]
        assert type(keys) is type(ordered.keys())

    def test_sentinels(self, kind):
        """Sentinels of dataclasses are the ones of the process."""
        field_type = dataclasses.fields(zoo.Data)[0]._field_type
        sentinels = [dataclasses.MISSING, dataclasses.KW_ONLY, field_type]

        assert all(map(lambda one, other: one is other, self.came_back(sentinels, kind), sentinels))

    def test_abstract(self, kind):
        """Abstract methods and properties stay abstract."""
        made = [kind_of(zoo.function) for kind_of in (abc.abstractclassmethod, abc.abstractstaticmethod)]

        for back in self.came_back([*made, abc.abstractproperty(zoo.function)], kind):
            assert back.__isabstractmethod__

    def test_descriptors(self, kind):
        """A descriptor of a type is found by its name, or refused."""
        descriptor = types.FunctionType.__code__

        assert self.came_back([descriptor], kind) == [descriptor]
        with pytest.raises(TypeError, match="can't be reached by its name"):
            dumps([vars(zoo.Node)["__dict__"]], kind)

    def test_logger_apart(self, kind):
        """A logger outside of the registry becomes the one of its name."""
        apart = logging.Logger("apart.from.it")  # noqa: LOG001 - that is the point

        assert self.came_back([apart], kind) == [logging.getLogger("apart.from.it")]

    def test_type_parameters_by_name(self, kind):
        """Type variables and new types that can be imported go by their names."""
        sys.modules["zoo"].UserId = typing.NewType("UserId", int)
        zoo.UserId.__module__ = "zoo"
        try:
            assert self.came_back([typing.AnyStr, zoo.UserId], kind) == [typing.AnyStr, zoo.UserId]
            names = {step.dotted for step in freeze([typing.AnyStr, zoo.UserId]).steps if type(step) is Name}
            assert names == {"typing.AnyStr", "zoo.UserId"}
        finally:
            del zoo.UserId

    def test_type_parameters_by_value(self, kind):
        """Other type variables come back with all that they were given, and as one."""
        bound_co = typing.TypeVar("bound_co", bound=int, covariant=True)
        either = typing.TypeVar("either", int, str)

        for one in (bound_co, either, typing.ParamSpec("P"), typing.TypeVarTuple("Ts")):
            assert self.came_back([one, one], kind) == [one, one]

    def test_cached(self, kind):
        """A function with a cache comes back with an empty one. One that can be imported goes by its name."""

        @functools.lru_cache(maxsize=3, typed=True)
        def double(x):
            return 2 * x

        double(5)
        double.unit = "EUR"
        back = self.came_back(double, kind)

        assert back(2) == 4
        assert back.cache_parameters() == {"maxsize": 3, "typed": True}
        assert (back.cache_info().currsize, back.unit, back.__name__) == (1, "EUR", "double")
        assert self.came_back([functools._c3_merge, typing._GenericAlias], kind)


class TestNames:
    def test_scripts(self):
        """The names of a script are refused."""
        for module in ("__main__", "__mp_main__", "<shop.tac>"):
            assert cloudpickled.is_script(module)
            with pytest.raises(pickle.PicklingError, match="no load can import"):
                cloudpickled.refuse_script(module, "thing")
        assert not cloudpickled.is_script("package.main")
