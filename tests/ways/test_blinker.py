"""Signals of blinker come back with their receivers and attributes."""

import pytest

from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.kinds import KINDS

blinker = pytest.importorskip("blinker")


class Receiver:
    def __init__(self):
        self.got = []

    def take(self, sender):
        """Keep the sender."""
        self.got.append(sender)

    def connected(self, _signal, receiver, **_others):
        """Keep a receiver."""
        self.got.append(receiver)


class Loud(blinker.Signal):
    """A signal of a class of one's own."""


class Named(blinker.NamedSignal):
    def __init__(self, first, second):
        super().__init__(first + second)


@pytest.mark.parametrize("kind", KINDS)
class TestSignals:
    @pytest.mark.parametrize("cls", [blinker.Signal, Loud])
    def test_receivers(self, kind, cls):
        """A signal sends to the restored receiver, also one of a derived class with attributes."""
        signal, receiver = cls(), Receiver()
        signal.connect(receiver.take)
        signal.label = [1]

        again, other = loads(dumps([signal, receiver], kind), trust=EVERYTHING)

        again.send("ann")
        assert (type(again), again.label, other.got) == (cls, [1], ["ann"])

    def test_of_connections(self, kind):
        """A receiver that hears of new receivers isn't told of those that the load connects."""
        signal, receiver, watcher = blinker.Signal(), Receiver(), Receiver()
        signal.connect(receiver.take)
        signal.receiver_connected.connect(watcher.connected)

        again, other, watching = loads(dumps([signal, receiver, watcher], kind), trust=EVERYTHING)

        assert watching.got == []
        again.connect(other.connected)
        assert watching.got == [other.connected]


def test_constructor():
    """A signal of a class with another constructor is refused."""
    with pytest.raises(CannotSave, match="a signal of a class with a constructor of its own"):
        dumps(Named("a", "b"))
