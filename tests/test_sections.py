import asyncio

import pytest

import appsnap
from appsnap import sections

LONG = 60


def run(main):
    """Run a coroutine function, and leave nothing behind."""
    try:
        return asyncio.run(main())
    finally:
        sections.keep_with(None)


async def turn():
    """Let all callbacks run that are ready, and those that they make ready."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestCriticalSection:
    def test_without_runner(self):
        """A section works where nothing saves the application."""

        async def main():
            async with appsnap.critical_section():
                await turn()
            return True

        assert run(main)

    def test_holds_back_a_save(self):
        """No save begins while a section is open, and it begins when the last one has ended."""
        acts = []

        async def change(ends):
            async with appsnap.critical_section():
                acts.append("begin")
                await ends.wait()
                acts.append("end")

        async def save():
            async with sections.closed(LONG, pytest.fail):
                acts.append("save")

        async def main():
            ends = [asyncio.Event(), asyncio.Event()]
            async with asyncio.TaskGroup() as group:
                for one in ends:
                    group.create_task(change(one))
                await turn()
                group.create_task(save())
                for one in ends:
                    await turn()
                    one.set()

        run(main)

        assert acts == ["begin", "begin", "end", "end", "save"]

    def test_is_held_back_by_a_save(self):
        """A save that waits holds new sections back, so that it comes to its turn."""
        acts = []

        async def change(name, ends):
            async with appsnap.critical_section():
                acts.append(name)
                await ends.wait()

        async def save():
            async with sections.closed(LONG, pytest.fail):
                acts.append("save")

        async def main():
            ends = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(change("first", ends))
                await turn()
                group.create_task(save())
                await turn()
                group.create_task(change("second", ends))
                await turn()
                ends.set()

        run(main)

        assert acts == ["first", "save", "second"]

    def test_no_callback_between_end_and_save(self):
        """Nothing runs between the end of the waiting and the first line of the block: not even a waiting section."""
        acts = []

        async def change(name):
            async with appsnap.critical_section():
                acts.append(name)
                await turn()

        async def main():
            first = asyncio.create_task(change("first"))
            await asyncio.sleep(0)
            second = None
            async with sections.closed(LONG, pytest.fail):
                second = asyncio.create_task(change("second"))
                acts.append("save")
                await turn()
                acts.append("saved")
            await asyncio.gather(first, second)

        run(main)

        assert acts == ["first", "save", "saved", "second"]

    def test_again(self):
        """A task enters a section within its own while a save waits for it, and so does a task that it has started."""

        async def inner():
            async with appsnap.critical_section():
                return True

        async def main():
            async with appsnap.critical_section():
                saving = asyncio.create_task(save())
                await turn()
                assert not saving.done()
                assert await inner()
                assert await asyncio.create_task(inner())
                async with appsnap.critical_section():
                    grandchild = asyncio.create_task(inner())
                # The section that it was started in has ended, and the one around that is still open.
                assert await grandchild
                assert not saving.done()
            await saving

        async def save():
            async with sections.closed(LONG, pytest.fail):
                pass

        run(main)

    def test_task_of_an_ended_section(self):
        """A task that was started in a section which has ended waits as others do."""
        acts = []

        async def later(begins):
            await begins.wait()
            async with appsnap.critical_section():
                acts.append("section")

        async def main():
            begins = asyncio.Event()
            async with appsnap.critical_section():
                task = asyncio.create_task(later(begins))
            async with sections.closed(LONG, pytest.fail):
                begins.set()
                await turn()
                acts.append("save")
            await task

        run(main)

        assert acts == ["save", "section"]

    def test_patience(self):
        """After its time a save goes ahead, and names the tasks."""
        lines = []

        async def endless():
            async with appsnap.critical_section():
                await asyncio.Event().wait()

        async def main():
            task = asyncio.create_task(endless(), name="Payments")
            await turn()
            async with sections.closed(0.05, lines.append):
                pass
            task.cancel()
            await asyncio.wait([task])

        run(main)

        assert len(lines) == 1
        assert "Payments (TestCriticalSection.test_patience.<locals>.endless)" in lines[0]

    def test_error_within(self):
        """A section that raises, or is cancelled, has ended."""

        async def main():
            with pytest.raises(ZeroDivisionError):
                async with appsnap.critical_section():
                    1 / 0  # noqa: B018 - it raises
            async with sections.closed(LONG, pytest.fail):
                return True

        assert run(main)


class Keeper:
    """Counts the calls."""

    def __init__(self, error=None):
        self.error = error
        self.calls = 0

    async def saved(self):
        """See `sections.Keeper`."""
        self.calls += 1
        if self.error is not None:
            raise self.error


class TestSaved:
    def test_without_runner(self):
        """It says which command keeps the state."""
        with pytest.raises(RuntimeError, match="appsnap run --state DIR"):
            run(appsnap.saved)

    def test_asks_the_keeper(self):
        """The result is that of the keeper."""
        keeper = Keeper()
        sections.keep_with(keeper)

        run(appsnap.saved)

        assert keeper.calls == 1

    def test_error(self):
        """The error is that of the keeper."""
        sections.keep_with(Keeper(OSError(28, "full")))

        with pytest.raises(OSError, match="full"):
            run(appsnap.saved)

    def test_within_a_section(self):
        """It would wait for itself, so it raises an error at once."""
        keeper = Keeper()
        sections.keep_with(keeper)

        async def main():
            async with appsnap.critical_section():
                with pytest.raises(RuntimeError, match="wait for the critical section"):
                    await appsnap.saved()
            await appsnap.saved()

        run(main)

        assert keeper.calls == 1
