"""Finds the object that the argument SOURCE of `save` names."""

from __future__ import annotations

import importlib
import os
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli.progress import Progress
from appsnap.cli.project import search_current_folder
from appsnap.errors import CannotLoad, Damaged
from appsnap.kinds import recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.cli.inputs import Input, Output
    from appsnap.recipe.trust import Everything

__all__ = ["find_object"]

_SCRIPTS = (".tac", ".py")


def find_object(
    source: Input, target: Output, trust: Sequence[str] | Everything, code_from: str | None = None
) -> tuple[Any, Sequence[str] | Everything]:
    """Return the object that a source names, and how far the source was trusted: EVERYTHING, or some names of a file.

    Raises CannotLoad, OSError, and UsageError for a source that makes no sense or is the target.
    """
    path = Path(source.path)
    module, colon, name = source.path.partition(":")
    if path.exists() or path.suffix in _SCRIPTS or os.sep in source.path or not colon:
        if not (path.exists() or path.suffix or os.sep in source.path):
            raise click.UsageError(f"there is no file {source.path}; a module is named as module:name")
        _refuse_target(source.path, target.path)
        if _is_script(path):
            return _run(source.path, trust), appsnap.EVERYTHING
        return source.load(trust, check=target.keep_secret, code_from=code_from)
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise click.UsageError(f"{source.path} is neither a file nor of the form module:name")
    _refuse_trust(trust)
    return _imported(module, name, target.path), appsnap.EVERYTHING


def _is_script(path: Path) -> bool:
    if path.suffix not in _SCRIPTS:
        return False
    with path.open("rb") as file:
        head = file.read(16)
    try:
        # A snapshot of kind source is Python too. It is never run, even if its name is that of a script.
        recognise(head)
    except Damaged:
        return True
    return False


def _run(path: str, trust: Sequence[str] | Everything) -> Any:
    from appsnap import script  # noqa: PLC0415 - only scripts need it

    _refuse_trust(trust)
    search_current_folder()
    with Progress(f"running {path}"):
        return script.run(path)


def _imported(module: str, name: str, target: str) -> Any:
    search_current_folder()
    with Progress(f"importing {module}"):
        try:
            found: Any = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise CannotLoad(_why_not_imported(module, error)) from error
    file = getattr(found, "__file__", None)
    if file is not None:
        _refuse_target(file, target)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise CannotLoad(f"there is no {name} in {module}", hint=f"the imported file is {file}") from None
    if isinstance(found, (type, types.FunctionType, types.ModuleType)):
        words = {type: "class", types.FunctionType: "function", types.ModuleType: "module"}
        kind = next(word for cls, word in words.items() if isinstance(found, cls))
        raise CannotLoad(
            f"{module}:{name} is a {kind}, and a snapshot would have only its name",
            hint="assign the application itself to a name, and save that",
        )
    return found


def _why_not_imported(module: str, error: BaseException) -> str:
    """Return the error of an import in words, with the last file and line outside Python's import system."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<frozen ") and file not in (__file__, importlib.__file__):
            place = f"{file}, line {trace.tb_lineno}: "
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        place = f"{error.filename}, line {error.lineno}: "
        error = type(error)(error.msg)
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return f"cannot import {module}: {place}{reason}"


def _refuse_target(source: str, target: str) -> None:
    if os.path.exists(target) and os.path.samefile(source, target):  # noqa: PTH110, PTH121 - texts, as they were typed
        raise click.UsageError(f"the application comes from {target}, which would be overwritten")


def _refuse_trust(trust: Sequence[str] | Everything) -> None:
    if trust:
        raise click.UsageError("--trust is for a SOURCE that is a snapshot; this SOURCE is a program, and is run")
