"""Vectors of the source and xml kinds: what a grammar must not let through, and what looks other than it is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from vectors.spelling import document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add_source", "add_xml"]

PLAIN = ("harmless.Plain",)
SYSTEM = "from os import system\n"


def add_source(vectors: Vectors) -> None:
    """Add the vectors of the source kind."""

    def body(name: str, expect: str, text: str | bytes, about: str, **more: Any) -> None:
        vectors.add(f"text-{name}", "source", expect, document("source", text), about, **more)

    def whole(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"text-{name}", "source", expect, payload, about, **more)

    _statements(body)
    _expressions(body)
    _alphabet(body, whole)
    _helpers(body)
    _source_lines(whole)
    _source_costs(body, whole)
    _source_growth(vectors)


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
    body("no-application", "damaged", "x = 1\n", "No application.")
    body("nothing", "damaged", "", "No statements.")
    body("behind-application", "damaged", "application = None\nx = 1\n", "A statement behind the last one.")
    body("application-twice", "damaged", "application = None\napplication = 1\n", "Two applications.")
    body("application-imported", "damaged", "import application\napplication = 1\n", "A module named application.")
    body("bound-twice", "damaged", "x = 1\nx = 2\napplication = x\n", "A variable that is bound twice.")
    body("bound-by-import", "damaged", "x = 1\nfrom os import path as x\napplication = x\n", "A variable that is bound twice, by an import.")
    body("bound-later", "damaged", "application = x\n", "A variable that isn't bound.")
    body("bound-to-itself", "damaged", "x = [x]\napplication = x\n", "A variable in its own value.")
    for helper in ("new", "state", "thing", "set", "frozenset", "getattr", "float", "bytearray"):
        body(
            f"shadows-{helper}",
            "damaged",
            f"from os import system as {helper}\napplication = {helper}('touch stolen')\n",
            f"A name that takes the place of {helper}.",
        )
    body("helper-renamed", "damaged", "from appsnap.source import thing as list\napplication = list('os', 'system')\n", "A helper under another name.")
    body("helper-unknown", "damaged", "from appsnap.source import restore_state\napplication = None\n", "A helper that there isn't.")
    body("helper-from-module", "not trusted", "import appsnap.source as s\napplication = s.thing('os', 'system')\n", "A helper by way of its module.")
    body("builtin-by-import", "not trusted", "from builtins import eval\napplication = eval('1')\n", "eval, imported.")
    body("builtin-renamed", "not trusted", "from builtins import eval as list_1\napplication = list_1('1')\n", "eval, under a harmless name.")
    body("system", "not trusted", f"{SYSTEM}application = system('touch stolen')\n", "os.system is called.")
    body("system-by-attribute", "not trusted", "import os\napplication = os.system('touch stolen')\n", "os.system is called, by attribute.")
    body("system-by-module", "not trusted", "import os as list\nx = list.system\napplication = x('touch stolen')\n", "os.system is called, in steps.")
    body(
        "system-by-thing",
        "not trusted",
        "from appsnap.source import thing\napplication = thing('os', 'system')('touch stolen')\n",
        "os.system is called, by thing.",
    )
    body("system-by-path", "not trusted", "import pathlib\napplication = pathlib.os.system('touch stolen')\n", "os.system by way of another module.")
    body("future", "not trusted", "from __future__ import annotations\napplication = annotations\n", "An import of a future.")
    body("main", "not trusted", "from __main__ import x\napplication = x\n", "A name of the program that loads it.")
    body("relative-thing", "not trusted", "from appsnap.source import thing\napplication = thing('.os', 'system')\n", "A relative module, by thing.")
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
    body("expression-class", "cannot load", "application = [].__class__\n", "The class of a list.")
    body("expression-subclasses", "not trusted", "application = ().__class__.__base__.__subclasses__()\n", "Every class, by the way of a tuple.")
    body("expression-format", "not trusted", "application = '{0.__class__}'.format(1)\n", "A format that looks into an object.")
    body("expression-infinity", "loads", "application = 1e999\n", "A number beyond all floats.", result="inf")
    body("expression-hex", "loads", "application = 0x_ff\n", "A number in base 16.", result="255")
    body("expression-warning", "loads", "application = '\\q'\n", "An escape that there isn't: no warning.", result="'\\\\q'")
    body("expression-joined", "loads", "application = 'a' 'b'\n", "Two texts side by side.", result="'ab'")
    body("expression-raw", "loads", "application = r'\\n'\n", "A raw text.", result="'\\\\n'")
    body("expression-true", "damaged", "application = -True\n", "Minus True, which is no number.")
    body("expression-nan-named", "loads", 'application = float("-nan")\n', "What is no number.", result="nan")


def _alphabet(body: Any, whole: Any) -> None:
    for name, char in [
        ("nul", "\0"), ("return", "\r"), ("form-feed", "\x0c"), ("vertical-tab", "\x0b"), ("escape", "\x1b"), ("delete", "\x7f"),
        ("next-line", "\x85"), ("line-separator", "\u2028"), ("paragraph-separator", "\u2029"), ("bidi-override", "\u202e"),
        ("bidi-isolate", "\u2066"), ("bidi-mark", "\u200f"), ("arabic-mark", "\u061c"), ("bom", "\ufeff"), ("substitute", "\x1a"),
    ]:  # fmt: skip
        body(f"alphabet-{name}-in-comment", "damaged", f"# a{char}import os\napplication = None\n", "A character by which a comment can look other than it is.")
        body(f"alphabet-{name}-in-text", "damaged", f"application = 'a{char}b'\n", "A character by which a text can look other than it is.")
    for name, text, about in [
        ("full-width-call", "application = ｅval('1')\n", "eval in full-width letters, which Python takes for eval."),
        ("full-width-variable", "ａ = 1\napplication = a\n", "A variable in full-width letters."),
        (
            "full-width-keyword",
            "from harmless import Plain\nfrom appsnap.source import new, state\napplication = state(new(Plain), ｎame=1)\n",
            "An attribute in full-width letters.",
        ),
        ("full-width-attribute", "import harmless\napplication = harmless.Ｐlain\n", "A class in full-width letters."),
        ("full-width-import", "import ｏs\napplication = None\n", "A module in full-width letters."),
        ("cyrillic", "import \u043es\napplication = None\n", "A module with a Cyrillic letter."),
        ("greek", "\u03b1 = 1\napplication = \u03b1\n", "A variable in Greek."),
        ("combining", "e\u0301 = 1\napplication = None\n", "A variable with a combining accent."),
        ("zero-width", "a\u200bb = 1\napplication = None\n", "A space of no width in a variable."),
        ("no-break-space", "a\u00a0= 1\napplication = None\n", "A space that is none."),
        ("full-width-digit", "application = \uff11\n", "A digit in full width."),
        ("full-width-bracket", "application = \uff08\uff09\n", "Brackets in full width."),
        ("superscript", "x\u00b2 = 1\napplication = None\n", "A superscript in a variable."),
    ]:
        body(f"letters-{name}", "damaged", text, about, trust=PLAIN)
    body("alphabet-text", "loads", "application = 'ä\uff45\u0301'\n", "Letters of all sorts in a text.", result=repr("ä\uff45\u0301"))
    body("alphabet-comment", "loads", "# ä\uff45\napplication = None\n", "Letters of all sorts in a comment.", result="None")
    first = "# appsnap 1 source: {}\n"
    for name, payload, about in [
        ("utf-7", f"{first}# coding: utf-7\n# +AAo-import os\napplication = None\n".encode(), "An encoding in which the comment is an import."),
        ("latin-1", f"{first}# coding: latin-1\napplication = 'ä'\n".encode(), "An encoding that the file doesn't have."),
        (
            "unicode-escape",
            f"{first}# coding: unicode_escape\n# \\u000aimport os\napplication = None\n".encode(),
            "An encoding in which the comment is an import.",
        ),
        (
            "raw-unicode-escape",
            f"{first}# -*- coding: raw_unicode_escape -*-\n# \\u000aimport os\napplication = None\n".encode(),
            "An encoding in which the comment is an import.",
        ),
        ("rot13", f"{first}# vim: set fileencoding=rot13 :\napplication = None\n".encode(), "An encoding that changes every letter."),
    ]:
        whole(f"coding-{name}", "loads", payload, f"{about} Comments say nothing: it is UTF-8.", result="'ä'" if name == "latin-1" else "None")
    for name, payload, about in [
        ("utf-16", f"{first}application = None\n".encode("utf-16"), "A file in UTF-16."),
        ("bom", b"\xef\xbb\xbf" + f"{first}application = None\n".encode(), "A byte order mark."),
        ("latin", f"{first}application = 'ä'\n".encode("latin-1"), "A file in Latin-1."),
        ("overlong", first.encode() + b"application = '\xc0\x80'\n", "A NUL in two bytes."),
        ("surrogate", first.encode() + b"application = '\xed\xa0\x80'\n", "A surrogate in UTF-8."),
        ("beyond", first.encode() + b"application = '\xf4\x90\x80\x80'\n", "A character beyond Unicode."),
        ("cut-off", first.encode() + b"application = None # \xc3", "A character that is cut off."),
        ("crlf", f"{first}application = None\n".replace("\n", "\r\n").encode(), "Line ends of another system."),
    ]:
        whole(f"bytes-{name}", "damaged", payload, about)


def _helpers(body: Any) -> None:
    head = "from harmless import Plain\nfrom appsnap.source import add, extend, new, set_state, state, thing, update\n"
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
        ("thing-nothing", "thing()"),
        ("thing-variable", "thing(Plain)"),
        ("thing-three", "thing('a', 'b', 'c')"),
        ("thing-keyword", "thing(module='os')"),
        ("thing-bytes", "thing(b'os', 'system')"),
        ("float-keyword", "float(x='nan')"),
    ]:
        body(f"helper-{name}", "damaged", f"{head}application = {text}\n", f"A helper with what it doesn't take: {text}.", trust=PLAIN)
    body("helper-same-attribute", "damaged", f"{head}application = state(new(Plain), a=1, **{{'a': 2}})\n", "An attribute twice.", trust=PLAIN)
    body(
        "helper-class-attribute", "not trusted", f"{head}application = state(new(Plain), __class__=Plain)\n", "An attribute that is Python's own.", trust=PLAIN
    )
    body("helper-state-of-class", "not trusted", f"{head}application = state(Plain, a=1)\n", "The state of a class.", trust=PLAIN)
    body("helper-empty-thing", "damaged", f"{head}application = thing('')\n", "A module without name.")
    body("helper-name-of-helpers", "not trusted", f"{head}application = thing('appsnap.source', 'new')\n", "A helper that is referred to.")


def _source_lines(whole: Any) -> None:
    body = b"application = None\n"
    for name, payload, expect, about in [
        ("header-missing", body, "damaged", "No header."),
        ("header-number", b"# appsnap x source: {}\n" + body, "damaged", "A format that is no number."),
        ("header-newer", b"# appsnap 2 source: {}\n" + body, "newer format", "A newer format."),
        ("header-newer-than-newer", b"# appsnap 999999999 source: {}\n" + body, "newer format", "A much newer format."),
        ("header-zero", b"# appsnap 0 source: {}\n" + body, "damaged", "Format 0."),
        ("header-long-number", b"# appsnap 9999999999 source: {}\n" + body, "damaged", "A format of ten digits."),
        ("header-kind", b"# appsnap 1 pickle: {}\n" + body, "damaged", "Another kind."),
        ("header-no-json", b"# appsnap 1 source: {x}\n" + body, "damaged", "A header that is no JSON."),
        ("header-list", b"# appsnap 1 source: []\n" + body, "damaged", "A header that is a list."),
        ("header-deep", b'# appsnap 1 source: {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n" + body, "damaged", "A header of 100,000 lists in each other."),
        ("header-digits", b'# appsnap 1 source: {"a": ' + b"9" * 5000 + b"}\n" + body, "damaged", "A number of 5,000 digits in the header."),
        ("header-name", b'# appsnap 1 source: {"name": 5}\n' + body, "damaged", "A name that is a number."),
        ("header-overrides", b'# appsnap 1 source: {"appsnap": 9, "kind": "pickle"}\n' + body, "loads", "A header that says what the line says already: the line counts."),
        ("header-same-key", b'# appsnap 1 source: {"name": 5, "name": "x"}\n' + body, "loads", "A key twice: the last one counts."),
        ("header-alone", b"# appsnap 1 source\n" + body, "loads", "A header without fields, as people write it."),
        ("header-without-end", b"# appsnap 1 source: {}", "damaged", "A header whose line doesn't end."),
        ("trailer-missing", b"# appsnap 1 source: {}\n" + body, "loads", "No trailer: the file was edited."),
        ("trailer-wrong", b"# appsnap 1 source: {}\n" + body + b'# appsnap trailer: {"sha256": "0"}\n', "loads", "A wrong checksum: the file was edited."),
        ("trailer-no-json", b"# appsnap 1 source: {}\n" + body + b"# appsnap trailer: {x}\n", "damaged", "A trailer that is no JSON."),
        ("trailer-steps", b"# appsnap 1 source: {}\n" + body + b'# appsnap trailer: {"sha256": "0", "steps": "x"}\n', "damaged", "A count that is a text."),
        ("trailer-distributions", b"# appsnap 1 source: {}\n" + body + b'# appsnap trailer: {"distributions": 5}\n', "damaged", "Distributions that are a number."),
        ("no-line-end", b"# appsnap 1 source: {}\napplication = None", "loads", "A last line without its end."),
        ("trailer-on-statement", b'# appsnap 1 source: {}\napplication = None # appsnap trailer: {"sha256": "0"}\n', "loads", "A trailer behind a statement."),
    ]:  # fmt: skip
        whole(f"line-{name}", expect, payload, about, result="None" if expect == "loads" else "")


def _source_costs(body: Any, whole: Any) -> None:
    deep = 3_000
    for name, text in [
        ("lists", "[" * deep + "]" * deep),
        ("tuples", "(" * deep + ",)" * deep),
        ("parentheses", "(" * deep + "1" + ")" * deep),
        ("dicts", "{1:" * deep + "1" + "}" * deep),
        ("minuses", "-" * 200_000 + "1"),
        ("nots", "not " * 100_000 + "1"),
        ("sums", "1" + "+1" * 100_000),
        ("attributes", "[]" + ".a" * 100_000),
        ("calls", "[]" + "()" * 100_000),
        ("items", "[]" + "[0]" * 100_000),
        ("comparisons", "1" + "<1" * 100_000),
        ("conditionals", "1 if 1 else " * 50_000 + "1"),
        ("lambdas", "lambda: " * 50_000 + "1"),
        ("strings", "f'{" * 200 + "1" + "}'" * 200),
        ("getattrs", "getattr(" * 90 + "[]" + ", 'a')" * 90),
    ]:
        expect = "cannot load" if name == "getattrs" else "damaged"
        body(f"deep-{name}", expect, f"application = {text}\n", f"An expression that is nested deep: {name}.")
    body("deep-lists-90", "loads", f"application = {'[' * 90}{']' * 90}\n", "90 lists in each other.")
    body("cost-one-statement", "damaged", f"application = [{'0, ' * 700_000}]\n", "A statement of 700,000 parts: its syntax tree takes 400 MB.")
    body("cost-one-set", "damaged", f"application = {{{'0, ' * 700_000}}}\n", "A statement of 700,000 parts: its syntax tree takes 400 MB.")
    body("cost-one-line-of-statements", "damaged", f"{'add([],[]);' * 200_000}\napplication = 1\n", "A line of 200,000 statements.")
    body(
        "cost-many-statements",
        "loads",
        f"{''.join(f'x{number} = [0]{chr(10)}' for number in range(10_000))}application = 1\n",
        "10,000 statements.",
        result="1",
    )
    body("cost-long-text", "loads", f"application = '{'x' * 1_000_000}'\n", "A text of a million letters.")
    body("cost-long-hex", "loads", f"application = 0x{'f' * 1_000_000}\n", "An integer of 4 million bits.")
    body("cost-comments", "loads", "# " + "x" * 1_000_000 + "\napplication = 1\n", "A comment of a million letters.", result="1")
    body("cost-empty-lines", "loads", "\n" * 1_000_000 + "application = 1\n", "A million empty lines.", result="1")
    body("cost-non-ascii", "loads", "application = [" + "'ä', " * 500 + "]\n", "500 texts that aren't ASCII.")
    body(
        "cost-names", "damaged", "import a as x0\n" + "".join(f"x{number + 1} = x{number}.abcdefgh\n" for number in range(10_000)) + "application = x10000\n",
        "A name in a name, 10,000 times: each holds all before it.",
    )  # fmt: skip
    whole(
        "cost-trailers", "loads", b"# appsnap 1 source: {}\napplication = None\n# " + b"# appsnap trailer: {}" * 50_000 + b"\n",
        "The beginning of a trailer 50,000 times in a line.", result="None",
    )  # fmt: skip
    whole("cost-headers", "damaged", b"# appsnap 1 source: {" + b"}" * 1_000_000 + b"x\n", "A header that ends a million times.")
    body("cost-brackets-in-column-0", "damaged", "application = [\n" + "]\n" * 100_000, "Closing brackets that don't fit.")
    body("cost-text-over-lines", "loads", "application = (\n" + "    'x'\n" * 50_000 + ")\n", "A text in 50,000 pieces.")


def _source_growth(vectors: Vectors) -> None:
    """Add what took more than linear time or memory."""

    def body(name: str, text: str, about: str) -> None:
        vectors.add(f"grows-{name}", "source", "damaged", document("source", text), about)

    open_ = '\\"' * 100_000
    header, trailer = f"# appsnap 1 source: {{{open_}}}\n", f"# appsnap trailer: {{{open_}}}\n"
    about = "has 100,000 open quotes, each of which could begin a text."
    vectors.add("grows-header", "source", "damaged", f"{header}application = 1\n".encode(), f"A header that {about}")
    vectors.add("grows-trailer", "source", "damaged", f"# appsnap 1 source\napplication = 1\n{trailer}".encode(), f"A trailer that {about}")
    open_ = 'application = """\n' + ' \\"""\n' * 17_500 + " \\"
    vectors.add("grows-open-text", "source", "damaged", f"# appsnap 1 source\n{open_}".encode(), "A text without end, and behind it many beginnings of others.")
    body("words", "application = a" + " and a" * 200_000 + "\n", "A statement of 200,000 operators that are words.")
    for name, quote in [("quotes", '"'), ("apostrophes", "'")]:
        line = f"x = {chr(92)}{quote}" + f"{chr(92)}{quote}" * 40_000
        body(name, f"{line}\n{'    ' * 10_000}\napplication = 1\n", "A long statement with 40,000 open quotes, each of which could begin a text.")
    numbers = "0, " * 500_000
    body("formatted", f'application = f"{{[{numbers}]}}"\n', "A statement of 500,000 parts in an f-string.")
    body(
        "three-quotes",
        f"""application = [\"\"\" " \"\"\", {numbers} ""]\n""",
        "A statement of 500,000 parts, which look like a text behind one in three quotes.",
    )
    body("backslash", f"""application = ["{chr(92)}\n", {numbers} ""]\n""", "A statement of 500,000 parts, which look like a text behind one that goes on.")
    body("long-integer", f"v = 0x{'f' * 20_000}\napplication = [{'v, ' * 10_000}]\n", "A long integer that is used 10,000 times: 200 MB in text.")


