"""schedule: a scheduler with jobs."""

import schedule

GROUP = "unseen"
PACKAGES = ("schedule",)


class Office:
    def __init__(self):
        self.scheduler = schedule.Scheduler()
        self.done = []

    def report(self, word, times=1):
        self.done.append(word * times)


def build(folder):
    office = Office()
    office.scheduler.every(10).minutes.do(office.report, "a", times=2).tag("often")
    office.scheduler.every().monday.at("10:30").do(office.report, "week")
    office.scheduler.every(1).to(5).hours.do(office.report, "some")
    return office


def facts(office):
    return {
        "jobs": [[repr(job), str(job.next_run), sorted(job.tags)] for job in office.scheduler.jobs],
        "next": str(office.scheduler.next_run),
    } | {"shared": office.scheduler.jobs[0].job_func.func.__self__ is office}


def use(office, folder):
    office.scheduler.run_all()
    assert office.done == ["aa", "week", "some"]
    office.scheduler.clear("often")
    assert len(office.scheduler.jobs) == 2
