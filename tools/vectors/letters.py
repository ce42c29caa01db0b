"""Vectors of source files with characters that look like others, control characters, and other encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, in_document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    whole = vectors.under("source", "text")
    body = in_document("source", whole)
    _alphabet(body, whole)


def _alphabet(body: Any, whole: Any) -> None:
    for name, char in [
        ("nul", "\0"), ("return", "\r"), ("form-feed", "\x0c"), ("vertical-tab", "\x0b"), ("escape", "\x1b"), ("delete", "\x7f"),
        ("next-line", "\x85"), ("line-separator", "\u2028"), ("paragraph-separator", "\u2029"), ("bidi-override", "\u202e"),
        ("bidi-isolate", "\u2066"), ("bidi-mark", "\u200f"), ("arabic-mark", "\u061c"), ("bom", "\ufeff"), ("substitute", "\x1a"),
        ("joiner", "\u034f"), ("hangul-filler", "\u3164"), ("half-width-filler", "\uffa0"), ("khmer-vowel", "\u17b4"), ("braille-blank", "\u2800"),
        ("variation", "\ufe0f"), ("variation-supplement", "\U000e01ef"), ("musical-begin", "\U0001d173"), ("shorthand", "\U0001bca0"),
        ("hieroglyph-joiner", "\U00013430"), ("number-sign", "\u0600"), ("mongolian-variation", "\u180b"), ("missing-object", "\ufffc"),
    ]:  # fmt: skip
        body(f"alphabet-{name}-in-comment", "damaged", f"# a{char}import os\napplication = None\n", "A character by which a comment can look other than it is.")
        body(f"alphabet-{name}-in-text", "damaged", f"application = 'a{char}b'\n", "A character by which a text can look other than it is.")
    for name, text, about in [
        ("full-width-call", "application = ｅval('1')\n", "eval in full-width letters, which Python takes for eval."),
        ("full-width-variable", "ａ = 1\napplication = a\n", "A variable in full-width letters."),
        (
            "full-width-keyword",
            "from harmless import Plain\nfrom appsnap.actions import new, state\napplication = state(new(Plain), ｎame=1)\n",
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