def add_xml(vectors: Vectors) -> None:
    """Add the vectors of the xml kind."""

    def body(name: str, expect: str, text: str | bytes, about: str, **more: Any) -> None:
        vectors.add(f"text-{name}", "xml", expect, document("xml", text), about, **more)

    def whole(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"text-{name}", "xml", expect, payload, about, **more)

    _elements(body)
    _documents(body, whole)
    _xml_costs(body)
    _xml_growth(vectors)


def _root(text: str) -> str:
    return f"  <root>{text}</root>\n"


def _elements(body: Any) -> None:
    for name, text in [
        ("unknown", "<eval>1</eval>"),
        ("empty", ""),
        ("two", "<none/><none/>"),
        ("namespace", '<none xmlns="urn:x"/>'),
        ("capitals", "<None/>"),
        ("int-empty", "<int/>"),
        ("int-letters", "<int>abc</int>"),
        ("int-underscore", "<int>1_0</int>"),
        ("int-spaces", "<int> 1 </int>"),
        ("int-plus", "<int>+1</int>"),
        ("int-octal", "<int>0o7</int>"),
        ("int-other-digits", "<int>\u0661</int>"),
        ("int-digits", f"<int>{'9' * 5000}</int>"),
        ("float-empty", "<float/>"),
        ("float-letters", "<float>abc</float>"),
        ("float-underscore", "<float>1_0.0</float>"),
        ("float-spaces", "<float> 1.5 </float>"),
        ("float-infinity", "<float>infinity</float>"),
        ("bytes-letters", "<bytes>*</bytes>"),
        ("bytes-cut-off", "<bytes>YQ=</bytes>"),
        ("bytearray-letters", "<bytearray>a b</bytearray>"),
        ("str-escape-cut-off", '<str escaped="true">\\u12</str>'),
        ("str-escape-other", '<str escaped="true">\\n</str>'),
        ("str-escape-capital", '<str escaped="true">\\U00000041</str>'),
        ("str-escape-letters", '<str escaped="true">\\u00xx</str>'),
        ("str-escape-alone", '<str escaped="true">\\</str>'),
        ("str-escaped-otherwise", '<str escaped="yes">x</str>'),
        ("str-with-element", "<str>a<int>1</int></str>"),
        ("none-with-element", "<none><int>1</int></none>"),
        ("none-with-text", "<none>text</none>"),
        ("list-with-text", "<list>text<int>1</int></list>"),
        ("unknown-attribute", '<none color="red"/>'),
        ("name-empty", '<name of=""/>'),
        ("name-without-colon", '<name of="os.system"/>'),
        ("name-without-module", '<name of=":system"/>'),
        ("name-without-of", "<name/>"),
        ("name-escape", '<name of-escaped="os:\\u00"/>'),
        ("ref-unknown", '<ref to="x"/>'),
        ("ref-without-to", "<ref/>"),
        ("ref-to-itself", '<list id="a"><ref to="a"/></list>'),
        ("id-twice", '<list><list id="a"/><list id="a"/></list>'),
        ("item-without-value", '<dict><item key="a"/></dict>'),
        ("item-of-three", "<dict><item><int>1</int><int>2</int><int>3</int></item></dict>"),
        ("item-other", "<dict><none/></dict>"),
        ("object-without-class", "<object/>"),
        ("object-of-number", "<object><class><int>1</int></class></object>"),
        ("object-late-argument", '<object class="harmless:Plain"><state/><argument><none/></argument></object>'),
        ("object-class-twice", '<object class="harmless:Plain"><class><name of="harmless:Other"/></class></object>'),
        ("object-unknown-part", '<object class="harmless:Plain"><eval/></object>'),
        ("object-empty-argument", '<object class="harmless:Plain"><argument/></object>'),
        ("call-with-keyword", '<call function="os:system"><argument name="command"><str>x</str></argument></call>'),
        ("call-of-text", "<call><function><str>os.system</str></function></call>"),
        ("method-without-name", "<method><list/></method>"),
        ("method-without-owner", '<method name="append"/>'),
        ("filled-without-target", "<filled><items/></filled>"),
        ("filled-of-number", "<filled><target><int>1</int></target><items/></filled>"),
        ("fill-inside", '<list id="a"/><fill ref="a"/>'),
        ("attribute-without-name", '<object class="harmless:Plain"><state><attribute><none/></attribute></state></object>'),
        ("given-state-empty", '<object class="harmless:Plain"><given-state/></object>'),
    ]:
        body(f"element-{name}", "damaged", _root(text), f"An element that can't be so: {name.replace('-', ' ')}.", trust=PLAIN)
    body("element-name-colons", "not trusted", _root('<name of="os:system:x"/>'), "A name with two colons.", trust=("os.system",))
    body("element-name-module", "not trusted", _root('<name of="canary_module:"/>'), "A module.")
    body("element-name-reference", "not trusted", _root('<name of="o&#115;:system"/>'), "A name with a character reference.")
    body("element-str-cdata", "loads", _root("<str><![CDATA[<none/>]]></str>"), "A text in CDATA.", result="'<none/>'")
    body("element-str-comment", "loads", _root("<str>a<!-- b -->c</str>"), "A comment in a text.", result="'ac'")
    body("element-str-instruction", "loads", _root("<str>a<?b c?>d</str>"), "A processing instruction in a text.", result="'ad'")
    body("element-call", "not trusted", _root('<call function="os:system"><argument><str>touch stolen</str></argument></call>'), "os.system is called.")
    body("element-class", "not trusted", _root('<object class="subprocess:Popen"><argument><str>touch stolen</str></argument></object>'), "A Popen is created.")
    body(
        "element-state-dunder",
        "not trusted",
        _root('<object class="harmless:Plain"><state><attribute name="__class__"><none/></attribute></state></object>'),
        "An attribute that is Python's own.",
        trust=PLAIN,
    )
    body(
        "element-state-dunder-escaped",
        "not trusted",
        _root('<object class="harmless:Plain"><state><attribute name-escaped="\\u005f_class__"><none/></attribute></state></object>'),
        "An attribute that is Python's own, escaped.",
        trust=PLAIN,
    )
    body("element-both-names", "damaged", _root('<object class="harmless:Plain" class-escaped="os:system"/>'), "A class twice: which one counts?", trust=PLAIN)
    body(
        "element-both-names-of-attribute",
        "damaged",
        _root('<object class="harmless:Plain"><state><attribute name="a" name-escaped="\\u005f_class__"><none/></attribute></state></object>'),
        "A name twice: which one counts?",
        trust=PLAIN,
    )
    body("element-key-of-list", "cannot load", _root("<dict><item><list/><none/></item></dict>"), "A key that is a list.")


