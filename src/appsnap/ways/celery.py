"""Celery's applications and tasks. Their own `__reduce__` forgets the tasks.

An application that a module holds goes by that name, together with the modules of its tasks. Another one is made anew
with its configuration, and each task from its function and options.
"""

from __future__ import annotations

import operator
import sys
from typing import Any, TypeVar

from appsnap.errors import Refused
from appsnap.recipe.freeze import held
from appsnap.ways import by_name, saves

__all__ = ["add_tasks", "application", "named_application", "same", "task"]

T = TypeVar("T")


def named_application(module: Any, name: str, tasks: list[str], modules: list[Any], /) -> Any:  # noqa: ARG001 - as below
    """Return the application that a module holds. The `modules` have made its tasks when they were imported.

    Raises LookupError for a task that none of them has made.
    """
    app = operator.attrgetter(name)(module)
    _check(app, tasks)
    return app


def application(cls: Any, keywords: dict[str, Any], /) -> Any:
    """Return a new application with this configuration. `add_tasks` makes its tasks."""
    return cls(**keywords, set_as_current=False)


def add_tasks(app: T, state: dict[str, Any], /) -> T:
    """Give a new application its tasks, each made of a function and options. Returns the application.

    It becomes the current one, if it was.
    """
    made: Any = app
    for name, (function, options) in state["tasks"].items():
        made._task_from_fun(function, name=name, **options)
    made.set_as_current = state["current"]
    if made.set_as_current:
        made.set_current()
    return app


def task(app: Any, name: str, /) -> Any:
    """Return a task of an application."""
    _check(app, [name])
    return app.tasks[name]


def same(obj: T, /) -> T:
    """Return an object in the place of a proxy of it."""
    return obj


def _check(app: Any, names: list[str]) -> None:
    for name in names:
        if name not in app.tasks:
            raise LookupError(f"the application {app.main} has no task {name}: the module that makes it has changed")


@saves("celery.app.base.Celery", subclasses=True)
def _(app: Any) -> Any:
    tasks = {name: one for name, one in sorted(app.tasks.items()) if not name.startswith("celery.")}
    found = held.name_of(app)
    # Celery itself holds the current one.
    if found is not None and not f"{found[0]}.".startswith("celery."):
        names = sorted({type(one).__module__ for one in tasks.values()} - {found[0]})
        modules = [sys.modules[name] for name in names if held.is_importable(name)]
        return named_application, (sys.modules[found[0]], found[1], [*tasks], modules)
    keywords = {name: value for name, value in app.__reduce_keys__().items() if value is not None}
    keywords["changes"] = dict(keywords.get("changes", {}))
    # Their functions may refer to the application.
    state = {"tasks": {name: _function_of(one) for name, one in tasks.items()}, "current": app.set_as_current}
    return application, (type(app), keywords), state, None, None, add_tasks


@saves("celery.app.task.Task", subclasses=True)
def _(one: Any) -> Any:
    if one.name not in one.app.tasks or one.app.tasks[one.name] is not one:
        raise Refused("a task that its application doesn't have", "keep the name of the task, or the one in app.tasks")
    return task, (one.app, one.name)


by_name("celery.local.Proxy")


@saves("celery.local.PromiseProxy")
def _(proxy: Any) -> Any:
    return same, (proxy._get_current_object(),)


_MADE = frozenset({
    *("_app", "app", "name", "run", "_decorated", "_decorated_fun", "_dump_pydantic_arguments", "_exec_options"),
    *("_backend", "__doc__", "__module__", "__annotations__", "__header__", "__wrapped__", "__qualname__", "__v2_compat__"),
    *("request_stack", "_default_request", "_orig_run", "__trace__", "Request", "from_config", "__bound__"),
})  # fmt: skip
"""Attributes of the class of a task that the function alone gives, or a run."""


def _function_of(one: Any) -> tuple[Any, dict[str, Any]]:
    cls = type(one)
    if not cls.__dict__.get("_decorated"):
        raise Refused(
            f"a task of the class {cls.__qualname__}, which isn't made of a function",
            "hold its application under a name of a module, in which the class is registered",
            one,
        )
    run = cls.__dict__["run"]
    bound = not isinstance(run, staticmethod)
    configured = {name: one.app.conf[key] for name, key in cls.from_config}
    options = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in _MADE and (name not in configured or configured[name] != value)
    }
    base = cls.__bases__[0]
    if base is not one.app.Task:
        options["base"] = base
    decorated = cls.__dict__.get("_decorated_fun", run)
    function = decorated.__func__ if isinstance(decorated, staticmethod) else decorated
    return function, {**options, **({"bind": True} if bound else {})}
