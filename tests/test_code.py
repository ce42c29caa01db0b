"""Code by value: the texts of scripts, functions, classes, and bytecode."""

import dataclasses
import gc
import linecache
import subprocess
import sys
import textwrap
import types

import cloudpickle
import pytest

import appsnap
from appsnap import EVERYTHING, CannotBuild, CannotSave, code, dumps, loads, script
from appsnap.code import skeletons, texts
from appsnap.code.texts import Place, Text
from appsnap.files.layers import Opening
from appsnap.files.streams import Memory
from appsnap.kinds import KINDS
from appsnap.snapshot.loading import opened


@pytest.fixture(autouse=True)
def no_scripts():
    """Forget the modules of the scripts that a test has run."""
    before = {*sys.modules}
    yield
    for name in {*sys.modules} - before:
        if name.startswith("<"):
            cloudpickle.unregister_pickle_by_value(sys.modules[name])
            del sys.modules[name]


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script and returns its `obj`."""

    def run(source, name="hello.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return script.run(path, "obj")

    return run


def elsewhere(data, **options):
    """Load a snapshot as another process would: no class of a script is alive there."""
    skeletons._alive.clear()
    return loads(data, trust=EVERYTHING, **options)


def came_back(obj, kind="pickle"):
    return elsewhere(dumps(obj, kind))


def named_in(data):
    """Return the names in a snapshot."""
    return [want.name for want in opened(Memory(data), Opening()).names]


class TestTexts:
    def test_place(self):
        """A code object is found by its qualified name and line."""
        text = Text("def f():\n    def g(): return 1\n    return g\n", "x.py")
        g = next(found for found in text.codes["f.<locals>.g", 2])

        assert text.place_of(g) == Place("f.<locals>.g", 2)
        assert text.code_at(Place("f.<locals>.g", 2)) == g

    def test_lambdas_on_a_line(self):
        """Lambdas on one line are told apart by their order; two of the same code are one."""
        text = Text("a = [lambda: 1, lambda: 2, lambda: 1, lambda: 3]\n", "x.py")
        found = {text.place_of(made)[2:]: eval(made) for made in text.codes["<lambda>", 1]}

        assert found == {(0, 3): 1, (1, 3): 2, (2, 3): 3}

    def test_comprehension(self):
        """A lambda in a comprehension has one name in all Pythons: some make a function of the comprehension."""
        text = Text("def f():\n    return [lambda: i for i in range(2)]\n", "x.py")

        assert ("f.<locals>.<lambda>", 2) in text.codes

    def test_another_count_of_lambdas(self):
        """A place is no place in a text that has another number of lambdas there."""
        text = Text("a = [lambda: 1, lambda: 2]\n", "x.py")

        assert text.code_at(Place("<lambda>", 1, 0, 3)) is None
        assert text.code_at(Place("<lambda>", 1, 5, 2)) is None

    def test_edited_text(self):
        """A text that gives another code object has no place for it."""
        old = Text("def f(): return 1\n", "x.py")
        new = Text("def f(): return 2\n", "x.py")

        assert new.place_of(old.codes["f", 1][0]) is None

    def test_encoding(self, tmp_path):
        """The text of a file is read in the encoding that its first lines name."""
        path = tmp_path / "latin.py"
        path.write_bytes("# coding: latin-1\nname = 'Zürich'\n".encode("latin-1"))

        assert [text.source.splitlines()[1] for text in texts.texts(str(path))] == ["name = 'Zürich'"]


@pytest.mark.parametrize("kind", KINDS)
class TestFunctions:
    def test_text(self, run, kind):
        """A function of a script goes by the text of the script. No bytecode is in the file."""
        obj = run("""
            import math
            def area(r, *, scale=2): return math.floor(r * scale)
            obj = area
            """)
        data = dumps(obj, kind)

        assert elsewhere(data)(2.6) == 5
        assert "appsnap.code.compiled" in named_in(data)
        assert "appsnap.code.bytecode" not in named_in(data)

    def test_text_is_kept_once(self, run, kind):
        """A text is in the file once, however many functions come from it."""
        obj = run(f"""
            # {"x" * 5_000}
            obj = [lambda: 1, lambda: 2, lambda: 3]
            """)

        assert len(dumps(obj, kind)) < 9_000
        assert [function() for function in came_back(obj, kind)] == [1, 2, 3]

    def test_shared_variable(self, run, kind):
        """Two functions that share a variable still share it."""
        up, get = came_back(
            run("""
                def counter():
                    n = 0
                    def up():
                        nonlocal n
                        n += 1
                        return n
                    def get(): return n
                    return up, get
                obj = counter()
                """),
            kind,
        )

        assert (up(), up(), get()) == (1, 2, 2)

    def test_variables(self, run, kind):
        """A variable may be empty, be None, or hold its own function."""
        none, itself, empty = came_back(
            run("""
                def make():
                    nothing = None
                    def none(): return nothing
                    def itself(n): return n and itself(n - 1) + 1
                    def empty(): return later
                    if nothing: later = 1
                    return none, itself, empty
                obj = make()
                """),
            kind,
        )

        assert none() is None
        assert itself(3) == 3
        with pytest.raises(NameError):
            empty()

    def test_attributes(self, run, kind):
        """A function keeps its defaults, annotations, attributes, and changed names."""
        back = came_back(
            run('''
                def f(a: int, b=[1], *, c={"k": 2}) -> str:
                    """Doc."""
                    return a, b, c
                f.tag = "blue"
                f.__name__ = "renamed"
                f.__doc__ = None
                obj = f
                '''),
            kind,
        )

        assert back(0) == (0, [1], {"k": 2})
        assert back.__annotations__ == {"a": int, "return": str}
        assert (back.tag, back.__name__, back.__doc__) == ("blue", "renamed", None)

    def test_renamed(self, run, kind):
        """A function that got another name is the function of its script, and keeps that name."""
        obj = run("""
            def f(): return 5
            f.__name__, f.__qualname__ = 'g', 'Other.g'
            obj = f
            """)
        back = came_back(obj, kind)

        assert back() == 5
        assert (back.__name__, back.__qualname__) == ("g", "Other.g")

    def test_global_names_are_shared(self, run, kind):
        """Functions of one script have one global namespace."""
        put, get = came_back(
            run("""
                value = 0
                def put(n):
                    global value
                    value = n
                def get(): return value
                obj = put, get
                """),
            kind,
        )
        put(5)

        assert get() == 5

    def test_submodule(self, kind):
        """A submodule that a function uses by its package is imported where it is loaded."""
        source = """
            import xml.dom.minidom
            def f(): return xml.dom.minidom.parseString("<a/>").documentElement.tagName
            """
        names = {"__name__": "<x>"}
        exec(textwrap.dedent(source), names)
        data = dumps(names["f"], kind)

        assert "xml.dom.minidom" in named_in(data)
        assert elsewhere(data)() == "a"

    def test_edited_script(self, run, kind, tmp_path):
        """A script that was edited since it was run is saved as it was."""
        obj = run("obj = lambda: 1\n")
        (tmp_path / "hello.py").write_text("obj = lambda: 2\n", encoding="utf-8")
        data = dumps(obj, kind)

        assert elsewhere(data)() == 1
        assert "appsnap.code.compiled" in named_in(data)

    def test_cell(self, kind):
        """The cell of a notebook is a text, too, if Python knows its lines for tracebacks."""
        lines = ["class A:\n", "    def f(self): return 1\n", "obj = [A(), lambda: 2]\n"]
        linecache.cache["<cell 1>"] = (0, None, lines, "<cell 1>")
        names = {"__name__": "__main__"}
        exec(compile("".join(lines), "<cell 1>", "exec"), names)
        data = dumps(names["obj"], kind)
        del linecache.cache["<cell 1>"]
        one, function = elsewhere(data)

        assert (one.f(), function()) == (1, 2)
        assert not {"appsnap.code.bytecode", "appsnap.code.skeletons.skeleton"} & {*named_in(data)}

    def test_script_that_edits_itself(self, kind, tmp_path):
        """So is the main script, but as bytecode: nobody has its old text. A class is taken apart, too."""
        path = tmp_path / "edits.py"
        text = """
            import enum, os, sys, appsnap
            class Color(enum.Enum): RED = 1
            with open(__file__) as file: text = file.read()
            with open(__file__, "w") as file: file.write(text.replace("= 1", "= 2"))
            later = os.stat(__file__).st_mtime + 3600
            os.utime(__file__, (later, later))
            appsnap.save([lambda: Color.RED.value, lambda: 1, Color.RED], sys.argv[1], kind=sys.argv[2])
            """
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        subprocess.run([sys.executable, path, tmp_path / "saved", kind], check=True, capture_output=True)
        skeletons._alive.clear()
        function, _, red = appsnap.load(tmp_path / "saved", trust=EVERYTHING)

        assert (function(), red.value) == (1, 1)

    def test_bytecode_of_another_python(self, kind, monkeypatch):
        """Bytecode of another Python is refused, with the path and both versions."""
        data = dumps({"f": eval("lambda: 1")}, kind)
        monkeypatch.setattr(code, "MAGIC", 1)
        monkeypatch.setattr(texts, "VERSION", "3.99")

        with pytest.raises(CannotBuild) as caught:
            elsewhere(data)

        for word in ('object["f"]', "Python 3.99", f"Python {sys.version_info[0]}.{sys.version_info[1]}"):
            assert word in str(caught.value)
        assert "module" in caught.value.hint

    def test_missing_place(self, kind, monkeypatch, run):
        """A place that a text doesn't have here is refused, with the path and both versions."""
        data = dumps({"f": run("obj = lambda: 1\n")}, kind)
        monkeypatch.setattr(Text, "code_at", lambda *_: None)
        monkeypatch.setattr(texts, "VERSION", "3.99")

        with pytest.raises(CannotBuild, match=r'object\["f"\].*3\.99.*3\.1.*<lambda> at line 1'):
            elsewhere(data)

    def test_syntax_of_another_python(self, kind, run, monkeypatch):
        """A text that this Python can't compile is refused, with both versions."""
        obj = run("obj = [lambda: 1]\n")
        monkeypatch.setattr(texts, "VERSION", "3.99")
        data = dumps(obj, kind)
        monkeypatch.setattr(texts, "VERSION", "3.11")

        def refuse(*_, **__):
            raise SyntaxError("invalid syntax")

        monkeypatch.setattr("builtins.compile", refuse)
        with pytest.raises(CannotBuild, match="can't be compiled: invalid syntax"):
            elsewhere(data)

    def test_constant_that_no_compiler_makes(self, kind):
        """Code with an object of any class as its constant is refused when it is saved."""
        made = (lambda: 1).__code__
        changed = types.FunctionType(made.replace(co_consts=(*made.co_consts, object())), {})

        with pytest.raises(CannotSave, match="a constant that no compiler makes"):
            dumps(changed, kind)