def _documents(body: Any, whole: Any) -> None:
    good = document("xml", _root("<none/>"))
    text = good.decode()
    whole("document", "loads", good, "A document.", result="None")
    for name, payload, about in [
        ("doctype", text.replace("<snapshot", "<!DOCTYPE snapshot><snapshot", 1), "A DTD."),
        ("entity", text.replace("<snapshot", '<!DOCTYPE s [<!ENTITY a "b">]><snapshot', 1), "An entity."),
        ("external", text.replace("<snapshot", '<!DOCTYPE s SYSTEM "keep.txt"><snapshot', 1), "An external DTD."),
        ("external-entity", text.replace("<snapshot", '<!DOCTYPE s [<!ENTITY a SYSTEM "keep.txt">]><snapshot', 1), "An external entity."),
        ("parameter-entity", text.replace("<snapshot", '<!DOCTYPE s [<!ENTITY % a SYSTEM "keep.txt"> %a;]><snapshot', 1), "A parameter entity."),
        ("laughs", text.replace("<snapshot", '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' if n else '<!ENTITY a1 "&a;&a;&a;">' for n in range(10)) + "]><snapshot", 1), "A billion laughs."),
        ("unknown-entity", text.replace("<none/>", "<str>&nbsp;</str>"), "An entity that there isn't."),
        ("truncated", text[:-12], "A truncated file."),
        ("altered", text.replace("3.11.0", "3.11.1"), "An altered header."),
        ("checksum-missing", text.replace(" sha256=", " sha1="), "No checksum."),
        ("steps-missing", text.replace(" steps=", " stepz="), "No count of steps."),
        ("steps-text", text.replace('steps="0"', 'steps="x"'), "A count of steps that is none."),
        ("behind", text + "<!-- -->", "Something behind the document."),
        ("two-documents", text + text, "Two documents."),
        ("spaces-before", " " + text, "A space before the document."),
        ("other-root", text.replace("snapshot", "snapshoot"), "Another root."),
        ("only-declaration", '<?xml version="1.0"?>', "Nothing but a declaration."),
        ("trailer-in-comment", text.replace("  <trailer", "  <!--\n  <trailer", 1).replace("</snapshot>", "--></snapshot>", 1), "A trailer in a comment."),
    ]:  # fmt: skip
        sealed = payload if name in ("altered", "truncated", "checksum-missing") else _resealed(payload)
        whole(f"document-{name}", "damaged", sealed.encode(), about)
    for name, encoding in [("utf-16", "utf-16"), ("latin-1", "iso-8859-1"), ("windows", "windows-1252"), ("ascii", "us-ascii"), ("utf-7", "utf-7"), ("unknown", "rot13"), ("module", "canary_module"), ("koi8", "koi8-r")]:  # fmt: skip
        declared = _resealed(text.replace('encoding="UTF-8"', f'encoding="{encoding}"'))
        whole(f"document-declared-{name}", "damaged", declared.encode(), f"A document that says it is in {encoding}.")
    whole("document-utf-16", "damaged", text.replace("UTF-8", "UTF-16").encode("utf-16"), "A document in UTF-16.")
    whole("document-not-utf-8", "damaged", document("xml", b"  <root><str>\xe4</str></root>\n"), "A text that isn't UTF-8.")
    whole("document-version", "damaged", _resealed(text.replace('version="1.0" enc', 'version="1.1" enc')).encode(), "XML 1.1.")
    body("root-missing", "damaged", "  <none/>\n", "No root.")
    body("root-twice", "damaged", _root("<none/>") * 2, "Two roots.")
    body("behind-root", "damaged", _root("<none/>") + "  <none/>\n", "Something behind the root.")
    body("fill-unknown", "damaged", '  <fill ref="x"><items/></fill>\n' + _root("<none/>"), "A filling of what there isn't.")
    body(
        "fill-of-name",
        "not trusted",
        '  <fill><target><name of="os:environ"/></target><entries><item key="a"><none/></item></entries></fill>\n' + _root("<none/>"),
        "A filling of os.environ.",
    )
    body("fill-of-fill", "damaged", '  <fill><target><list id="a"/></target><fill ref="a"/></fill>\n' + _root("<none/>"), "A filling in a filling.")
    body("trailer-early", "damaged", '  <trailer sha256="0" steps="0"/>\n' + _root("<none/>"), "A trailer before the root.")
    body("instruction", "loads", "  <?php system('touch stolen') ?>\n" + _root("<none/>"), "A processing instruction.", result="None")
    body("controls", "damaged", _root("<str>\x01</str>"), "A control character.")
    body("control-reference", "damaged", _root("<str>&#1;</str>"), "A control character by its number.")
    body("surrogate-reference", "damaged", _root("<str>&#xd800;</str>"), "A surrogate by its number.")
    for name, number in [("newer", "2"), ("zero", "0"), ("negative", "-1"), ("text", "x"), ("spaces", " 1 "), ("underscore", "1_0"), ("digits", "9" * 5000)]:
        expect = "newer format" if name == "newer" else "damaged"
        whole(f"format-{name}", expect, document("xml", _root("<none/>"), {"appsnap": number}), "A format number that this is not.")
    whole("kind-other", "damaged", document("xml", _root("<none/>"), {"kind": "pickle"}), "A header that says pickle.")


