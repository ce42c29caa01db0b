"""Errors in words: the lines for stderr, the command to type next, and the exit code."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from appsnap.cli import output
from appsnap.cli.output import command_line, lowered
from appsnap.cli.suggest import UnknownCommand
from appsnap.errors import (
    MOST_NAMED,
    AppsnapError,
    CannotBuild,
    CannotLoad,
    CannotSave,
    NotInGrammar,
    NotTrusted,
    PluginError,
    ServiceError,
    hints,
    other_notes,
)
from appsnap.printable import as_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from appsnap.errors import Want

__all__ = ["Explanation", "explain", "show", "signing_command", "trusting_command", "what_runs"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in words: the lines of the message, the hint, and the exit code."""

    lines: Sequence[str]
    hint: str = ""
    exit_code: int = 1


def show(error: BaseException, arguments: Sequence[str]) -> int:
    """Explain an error of the command with these arguments on stderr. Returns the exit code."""
    if os.environ.get("APPSNAP_TRACEBACK"):
        import traceback  # noqa: PLC0415 - seldom wanted

        output.trace("".join(traceback.format_exception(error)))
    explanation = explain(error, arguments)
    output.error(explanation.lines, explanation.hint)
    return explanation.exit_code


def explain(error: BaseException, arguments: Sequence[str]) -> Explanation:
    """Explain an error of the command with these arguments."""
    match error:
        case NotTrusted():
            return _explain_distrust(error, arguments)
        case CannotSave():
            headline = str(error).partition(":")[0]
            hint = _for_command_line(error.hint, arguments)
            return Explanation([headline, *(f"  {place}" for place in error.places)], hint, error.exit_code)
        case ServiceError():
            return Explanation([str(error), *(f"  {line}" for line in _last_lines(error))], error.hint, error.exit_code)
        case NotInGrammar():
            lines = [str(error), *(f"  {line}" for line in error.excerpt)]
            return Explanation(lines, _with_file(error, arguments), error.exit_code)
        case MemoryError():
            # An error of ours says what there was no memory for.
            return Explanation(
                [f"out of memory: {error}" if isinstance(error, AppsnapError) else "out of memory"], _MORE_MEMORY
            )
        case AppsnapError():
            hint = _with_file(error, arguments) or _HINT_OF_TRACEBACK * _is_of_foreign_code(error)
            return Explanation([str(error)], _for_command_line(hint, arguments), error.exit_code)
        case click.ClickException():
            return _explain_usage(error)
        case SystemExit():
            return Explanation(["ended by the application: sys.exit()"], _HINT_OF_TRACEBACK)
        case KeyboardInterrupt():
            return Explanation(["interrupted"], exit_code=130)
        case BaseExceptionGroup():
            return Explanation([_with_notes(leaf) for leaf in _leaves(error)])
        case OSError() if error.strerror:
            reason = lowered(error.strerror)
            return Explanation([reason if error.filename is None else f"{_name_of(error.filename)}: {reason}"])
        case _:
            return Explanation([f"internal: {_described(error)}"], _HINT_OF_TRACEBACK)


_HINT_OF_TRACEBACK = "set APPSNAP_TRACEBACK=1 to see the traceback"


def _is_of_foreign_code(error: AppsnapError) -> bool:
    """Tell whether the code of an application failed: its module, script or plugin, or a method of its classes."""
    return type(error) in (CannotLoad, CannotBuild, PluginError) and isinstance(error.__cause__, Exception | SystemExit)


_MORE_MEMORY = "the files are as they were: give the command more memory (ulimit -v shows its limit), and try again"


def _explain_distrust(error: NotTrusted, arguments: Sequence[str]) -> Explanation:
    # A want without a path has its own message.
    named = error.wants[:MOST_NAMED]
    begin = f"{error.file}: not trusted:" if error.instead else "not trusted:"
    lines = [f"{begin} {obstacle}" for obstacle in error.obstacles[:MOST_NAMED]]
    lines += [f"{begin} {want}" if want.path else str(error) for want in named]
    if len(error.wants) > MOST_NAMED:
        lines.append(f"not trusted: {len(error.wants) - MOST_NAMED:,} more, which `appsnap audit` lists")
    hint = trusting_command(() if error.obstacles else error.wants, arguments)
    if not error.obstacles and not any(want.carries_code for want in error.wants):
        hint = hints(what_runs(error.wants), hint)
    hint = hints(error.provenance, error.instead, hint)
    return Explanation(lines, hint, error.exit_code)


def _with_file(error: AppsnapError, arguments: Sequence[str]) -> str:
    """Return the hint of an error with the file of the command in the place of FILE, where it stands for that."""
    if error.file not in arguments:
        return error.hint
    return error.hint.replace(" FILE", f" {shlex.quote(error.file)}")


