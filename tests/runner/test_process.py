import asyncio
import signal

import pytest

from appsnap.runner.process import start, stop, stop_signal
from appsnap.service import MultiService, Service


class Slow(Service):
    """Takes a step of the event loop for each act, and notes it."""

    def __init__(self):
        self.acts = []

    async def privilegedStartService(self):  # noqa: D102 - see IService
        await asyncio.sleep(0)
        self.acts.append("privileged")

    async def startService(self):  # noqa: D102 - see IService
        await asyncio.sleep(0)
        Service.startService(self)
        self.acts.append("start")

    async def stopService(self):  # noqa: D102 - see IService
        await asyncio.sleep(0)
        Service.stopService(self)
        self.acts.append("stop")


class Endless(Service):
    """Never ends to start."""

    async def startService(self):  # noqa: D102 - see IService
        await asyncio.Event().wait()


@pytest.fixture
def signals():
    """Let no signal be ignored, as nohup does with SIGHUP, and put the handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    old = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, old, strict=True):
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in zip(numbers, old, strict=True):
        signal.signal(number, handler)


class TestStartAndStop:
    """The steps of a runner, called one by one."""

    def test_in_order(self):
        """The privileged part comes first; both functions return when the service is done."""
        reports = []

        async def run():
            service = Slow()
            assert await start(service, asyncio.Event(), reports.append)
            await stop(service)
            return service.acts

        assert asyncio.run(run()) == ["privileged", "start", "stop"]
        assert reports == []

    def test_stopped_before_it_started(self):
        """The start is cancelled, rolled back, and reported."""
        reports = []

        async def run():
            root, child = MultiService(), Slow()
            child.setServiceParent(root)
            Endless().setServiceParent(root)
            asked = asyncio.Event()
            asyncio.get_running_loop().call_later(0.1, asked.set)
            assert not await start(root, asked, reports.append)
            return child.acts, child.running

        assert asyncio.run(run()) == (["privileged", "start", "stop"], False)
        assert reports == ["stopping before it has started"]

    @pytest.mark.parametrize("ticks", range(8))
    def test_stopped_at_any_tick(self, ticks):
        """A service whose privileged part is done is stopped, even if its start hasn't begun."""

        class Prompt(Slow):
            def startService(self):
                Service.startService(self)
                self.acts.append("start")

        async def run():
            root, child = MultiService(), Prompt()
            child.setServiceParent(root)
            asked = asyncio.Event()

            async def ask():
                for _ in range(ticks):
                    await asyncio.sleep(0)
                asked.set()

            asking = asyncio.ensure_future(ask())
            started = await start(root, asked, lambda _: None)
            await asking
            return started, child.acts

        started, acts = asyncio.run(run())

        assert acts in ([["privileged", "start"]] if started else [[], ["privileged", "stop"]])


class TestStopSignal:
    """The event that a signal sets."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_signals(self, signals, number):
        """Each of the three does."""

        async def run():
            asked = stop_signal()
            signal.raise_signal(number)
            await asyncio.wait_for(asked.wait(), 10)

        asyncio.run(run())
