"""Vectors of source files with statements, expressions and calls outside of the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, in_document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

SYSTEM = "from os import system\n"


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    body = in_document("source", vectors.under("source", "text"))
    _statements(body)
    _expressions(body)
    _helpers(body)


def _statements(body: Any) -> None:
    for name, text in [
        ("expression", "1\n"),
        ("call", "print('stolen')\n"),
        ("eval", "eval('1')\n"),
        ("import-star", "from os import *\n"),
        ("import-relative", "from . import os\n"),
        ("import-two", "import os, sys\n"),
        ("import-dotted", "import os.path\n"),
        ("if", "if 1:\n    x = 1\n"),
        ("while", "while True: x = 1\n"),
        ("for", "for x in (): y = 1\n"),
        ("def", "def f(): pass\n"),
        ("async-def", "async def f(): pass\n"),
        ("class", "class X: pass\n"),
        ("class-with-metaclass", "import os\nclass X(metaclass=os.system): pass\n"),
        ("decorator", "import os\n@os.system\ndef f(): pass\n"),
        ("with", "with x: pass\n"),
        ("try", "try:\n    x = 1\nfinally:\n    y = 1\n"),
        ("match", "match 1:\n    case _: x = 1\n"),
        ("assert", "assert 1\n"),
        ("raise", "raise ValueError\n"),
        ("del", "x = 1\ndel x\n"),
        ("global", "global x\n"),
        ("pass", "pass\n"),
        ("return", "return\n"),
        ("await", "await x\n"),
        ("yield", "yield 1\n"),
        ("augmented", "x = 1\nx += 1\n"),
        ("annotated", "x: int = 1\n"),
        ("annotation", "x: __import__('os').mkdir('stolen')\n"),
        ("chained", "x = y = 1\n"),
        ("unpacked", "x, y = 1, 2\n"),
        ("starred", "*x, = []\n"),
        ("attribute-target", "import os\nos.name = 1\n"),
        ("item-target", "x = []\nx[0] = 1\n"),
        ("item-of-environment", "from os import environ\nenviron['PATH'] = ''\n"),
        ("walrus", "(x := 1)\n"),
        ("type-alias", "type X = int\n"),
        ("semicolons", "import os; os.system('touch stolen')\n"),
        ("docstring", "'text'\n"),
    ]:
        body(f"statement-{name}", "damaged", f"{text}application = None\n", f"A statement that isn't of the grammar: {name.replace('-', ' ')}.")
    for name, text in [
        ("text", 'x = """\napplication = 1\n"""\napplication = x\n'),
        ("text-import", "x = '''\nimport os\n'''\napplication = x\n"),
        ("text-comment", 'x = """a\n# b"""\napplication = x\n'),
        ("text-joined", 'x = "a\\\nimport os"\napplication = x\n'),
        ("item", "application = [\n1]\n"),
        ("keyword", "from appsnap.actions import new\nfrom harmless import Plain\napplication = new(Plain,\nname=1)\n"),
        ("behind-backslash", "application = \\\n1\n"),
        ("comma", "application = [\n    1\n, 2]\n"),
    ]:
        body(f"column-0-{name}", "damaged", text, f"A line within a statement that begins in column 0: {name.replace('-', ' ')}.", trust=PLAIN)
    for name, text, result in [
        ("base64", "from_base64('AAEC')", repr(b"\0\1\2")),
        ("packed", "packed('>i2', [1, -2], [3])", repr(b"\0\1\xff\xfe\0\3")),
        ("product", "24 * -(60 * 60)", "-86400"),
        ("keywords", "timedelta(hours=1.5, weeks=2)", "datetime.timedelta(days=14, seconds=5400)"),
        ("zone", "datetime(2026, 5, 1, tzinfo=timezone.utc)", "datetime.datetime(2026, 5, 1, 0, 0, tzinfo=datetime.timezone.utc)"),
    ]:
        typed = f"from appsnap.actions import from_base64, packed\nfrom datetime import datetime, timedelta, timezone\napplication = {text}\n"
        body(f"typed-{name}", "loads", typed, f"As people type it: {text}.", result=result)
    for name, text in [
        ("text", "'a' * 3"),
        ("list", "[0] * 3"),
        ("sum", "1 + 1"),
        ("power", "2 ** 3"),
        ("base64", "from_base64('A')"),
        ("base64-letters", "bytearray(from_base64('AA!A'))"),
        ("packed-form", "packed('<q', [1])"),
        ("packed-size", "packed('<i1', [300])"),
        ("packed-texts", "packed('<f8', ['1'])"),
        ("packed-nested", "packed('<f8', [[1]])"),
        ("digits", f"{'9' * 4000} * {'9' * 4000}"),
        ("keyword", "timedelta(day=1)"),
        ("keyword-twice", "timedelta(1, days=1)"),
        ("overflow", "timedelta(weeks=10 * 999999999)"),
    ]:
        typed = f"from appsnap.actions import from_base64, packed\nfrom datetime import datetime, timedelta, timezone\napplication = {text}\n"
        body(f"mistyped-{name}", "damaged", typed, f"A product or a keyword that isn't of the grammar: {name}.")
    clock = "from datetime import datetime, timezone\napplication = datetime.now(tz=timezone.utc)\n"
    body("keyword-of-clock", "not trusted", clock, "A call with a keyword, of a function that makes no value.")
    body("column-0-bracket", "loads", "application = [\n# one\n    1,\n]\n", "A bracket and a comment in column 0.", result="[1]")
    body("column-0-line-of-text", "loads", 'application = """\n1\n"""\n', "A line of a text that looks like no statement.", result=repr("\n1\n"))
    body("no-application", "damaged", "x = 1\n", "No application.")
    body("nothing", "damaged", "", "No statements.")
    body("behind-application", "damaged", "application = None\nx = 1\n", "A statement behind the last one.")
    body("application-twice", "damaged", "application = None\napplication = 1\n", "Two applications.")
    body("application-imported", "damaged", "import application\napplication = 1\n", "A module named application.")
    body("bound-twice", "damaged", "x = 1\nx = 2\napplication = x\n", "A variable that is bound twice.")
    body("bound-by-import", "damaged", "x = 1\nfrom os import path as x\napplication = x\n", "A variable that is bound twice, by an import.")
    body("bound-later", "damaged", "application = x\n", "A variable that isn't bound.")
    body("bound-to-itself", "damaged", "x = [x]\napplication = x\n", "A variable in its own value.")
    for helper in ("new", "state", "named", "set", "frozenset", "getattr", "float", "bytearray"):
        body(
            f"shadows-{helper}",
            "damaged",
            f"from os import system as {helper}\napplication = {helper}('touch stolen')\n",
            f"A name that takes the place of {helper}.",
        )
    body("helper-renamed", "damaged", "from appsnap.actions import named as list\napplication = list('os', 'system')\n", "A helper under another name.")
    body("helper-unknown", "damaged", "from appsnap.actions import restore_state\napplication = None\n", "A helper that there isn't.")
    body("helper-from-module", "not trusted", "import appsnap.actions as s\napplication = s.named('os', 'system')\n", "A helper by way of its module.")
    body("builtin-by-import", "not trusted", "from builtins import eval\napplication = eval('1')\n", "eval, imported.")
    body("builtin-renamed", "not trusted", "from builtins import eval as list_1\napplication = list_1('1')\n", "eval, under a harmless name.")
    body("system", "not trusted", f"{SYSTEM}application = system('touch stolen')\n", "os.system is called.")
    body("system-by-attribute", "not trusted", "import os\napplication = os.system('touch stolen')\n", "os.system is called, by attribute.")
    body("system-by-module", "not trusted", "import os as list\nx = list.system\napplication = x('touch stolen')\n", "os.system is called, in steps.")
    body(
        "system-by-named",
        "not trusted",
        "from appsnap.actions import named\napplication = named('os', 'system')('touch stolen')\n",
        "os.system is called, by named.",
    )
    body("system-by-path", "not trusted", "import pathlib\napplication = pathlib.os.system('touch stolen')\n", "os.system by way of another module.")
    body("future", "not trusted", "from __future__ import annotations\napplication = annotations\n", "An import of a future.")
    body("main", "not trusted", "from __main__ import x\napplication = x\n", "A name of the program that loads it.")
    body("relative-named", "not trusted", "from appsnap.actions import named\napplication = named('.os', 'system')\n", "A relative module, by thing.")
    body("unused-import", "loads", "import canary_module\napplication = None\n", "A module that nothing refers to isn't imported.", result="None")


