"""Finds the object that the argument SOURCE of `save` names."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli import output, standard
from appsnap.cli.progress import Progress
from appsnap.cli.project import search_current_folder
from appsnap.cli.suggest import closest
from appsnap.errors import CannotLoad, Damaged
from appsnap.kinds import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.cli.inputs import Input, Output
    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["LISTENING", "SCRIPTS", "find_object", "imported", "is_script", "suggest"]

SCRIPTS = (".tac", ".py")


def find_object(
    source: Input,
    target: Output,
    trust: Sequence[str] | Everything,
    look: Callable[[Snapshot], object],
    code_from: str | None = None,
    *,
    listen: tuple[str, int] | None = None,
) -> tuple[Any, Sequence[str] | Everything]:
    """Return the object that a source names, and how far the source was trusted: EVERYTHING, or some names of a file.

    `look` gets a source that is a snapshot, before anything of it is built. With an address to `listen` at, the object
    is served there, and the application that does it is returned; the server of an application is moved there.
    Raises CannotLoad, OSError, and UsageError for a source that makes no sense or is the target.
    """
    found, enough, is_program = _found(source, target, trust, look, code_from, with_functions=listen is not None)
    if listen is not None:
        from appsnap.cli.addresses import served  # noqa: PLC0415 - few commands need it

        return served(found, source.path, listen), enough
    if is_program:
        _tell_no_application(found, source.path, target.path)
    return found, enough


def _found(
    source: Input,
    target: Output,
    trust: Sequence[str] | Everything,
    look: Callable[[Snapshot], object],
    code_from: str | None,
    *,
    with_functions: bool,
) -> tuple[Any, Sequence[str] | Everything, bool]:
    """Return the object, the trust, and whether the source is a program."""
    if source.path == "-":
        return *source.load(trust, check=look, code_from=code_from), False
    path = Path(source.path)
    module, colon, name = source.path.partition(":")
    if not path.exists():
        suggest(source.path)
    if path.exists() or path.suffix in SCRIPTS or os.sep in source.path or not colon:
        if not (path.exists() or path.suffix or os.sep in source.path):
            raise click.UsageError(f"there is no file {source.path}; a module is named as module:name")
        if is_script(path):
            _refuse_target(source.path, target.path)
            _refuse_trust(source, trust)
            return _run(source.path), appsnap.EVERYTHING, True
        return *source.load(trust, check=look, code_from=code_from), False
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise click.UsageError(f"{source.path} is neither a file nor of the form module:name")
    _refuse_trust(source, trust)
    made = imported(module, name, target.path, with_functions=with_functions)
    return made, appsnap.EVERYTHING, True


def is_script(path: Path) -> bool:
    """Tell whether a file is a script. A snapshot of kind source is Python, too, and none."""
    if path.suffix not in SCRIPTS:
        return False
    with path.open("rb") as file:
        head = file.read(16)
    try:
        # A snapshot of kind source is Python too. It is never run, even if its name is that of a script.
        recognise(head)
    except Damaged:
        return True
    return False


def _run(path: str) -> Any:
    from appsnap import script  # noqa: PLC0415 - only scripts need it

    search_current_folder()
    with Progress(f"running {path}"):
        return script.run(path)


def imported(module: str, name: str, target: str | None = None, *, with_functions: bool = False) -> Any:
    """Return an object in a module. Raises CannotLoad, and UsageError for a module that is the target."""
    search_current_folder()
    with Progress(f"importing {module}"):
        try:
            found: Any = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise CannotLoad(_why_not_imported(module, error), hint=_instead(module, error)) from error
    file = getattr(found, "__file__", None)
    if file is not None and target is not None:
        _refuse_target(file, target)
    parts = name.split(".")
    for at, part in enumerate(parts):
        try:
            found = getattr(found, part)
        except AttributeError:
            word = closest(part, [other for other in dir(found) if not other.startswith("_")])
            better = f"did you mean {module}:{'.'.join([*parts[:at], word])}? " if word else ""
            raise CannotLoad(f"there is no {name} in {module}", hint=f"{better}the imported file is {file}") from None
    if isinstance(found, (type, types.ModuleType)) or (isinstance(found, types.FunctionType) and not with_functions):
        words = {type: "class", types.FunctionType: "function", types.ModuleType: "module"}
        kind = next(word for cls, word in words.items() if isinstance(found, cls))
        raise CannotLoad(
            f"{module}:{name} is a {kind}, and a snapshot would have only its name",
            hint="assign the application itself to a name, and save that",
        )
    return found


def _tell_no_application(obj: Any, source: str, target: str) -> None:
    """Note that `run` can't run an object, and how to save it so that it can."""
    from appsnap.interfaces import IService  # noqa: PLC0415 - help doesn't need it
    from appsnap.twisted_services import adapted  # noqa: PLC0415 - as above

    if adapted(IService, obj) is not None:
        return
    from appsnap.hosting.recognise import sort_of  # noqa: PLC0415 - as above

    sort, kind = sort_of(obj), _type_of(obj)
    if sort is None:
        output.note(f"note: {source} is no application ({kind}), and `appsnap run` can't run it")
    elif sort != "object":
        command = output.command_line(["save", source, target, *LISTENING])
        output.note(f"note: {source} is saved without a server ({kind}); to save it with one: {command}")


