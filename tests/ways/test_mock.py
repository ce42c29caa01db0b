"""Mocks: those of a library that records its calls with them come back as they are."""

import asyncio
import unittest.mock

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_mocks(kind):
    """Their class is the same, not one below, and they do as they were told."""
    magic = unittest.mock.MagicMock(name="shop")
    magic.__len__.return_value = 7
    magic.order("tea", count=2)
    later = unittest.mock.AsyncMock(return_value=3)
    text = unittest.mock.Mock(spec=str)

    back = loads(dumps([magic, later, text], kind), trust=EVERYTHING)

    assert [type(one) for one in back] == [type(magic), type(later), type(text)]
    assert len(back[0]) == 7
    back[0].order.assert_called_once_with("tea", count=2)
    assert asyncio.run(back[1]()) == 3
    assert isinstance(back[2], str)
    with pytest.raises(AttributeError):
        back[2].tea  # noqa: B018 - it's the access that fails
