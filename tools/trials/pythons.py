"""The Pythons that trials run on: for each version an environment with the packages that objects and scripts use."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
ENVIRONMENTS = PROJECT / ".cache" / "trials"
FEW = ("attrs", "pydantic")
"""The packages that scripts use."""

PACKAGES = (
    *FEW,
    *(
        "apscheduler<4",
        "lxml",
        "msgspec",
        "networkx",
        "numpy",
        "pandas",
        "pillow",
        "polars",
        "pyarrow",
        "python-dateutil",
    ),
    *("scikit-learn", "scipy", "sortedcontainers", "sqlalchemy", "twisted", "tzdata"),
)
"""The packages that objects are made with."""


def python_of(version: str, packages: tuple[str, ...] = FEW, name: str = "") -> Path | None:
    """Return the interpreter of an environment, made if need be, or None where there is no such Python.

    appsnap itself isn't in the environment, only the packages that it needs: `environment()` leads to the sources.
    """
    folder = Path(os.environ.get("APPSNAP_TRIALS", ENVIRONMENTS)) / (name or version)
    made = folder / ".made"
    if not made.exists():
        found = interpreter(version)
        if found is None:
            return None
        subprocess.run([found, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", str(PROJECT), *packages], check=True)
        subprocess.run([*pip, "uninstall", "--yes", "appsnap"], check=True)
        made.touch()
    return folder / "bin" / "python"


def environment(keys: Path, source: Path = PROJECT / "src", *paths: Path) -> dict[str, str]:
    """Return the variables of a process that uses appsnap's sources, with keys of its own."""
    return {
        **os.environ,
        "APPSNAP_CONFIG_DIR": str(keys),
        "PYTHONPATH": os.pathsep.join(map(str, (source, *paths))),
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONHASHSEED": "0",
    }


def interpreter(version: str) -> str | None:
    """Return the Python of a version, in pyenv's folder of versions or on the path, or None."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in sorted(versions.glob(f"{version}.*/bin/python")):
        return str(candidate)
    return shutil.which(f"python{version}")
