"""The views of headers that aiohttp's client keeps come back."""

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS

multidict = pytest.importorskip("multidict")


class Noted(multidict.MultiDictProxy):
    """A view with attributes."""


@pytest.mark.parametrize("kind", KINDS)
class TestViews:
    @pytest.mark.parametrize("name", ["MultiDict", "CIMultiDict"])
    def test_over_the_same(self, kind, name):
        """A view shows the changes of the multidict that it is over, as before."""
        headers = getattr(multidict, name)(Host="a")
        view = getattr(multidict, f"{name}Proxy")(headers)

        again, found, same = loads(dumps([headers, view, view], kind), trust=EVERYTHING)

        assert type(found) is type(view)
        assert found is same
        again["Age"] = "5"
        assert [*found.items()] == [("Host", "a"), ("Age", "5")]

    def test_attributes(self, kind):
        """Attributes of a view come back, also another multidict."""
        view = Noted(multidict.MultiDict(a="1"))
        view.note, view.other = [3], multidict.MultiDict()

        found = loads(dumps(view, kind), trust=EVERYTHING)

        assert (found.note, dict(found), dict(found.other)) == ([3], {"a": "1"}, {})
