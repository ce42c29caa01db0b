import asyncio
import copyreg
import functools
import io
import logging
import os
import pickle
import socket
import sys
import threading
import types
import weakref

import pytest

import zoo
from appsnap import EVERYTHING, CannotSave, dumps, evolve, loads
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import freeze
from appsnap.recipe.freeze.rules import Rules
from appsnap.recipe.steps import Name
from appsnap.service import Service


def came_back(obj, kind, trust=EVERYTHING):
    return loads(dumps(obj, kind), trust=trust)


@pytest.mark.parametrize("kind", KINDS)
class TestNamedFunctions:
    def test_registered(self, kind, monkeypatch):
        """A function is saved by its name, although Twisted has registered a way to take functions apart."""

        def never(function):
            raise AssertionError(function)

        monkeypatch.setitem(copyreg.dispatch_table, types.FunctionType, never)
        monkeypatch.setitem(copyreg.dispatch_table, types.BuiltinFunctionType, never)

        assert came_back([came_back, len, {"a": came_back}], kind) == [came_back, len, {"a": came_back}]


@pytest.mark.parametrize("kind", KINDS)
class TestByName:
    @pytest.mark.parametrize(
        "known",
        [
            *(
                os.environ,
                sys.stdin,
                sys.stdout,
                sys.stderr,
                sys.__stdout__,
                logging.getLogger("a.b"),
                logging.getLogger(),
            ),
            *(logging.getLogger("ä ö"), type(None), type(...), type(NotImplemented)),
        ],
    )
    def test_of_every_process(self, kind, known):
        """Objects of every process, such as `os.environ`, are found again without any grant."""
        one, other = came_back([known, known], kind, trust=())

        assert one is known
        assert other is known

    @pytest.mark.parametrize(
        "known",
        [
            *(
                os,
                os.path,
                zoo,
                zoo.Outer.Inner,
                zoo.Outer.made,
                zoo.Outer.stated,
                zoo.function,
                len,
                [].append.__class__,
            ),
            *(
                zoo.Color.RED,
                zoo.Color.ROT,
                str.upper,
                dict.fromkeys,
                types.FunctionType,
                types.CodeType,
                functools.partial,
            ),
            *(
                types.SimpleNamespace,
                types.MappingProxyType,
                types.ModuleType,
                types.GenericAlias,
                type(zoo.Node().method),
            ),
        ],
    )
    def test_importable(self, kind, known):
        """Modules, classes and functions that can be imported are found again, nested ones, too."""
        (back,) = came_back([known], kind)

        assert back is known or back == known
        assert not any("cloudpickle" in step.dotted for step in freeze(known).steps if isinstance(step, Name))

    def test_registered(self, kind):
        """An object that was registered is saved by name, and isn't taken apart."""
        zoo.special = threading.Lock()
        evolve.known(zoo.special, "zoo", "special")
        try:
            (back,) = came_back([zoo.special], kind, trust=["zoo.special"])
        finally:
            evolve._registered.clear()

        assert back is zoo.special

    def test_running_loop(self, kind):
        """The running event loop becomes the one of the process that loads."""

        async def main():
            return came_back([asyncio.get_running_loop()], kind, trust=()) == [asyncio.get_running_loop()]

        assert asyncio.run(main())

    def test_idle_loop(self, kind):
        """A loop that has no work is made anew, and a closed one is closed. One that has work can't be saved."""
        loop = asyncio.new_event_loop()
        back, same = came_back([loop, loop], kind)
        assert back is same is not loop
        assert back.run_until_complete(asyncio.sleep(0, 7)) == 7
        back.close()

        handle = loop.call_later(1000, print)
        with pytest.raises(CannotSave, match="an event loop that has work"):
            dumps(loop, kind)
        handle.cancel()
        ours, other = socket.socketpair()
        with ours, other:
            loop.add_reader(ours, print)
            with pytest.raises(CannotSave, match="an event loop that has work"):
                dumps(loop, kind)
            loop.remove_reader(ours)
        loop.close()
        (closed,) = came_back([loop], kind)
        assert closed.is_closed()

    @pytest.mark.parametrize("name", ["__main__", "__mp_main__", "package.__main__", "<shop.tac>"])
    def test_module_of_a_script(self, kind, name, monkeypatch):
        """The module of a script can't be saved, because no other process can import it."""
        script = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, script)

        with pytest.raises(CannotSave, match=r'object\["a"\] \(builtins.module\): .* the module of a script') as caught:
            dumps({"a": script}, kind)

        assert "move them to a module that can be imported" in str(caught.value)

    def test_extension_codes(self, kind):
        """A class with an extension code of this process is saved by its name."""
        copyreg.add_extension("zoo", "Node", 0xF1)
        copyreg.add_extension("zoo", "Outer.Inner", 0xF2)
        try:
            data = dumps([zoo.Node(), zoo.Outer.Inner, zoo.Node], kind)
        finally:
            copyreg.remove_extension("zoo", "Node", 0xF1)
            copyreg.remove_extension("zoo", "Outer.Inner", 0xF2)

        node, inner, cls = loads(data, trust=["zoo.*"])
        assert type(node) is cls is zoo.Node
        assert inner is zoo.Outer.Inner


