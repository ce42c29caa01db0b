"""The facts behind the figures: the machine, and the versions of all programs."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

__all__ = ["facts"]

DISTRIBUTIONS = ("appsnap", "cloudpickle", "cryptography", "dill", "joblib", "jsonpickle", "numpy", "skops", "Twisted")


def facts(*, quick: bool, project: Path | None = None) -> dict[str, str]:
    """Return the facts for the head of the table, by name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    measured = {"appsnap": f"of the folder {project}"} if project else {}
    return measured | {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}" + (", small sizes (`--quick`): figures mean nothing" * quick),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory / 2**30:.0f} GiB, {platform.system()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(filter(None, [*map(_version, DISTRIBUTIONS), _age()])),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else 'processor'} ({platform.machine()})"


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        return ""


def _age() -> str:
    program = shutil.which("age")
    if program is None:
        return ""
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return f"age {result.stdout.strip()}"