def _resealed(text: str) -> str:
    """Return a document with a checksum that is right again."""
    before, mark, rest = text.partition("  <trailer ")
    sha256 = hashlib.sha256(before.encode()).hexdigest()
    return before + mark + re.sub('sha256="[0-9a-f]*"', f'sha256="{sha256}"', rest, count=1)


def _xml_costs(body: Any) -> None:
    deep = 50_000
    body("deep-lists", "damaged", _root("<list>" * deep + "</list>" * deep), "50,000 lists in each other.")
    body("deep-unknown", "damaged", _root("<x>" * deep + "</x>" * deep), "50,000 unknown elements in each other.")
    body("cost-attributes", "damaged", _root("<none" + "".join(f' a{number}=""' for number in range(20_000)) + "/>"), "An element with 20,000 attributes.")
    body("cost-attribute", "damaged", _root(f'<name of="{"x" * 8_000_000}"/>'), "An attribute of 8 million letters: expat before 2.6 reads it in quadratic time.",
         source="CVE-2023-52425")  # fmt: skip
    body("cost-comment", "loads", f"  <!-- {'x' * 8_000_000} -->\n" + _root("<none/>"), "A comment of 8 million letters: expat before 2.6 reads it in quadratic time.",
         result="None", source="CVE-2023-52425")  # fmt: skip
    body("cost-cdata", "loads", _root(f"<str><![CDATA[{'x' * 3_000_000}]]></str>"), "A CDATA of 3 million letters.")
    body("cost-tag", "damaged", _root(f"<{'x' * 3_000_000}/>"), "An element with a name of 3 million letters.", source="CVE-2023-52425")
    body("cost-text", "loads", _root(f"<str>{'x' * 1_000_000}</str>"), "A text of a million letters.")
    body("cost-references", "loads", _root(f"<str>{'&#120;' * 200_000}</str>"), "A text of 200,000 character references.")
    body("cost-trailers", "damaged", "\n  <trailer " * 100_000 + _root("<none/>"), "The beginning of a trailer 100,000 times.")
    body("cost-one-list", "loads", _root(f"<list>{'<none/>' * 50_000}</list>"), "A list of 50,000 elements.")


def _xml_growth(vectors: Vectors) -> None:
    """Add what took more than linear time or memory."""

    def body(name: str, text: str, about: str) -> None:
        vectors.add(f"grows-{name}", "xml", "damaged", document("xml", text + _root("<none/>")), about)

    long, refs = "u" * 100_000, '<ref to="v"/>' * 10_000
    attributes = " ".join(f'p:a{number}=""' for number in range(8_000))
    body("prefixes", f'  <list xmlns:p="{long}" {attributes}/>\n', "8,000 attributes with a prefix that stands for 100,000 letters.")
    body("namespace", f'  <list xmlns="{long}">{"<a/>" * 60_000}</list>\n', "60,000 elements in a namespace of 100,000 letters.")
    body(
        "long-integer", f'  <int id="v">0x{"f" * 20_000}</int>\n  <list id="x">{refs}</list>\n',
        "A long integer that is used 10,000 times: 200 MB in text.",
    )  # fmt: skip
