"""A script that was edited: the state has its new classes and functions, and the old ones of those that are gone."""

import io
import itertools
import json
import os
import subprocess
import sys
import textwrap

import cloudpickle
import pytest

import appsnap
from appsnap import EVERYTHING, errors, kinds, open_snapshot, script
from appsnap.code import skeletons
from appsnap.recipe import steps
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.runs import Merged, Run, Same, Span
from appsnap.recipe.scripts import with_script
from appsnap.recipe.steps import Call, Dict, List, Name, New, Recipe, Ref, State, Tuple
from appsnap.recipe.trust import Trust, wants

OLD = """
import dataclasses
import enum
import functools

from appsnap.evolve import Versioned
from appsnap.internet import StreamServerService, TimerService
from appsnap.service import Application, Service

GREETING = "old"
MISSING = object()


class Color(enum.Enum):
    RED = 1
    OLD = 2


@dataclasses.dataclass
class Item:
    name: str
    color: Color = Color.RED

    def text(self):
        return f"{GREETING} {self.name} {self.color.name}"


class Order(Versioned):
    persistenceVersion = 1

    def __init__(self, total):
        self.total = total


class Gone:
    def text(self):
        return f"{GREETING} gone", Item("of gone").text()


class Outer:
    class Inner:
        def text(self):
            return "old inner"

    class Lost:
        def text(self):
            return f"{GREETING} lost"


def counted(function):
    def inner(*args):
        inner.count += 1
        return inner.count, function(*args)

    inner.count = 0
    return inner


def wrapped(function):
    @functools.wraps(function)
    def inner(*args):
        return "wrapped", function(*args)

    return inner


@counted
def tick(n=1):
    return f"old tick {n}"


@wrapped
def tock(n=1):
    return f"old tock {n}"


@functools.lru_cache
def cached():
    return f"{GREETING} cached"


@functools.singledispatch
def chosen(x=0):
    return f"{GREETING} chosen"


def moved():
    return f"{GREETING} moved"


def vanished():
    return f"{GREETING} vanished"


def adder():
    total = [0]

    def add(n=1):
        total[0] += n
        return GREETING, total[0]

    return add


class Shop(Service):
    def __init__(self):
        self.items = [Item("first"), Item("second", Color.OLD)]
        self.orders = [Order(1), Order(2)]
        self.others = {"gone": Gone(), "inner": Outer.Inner(), "lost": Outer.Lost()}
        self.functions = {
            "tick": tick,
            "tock": tock,
            "partial": functools.partial(tick, 5),
            "cached": cached,
            "moved": moved,
            "vanished": vanished,
            "add": adder(),
            "lambda": lambda: GREETING,
            "edited": lambda: "old",
            "work": self.work,
            "old_method": self.old_method,
            "made": self.made,
        }
        self.chosen = chosen
        self.mark = MISSING
        self.functions["tick"]()
        self.functions["add"](2)

    @classmethod
    def made(cls):
        return f"{GREETING} {cls.__name__}"

    def work(self):
        return f"old work on {len(self.items)} items", self.mark is MISSING

    def old_method(self):
        return f"{GREETING} old method", len(self.items)

    async def handle(self, reader, writer):
        writer.close()


application = Application("shop")
shop = Shop()
for service in (shop, TimerService(1, shop.work), TimerService(1, tick, 2), StreamServerService(shop.handle)):
    service.setServiceParent(application)
"""

EDITS = {
    '"""A line more."""\nimport dataclasses': "import dataclasses",
    'GREETING = "new"': 'GREETING = "old"',
    "    NEW = 3": "    OLD = 2",
    "Color.NEW": "Color.OLD",
    "    color: Color = Color.RED\n    price: int = 7": "    color: Color = Color.RED",
    "persistenceVersion = 2\n\n    def upgradeToVersion2(self):\n        self.tax = self.total * 10": (
        "persistenceVersion = 1"
    ),
    "class Other:": "class Gone:",
    "Other()": "Gone()",
    '"new inner"': '"old inner"',
    "class Found:": "class Lost:",
    "Outer.Found()": "Outer.Lost()",
    'f"new tick {n}"': 'f"old tick {n}"',
    'f"new tock {n}"': 'f"old tock {n}"',
    "from helpers import moved": 'def moved():\n    return f"{GREETING} moved"',
    "def disappeared():": "def vanished():",
    '"vanished": disappeared,': '"vanished": vanished,',
    'lambda: "new"': 'lambda: "old"',
    'f"new work on': 'f"old work on',
    "def new_method": "def old_method",
    "self.new_method": "self.old_method",
}
"""The edits: the new text of each old one."""