def _for_command_line(hint: str, arguments: Sequence[str]) -> str:
    """Return a hint without the Python of a library call, and with the option of this command."""
    prefix = "source-" if arguments[:1] in (["convert"], ["save"]) else ""
    hint = hint.replace("code_from='3.11'", f"--{prefix}code-from 3.11").replace("verify=False", "--no-verify")
    moved = re.search(r"open_snapshot\(FILE\)\.moved\(\{'(.*)': '(.*)'\}\)\.build\(\)", hint)
    if moved is not None:
        hint = hint.replace(moved[0], _with_options(arguments, ["--map", f"{moved[1]}={moved[2]}"]))
    of_one = "give the identity of one of them"
    hint = hint.replace(of_one, f"{of_one}: --{prefix}identity FILE")
    hint = hint.replace("give its passphrase", f"leave out --{prefix}identity, and type its passphrase")
    limit = re.search(r"limits=Limits\((\w+)=…\), or --limit \1=…", hint)
    if limit is None:
        return hint
    return hint.replace(limit[0], f"--{prefix}limit {limit[1]}=…")


def _explain_usage(error: click.ClickException) -> Explanation:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"{context.command_path if context else 'appsnap'} --help"
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        message = error.message
        if error.possibilities:
            hint = f"did you mean {' or '.join(error.possibilities)}? {hint}"
    if isinstance(error, UnknownCommand):
        hint = error.command or hint
        if error.suggestion:
            hint = f"did you mean {error.suggestion}? {hint}"
    return Explanation([lowered(" ".join(message.split())).removesuffix(".")], hint, error.exit_code)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    stack: list[BaseException] = [group]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack += reversed(error.exceptions)
        else:
            yield error


def _with_notes(error: BaseException) -> str:
    return ": ".join([*other_notes(error), _described(error)])


def _last_lines(error: BaseException) -> list[str]:
    """Return the last line of each note: some notes are whole tracebacks."""
    return [note.strip().rpartition("\n")[2] for note in other_notes(error)]


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _name_of(filename: str | bytes | int) -> str:
    return (os.fsdecode(filename) if isinstance(filename, bytes) else str(filename)) or "''"


# The command to type next


def trusting_command(wants: Sequence[Want], arguments: Sequence[str]) -> str:
    """Return the command to type after a command with these arguments failed, so that it trusts the missing names.

    The command trusts the whole file, with a warning, if there are no names or if `--trust` can't allow one of them.
    After `audit` the command is a `load`. After other commands, very many names give a hint to use `audit`.
    """
    audited = arguments[:1] == ["audit"]
    if audited:
        arguments = ["load", *(word for word in arguments[1:] if word not in {"--json", "--code"})]
    if not wants:
        return _everything("no --trust can allow this", arguments)
    if any(want.carries_code for want in wants):
        return _everything("the file carries code, which runs when it is loaded", arguments)
    unnameable = next((want.name for want in wants if not _can_be_named(want)), None)
    if unnameable is not None:
        return _everything(f"no --trust can name {unnameable!r}", arguments)
    grants = dict.fromkeys(want.grant for want in wants)
    if sum(map(len, grants)) > _LONGEST_COMMAND:
        return _everything("the names are too many for one command", arguments)
    if len(grants) > MOST_NAMED and not audited:
        return f"`appsnap audit` lists all {len(wants):,} names, and then the command that allows them"
    return _with_options(arguments, [word for grant in grants for word in ("--trust", grant)])


_LONGEST_COMMAND = 1_000_000
"""Characters of a command. Linux takes two million, and the environment counts, too."""


def what_runs(wants: Iterable[Want]) -> str:
    """Return a note of the calls among the names that `--trust` can allow, or an empty text."""
    calls = [as_word(want.name) for want in wants if want.use == "call" and not want.carries_code]
    more = f" and {len(calls) - 3:,} more" if len(calls) > 3 else ""
    return f"a call runs code, with arguments from the file: {', '.join(calls[:3])}{more}" if calls else ""


def signing_command(arguments: Sequence[str]) -> str:
    """Return the command that signs the file that `save` or `convert` with these arguments left unsigned."""
    return _with_options(["save", *_without_trust(arguments[1:])], ["--trust-everything"])


def _can_be_named(want: Want) -> bool:
    from appsnap.recipe.trust import Trust  # noqa: PLC0415 - help has no need of it

    try:
        Trust([want.grant])
    except ValueError:
        return False
    return True


def _everything(why: str, arguments: Sequence[str]) -> str:
    command = _with_options(_without_trust(arguments), ["--trust-everything"])
    return f"{why}; if you trust who wrote it as you trust a program: {command}"


def _without_trust(arguments: Sequence[str]) -> list[str]:
    words = iter(arguments)
    kept = []
    for word in words:
        if word == "--trust":
            next(words, None)
        elif not word.startswith("--trust="):
            kept.append(word)
    return kept


def _with_options(arguments: Iterable[str], options: Sequence[str]) -> str:
    words = [*arguments]
    end = words.index("--") if "--" in words else len(words)
    return command_line([*words[:end], *options, *words[end:]])