SCRIPTS = """
== super
class A:
    def f(self): return 1
class B(A):
    def f(self): return super().f() + 1
obj = B()
--
assert obj.f() == 2
== dataclass
import dataclasses
@dataclasses.dataclass
class D:
    x: int
    y: list = dataclasses.field(default_factory=list)
obj = D(1)
--
assert obj == type(obj)(1)
assert dataclasses.asdict(obj) == {'x': 1, 'y': []}
== slots
import dataclasses
@dataclasses.dataclass(frozen=True, slots=True)
class D:
    x: int
    y: int = 2
obj = D(1)
--
assert (obj.x, obj.y) == (1, 2)
assert hash(obj) == hash(type(obj)(1))
== enum
import enum
class E(enum.Flag):
    NONE = 0
    A = 1
    B = 2
    BOTH = 3
    ONE = 1
    def f(self): return self.name
obj = [E.A, E.BOTH, E.ONE, E.NONE]
--
assert [x.value for x in obj] == [1, 3, 1, 0]
assert obj[0] is obj[2]
assert obj[0].f() == 'A'
== NamedTuple
import typing
class P(typing.NamedTuple):
    x: int
    y: int = 5
    def f(self): return self.x + self.y
obj = P(1)
--
assert obj.f() == 6
assert obj._replace(x=2).x == 2
== Generic
import typing
T = typing.TypeVar('T')
class G(typing.Generic[T]):
    def f(self) -> T: return 1
class H(G[int]): pass
obj = H()
--
assert obj.f() == 1
assert type(obj).__orig_bases__[0].__args__ == (int,)
== nested
class A:
    class B:
        class C: x = 1
obj = [A(), A.B.C()]
--
assert type(obj[1]) is type(obj[0]).B.C
== local
def make(n):
    class L:
        def f(self): return n
    return L
obj = [make(1)(), make(2)()]
--
assert [x.f() for x in obj] == [1, 2]
== later
class A:
    n = 0
    gone = 1
    def f(self, x=1): return x
A.n = 5
A.g = lambda self: 7
del A.gone
A.f.__defaults__ = (9,)
obj = A()
--
assert (obj.n, obj.g(), obj.f()) == (5, 7, 9)
assert not hasattr(obj, 'gone')
== list
class A:
    kept = []
A.kept.append(1)
obj = [A(), A.kept]
--
assert obj[0].kept is obj[1]
assert obj[1] == [1]
== lambdas
class A:
    n = 2
    f = staticmethod(lambda x: x)
    key = [lambda k=k: k for k in range(2)]
obj = A()
--
assert obj.f(3) == 3
assert obj.key[1]() == 1
== rebound
class A:
    def f(self): return 1
old = A()
class A(A):
    def f(self): return super().f() + 1
new = A()
A = None
obj = [old, new]
--
assert [x.f() for x in obj] == [1, 2]
assert isinstance(obj[1], type(obj[0]))
== mutual
class A:
    def f(self): return B()
class B(A):
    def f(self): return A()
obj = [A(), B()]
--
assert type(obj[0].f()) is type(obj[1])
assert type(obj[1].f()) is type(obj[0])
== abstract
import abc
class A(abc.ABC):
    @abc.abstractmethod
    def f(self): ...
@A.register
class B: pass
obj = [B(), A]
--
assert isinstance(obj[0], obj[1])
assert obj[1].__abstractmethods__ == {'f'}
== names
NAMES = []
def register(cls):
    NAMES.append(cls.__name__)
    return cls
@register
class A: pass
obj = [A(), NAMES]
--
assert obj[1] == ['A']
== hook
SEEN = []
class P:
    number = 0
    def __init_subclass__(cls, *, tag):
        SEEN.append(tag)
        P.number += 1
        cls.tag = tag
class A(P, tag='t'): pass
obj = [A(), SEEN, P]
--
assert obj[1] == ['t']
assert obj[2].number == 1
assert obj[0].tag == 't'
== hooked
SEEN = []
class P:
    parts = []
    def __init_subclass__(cls):
        P.parts.append(cls)
        SEEN.append(1)
class A(P):
    def seen(self): return SEEN
class B(A): pass
obj = [A(), P]
--
assert [cls.__name__ for cls in obj[1].parts] == ['A', 'B']
assert obj[0].seen() == [1, 1]
== metaclass
MADE = {}
class M(type):
    def __new__(m, n, b, d):
        c = super().__new__(m, n, b, d)
        MADE[n] = c
        return c
class A(metaclass=M): x = 1
obj = [A(), MADE, M]
--
assert list(obj[1]) == ['A']
assert obj[1]['A'] is type(obj[0])
assert type(type(obj[0])) is obj[2]
== circle
ALL = {}
def add(cls):
    ALL['a'] = cls
    return cls
@add
class A:
    def f(self): return ALL
obj = [A(), ALL]
--
assert obj[1]['a'] is type(obj[0])
assert obj[0].f() is obj[1]
== wrapper
def twice(cls):
    class Twice(cls):
        def f(self): return super().f() * 2
    Twice.__qualname__ = cls.__qualname__
    return Twice
@twice
class A:
    def f(self): return 2
obj = A()
--
assert obj.f() == 4
== cached
import functools
class A:
    @functools.cached_property
    def p(self): return [1]
    @functools.lru_cache
    def f(self, x): return x
obj = A()
--
assert obj.p is obj.p
assert obj.f(3) == 3
== private
class A:
    __slots__ = ('__x',)
    def __init__(self): self.__x = 1
    def f(self): return self.__x
obj = A()
--
assert obj.f() == 1
== future
from __future__ import annotations
import dataclasses, typing
@dataclasses.dataclass
class A:
    n: typing.ClassVar[int] = 1
    x: Unknown = 2
obj = A()
--
assert dataclasses.asdict(obj) == {'x': 2}
== TypedDict
import typing
class A(typing.TypedDict): a: int
class B(A, total=False): b: str
obj = B
--
assert obj(a=1) == {'a': 1}
assert obj.__optional_keys__ == {'b'}
assert obj.__required_keys__ == {'a'}
== loop
import dataclasses
made = []
for number in range(3):
    @dataclasses.dataclass
    class A:
        n: int = number
    made.append(A())
obj = made
--
assert [type(one)().n for one in obj] == [0, 1, 2]
== namedtuple
import collections
P = collections.namedtuple('P', 'x y', defaults=[2])
obj = P(1)
--
assert obj == (1, 2)
assert obj._asdict() == {'x': 1, 'y': 2}
== renamed fields
import collections
P = collections.namedtuple('P', 'a class b', rename=True, defaults=[7])
obj = P(1, 2)
--
assert obj._asdict() == {'a': 1, '_1': 2, 'b': 7}
== structure of ctypes
import ctypes
class P(ctypes.Structure):
    _fields_ = [('x', ctypes.c_int), ('y', ctypes.c_double)]
    def sum(self): return self.x + self.y
obj = P(1, 2.5)
--
assert obj.sum() == 3.5
== base from a call
import collections
class P(collections.namedtuple('P', 'x y')):
    def __new__(cls, x, y=2): return super().__new__(cls, int(x), y)
    def sum(self): return self.x + self.y
obj = P('1')
obj.note = 'n'
--
assert (obj.sum(), obj.note, obj._fields) == (3, 'n', ('x', 'y'))
assert type(obj)('5').sum() == 7
== base from a generic model
import pydantic
class A(pydantic.RootModel[list[int]]):
    def f(self): return len(self.root)
obj = A([1, 2])
--
assert obj.f() == 2
assert type(obj)(['4']).root == [4]
== base from a function
def make_base(n):
    class Base:
        def f(self): return n
    return Base
class A(make_base(3)):
    def g(self): return super().f() + 1
obj = A()
--
assert obj.g() == 4
"""
CLASSES = {
    name: tuple(body.split("\n--\n"))
    for name, _, body in (part.partition("\n") for part in SCRIPTS.lstrip("\n").removeprefix("== ").split("\n== "))
}
"""Each name with a script, and the checks of the object that it saves."""


