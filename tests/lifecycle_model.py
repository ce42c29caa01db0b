"""A model of starting and stopping: services that know when they may be called, and the end that each request has.

A world is a small tree. Its services take some ticks to start and to stop, and note each call that comes at a wrong
time. A script makes requests at some ticks. When all has ended, `World.wrong` lists all that isn't as it should be.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import traceback

from appsnap.errors import ServiceError
from appsnap.service import MultiService, Service

SETTLED = 60
"""More ticks than any script takes to come to an end."""


class Part(Service):
    """A service that takes some ticks, may fail, and may do something else at the end of its start or stop."""

    def __init__(self, world, name, *, start=0, stop=0, fails=(), then=None):
        self.setName(name)
        self.world = world
        self.ticks = {"start": start, "stop": stop}
        self.fails = fails
        self.then = then or {}
        self.state = "new"
        world.parts[name] = self

    def _enter(self, expected, state):
        if self.state not in expected:
            self.world.wrong.append(f"{self.name} is {self.state} and is {state}")
        self.state = state

    async def _take(self, phase, after):
        try:
            await ticks(self.ticks[phase])
            if phase in self.then:
                await self.then[phase](self)
            self.world.fail(f"{phase} of {self.name}", phase in self.fails)
        except BaseException as error:
            self.state = "down"
            if phase == "stop" and isinstance(error, asyncio.CancelledError):
                self.world.wrong.append(f"the stop of {self.name} is cancelled")
            raise
        self.state = after

    async def startService(self):
        """Start, and see that it is down."""
        self._enter(("new", "down"), "starting")
        super().startService()
        await self._take("start", "up")

    async def stopService(self):
        """Stop, and see that it is up. One that nobody has started yet may be up, as far as a collection knows."""
        self._enter(("new", "up"), "stopping")
        super().stopService()
        await self._take("stop", "down")


class World(logging.Handler):
    """A tree, the requests made of it, and their outcomes.

    The root has the collections `one` and `two`. A part `a` is in `one`, and a part `b` in the root.
    """

    def __init__(self, a, b, inner=MultiService, *, careless=False):
        super().__init__()
        self.parts = {}
        self.wrong = []
        self.raised = []
        self.told = []
        self.requests = []
        self.careless = careless
        """Whether the collections don't wait for their children. Then the end of a request says nothing."""
        self.hooks = "then" in a
        """Whether a service makes requests of its own."""
        self.root, self.one, self.two = MultiService(), inner(), inner()
        for name, collection in (("one", self.one), ("two", self.two)):
            collection.setName(name)
            collection.setServiceParent(self.root)
        Part(self, "a", **a).setServiceParent(self.one)
        Part(self, "b", **b).setServiceParent(self.root)

    def emit(self, record):
        """Keep an error that is logged."""
        self.told.append("".join(traceback.format_exception(record.exc_info[1])))

    def fail(self, text, wanted):
        """Raise an error if one is wanted, and remember that somebody has to hear of it."""
        if wanted:
            self.raised.append(f"planted: {text} #{len(self.raised)}")
            raise OSError(self.raised[-1])

    def do(self, act, waiting="future"):
        """Make a request, by its name. Its result is awaited as a future or by a task, or isn't awaited."""
        if act == "cancel":
            for request in reversed(self.requests):
                if request.act in ("start", "move", "privileged") and not request.cancelled:
                    request.cancel()
                    break
            return
        request = Request(self, act)
        self.requests.append(request)
        request.make(waiting)

    def ask(self, act):
        """Call the method."""
        part = self.parts["a"]
        if act == "start":
            return self.root.startService()
        if act == "privileged":
            return self.root.privilegedStartService()
        if act == "stop":
            return self.root.stopService()
        if act == "remove":
            return part.disownServiceParent() if part.parent is not None else None
        if act == "add":
            return part.setServiceParent(self.one)
        places = [self.one, self.two, self.root]
        at = next((at for at, place in enumerate(places) if place is part.parent), 0)
        return part.setServiceParent(places[(at + 1) % 3])

    def down(self):
        """Tell whether nothing is up that is in the tree."""
        return all(part.state in ("new", "down") for part in self.parts.values() if part.parent is not None)

    def up(self):
        """Tell whether all that is in the tree is up."""
        return all(part.state == "up" for part in self.parts.values() if part.parent is not None)

    def check(self):
        """Look at the tree when all has ended."""
        places = [self.root, self.one, self.two]
        for part in self.parts.values():
            holders = [place for place in places if any(child is part for child in place)]
            if holders != [place for place in (part.parent,) if place is not None]:
                self.wrong.append(f"{part.name} is in {holders}, its parent is {part.parent}")
            if part.state in ("starting", "stopping"):
                self.wrong.append(f"{part.name} is still {part.state}")
            if part.running != (part.state == "up"):
                self.wrong.append(f"{part.name} is {part.state}, running is {part.running}")
            if part.state == "up" and (part.parent is None or not part.parent.running):
                self.wrong.append(f"{part.name} is up, {part.parent} isn't")
        if not self.root.running == self.one.running == self.two.running:
            self.wrong.append(f"running: {self.root} {self.one} {self.two}")
        of_all = [request for request in self.requests if request.act in ("start", "stop")]
        failed = any(request.failed for request in self.requests) or self.told
        if of_all:
            last = of_all[-1]
            known = last.over and not self.hooks and not isinstance(last.outcome, asyncio.CancelledError)
            if known and self.root.running != (last.act == "start" and last.outcome is None):
                self.wrong.append(f"the last {last.act} ended with {last.outcome!r}, and then {self.root}")
        if self.root.running and not self.up() and not failed:
            self.wrong.append("not everything is up in a running tree")
        if not self.root.running and not self.down():
            self.wrong.append("something is up in a stopped tree")
        if self.unheard():
            gc.collect()
        self.wrong += [f"nobody heard of {text}" for text in self.unheard()]

    def unheard(self):
        """Return the failures that nobody has heard of."""
        heard = "".join([*self.told, *(request.text for request in self.requests)])
        return [text for text in self.raised if text not in heard]


