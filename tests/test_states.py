# ruff: noqa: D102 - classes as people write them
"""States of every shape, given to classes of every sort: own files and strangers', in all kinds."""

import sys
import typing

import pytest

from appsnap import EVERYTHING, CannotBuild, dumps, evolve, load, loads, save
from appsnap.kinds import KINDS

TRUST = [f"{__name__}.*"]


class Delegating:
    """It asks its attribute for everything else, so a recursion begins where there is no attribute yet."""

    def __init__(self):
        self.inner = {"a": 1}

    def __getattr__(self, name):
        return getattr(self.inner, name)


class ByKey:
    """It raises KeyError for a name that it doesn't know."""

    def __init__(self):
        self.fields = {"a": 1}

    def __getattr__(self, name):
        return self.__dict__["fields"][name]


class Obliging:
    """It has an answer for every name, `__setstate__` among them."""

    def __init__(self):
        self.a = 1

    def __getattr__(self, name):
        return lambda *args: None


class Watching:
    """It looks up each attribute itself."""

    def __init__(self):
        self.a = 1

    def __getattribute__(self, name):
        if name == "__setstate__":
            raise KeyError(name)
        return object.__getattribute__(self, name)


class Meta(type):
    def __getattr__(cls, name):
        if name == "__setstate__":
            return lambda *args: None
        raise AttributeError(name)


class OfMeta(metaclass=Meta):
    def __init__(self):
        self.a = 1


class InAnAttribute:
    """An attribute of the object has the name of the method."""

    def __init__(self):
        self.a = 1
        self.__dict__["__setstate__"] = 5


class ObligingSlots:
    """It has no `__dict__`, and asks for one."""

    __slots__ = ("a", "inner")

    def __init__(self):
        self.a = 1
        self.inner = Delegating()

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Answering:
    """Its reduction is a call, without a state."""

    def __init__(self, a=1):
        self.a = a

    def __getattr__(self, name):
        raise KeyError(name)

    def __reduce__(self):
        return Answering, (self.a,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [(*TRUST, f"call:{__name__}.Answering"), EVERYTHING])
class TestSpecialMethodsAreThoseOfTheClass:
    @pytest.mark.parametrize("cls", [Delegating, ByKey, Obliging, Watching, OfMeta, ObligingSlots, Answering])
    def test_comes_back(self, kind, trust, cls):
        """A `__getattr__` is never asked for a special method, neither by a save nor by a load."""
        one, other, found = loads(dumps([cls(), cls(), cls], kind), trust=trust)

        assert found is type(one) is type(other) is cls
        if cls in (Delegating, ByKey):
            assert one.__dict__ == cls().__dict__
        else:
            assert object.__getattribute__(one, "a") == 1

    def test_built_by_the_c_unpickler(self, kind, trust, monkeypatch):
        """A pickle of these classes isn't built step by step."""
        if kind != "pickle" or trust is not EVERYTHING:
            pytest.skip("the others are always built from steps")
        data = dumps([Delegating(), ByKey(), Obliging(), Answering(), OfMeta()], kind)
        monkeypatch.setattr("appsnap.recipe.build.build", None)

        assert loads(data, trust=trust)[1].a == 1


def test_attribute_with_the_name_of_a_special_method():
    """The object itself is never asked."""
    for kind in KINDS:
        back = loads(dumps(InAnAttribute(), kind), trust=EVERYTHING)

        assert back.__dict__ == {"a": 1, "__setstate__": 5}


class Maker(ByKey):
    """Its objects make others, and have no name."""

    def __call__(self, number):
        return Made(number)


MAKER = Maker()


class Made:
    def __init__(self, number):
        self.number = number

    def __reduce__(self):
        return MAKER, (self.number,)

    def __eq__(self, other):
        return self.number == other.number

    def __hash__(self):
        return self.number


@pytest.mark.parametrize("kind", KINDS)
def test_made_by_an_object_without_a_name(kind):
    """An object that makes others isn't asked for its name either."""
    made = [Made(1), {Made(2), Made(3)}]

    assert loads(dumps(made, kind), trust=EVERYTHING) == made


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_root(tmp_path, kind):
    """The object that is saved may have an answer for no name, and may have a name that is no text."""
    for obj in (ByKey(), Obliging()):
        save(obj, tmp_path / "s", kind=kind)

        assert load(tmp_path / "s").__dict__ == obj.__dict__


class Plain:
    pass


class Base:
    pass


def classes(name, body):
    """Put a class under this name into this module."""
    cls = type(name, body.pop("bases", ()), {"__module__": __name__, **body})
    globals()[name] = cls
    return cls


def refuse(self, name, value):
    raise AttributeError(f"{name} can't be set")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