SAVE = """
import appsnap, sys
from appsnap import kinds, script
value, _ = script.run_module("shop.tac")
for kind in kinds.KINDS:
    appsnap.save(value, f"state-{kind}", kind=kind, verify=False)
"""

RESUME = """
import appsnap, json, sys
from appsnap import script
sys.path.append(".")
_, module = script.run_module("shop.tac")
file = sys.argv[1]
facts = []
for start in (1, 2):
    snapshot, gone = appsnap.open_snapshot(file).replacing(module)
    application = snapshot.build()
    shop, *services = application.services
    functions = {name: function() for name, function in shop.functions.items()}
    facts.append({
        "gone": sorted(gone),
        "classes": [type(shop) is module.Shop, *[type(item) is module.Item for item in shop.items]],
        "items": [(item.text(), item.price) for item in shop.items],
        "orders": [vars(order) for order in shop.orders],
        "others": {name: other.text() for name, other in shop.others.items()},
        "functions": functions,
        "same": [shop.functions[name] is getattr(module, name) for name in ("tock", "cached", "moved")],
        "chosen": shop.chosen is module.chosen,
        "globals": shop.functions["add"].__globals__ is vars(module),
        "timers": [services[0].call[0](), services[1].call[0] is shop.functions["tick"]],
        "handler": services[2].handler == shop.handle,
    })
    appsnap.save(application, file, kind=snapshot.kind)
print(json.dumps(facts))
"""


def child(folder, source, *arguments):
    """Run a program in a fresh interpreter, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with states of the old script, and the script as it was edited then."""
    folder = tmp_path_factory.mktemp("edited")
    (folder / "shop.tac").write_text(OLD)
    child(folder, SAVE)
    new = OLD
    for after, before in EDITS.items():
        assert before in new
        new = new.replace(before, after)
    (folder / "shop.tac").write_text(new)
    (folder / "helpers.py").write_text('def moved():\n    return "moved to helpers"\n')
    return folder


@pytest.fixture(scope="module", params=kinds.KINDS)
def starts(request, folder):
    """Return the facts about two starts in a row, the second one with the state that the first one saved."""
    return json.loads(child(folder, RESUME, f"state-{request.param}"))


class TestEdited:
    def test_instances(self, starts):
        """Objects have the classes of today, with the state that they had, also the nested ones."""
        for facts in starts:
            assert facts["classes"] == [True, True, True]
            assert facts["items"] == [["new first RED", 7], ["new second OLD", 7]]
            assert facts["others"]["inner"] == "new inner"

    def test_upgrades(self, starts):
        """The upgrades of a `Versioned` class run, once."""
        expected = [{"total": 1, "tax": 10}, {"total": 2, "tax": 20}]

        assert [facts["orders"] for facts in starts] == [expected, expected]

    def test_functions(self, starts):
        """Functions with a name are those of the script, also decorated ones, and one that has moved to a module."""
        for facts in starts:
            assert facts["same"] == [True, True, True]
            assert facts["chosen"] is True
            assert facts["functions"]["tock"] == ["wrapped", "new tock 1"]
            assert facts["functions"]["cached"] == "new cached"
            assert facts["functions"]["moved"] == "moved to helpers"
            assert facts["functions"]["work"] == ["new work on 2 items", True]
            assert facts["functions"]["made"] == "new Shop"

    def test_functions_without_a_name(self, starts):
        """Closures have the code of today, and their variables and attributes of before."""
        first, second = starts

        assert first["functions"]["tick"] == [2, "new tick 1"]
        assert first["functions"]["partial"] == [3, "new tick 5"]
        assert second["functions"]["tick"] == [4, "new tick 1"]
        assert first["functions"]["add"] == ["new", 3]
        assert second["functions"]["add"] == ["new", 4]
        assert first["globals"] is second["globals"] is True
        assert first["functions"]["lambda"] == "new"

    def test_calls_of_services(self, starts):
        """The functions of timers and servers are the same objects as elsewhere in the application."""
        for facts in starts:
            assert facts["timers"] == [["new work on 2 items", True], True]
            assert facts["handler"] is True

    def test_gone(self, starts):
        """The code of all that is gone is kept and named, each time; it uses the classes and functions of today."""
        line = next(at for at, line in enumerate(OLD.split("\n"), 1) if '"edited"' in line)
        edited = f"Shop.__init__.<locals>.<lambda>, line {line}"
        for facts in starts:
            assert facts["gone"] == sorted(["Color.OLD", "Gone", "Outer.Lost", "Shop.old_method", edited, "vanished"])
            assert facts["others"]["gone"] == ["old gone", "new of gone RED"]
            assert facts["others"]["lost"] == "old lost"
            assert facts["functions"]["vanished"] == "old vanished"
            assert facts["functions"]["old_method"] == ["old old method", 2]
            assert facts["functions"]["edited"] == "old"


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script as if the process had run no other, and returns its value and its module."""
    dropped = []

    def forget():
        for name in [name for name in sys.modules if name.startswith("<")]:
            dropped.append(sys.modules.pop(name))
            cloudpickle.unregister_pickle_by_value(dropped[-1])

    def run(source, name="shop.tac", variable="obj", *, fresh=True):
        if fresh:
            forget()
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return script.run_module(path, variable)

    forget()
    yield run
    forget()


def renewed(recipe, module):
    """Return the object of a recipe with a script, built as in a fresh process, and what is gone."""
    new, gone = with_script(recipe, module)
    skeletons._alive.clear()
    return build(new, Trust(EVERYTHING)), gone


WEB = """
    class Web:
        port = 80

        def name(self):
            return "old"

    obj = Web()