@pytest.mark.parametrize("kind", KINDS)
class TestClasses:
    @pytest.mark.parametrize("case", CLASSES)
    def test_class(self, run, kind, case):
        """A class of a script comes back with all that it has, also after a second save without the script."""
        source, check = CLASSES[case]
        data = dumps(run(source), kind)
        first = elsewhere(data)
        again = elsewhere(dumps(first, kind))

        for obj in (first, again):
            exec(check, {"obj": obj, "dataclasses": dataclasses})

    @pytest.mark.parametrize("case", sorted({*CLASSES} - {"circle", "loop", "wrapper", "base from a generic model"}))
    def test_other_python(self, run, kind, case, monkeypatch):
        """Another Python runs the statement of a class. It takes nothing that this Python compiled or generated."""
        source, check = CLASSES[case]
        data = dumps(run(source), kind)
        monkeypatch.setattr(code, "MAGIC", 1)
        monkeypatch.setattr(skeletons, "MAGIC", 1)

        if case == "metaclass":
            with pytest.raises(CannotBuild, match="can't be made from its source text"):
                elsewhere(data)
        else:
            exec(check, {"obj": elsewhere(data), "dataclasses": dataclasses})

    @pytest.mark.parametrize("case", ["circle", "loop", "wrapper"])
    def test_class_without_statement(self, run, kind, case, monkeypatch):
        """A class that no statement makes alone is refused by another Python, with the path and both versions."""
        source, _ = CLASSES[case]
        data = dumps({"it": run(source)}, kind)
        monkeypatch.setattr(skeletons, "MAGIC", 1)

        with pytest.raises(CannotBuild, match=r"this is Python 3\.\d+, and the code was saved by Python 3\.\d+"):
            elsewhere(data)

    def test_changed_bases(self, run, kind):
        """A class has the bases that it had, although the statement would find others now."""
        obj = run("""
            bases = [dict]
            class A(bases[0]):
                def f(self): return 1
            bases[0] = list
            obj = A()
            """)

        assert type(came_back(obj, kind)).__mro__[1] is dict

    def test_other_bases(self, kind):
        """A file that claims another number of bases than the statement has is refused."""
        text = Text("class A(dict): pass\n", "x.py")
        with pytest.raises(TypeError, match="gave it other bases"):
            code.class_(text, "A", 1, f"other {kind}", types.ModuleType("<x>"), {}, (dict, ValueError))

    def test_nested_class_saved_again(self, run, kind, monkeypatch):
        """A class within a class is known by the outer statement where that has been run, and not the script."""
        obj = run("""
            import enum
            class A:
                class B:
                    class C(enum.Enum):
                        X = 1
                table = {B.C.X: B}
                def f(self): return 1
            obj = [A(), A.B.C.X]
            """)
        again = dumps(came_back(obj, kind), kind)
        monkeypatch.setattr(code, "MAGIC", 1)
        monkeypatch.setattr(skeletons, "MAGIC", 1)

        made, member = elsewhere(again)

        assert member is type(made).B.C.X
        assert made.table == {member: type(made).B}

    def test_functions_of_a_module(self, run, kind, tmp_path, monkeypatch):
        """Functions that a module gave to a class after its statement come back. They can't be imported."""
        (tmp_path / "giving.py").write_text(
            textwrap.dedent("""
                def give(cls, n):
                    cls.given = lambda self: self.n + n
                    return cls
                def make():
                    class Local:
                        n = 5
                        def get(self): return self.n
                    return give(Local, 20)()
                """)
        )
        monkeypatch.syspath_prepend(tmp_path)
        obj = run("""
            import giving
            class A:
                n = 1
                def get(self): return self.n
            giving.give(A, 10)
            obj = [A(), giving.make()]
            """)
        back = came_back(obj, kind)
        monkeypatch.delitem(sys.modules, "giving")

        assert [part.given() for part in back] == [11, 25]

    def test_sentinel_of_a_class_that_is_alive(self, run, kind):
        """A bare object that a script compares by `is` stays the one that the class knows, after several loads, too."""
        obj = run("""
            UNSET = object()
            class A:
                MARK = object()
                def __init__(self, value=UNSET): self.value, self.mark = value, A.MARK
                def is_set(self): return self.value is not UNSET or self.mark is not A.MARK
            obj = A()
            """)
        data = dumps(obj, kind)
        first = elsewhere(data)

        for made in (loads(data, trust=EVERYTHING), loads(dumps(first, kind), trust=EVERYTHING), first):
            assert not made.is_set()
            assert type(made) is type(first)

    def test_class_that_is_alive(self, run, kind):
        """A load leaves a class that is alive as it is."""
        obj = run("""
            class A:
                n = 1
                def f(self): return 1
            A.n = 2
            obj = A()
            """)
        data = dumps(obj, kind)
        type(obj).n = 3
        back = loads(data, trust=EVERYTHING)

        assert type(back) is type(obj)
        assert type(obj).n == 3


