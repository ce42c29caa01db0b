"""Forms of text documents: the tokens of a source file, the elements of an xml document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from fuzzing.form import Form
from fuzzing.words import NAMES, NUMBERS, TEXTS, fields
from vectors.spelling import document

if TYPE_CHECKING:
    from random import Random

__all__ = ["SOURCE", "XML"]


# source


_TOKEN = re.compile(
    r"""\n|[ \t]+|\#[^\n]*|[A-Za-z_]\w*|0x[0-9a-f]+|[0-9][0-9.e]*|b?"(?:[^"\\\n]|\\.)*"|b?'(?:[^'\\\n]|\\.)*'|.""",
    re.DOTALL,
)
_SPELLINGS = (
    "new( state( set_state( extend( add( update( named( getattr( set() frozenset( float( bytearray( float('nan')"
    ' None True 1j ... 0x10 1e999 09 1_0 Plain x _ class match __class__ ä [ ] { } ( ) , : = ** * . - + ; \' """'
)
_WORDS = [
    *_SPELLINGS.split(),
    *[
        "from_base64(",
        "packed(",
        '"<f8",',
        "[1.5],",
        '"AAEC"',
        "timedelta(",
        "days=",
        "fold=1",
        "tzinfo=",
        "60*60",
        "*2",
        "-(",
    ],
    *("from datetime import timedelta\n", "timedelta(days=1, hours=2 * 3)", "(2 * (3 * 4))"),
    *("from harmless import Plain\n", "from os import system\n", "import os as x\n", "application = ", "lambda: "),
    *("\n", " ", "    ", "# ", "\\\n", "\uff45", "\u202e", "\t", "\x0c", "\r"),
]


def _split_source(data: bytes) -> list[str] | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("# appsnap ")]
    return _TOKEN.findall("".join(lines))


def _make_token(chance: Random) -> str:
    match chance.randrange(5):
        case 0:
            return repr(chance.choice(TEXTS))
        case 1:
            return str(chance.choice(NUMBERS))
        case 2:
            module, qualname = chance.choice(NAMES)
            return f"from {module} import {qualname.partition('.')[0]}\n"
        case _:
            return chance.choice(_WORDS)


def _change_token(chance: Random, token: str) -> str:
    """Return another token, most often one of the same sort."""
    if chance.random() < 0.7:
        match token[:1]:
            case '"' | "'":
                return repr(chance.choice(TEXTS))
            case digit if digit.isdigit():
                return str(chance.choice(NUMBERS))
            case letter if letter.isalpha():
                return chance.choice(chance.choice(NAMES)).split(".")[-1]
            case "\n" | " ":
                return token
            case bracket if bracket in "([{":
                return token + chance.choice(("None, ", "1, ", "'a', ", "[], ", "{}, ", "application, ", "a=1, "))
    if len(token) > 1 and chance.random() < 0.3:
        at = chance.randrange(len(token))
        return token[:at] + chance.choice("a_0. \n\"'\\()[]{}") + token[at + chance.randrange(2) :]
    return _make_token(chance)


def _join_source(parts: list[str]) -> bytes:
    body = "".join(parts)
    return document("source", body, *fields(body))


SOURCE = Form(_split_source, _change_token, _make_token, _join_source)


# xml


_TAG_NAMES = (
    "none true false int float str bytes bytearray ref list tuple set frozenset dict name object call filled method"
    " item argument class function state attribute given-state items members entries target fill root trailer x"
)
_TAGS = _TAG_NAMES.split()
_ATTRIBUTE_NAMES = "id to of name class function key escaped ref name-escaped of-escaped key-escaped"
_ATTRIBUTES = _ATTRIBUTE_NAMES.split()


def _split_xml(data: bytes) -> list[Any] | None:
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, LookupError, ValueError):
        return None
    return [_frozen(child) for child in root if child.tag != "trailer"]


def _frozen(element: Any) -> Any:
    return element.tag, dict(element.attrib), element.text or "", [_frozen(child) for child in element]


def _make_element(chance: Random, depth: int = 0) -> Any:
    tag = chance.choice(_TAGS)
    attributes = {chance.choice(_ATTRIBUTES): _attribute_value(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))}
    children = [_make_element(chance, depth + 1) for _ in range(chance.choice((0, 0, 1, 2)))] if depth < 3 else []
    return tag, attributes, chance.choice(("", "", "1", "a", "YQ==", '"x"')), children


def _attribute_value(chance: Random) -> str:
    match chance.randrange(5):
        case 0:
            module, qualname = chance.choice(NAMES)
            return f"{module}:{qualname}"
        case 1:
            return chance.choice(("true", "\\u0061", "\\ud800", "5", "\\", "\\u005f_class__"))
        case 2:
            stem = chance.choice(("list", "dict", "plain", "v", "node", "tuple"))
            return f"{stem}{chance.choice(('', '_1', '_2', '0', '1', '2', '3'))}"
    return chance.choice(TEXTS)


def _change_element(chance: Random, element: Any) -> Any:
    tag, attributes, text, children = element
    if children and chance.random() < 0.6:
        children = list(children)
        at = chance.randrange(len(children))
        match chance.randrange(8):
            case 0:
                del children[at]
            case 1:
                children.insert(at, children[chance.randrange(len(children))])
            case 2:
                children.insert(at, _make_element(chance))
            case 3:
                children[at:] = [(chance.choice(_TAGS), {}, "", children[at:])]
            case _:
                children[at] = _change_element(chance, children[at])
        return tag, attributes, text, children
    match chance.randrange(5):
        case 0:
            return chance.choice(_TAGS), attributes, text, children
        case 1:
            return tag, {**attributes, chance.choice(_ATTRIBUTES): _attribute_value(chance)}, text, children
        case 2 if attributes:
            gone = chance.choice(list(attributes))
            return tag, {key: value for key, value in attributes.items() if key != gone}, text, children
        case 3 if text.strip():
            return tag, attributes, chance.choice((*TEXTS, "1", "nan", "0x1", "YWI=")), children
        case 3 | 4 if attributes:
            changed = chance.choice(list(attributes))
            return tag, {**attributes, changed: _attribute_value(chance)}, text, children
        case 4 if children:
            return tag, attributes, text, children[::-1]
    return _make_element(chance)


def _join_xml(parts: list[Any]) -> bytes:
    body = "".join(map(_element, parts))
    return document("xml", body, *fields(body))


def _element(element: Any) -> str:
    tag, attributes, text, children = element
    more = "".join(f" {key}={quoteattr(_fit(value))}" for key, value in attributes.items())
    return f"<{tag}{more}>{escape(_fit(text))}{''.join(map(_element, children))}</{tag}>\n"


def _fit(text: str) -> str:
    return "".join(char for char in text if char in "\t\n" or (char >= " " and not "\ud800" <= char <= "\udfff"))


XML = Form(_split_xml, _change_element, _make_element, _join_xml)
