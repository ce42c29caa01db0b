"""How trees start and stop: in order, all at once, rolled back when something fails, with nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import logging
import weakref

import pytest
from zope.interface import implementer

from appsnap.errors import ServiceError
from appsnap.lifecycle import eagerly, hand_over, path
from appsnap.service import Application, IService, MultiService, Service


class Part(Service):
    """A service that writes down its calls, and answers as a test wants."""

    def __init__(self, name, log, *, start=None, stop=None, privileged=None):
        if name is not None:
            self.setName(name)
        self.log = log
        self.answers = {"start": start, "stop": stop, "privileged": privileged}

    def _answer(self, what):
        self.log.append(f"{what} {self.name}")
        answer = self.answers[what]
        return None if answer is None else answer(self)

    def privilegedStartService(self):
        """Write it down, and answer."""
        return self._answer("privileged")

    def startService(self):
        """Write it down, and answer."""
        super().startService()
        return self._answer("start")

    def stopService(self):
        """Write it down, and answer."""
        super().stopService()
        return self._answer("stop")


def fails(error):
    """Answer with an error, at once."""

    def answer(part):
        raise error

    return answer


def fails_later(error):
    """Answer with an error, after some turns of the loop."""

    async def answer(part):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise error

    return answer


async def takes_time(part):
    """Answer after some turns of the loop."""
    part.log.append(f"begun {part.name}")
    for _ in range(5):
        await asyncio.sleep(0)
    part.log.append(f"done {part.name}")


async def hangs(part):
    """Answer never, and write down being cancelled."""
    part.log.append(f"begun {part.name}")
    try:
        await asyncio.Event().wait()
    finally:
        part.log.append(f"cancelled {part.name}")


async def insists(part):
    """Answer after some turns of the loop, even if it is cancelled."""
    for _ in range(5):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


def tree(*parts, root=None):
    """Return a collection with these children."""
    root = MultiService() if root is None else root
    for part in parts:
        part.setServiceParent(root)
    return root


def running(root):
    """Return the names of the running services in a tree, the root's among them."""
    names = [root.name or "root"] if root.running else []
    for child in root:
        names += running(child) if isinstance(child, MultiService) else [child.name] * child.running
    return names


async def turns(count=20):
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """An error that takes no notes, because it can't change."""


class Unnoted(Exception):
    """An error that takes no notes, because it has none."""

    __notes__ = None


class Wordless(Exception):
    """An error that has no text."""

    def __str__(self):
        raise ValueError("no text")


@pytest.fixture
def log():
    """Give a list to write to."""
    return []


@pytest.fixture
def logged(caplog):
    """Give the errors logged so far, after unreachable objects are gone."""

    def errors():
        gc.collect()
        records = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert all(record.name == "appsnap.service" for record in records)
        return [record.exc_info[1] for record in records]

    return errors


class TestWithoutLoop:
    """Where nothing takes time, no event loop is needed."""

    def test_order(self, log):
        """Children start in order and stop in reverse; the result is None, and no event loop is needed."""
        root = tree(*(Part(name, log) for name in "abc"))

        assert root.startService() is None
        assert running(root) == ["root", "a", "b", "c"]
        assert root.stopService() is None

        assert log == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]
        assert running(root) == []

    def test_privileged(self, log):
        """Children are asked to do their privileged part in order, and nothing runs by that."""
        root = tree(*(Part(name, log) for name in "abc"))

        assert root.privilegedStartService() is None

        assert log == ["privileged a", "privileged b", "privileged c"]
        assert running(root) == []

    def test_other_answers(self, log):
        """An answer that isn't awaitable is no reason to wait."""
        root = tree(Part("a", log, start=lambda _: 1, stop=lambda _: "done"))

        assert root.startService() is None
        assert root.stopService() is None

    def test_result_begins_when_awaited(self, log):
        """Without a loop, slow services wait for one, and then begin concurrently."""
        root = tree(*(Part(name, log, start=takes_time) for name in "ab"))

        result = root.startService()
        assert log == ["start a", "start b"]
        asyncio.run(result)

        assert log[2:] == ["begun a", "begun b", "done a", "done b"]

    def test_result_that_nobody_awaits(self, log):
        """Without a loop, a result that is dropped is a coroutine that was never awaited, and Python says so."""

        class Endless:
            def __await__(self):
                yield

        root = tree(Part("a", log, start=lambda _: Endless()))

        with pytest.warns(RuntimeWarning, match="never awaited"):
            root.startService()

    @pytest.mark.slow
    def test_many(self, log):
        """A hundred thousand children are asked in no more than linear time."""
        root = tree(*(Service() for _ in range(100_000)))

        root.startService()
        root.stopService()

        assert not root.services[-1].running


class TestWithLoop:
    """Slow services start and stop concurrently."""

    @pytest.mark.parametrize("method", ["start", "stop", "privileged"])
    def test_concurrent(self, log, method):
        """All children are asked at once, none waits for another, and the whole ends when all have."""
        root = tree(*(Part(name, log, **{method: takes_time}) for name in "ab"), Part("c", log))

        async def main():
            result = getattr(root, {"privileged": "privilegedStartService"}.get(method, f"{method}Service"))()
            assert len(log) == 3
            await result

        asyncio.run(main())

        order = "ba" if method == "stop" else "ab"
        assert log[3:] == [f"{what} {name}" for what in ("begun", "done") for name in order]

    def test_goes_on_unawaited(self, log):
        """Within a loop, a start goes on whether it is awaited or not."""
        root = tree(Part("a", log, start=takes_time))

        async def main():
            root.startService()
            gc.collect()
            await turns()

        asyncio.run(main())

        assert log == ["start a", "begun a", "done a"]

    def test_future(self, log):
        """A future will do for an answer."""

        async def main():
            future = asyncio.get_running_loop().create_future()
            root = tree(Part("a", log, start=lambda _: future))
            result = asyncio.ensure_future(root.startService())
            await turns()
            assert not result.done()
            future.set_result("ready")
            await result

        asyncio.run(main())

    def test_nested(self, log):
        """A tree of collections ends when its leaves have."""
        root = tree(tree(Part("a", log, start=takes_time)), tree(tree(Part("b", log, start=takes_time))))

        asyncio.run(root.startService())

        assert log == ["start a", "start b", "begun a", "begun b", "done a", "done b"]
        assert running(root) == ["root", "root", "a", "root", "root", "b"]

    def test_coroutine_method(self, log):
        """A collection may override its start with a coroutine function."""

        class Shop(MultiService):
            async def startService(self):
                await asyncio.sleep(0)
                log.append("open")
                result = super().startService()
                if result is not None:
                    await result

        shop = tree(Part("a", log, start=takes_time), root=Shop())

        asyncio.run(tree(shop).startService())

        assert log == ["open", "start a", "begun a", "done a"]
        assert shop.running