class TestUnmarked:
    """Bytecode without a magic number, in pickles by cloudpickle."""

    @pytest.mark.parametrize("trust", [EVERYTHING])
    def test_is_refused(self, trust):
        """It is refused, with the way to say which Python wrote it."""
        with pytest.raises(CannotBuild, match="nothing says which Python the code is for") as caught:
            loads(cloudpickle.dumps({"f": lambda: 1}), trust=trust)

        assert "code_from='3.11'" in caught.value.hint

    def test_of_this_python(self):
        """Whoever knows that this version of Python wrote it may say so."""
        back = loads(cloudpickle.dumps(lambda: 1), trust=EVERYTHING, code_from=texts.VERSION)

        assert back() == 1

    def test_version_in_full(self):
        """The version may be as Python tells it."""
        full = sys.version.partition(" ")[0]

        assert loads(cloudpickle.dumps(lambda: 1), trust=EVERYTHING, code_from=full)() == 1

    @pytest.mark.parametrize(("version", "error"), [(3.11, TypeError), ("", ValueError), ("3.11 or so", ValueError)])
    def test_no_version(self, version, error):
        """Another argument is refused as what it is, not as another Python."""
        with pytest.raises(error, match=r"version of a Python"):
            loads(cloudpickle.dumps(lambda: 1), trust=EVERYTHING, code_from=version)

    def test_of_another_python(self):
        """Code of another version is refused."""
        with pytest.raises(CannotBuild, match=r"saved by Python 3\.2"):
            loads(cloudpickle.dumps(lambda: 1), trust=EVERYTHING, code_from="3.2")

    @pytest.mark.parametrize("kind", KINDS)
    def test_converted(self, kind, tmp_path):
        """It stays refused when it is converted."""
        (tmp_path / "f.pickle").write_bytes(cloudpickle.dumps(lambda: 1))
        appsnap.open_snapshot(tmp_path / "f.pickle").save(tmp_path / "f.new", kind=kind)

        with pytest.raises(CannotBuild, match="nothing says"):
            appsnap.load(tmp_path / "f.new", trust=EVERYTHING)