def _expressions(body: Any) -> None:
    for name, text in [
        ("eval", "eval('1')"),
        ("import", "__import__('os')"),
        ("lambda", "lambda: 1"),
        ("conditional", "1 if 1 else 2"),
        ("sum", "1 + 1"),
        ("string-sum", "'a' + 'b'"),
        ("string-product", "'a' * 10_000_000_000"),
        ("power", "9 ** 9 ** 9"),
        ("shift", "1 << 10_000_000_000"),
        ("percent", "'%1000000000d' % 1"),
        ("f-string", "f'{1}'"),
        ("f-string-format", "f'{1:1000000000}'"),
        ("f-string-call", 'f\'{__import__("os").mkdir("stolen")}\''),
        ("comparison", "1 < 2"),
        ("not", "not 1"),
        ("and", "1 and 2"),
        ("invert", "~1"),
        ("plus", "+1"),
        ("minus-text", "-'a'"),
        ("minus-twice", "--1"),
        ("complex", "1j"),
        ("ellipsis", "..."),
        ("item", "[1][0]"),
        ("slice", "[1][:]"),
        ("comprehension", "[x for x in ()]"),
        ("generator", "(x for x in ())"),
        ("dict-comprehension", "{x: 1 for x in ()}"),
        ("starred", "[*[]]"),
        ("dict-starred", "{**{}}"),
        ("await", "await 1"),
        ("yield", "(yield)"),
        ("walrus", "(x := 1)"),
        ("call-of-literal", "'a'()"),
        ("call-of-number", "1()"),
        ("call-with-star", "getattr(*[])"),
        ("call-with-keywords", "set(a=1)"),
        ("name-of-builtin", "list"),
        ("debug", "__debug__"),
        ("name", "__name__"),
        ("builtins", "__builtins__"),
        ("getattr-of-expression", "getattr([], 'a' 'b' + '')"),
        ("getattr-of-number", "getattr([], 1)"),
        ("getattr-default", "getattr([], 'a', 1)"),
        ("set-of-list", "set([1])"),
        ("frozenset-of-list", "frozenset([1])"),
        ("float-of-digits", "float('1')"),
        ("float-of-text", "float('nan(0x7)')"),
        ("bytearray-of-number", "bytearray(100_000_000_000)"),
        ("bytearray-of-text", "bytearray('a')"),
        ("digits", "1" * 5000),
        ("bytes-not-ascii", "b'ä'"),
        ("escape-cut-off", "'\\x4'"),
        ("escape-name", "'\\N{NOTHING}'"),
        ("escape-too-large", "'\\U00110000'"),
        ("leading-zero", "01"),
        ("empty-set-braces-of-dict", "{1, 2: 3}"),
    ]:
        body(f"expression-{name}", "damaged", f"application = {text}\n", f"An expression that isn't of the grammar: {name.replace('-', ' ')}.")
    body("expression-method-of-text", "loads", "application = 'a'.upper\n", "A method of a text.")
    body("expression-method-called", "not trusted", "application = 'a'.upper()\n", "A method of a text is called.")
    body("expression-class", "not trusted", "application = [].__class__\n", "The class of a list.")
    body("expression-subclasses", "not trusted", "application = ().__class__.__base__.__subclasses__()\n", "Every class, by the way of a tuple.")
    body("expression-format", "not trusted", "application = '{0.__class__}'.format(1)\n", "A format that looks into an object.")
    body("expression-infinity", "loads", "application = 1e999\n", "A number beyond all floats.", result="inf")
    body("expression-hex", "loads", "application = 0x_ff\n", "A number in base 16.", result="255")
    body("expression-warning", "loads", "application = '\\q'\n", "An escape that there isn't: no warning.", result="'\\\\q'")
    body("expression-joined", "loads", "application = 'a' 'b'\n", "Two texts side by side.", result="'ab'")
    body("expression-raw", "loads", "application = r'\\n'\n", "A raw text.", result="'\\\\n'")
    body("expression-true", "damaged", "application = -True\n", "Minus True, which is no number.")
    body("expression-nan-named", "loads", 'application = float("-nan")\n', "What is no number.", result="nan")


