"""The environments of applications: one for each group of packages that live together, and for each Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from applications.harness import PROJECT
from trials.pythons import interpreter

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Environment", "environment"]

ENVIRONMENTS = PROJECT / ".cache" / "applications"

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment. `missing` has the packages that can't be installed on this Python, each with the reason."""

    python: Path
    missing: dict[str, str]

    def why_not(self, packages: tuple[str, ...]) -> str:
        """Return why an application with these packages can't be run, or an empty text."""
        missing = {_name(package): f"{package} can't be installed: {why}" for package, why in self.missing.items()}
        return next((missing[_name(package)] for package in packages if _name(package) in missing), "")


def environment(
    group: str, version: str = VERSION, folder: Path = ENVIRONMENTS, project: Path = PROJECT
) -> Environment:
    """Return the environment of a group. It is made where there is none, or where the group has changed.

    Raises LookupError where there is no such Python.
    """
    described = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    packages = described["dependency-groups"][f"applications-{group}"]
    wanted = [packages, described["project"]["dependencies"]]
    here = folder / f"{group}-{version}"
    made = here / "made.json"
    python = here / "bin" / "python"
    if not made.exists() or (known := json.loads(made.read_text("utf-8")))["wanted"] != wanted:
        found = sys.executable if version == VERSION else interpreter(version)
        if found is None:
            raise LookupError(f"Python {version} isn't here")
        shutil.rmtree(here, ignore_errors=True)
        subprocess.run([found, "-m", "venv", here], check=True)
        known = {"wanted": wanted, "missing": _install(python, project, group, packages)}
        made.write_text(json.dumps(known), "utf-8")
    return Environment(python, known["missing"])


def _name(requirement: str) -> str:
    """Return the name of a distribution, spelled in one way."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def _install(python: Path, project: Path, group: str, packages: list[str]) -> dict[str, str]:
    """Install appsnap and a group, and return what can't be installed: there may be no wheel for this Python."""
    pip: list[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*pip, "install", "--editable", project], check=True)
    if not subprocess.run([*pip, "install", "--group", f"applications-{group}"], cwd=project, check=False).returncode:
        return {}
    missing = {}
    for package in packages:
        one = subprocess.run([*pip, "install", package], cwd=project, capture_output=True, text=True, check=False)
        if one.returncode:
            errors = [line for line in one.stderr.splitlines() if "error" in line.lower()]
            missing[package] = (errors or ["pip failed"])[-1].strip()
    return missing