class TestSlots:
    @pytest.mark.parametrize(
        "body",
        [
            {"__slots__": ("n", "name")},
            {"__slots__": ("n", "name"), "__setattr__": refuse},
            {"__slots__": ("n", "name"), "bases": (Base,)},
            {"__slots__": ("n", "name", "__dict__")},
            {"__slots__": ("n",), "bases": (Base,)},
        ],
    )
    def test_added(self, kind, trust, body):
        """Attributes of an old file go into the slots that the class has today."""
        old = classes("Changing", {})
        obj = old()
        obj.n, obj.name = 1, "x"
        data = dumps([obj, obj], kind)
        new = classes("Changing", dict(body))

        back, other = loads(data, trust=trust)

        assert type(back) is new
        assert back is other
        assert (back.n, back.name) == (1, "x")
        again, _ = loads(dumps([back, back], kind), trust=trust)
        assert (again.n, again.name) == (1, "x")

    def test_taken_away(self, kind, trust):
        """Slots of an old file become attributes."""
        old = classes("Changing", {"__slots__": ("n", "name")})
        obj = old()
        obj.n, obj.name = 1, "x"
        data = dumps(obj, kind)
        classes("Changing", {})

        assert loads(data, trust=trust).__dict__ == {"n": 1, "name": "x"}

    def test_frozen(self, kind, trust):
        """A class that refuses each assignment gets its slots all the same."""
        cls = classes("Changing", {"__slots__": ("n",), "__setattr__": refuse})
        obj = cls()
        object.__setattr__(obj, "n", 1)

        assert loads(dumps(obj, kind), trust=trust).n == 1


class Described:
    """Its subclasses hide a slot of it."""

    __slots__ = ("label", "name")


class Asking(Described):
    """It keeps its value in the slot, and answers with more."""

    __slots__ = ()

    @property
    def label(self):
        return f"a {Described.label.__get__(self)}"

    @label.setter
    def label(self, value):
        raise TypeError(f"no load gives it {value}")


class Computing(Described):
    """It leaves the slot empty."""

    @property
    def label(self):
        raise TypeError("no save asks for it")


class Storing(Described):
    """It keeps its value in an attribute of the same name."""

    @property
    def label(self):
        return self.__dict__["label"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [TRUST, EVERYTHING])
def test_hidden_slots(kind, trust):
    """A slot behind a property is saved and restored as it is, and the property isn't asked."""
    asking, computing, storing = Asking(), Computing(), Storing()
    Described.label.__set__(asking, "number")
    storing.__dict__["label"] = "text"
    for one in (asking, computing, storing):
        one.name = "n"

    back = loads(dumps([asking, computing, storing], kind), trust=trust)

    assert [one.name for one in back] == ["n", "n", "n"]
    assert (back[0].label, back[1].__dict__, back[2].label) == ("a number", {}, "text")


class NoState:
    """A class that refuses each state."""

    __setstate__ = None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [EVERYTHING, [f"{__name__}.NoState"]], ids=["everything", "names"])
def test_no_setstate(kind, trust):
    """A `__setstate__` that is None refuses a state, as it does for pickle."""
    obj = NoState()
    obj.a = 1

    with pytest.raises(CannotBuild, match="__setstate__ of NoState is None"):
        loads(dumps(obj, kind), trust=trust)


class Open(dict):
    """A dictionary whose items are its attributes."""

    def __init__(self, **items):
        super().__init__(items)
        self.__dict__ = self


class Own(Open):
    """It has a protocol of its own."""

    def __reduce__(self):
        return Own, (), None, None, iter(sorted(self.items()))


SETTINGS = Open(a=1)


@pytest.mark.parametrize("kind", KINDS)
class TestChosenDict:
    def test_known(self, kind, monkeypatch):
        """A known object goes by its name, whatever its `__dict__` is."""
        monkeypatch.setattr(evolve, "_registered", {})
        evolve.known(SETTINGS, __name__, "SETTINGS")

        assert loads(dumps([SETTINGS], kind), trust=EVERYTHING)[0] is SETTINGS

    def test_own_protocol(self, kind):
        """A class with a `__reduce__` of its own is taken apart by that."""
        back = loads(dumps(Own(b=2, a=1), kind), trust=EVERYTHING)

        assert (type(back), list(back.items())) == (Own, [("a", 1), ("b", 2)])
        assert vars(back) is back


class Attributes:
    """Has any attributes, as its first version had."""


class InSlots:
    """The next version: the same attributes, in slots."""

    __slots__ = ("first", "second")


class InOneSlot:
    """Has a place for one of them."""

    __slots__ = ("first",)


class Computed:
    """Computes one of them, and notes each that is set."""

    __slots__ = ("_first",)
    set_by_file: typing.ClassVar[list] = []

    @property
    def first(self):
        return self._first

    @first.setter
    def first(self, value):
        self.set_by_file.append(value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("everything", [False, True])
class TestNewSlots:
    @pytest.fixture
    def load(self, kind, everything, monkeypatch):
        """Return a function that saves attributes of an object, and loads them with the next version of the class."""

        def load(cls, **attributes):
            obj = Attributes()
            vars(obj).update(attributes)
            data = dumps({"it": obj}, kind)
            monkeypatch.setattr(sys.modules[__name__], "Attributes", cls)
            return loads(data, trust=EVERYTHING if everything else [f"{__name__}.Attributes"])["it"]

        return load

    def test_take_the_attributes(self, load):
        """Attributes go into the slots that the class has got since."""
        made = load(InSlots, first=1, second=[2])

        assert (type(made), made.first, made.second) == (InSlots, 1, [2])

    def test_that_are_missing(self, load):
        """An attribute without a place is an error that says where."""
        with pytest.raises(CannotBuild, match=r"""object\["it"\].*'second'"""):
            load(InOneSlot, first=1, second=2)

    def test_that_became_properties(self, load):
        """No property is set: that would run code."""
        with pytest.raises(CannotBuild, match=r"""object\["it"\].*no slot 'first' any more, but a property"""):
            load(Computed, first=1)

        assert Computed.set_by_file == []
