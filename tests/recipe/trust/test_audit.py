import copyreg
import logging
import os
import pickle
import subprocess
import sys
import types

import pytest

import zoo
from appsnap import EVERYTHING, dumps, loads
from appsnap.errors import CannotBuild, CannotLoad, NotTrusted
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.steps import (
    Add,
    Call,
    Dict,
    Extend,
    FrozenSet,
    List,
    Member,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
)
from appsnap.recipe.trust import Grant, Trust, audit, wants

NODE = Name("zoo", "Node")


def refused(steps, trust=(), root=None, error=NotTrusted):
    recipe = Recipe(steps, Ref(len(steps) - 1) if root is None else root)
    with pytest.raises(error) as caught:
        build(recipe, Trust(trust))
    return caught.value


def accepted(steps, trust=(), root=None):
    return build(Recipe(steps, Ref(len(steps) - 1) if root is None else root), Trust(trust))


def wanted(error):
    return [(want.name, want.use) for want in error.wants]


class TestGrants:
    @pytest.mark.parametrize(
        "text", ["", "*", ".*", "a b", "shop.*.Web", "a..b", "call:", "call:a.*", "a.*b", "<locals>.f", "a-b"]
    )
    def test_of_no_form(self, text):
        """What is no name to trust is a mistake of the caller."""
        with pytest.raises(ValueError, match="is no name to trust"):
            Trust([text])

    def test_one_text(self):
        """One text is not a list of letters."""
        with pytest.raises(TypeError):
            Trust("zoo.Node")

    @pytest.mark.parametrize("trust", [["zoo.Node"], ["zoo.*"], EVERYTHING])
    def test_create(self, trust):
        """A class is trusted by its name, by its package, or with everything."""
        back = accepted([NODE, New(Ref(0), []), State(Ref(1), ["x"], [5])], trust, Ref(1))

        assert type(back) is zoo.Node
        assert back.x == 5

    @pytest.mark.parametrize(
        "trust",
        [
            [],
            ["zoo"],
            ["zoo.Nod"],
            ["zoo.Node.x"],
            ["zoo.Node.*"],
            ["zo.*"],
            ["zoo.zoo.*"],
            ["call:zoo.Node"],
            ["Node"],
            ["ZOO.Node"],
        ],
    )
    def test_other_names(self, trust):
        """Nothing but the exact name or its package will do."""
        assert wanted(refused([NODE, New(Ref(0), [])], trust)) == [("zoo.Node", "create")]

    def test_call(self):
        """A call must be trusted as a call; and that is no trust to refer to the function."""
        steps = [Name("zoo", "function"), Call(Ref(0), [5])]

        assert accepted(steps, ["call:zoo.function"]) == 5
        assert accepted(steps, ["call:zoo.function", "zoo.*"]) == 5
        for trust in ([], ["zoo.function"], ["zoo.*"], ["call:zoo.functio"]):
            assert wanted(refused(steps, trust)) == [("zoo.function", "call")]
        assert wanted(refused([*steps, Tuple([Ref(0)])], ["call:zoo.function"])) == [("zoo.function", "reference")]

    def test_reference(self):
        """A function that is kept must be trusted by its name: its package vouches for classes only."""
        steps = [Name("zoo", "function"), List([Ref(0)])]

        assert accepted(steps, ["zoo.function"]) == [zoo.function]
        assert wanted(refused(steps)) == [("zoo.function", "reference")]
        assert "is no class defined in zoo" in str(refused(steps, ["zoo.*"]))

    def test_all_at_once(self):
        """Every missing name is reported, with its use and the place, and the hint says what to trust."""
        node = zoo.Node()
        node.parts = [zoo.function, zoo.Pair(1, 2), zoo.Outer.Inner()]
        node.method = node.method

        with pytest.raises(NotTrusted) as caught:
            loads(dumps({"a": node}, "msgpack"))

        assert sorted(str(want) for want in caught.value.wants) == [
            'zoo.Node to create at object["a"]',
            'zoo.Outer.Inner to create at object["a"].parts[2]',
            'zoo.Pair to create at object["a"].parts[1]',
            'zoo.function to reference at object["a"].parts[0]',
        ]
        assert caught.value.exit_code == 3
        hint = caught.value.hint
        trust = eval(hint[hint.index("[") :])
        assert type(loads(dumps({"a": node}, "msgpack"), trust=trust)["a"]) is zoo.Node

    @pytest.mark.parametrize(
        "given", [["zoo.Node"], [zoo.Node, zoo.function], ["call:zoo.function", "zoo.Outer.Inner"]]
    )
    def test_hint_keeps_what_is_trusted(self, given):
        """The list in the hint takes the place of the caller's list, so it has the names of that, too."""
        node = zoo.Node()
        node.parts = [zoo.function, zoo.Pair(1, 2), zoo.Outer.Inner()]

        with pytest.raises(NotTrusted) as caught:
            loads(dumps(node, "msgpack"), trust=given)

        trust = eval(caught.value.hint.partition("trust=")[2])
        assert type(loads(dumps(node, "msgpack"), trust=trust)) is zoo.Node

    def test_very_many(self):
        """The message has the first ones, and the hint what would allow all of them."""
        names = [Name("a", f"X{number}") for number in range(5_000)]
        error = refused([*names, List([Ref(number) for number in range(5_000)])])

        assert "a.X99 to reference" in str(error)
        assert str(error).endswith("], and 4,900 more")
        assert len(error.hint) < 200
        assert eval(error.hint.partition("trust=")[2]) == [f"a.X{number}" for number in range(5_000)]

    def test_root(self):
        """A name that is the whole is referred to."""
        assert wanted(refused([NODE])) == [("zoo.Node", "reference")]

    def test_unused_names(self):
        """A name that nothing refers to would be imported all the same."""
        assert wanted(refused([Name("this", "s")], root=5)) == [("this.s", "reference")]

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_needs_none(self, kind):
        """Plain data and values need no trust."""
        value = [1, {"a": (b"x", {2})}, logging.getLogger("x"), os.environ, zoo.VALUES[:20]]

        assert loads(dumps(value, kind))[2:4] == value[2:4]


