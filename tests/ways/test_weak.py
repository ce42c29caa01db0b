# ruff: noqa: D102 - as people write them
import gc
import itertools
import subprocess
import tempfile
import weakref

import pytest

import appsnap
from appsnap import EVERYTHING, CannotBuild, CannotSave, NotTrusted, dumps, loads
from appsnap.kinds import KINDS
from appsnap.service import MultiService, Service


class Node:
    """An object with a name."""

    def __init__(self, name=""):
        self.name = name

    def method(self):
        """Return its name."""
        return self.name

    def __call__(self):
        return self.name


class Valued(Node):
    """It is hashed by its attributes."""

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Early(Node):
    """It is made from an object that refers to it weakly."""

    def __new__(cls, child):
        return object.__new__(cls)

    def __init__(self, child):
        self.child = child
        child.parent = weakref.ref(self)

    def __getnewargs__(self):
        return (self.child,)


class Slotted:
    __slots__ = ("__weakref__", "other")


class Named(weakref.ref):
    __slots__ = ("name",)

    def __new__(cls, obj, name):
        self = super().__new__(cls, obj)
        self.name = name
        return self

    def __init__(self, obj, name):
        super().__init__(obj)


class Registry(weakref.WeakValueDictionary):
    def __init__(self, title):
        super().__init__()
        self.title = title


class Group(weakref.WeakSet):
    def __init__(self, title):
        super().__init__()
        self.title = title


def note(*_):
    pass


def again(obj, kind, trust=(Node, Valued, Early, Slotted)):
    data = dumps(obj, kind)
    made = loads(data, trust=trust)
    if kind != "pickle":
        assert dumps(made, kind) == data
    return made


@pytest.mark.parametrize("kind", KINDS)
class TestRef:
    @pytest.mark.parametrize("parent_first", [True, False])
    @pytest.mark.parametrize("make", [weakref.ref, weakref.proxy])
    def test_parent(self, kind, parent_first, make):
        """A child refers to its parent, which holds it, whichever of them comes first."""
        parent, child = Node("parent"), Node("child")
        parent.child, child.parent = child, make(parent)

        made = again([parent, child] if parent_first else [child, parent], kind)

        parent, child = made if parent_first else made[::-1]
        assert parent.child is child
        if make is weakref.ref:
            assert child.parent() is parent
            assert child.parent is weakref.ref(parent)
        else:
            assert child.parent.child is child
            assert type(child.parent) is weakref.CallableProxyType

    def test_services(self, kind):
        """A tree of services with weak references to its root."""
        root, leaf = MultiService(), Service()
        leaf.setServiceParent(root)
        leaf.root = weakref.ref(root)

        made = again(root, kind)

        assert made.services[0].root() is made

    @pytest.mark.parametrize("make", [weakref.ref, weakref.proxy])
    def test_held_by_nobody(self, kind, make):
        """Nothing in the file holds the object: it isn't in the file, and the reference is dead after the load."""
        outside = Node("secret")

        data = dumps([make(outside)], kind)
        (made,) = loads(data)

        assert b"secret" not in data
        if make is weakref.ref:
            assert made() is None
        else:
            with pytest.raises(ReferenceError):
                made.name.upper()

    @pytest.mark.parametrize("make", [weakref.ref, weakref.proxy, lambda obj: weakref.WeakMethod(obj.method)])
    def test_dead(self, kind, make):
        """What is dead stays dead."""
        made = again([make(Node())], kind)[0]

        if type(made) is weakref.ProxyType or type(made) is weakref.CallableProxyType:
            with pytest.raises(ReferenceError):
                made.name.upper()
        else:
            assert made() is None

    @pytest.mark.parametrize("obj", [Node, subprocess, len, dumps])
    def test_of_the_process(self, kind, obj):
        """An object that the process holds by its name is alive in each process."""
        if obj is not len:
            assert again([weakref.ref(obj)], kind, EVERYTHING)[0]() is obj

    def test_own_argument(self, kind):
        """The arguments of an object may refer weakly to the object."""
        made = again([Early(Node())], kind)[0]

        assert made.child.parent() is made

    def test_slots(self, kind):
        """An object with slots has a slot for weak references."""
        one, other = Slotted(), Slotted()
        one.other, other.other = weakref.ref(other), weakref.ref(one)

        one, other = again([one, other], kind)

        assert (one.other(), other.other()) == (other, one)

    def test_methods(self, kind):
        """A method refers weakly to its object."""
        node = Node("a")

        made, method = again([node, weakref.WeakMethod(node.method)], kind, [Node, "tests.*", Node.method])

        assert method()() == "a"
        assert method().__self__ is made

    def test_callback(self, kind):
        """A callback is called, so the reference with it is a call that has to be trusted."""
        node = Node()
        for made in (weakref.ref(node, note), weakref.WeakMethod(node.method, note), weakref.proxy(node, note)):
            obj = [node, made]

            assert type(again(obj, kind, EVERYTHING)[1]) is type(made)
            with pytest.raises(NotTrusted, match="with_callback to call"):
                again(obj, kind, [Node, Node.method, note])

    def test_subclass(self, kind):
        """A reference of a subclass keeps its attributes."""
        node = Node()
        keyed = weakref.KeyedRef(node, None, "key")

        node, named, keyed, dead = again([node, Named(node, "n"), keyed, Named(Node(), "d")], kind, EVERYTHING)

        assert (type(named), named.name, named(), dead.name, dead()) == (Named, "n", node, "d", None)
        assert (type(keyed), keyed.key, keyed()) == (weakref.KeyedRef, "key", node)

    @pytest.mark.slow
    @pytest.mark.parametrize("linked", [True, False])
    def test_many(self, kind, linked):
        """Nothing recurses, and the time grows with the number alone."""
        nodes = [Node() for _ in range(2_000)]
        for one, other in itertools.pairwise(nodes):
            one.next = weakref.ref(other) if not linked else other
            other.previous = weakref.ref(one)

        made = again(nodes, kind)

        assert made[-1].previous() is made[-2]
        assert (made[0].next if linked else made[0].next()) is made[1]


