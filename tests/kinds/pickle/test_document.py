import copyreg
import io
import pickle
import pickletools
import sys

import pytest

import zoo
from appsnap import EVERYTHING, dumps, evolve, loads
from appsnap.errors import AppsnapError, CannotBuild, Damaged, NotTrusted
from appsnap.kinds import pickle as kind
from appsnap.kinds.header import Header
from appsnap.kinds.large import Body
from appsnap.kinds.pickle.writer import encode
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.trust import Trust
from isomorphism import difference


def graph():
    """Return a small graph with a cycle."""
    node = zoo.Node()
    node.parts = [
        node,
        {"a": 1.5},
        (2**80, -1, 300, 70_000, -(2**2100)),
        {"x"},
        frozenset({b"y"}),
        "z" * 300,
        b"b" * 300,
    ]
    node.more = [
        bytearray(b"c"),
        zoo.ByKeyword(first=node),
        zoo.Color.RED,
        node.method,
        zoo.Outer.Inner,
        sys,
        None,
        True,
    ]
    return node


def forged(body, **fields):
    """Return a document with a body of one's own, and a checksum that is right."""
    return memoryview(b"".join(kind.assemble(Header("pickle"), Body([body]), **fields)))


class TestDocument:
    def test_three_pickles(self):
        """A document is three pickles in a row, which Python's own pickle reads."""
        file = io.BytesIO(dumps(graph(), "pickle"))

        head, body, trailer = (pickle.load(file) for _ in range(3))

        assert head["appsnap"] == 1
        assert head["kind"] == "pickle"
        assert difference(graph(), body) is None
        assert set(trailer) >= {"sha256", "distributions"}

    def test_of_a_recipe(self):
        """What is written from a recipe is an ordinary pickle, too, in which every opcode is where it belongs."""
        body = b"".join(encode(freeze(graph())))

        pickletools.dis(body, out=io.StringIO())
        assert difference(graph(), pickle.loads(body)) is None
        assert {op.name for op, *_ in pickletools.genops(body)}.isdisjoint({"FRAME", "PUT", "GLOBAL"})

    @pytest.mark.parametrize("body", [pickle.dumps([1, 2]), b"".join(encode(freeze([1, 2])))])
    def test_reading(self, body):
        """Bodies of both writers are read."""
        document = kind.read(forged(body))

        assert build(document.recipe, Trust()) == [1, 2]
        assert document.header.kind == "pickle"

    @pytest.mark.parametrize("value", ["appsnap", ["appsnap"], {"a": "appsnap"}, zoo.Node])
    def test_bare(self, value):
        """A pickle without header is a body alone, whatever is in it."""
        document = kind.read(memoryview(pickle.dumps(value, 5)))

        assert document.header is None
        assert document.trailer is None
        assert build(document.recipe, Trust(["zoo.*"])) == value

    def test_nothing_behind(self):
        """What stands behind the end is refused, for a bare pickle, too."""
        with pytest.raises(Damaged, match="behind"):
            _ = kind.read(memoryview(pickle.dumps([1]) + b"x")).recipe
        with pytest.raises(Damaged, match="behind"):
            kind.read(memoryview(dumps([1], "pickle") + b"x"))
        with pytest.raises(Damaged, match="behind"):
            _ = kind.read(forged(pickle.dumps([1]) + b"x")).recipe

    @pytest.mark.parametrize("trust", [(), EVERYTHING])
    def test_altered(self, trust):
        """An altered byte is found before anything is built, in a file that is trusted as code, too."""
        data = dumps({"key": "value" * 20}, "pickle")
        for position in range(len(data)):
            altered = bytearray(data)
            altered[position] ^= 0x04
            try:
                found = loads(altered, kind="pickle", trust=trust)
            except AppsnapError:
                continue
            # The trailer itself isn't covered.
            assert position >= data.rindex(pickle.PROTO)
            assert found == {"key": "value" * 20}

    def test_truncated(self):
        """A truncated document is refused at every length."""
        data = dumps(graph(), "pickle")
        for length in range(len(data)):
            with pytest.raises(Damaged):
                _ = kind.read(memoryview(data)[:length]).recipe

    def test_header_of_code(self):
        """Header and trailer are plain data: they can't call anything."""
        evil = pickle.dumps({"appsnap": 1, "kind": "pickle", "size": 0, "x": print}, 5)

        with pytest.raises(Damaged, match="plain"):
            kind.read(memoryview(evil))


