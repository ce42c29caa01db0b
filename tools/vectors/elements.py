"""Vectors of xml files with elements and attributes outside of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, in_document, rooted

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    body = in_document("xml", vectors.under("xml", "text"))
    _elements(body)


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
        ("call-of-text", "<call><function><str>os.system</str></function></call>"),
        ("method-without-name", "<method><list/></method>"),
        ("method-without-owner", '<method name="append"/>'),
        ("filled-without-target", "<filled><items/></filled>"),
        ("filled-of-number", "<filled><target><int>1</int></target><items/></filled>"),
        ("fill-inside", '<list id="a"/><fill ref="a"/>'),
        ("attribute-without-name", '<object class="harmless:Plain"><state><attribute><none/></attribute></state></object>'),
        ("given-state-empty", '<object class="harmless:Plain"><given-state/></object>'),
    ]:
        body(f"element-{name}", "damaged", rooted(text), f"An element that can't be so: {name.replace('-', ' ')}.", trust=PLAIN)
    called = '<call function="os:system"><argument name="command"><str>x</str></argument></call>'
    body("element-call-with-keyword", "not trusted", rooted(called), "A call with a keyword.", trust=PLAIN)
    body("element-name-colons", "not trusted", rooted('<name of="os:system:x"/>'), "A name with two colons.", trust=("os.system",))
    body("element-name-module", "not trusted", rooted('<name of="canary_module:"/>'), "A module.")
    body("element-name-reference", "not trusted", rooted('<name of="o&#115;:system"/>'), "A name with a character reference.")
    body("element-str-cdata", "loads", rooted("<str><![CDATA[<none/>]]></str>"), "A text in CDATA.", result="'<none/>'")
    body("element-str-comment", "loads", rooted("<str>a<!-- b -->c</str>"), "A comment in a text.", result="'ac'")
    body("element-str-instruction", "loads", rooted("<str>a<?b c?>d</str>"), "A processing instruction in a text.", result="'ad'")
    body("element-call", "not trusted", rooted('<call function="os:system"><argument><str>touch stolen</str></argument></call>'), "os.system is called.")
    body(
        "element-class", "not trusted", rooted('<object class="subprocess:Popen"><argument><str>touch stolen</str></argument></object>'), "A Popen is created."
    )
    body(
        "element-state-dunder",
        "not trusted",
        rooted('<object class="harmless:Plain"><state><attribute name="__class__"><none/></attribute></state></object>'),
        "An attribute that is Python's own.",
        trust=PLAIN,
    )
    body(
        "element-state-dunder-escaped",
        "not trusted",
        rooted('<object class="harmless:Plain"><state><attribute name-escaped="\\u005f_class__"><none/></attribute></state></object>'),
        "An attribute that is Python's own, escaped.",
        trust=PLAIN,
    )
    body("element-both-names", "damaged", rooted('<object class="harmless:Plain" class-escaped="os:system"/>'), "A class twice: which one counts?", trust=PLAIN)
    body(
        "element-both-names-of-attribute",
        "damaged",
        rooted('<object class="harmless:Plain"><state><attribute name="a" name-escaped="\\u005f_class__"><none/></attribute></state></object>'),
        "A name twice: which one counts?",
        trust=PLAIN,
    )
    body("element-key-of-list", "cannot load", rooted("<dict><item><list/><none/></item></dict>"), "A key that is a list.")
