"""asyncio: a service with workers, that has a queue, a lock, a semaphore, an event and a condition."""

import asyncio

from appsnap.service import Application, Service

GROUP = "libraries"
PACKAGES = ()


class Workers(Service):
    __transient__ = ("_tasks",)

    def __init__(self):
        self.queue = asyncio.Queue(50)
        self.first = asyncio.PriorityQueue()
        self.lock = asyncio.Lock()
        self.seats = asyncio.Semaphore(2)
        self.done = asyncio.Event()
        self.changed = asyncio.Condition()
        self.total = 0

    def startService(self):
        super().startService()
        self._tasks = [asyncio.ensure_future(self._work()) for _ in range(3)]

    async def _work(self):
        while True:
            number = await self.queue.get()
            async with self.seats, self.lock:
                self.total += number
            async with self.changed:
                self.changed.notify_all()
            self.queue.task_done()

    async def stopService(self):
        super().stopService()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        del self._tasks


def build(folder):
    app = Application("workers")
    workers = Workers()
    workers.setName("workers")
    workers.setServiceParent(app)
    for number in range(10):
        workers.queue.put_nowait(number)
    workers.first.put_nowait((2, "b"))
    workers.first.put_nowait((1, "a"))
    workers.done.set()
    return app


def facts(app):
    workers = app.getServiceNamed("workers")
    return {
        "waiting": [workers.queue.qsize(), workers.queue.maxsize, workers.first.qsize()],
        "done": workers.done.is_set(),
        "locked": [workers.lock.locked(), workers.seats.locked()],
        "name": app.name,
    }


async def use(app, folder):
    workers = app.getServiceNamed("workers")
    app.startService()
    workers.queue.put_nowait(100)
    await asyncio.wait_for(workers.queue.join(), 30)
    async with workers.changed:
        await workers.changed.wait_for(lambda: workers.total == 145)
    await workers.done.wait()
    assert workers.first.get_nowait() == (1, "a")
    await app.stopService()
