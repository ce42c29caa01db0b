"""Packages that appsnap imports for values of any file: only those that are installed."""

from __future__ import annotations

import importlib.util
import os
import sys

__all__ = ["check_installed", "is_beside"]

_INSTALLED = ("site-packages", "dist-packages")
"""Names of folders for installed packages: a program may have been started in one."""


def check_installed(package: str) -> None:
    """Check that a package isn't one that lies beside the program or in the current folder. Raises ImportError.

    Either folder may be that of a stranger, with a module of this name beside the file. A package that is imported
    already is the program's choice.
    """
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or [spec.origin or ""]
    for place in places:
        folder = os.path.dirname(os.path.realpath(place))  # noqa: PTH120 - a text, as in sys.path
        if is_beside(folder, sys.path[0] if sys.path else ""):
            raise ImportError(f"{package} isn't taken from {folder}: import it before you load the file", name=package)


def is_beside(folder: str, program: str = "") -> bool:
    """Tell whether a folder is the current one or that of the program, and not one of installed packages."""
    beside = {os.path.realpath(one) for one in (os.getcwd(), program)}  # noqa: PTH109 - a text, as in sys.path
    return os.path.realpath(folder) in beside and os.path.basename(folder) not in _INSTALLED  # noqa: PTH119 - as above
