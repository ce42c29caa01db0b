"""Vectors of damaged headers and trailers, wrong checksums and wrong encodings, in pickle, source and xml."""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, Any

from vectors.adding import in_document, rooted
from vectors.spelling import document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    _pickles(vectors.under("pickle", "stream"))
    _source(vectors.under("source", "text"))
    _xml(vectors.under("xml", "text"))


def _pickles(bare: Any) -> None:
    """Add headers and trailers that are no plain data, or contradict the body."""
    body = b"\x80\x04N."
    system = b"cos\nsystem\n(S'touch stolen'\ntR"
    good = document("pickle", body)
    bare("document", "loads", good, "Header, body and trailer.", result="None")
    start = b"\x80\x05\x95" + struct.pack("<Q", 40) + b"}\x94(\x8c\x07appsnap"
    bare("header-with-call", "damaged", start + system + b"u." + body, "A call in the header.")
    bare("header-with-name", "damaged", start + b"cos\nsystem\nu." + body, "A name in the header.")
    bare("header-unhashable", "damaged", start + b"K\x01]Nu." + body + body, "A key in the header that is a list.")
    for name, number in [("zero", 0), ("negative", -1), ("newer", 2), ("text", "1"), ("float", 1.0), ("true", True), ("huge", 10**5000)]:
        expect = "newer format" if name in ("newer", "huge") else "damaged"
        bare(f"format-{name}", expect, document("pickle", body, {"appsnap": number}), "A format number that this is not.",
             source="CVE: an old number selects a weaker reader" if name in ("zero", "negative") else "")  # fmt: skip
    for name, size in [("more", len(body) + 1), ("less", len(body) - 1), ("negative", -1), ("huge", 2**70), ("text", "4"), ("true", True), ("none", None)]:
        bare(f"size-{name}", "damaged", document("pickle", body, {"size": size}), f"A body that should have the size {size}.")
    bare("kind-other", "damaged", document("pickle", body, {"kind": "msgpack"}), "A header that says msgpack.")
    bare("kind-unknown", "damaged", document("pickle", body, {"kind": "python"}), "A header that says python.")
    bare("kind-list", "damaged", document("pickle", body, {"kind": ["pickle"]}), "A kind that is a list.")
    bare("name-number", "damaged", document("pickle", body, {"name": 5}), "A name that is a number.")
    bare("tag-surrogate", "loads", document("pickle", body, {"tag": "\ud800"}), "A tag that is a lone surrogate.", result="None")
    bare("tag-controls", "loads", document("pickle", body, {"tag": "a\n\x1b[2J\u202eb\0"}), "A tag with controls.", result="None")
    bare("header-unknown-key", "loads", document("pickle", body, {"more": [1]}), "A key that a reader doesn't know.", result="None")
    bare("trust-in-header", "not trusted", document("pickle", system + b".", {"trust": ["*", "os.system", "call:os.system"]}),
         "The header says what may be trusted.", source="mlflow GHSA-w582-9x45-8mpx")  # fmt: skip
    bare("trust-in-trailer", "not trusted", document("pickle", system + b".", None, {"trust": ["call:os.system"], "restored_by_call": ["os.system"]}),
         "The trailer says what may be trusted.", source="mlflow GHSA-w582-9x45-8mpx")  # fmt: skip
    bare("checksum-wrong", "damaged", document("pickle", body, None, {"sha256": "0" * 64}), "A wrong checksum.")
    bare("checksum-wrong-before-body", "damaged", document("pickle", system + b".", None, {"sha256": "0" * 64}),
         "A wrong checksum and a call: the checksum comes first.")  # fmt: skip
    bare("checksum-missing", "damaged", document("pickle", body, None, {"sha256": None}), "No checksum.")
    bare("checksum-upper", "damaged", document("pickle", body, None, {"sha256": "A" * 64}), "A checksum in capitals.")
    bare("distributions-list", "damaged", document("pickle", body, None, {"distributions": []}), "Distributions that are a list.")
    bare("distributions-surrogate", "loads", document("pickle", body, None, {"distributions": {"\ud800": "\ud800"}}),
         "A distribution whose name is a lone surrogate.", result="None")  # fmt: skip
    bare("steps-text", "damaged", document("pickle", body, None, {"steps": "x"}), "A count of steps that is a text.")
    bare("trailer-call", "damaged", good[: -len(good) + good.index(body) + len(body)] + b"\x80\x04" + system + b".", "A trailer that is a call.")
    bare("trailer-none", "damaged", good[: good.index(body) + len(body)] + b"N.", "A trailer that is None.")
    bare("trailer-missing", "damaged", good[: good.index(body) + len(body)], "No trailer.")
    bare("trailer-followed", "damaged", good + b"N.", "Something behind the trailer.")
    bare("truncated", "damaged", good[:-10], "A truncated trailer.")
    bare("altered", "damaged", good.replace(b"3.11.0", b"3.11.1"), "An altered header.")
    bare("body-two", "damaged", document("pickle", body + body), "A body of two pickles.")
    bare("body-empty", "damaged", document("pickle", b""), "A body of nothing.")
    bare("body-unfinished", "damaged", document("pickle", b"\x80\x04]"), "A body without STOP, behind which the trailer stands.")


def _source(whole: Any) -> None:
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


def _xml(whole: Any) -> None:
    body = in_document("xml", whole)
    good = document("xml", rooted("<none/>"))
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
    body("root-twice", "damaged", rooted("<none/>") * 2, "Two roots.")
    body("behind-root", "damaged", rooted("<none/>") + "  <none/>\n", "Something behind the root.")
    body("fill-unknown", "damaged", '  <fill ref="x"><items/></fill>\n' + rooted("<none/>"), "A filling of what there isn't.")
    body(
        "fill-of-name",
        "not trusted",
        '  <fill><target><name of="os:environ"/></target><entries><item key="a"><none/></item></entries></fill>\n' + rooted("<none/>"),
        "A filling of os.environ.",
    )
    body("fill-of-fill", "damaged", '  <fill><target><list id="a"/></target><fill ref="a"/></fill>\n' + rooted("<none/>"), "A filling in a filling.")
    body("trailer-early", "damaged", '  <trailer sha256="0" steps="0"/>\n' + rooted("<none/>"), "A trailer before the root.")
    body("instruction", "loads", "  <?php system('touch stolen') ?>\n" + rooted("<none/>"), "A processing instruction.", result="None")
    body("controls", "damaged", rooted("<str>\x01</str>"), "A control character.")
    body("control-reference", "damaged", rooted("<str>&#1;</str>"), "A control character by its number.")
    body("surrogate-reference", "damaged", rooted("<str>&#xd800;</str>"), "A surrogate by its number.")
    for name, number in [("newer", "2"), ("zero", "0"), ("negative", "-1"), ("text", "x"), ("spaces", " 1 "), ("underscore", "1_0"), ("digits", "9" * 5000)]:
        expect = "newer format" if name == "newer" else "damaged"
        whole(f"format-{name}", expect, document("xml", rooted("<none/>"), {"appsnap": number}), "A format number that this is not.")
    whole("kind-other", "damaged", document("xml", rooted("<none/>"), {"kind": "pickle"}), "A header that says pickle.")


def _resealed(text: str) -> str:
    """Return a document with its checksum corrected."""
    before, mark, rest = text.partition("  <trailer ")
    sha256 = hashlib.sha256(before.encode()).hexdigest()
    return before + mark + re.sub('sha256="[0-9a-f]*"', f'sha256="{sha256}"', rest, count=1)
