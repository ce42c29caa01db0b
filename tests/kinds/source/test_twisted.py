import pytest

import appsnap
from appsnap.errors import CannotLoad, Damaged, NotInGrammar
from appsnap.kinds.source.twisted import read_assignment

LINKED = """app=Ref(1,
  Instance('types.SimpleNamespace',
    later=Deref(2),
    me=Deref(1),
    method=InstanceMethod('count','builtins.list',
      Deref(3)),
    self=Ref(2,
      Instance('types.SimpleNamespace',
        back=Deref(1),
        pair=Ref(4,
          (
            1,
            Deref(3),
            )),)),
    things=Ref(3,
      [
        Deref(4),
        ]),))"""


def read(text):
    return appsnap.loads(text.encode(), kind="source", trust=appsnap.EVERYTHING)


class TestValues:
    """What Twisted wrote for values, on Python 2 and 3."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("[1, -2, 4L, -5L, 1.5, -1e300,]", [1, -2, 4, -5, 1.5, -1e300]),
            ("['a', u'caf\\xe9', \"it's\", 'a\\nb',]", ["a", "café", "it's", "a\nb"]),
            ("['caf\\xc3\\xa9', '\\xff\\xfe', b'\\xff',]", ["café", b"\xff\xfe", b"\xff"]),
            ("['ü', '\\u20ac',]", ["ü", "€"]),
            ("{1: 'a', (1, 2,): None, 'b': True, u'c': False,}", {1: "a", (1, 2): None, "b": True, "c": False}),
            ("[(), [], {}, ((),),]", [(), [], {}, ((),)]),
            ("[Class('collections.OrderedDict'), Function('os.path.join'), Module('os'),]", None),
            ("[Class('__builtin__.object'), Class('UserDict.UserDict'),]", None),
            ("[Copyreg('datetime.timedelta', (1, 2,)),]", None),
            ("[Instance('types.SimpleNamespace', {'a b': 1,}),]", None),
        ],
    )
    def test_values(self, text, value):
        """They come back. A text of Python 2 is one in UTF-8, or else bytes."""
        import collections
        import datetime as dt
        import os
        import types

        others = {
            "Class('coll": [collections.OrderedDict, os.path.join, os],
            "Class('__bu": [object, collections.UserDict],
            "Copyreg('da": [dt.timedelta(1, 2)],
            "Instance('t": [types.SimpleNamespace(**{"a b": 1})],
        }
        found = read(f"app=Ref(1,{text})")

        assert found == (others[text[1:12]] if value is None else value)

    def test_references(self):
        """`Deref` may stand before its `Ref`, and within it."""
        root = read(LINKED)

        assert root.me is root
        assert root.later is root.self
        assert root.self.back is root
        assert root.self.pair == (1, root.things)
        assert root.things[0] is root.self.pair
        assert root.method.__self__ is root.things

    def test_without_numbers(self):
        """An object that nothing refers to has no `Ref`."""
        assert vars(read("app = Instance('types.SimpleNamespace', a=1)")) == {"a": 1}

    def test_deep(self):
        """Nothing recurses."""
        text = "app=Ref(1," + "[" * 50_000 + "]" * 50_000 + ")"

        assert len(read_assignment(text, 1_000_000).steps) == 50_001


class TestRefused:
    """Anything else is refused, with its place, and nothing of it runs."""

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("app=Ref(1,eval('1'))", "eval: unknown"),
            ("app=Ref(1,[x for x in y])", "'x' is no value"),
            ("app=Ref(1,[1 + 1])", "no word of Twisted's source"),
            ("app=Ref(1,[])\nimport os", "more than one statement"),
            ("app=Ref(1,Deref(2))", "there is no object of this number"),
            ("app=Ref(1,Ref(2,Deref(1)))", "there is no object of this number"),
            ("app=Ref(1,(1,Deref(1),))", "a part of itself"),
            ("app=Ref(1,[Ref(1,[])])", "numbers no object"),
            ("app=Ref('a',[])", "numbers no object"),
            ("app=Ref(1)", "has other items"),
            ("app=Ref(1,Instance(a=1))", "has other items"),
            ("app=Ref(1,Instance(1))", "a name has to be a text"),
            ("app=Ref(1,{1,2})", "has other items"),
            ("app=Ref(1,[1:2])", "has other items"),
            ("app=Ref(1,Copyreg('a.b', 1))", "have to be a tuple"),
            ("app=Ref(1,[)", "stands where it can't"),
            ("app=Ref(1,'\\q\\x')", "malformed text"),
            ("app=Ref(1," + "9" * 5000 + ")", "too many digits"),
        ],
    )
    def test_grammar(self, text, reason):
        """Each has a reason."""
        with pytest.raises(NotInGrammar, match="line [12], column") as raised:
            read(text)

        assert reason in str(raised.value)

    def test_truncated(self):
        """Every beginning of a file is refused."""
        for size in range(12, len(LINKED)):
            with pytest.raises((NotInGrammar, Damaged)):
                read(LINKED[:size])

    def test_steps(self):
        """It has no more steps than the limit allows."""
        with pytest.raises(CannotLoad, match="too long"):
            read_assignment("app=Ref(1,[" + "[]," * 100 + "])", 50)

    def test_untrusted(self):
        """Names have to be trusted as in any other file."""
        with pytest.raises(appsnap.NotTrusted):
            appsnap.loads(b"app=Ref(1,Copyreg('os.system', ('true',)))", kind="source")