LISTENING = ("--listen", "127.0.0.1:8000")
"""The option in hints."""


def _type_of(obj: Any) -> str:
    return f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")


def _why_not_imported(module: str, error: BaseException) -> str:
    """Return the error of an import in words, with the last file and line of the user, not of Python or a library."""
    place = ""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = [at for at in places if not at[0].startswith("<frozen ") and at[0] not in (__file__, importlib.__file__)]
    if places:
        place = "{}, line {}: ".format(*([at for at in places if not _is_installed(at[0])] or places)[-1])
    if isinstance(error, SyntaxError):
        place = f"{error.filename}, line {error.lineno}: "
        error = type(error)(error.msg)
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return f"cannot import {module}: {place}{reason}"


def _is_installed(file: str) -> bool:
    """Tell whether a file belongs to Python, to appsnap or to an installed library."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders.append(os.path.dirname(appsnap.__file__))  # noqa: PTH120 - a text, as the others
    return any(Path(file).is_relative_to(folder) for folder in folders)


def _instead(module: str, error: BaseException) -> str:
    """Return a hint for a module that isn't found, or an empty text."""
    if not isinstance(error, ModuleNotFoundError) or error.name not in (module, module.partition(".")[0]):
        return ""
    files = [path.stem for path in Path().glob("*.py")] + [path.parent.name for path in Path().glob("*/__init__.py")]
    word = closest(module.partition(".")[0], files)
    return f"did you mean {word}? " * bool(word) + "modules are found in this folder, and where PYTHONPATH says"


def suggest(source: str) -> None:
    """Raise UsageError, with a suggestion, for a source that is no file, but resembles module:name."""
    before, separator, after = source.removeprefix(f".{os.sep}").rpartition(":" if ":" in source else ".")
    file, name = (before, after) if separator else (after, "application")
    module = file.removesuffix(".py").replace(os.sep, ".").removesuffix(".__init__")
    right = f"{module}:{name}"
    if right == source or f".{name}" in SCRIPTS or not all(part.isidentifier() for part in (*module.split("."), name)):
        return
    path = Path(*module.split("."))
    if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
        raise click.UsageError(f"there is no file {source}; did you mean {right}?")


def _refuse_target(source: str, target: str) -> None:
    if standard.is_stdout(target) or not os.path.exists(target):  # noqa: PTH110 - a text, as it was typed
        return
    if os.path.samefile(source, target):  # noqa: PTH121 - texts, as they were typed
        raise click.UsageError(f"the application comes from {target}, which would be overwritten")


def _refuse_trust(source: Input, trust: Sequence[str] | Everything) -> None:
    for option in ["--trust"] * bool(trust) + ["--map"] * bool(source.folders):
        raise click.UsageError(f"{option} is for a SOURCE that is a snapshot; this SOURCE is a program, and is run")