class TestTrustedAsCode:
    def test_missing_class(self):
        """Where the C unpickler fails, the error names the place."""
        node = zoo.Node()
        node.part = zoo.Pair(1, 2)
        data = dumps({"a": node}, "pickle")
        pair, zoo.Pair = zoo.Pair, None
        del zoo.Pair
        try:
            with pytest.raises(CannotBuild, match=r"object\['a'\]|zoo.Pair") as caught:
                loads(data, trust=EVERYTHING)
        finally:
            zoo.Pair = pair

        assert "zoo.Pair" in str(caught.value)

    def test_class_that_became_transient(self, monkeypatch):
        """An attribute that became transient after the file was written doesn't come back."""
        node = zoo.Node()
        node.lasting, node.passing = 1, 2
        data = dumps([node], "pickle")
        monkeypatch.setattr(zoo.Node, "__transient__", ("passing",), raising=False)
        evolve.transients.cache_clear()

        try:
            (back,) = loads(data, trust=EVERYTHING)
        finally:
            monkeypatch.undo()
            evolve.transients.cache_clear()

        assert back.__dict__ == {"lasting": 1}

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (("passing",), {"lasting": 1}),
            (("passing", "lasting"), {}),
            ({"passing": list}, {"lasting": 1, "passing": []}),
            ((), {"lasting": 1}),
        ],
    )
    def test_class_with_other_transients(self, monkeypatch, now, expected):
        """What a class leaves out, or makes anew, when it is loaded counts, whatever it left out when it was saved."""
        monkeypatch.setattr(zoo.Node, "__transient__", ("passing",), raising=False)
        evolve.transients.cache_clear()
        try:
            node = zoo.Node()
            node.lasting, node.passing = 1, 2
            data = dumps([node], "pickle")
            monkeypatch.setattr(zoo.Node, "__transient__", now)
            evolve.transients.cache_clear()
            (back,) = loads(data, trust=EVERYTHING)
        finally:
            monkeypatch.undo()
            evolve.transients.cache_clear()

        assert back.__dict__ == expected

    @pytest.mark.parametrize("by_code", [False, True])
    def test_made_otherwise_than_by_its_class(self, monkeypatch, by_code):
        """So it is where the pickle doesn't name the class as what the object is made of."""
        monkeypatch.setattr(zoo.Made, "__transient__", ("passing",), raising=False)
        evolve.transients.cache_clear()
        if by_code:
            copyreg.add_extension("zoo", "Made", 240)
            monkeypatch.delattr(zoo.Made, "__reduce__")
        try:
            made = zoo.Made()
            made.lasting, made.passing, made.more = 1, 2, 3
            data = dumps([made], "pickle")
            monkeypatch.setattr(zoo.Made, "__transient__", {"passing": None, "more": list})
            evolve.transients.cache_clear()
            (back,) = loads(data, trust=EVERYTHING)
        finally:
            monkeypatch.undo()
            evolve.transients.cache_clear()
            if by_code:
                copyreg.remove_extension("zoo", "Made", 240)

        assert back.__dict__ == {"lasting": 1, "more": []}

    @pytest.mark.parametrize("name", [1, "\ud800", "a\nb"])
    def test_odd_transients(self, monkeypatch, name):
        """Whatever stands among the names of transient attributes, the object can be saved."""
        monkeypatch.setattr(zoo.Node, "__transient__", (name, "passing"), raising=False)
        evolve.transients.cache_clear()
        try:
            node = zoo.Node()
            node.lasting, node.passing = 1, 2
            (back,) = loads(dumps([node], "pickle"), trust=EVERYTHING)
        finally:
            monkeypatch.undo()
            evolve.transients.cache_clear()

        assert back.__dict__ == {"lasting": 1}

    def test_nothing_is_run_without_trust(self):
        """A pickle that calls something is refused before the call."""
        evil = b"cbuiltins\nexec\n(S'raise SystemExit'\ntR."

        with pytest.raises(NotTrusted) as caught:
            loads(evil, kind="pickle")

        assert [str(want) for want in caught.value.wants] == ["builtins.exec to call at object"]
