"""apscheduler 4: a scheduler of asyncio with schedules in memory, stopped."""

import asyncio

from apscheduler import AsyncScheduler
from apscheduler.datastores.memory import MemoryDataStore
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

GROUP = "apscheduler4"
PACKAGES = ("apscheduler",)
IN_LOOP = True

ticks = []


def tick(word):
    ticks.append(word)


async def build(folder):
    scheduler = AsyncScheduler(MemoryDataStore(), identity="shop")
    async with scheduler:
        await scheduler.add_schedule(
            tick, IntervalTrigger(seconds=0.05), id="tick", args=["tock"], job_executor="async"
        )
        await scheduler.add_schedule(tick, CronTrigger(hour=3), id="night", args=["night"])
        await scheduler.add_schedule(tick, CalendarIntervalTrigger(months=1), id="month", args=["month"], paused=True)
    return scheduler


def facts(scheduler):
    return {
        "schedules": sorted(
            [one.id, one.args, repr(one.trigger), one.paused] for one in scheduler.data_store._schedules
        ),
        "tasks": sorted(scheduler.data_store._tasks),
        "state": scheduler.state.name,
    }


async def use(scheduler, folder):
    async with scheduler:
        await scheduler.start_in_background()
        async with asyncio.timeout(30):
            while len(ticks) < 2:
                await asyncio.sleep(0.01)
        await scheduler.remove_schedule("tick")
        await scheduler.stop()
    assert {*ticks} == {"tock"}