@pytest.mark.parametrize("kind", KINDS)
class TestContainers:
    @pytest.mark.parametrize("cls", [Node, Valued])
    def test_kept(self, kind, cls):
        """Items that something else holds come back, in their order."""
        a, b, gone = cls("a"), cls("b"), cls("gone")
        values = weakref.WeakValueDictionary(b=b, gone=gone, a=a)
        keys = weakref.WeakKeyDictionary({b: 1, gone: 2, a: [a]})

        made = again([a, b, values, keys, weakref.WeakSet([a, b, gone])], kind)

        a, b, values, keys, items = made
        assert [*values.items()] == [("b", b), ("a", a)]
        assert [*keys.items()] == [(b, 1), (a, [a])]
        assert {*items} == {a, b}
        assert values["a"] is a
        del a, made, keys
        gc.collect()
        assert [*values] == ["b"]

    def test_first(self, kind):
        """A container may come before its items, and they may hold it."""
        a, b = Node("a"), Node("b")
        a.items, a.keys, a.values = weakref.WeakSet([a, b]), weakref.WeakKeyDictionary(), weakref.WeakValueDictionary()
        a.keys[a], a.keys[b], a.values["a"], a.values["b"] = b, a, a, b

        items, keys, values, a, b = again([a.items, a.keys, a.values, a, b], kind)

        assert {*items} == {a, b}
        assert (keys[a], keys[b], values["a"], values["b"]) == (b, a, a, b)
        assert (a.items, a.keys, a.values) == (items, keys, values)

    def test_subclasses(self, kind):
        """Containers of a subclass keep their attributes."""
        node, registry, group = Node(), Registry("r"), Group("g")
        registry["n"] = node
        group.add(node)

        node, registry, group = again([node, registry, group], kind, EVERYTHING)

        assert (type(registry), registry.title, registry["n"]) == (Registry, "r", node)
        assert (type(group), group.title, [*group]) == (Group, "g", [node])

    def test_same_bytes(self, kind):
        """The order in a weak set is that of no addresses."""
        names = [str(number) for number in range(50)]
        found = set()
        for order in (names, names[::-1]):
            nodes = {name: Node(name) for name in order}
            holder = [nodes[name] for name in names]
            found.add(dumps([weakref.WeakSet(nodes.values()), holder], kind))

        assert kind == "pickle" or len(found) == 1