def _helpers(body: Any) -> None:
    head = "from harmless import Plain\nfrom appsnap.actions import add, extend, new, set_state, state, named, update\n"
    for name, text in [
        ("new-nothing", "new()"),
        ("new-number", "new(1)"),
        ("new-star", "new(*[Plain])"),
        ("new-two-stars", "new(Plain, **Plain)"),
        ("new-keys", "new(Plain, **{1: 2})"),
        ("state-nothing", "state()"),
        ("state-number", "state(1, a=1)"),
        ("state-two", "state(new(Plain), 1)"),
        ("state-keys", "state(new(Plain), **{1: 2})"),
        ("state-spread", "state(new(Plain), **{**{}})"),
        ("set-state-one", "set_state(new(Plain))"),
        ("set-state-keyword", "set_state(new(Plain), state={})"),
        ("extend-tuple", "extend([], (1,))"),
        ("extend-variable", "extend([], Plain)"),
        ("extend-number", "extend(1, [])"),
        ("add-set", "add(set(), {1})"),
        ("update-list", "update({}, [])"),
        ("update-spread", "update({}, {**{}})"),
        ("named-nothing", "named()"),
        ("named-variable", "named(Plain)"),
        ("named-three", "named('a', 'b', 'c')"),
        ("named-keyword", "named(module='os')"),
        ("named-bytes", "named(b'os', 'system')"),
        ("float-keyword", "float(x='nan')"),
    ]:
        body(f"helper-{name}", "damaged", f"{head}application = {text}\n", f"A helper with what it doesn't take: {text}.", trust=PLAIN)
    body("helper-same-attribute", "damaged", f"{head}application = state(new(Plain), a=1, **{{'a': 2}})\n", "An attribute twice.", trust=PLAIN)
    body(
        "helper-class-attribute", "not trusted", f"{head}application = state(new(Plain), __class__=Plain)\n", "An attribute that is Python's own.", trust=PLAIN
    )
    body("helper-state-of-class", "not trusted", f"{head}application = state(Plain, a=1)\n", "The state of a class.", trust=PLAIN)
    body("helper-empty-named", "damaged", f"{head}application = named('')\n", "A module without name.")
    body("helper-name-of-helpers", "not trusted", f"{head}application = named('appsnap.actions', 'new')\n", "A helper that is referred to.")