class TestProcess:
    def test_module_is_put_back(self, run):
        """While a statement runs, its module is in `sys.modules`; after it, the old one is."""
        before = sys.modules["__main__"]
        obj = run("class A:\n    def f(self): return 1\nobj = A()\n")
        type(obj).__module__ = "__main__"
        came_back(obj)

        assert sys.modules["__main__"] is before

    def test_classes_are_let_go(self, run):
        """Nothing keeps a class that was loaded."""
        data = dumps(run("class A:\n    def f(self): return 1\nobj = A()\n"))
        back = elsewhere(data)
        name = id(type(back))
        del back
        gc.collect()

        assert not any(id(found) == name and found.__name__ == "A" for found in code._statements)

    def test_spawned_child(self, tmp_path):
        """A class of a script that multiprocessing spawned is saved by value, not under the name `__mp_main__`."""
        path = tmp_path / "spawning.py"
        path.write_text(
            textwrap.dedent("""
                import multiprocessing, sys, appsnap
                class K:
                    def f(self): return 7
                def child(path): appsnap.save(K(), path)
                if __name__ == "__main__":
                    process = multiprocessing.get_context("spawn").Process(target=child, args=(sys.argv[1],))
                    process.start()
                    process.join()
                """),
            encoding="utf-8",
        )
        subprocess.run([sys.executable, path, tmp_path / "k.tap"], check=True)

        assert appsnap.load(tmp_path / "k.tap", trust=EVERYTHING).f() == 7