@pytest.mark.parametrize("kind", KINDS)
class TestByValue:
    def test_functions(self, kind):
        """Lambdas and closures are saved by value."""
        number = 5

        def add(x, *, y=1):
            return x + y + number

        double, local = came_back([lambda x: 2 * x, add], kind)

        assert double(4) == 8
        assert local(1) == 7

    def test_classes(self, kind):
        """Local classes are saved by value, with their methods. Their objects are saved, too."""

        class Local:
            """A local class."""

            def __init__(self):
                self.x = 1

            @classmethod
            def made(cls):
                return cls()

            @property
            def doubled(self):
                return 2 * self.x

            def me(self):
                return super().__init__, self

        one = Local()
        one.other = Local()
        one.other.one = one
        back, cls, method = came_back([one, Local, one.me], kind)

        assert back.doubled == 2
        assert back.other.one is back
        assert type(back) is cls
        assert method()[1] is back

    def test_methods_under_other_names(self, kind):
        """A private method comes back, and so does a method with another name than its function."""

        class Local:
            aliased = lambda self: self  # noqa: E731 - its name is not that of the attribute

            def __private(self):
                return self

            def private(self):
                return self.__private

        one = Local()
        back, private, aliased = came_back([one, one.private(), one.aliased], kind)

        assert private() is back
        assert aliased() is back

    def test_is_said_to_be_code(self, kind):
        """Code is loaded only with trust in everything. The error says that it is code."""
        with pytest.raises(Exception, match="carries code") as caught:
            came_back(lambda: 1, kind, trust=["zoo.*"])

        assert "code" in caught.value.hint

    @pytest.mark.parametrize("view", [{1: 2}.keys(), {1: 2}.values(), {1: 2}.items()], ids=repr)
    def test_views(self, kind, view):
        """The views of a dictionary are saved by value."""
        assert list(came_back(view, kind)) == list(view)

    def test_descriptors(self, kind):
        """Properties, and static and class methods themselves, are saved by value."""
        static, of_class = came_back([staticmethod(zoo.function), classmethod(zoo.function)], kind)

        assert static.__func__ is zoo.function
        assert of_class.__func__ is zoo.function
        assert came_back(property(zoo.function), kind).fget is zoo.function

    def test_weak_sets(self, kind):
        """A weak set keeps the items that are also saved elsewhere."""
        node = zoo.Node()
        node.peers = weakref.WeakSet([node])

        back = came_back(node, kind)

        assert list(back.peers) == [back]

    def test_streams_in_memory(self, kind):
        """A stream in memory keeps its content."""
        assert came_back(io.StringIO("text"), kind).getvalue() == "text"


class TestRules:
    def test_users_come_first(self):
        """copyreg.dispatch_table is honoured, for classes with a metaclass of their own, too."""

        class Meta(type):
            pass

        class Thing(metaclass=Meta):
            pass

        copyreg.pickle(Meta, lambda cls: (str, ("a class",)))
        copyreg.pickle(Thing, lambda thing: (str, ("a thing",)))
        try:
            assert loads(dumps([Thing, Thing()], "msgpack"), trust=["call:builtins.str"]) == ["a class", "a thing"]
        finally:
            del copyreg.dispatch_table[Meta], copyreg.dispatch_table[Thing]

    def test_nothing_global_is_changed(self):
        """Saving registers nothing in copyreg."""
        before = copyreg.dispatch_table.copy()

        dumps([lambda: 1, zoo.Node(), zoo.Node().method, memoryview(b""), {}.keys()], "pickle")

        assert copyreg.dispatch_table == before

    def test_modules(self):
        """The rules collect the modules of classes, the restored classes, and those with transient attributes only."""

        class Local:
            __transient__ = ("x",)

        rules = Rules()
        for obj in (zoo.Node, len, Local(), Service()):
            rules(obj)

        assert {"zoo", "builtins"} <= rules.modules
        assert [name.rpartition(".")[2] for name in rules.restored] == ["Local"]
        assert [*rules.left_out] == ["appsnap.service.Service"]

    def test_readable_by_any_unpickler(self):
        """Python alone can load the body of a pickle, if no class has transient attributes."""
        values = [zoo.Node, zoo.Color.RED, os, zoo.Outer().made, logging.getLogger("x"), zoo.VALUES]
        file = io.BytesIO(dumps(values))
        size = pickle.load(file)["size"]
        body = file.read(size)

        assert pickle.loads(body)[:3] == [zoo.Node, zoo.Color.RED, os]
        assert b"appsnap" not in body
