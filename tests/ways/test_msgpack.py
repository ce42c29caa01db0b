"""A packer of msgpack comes back with its parameters, which it tells by its answers alone."""

import datetime as dt

import msgpack
import pytest
from msgpack._cmsgpack import Packer

from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.kinds import KINDS

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

PARAMETERS = [
    {},
    {"use_single_float": True},
    {"use_bin_type": False},
    {"strict_types": True},
    {"datetime": True},
    {"unicode_errors": "surrogatepass"},
    {"autoreset": False},
    {"autoreset": False, "use_single_float": True, "use_bin_type": False, "strict_types": True, "datetime": True},
]


def answers(packer):
    """Return the answers of a packer that differ by its parameters."""
    found = []
    for value in (0.5, b"1", (1, 2), MOMENT, "\ud800", {"a": "b" * 40}):
        try:
            found.append((packer.pack(value), packer.bytes()))
        except (TypeError, UnicodeEncodeError) as error:
            found.append(type(error))
        packer.reset()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_parameters(kind, parameters):
    """A packer has its parameters, and so has the saved one, whose method is the same after the load."""
    packer = Packer(**parameters)

    restored, pack = loads(dumps([packer, packer.pack], kind), trust=EVERYTHING)

    assert answers(restored) == answers(packer) == answers(Packer(**parameters))
    assert pack.__self__ is restored


def test_different_answers():
    """The answers tell packers with different parameters apart."""
    assert len({repr(answers(Packer(**parameters))) for parameters in PARAMETERS}) == len(PARAMETERS)


@pytest.mark.parametrize(
    ("packer", "reason"), [(Packer(default=str), "a function of its own"), (Packer(autoreset=False), "bytes in it")]
)
def test_refused(packer, reason):
    """A packer with a function, which nothing but its call would explain, is refused, and one with bytes in it."""
    if reason == "bytes in it":
        packer.pack(5)

    with pytest.raises(CannotSave, match=reason):
        dumps(packer)
    assert packer.bytes() == (msgpack.packb(5) if reason == "bytes in it" else b"")


def test_strangers():
    """A stranger's file makes a packer only by a call that the audit lists."""
    packer = loads(dumps(Packer(use_bin_type=False)), trust=["call:msgpack._cmsgpack.Packer"])

    assert packer.pack(b"1") == b"\xa11"