class TestMembers:
    @pytest.mark.parametrize(
        "name", ["Outer.Inner", "Outer.made", "Outer.stated", "Color.RED", "Color.ROT", "Access.READ", "Node.method"]
    )
    def test_of_a_trusted_class(self, name):
        """With a class come its methods, nested classes and members, whether it is named or its package."""
        owner, _, member = name.rpartition(".")

        for trust in ([f"zoo.{owner}"], ["zoo.*"], [f"zoo.{name}"]):
            found = accepted([Name("zoo", name)], trust)
            assert found == getattr(getattr(zoo, owner), member)

    @pytest.mark.parametrize(
        "name", ["Node.__init__", "Node.__class__", "Node.__dict__", "Node.__subclasses__", "Node.__mro__"]
    )
    def test_pythons_own(self, name):
        """Python's own attributes of a class lead elsewhere, and don't come with it."""
        assert wanted(refused([Name("zoo", name)], ["zoo.Node"])) == [(f"zoo.{name}", "reference")]
        assert wanted(refused([Name("zoo", name)], ["zoo.*"])) == [(f"zoo.{name}", "reference")]

    @pytest.mark.parametrize(
        "name",
        [
            *("functools.partial", "np.save", "types.SimpleNamespace", "array.array", "VALUES", "ZONE", "is_hashable"),
            *("Outer.Inner.method.__globals__", "Node.method.__code__", "pathlib.os.system", "Color.RED.name"),
        ],
    )
    def test_what_a_module_happens_to_hold(self, name):
        """Trust in a package isn't trust in what its modules import or hold."""
        refused([Name("zoo", name)], ["zoo.*"], error=CannotLoad)

    @pytest.mark.parametrize(
        ("module", "qualname"),
        [
            *(
                ("pathlib", "os.system"),
                ("os\0", "system"),
                ("os ", "system"),
                ("\uff4fs", "system"),
                ("posix", "system"),
            ),
            *(
                ("os", "sys.modules"),
                ("builtins", "eval"),
                ("builtins", "type"),
                ("logging", "os.system"),
                ("", "eval"),
            ),
            *(("importlib", "import_module"), ("sys", "modules"), ("zoo", ""), ("os", ""), ("subprocess", "Popen")),
            *(("builtins", "dict.__class__"), ("builtins", "object.__subclasses__"), ("functools", "reduce")),
            *(
                ("datetime", "sys.exit"),
                ("collections", "abc"),
                ("_io", "FileIO"),
                ("numpy", "memmap"),
                ("operator", "attrgetter"),
            ),
        ],
    )
    @pytest.mark.parametrize("use", ["reference", "create", "call"])
    def test_gadgets(self, module, qualname, use):
        """Without trust, no name but those of harmless values is found, whatever it is wanted for."""
        name = Name(module, qualname)
        steps = {"reference": [name], "create": [name, New(Ref(0), [])], "call": [name, Call(Ref(0), ["true"])]}[use]

        assert wanted(refused(steps, ["zoo.*", "pathlib.Path"])) == [(name.dotted, use)]


