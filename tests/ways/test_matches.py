"""Matches of regular expressions come back: their pattern is matched again."""

import re

import pytest

from appsnap import EVERYTHING, CannotSave, NotTrusted, dumps, loads
from appsnap.kinds import KINDS

DIGITS = re.compile(r"(?P<first>[a-z])?(\d)(\d)?")

MATCHES = {
    "match": lambda: DIGITS.match("a12 b3"),
    "from a position": lambda: DIGITS.match("--b345", 2, 4),
    "search": lambda: DIGITS.search("-- c7"),
    "behind a position": lambda: re.compile(r"(?<=a)b|^b").search("bab", 1),
    "whole": lambda: re.compile("a|ab").fullmatch("ab"),
    "whole of a part": lambda: re.compile("a|ab").fullmatch("-ab-", 1, 3),
    "the second of some": lambda: [*DIGITS.finditer("a1 b2 c3")][1],
    "the second of some, with a pattern that takes for ever for all of the text": lambda: [
        *re.finditer(r"(?:\w+\s?)+", "a" * 60 + "! bbb")
    ][1],
    "bytes": lambda: re.search(rb"\d+", b"ab12"),
    "empty": lambda: re.match("", "a"),
}


@pytest.mark.parametrize("kind", KINDS)
class TestMatches:
    @pytest.mark.parametrize("name", MATCHES)
    def test_each(self, kind, name):
        """The groups and their places are the same, and so is the pattern."""
        found = MATCHES[name]()

        again = loads(dumps(found, kind), trust=EVERYTHING)

        assert type(again) is re.Match
        assert (again[0], again.groups(), again.groupdict()) == (found[0], found.groups(), found.groupdict())
        assert again.regs == found.regs
        assert (again.re, again.string, again.endpos) == (found.re, found.string, found.endpos)
        assert (again.lastindex, again.lastgroup) == (found.lastindex, found.lastgroup)

    def test_shared(self, kind):
        """Matches and their parser have one text and one pattern."""
        text = "a1 " * 1000
        one, two, *_ = DIGITS.finditer(text)

        first, second, same = loads(dumps([one, two, text], kind), trust=EVERYTHING)

        assert first.string is second.string is same
        assert first.re is second.re

    def test_strangers(self, kind):
        """A stranger's pattern may take for ever, so the file is asked about."""
        data = dumps(DIGITS.match("a1"), kind)

        with pytest.raises(NotTrusted, match=r"appsnap\.ways\.matches\.match"):
            loads(data)
        assert loads(data, trust=["call:appsnap.ways.matches.match"])[0] == "a1"

    def test_changed(self, kind):
        """A match of a text that isn't the same any more is refused."""
        text = bytearray(b"ab12")
        found = re.search(rb"\d+", text)
        text[:] = b"abcd"

        with pytest.raises(CannotSave, match=r"a match that its pattern finds no more; keep its groups"):
            dumps(found, kind)


def test_regex():
    """Matches of `regex` come back, with each repetition of a group."""
    regex = pytest.importorskip("regex")
    found = regex.search(r"(\d,)+", "a 1,2,3,")

    again = loads(dumps(found), trust=EVERYTHING)

    assert (type(again), again.spans(1), again.captures(1)) == (type(found), found.spans(1), found.captures(1))
    found.detach_string()
    with pytest.raises(CannotSave, match="a match that its pattern finds no more"):
        dumps(found)