class TestFailedStart:
    """A failed start leaves nothing running, and names the failed service."""

    def test_rolled_back(self, log):
        """Started services are stopped in reverse; others are never asked; nothing runs."""
        error = ValueError("no port")
        parts = [Part("a", log), Part("b", log), Part("c", log, start=fails(error)), Part("d", log)]
        root = tree(*parts)

        with pytest.raises(ServiceError):
            root.startService()

        assert log == ["start a", "start b", "start c", "stop b", "stop a"]
        assert running(root) == []

    def test_error(self, log):
        """The error says phase, path, type and reason, and has the reason as its cause."""
        reason = ValueError("no port")
        root = tree(Part("a", log), Part("web", log, start=fails(reason)), root=Application("shop"))

        with pytest.raises(ServiceError) as caught:
            root.startService()

        error = caught.value
        place = (error.phase, error.path, error.type)
        assert place == ("startService", 'application.services["web"]', f"{__name__}.Part")
        assert error.__cause__ is reason
        assert str(error) == (
            f'error in startService of application.services["web"] ({__name__}.Part): ValueError: no port'
        )

    def test_nested_error(self, log):
        """The error of a service far below comes up as it is, with its whole path, when all levels are rolled back."""
        reason = ValueError("no port")
        inner = tree(Part("b", log), Part(None, log, start=fails(reason)))
        inner.setName("inner")
        root = tree(Part("a", log), inner, root=Application("shop"))

        with pytest.raises(ServiceError) as caught:
            root.startService()

        assert caught.value.path == 'application.services["inner"].services[1]'
        assert caught.value.__cause__ is reason
        assert log == ["start a", "start b", "start None", "stop b", "stop a"]
        assert running(root) == []

    def test_privileged(self, log):
        """A failure in the privileged part is rolled back in the same way."""
        reason = PermissionError("port 80")
        root = tree(Part("a", log), Part("b", log, privileged=fails(reason)), Part("c", log))

        with pytest.raises(ServiceError) as caught:
            root.privilegedStartService()

        assert (caught.value.phase, caught.value.path) == ("privilegedStartService", 'services["b"]')
        assert log == ["privileged a", "privileged b", "stop a"]

    def test_later(self, log):
        """A start that fails later waits for its siblings, which aren't abandoned, and stops them then."""
        reason = ValueError("no port")
        root = tree(
            Part("a", log, start=takes_time, stop=takes_time), Part("b", log, start=fails_later(reason)), Part("c", log)
        )

        with pytest.raises(ServiceError) as caught:
            asyncio.run(root.startService())

        assert caught.value.__cause__ is reason
        assert log == [
            *("start a", "start b", "start c", "begun a", "done a"),
            *("stop c", "stop a", "begun a", "done a"),
        ]
        assert running(root) == []

    def test_at_once_while_others_are_at_it(self, log):
        """An error at once waits for those that were asked before, and asks nobody else."""
        root = tree(Part("a", log, start=takes_time), Part("b", log, start=fails(ValueError())), Part("c", log))

        with pytest.raises(ServiceError):
            asyncio.run(root.startService())

        assert log == ["start a", "start b", "begun a", "done a", "stop a"]

    def test_slow_roll_back(self, log):
        """Where only the roll-back takes time, it is awaited before the error comes."""
        root = tree(Part("a", log, stop=takes_time), Part("b", log, start=fails(ValueError())))

        with pytest.raises(ServiceError):
            asyncio.run(root.startService())

        assert log == ["start a", "start b", "stop a", "begun a", "done a"]

    def test_errors_of_roll_back(self, log):
        """An error in the roll-back doesn't end it, and is attached with place and traceback."""
        root = tree(
            Part("a", log, stop=fails(KeyError("socket"))),
            Part("b", log),
            Part("c", log, stop=fails_later(OSError("disk"))),
            Part("d", log, start=fails(ValueError("no port"))),
        )

        with pytest.raises(ServiceError, match="no port") as caught:
            asyncio.run(root.startService())

        assert log[4:] == ["stop c", "stop b", "stop a"]
        notes = "\n".join(caught.value.__notes__)
        assert "KeyError: 'socket'" in notes
        assert 'while stopping services["a"]' in notes
        assert "OSError: disk" in notes
        assert 'while stopping services["c"]' in notes
        assert "Traceback" in notes

    def test_several(self, log):
        """Of several failures the first is raised, and the others are attached."""
        root = tree(
            Part("a", log, start=fails_later(ValueError("one"))), Part("b", log, start=fails_later(OSError("two")))
        )

        with pytest.raises(ServiceError, match="one") as caught:
            asyncio.run(root.startService())

        assert "OSError: two" in "".join(caught.value.__notes__)
        assert 'while starting services["b"]' in "".join(caught.value.__notes__)

    @pytest.mark.parametrize("later", [False, True])
    @pytest.mark.parametrize("phase", ["start", "stop"])
    @pytest.mark.parametrize("error", ["Frozen", "Wordless", "Unnoted"])
    def test_errors_that_say_little(self, log, error, phase, later):
        """An error that has no text and takes no note is reported as others are."""
        raised = {"Frozen": Frozen, "Wordless": Wordless, "Unnoted": Unnoted}[error]()
        root = tree(Part("a", log), Part("b", log, **{phase: (fails_later if later else fails)(raised)}))

        async def main():
            starting = root.startService()
            if starting is not None:
                await starting
            stopping = root.stopService()
            if stopping is not None:
                await stopping

        with pytest.raises(ServiceError if phase == "start" else ExceptionGroup) as caught:
            asyncio.run(main())

        assert caught.value.__cause__ is raised or caught.value.exceptions == (raised,)
        if phase == "start":
            assert error in str(caught.value)
        assert "a" not in running(root)
        assert root._lifecycle.current is None  # nothing is left under way

    def test_collection_that_has_no_children_to_show(self, log):
        """A collection that can't be iterated fails to start and stop, each time."""
        root = tree(MultiService())
        root.services[0].services = None

        for _ in range(2):
            with pytest.raises(ServiceError, match=r"services\[0\].*TypeError: 'NoneType' object is not iterable"):
                root.startService()
            assert not root.running
            with pytest.raises(ExceptionGroup):
                root.services[0].stopService()

    def test_interrupt(self, log):
        """An interrupt from the keyboard is rolled back as well, and stays a KeyboardInterrupt."""
        root = tree(Part("a", log), Part("b", log, start=fails(KeyboardInterrupt())))

        with pytest.raises(KeyboardInterrupt):
            root.startService()

        assert log == ["start a", "start b", "stop a"]
        assert running(root) == []

    def test_override_that_fails(self, log):
        """A collection that fails in its own code, when its children have started, leaves none of them running."""

        class Shop(MultiService):
            def startService(self):
                super().startService()
                raise ValueError("closed")

            def stopService(self):
                raise AssertionError("a service that failed to start isn't asked to stop")

        root = tree(Part("a", log), tree(Part("b", log), root=Shop()))

        with pytest.raises(ServiceError, match="closed"):
            root.startService()

        assert log == ["start a", "start b", "stop b", "stop a"]
        assert running(root) == []

    def test_starts_again(self, log):
        """After a failure the tree can be started again."""
        part = Part("b", log, start=fails(ValueError()))
        root = tree(Part("a", log), part)
        with pytest.raises(ServiceError):
            root.startService()

        part.answers["start"] = None
        root.startService()

        assert running(root) == ["root", "a", "b"]

    def test_foreign_service(self, log):
        """A service needs not be a Service: any provider of the interface is asked and rolled back."""

        @implementer(IService)
        class Foreign:
            name = parent = None
            running = False

            def startService(self):
                self.running = True
                raise ValueError("foreign")

        foreign = Foreign()
        root = tree(Part("a", log))
        root.addService(foreign)

        with pytest.raises(ServiceError, match=r"services\[1\].*foreign"):
            root.startService()

        assert not foreign.running
        assert log == ["start a", "stop a"]


