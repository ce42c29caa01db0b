"""Try objects and scripts of many sorts: `python -m trials objects` or `python -m trials scripts`."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

from appsnap.kinds import KINDS
from trials.pythons import PACKAGES, PROJECT, VERSIONS, environment, python_of


def main() -> int:
    """Run the trial that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m trials", description=__doc__)
    parser.add_argument("trial", choices=("objects", "scripts"))
    parser.add_argument("--only", nargs="+", default=(), metavar="WORD", help="only those with a WORD in their name")
    parser.add_argument("--kinds", type=_words, default=tuple(KINDS), metavar="KIND,…")
    parser.add_argument("--versions", type=_words, default=VERSIONS, metavar="VERSION,…", help="of Python, for scripts")
    parser.add_argument("--forms", type=_words, default=("script", "main"), metavar="FORM,…", help="script, main")
    parser.add_argument("--source", type=Path, default=PROJECT / "src", help="the folder of the package appsnap")
    parser.add_argument("--all-packages", action="store_true", help="in an environment with each package, for objects")
    options = vars(parser.parse_args())
    if options.pop("all_packages"):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        python = python_of(version, PACKAGES, "objects")
        assert python is not None
        variables = environment(python.parents[1] / "keys", options["source"], PROJECT / "tools")
        words = [word for word in sys.argv[1:] if word != "--all-packages"]
        return subprocess.run([python, "-m", "trials", *words], env=variables, check=False).returncode
    trial = importlib.import_module(f"trials.{options.pop('trial')}")
    if trial.__name__ == "trials.objects":
        del options["versions"], options["forms"]
    return int(trial.main(**options))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    raise SystemExit(main())
