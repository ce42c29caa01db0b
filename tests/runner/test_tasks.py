"""Background tasks that die."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys

import pytest

from appsnap.internet import TimerService
from appsnap.runner import tasks
from appsnap.service import Application, Service

MOMENT = 0.01


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request, monkeypatch):
    """Return something that runs a coroutine on a loop that tells of dead tasks."""
    module = pytest.importorskip(request.param)
    monkeypatch.setattr(tasks, "_MOMENT", MOMENT)
    with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        tasks.install(runner.get_loop())
        yield runner


async def die():
    """Raise an error after a moment."""
    await asyncio.sleep(0)
    raise ValueError("no price")


async def silence():
    """Wait until a task that ends now would have been told of."""
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.sleep(3 * MOMENT)  # it begins after the moment, so it ends after it on any machine


def told(caplog):
    """Return the messages about tasks."""
    return [record.getMessage().partition("\n")[0] for record in caplog.records if record.levelno >= logging.WARNING]


class Watcher(Service):
    """A service that lives in a task that it keeps, as many do."""

    def __init__(self, **options):
        self.options = options

    def startService(self):
        """Make the task."""
        super().startService()
        self.task = asyncio.get_running_loop().create_task(die(), **self.options)


class TestTold:
    def test_at_once(self, runner, caplog):
        """A task that its service still has is told of once, with path, name, error and traceback."""

        async def main():
            root = Application("shop")
            watcher = Watcher(name="watch prices")
            watcher.setName("watcher")
            watcher.setServiceParent(root)
            root.startService()
            await silence()
            before = told(caplog)
            root.stopService()
            del watcher.task
            await silence()
            return before

        before = runner.run(main())

        assert before == told(caplog) == ['a background task of application.services["watcher"] has died: watch prices']
        (record,) = caplog.records
        assert str(record.exc_info[1]) == "no price"
        assert record.exc_info[2] is not None

    @pytest.mark.parametrize("kept", [False, True])
    def test_kept_in_a_set(self, runner, caplog, kept):
        """A set that lets the task go at its end is nobody who waits, and neither is nobody."""

        async def main():
            background = set()
            task = asyncio.create_task(die(), name="tick")
            if kept:
                background.add(task)
                task.add_done_callback(background.discard)
            del task
            await silence()

        runner.run(main())

        assert told(caplog) == ["a background task has died: tick"]

    def test_of_a_timer(self, runner, caplog):
        """A task that a later call of a timer makes is the timer's."""

        async def main():
            calls, tasks, enough = [], [], asyncio.Event()

            def call():
                calls.append("call")
                if len(calls) == 2:
                    tasks.append(asyncio.create_task(die(), name="tick"))
                    enough.set()

            root = Application("shop")
            TimerService(0.001, call).setServiceParent(root)
            root.startService()
            await enough.wait()
            root.stopService()
            await silence()

        runner.run(main())

        assert told(caplog) == ["a background task of application.services[0] has died: tick"]

    def test_context(self, runner, caplog):
        """A task with a context of its own belongs to the service of that context."""
        empty = contextvars.Context()

        async def main():
            root = Application("shop")
            Watcher(name="tick", context=empty).setServiceParent(root)
            root.startService()
            await silence()
            root.stopService()

        runner.run(main())

        assert told(caplog) == ["a background task has died: tick"]

    def test_name(self, runner, caplog):
        """A name stays on its line."""

        async def main():
            background = asyncio.create_task(die(), name="a\nb\x1b[31m")
            await silence()
            return background

        runner.run(main())

        assert told(caplog) == [r"a background task has died: a\x0ab\x1b[31m"]

    def test_handler_of_the_application(self, runner, caplog):
        """An exception handler of the application's own gets the message, the error and the task."""
        got = []

        async def main():
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: got.append(context))
            background = asyncio.create_task(die(), name="tick")
            await silence()
            return background

        task = runner.run(main())

        (context,) = got
        assert context["message"] == "a background task has died: tick"
        assert (str(context["exception"]), context["task"]) == ("no price", task)
        assert told(caplog) == []


async def awaited():
    with pytest.raises(ValueError, match="no price"):
        await asyncio.create_task(die())


async def gathered():
    error, _ = await asyncio.gather(die(), silence(), return_exceptions=True)
    assert isinstance(error, ValueError)


async def waited_for():
    tasks = [asyncio.create_task(coroutine) for coroutine in (die(), silence())]
    done, _ = await asyncio.wait(tasks)
    assert sum(task.exception() is not None for task in done) == 1


async def grouped():
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(die())


async def shielded():
    with pytest.raises(ValueError, match="no price"):
        await asyncio.shield(asyncio.create_task(die()))


async def in_time():
    with pytest.raises(ValueError, match="no price"):
        await asyncio.wait_for(asyncio.create_task(die()), 60)


async def asked_by_a_callback():
    errors = []
    task = asyncio.create_task(die())
    task.add_done_callback(lambda task: errors.append(task.exception()))
    await silence()
    assert len(errors) == 1


async def cancelled():
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def done():
    task = asyncio.create_task(asyncio.sleep(0))
    await silence()
    assert task.done()


class TestNotTold:
    @pytest.mark.parametrize(
        "use",
        [
            awaited,
            gathered,
            waited_for,
            grouped,
            shielded,
            in_time,
            asked_by_a_callback,
            cancelled,
            done,
        ],
        ids=lambda use: use.__name__,
    )
    def test_taken(self, runner, caplog, use):
        """An error that somebody takes, at once or later, isn't told; neither is an end without one."""

        async def main():
            await use()
            await silence()

        runner.run(main())

        assert told(caplog) == []

    def test_no_longer_waited_for(self, runner, caplog):
        """Somebody who has given up doesn't wait."""

        async def main():
            release = asyncio.Event()

            async def late():
                await release.wait()
                raise ValueError("no price")

            task = asyncio.create_task(late(), name="tick")
            _, pending = await asyncio.wait([task], timeout=0)
            assert pending == {task}
            release.set()
            await silence()

        runner.run(main())

        assert told(caplog) == ["a background task has died: tick"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_ends_of_the_process(self, runner, caplog, error):
        """An error that ends the process goes its way."""

        async def end():
            raise error

        async def main():
            task = asyncio.create_task(end())
            try:
                await silence()
            finally:
                assert task.done()
                await silence()

        with pytest.raises(error):
            runner.run(main())

        assert told(caplog) == []


class TestFactories:
    def test_of_the_application(self, runner):
        """A loop keeps the task factory that it has."""

        def factory(loop, coroutine, **options):
            return asyncio.Task(coroutine, loop=loop, **options)

        loop = runner.get_loop()
        loop.set_task_factory(factory)

        tasks.install(loop)

        assert loop.get_task_factory() is factory

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
    def test_eager(self, runner, caplog):
        """Eager tasks work beside it, and in place of it."""

        async def main():
            loop = asyncio.get_running_loop()
            background = asyncio.create_task(die(), name="tick")
            with pytest.raises(ValueError, match="no price"):
                await asyncio.Task(die(), loop=loop, eager_start=True)
            if isinstance(loop, asyncio.SelectorEventLoop):  # uvloop hands this factory of Python's too many arguments
                loop.set_task_factory(asyncio.eager_task_factory)
                with pytest.raises(ValueError, match="no price"):
                    await asyncio.create_task(die())
            await silence()
            return background

        runner.run(main())

        assert told(caplog) == ["a background task has died: tick"]