class TestCancelledStart:
    """So does a start that is cancelled."""

    @pytest.mark.parametrize("wait", [0, 1, 2, 5])
    def test_rolled_back(self, log, wait):
        """A cancelled start, however early, cancels starting services, and stops started ones."""
        root = tree(Part("a", log), tree(Part("b", log), Part("c", log, start=hangs)), Part("d", log))

        async def main():
            async def start():
                await root.startService()

            task = asyncio.create_task(start())
            await asyncio.sleep(0)
            await turns(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

        assert [entry for entry in log if entry.startswith("stop")] == ["stop b", "stop d", "stop a"]
        assert log.count("begun c") == log.count("cancelled c")
        assert running(root) == []

    def test_timeout(self, log):
        """A time limit rolls back."""
        root = tree(Part("a", log), Part("b", log, start=hangs))

        async def main():
            await asyncio.wait_for(root.startService(), 0.001)

        with pytest.raises(TimeoutError):
            asyncio.run(main())

        assert log[-2:] == ["cancelled b", "stop a"]

    def test_without_loop(self, log):
        """So does the cancelling of a start that began without a loop."""
        root = tree(Part("a", log), Part("b", log, start=hangs))
        result = root.startService()

        async def main():
            await asyncio.wait_for(result, 0.001)

        with pytest.raises(TimeoutError):
            asyncio.run(main())

        assert log[-2:] == ["cancelled b", "stop a"]
        assert running(root) == []

    def test_errors_are_logged(self, log, logged):
        """A cancellation carries no errors, so those of the roll-back are logged."""
        error = ValueError("socket")
        root = tree(Part("a", log, stop=fails(error)), Part("b", log, start=hangs))

        async def main():
            await asyncio.wait_for(root.startService(), 0.001)

        with pytest.raises(TimeoutError):
            asyncio.run(main())

        assert logged() == [error]


class TestStop:
    """Everything is stopped, and every error comes out."""

    def test_errors_together(self, log):
        """Errors come out together, each with its place noted, and the siblings still stop."""
        first, second = ValueError("one"), OSError("two")
        root = tree(
            Part("a", log),
            Part("b", log, stop=fails(first)),
            tree(Part(None, log, stop=fails(second))),
            root=Application("shop"),
        )
        root.startService()
        log.clear()

        with pytest.raises(ExceptionGroup, match="errors while stopping application") as caught:
            root.stopService()

        assert caught.value.exceptions == (second, first)
        assert first.__notes__ == [f'while stopping application.services["b"] ({__name__}.Part)']
        assert second.__notes__ == [f"while stopping application.services[2].services[0] ({__name__}.Part)"]
        assert log == ["stop None", "stop b", "stop a"]
        assert running(root) == []

    def test_later_errors_together(self, log):
        """The same holds for errors that come later, and those that come at once wait for them."""
        root = tree(
            Part("a", log, stop=takes_time),
            Part("b", log, stop=fails_later(ValueError("one"))),
            Part("c", log, stop=fails(OSError("two"))),
        )

        with pytest.raises(ExceptionGroup) as caught:
            asyncio.run(root.stopService())

        assert [str(error) for error in caught.value.exceptions] == ["two", "one"]
        assert log[-1] == "done a"

    def test_group_of_a_leaf(self, log):
        """An exception group that a service itself raises stays together."""
        group = ExceptionGroup("mine", [ValueError("one"), ValueError("two")])
        root = tree(Part("a", log, stop=fails(group)))

        with pytest.raises(ExceptionGroup) as caught:
            root.stopService()

        assert caught.value.exceptions == (group,)

    def test_cancelled_child(self, log):
        """A child that is cancelled by somebody else counts as an error, not as our cancellation."""

        async def cancelled(part):
            raise asyncio.CancelledError

        root = tree(Part("a", log, stop=takes_time), Part("b", log, stop=cancelled))

        with pytest.raises(BaseExceptionGroup) as caught:
            asyncio.run(root.stopService())

        assert isinstance(caught.value.exceptions[0], asyncio.CancelledError)
        assert log[-1] == "done a"

    def test_nobody_awaits(self, log, logged):
        """Where nobody awaits, the errors are logged."""
        error = ValueError("socket")
        root = tree(Part("a", log, stop=fails_later(error)))

        async def main():
            root.startService()
            root.stopService()
            await turns()

        asyncio.run(main())

        (group,) = logged()
        assert group.exceptions == (error,)

    def test_somebody_awaits(self, log, logged):
        """Where somebody awaits, nothing is logged."""
        root = tree(Part("a", log, stop=fails_later(ValueError())))

        async def main():
            result = root.stopService()
            await turns()
            with pytest.raises(ExceptionGroup):
                await result

        asyncio.run(main())

        assert logged() == []

    def test_cancelled(self, log, logged):
        """A stop that is cancelled passes that on, waits for all, and logs the errors."""
        error = ValueError("socket")
        root = tree(Part("a", log, stop=fails(error)), Part("b", log, stop=hangs))

        async def main():
            await asyncio.wait_for(root.stopService(), 0.001)

        with pytest.raises(TimeoutError):
            asyncio.run(main())

        assert log[-1] == "cancelled b"
        assert logged() == [error]

    def test_while_starting(self, log):
        """The stop of a starting tree cancels starting services, stops started ones, each once, and ends the start."""
        root = tree(Part("a", log), Part("b", log, start=hangs), Part("c", log))

        async def main():
            start = root.startService()
            await turns()
            await root.stopService()
            assert log == ["start a", "start b", "start c", "begun b", "stop c", "stop a", "cancelled b"]
            with pytest.raises(ServiceError, match="stopped before it had started"):
                await start

        asyncio.run(main())

        assert log[-1] == "cancelled b"
        assert running(root) == []

    def test_from_within_a_start(self, log):
        """A child may stop the whole from its own start: those that aren't up yet aren't asked any more."""
        root = MultiService()
        tree(Part("a", log), Part("b", log, start=lambda _: root.stopService()), Part("c", log), root=root)

        with pytest.raises(ServiceError, match="stopped before it had started"):
            root.startService()

        assert log == ["start a", "start b", "stop b", "stop a"]
        assert running(root) == []

    def test_removal_while_stopping(self, log):
        """A child that a sibling removes meanwhile is stopped once."""
        first = Part("a", log)
        root = tree(first, Part("b", log, stop=lambda _: first.disownServiceParent()))
        root.startService()
        log.clear()

        root.stopService()

        assert log == ["stop b", "stop a"]
        assert [child.name for child in root] == ["b"]


class TestNewcomer:
    """A service that joins a running or starting tree."""

    def test_joins_running(self, log):
        """A newcomer of a running collection starts, its privileged part first."""
        root = tree()
        root.startService()

        tree(Part("a", log), root=root)

        assert log == ["privileged a", "start a"]
        assert running(root) == ["root", "a"]

    def test_takes_time(self, log):
        """Each step of a newcomer waits for the one before, and the result for both."""
        root = tree()

        async def main():
            root.startService()
            await Part("a", log, privileged=takes_time, start=takes_time).setServiceParent(root)

        asyncio.run(main())

        assert log == ["privileged a", "begun a", "done a", "start a", "begun a", "done a"]

    @pytest.mark.parametrize("phase", ["privileged", "start"])
    def test_fails(self, log, phase):
        """A newcomer that fails is let go; the collection and its other children run on."""
        root = tree(Part("a", log))
        root.startService()
        newcomer = Part("b", log, **{phase: fails(ValueError("no port"))})

        with pytest.raises(ServiceError, match=r'services\["b"\]') as caught:
            newcomer.setServiceParent(root)

        assert caught.value.phase == {"privileged": "privilegedStartService"}.get(phase, "startService")
        assert newcomer.parent is None
        assert running(root) == ["root", "a"]
        assert [child.name for child in root] == list(root.namedServices) == ["a"]

    def test_fails_later(self, log):
        """The same holds for one that fails later."""
        root = tree(Part("a", log))
        newcomer = Part("b", log, start=fails_later(ValueError("no port")))

        async def main():
            root.startService()
            with pytest.raises(ServiceError, match=r'services\["b"\]'):
                await newcomer.setServiceParent(root)

        asyncio.run(main())

        assert newcomer.parent is None
        assert running(root) == ["root", "a"]
        assert [child.name for child in root] == ["a"]

    def test_fails_unawaited(self, log, logged):
        """The failure of a newcomer that nobody awaits is logged."""
        root = tree()
        newcomer = Part("b", log, start=fails_later(ValueError("no port")))

        async def main():
            root.startService()
            newcomer.setServiceParent(root)
            await turns()

        asyncio.run(main())

        (error,) = logged()
        assert isinstance(error, ServiceError)
        assert newcomer.parent is None

    def test_during_a_start(self, log):
        """A service that a sibling adds while the parent starts is started exactly once, privileged first."""
        root = MultiService()
        newcomer = Part("n", log)
        tree(Part("a", log, start=lambda _: newcomer.setServiceParent(root)), Part("b", log), root=root)

        root.startService()

        assert log == ["start a", "privileged n", "start n", "start b"]
        assert running(root) == ["root", "a", "b", "n"]
        root.stopService()
        assert log[4:] == ["stop n", "stop b", "stop a"]

    def test_during_the_privileged_part(self, log):
        """One that is added during the privileged part has that done exactly once, and is started with the others."""
        root = MultiService()
        newcomer = Part("n", log)
        tree(Part("a", log, privileged=lambda _: newcomer.setServiceParent(root)), Part("b", log), root=root)

        root.privilegedStartService()
        root.startService()

        assert log == ["privileged a", "privileged b", "privileged n", "start a", "start b", "start n"]

    def test_during_a_start_that_takes_time(self, log):
        """One that joins while others are at their start becomes a part of it: the start waits for it."""
        root = MultiService()
        newcomer = Part("n", log, start=takes_time)

        async def adds(part):
            await asyncio.sleep(0)
            newcomer.setServiceParent(root)

        tree(Part("a", log, start=adds), root=root)

        asyncio.run(root.startService())

        assert log == ["start a", "privileged n", "start n", "begun n", "done n"]

    def test_awaited_during_a_start(self, log):
        """Who adds it may wait for it."""
        root = MultiService()
        newcomer = Part("n", log, start=takes_time)

        async def adds(part):
            await newcomer.setServiceParent(root)
            log.append("joined")

        tree(Part("a", log, start=adds), root=root)

        asyncio.run(root.startService())

        assert log[-2:] == ["done n", "joined"]

    def test_leaves_and_is_cancelled(self, log):
        """One that leaves while it starts, and whose start is cancelled by who awaits it, has just left."""
        root = tree()
        newcomer = Part("n", log, start=hangs)

        async def main():
            root.startService()
            joining = newcomer.setServiceParent(root)
            await turns()
            leaving = newcomer.disownServiceParent()
            joining.cancel()
            await leaving
            with pytest.raises(asyncio.CancelledError):
                await joining

        asyncio.run(main())

        assert newcomer.parent is None
        assert list(root) == []

    def test_during_a_start_that_fails(self, log):
        """It is rolled back with the others."""
        root = MultiService()
        newcomer = Part("n", log)
        tree(
            Part("a", log, start=lambda _: newcomer.setServiceParent(root)),
            Part("b", log, start=fails(ValueError("no port"))),
            root=root,
        )

        with pytest.raises(ServiceError, match="no port"):
            root.startService()

        assert log == ["start a", "privileged n", "start n", "start b", "stop n", "stop a"]
        assert running(root) == []

    @pytest.mark.parametrize("failure", [fails, fails_later])
    def test_fails_during_a_start(self, log, failure):
        """If it fails, so does the start that it has become a part of."""
        root = MultiService()
        newcomer = Part("n", log, start=failure(ValueError("no port")))

        def adds(part):
            newcomer.setServiceParent(root)

        async def main():
            result = tree(Part("a", log, start=adds), root=root).startService()
            await result

        with pytest.raises(ServiceError, match=r'services\["n"\].*no port'):
            asyncio.run(main())

        assert log[-1] == "stop a"
        assert running(root) == []

    def test_stopped_while_starting(self, log):
        """If the collection stops while a newcomer starts, that start is cancelled."""
        root = tree()

        async def main():
            root.startService()
            joining = Part("n", log, start=hangs).setServiceParent(root)
            await turns()
            await root.stopService()
            with pytest.raises(ServiceError, match="stopped before"):
                await joining

        asyncio.run(main())

        assert log == ["privileged n", "start n", "begun n", "cancelled n"]
        assert running(root) == []


class TestRemoval:
    """A service that leaves a running or starting tree."""

    def test_stops(self, log):
        """A child that leaves a running collection stops, and leaving returns the result of the stop."""
        part = Part("a", log, stop=takes_time)
        root = tree(part)

        async def main():
            root.startService()
            result = part.disownServiceParent()
            assert part.parent is None
            assert list(root) == []
            await result

        asyncio.run(main())

        assert log == ["start a", "stop a", "begun a", "done a"]

    def test_not_running(self, log):
        """One that leaves a collection that doesn't run isn't asked for anything."""
        part = Part("a", log)
        tree(part)

        assert part.disownServiceParent() is None

        assert log == []

    @pytest.mark.parametrize("failure", [fails, fails_later])
    def test_error(self, log, failure):
        """Its error is its own, with its place noted, and it has left all the same."""
        error = ValueError("socket")
        part = Part("a", log, stop=failure(error))
        root = tree(part)

        async def main():
            root.startService()
            result = part.disownServiceParent()
            await result

        with pytest.raises(ValueError, match="socket"):
            asyncio.run(main())

        assert error.__notes__ == [f'while stopping services["a"] ({__name__}.Part)']
        assert part.parent is None
        assert list(root) == []

    def test_error_that_nobody_awaits(self, log, logged):
        """If nobody awaits it, the error is logged."""
        error = ValueError("socket")
        part = Part("a", log, stop=fails_later(error))
        root = tree(part)

        async def main():
            root.startService()
            root.removeService(part)
            await turns()

        asyncio.run(main())

        assert logged() == [error]

    def test_before_it_is_asked(self, log):
        """One that a sibling removes before its turn is neither started nor stopped."""
        last = Part("b", log)
        root = tree(Part("a", log, start=lambda _: last.disownServiceParent()), last)

        root.startService()

        assert log == ["start a"]

    def test_before_its_privileged_part(self, log):
        """The same holds in the privileged part."""
        last = Part("b", log)
        root = tree(Part("a", log, privileged=lambda _: last.disownServiceParent()), last)

        root.privilegedStartService()

        assert log == ["privileged a"]

    def test_while_it_starts(self, log):
        """One that leaves while it starts has its start cancelled, and the start of the others goes on."""
        part = Part("a", log, start=hangs)
        root = tree(part, Part("b", log, start=takes_time))

        async def main():
            start = root.startService()
            await turns(2)
            await part.disownServiceParent()
            await start

        asyncio.run(main())

        assert "cancelled a" in log
        assert "stop a" not in log
        assert not part.running
        assert running(root) == ["root", "b"]

    def test_while_it_starts_badly(self, log):
        """If its start answers the cancellation with an error, that is the error of leaving."""

        async def fails_when_cancelled(part):
            try:
                await asyncio.Event().wait()
            finally:
                raise OSError("half a socket")

        part = Part("a", log, start=fails_when_cancelled)
        root = tree(part)

        async def main():
            start = root.startService()
            await turns()
            leaving = part.disownServiceParent()
            with pytest.raises(OSError, match="half a socket"):
                await leaving
            await start

        asyncio.run(main())

        assert "stop a" not in log
        assert not part.running

    def test_goes_on_unheld(self, log):
        """A stop goes on even without references to the service and to the result of the stop."""
        events = []

        async def waits(part):
            event = asyncio.Event()
            events.append(weakref.ref(event))
            await event.wait()
            log.append("stopped")

        async def main():
            root = tree(Part("a", log, stop=waits))
            root.startService()
            root.services[0].disownServiceParent()
            del root
            await turns()
            gc.collect()
            events[0]().set()
            await turns()

        asyncio.run(main())

        assert log[-1] == "stopped"

    def test_while_it_starts_too_late(self, log):
        """One whose start is done before it can be cancelled is stopped."""
        part = Part("a", log, start=takes_time)
        root = tree(part, Part("b", log, start=hangs))

        async def main():
            start = asyncio.ensure_future(root.startService())
            await turns()
            await part.disownServiceParent()
            assert log[-1] == "stop a"
            start.cancel()
            await asyncio.wait([start])

        asyncio.run(main())

        assert log.count("stop a") == 1

    def test_new_parent_waits(self, log):
        """One that takes time to stop is in its new parent at once, and starts there when it has stopped."""
        part = Part("a", log, stop=takes_time)
        old, new = tree(part), tree()

        async def main():
            old.startService()
            new.startService()
            moving = part.setServiceParent(new)
            assert part.parent is new
            assert (list(old), list(new)) == ([], [part])
            await moving

        asyncio.run(main())

        assert log == ["start a", "stop a", "begun a", "done a", "privileged a", "start a"]


class TestOverlap:
    """Requests that come while a collection is starting or stopping. All timings are in test_timings."""

    def test_cancelled_start_and_stop(self, log):
        """A stop goes on when the start that it rolls back is cancelled."""
        root = tree(tree(Part("a", log, stop=takes_time)), Part("b", log, start=hangs))

        async def main():
            start = root.startService()
            await turns(2)
            stop = root.stopService()
            start.cancel()
            await stop
            assert log[-1] == "done a"
            with pytest.raises(asyncio.CancelledError):
                await start

        asyncio.run(main())

        assert running(root) == []

    def test_stop_that_times_out(self, log, logged):
        """A stop goes on when its caller has left, and its errors are logged."""
        error = ValueError("socket")

        async def slow(part):
            await asyncio.sleep(0.01)
            log.append("slow")
            raise error

        root = tree(Part("a", log, stop=slow))

        async def main():
            root.startService()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(root.stopService(), 0)
            assert log[-1] == "stop a"
            await root.stopService()

        with pytest.raises(ExceptionGroup):
            asyncio.run(main())
        assert log[-1] == "slow"
        assert log.count("stop a") == 1

    def test_cancelled_twice(self, log):
        """The second cancellation of a start leaves at once, and the roll-back goes on."""
        root = tree(Part("a", log, stop=takes_time), Part("b", log, start=hangs))

        async def main():
            start = root.startService()
            await turns(2)
            start.cancel()
            await turns(3)
            assert not start.done()
            start.cancel()
            assert start.cancelled()
            await turns()

        asyncio.run(main())

        assert log[-1] == "done a"
        assert running(root) == []

    def test_loop_that_ends_before_a_start_that_waits(self, log):
        """A start that waits doesn't begin before the roll-back has ended, even if the event loop ends."""

        class Watched(MultiService):
            def __setattr__(self, name, value):
                if name == "running":
                    log.append(f"running {value}")
                super().__setattr__(name, value)

        root = Watched()
        tree(Part("a", log, stop=takes_time), Part("b", log, start=takes_time), root=root)
        tree(Part("c", log, start=fails(OSError("broken"))), root=root)

        async def main():
            root.startService()
            root.startService()
            await turns(2)

        asyncio.run(main())

        assert running(root) == []
        assert log.count("start a") == log.count("stop a") == 1
        assert "running True" not in log[1 : log.index("done a")]

    def test_loop_that_ends(self, log):
        """An event loop that ends waits for the roll-back of a start that nobody awaits."""
        root = tree(Part("a", log, stop=takes_time), Part("b", log, start=hangs))

        async def main():
            root.startService()
            await turns(2)

        asyncio.run(main())

        assert log[-1] == "done a"
        assert running(root) == []

    @pytest.mark.parametrize("then", ["start", "stop", "move"])
    @pytest.mark.parametrize("phase", ["start", "stop"])
    def test_loop_that_is_closed(self, log, phase, then):
        """A transition is over whose loop was closed before its end. The start of it is rolled back."""
        slow = Part("a", log, start=takes_time, stop=takes_time)
        below = tree(slow)
        root = tree(below, Part("b", log))
        other = tree()
        loop = asyncio.new_event_loop()

        async def leave():
            if phase == "stop":
                await root.startService()
            root.startService() if phase == "start" else root.stopService()
            await turns(2)

        async def main():
            if then == "move":
                slow.setServiceParent(other)
                await turns()
                await other.startService()
                assert running(other) == ["root", "a"]
                await other.stopService()
            if then == "start":
                await root.startService()
                assert running(root) == ["root", "root", "a", "b"]
            await root.stopService()

        loop.run_until_complete(leave())
        loop.close()
        asyncio.run(asyncio.wait_for(main(), 60))

        assert running(root) == running(other) == []

    def test_result_that_was_dropped(self, log):
        """A start within a loop joins one from before the loop, whose result nobody awaited."""
        root = tree(Part("a", log, start=takes_time))
        root.startService().close()

        async def main():
            await asyncio.wait_for(root.startService(), 60)

        asyncio.run(main())

        assert log == ["start a", "begun a", "done a"]

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_half_begun(self, log, wrapped):
        """A method that returns a coroutine, or another awaitable, has begun. So that begins, too, and can clean up."""

        class Wrapped:
            def __init__(self, part):
                self.work = hangs(part)

            def __await__(self):
                return self.work.__await__()

        root = tree(Part("a", log, start=Wrapped if wrapped else hangs))

        async def main():
            starting = root.startService()
            await root.stopService()
            with pytest.raises(ServiceError, match="stopped before it had started"):
                await starting

        asyncio.run(main())

        assert log == ["start a", "begun a", "cancelled a"]

    @pytest.mark.parametrize("move", [False, True])
    def test_privileged_part_of_a_running_tree(self, log, move):
        """A service whose privileged part fails when it is running is stopped with the others."""
        part = Part("a", log)
        root = tree(part, Part("b", log))

        async def main():
            root.startService()
            part.answers["privileged"] = hangs if move else fails_later(OSError("no right"))
            asked = root.privilegedStartService()
            await turns(1)
            if move:
                await part.setServiceParent(tree())
                root.stopService()
            else:
                with pytest.raises(ServiceError):
                    await asked

        asyncio.run(main())

        assert running(root) == []
        assert not part.running
        assert log.count("stop a") == log.count("stop b") == 1

    def test_leaves_before_the_privileged_part_of_a_running_tree(self, log):
        """A service that is up is stopped when it leaves, although its privileged part is still to come."""
        part = Part("a", log)
        root = tree(Part("b", log), part)

        async def main():
            root.startService()
            root.services[0].answers["privileged"] = lambda _: part.disownServiceParent()
            root.privilegedStartService()

        asyncio.run(main())

        assert running(root) == ["root", "b"]
        assert not part.running

    def test_added_during_the_privileged_part_of_a_running_tree(self, log):
        """A service that joins a running tree is started, whatever the others do."""
        root = tree(Part("a", log, privileged=takes_time))

        async def main():
            root.startService()
            asked = root.privilegedStartService()
            Part("b", log).setServiceParent(root)
            await asked
            root.startService()  # it has started already

        asyncio.run(main())

        assert running(root) == ["root", "a", "b"]
        assert [line for line in log if line.startswith("start")] == ["start a", "start b"]

    def test_start_that_includes_the_service_that_waits_for_it(self, log):
        """A stop that waits for a start goes on when that start begins to wait for it."""
        root, below = tree(), tree()

        async def start_root(part):
            await turns(2)
            await root.startService()

        part = Part("a", log, stop=start_root)
        tree(Part("b", log, stop=takes_time), root=root)
        part.setServiceParent(below)

        async def main():
            root.startService()
            below.startService()
            root.stopService()  # `b` makes it last while `a` asks for the start
            part.setServiceParent(root)
            await turns()

        asyncio.run(main())

        assert running(root) == ["root", "b", "a"]

    def test_stop_from_within_a_stop_before_a_start(self, log):
        """A start that waits for a stop is given up when a service stops the whole from within that stop."""
        root, below = tree(), tree()

        async def stop_root(part):
            await turns(2)
            await root.stopService()

        tree(Part("a", log, stop=stop_root), root=below)
        below.setServiceParent(root)

        async def main():
            root.startService()
            below.stopService()
            starting = [root.privilegedStartService(), root.startService()]
            await turns()
            for result in starting:
                if result is not None:
                    with contextlib.suppress(ServiceError):
                        await result

        asyncio.run(asyncio.wait_for(main(), 60))

        assert running(root) == []

    def test_moves_twice_while_it_starts(self, log):
        """A service that moves twice, and starts although that is cancelled, is stopped once."""
        part = Part("a", log, start=insists)
        root, first, second = tree(part), tree(), tree()

        async def main():
            root.startService()
            await turns(1)
            part.setServiceParent(first)
            part.setServiceParent(second)
            await turns()

        asyncio.run(main())

        assert log == ["start a", "stop a"]
        assert list(second) == [part]

    def test_leaves_in_its_own_stop(self, log):
        """A service that leaves its new place from its stop in the old one isn't asked for its privileged part."""

        async def leaves(part):
            await part.disownServiceParent()

        part = Part("a", log, stop=leaves)
        root, new = tree(part), tree()

        async def main():
            root.startService()
            new.startService()
            await part.setServiceParent(new)

        asyncio.run(main())

        assert log == ["start a", "stop a"]
        assert part.parent is None

    @pytest.mark.parametrize("back", [True, False])
    def test_moves_in_its_own_stop_during_a_move(self, log, back):
        """A service that is moved, and moves elsewhere or back from its own stop, is in one place: the last one."""
        old, new, other = tree(), tree(), tree()
        place = old if back else other

        def moves(part):
            part.answers["stop"] = None
            with contextlib.suppress(ValueError):  # it has left the old place already
                part.setServiceParent(place)

        part = Part("a", log, stop=moves)
        tree(part, root=old)
        old.startService()

        part.setServiceParent(new)

        assert part.parent is place
        assert [list(one) for one in (place, new)] == [[part], []]

    def test_start_meets_a_newcomer_that_leaves(self, log):
        """A start of the whole doesn't start a newcomer whose cancelled start is rolled back."""
        root, part = tree(), Part("a", log, start=insists, stop=takes_time)

        async def main():
            root.startService()
            joining = part.setServiceParent(root)
            await turns(1)
            joining.cancel()
            while not part.log[-1].startswith("begun"):
                await turns(1)
            assert list(root) == []
            await root.startService()
            await turns()

        asyncio.run(main())

        assert log == ["privileged a", "start a", "stop a", "begun a", "done a"]
        assert part.parent is None

    def test_failed_child_is_elsewhere(self, log):
        """A roll-back leaves a child alone that has failed, has moved to another collection, and is up there."""
        part = Part("a", log, start=fails_later(ValueError("no port")))
        root, new = tree(part, Part("b", log, start=takes_time)), tree()

        async def main():
            new.startService()
            starting = root.startService()
            await turns(4)
            part.answers["start"] = None
            part.setServiceParent(new)
            assert running(new) == ["root", "a"]
            with pytest.raises(ServiceError, match="no port"):
                await starting

        asyncio.run(main())

        assert log[-1] == "stop b"
        assert running(new) == ["root", "a"]

    def test_moves_in_its_own_stop(self, log):
        """A service that joins another collection from its own stop is there, although its removal goes on."""
        other = tree()
        part = Part("a", log, stop=lambda part: other.addService(part) or setattr(part, "parent", other))
        root = tree(part)
        root.startService()

        part.disownServiceParent()

        assert part.parent is other
        assert list(other) == [part]

    def test_one_of_two_starts_is_cancelled(self, log):
        """A start goes on as long as somebody wants it."""
        root = tree(Part("a", log, start=takes_time))

        async def main():
            first, second = root.startService(), root.startService()
            first.cancel()
            await second
            assert first.cancelled()

        asyncio.run(main())

        assert log == ["start a", "begun a", "done a"]

    def test_start_waits_for_stop(self, log):
        """A start during a stop begins when that has ended; a stop behind it takes its place."""
        root = tree(Part("a", log, stop=takes_time))

        async def main():
            root.startService()
            root.stopService()
            await root.startService()
            assert log == ["start a", "stop a", "begun a", "done a", "start a"]
            root.stopService()
            start = root.startService()
            await root.stopService()
            with pytest.raises(ServiceError, match="stopped before it had started"):
                await start

        asyncio.run(main())

        assert log.count("start a") == 2
        assert running(root) == []

    @pytest.mark.parametrize("loop", [True, False])
    def test_stop_after_a_failed_start(self, log, loop):
        """The usual `finally` stops just what is up: those that came later, or were started by hand."""
        root = tree(Part("a", log), Part("b", log, start=fails(ValueError("no port"))))

        async def main():
            with pytest.raises(ServiceError):
                root.startService()
            waiting = root.stopService()
            if loop:
                await waiting
            assert log == ["start a", "start b", "stop a"]
            root.services[0].startService()
            root.stopService()
            assert log[3:] == ["start a", "stop a"]

        if loop:
            asyncio.run(main())
        else:
            with pytest.raises(StopIteration):
                main().send(None)

    def test_again(self, log):
        """Within an event loop, what is up isn't started again, nor is stopped again what isn't."""
        root = tree(Part("a", log), Part("b", log))

        async def main():
            root.startService()
            await root.startService()
            assert log == ["start a", "start b"]
            root.services[1].stopService()
            await root.startService()
            assert log[2:] == ["stop b", "start b"]
            root.stopService()
            await root.stopService()
            assert log[4:] == ["stop b", "stop a"]

        asyncio.run(main())

    def test_again_without_a_loop(self, log):
        """Without one, each call asks all, as Twisted's does."""
        root = tree(Part("a", log))

        root.startService()
        root.startService()
        root.stopService()
        root.stopService()

        assert log == ["start a", "start a", "stop a", "stop a"]

    def test_stop_that_failed(self, log):
        """Another stop asks those that are still up, however far below, and no others."""

        class Stuck(Part):
            def stopService(self):
                self._answer("stop")
                self.running = False

        stuck = Stuck("c", log, stop=fails(OSError("busy")))
        root = tree(Part("a", log), tree(Part("b", log), stuck))

        async def main():
            root.startService()
            with pytest.raises(ExceptionGroup):
                root.stopService()
            assert running(root) == ["c"]
            stuck.answers["stop"] = None
            log.clear()
            await root.stopService()

        asyncio.run(main())

        assert log == ["stop c"]

    @pytest.mark.parametrize("failure", [fails, fails_later])
    def test_move_whose_stop_fails(self, log, failure):
        """The service is in its new parent, runs there, and the error comes out."""
        part = Part("a", log, stop=failure(OSError("busy")))
        old, new = tree(part), tree()

        async def main():
            old.startService()
            new.startService()
            with pytest.raises(OSError, match="busy"):
                await part.setServiceParent(new)

        asyncio.run(main())

        assert (list(old), list(new), part.parent) == ([], [part], new)
        assert running(new) == ["root", "a"]

    def test_moves(self, log, logged):
        """After some moves that nobody awaits, a service is in the last place, started once."""
        part = Part("a", log, stop=takes_time)
        places = [tree(part), tree(), tree(), tree()]

        async def main():
            for place in places:
                place.startService()
            for place in places[1:]:
                part.setServiceParent(place)
                assert part.parent is place
            await turns()

        asyncio.run(main())

        assert log == ["start a", "stop a", "begun a", "done a", "privileged a", "start a"]
        assert [list(place) for place in places] == [[], [], [], [part]]
        assert logged() == []

    def test_cancelled_move(self, log):
        """A move goes on when its caller is cancelled: the service would be nowhere else."""
        part = Part("a", log, stop=takes_time, start=takes_time)
        old, new = tree(part), tree()

        async def main():
            await old.startService()
            new.startService()
            moving = part.setServiceParent(new)
            moving.cancel()
            await turns(30)

        asyncio.run(main())

        assert list(new) == [part]
        assert running(new) == ["root", "a"]

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize("phase", ["start", "stop"])
    def test_from_far_below(self, log, phase):
        """A service may stop the root from its own start or stop, and await that; its siblings don't hang for it."""

        async def stops(part):
            await asyncio.gather(root.stopService())
            log.append("asked")

        inner = tree(Part("a", log, **{phase: stops}), Part("b", log, start=hangs if phase == "start" else None))
        root = tree(tree(inner), Part("c", log))

        async def main():
            if phase == "start":
                with pytest.raises(ServiceError, match="stopped before it had started"):
                    await root.startService()
            else:
                root.startService()
                await root.stopService()

        asyncio.run(main())

        assert [log.count(entry) for entry in ("asked", "stop a", "stop c")] == [1, 1, 1]
        assert running(root) == []

    @pytest.mark.timeout(20)
    def test_moves_itself(self, log):
        """A service may move itself from its own start: it starts, stops, and starts again in its new place."""
        new = tree()

        async def moves(part):
            if part.parent is not new:
                await part.setServiceParent(new)

        root = tree(Part("a", log, start=moves), new)

        async def main():
            await root.startService()
            await turns()

        asyncio.run(main())

        assert log == ["start a", "stop a", "privileged a", "start a"]
        assert running(root) == ["root", "root", "a"]

    @pytest.mark.timeout(20)
    def test_cancels_itself(self, log):
        """One whose last step stops its collection is up then, and is stopped like others."""
        part = Part("a", log)

        async def stops(part):
            root.stopService()

        part.answers["start"] = stops
        root = tree()

        async def main():
            root.startService()
            await part.setServiceParent(root)
            await turns()

        asyncio.run(main())

        assert log == ["privileged a", "start a", "stop a"]


class TestDepth:
    """A tree of 10,000 levels, below a deep caller."""

    LEVELS = 10_000

    @pytest.fixture
    def chain(self):
        """Return a function that puts a part at the end of a chain of collections."""

        def make(part):
            root = deepest = MultiService()
            for _ in range(self.LEVELS):
                deepest = tree(MultiService(), root=deepest).services[0]
            return tree(part, root=deepest) and root, deepest

        return make

    def below(self, call, frames=800):
        """Call something from far below."""
        return self.below(call, frames - 1) if frames else call()

    def test_at_once(self, log, chain):
        """It starts and stops."""
        part = Part("a", log)
        root, deepest = chain(part)

        self.below(root.privilegedStartService)
        self.below(root.startService)
        assert deepest.running
        self.below(root.stopService)

        assert log == ["privileged a", "start a", "stop a"]
        assert not deepest.running

    @pytest.mark.slow
    def test_errors(self, log, chain):
        """Errors come up with the whole path."""
        part = Part("a", log, start=fails(ValueError("no port")), stop=fails(ValueError("socket")))
        root, deepest = chain(part)

        with pytest.raises(ServiceError) as caught:
            self.below(root.startService)
        assert caught.value.path.count("services[") == self.LEVELS + 1
        assert not deepest.running
        part.answers["start"] = None
        root.startService()
        with pytest.raises(ExceptionGroup) as stopped:
            self.below(root.stopService)
        assert stopped.value.exceptions[0].__notes__[0].count("services[") == self.LEVELS + 1

    @pytest.mark.slow
    def test_later(self, log, chain):
        """So it does where starting takes time, is cancelled, is rolled back, or is stopped from within."""
        part = Part("a", log, start=takes_time, stop=takes_time)
        root, deepest = chain(part)

        async def main():
            await root.startService()
            await root.stopService()
            start = root.startService()
            await turns(2)
            start.cancel()
            with pytest.raises(asyncio.CancelledError):
                await start
            start = root.startService()
            await turns(2)
            await root.stopService()
            with pytest.raises(ServiceError, match="stopped before"):
                await start
            part.answers["start"] = lambda _: root.stopService()
            with pytest.raises(ServiceError, match="stopped before"):
                await root.startService()

        asyncio.run(main())

        assert not deepest.running
        assert log.count("start a") == 4


class TestEagerly:
    """Coroutines that run at once, up to where they wait."""

    def test_runs_at_once(self, log):
        """A coroutine that never has to wait is done at once."""

        async def work():
            log.append("done")

        assert eagerly(work()) is None
        assert log == ["done"]

    def test_raises_at_once(self):
        """So is one that fails."""

        async def work():
            raise ValueError("now")

        with pytest.raises(ValueError, match="now"):
            eagerly(work())

    def test_cancellation_is_seen(self, log):
        """One that has to wait sees a cancellation even if it comes before the loop has turned."""

        async def work():
            try:
                await hand_over()
            except asyncio.CancelledError:
                log.append("seen")
                raise

        async def main():
            rest = eagerly(work())
            rest.cancel()
            await asyncio.wait([rest])

        asyncio.run(main())

        assert log == ["seen"]


class TestPath:
    """The names of services in errors."""

    def test_paths(self):
        """A path leads from the root by names, and by numbers where there are none."""
        application = Application("shop")
        web, nameless = MultiService(), Service()
        web.setName("web")
        tree(Service(), tree(nameless, root=web), root=application)

        assert path(application) == "application"
        assert path(web) == 'application.services["web"]'
        assert path(nameless) == 'application.services["web"].services[0]'
        assert path(tree(MultiService()).services[0]) == "services[0]"
        assert path(Service()) == "Service"
        assert path(Service(), application) == "application.services[?]"