@pytest.mark.parametrize("kind", KINDS)
class TestFinalize:
    def test_alive(self, kind):
        """A finalizer calls a function, which has to be trusted."""
        node, seen = Node(), []
        finalizer = weakref.finalize(node, seen.append, 1)
        finalizer.atexit = False

        made, again_, appended = loads(dumps([node, finalizer, seen], kind), trust=EVERYTHING)

        assert (again_.alive, again_.atexit) == (True, False)
        del made
        gc.collect()
        assert appended == [1]
        with pytest.raises(NotTrusted, match="finalize to call"):
            loads(dumps([node, finalizer, seen], kind), trust=[Node])
        finalizer.detach()

    def test_dead(self, kind):
        """One that has been called, or whose object nothing holds, is dead, and isn't called again."""
        called, node, seen = weakref.finalize(Node(), note), Node(), []
        outside = weakref.finalize(node, seen.append, 1)

        made = loads(dumps([called, outside], kind))

        assert [one.alive for one in made] == [False, False]
        assert not seen
        outside.detach()

    def test_temporary_folder(self, kind):
        """A temporary folder is refused: each process that has one would remove it."""
        with tempfile.TemporaryDirectory() as path:
            folder = tempfile.TemporaryDirectory(dir=path)
            with pytest.raises(CannotSave, match="a temporary folder"):
                dumps(folder, kind)
            folder.cleanup()


HOSTILE = [
    ("ref(1, 2)", "takes one object"),
    ("ref(5)", "cannot create weak reference to 'int' object"),
    ("proxy('x')", "cannot create weak reference to 'str' object"),
    ("KeyedRef(5)", "takes an object and a key"),
    ("WeakMethod(5)", "takes one method"),
    ("WeakSet([1])", "takes no arguments"),
    ("add_items(set(), {1})", "takes a weak set and a set"),
    ("add_items(WeakSet(), [WeakSet()])", "takes a weak set and a set"),
    ("add_items(WeakSet(), {5})", "cannot create weak reference to 'int' object"),
    ("update(WeakValueDictionary(), {1: 2})", "cannot create weak reference to 'int' object"),
    ("update(WeakKeyDictionary(), {1: 2})", "cannot create weak reference to 'int' object"),
]


class TestHostile:
    @pytest.mark.parametrize(("call", "reason"), HOSTILE)
    def test_arguments(self, call, reason):
        """Other arguments are refused."""
        names = "KeyedRef, WeakKeyDictionary, WeakMethod, WeakSet, WeakValueDictionary, add_items, proxy, ref"
        head = f"# appsnap 1 source: {{}}\nfrom appsnap.ways.weak import {names}\nfrom appsnap.actions import update\n"
        text = f"{head}application = {call}\n"

        with pytest.raises(CannotBuild, match=reason):
            loads(text.encode(), kind="source")

    @pytest.mark.parametrize("call", ["ref_with_callback({1}, print)", "finalize({1}, print, (), {}, True)"])
    def test_calls(self, call):
        """What calls something isn't harmless, nor is the function that it calls."""
        name = call.partition("(")[0]
        head = f"# appsnap 1 source: {{}}\nfrom appsnap.ways.weak import {name}\nfrom builtins import print\n"
        text = f"{head}application = {call}\n"

        with pytest.raises(NotTrusted, match=f"{name} to call"):
            loads(text.encode(), kind="source", trust=["builtins.print"])


@pytest.mark.parametrize("trust", [EVERYTHING, (Node,)])
@pytest.mark.parametrize("kind", KINDS)
def test_let_go(kind, trust):
    """An object dies with its last reference, though it was saved and loaded. The collector has nothing to do."""
    parent, child = Node("parent"), Node("child")
    parent.children, child.parent = [child], weakref.ref(parent)
    parent.by_name = weakref.WeakValueDictionary({"child": child})
    parent.call = weakref.WeakMethod(child.method)
    gc.collect()
    gc.disable()
    try:
        data = dumps(parent, kind)
        loaded = loads(data, trust=trust)
        dumps(loaded, kind)
        saved = weakref.ref(child)
        del child
        parent.children.clear()
        loaded.children.clear()

        assert saved() is None
        assert [*parent.by_name, *loaded.by_name] == []
        assert parent.call() is loaded.call() is None
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_verified(kind, tmp_path):
    """A fresh interpreter saves the restored objects again, and finds no difference."""
    root, leaf = MultiService(), Service()
    leaf.setServiceParent(root)
    leaf.root, leaf.outside, leaf.dead = weakref.proxy(root), weakref.ref(Service()), weakref.ref(Service())
    root.known = weakref.WeakSet([leaf, root])
    lines = []

    appsnap.save(root, tmp_path / "tree", kind=kind, sign=False, verify=True, note=lines.append)

    assert lines == []
