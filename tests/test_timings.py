"""Every timing of a few ticks, and long lifecycles at random: starts, stops, moves and cancellations that overlap."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from appsnap.service import MultiService
from lifecycle_model import World, play

SCRIPTS = [
    *("start start", "start stop", "start cancel", "stop stop", "stop start", "privileged start stop"),
    *("start start cancel", "start start stop", "start stop start", "start stop stop", "start stop cancel"),
    *("start cancel start", "start cancel stop", "start cancel cancel", "stop start stop", "privileged cancel stop"),
    *("start remove add", "start remove stop", "start move stop", "start move move", "start move cancel"),
    *("start stop move", "start cancel move", "remove start add", "start start stop stop", "start stop start stop"),
    *("start stop start cancel", "start remove add stop", "start move move stop", "start stop move start"),
    *("start remove add remove", "start move move move", "privileged start stop start"),
]
FAILURES = [((), ()), (("start",), ()), (("stop",), ()), (("start", "stop"), ("stop",)), ((), ("start",))]


class Plain(MultiService):
    """A collection whose methods are overridden, and are called therefore."""

    async def startService(self):
        """Start the children, and wait for them."""
        await asyncio.sleep(0)
        result = super().startService()
        if result is not None:
            await result

    def stopService(self):
        """Stop the children."""
        return super().stopService()


class Careless(MultiService):
    """A collection whose methods wait for nothing, as those of old programs do."""

    def startService(self):
        """Start the children."""
        super().startService()

    def stopService(self):
        """Stop the children."""
        super().stopService()


async def stop_all(part):
    """Stop the whole from within."""
    await part.world.root.stopService()


async def start_all(part):
    """Start the whole from within."""
    await part.world.root.startService()


async def move(part):
    """Leave for another collection."""
    if part.parent is not part.world.two:
        await part.setServiceParent(part.world.two)


async def leave(part):
    """Leave for good."""
    await part.disownServiceParent()


def spaced(script, delays):
    """Return the acts of a script with ticks between them."""
    first, *rest = script.split()
    return [first, *itertools.chain.from_iterable(zip(delays, rest, strict=True))]


async def walk(script, ticks, speeds, *, failures=FAILURES, waiting="future", inner=MultiService, then=None):
    """Play a script in every timing. Returns the number of timings, and those with a wrong end."""
    wrong, count = [], 0
    delays = list(itertools.product(range(ticks), repeat=len(script.split()) - 1))
    for a, b in failures:
        for start, stop, other_start, other_stop in itertools.product(*speeds):
            for between in delays:
                world = World(
                    {"start": start, "stop": stop, "fails": a} | ({"then": then} if then else {}),
                    {"start": other_start, "stop": other_stop, "fails": b},
                    inner,
                    careless=inner is Careless,
                )
                count += 1
                if found := await play(world, spaced(script, between), waiting):
                    wrong.append(((a, b), (start, stop, other_start, other_stop), between, found))
    return count, wrong


FEW = ((0, 2), (0, 2), (1,), (0, 2))
MORE = ((0, 1, 3), (0, 2), (0, 2), (0, 1, 3))


@pytest.mark.parametrize("script", SCRIPTS)
def test_timings(script):
    """No timing has a wrong end."""
    ticks = {1: 5, 2: 4, 3: 2}[script.count(" ")]

    assert asyncio.run(walk(script, ticks, FEW))[1] == []


@pytest.mark.parametrize("waiting", ["task", None])
@pytest.mark.parametrize("script", ["start stop start", "start cancel stop", "start move move", "start remove add"])
def test_waiting(script, waiting):
    """The same holds where a task waits for each result, and where nobody does."""
    assert asyncio.run(walk(script, 3, FEW, waiting=waiting))[1] == []


@pytest.mark.parametrize("inner", [Plain, Careless])
@pytest.mark.parametrize(
    "script", ["start stop", "start cancel", "start stop start", "start move move", "start stop stop"]
)
def test_overridden(script, inner):
    """The same holds where collections override their methods, even if these don't wait for their children."""
    assert (
        asyncio.run(walk(script, 3, FEW, failures=FAILURES[:1] if inner is Careless else FAILURES, inner=inner))[1]
        == []
    )


@pytest.mark.timeout(200)
@pytest.mark.parametrize("act", [stop_all, start_all, move, leave])
@pytest.mark.parametrize("phase", ["start", "stop"])
@pytest.mark.parametrize("script", ["start", "start stop", "start cancel", "start move", "start stop stop"])
def test_from_within(script, phase, act):
    """Nothing waits for itself that a service asks for, and waits for, in its own start or stop."""
    if (phase, act) == ("stop", start_all):
        script = script.replace("start stop", "start")  # each stop would be followed by a start
    assert asyncio.run(walk(script, 4, FEW, failures=FAILURES[:1], then={phase: act}))[1] == []


ACTS = ["start", "start", "stop", "cancel", "move", "move", "remove", "add"]


def lifecycle(seed):
    """Return the acts of a long lifecycle, and its world."""
    chance = random.Random(seed)
    acts = []
    for _ in range(chance.randrange(4, 14)):
        acts += [
            chance.choice(["start", "start", "stop", "cancel", "move", "move", "remove", "add"]),
            chance.randrange(5),
        ]
    a, b = chance.choice(FAILURES)
    speeds = [chance.randrange(4) for _ in range(4)]
    world = World(
        {"start": speeds[0], "stop": speeds[1], "fails": a},
        {"start": speeds[2], "stop": speeds[3], "fails": b},
        chance.choice([MultiService, MultiService, Plain]),
    )
    return world, acts


async def lifecycles(seeds):
    """Live through some lifecycles. Returns those with a wrong end."""
    wrong = []
    for seed in seeds:
        world, acts = lifecycle(seed)
        if found := await play(world, acts, ["future", "task", None][seed % 3]):
            wrong.append((seed, acts, found))
    return wrong


def test_at_random():
    """Long lifecycles have no wrong end either."""
    assert asyncio.run(lifecycles(range(1000))) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("script", SCRIPTS)
def test_all_timings(script):
    """No timing of more ticks has a wrong end."""
    ticks = {1: 8, 2: 4, 3: 2}[script.count(" ")]

    assert asyncio.run(walk(script, ticks, MORE))[1] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_at_random():
    """Thousands of lifecycles have no wrong end."""
    assert asyncio.run(lifecycles(range(1000, 5000))) == []