class TestMethods:
    def test_of_atoms(self):
        """Methods of plain data need no trust."""
        assert accepted([Member("a", "upper")])() == "A"
        refused([Member("a", "__class__")])

    def test_of_containers(self):
        """Nor do those of containers."""
        assert accepted([List([]), Member(Ref(0), "append")])(1) is None
        assert accepted([Name("collections", "deque"), Call(Ref(0), []), Member(Ref(1), "append")])(1) is None
        assert (
            accepted([Name("logging", "getLogger"), Call(Ref(0), ["x"]), Member(Ref(1), "info")])
            == logging.getLogger("x").info
        )

    @pytest.mark.parametrize(
        ("maker", "method"),
        [
            (Name("pathlib", "PosixPath"), "unlink"),
            (Name("pathlib", "PosixPath"), "write_text"),
            (Name("numpy", "ndarray"), "tofile"),
            (Name("functools", "partial"), "__reduce__"),
        ],
    )
    def test_of_values_that_act(self, maker, method):
        """The methods of a path or an array do things to files: as a callback they need trust of their own."""
        steps = [maker, Call(Ref(0), ["x"]), Member(Ref(1), method)]

        assert wanted(refused(steps)) == [(f"{maker.dotted}.{method}", "reference")]

    def test_named(self):
        """Named, they are trusted."""
        steps = [Name("pathlib", "PosixPath"), Call(Ref(0), ["x"]), Member(Ref(1), "exists")]

        assert accepted(steps, ["pathlib.PosixPath.exists"])() is False

    def test_of_services(self):
        """Any snapshot may hold a service; but a callback that saves or starts one needs trust."""
        steps = [Name("appsnap.sob", "Persistent"), New(Ref(0), []), Member(Ref(1), "save")]

        assert wanted(refused(steps)) == [("appsnap.sob.Persistent.save", "reference")]

    @pytest.mark.parametrize("name", [Name("os", "environ"), Name("sys", "stdout"), Name("zoo", "")])
    def test_of_what_is_known_by_name(self, name):
        """A method of os.environ is another matter than os.environ."""
        dotted = "zoo.clear" if name.module == "zoo" else f"{name.dotted}.clear"

        assert wanted(refused([name, Member(Ref(0), "clear")])) == [(dotted, "reference")]

    def test_of_a_trusted_class(self):
        """The methods of an object come with its class, but not what isn't a method."""
        steps = [NODE, New(Ref(0), [])]

        assert accepted([*steps, Member(Ref(1), "method")], ["zoo.*"])().__class__ is zoo.Node
        refused([*steps, Member(Ref(1), "__dict__")], ["zoo.*"])
        refused([*steps, Member(Ref(1), "missing")], ["zoo.*"], error=CannotBuild)

    def test_no_property_is_read(self):
        """An attribute that isn't a method is never read: a property could do anything."""
        zoo.Node.trap = property(lambda self: pytest.fail("was read"))
        try:
            refused([NODE, New(Ref(0), []), Member(Ref(1), "trap")], ["zoo.Node"], error=CannotBuild)
        finally:
            del zoo.Node.trap


