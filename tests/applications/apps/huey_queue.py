"""huey: a queue of tasks in a database, with a task that waits in it."""

from huey import SqliteHuey, crontab
from huey.api import PeriodicTask

GROUP = "unseen"
PACKAGES = ("huey",)


def add(a, b):
    return a + b


def nightly():
    return "done"


class Work:
    def __init__(self, folder):
        self.huey = SqliteHuey("work", filename=str(folder / "huey.db"))
        self.add = self.huey.task(retries=2)(add)
        self.nightly = self.huey.periodic_task(crontab(hour="3"))(nightly)


def build(folder):
    work = Work(folder)
    work.add(1, 2)
    work.huey.storage.close()
    return work


def facts(work):
    return {"waiting": work.huey.pending_count(), "tasks": sorted(work.huey._registry._registry)} | {
        "periodic": [isinstance(one, PeriodicTask) for one in work.huey._registry.periodic_tasks]
    }


def use(work, folder):
    result = work.add(20, 22)
    while (task := work.huey.dequeue()) is not None:
        work.huey.execute(task)
    assert result() == 42
    assert work.add.call_local(1, 1) == 2
    work.huey.storage.close()