class Request:
    """A request, and how it ended."""

    def __init__(self, world, act):
        self.world = world
        self.act = act
        self.task = None
        self.cancelled = self.over = False
        self.outcome = None
        self.text = ""

    @property
    def failed(self):
        """Whether its caller heard of an error."""
        return self.outcome is not None

    def make(self, waiting):
        """Call the method, and wait for its result."""
        try:
            result = self.world.ask(self.act)
        except Exception as error:  # noqa: BLE001 - each error is looked at
            self.end(error)
            return
        if not inspect.isawaitable(result):
            self.end(None)
        elif waiting == "future":
            self.task = asyncio.ensure_future(result)
            self.task.add_done_callback(self._ended)
        elif waiting == "task":
            self.task = asyncio.ensure_future(self._wait(result))

    def cancel(self):
        """Cancel what waits. A task that hasn't begun to wait doesn't tell the start of it."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()
            self.task = None

    def _ended(self, future):
        self.end(asyncio.CancelledError() if future.cancelled() else future.exception())

    async def _wait(self, result):
        try:
            await result
        except asyncio.CancelledError as error:
            self.end(error)
        except Exception as error:  # noqa: BLE001 - each error is looked at
            self.end(error)
        else:
            self.end(None)

    def end(self, error):
        """Compare the outcome to the tree, unless there was another request since."""
        self.over = True
        self.outcome = error
        world = self.world
        if error is not None:
            self.text += "".join(traceback.format_exception(error))
        kind = (type(None), asyncio.CancelledError, ServiceError if self.act != "remove" else OSError, OSError)
        kinds = (*kind, ExceptionGroup) if self.act == "stop" else kind
        if not isinstance(error, kinds) or (isinstance(error, asyncio.CancelledError) and not self.cancelled):
            world.wrong.append(f"{self.act} ends with {error!r}")
        others = [request for request in world.requests if request is not self]
        alone = all(request.over and not request.cancelled for request in others) and world.requests[-1:] == [self]
        if alone and not (self.cancelled or world.careless or world.hooks):
            if self.act == "start" and error is None and not world.up():
                world.wrong.append("a start has ended, and not all is up")
            if self.act in ("start", "stop") and (error is not None or self.act == "stop") and not world.down():
                world.wrong.append(f"a {self.act} has ended with {error!r}, and something is up")


async def ticks(count):
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def play(world, script, waiting="future"):
    """Run a script: acts, with numbers of ticks between them. Returns all that is wrong then."""
    log = logging.getLogger("appsnap.service")
    log.addHandler(world)
    log.propagate = False
    try:
        for act in script:
            if isinstance(act, int):
                await ticks(act)
            else:
                world.do(act, waiting)
        quiet = 0
        for _ in range(SETTLED):
            await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            quiet = 0 if left else quiet + 1
            if quiet > 3:
                break
        if left:
            world.wrong.append(f"left: {left}")
            for task in left:
                task.cancel()
            await asyncio.wait(left)
        world.check()
    finally:
        log.propagate = True
        log.removeHandler(world)
    return world.wrong
