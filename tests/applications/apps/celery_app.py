"""celery: an application with tasks, their options, a schedule; a task of its own class."""

from celery import Celery

GROUP = "libraries"
PACKAGES = ("celery",)


def add(first, second):
    return first + second


def report(self, number):
    return [self.name, self.max_retries, number]


def build(folder):
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, task_store_eager_result=True, timezone="Europe/Berlin")
    app.conf.beat_schedule = {"sum": {"task": "shop.add", "schedule": 60.0, "args": (1, 2)}}
    app.task(add, name="shop.add")
    app.task(report, name="shop.report", bind=True, max_retries=7, rate_limit="3/m")
    return {"app": app, "task": app.tasks["shop.add"]}


def facts(application):
    app = application["app"]
    return {
        "tasks": sorted(name for name in app.tasks if name.startswith("shop.")),
        "limit": app.tasks["shop.report"].rate_limit,
        "zone": app.conf.timezone,
        "schedule": sorted(app.conf.beat_schedule),
    }


def use(application, folder):
    app, task = application["app"], application["task"]
    assert task.app is app
    assert task is app.tasks["shop.add"]
    assert task(1, 2) == 3
    assert task.delay(2, 3).get() == 5
    assert app.tasks["shop.report"].delay(5).get() == ["shop.report", 7, 5]