FILLS = {
    "Extend": lambda ref: Extend(ref, [1]),
    "Update": lambda ref: Update(ref, ["a"], [1]),
    "Add": lambda ref: Add(ref, [1]),
    "State": lambda ref: State(ref, ["a"], [1]),
    "SetState": lambda ref: SetState(ref, None),
}


class TestFilling:
    @pytest.mark.parametrize("fill", FILLS)
    @pytest.mark.parametrize(
        "steps",
        [
            [NODE],
            [Name("zoo", "")],
            [Name("zoo", "function")],
            [Name("os", "environ")],
            [Name("zoo", "Color.RED")],
            [Name("logging", "getLogger"), Call(Ref(0), ["x"])],
            [Name("numpy", "dtype"), Call(Ref(0), ["<f8"])],
            [Name("datetime", "date"), Call(Ref(0), [1, 1, 1])],
            [Name("zoneinfo", "ZoneInfo"), Call(Ref(0), ["UTC"])],
            [Tuple([])],
            [FrozenSet([])],
            [List([]), Member(Ref(0), "append")],
        ],
        ids=str,
    )
    def test_what_the_file_did_not_make(self, steps, fill):
        """A class, a module, a function, a member, a logger, a dtype: what others use too can't be changed."""
        target = Ref(len(steps) - 1)

        error = refused([*steps, FILLS[fill](target)], ["zoo.*", "zoo", "zoo.function"], root=target)

        assert "is filled, but this file didn't make it" in str(error)

    @pytest.mark.parametrize(("step", "fill"), [(List([]), "Extend"), (Dict([], []), "Update"), (Set([]), "Add")])
    def test_containers(self, step, fill):
        """A container takes items, and nothing else."""
        accepted([step, FILLS[fill](Ref(0))], root=Ref(0))
        for other in FILLS.keys() - {fill}:
            refused([step, FILLS[other](Ref(0))], root=Ref(0))

    @pytest.mark.parametrize("name", ["__class__", "__dict__", "__reduce__", "__array_interface__", "__deepcopy__"])
    def test_pythons_own_attributes(self, name):
        """No state sets an attribute that is Python's own, in whatever form it comes."""
        steps = [NODE, New(Ref(0), [])]

        refused([*steps, State(Ref(1), [name], [1])], ["zoo.*"], Ref(1))
        refused([*steps, Dict([name], [1]), SetState(Ref(1), Ref(2))], ["zoo.*"], Ref(1))
        refused([*steps, Dict([name], [1]), Tuple([None, Ref(2)]), SetState(Ref(1), Ref(3))], ["zoo.*"], Ref(1))

    def test_classes_and_members(self):
        """What can only be seen when it is there: a class that is made, a member that is made by its value."""
        flags = [Name("zoo", "Access"), New(Ref(0), [1]), State(Ref(1), ["x"], [1])]

        refused(flags, ["zoo.*"], Ref(1), CannotBuild)
        refused(
            [Name("zoo", "Meta"), Tuple([]), Dict([], []), New(Ref(0), ["Evil", Ref(1), Ref(2)])],
            ["zoo.*"],
            error=CannotBuild,
        )

    @pytest.mark.parametrize(
        "steps", [[List([]), New(Ref(0), [])], [List([]), Call(Ref(0), [])], [NODE, New(Ref(0), []), Call(Ref(1), [])]]
    )
    def test_makers(self, steps):
        """Only what has a name makes something."""
        assert "is made by something without a name" in str(refused(steps, ["zoo.*"]))

    def test_what_has_a_method_is_no_class(self):
        """Objects aren't made of what was made, be it known to the audit by a method of its."""
        steps = [NODE, New(Ref(0), ()), Member(Ref(1), "method"), New(Ref(1), ())]

        assert "is made by something without a name" in str(refused(steps, ["zoo.*"]))


