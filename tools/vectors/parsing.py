"""Vectors of source and xml files that take much time or memory to parse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import in_document, rooted
from vectors.spelling import document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    _source_costs(vectors.under("source", "text"))
    _source_growth(vectors)
    _xml_costs(vectors.under("xml", "text"))
    _xml_growth(vectors)


def _source_costs(whole: Any) -> None:
    body = in_document("source", whole)
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
    body("cost-one-statement", "loads", f"application = [{'0, ' * 30_000}]\n", "A statement of 30,000 numbers.")
    body("cost-one-set", "loads", f"application = {{{'0, ' * 30_000}}}\n", "A statement of 30,000 equal numbers.", result="{0}")
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
    """Add files that took more than linear time or memory."""

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
    body("open-bracket", "application = [\n" + "None,\n" * 100_000, "A bracket without end, and behind it 100,000 lines that could begin a statement.")
    joined = document("source", "application = 1" + " \\\n" * 100_000)
    vectors.add("grows-joined-lines", "source", "loads", joined, "A line that goes on 100,000 times.", result="1")
    numbers = "0, " * 30_000
    for name, text, about in [
        ("three-quotes", f'[""" " """, {numbers} ""]', "behind a text in three quotes with one quote in it"),
        ("backslash", f'["{chr(92)}\n", {numbers} ""]', "behind a text that goes on in the next line"),
    ]:
        vectors.add(f"grows-{name}", "source", "loads", document("source", f"application = {text}\n"), f"A statement of 30,000 numbers {about}.")
    body("long-integer", f"v = 0x{'f' * 20_000}\napplication = [{'v, ' * 10_000}]\n", "A long integer that is used 10,000 times: 200 MB in text.")


def _xml_costs(whole: Any) -> None:
    body = in_document("xml", whole)
    deep = 50_000
    body("deep-lists", "damaged", rooted("<list>" * deep + "</list>" * deep), "50,000 lists in each other.")
    body("deep-unknown", "damaged", rooted("<x>" * deep + "</x>" * deep), "50,000 unknown elements in each other.")
    body("cost-attributes", "damaged", rooted("<none" + "".join(f' a{number}=""' for number in range(20_000)) + "/>"), "An element with 20,000 attributes.")
    body("cost-attribute", "damaged", rooted(f'<name of="{"x" * 8_000_000}"/>'), "An attribute of 8 million letters: expat before 2.6 reads it in quadratic time.",
         source="CVE-2023-52425")  # fmt: skip
    body("cost-comment", "loads", f"  <!-- {'x' * 8_000_000} -->\n" + rooted("<none/>"), "A comment of 8 million letters: expat before 2.6 reads it in quadratic time.",
         result="None", source="CVE-2023-52425")  # fmt: skip
    body("cost-cdata", "loads", rooted(f"<str><![CDATA[{'x' * 3_000_000}]]></str>"), "A CDATA of 3 million letters.")
    body("cost-tag", "damaged", rooted(f"<{'x' * 3_000_000}/>"), "An element with a name of 3 million letters.", source="CVE-2023-52425")
    body("cost-text", "loads", rooted(f"<str>{'x' * 1_000_000}</str>"), "A text of a million letters.")
    body("cost-references", "loads", rooted(f"<str>{'&#120;' * 200_000}</str>"), "A text of 200,000 character references.")
    body("cost-trailers", "damaged", "\n  <trailer " * 100_000 + rooted("<none/>"), "The beginning of a trailer 100,000 times.")
    body("cost-one-list", "loads", rooted(f"<list>{'<none/>' * 50_000}</list>"), "A list of 50,000 elements.")


def _xml_growth(vectors: Vectors) -> None:
    """Add files that took more than linear time or memory."""

    def body(name: str, text: str, about: str) -> None:
        vectors.add(f"grows-{name}", "xml", "damaged", document("xml", text + rooted("<none/>")), about)

    long, refs = "u" * 100_000, '<ref to="v"/>' * 10_000
    attributes = " ".join(f'p:a{number}=""' for number in range(8_000))
    body("prefixes", f'  <list xmlns:p="{long}" {attributes}/>\n', "8,000 attributes with a prefix that stands for 100,000 letters.")
    body("namespace", f'  <list xmlns="{long}">{"<a/>" * 60_000}</list>\n', "60,000 elements in a namespace of 100,000 letters.")
    body(
        "long-integer", f'  <int id="v">0x{"f" * 20_000}</int>\n  <list id="x">{refs}</list>\n',
        "A long integer that is used 10,000 times: 200 MB in text.",
    )  # fmt: skip
