import asyncio

import pytest

from appsnap.runner.options import Options
from appsnap.runner.process import Process
from appsnap.runner.restore import Restored
from appsnap.runner.voice import Voice
from appsnap.service import MultiService, Service


class Noted(Service):
    """Notes each of its calls."""

    def __init__(self):
        self.acts = []

    async def privilegedStartService(self):  # noqa: D102 - see IService
        await asyncio.sleep(0)
        self.acts.append("privileged")

    def startService(self):  # noqa: D102 - see IService
        super().startService()
        self.acts.append("start")

    async def stopService(self):  # noqa: D102 - see IService
        await asyncio.sleep(0)
        super().stopService()
        self.acts.append("stop")


@pytest.mark.parametrize("ticks", range(8))
def test_cancelled_at_any_tick(ticks):
    """A service whose privileged part is done is stopped, even if its start hasn't begun."""

    async def run():
        root, child = MultiService(), Noted()
        child.setServiceParent(root)
        process = Process(None, Options(folder="."), Voice(print, None, None), None)
        process._restored = Restored(root, None, None, None, None)
        process._identity = None
        starting = asyncio.ensure_future(process._starting())
        for _ in range(ticks):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        return starting.cancelled(), child.acts

    cancelled, acts = asyncio.run(run())

    assert acts in ([[], ["privileged", "stop"]] if cancelled else [["privileged", "start"]])
