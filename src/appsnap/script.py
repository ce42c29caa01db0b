"""Scripts that make an application (`.tac`, `.py`). A script is a program and no snapshot: it is run."""

from __future__ import annotations

import itertools
import os
import sys
import traceback
import types
from importlib.util import decode_source
from pathlib import Path
from typing import Any

import cloudpickle

from appsnap.code.texts import Text, keep
from appsnap.errors import CannotLoad, Damaged, WrongKind
from appsnap.kinds import recognise
from appsnap.kinds.foreign import HEAD_SIZE

__all__ = ["run", "run_module"]


def run(path: str | os.PathLike[str], variable: str = "application") -> Any:
    """Run a script in a module of its own, and return the value of a variable at its end.

    Each run has its own module, and `__main__` stays as it is. The module can't be imported by its name, so its classes
    and functions are saved by value.

    Raises CannotLoad, with file and line, for any error in the script; WrongKind for a snapshot that is no Python;
    OSError if it can't be read.
    """
    return run_module(path, variable)[0]


def run_module(path: str | os.PathLike[str], variable: str = "application") -> tuple[Any, types.ModuleType]:
    """Run a script as `run` does, and return the value and the module."""
    file = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, and show another name
    source = file.read_bytes()
    _refuse_snapshot(file, source)
    module = _new_module(file)
    try:
        # From bytes: Python finds the encoding (PEP 263) as it does for any module.
        code = compile(source, str(file), "exec", dont_inherit=True)
        keep(Text(decode_source(source), str(file)), module)
        exec(code, module.__dict__)  # noqa: S102 - the caller asked for it
    except (Exception, SystemExit) as error:
        _drop(module)
        raise CannotLoad(_describe(file, error)) from error
    except BaseException:
        _drop(module)
        raise
    try:
        return module.__dict__[variable], module
    except KeyError:
        _drop(module)
        raise CannotLoad(f"{file} doesn't assign {variable!r}", hint=f"add a line to it: {variable} = …") from None


def _refuse_snapshot(file: Path, source: bytes) -> None:
    """Raise WrongKind for a snapshot. One in source is Python, too."""
    try:
        kind = recognise(source[:HEAD_SIZE])
    except Damaged:
        return
    if kind != "source":
        raise WrongKind(f"{file} is a snapshot of kind {kind}, and no script", hint=f"give kind {kind}, or none")


def _new_module(file: Path) -> types.ModuleType:
    label = file.name.replace(":", "_")  # a name in a snapshot has no colon in its module
    for number in itertools.count(1):
        name = f"<{label}>" if number == 1 else f"<{label} {number}>"
        module = types.ModuleType(name)
        # setdefault is one step, so two threads never get the same name. The module stays in sys.modules, because
        # dataclasses and type hints look up names there.
        if sys.modules.setdefault(name, module) is module:
            break
    module.__file__ = str(file)
    module.__package__ = ""
    # cloudpickle takes every module in sys.modules for importable.
    cloudpickle.register_pickle_by_value(module)
    return module


def _drop(module: types.ModuleType) -> None:
    cloudpickle.unregister_pickle_by_value(module)
    sys.modules.pop(module.__name__, None)


def _describe(file: Path, error: BaseException) -> str:
    line = None
    if isinstance(error, SyntaxError) and error.filename == str(file):
        line, reason = error.lineno, error.msg
    else:
        reason = str(error)
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == str(file):
                line = number
    place = str(file) if line is None else f"{file}, line {line}"
    return f"{place}: {type(error).__name__}: {' '.join(reason.split())}".rstrip(" :")