class TestBeforeTheAudit:
    CHILD = """
import sys
from appsnap import loads, CannotLoad, NotTrusted
from appsnap.kinds import KINDS
data = sys.stdin.buffer.read()
try:
    loads(data, kind="pickle", trust=["json.decoder.JSONDecoder"])
except NotTrusted as error:
    print([want.name for want in error.wants])
print([name for name in ("antigravity", "this", "json.decoder", "turtle") if name in sys.modules])
"""

    @pytest.mark.parametrize("data", [b"cthis\ns\n.", b"(cjson.decoder\nJSONDecoder\ncthis\ns\nl.", b"cthis\ns\n0N."])
    def test_nothing_is_imported(self, data):
        """No module that a file names is imported before all of it is trusted."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        child = subprocess.run(
            [sys.executable, "-c", self.CHILD], input=data, env=environment, capture_output=True, check=True
        )

        assert child.stdout.decode().splitlines() in (["['this.s']", "[]"], ["[]"])

    def test_showing(self):
        """What a file wants is told without importing it."""
        recipe = Recipe([Name("this", "s"), Call(Ref(0), [])], Ref(1))

        assert [str(want) for want in wants(recipe)] == ["this.s to call at object"]
        assert "this" not in sys.modules


class TestOtherWriters:
    def test_calls_that_are_spellings(self, monkeypatch):
        """What pickle can only say as a call isn't one."""
        # Where another test has imported Twisted's styles, pickle has its way for methods.
        monkeypatch.delitem(copyreg.dispatch_table, types.MethodType, raising=False)
        found = loads(pickle.dumps([zoo.Outer.made, zoo.Outer.Inner, {1, 2}, range(3), zoo.Color], 4), trust=["zoo.*"])

        assert found[1] is zoo.Outer.Inner
        assert found[2:4] == [{1, 2}, range(3)]

    TWISTED = """
from twisted.application import internet, service
from twisted.persisted import sob
from appsnap import NotTrusted, loads
application = service.Application("old")
child = service.MultiService()
child.setName("child")
child.setServiceParent(service.IServiceCollection(application))
child.callbacks = [child.startService, service, len, service.loadApplication]
sob.IPersistable(application).save()
data = open("old.tap", "rb").read()
try:
    loads(data, kind="pickle")
except NotTrusted as error:
    trust = [want.grant for want in error.wants]
assert trust and not [name for name in trust if name.startswith("call:") and "zope" not in name], trust
back = service.IServiceCollection(loads(data, kind="pickle", trust=trust)).getServiceNamed("child")
assert back.callbacks == [back.startService, service, len, service.loadApplication], back.callbacks
print("loaded")
"""

    def test_twisted(self, tmp_path):
        """An application that Twisted saved loads through the audit, with its classes trusted.

        In a process of its own: to import twisted.persisted.styles changes pickling in the whole process.
        """
        pytest.importorskip("twisted")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

        child = subprocess.run(
            [sys.executable, "-c", self.TWISTED],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert child.stdout == "loaded\n", child.stderr


def test_audit_returns_what_is_to_be_looked_at():
    """Names that a package vouches for have to be looked at when they are there; those that are named have not."""
    recipe = Recipe([NODE, New(Ref(0), []), Name("zoo", "Pair")], Ref(2))

    pair = Name("zoo", "Pair")
    for trust, node in [(["zoo.*"], Grant.DEFINED), (["zoo.Node", "zoo.*"], Grant.EXACT)]:
        audited = audit(recipe, Trust(trust))
        assert (audited.grant(NODE, NODE), audited.grant(pair, pair)) == (node, Grant.DEFINED)
    assert audit(recipe, Trust(EVERYTHING)).grant(NODE, NODE) is None
