"""APScheduler 3: schedulers of threads and of asyncio, with jobs of two sorts of triggers."""

import asyncio
import threading

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

GROUP = "libraries"
PACKAGES = ("apscheduler",)

CALLED = threading.Event()


def call(number):
    CALLED.set()


def build(folder):
    threads = BackgroundScheduler(timezone="UTC")
    threads.add_job(call, "interval", seconds=0.05, args=[1], id="often", max_instances=3)
    loop = AsyncIOScheduler(timezone="UTC")
    loop.add_job(call, "cron", hour=3, args=[2], id="nightly")
    return {"threads": threads, "loop": loop}


def facts(schedulers):
    return {
        name: [[job.id, str(job.trigger), list(job.args)] for job in scheduler.get_jobs()]
        for name, scheduler in schedulers.items()
    }


async def use(schedulers, folder):
    CALLED.clear()
    threads, loop = schedulers["threads"], schedulers["loop"]
    threads.start()
    assert await asyncio.to_thread(CALLED.wait, 60)
    threads.shutdown()
    loop.start()
    assert loop.get_job("nightly").next_run_time is not None
    loop.shutdown()
    await asyncio.sleep(0)
