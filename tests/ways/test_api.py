"""The registry of ways, as users see it."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import appsnap
from appsnap import EVERYTHING, CannotLoad, NotTrusted, dumps, loads
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.steps import Call, Name, Recipe, Ref

LAMPS = Path(__file__).parents[2] / "fixtures" / "lamps"

pytestmark = pytest.mark.usefixtures("registry")


class Lamp:
    """A class that refuses pickle."""

    def __init__(self, color, size=1):
        self.color = color
        self.size = size

    def __reduce__(self):
        raise TypeError("a lamp isn't pickled")


LAMP = Lamp("red")
"""A lamp that the module holds, and that an application sets up."""


def find_lamp():
    """Return that lamp."""
    return LAMP


class Candle(Lamp):
    """A subclass."""


class Slotted:
    """A class whose objects have slots, and no pickle."""

    __slots__ = ("__private", "empty", "left")

    def __new__(cls, private):
        """Want an argument."""
        return super().__new__(cls)

    def __init__(self, private):
        self.__private = private
        self.left = "gone"

    @property
    def private(self):
        """Return the private slot."""
        return self.__private

    def __getstate__(self):
        raise TypeError("no state")

    def __setstate__(self, state):
        raise TypeError("no state")


class Half(Slotted):
    """A subclass whose objects have a `__dict__` too."""


class Box(dict):
    """A dictionary with attributes."""

    def __reduce__(self):
        raise TypeError("no reduction")


class Row(list):
    """A list with attributes."""

    def __reduce__(self):
        raise TypeError("no reduction")


class Number(int):
    """A number."""


class Meta(type):
    """A metaclass."""


class Registered(metaclass=Meta):
    """A class of it."""


CLASSES = {"registered": Registered}


def lamp(color, *, size):
    """Return a lamp."""
    return Lamp(color, size)


def way(obj):
    """Return the reduction of a lamp."""
    return appsnap.call(lamp, obj.color, size=obj.size)


def class_of(name):
    """Return a class by the name that the registry has for it."""
    return CLASSES[name]


def restored(obj, kind="msgpack"):
    """Save and load an object."""
    return loads(dumps([obj], kind=kind), trust=EVERYTHING)[0]


class TestSaves:
    """`saves`."""

    @pytest.mark.parametrize("cls", [Lamp, f"{__name__}.Lamp"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_way(self, cls, kind):
        """A class and its dotted name are the same to it, in every kind."""
        appsnap.saves(cls)(way)

        found = restored(Lamp("red", 3), kind)

        assert (found.color, found.size) == ("red", 3)

    @pytest.mark.parametrize("kind", KINDS)
    def test_found(self, kind):
        """A way may find an object that is there already, and give it the saved attributes."""

        @appsnap.saves(Lamp)
        def _(lamp):
            return find_lamp, (), dict(vars(lamp))

        LAMP.owner = shop = {"lamp": LAMP, "n": 1}
        data = dumps(shop, kind=kind)
        del LAMP.owner

        back = loads(data, trust=EVERYTHING)

        assert back["lamp"] is LAMP
        assert LAMP.owner is back

    def test_later(self):
        """A way that is registered after a save counts in the next one."""
        with pytest.raises(appsnap.CannotSave, match="a lamp isn't pickled"):
            dumps([Lamp("red")])

        appsnap.saves(Lamp)(way)

        assert restored(Lamp("red")).color == "red"

    def test_subclasses(self):
        """A way is for exactly its class, unless it says otherwise. The nearest class has the first say."""
        appsnap.saves(Lamp)(way)
        with pytest.raises(appsnap.CannotSave):
            dumps([Candle("red")])

        appsnap.saves(Candle, subclasses=True)(lambda obj: (Candle, (obj.color.upper(),)))

        assert restored(type("Tea", (Candle,), {})("red")).color == "RED"
        assert restored(Lamp("red")).color == "red"

    def test_left(self):
        """Objects for which it returns NotImplemented are saved as if there were no way."""
        appsnap.saves(Registered)(lambda obj: NotImplemented)
        obj = Registered()
        obj.name = "any"

        assert restored(obj).name == "any"

    def test_metaclass(self):
        """The classes of a metaclass may have a way."""
        appsnap.saves(Meta)(lambda cls: (class_of, (cls.__name__.lower(),)))

        assert restored(Registered) is Registered
        assert "class_of" in dumps([Registered], kind="source").decode()

    def test_refused(self):
        """The error has the path, the type, and the reason and advice of the way."""

        @appsnap.saves(Lamp)
        def _(obj):
            raise appsnap.Refused("a lamp that is on", "switch it off before the save")

        with pytest.raises(appsnap.CannotSave) as caught:
            dumps({"lamp": Lamp("red")})

        assert str(caught.value).endswith(
            f'["lamp"] ({__name__}.Lamp): a lamp that is on; switch it off before the save'
        )

    def test_raises(self):
        """So has the error of a way that fails. It has the place of the way, too."""
        appsnap.saves(Lamp)(lambda obj: obj.watts)

        with pytest.raises(appsnap.CannotSave) as caught:
            dumps({"lamp": Lamp("red")})

        message = str(caught.value)
        assert f'["lamp"] ({__name__}.Lamp): ' in message
        way_at = f"its way to save in {__name__}, line {self.test_raises.__code__.co_firstlineno + 2}: "
        assert f"{way_at}AttributeError: 'Lamp' object has no attribute 'watts'; correct that way" in message

    def test_exits(self):
        """A way that ends the process is an error, too: nothing has been saved."""
        appsnap.saves(Lamp)(lambda _: sys.exit(0))

        with pytest.raises(appsnap.CannotSave, match=r"its way to save in .*: SystemExit: 0; correct that way"):
            dumps({"lamp": Lamp("red")})

    @pytest.mark.parametrize("found", [5, (), (1, 2), (lamp,)])
    def test_no_reduction(self, found):
        """Neither is anything else than a reduction taken."""
        appsnap.saves(Lamp)(lambda obj: found)

        with pytest.raises(appsnap.CannotSave, match=rf'\["lamp"\] \({__name__}.Lamp\)'):
            dumps({"lamp": Lamp("red")})

    def test_none(self):
        """A way without a return is named."""
        appsnap.saves(Lamp)(lambda obj: None)

        with pytest.raises(appsnap.CannotSave, match=rf"its way to save in {__name__}, line \d+ returned None"):
            dumps(Lamp("red"))

    def test_bare(self):
        """A decorator without its class is an error at once."""
        with pytest.raises(TypeError, match="a way is for a class"):

            @appsnap.saves
            def _(obj):
                return lamp, (obj.color,)

    def test_local_function(self):
        """A function that can't be imported goes with the file, as any other one."""
        appsnap.saves(Lamp)(lambda obj: (lambda color: Lamp(color, 7), (obj.color,)))

        assert restored(Lamp("red")).size == 7

    def test_moved(self, module):
        """The error of a function that is gone names it, and the way back."""
        made = module("lamp_shop", "def make(color): return color")
        appsnap.saves(Lamp)(lambda obj: (made.make, (obj.color,)))
        data = dumps({"lamp": Lamp("red")})
        del made.make

        with pytest.raises(appsnap.CannotBuild, match=r"lamp_shop.*make") as caught:
            loads(data, trust=EVERYTHING)

        assert "renamed" in caught.value.hint

    def test_twice(self, module):
        """A second way is an error that names both places. A module that runs again replaces its own."""
        text = f"import appsnap\n\n@appsnap.saves({__name__ + '.Lamp'!r})\ndef _(obj): return str, ()\n"
        module("first_ways", text)
        module("first_ways", f"\n{text}")

        with pytest.raises(ValueError, match=rf"{__name__}.Lamp has a way .* in first_ways, line 4, now in other_ways"):
            module("other_ways", text)

        with pytest.raises(ValueError, match="has a way"):
            appsnap.plain(Lamp)

    def test_names_alike(self):
        """Two classes of one name have a way each."""
        one, other = (type("Same", (), {}) for _ in range(2))
        appsnap.saves(one)(lambda obj: (str, ("one",)))
        appsnap.saves(other)(lambda obj: (str, ("other",)))

        assert [restored(one()), restored(other())] == ["one", "other"]

    @pytest.mark.parametrize("cls", [object, int, "builtins.str", list, dict, tuple, set, frozenset, bytes, type(None)])
    def test_never_asked(self, cls):
        """No way can be for values of the format itself."""
        with pytest.raises(ValueError, match="can't have a way"):
            appsnap.saves(cls)(way)

    @pytest.mark.parametrize(("cls", "error"), [("Lamp", ValueError), (lamp, TypeError), (Lamp("red"), TypeError)])
    def test_no_class(self, cls, error):
        """It takes a class or a dotted name."""
        with pytest.raises(error, match="dotted name"):
            appsnap.saves(cls)(way)

    def test_threads(self):
        """Threads that ask for the first time at once all get the public names."""
        code = (
            "import appsnap, threading\n"
            "found, barrier = [], threading.Barrier(8)\n"
            "def ask():\n"
            "    barrier.wait()\n"
            "    found.append([appsnap.saves, appsnap.plain, appsnap.transient, appsnap.by_name, appsnap.call])\n"
            "threads = [threading.Thread(target=ask) for _ in range(8)]\n"
            "[x.start() for x in threads]; [x.join() for x in threads]\n"
            "assert found == [found[0]] * 8, found\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=200)

    def test_family_by_threads(self, monkeypatch, tmp_path):
        """A family that is imported by one thread isn't passed over by another one."""
        (tmp_path / "slow_shop.py").write_text("class Slow:\n    def __reduce__(self): raise TypeError('no')\n")
        (tmp_path / "slow_ways.py").write_text(
            "import threading, appsnap\n"
            "threading.Event().wait(0.3)\n"
            "@appsnap.saves('slow_shop.Slow')\n"
            "def _(obj): return str, ('slow',)\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setitem(appsnap.recipe.values.ways.FAMILIES, "slow_shop", ("slow_ways",))
        import slow_shop

        found = []
        threads = [threading.Thread(target=lambda: found.append(restored(slow_shop.Slow()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == ["slow"] * 4


@pytest.mark.parametrize("kind", KINDS)
class TestPlain:
    """`plain`."""

    def test_attributes(self, kind):
        """Attributes and slots come back, whatever the class says, and those in `without` don't."""
        appsnap.plain(Slotted, without=["left"])
        obj = Half("private")
        obj.more = [obj]

        found = restored(obj, kind)

        assert (found.private, found.more) == ("private", [found])
        assert not hasattr(found, "left")
        assert not hasattr(found, "empty")

    def test_slots(self, kind):
        """An object without `__dict__` is one of them."""
        appsnap.plain(f"{__name__}.Slotted")

        found = restored(Slotted("private"), kind)

        assert (found.private, found.left) == ("private", "gone")

    def test_containers(self, kind):
        """Dictionaries and lists keep their items."""
        appsnap.plain(Box)
        appsnap.plain(Row)
        box, row = Box(one=1), Row([1, 2])
        box.row, row.box = row, box

        found = restored(box, kind)

        assert (dict(found), list(found.row)) == ({"one": 1}, [1, 2])
        assert found.row.box is found

    def test_no_attributes(self, kind):
        """An object may have none."""
        appsnap.plain(Lamp)

        assert restored(Lamp.__new__(Lamp), kind).__dict__ == {}

    def test_values(self, kind):
        """A number has a value that isn't an attribute."""
        appsnap.plain(Number)

        with pytest.raises(appsnap.CannotSave, match=r"it is a builtins.int, too; register a way with saves"):
            dumps([Number(3)], kind=kind)


def test_fill():
    """A file that may call `fill` can't change a module, a class or a function by it."""
    from appsnap.ways.objects import fill

    for target in (sys, Lamp, lamp):
        with pytest.raises(TypeError, match="isn't filled"):
            fill(target, {"name": 1})


class TestTransient:
    """`transient`."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_names(self, kind):
        """The attributes don't come back, those with a factory do, and subclasses have none either."""
        appsnap.plain(Lamp)
        appsnap.transient(Lamp, {"size": list, "color": None})

        found = restored(Candle("red", 3), kind)

        assert vars(found) == {"size": []}

    def test_added(self):
        """Names of two calls add up. A call after a save counts in the next one, by the name of the class as well."""
        appsnap.plain(Lamp)
        appsnap.transient(Lamp, ["size"])
        assert vars(restored(Lamp("red"))) == {"color": "red"}

        appsnap.transient(f"{__name__}.Lamp", "color")

        assert vars(restored(Lamp("red"))) == {}

    def test_old_file(self):
        """A file from before that has such an attribute loses it at the load."""
        appsnap.plain(Lamp)
        data = dumps([Lamp("red")], kind="pickle")

        appsnap.transient(Lamp, {"size": lambda: 7})

        assert vars(loads(data, trust=EVERYTHING)[0]) == {"color": "red", "size": 7}

    def test_wrong(self):
        """Names are texts."""
        with pytest.raises(TypeError, match="names of attributes are texts"):
            appsnap.transient(Lamp, [1])


class TestByName:
    """`by_name`."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_found(self, kind, module):
        """An object that any module holds is that very one, and its own module goes before those that import it."""
        shop = module("shop_keys", f"from {__name__} import Lamp\nclass Key:\n    pass\nKEY = Key(); LAMP = Lamp(1)")
        module("a_user", "from shop_keys import KEY, LAMP")
        appsnap.by_name("shop_keys.Key")
        appsnap.by_name(Lamp)

        data = dumps([shop.KEY, shop.LAMP], kind=kind)

        found = loads(data, trust=EVERYTHING)
        assert (found[0] is shop.KEY, found[1] is shop.LAMP) == (True, True)

    def test_in_class(self, module):
        """So is one that a class holds."""
        shop = module("shop_keys", "class Key:\n    pass\nclass Keys:\n    MAIN = Key()")
        appsnap.by_name("shop_keys.Key")

        assert restored(shop.Keys.MAIN) is shop.Keys.MAIN

    @pytest.mark.parametrize("kind", KINDS)
    def test_in_dictionary(self, kind, module):
        """So is one that only a dictionary of its library holds, by its key. A stranger's file needs the dictionary."""
        shop = module(
            "shop_keys",
            "class Key:\n    pass\nclass Keys(dict):\n    __getitem__ = None\n"
            "KEYS = Keys(main=Key())\nMAIN = [*KEYS.values()]",
        )
        module("other", "from shop_keys import MAIN\nMINE = {'a': MAIN[0]}")
        appsnap.by_name("shop_keys.Key")

        data = dumps(shop.MAIN * 2, kind=kind)

        assert [one is shop.MAIN[0] for one in loads(data, trust=EVERYTHING)] == [True, True]
        for trust in ([], ["shop_keys.*"], ["shop_keys.KEYS"], ["call:appsnap.ways.objects.item"]):
            with pytest.raises(NotTrusted):
                loads(data, trust=trust)
        trust = ["shop_keys.KEYS", "call:appsnap.ways.objects.item"]
        assert loads(data, trust=trust)[0] is shop.MAIN[0]

    @pytest.mark.parametrize("thing", ["eval", "exec", "Key", "sys", "make"])
    def test_code_in_dictionary(self, module, thing):
        """A key leads to no function, class or module, as that of a module's own builtins would."""
        module(
            "shop_keys", f"import sys\nclass Key:\n    def make(self): pass\nmake = Key().make\nKEYS = {{'a': {thing}}}"
        )
        steps = [Name("appsnap.ways.objects", "item"), Name("shop_keys", "KEYS"), Call(Ref(0), [Ref(1), "a"])]
        data = b"".join(kind_named("msgpack").write(Header("msgpack"), Recipe(steps, Ref(2)), {}, None))

        with pytest.raises(CannotLoad, match="is found by its own name alone"):
            loads(data, trust=["shop_keys.KEYS", "call:appsnap.ways.objects.item"])

    def test_gone_from_dictionary(self, module):
        """A key that a fresh process doesn't have is an error with the path and the key."""
        shop = module("shop_keys", "class Key:\n    pass\nKEYS = {'main': Key()}")
        appsnap.by_name("shop_keys.Key")
        data = dumps({"key": shop.KEYS["main"]})
        shop.KEYS.clear()

        with pytest.raises(CannotLoad, match=r"\[\"key\"\].*the dictionary has no 'main'"):
            loads(data, trust=EVERYTHING)

    def test_not_found(self, module):
        """Any other one is saved as usual, once for all that refer to it."""
        shop = module("shop_keys", "class Key:\n    pass\nclass Sub(Key):\n    pass")
        appsnap.by_name("shop_keys.Key")
        key = shop.Sub()
        key.name = "mine"

        first, second = restored([key, key])

        assert first is second
        assert first.name == "mine"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return a folder with the sample of a distribution, as pip installs it."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(LAMPS, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    flags = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, "--target", folder / "site", source], check=True, timeout=200
    )
    return folder / "site"


@pytest.mark.slow
class TestDistribution:
    """The entry-point group `appsnap.ways`."""

    def run(self, site, code):
        """Run a program where the distribution is installed."""
        code = f"import sys; sys.path.insert(0, {str(site)!r})\nimport appsnap\nfrom appsnap import EVERYTHING\n{code}"
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=200
        ).stdout

    @pytest.mark.parametrize("kind", KINDS)
    def test_found(self, site, kind, tmp_path):
        """The ways of a distribution are found at the first object of its package, both at the save and the load."""
        path = tmp_path / "lamps.snap"
        self.run(
            site,
            f"import lamps\nlamp = lamps.Lamp(lamps.WARM)\nlamp.number = 77\nassert 'lamps.ways' not in sys.modules\n"
            f"appsnap.save([lamp, lamps.Socket(lamp)], {str(path)!r}, kind={kind!r})",
        )
        out = self.run(
            site,
            f"lamp, socket = appsnap.load({str(path)!r}, trust=EVERYTHING)\nimport lamps\n"
            "print(lamp.number, lamp.color is lamps.WARM, socket.lamp is lamp, ''.join(socket.wire))",
        )

        assert out == "77 True True new wire\n"

    def test_broken(self, site):
        """An entry point that can't be imported is named in the error, with the advice."""
        out = self.run(
            site,
            "import candles\ntry: appsnap.dumps([candles.Candle()])\nexcept appsnap.CannotSave as error: print(error)",
        )

        assert (
            "[0] (candles.Candle): the entry point candles = lamps.no_such_module in the group appsnap.ways can't"
            in out
        )
        assert "ModuleNotFoundError" in out
        assert "mend or uninstall the distribution that announces it" in out


class Gauge:
    """An object with attributes that never enter a snapshot."""

    __transient__ = {"handle": list, "last": None}  # noqa: RUF012 - as users write it

    def __init__(self, name):
        self.name = name
        self.handle = [1]
        self.last = 5


def gauge(name):
    return Gauge(name)


@pytest.mark.parametrize("kind", KINDS)
def test_transient_attributes_of_a_class_with_a_way(kind):
    """They are left out of the state that a way returns, and made anew."""

    @appsnap.saves(Gauge)
    def _(obj):
        return gauge, (obj.name,), {**vars(obj), "note": "kept"}

    data = appsnap.dumps(Gauge("tea"), kind)
    back = appsnap.loads(data, trust=EVERYTHING)

    assert vars(back) == {"name": "tea", "handle": [], "note": "kept", "last": 5}
