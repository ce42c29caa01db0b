"""Real applications: each is saved in every kind, loaded in a fresh process, compared, used, and saved again.

An application is a script, `tests/applications/apps/NAME.py`. The file names its functions as `apps.NAME.…`. It has:

* a docstring, whose first line is the application in a few words. The table shows it.
* `GROUP = "web"`: the environment. pyproject.toml has its packages as the dependency group `applications-web`.
* `PACKAGES = ("fastapi", "uvicorn")`: the distributions that the table shows with their versions. Where one of them
  can't be installed, the application is left out.
* `def build(folder)` returns the object to save. It starts nothing, or stops it again. Files of the application are in
  `folder`, which is the current folder, too. Each process finds it as `build` has left it.
* `def facts(app)` returns plain data, as JSON has it: the same in the process that saved and in the fresh one.
* `def use(app, folder)` uses the restored application, and stops all that it has started: it serves it on 127.0.0.1,
  calls it, lets it work. A failed `assert` is the outcome.

`build` and `use` may be `async`. All else is optional:

* `IN_LOOP = True`: the application exists only inside of a running event loop. Everything is done there.
* `PREPARE = "apps.NAME:prepare"`: the argument `prepare` of a save.
* `REFUSED = "generator"`: the application can't be saved, and that is right. The error has these words.
  `REFUSED = {"xml": "…"}` is about single kinds.
* `STRANGER = "…"`: as a stranger's file it doesn't load with all names that the audit lists. The error has these words.
* `AFTER = "…"`: once used and stopped, it can't be saved again. The error has these words.
* `BYTES = "…"`: why the restored application gives other bytes in source, msgpack and xml.

First, each application is built and used without appsnap: if that fails, the script is wrong.

`python -m applications` runs them, and writes `docs/applications.md`:

* `environments` makes an environment for each group, in `.cache/applications`.
* `harness` runs the processes of an application, and judges them.
* `worker` is the program of a process.
* `table` writes the outcomes.
"""