"""


class TestWithScript:
    def test_nothing_is_left(self, run):
        """Where all has a name, the recipe carries no code any more."""
        recipe = freeze(run(WEB)[0])

        new, gone = with_script(recipe, run(WEB)[1])

        assert new == Recipe([Name("<shop.tac>", "Web"), New(Ref(0), ())], Ref(1))
        assert gone == []

    def test_other_recipes(self, run):
        """A recipe without code, or with that of another script, is returned as it is."""
        _, module = run(WEB)
        for recipe in (freeze([1]), freeze(run(WEB, "other.tac")[0])):
            assert with_script(recipe, module) == (recipe, [])

    def test_of_the_same_name(self, run):
        """A script that was moved is known by its name, but not where the code of its file is there, too."""
        there, _ = run(WEB.replace('"old"', '"there"'), "there/shop.tac")
        moved = freeze(there)
        here, _ = run(WEB, fresh=False)
        both = freeze([here, there])
        _, module = run(WEB.replace('"old"', '"new"'))

        assert renewed(moved, module)[0].name() == "new"
        assert [one.name() for one in renewed(both, module)[0]] == ["new", "there"]

    def test_runs(self, run):
        """Runs stay runs: those of objects, and those with classes and methods in their columns."""
        recipe = freeze(run(WEB)[0])
        made = [*recipe.steps]
        ref = Ref(sum(type(step) in steps.MAKERS for step in made))
        cls = next(step.cls for step in made if isinstance(step, New))
        first = Ref(ref)
        merged = Merged(bytes([0, 1] * 10), [Same(cls, 10), Span(first, 10)])
        made += [
            Run(New, 20, (cls, (), ())),
            Run(State, 20, (first, ("port",), ([*range(20)],))),
            Run(Tuple, 20, ((Span(first, 20), Same(cls, 20)),)),
            Run(Dict, 20, (("a", "b"), (merged, [cls, 5] * 10))),
            List(Span(first, 60)),
        ]
        _, module = run(WEB.replace('"old"', '"new"'))

        new, _ = with_script(Recipe(made, Ref(ref + 60)), module)

        assert [step.step for step in new.compact if isinstance(step, Run)] == [New, State, Tuple, Dict]
        assert type(new.compact[-1].items) is Span
        objects = build(new, Trust(EVERYTHING))
        web = module.Web
        assert [(one.name(), one.port) for one in objects[:20]] == [("new", at) for at in range(20)]
        assert objects[20:40] == [(one, web) for one in objects[:20]]
        assert [one["a"] for one in objects[40:]] == [x for one in objects[:10] for x in (web, one)]
        assert [one["b"] for one in objects[40:]] == [web, 5] * 10

    def test_runs_of_code(self, run):
        """Code that is made in a run is found as well."""
        source = "def make():\n    def inner(): return 'old'\n    return inner\nobj = [make() for _ in range(9)]\n"
        made = freeze(run(source)[0])
        assert not made.has_runs
        function = next(step for step in made.steps if isinstance(step, Call) and len(step.args) == 2)
        start = [*itertools.takewhile(lambda step: step != function, made.steps)]
        count = sum(type(step) in steps.MAKERS for step in start)
        code, owner = function.args
        start += [Run(Call, 9, (function.function, (Same(code, 9), Same(owner, 9)))), List(Span(count, 9))]
        _, module = run(source.replace("old", "new"))

        new, gone = renewed(Recipe(start, Ref(count + 9)), module)

        assert [one() for one in new] == ["new"] * 9
        assert gone == []

    @pytest.mark.parametrize("items", ["Web", "kept", "both"])
    def test_columns(self, run, items):
        """Columns of classes and of bound methods lead to those of today."""
        source = WEB + (
            "    def kept(): return Web\n"
            "    both = [Web, kept] * 10\n"
            f"    obj = [{{'a': {items}, 'b': [{items}], 'c': one.name}} for one in [Web() for _ in range(20)]]\n"
        )
        recipe = freeze(run(source)[0], runs=True)
        _, module = run(source)

        made, _ = renewed(recipe, module)

        wanted = getattr(module, items)
        assert [one["a"] for one in made] == [wanted] * 20
        assert [one["b"] for one in made] == [[wanted]] * 20
        assert {type(one["c"].__self__) for one in made} == {module.Web}

    def test_versions_of_a_second_run(self, run):
        """The saved version is found although the script had another number when it was run."""
        source = """
            from appsnap.evolve import Versioned

            class Web(Versioned):
                persistenceVersion = 1

            obj = [Web() for _ in range(20)]
        """
        run(source, "shop.tac")
        obj, _ = run(source, "shop.tac", fresh=False)
        assert type(obj[0]).__module__ == "<shop.tac 2>"
        recipes = [freeze(obj, runs=runs) for runs in (False, True)]
        new = source.replace("= 1", "= 2\n    " + " " * 12 + "def upgradeToVersion2(self): self.new = True")
        _, module = run(new)

        for recipe in recipes:
            made, _ = renewed(recipe, module)
            assert {type(one) for one in made} == {module.Web}
            assert [vars(one) for one in made] == [{"new": True}] * 20

    @pytest.mark.parametrize(
        "source",
        [
            "import collections\nRow = collections.namedtuple('Row', 'a b')\nobj = Row(1, 2)",
            "Row = type('Row', (), {'__module__': __name__})\nobj = Row()\nobj.a = 1",
            "import enum\nRow = enum.Enum('Row', 'A B')\nobj = Row.B",
            "import typing\nclass Row(typing.NamedTuple):\n    a: int = 1\nobj = Row()",
            "import enum\nclass Row(enum.Flag):\n    A = 1\n    B = 2\nobj = Row.A | Row.B",
        ],
        ids=["namedtuple", "type", "enum", "NamedTuple", "flags"],
    )
    def test_classes_of_all_sorts(self, run, source):
        """Classes without a text have names, too."""
        recipe = freeze(run(source)[0])
        obj, module = run(source)

        made, gone = renewed(recipe, module)

        assert type(made) is module.Row
        assert gone == []
        assert made == obj or vars(made) == vars(obj)

    def test_renamed(self, run):
        """An old name may stand for the new class in the script, and so may `renamed`."""
        recipe = freeze(run(WEB)[0])
        new = WEB.replace("Web", "Site").replace("old", "new")

        for more in ("    Web = Site", "    from appsnap.evolve import renamed; renamed(__name__ + '.Web', Site)"):
            _, module = run(f"{new}\n{more}\n")
            made, gone = renewed(recipe, module)
            assert type(made) is module.Site
            assert gone == []
            appsnap.evolve._successors.clear()

    def test_class_that_is_none_any_more(self, run):
        """A function makes no objects: the old class is kept."""
        recipe = freeze(run(WEB)[0])
        _, module = run("def Web(): pass\nobj = Web")

        made, gone = renewed(recipe, module)

        assert made.name() == "old"
        assert gone == ["Web"]

    def test_local_classes(self, run):
        """A class within a function keeps its code. It is named once its lines have changed."""
        source = """
            def make():
                class Local:
                    def name(self):
                        return other()

                return Local

            def other():
                return "old"

            obj = make()()
        """
        recipe = freeze(run(source)[0])
        _, module = run("#\n" + textwrap.dedent(source).replace('"old"', '"new"'))
        assert (renewed(recipe, module)[0].name(), renewed(recipe, module)[1]) == ("new", [])

        _, module = run(source.replace("return other()", "return 5"))
        made, gone = renewed(recipe, module)

        assert made.name() == "old"
        assert gone == ["make.<locals>.Local, line 3"]

    @pytest.mark.parametrize(
        ("old", "new", "result", "gone"),
        [
            ("def inner(): return a", "def inner(): return a + 1", 3, []),
            ("def inner(): return a", "def inner(): return 7", 7, []),
            ("def inner(): return a", "def inner(): return a + b", 2, ["make.<locals>.inner, line 3"]),
            ("def inner(): return a", "def other(): pass", 2, ["make.<locals>.inner, line 3"]),
            ("inner = lambda: a", "inner = lambda: a", 2, []),
            ("inner = lambda: a", "inner = lambda: a; other = 1", 2, ["make.<locals>.<lambda>, line 3"]),
            ("inner, other = lambda: a, lambda: 5", "inner, other = lambda: a, lambda: 5", 2, []),
        ],
    )
    def test_places(self, run, old, new, result, gone):
        """A closure gets the code of its name, if that needs no other variables. A lambda stands in the same line."""
        source = "def make():\n    a, b = 2, 3\n    {}\n    return inner\nobj = make()\n"
        recipe = freeze(run(source.format(old))[0])
        _, module = run(source.format(new).replace("return inner", "return locals().get('inner')"))

        made, missing = renewed(recipe, module)

        assert (made(), missing) == (result, gone)

    def test_foreign_pickles(self, run):
        """Classes and functions that cloudpickle saved by value have the names of today."""
        source = WEB + "    def make(): return 'old'\n    obj = [Web(), make]\n"
        data = cloudpickle.dumps(run(source)[0])
        _, module = run(source.replace("old", "new"))

        snapshot, gone = open_snapshot(io.BytesIO(data)).replacing(module)

        made = snapshot.build(EVERYTHING)
        assert (made[0].name(), made[1]()) == ("new", "new")
        assert gone == []
        assert not any(want.carries_code for want in snapshot.names)

    @pytest.mark.parametrize("count", range(9))
    @pytest.mark.parametrize(
        "name",
        [
            *("appsnap.code.class_", "appsnap.code.function", "appsnap.code.names", "appsnap.code.module"),
            *("appsnap.code.compiled", "appsnap.code.skeletons.skeleton", "appsnap.code.skeletons.row"),
            *("appsnap.code.skeletons.cached", "appsnap.code.skeletons.dispatching"),
            *("cloudpickle.cloudpickle._make_function", "cloudpickle.cloudpickle._make_skeleton_enum"),
        ],
    )
    def test_malformed(self, run, name, count):
        """Calls that nobody would write are left as they are."""
        _, module = run(WEB)
        above, _, last = name.rpartition(".")
        made = [
            Name("appsnap.code", "module"),
            Call(Ref(0), ["<shop.tac>", module.__file__, None]),
            Dict([], []),
            Name(above, last),
        ]
        for args in (
            [Ref(1)] * count,
            [Ref(2)] * count,
            [5, "a", None, b"", 1.5, Ref(2), Ref(1), Ref(0), Ref(3)][:count],
        ):
            recipe = Recipe([*made, Call(Ref(3), args)], Ref(4))
            new, _ = with_script(recipe, module)
            assert new.steps[-1] == recipe.steps[-1] or any(step == Name("<shop.tac>", "Web") for step in new.steps)

    def test_of_no_known_use(self, run):
        """Calls whose results nobody uses stay, in their order."""
        obj, _ = run(WEB)
        recipe = freeze(obj)
        made = recipe.size
        registers = sum(type(step) in steps.MAKERS for step in recipe.steps)
        more = [Name("builtins", "print"), Call(Ref(registers), ["hello"])]
        _, module = run(WEB)

        new, _ = with_script(Recipe([*recipe.steps, *more], recipe.root), module)

        assert made > new.size
        assert [step for step in new.steps if isinstance(step, Call)] == [Call(Ref(2), ["hello"])]


class TestSnapshot:
    def test_trust(self, run):
        """The names of a script need trust as others do, and can be trusted one by one."""
        data = appsnap.dumps(run(WEB)[0])
        _, module = run(WEB)
        snapshot, _ = open_snapshot(io.BytesIO(data)).replacing(module)

        with pytest.raises(errors.NotTrusted) as caught:
            snapshot.build()

        assert [want.grant for want in caught.value.wants] == ["<shop.tac>.Web"]
        assert [want.grant for want in wants(snapshot.document.recipe)] == ["<shop.tac>.Web"]
        assert type(snapshot.build(["<shop.tac>.Web"])) is module.Web

    def test_of_another(self, run):
        """A snapshot that has nothing of the script is returned itself."""
        _, module = run(WEB)
        snapshot = open_snapshot(io.BytesIO(appsnap.dumps([1])))

        assert snapshot.replacing(module) == (snapshot, [])

    def test_signed(self, run, tmp_path):
        """A snapshot of one's own is trusted as a whole, also with the code of today, until that is taken away."""
        obj, _ = run(WEB)
        path = tmp_path / "state.tap"
        appsnap.save(obj, path)
        _, module = run(WEB)

        snapshot, _ = open_snapshot(os.fspath(path)).replacing(module)

        assert type(snapshot.build()) is module.Web
        with pytest.raises(errors.NotTrusted):
            snapshot.as_strangers().build()
