"""Try real applications: `python -m applications`, or `python -m applications --only fastapi --kinds source`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from applications import environments, table
from applications.environments import Environment
from applications.harness import SCRIPTS, SOURCE, Outcome, Run, Script, scripts
from appsnap.kinds import KINDS


def main() -> int:
    """Run the applications that the command line asks for. Exit code 1: one isn't as its script says."""
    parser = argparse.ArgumentParser(prog="python -m applications", description=__doc__)
    parser.add_argument("--only", nargs="+", default=(), metavar="WORD", help="only those with a WORD in their name")
    parser.add_argument("--groups", type=_words, default=(), metavar="GROUP,…", help="only those of these groups")
    parser.add_argument("--kinds", type=_words, default=tuple(KINDS), metavar="KIND,…")
    parser.add_argument(
        "--version",
        default=environments.VERSION,
        metavar="3.N",
        help="of Python, for which environments are made once; by default, that of this interpreter",
    )
    parser.add_argument("--python", type=Path, help="an interpreter with all packages, instead of environments")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the folder of the package appsnap")
    parser.add_argument("--apps", type=Path, default=SCRIPTS, help="the folder of the scripts")
    parser.add_argument("--work", type=Path, help="the folder for files and logs, which are kept then")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="applications side by side")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the table")
    options = parser.parse_args()
    chosen = [
        script
        for script in scripts(options.apps)
        if (not options.groups or script.group in options.groups)
        and (not options.only or any(word in script.name for word in options.only))
    ]
    groups = dict.fromkeys(script.group for script in chosen)
    made = {group: _environment(group, options) for group in groups}
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.jobs) as pool:
        outcomes = []
        work = options.work or Path(temporary)
        for future in [pool.submit(_run, script, made[script.group], options, work) for script in chosen]:
            outcomes.append(future.result())
            print(outcomes[-1], flush=True)
    wrong = [outcome.script.name for outcome in outcomes if outcome.wrong]
    print(
        f"{len(outcomes)} applications",
        f"not as expected: {', '.join(wrong)}" if wrong else "all as expected",
        sep=", ",
    )
    if options.docs:
        options.docs.write_text(table.paper(outcomes, options.version), encoding="utf-8")
    return int(bool(wrong))


def _environment(group: str, options: argparse.Namespace) -> Environment | str:
    """Return the environment of a group, or why there is none."""
    if options.python is not None:
        return Environment(options.python.absolute(), {})
    try:
        return environments.environment(group, options.version)
    except LookupError as error:
        return str(error)


def _run(script: Script, made: Environment | str, options: argparse.Namespace, work: Path) -> Outcome:
    why = made if isinstance(made, str) else made.why_not(script.packages)
    if isinstance(made, str) or why:
        return Outcome(script, left_out=why)
    run = Run(script, made.python, work.absolute(), options.apps.absolute(), options.source, options.kinds)
    return run.execute()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
