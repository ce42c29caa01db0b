"""Caches: cachetools, diskcache, lru_cache, weak dictionaries, sets and methods."""

import functools
import operator
import threading
import weakref

import cachetools
import diskcache

GROUP = "libraries"
PACKAGES = ("cachetools", "diskcache")


@functools.lru_cache(maxsize=8)
def square(number):
    return number * number


@cachetools.cached(cachetools.LRUCache(5), key=cachetools.keys.hashkey, lock=threading.Lock())
def length(word):
    return len(word)


class Node:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = weakref.ref(parent) if parent else None
        self.children = []
        if parent:
            parent.children.append(self)

    def told(self, words):
        self.words = words


class Registry:
    def __init__(self, folder):
        self.lru = cachetools.LRUCache(2)
        self.ttl = cachetools.TTLCache(100, 1_000_000)
        self.by_size = cachetools.LFUCache(10, getsizeof=len)
        self.cached = length
        self.disk = diskcache.Cache(str(folder / "cache"))
        self.square = square
        self.power = functools.cache(functools.partial(operator.pow, 2))
        self.root = Node("root")
        self.child = Node("child", self.root)
        self.nodes = weakref.WeakValueDictionary({node.name: node for node in (self.root, self.child)})
        self.nodes["gone"] = Node("gone")
        self.notes = weakref.WeakKeyDictionary({self.child: "a child"})
        self.seen = weakref.WeakSet([self.root])
        self.tell = weakref.WeakMethod(self.child.told)
        self.proxy = weakref.proxy(self.root)
        self.dead = weakref.ref(Node("dead"))


def build(folder):
    registry = Registry(folder)
    registry.lru.update(a=1, b=2)
    assert registry.lru["a"] == 1
    registry.ttl["key"] = "kept"
    registry.by_size["word"] = "four"
    registry.disk["page"] = {"hits": 1}
    registry.power(10)
    return registry


def facts(registry):
    return {
        "lru": [*registry.lru],
        "ttl": registry.ttl["key"],
        "by size": registry.by_size.currsize,
        "disk": registry.disk["page"],
        "nodes": sorted(registry.nodes),
        "parent": registry.child.parent() is registry.root,
        "note": registry.notes[registry.child],
        "seen": registry.root in registry.seen,
        "proxy": registry.proxy.name,
        "dead": registry.dead() is None,
        "square": registry.square is square,
        "power": registry.power.cache_parameters(),
    }


def use(registry, folder):
    registry.lru["c"] = 3
    assert sorted(registry.lru) == ["a", "c"] or "c" in registry.lru
    assert registry.cached("four") == 4
    assert registry.power(3) == 8
    registry.tell()("hello")
    assert registry.child.words == "hello"
    registry.proxy.name = "renamed"
    assert registry.root.name == "renamed"
    registry.root.children.clear()
    registry.child = None
    assert [*registry.nodes] == ["root"]
    assert len(registry.notes) == 0
    registry.disk["page"] = {"hits": 2}
    registry.disk.close()
