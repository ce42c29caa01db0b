import xml.etree.ElementTree as ET

import pytest

import appsnap
import shop
from appsnap.errors import Damaged, NotTrusted
from appsnap.kinds.header import Header
from appsnap.kinds.xml import document as xml, writer
from appsnap.recipe.steps import List, Name, Recipe, Ref

BOMB = """<?xml version="1.0"?>
<!DOCTYPE snapshot [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<snapshot appsnap="1" kind="xml"><root><str>&b;</str></root>
  <trailer sha256="0" steps="0"/>
</snapshot>
"""


def document(body):
    """Return a document whose checksum is right."""
    import hashlib

    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<snapshot appsnap="1" kind="xml">\n{body}\n'
    sha256 = hashlib.sha256(head.encode()).hexdigest()
    return f'{head}  <trailer sha256="{sha256}" steps="0"/>\n</snapshot>\n'.encode()


class TestWriting:
    def test_it_is_indented_and_names_what_is_shared(self):
        """Services have the ids they are named after, and what is small stands on one line."""
        text = appsnap.dumps(shop.make(), "xml").decode()

        assert '  <object class="shop.services:Stock" id="stock"/>\n' in text
        assert '      <attribute name="parent"><ref to="shop"/></attribute>\n' in text
        assert max(map(len, text.splitlines())) <= 120

    def test_any_xml_tool_reads_it(self):
        """The standard library's parser finds the header and the trailer."""
        root = ET.fromstring(appsnap.dumps(shop.make(), "xml"))

        assert (root.tag, root.attrib["appsnap"], root[-1].tag) == ("snapshot", "1", "trailer")

    @pytest.mark.parametrize(
        "text", ["\0", "\ud800", "\r\n", "]]>", "&lt;", "\ufffe", " a ", "\n", "", "é" * 100], ids=ascii
    )
    def test_texts_that_xml_can_hardly_hold_come_back(self, text):
        """As values, as keys, and as names of attributes."""
        obj = shop.Till()
        vars(obj).update({text or "x": text, "keys": {text: [text]}})

        result = appsnap.loads(appsnap.dumps(obj, "xml"), trust=["shop.*"])

        assert vars(result)[text or "x"] == text
        assert vars(result)["keys"] == {text: [text]}

    def test_what_is_used_often_is_escaped_once(self, monkeypatch):
        """A pickle refers to a name of control characters, or to a text of them, with two bytes."""
        escaped = []
        monkeypatch.setattr(writer, "_escaped", lambda text: escaped.append(text) or "x")
        name, text = "m:" + "\1" * 250, "\2" * 64
        recipe = Recipe([Name("m", name[2:]), List([Ref(0), text] * 1_000)], Ref(1))

        xml.write(Header("xml"), recipe, {})

        assert sorted(escaped) == [text, name]


class TestReading:
    def test_a_dtd_is_refused(self):
        """No entity is ever expanded."""
        with pytest.raises(Damaged, match="no DTD"):
            appsnap.loads(BOMB.encode())

    @pytest.mark.parametrize("attribute", ['xmlns="urn:x"', 'xmlns:p="urn:x"', 'p:name="x"'])
    def test_there_are_no_namespaces(self, attribute):
        """Not even in the header, where other attributes may stand."""
        data = document("<root><none/></root>").replace(b"<snapshot", f"<snapshot {attribute}".encode())

        with pytest.raises(Damaged, match="no namespaces"):
            appsnap.loads(data)

    def test_an_error_tells_the_line(self):
        """As the parser found it."""
        with pytest.raises(Damaged, match=r"invalid XML \(mismatched tag: line 3\)"):
            appsnap.loads(document("<root><none></root>"))

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "  <root/>",
            "  <root><int>1</int><int>2</int></root>",
            "  <root><int>x</int></root>",
            "  <root><int>１</int></root>",
            "  <root><float>x</float></root>",
            "  <root><bytes>?</bytes></root>",
            "  <root><ref to='x'/></root>",
            "  <root><what/></root>",
            "  <root><dict><int>1</int></dict></root>",
            "  <root><dict><item key='a'/></dict></root>",
            "  <root><object class='x'/></root>",
            "  <root><object/></root>",
            "  <root><name of=':x'/></root>",
            "  <root><list/></root><list/>",
            "  <list id='a'/><list id='a'/><root><ref to='a'/></root>",
            "  <root><object class='a:b'><state><attribute><none/></attribute></state></object></root>",
            "  <root><object class='a:b'><what/></object></root>",
            "  <fill ref='x'/><root><none/></root>",
            "  <fill/><root><none/></root>",
            "  <root>" + "<list>" * 20_000 + "</list>" * 20_000 + "</root>",
        ],
        ids=lambda body: body[:60],
    )
    def test_what_is_not_of_the_format_is_refused(self, body):
        """One line says so."""
        with pytest.raises(Damaged) as caught:
            appsnap.loads(document(body))

        assert "\n" not in str(caught.value)

    def test_names_go_through_the_audit(self):
        """A file can't call what isn't trusted."""
        with pytest.raises(NotTrusted, match=r"os\.system to call"):
            appsnap.loads(
                document('  <root><call function="os:system"><argument><str>x</str></argument></call></root>')
            )

    def test_an_altered_file_is_refused(self):
        """The checksum is checked, and covers everything before the trailer."""
        data = appsnap.dumps([12], "xml").replace(b"<int>12</int>", b"<int>13</int>")

        with pytest.raises(Damaged, match="checksum"):
            appsnap.loads(data)
