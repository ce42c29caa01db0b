"""Options that several commands have, each defined once. What they come to is an `Input`, an `Output`, a trust.

In commands that write, `--passphrase-file` and its like are for what is written, and the same with `--source-` in front
for what is read.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli.inputs import Input, Output
from appsnap.cli.passphrase import Sources
from appsnap.errors import WrongKind
from appsnap.kinds import KINDS
from appsnap.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Command = Callable[..., int | None]
    Decorator = Callable[[Command], Command]

__all__ = ["as_json", "depth", "reads", "source_argument", "trusts", "writes"]


def source_argument(metavar: str) -> Decorator:
    """Add the argument that is read. It comes before the one that is written, and its options after all others."""
    return click.argument("read_path", metavar=metavar, type=click.Path())


def reads(*, prefix: str = "", argument: str = "FILE", kinds: tuple[str, ...] = KINDS) -> Decorator:
    """Add a file to be read and how to open it. The command gets an `Input` as `source`.

    Where the options have a prefix, the argument is another decorator's business: `source_argument`.
    """
    options: list[Decorator] = [
        *([] if prefix else [source_argument(argument)]),
        click.option(
            f"--{prefix}kind",
            "read_kind",
            type=click.Choice(kinds),
            help=f"Refuse {argument} unless it is of this kind.",
        ),
        *_passphrase_options(prefix, "read_", argument, "open"),
        click.option(
            *([] if prefix else ["-i"]),
            f"--{prefix}identity",
            "read_identities",
            metavar="PATH",
            type=click.Path(),
            multiple=True,
            help="A file with age identities that open it. Repeatable.",
        ),
        click.option(
            f"--{prefix}limit",
            "read_limits",
            metavar="NAME=NUMBER",
            multiple=True,
            help=f"What {argument} may cost to read: {', '.join(field.name for field in dataclasses.fields(Limits))}. "
            "An error says which one to raise. Repeatable.",
        ),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        variables = ("APPSNAP_SOURCE_PASSPHRASE", "APPSNAP_PASSPHRASE")[not prefix :]
        sources = _gather_sources(values, "read_", prefix, variables)
        source = Input(
            path=values.pop("read_path"),
            kind=values.pop("read_kind"),
            sources=sources,
            identity_files=values.pop("read_identities"),
            limits=_limits(values.pop("read_limits"), f"'--{prefix}limit'"),
        )
        return {"source": source}

    return _combined(options, gather)


def _limits(texts: Iterable[str], option: str) -> Limits:
    given = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in Limits.__slots__:
            raise click.BadParameter(f"there is no limit {name!r}", param_hint=option)
        if not re.fullmatch("[0-9]{1,18}", number):
            raise click.BadParameter(f"{name} takes a whole number, as in {name}=1000", param_hint=option)
        given[name] = int(number)
    return Limits(**given)


def writes(*, argument: str = "FILE") -> Decorator:
    """Add a file to be written, its kind and its layers. The command gets an `Output` as `target`."""
    options: list[Decorator] = [
        click.argument("write_path", metavar=argument, type=click.Path()),
        click.option(
            "--kind",
            "write_kind",
            type=click.Choice(KINDS),
            help=f"The kind of {argument}. Default: what its extension says (.tap, .tas, .tam, .tax), else pickle.",
        ),
        click.option(
            "-p",
            "--passphrase",
            "write_ask",
            is_flag=True,
            help=f"Encrypt {argument} with a passphrase, typed on the terminal unless a source is given below. "
            "Implied by a source, and by an extension such as .etap.",
        ),
        *_passphrase_options("", "write_", argument, "encrypt"),
        click.option(
            "-r",
            "--recipient",
            "write_recipients",
            metavar="age1…",
            multiple=True,
            help="Encrypt for this age recipient. Repeatable.",
        ),
        click.option(
            "-R",
            "--recipients-file",
            "write_recipient_files",
            metavar="PATH",
            type=click.Path(),
            multiple=True,
            help="Encrypt for the recipients in a file, one a line. Repeatable.",
        ),
        click.option("--armor", "write_armor", is_flag=True, help="Write the encrypted file as text."),
        click.option("--compress", "write_compress", is_flag=True, help="Compress with zstd."),
        click.option(
            "--plain",
            "write_plain",
            is_flag=True,
            help=f"Write {argument} unencrypted, although the source is encrypted.",
        ),
        click.option("--no-sign", "write_unsigned", is_flag=True, help=f"Don't sign {argument} with your key."),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        sources = _gather_sources(values, "write_", "", ("APPSNAP_PASSPHRASE",))
        path, kind = values.pop("write_path"), values.pop("write_kind")
        target = Output(
            path=path,
            kind=kind or _kind_by_name(path),
            ask=values.pop("write_ask"),
            sources=sources,
            recipients=values.pop("write_recipients"),
            recipient_files=values.pop("write_recipient_files"),
            armor=values.pop("write_armor"),
            compress=values.pop("write_compress"),
            plain=values.pop("write_plain"),
            sign=not values.pop("write_unsigned"),
        )
        if target.has_passphrase and target.has_recipients:
            raise click.UsageError("a file is encrypted with a passphrase or for recipients, not both")
        if target.plain and target.encrypts:
            raise click.UsageError(f"--plain contradicts the options that encrypt, or the name of {argument}")
        if target.armor and not target.encrypts:
            raise click.UsageError("only an encrypted file can be armored: give -p or -r")
        return {"target": target}

    return _combined(options, gather)


def _kind_by_name(path: str) -> str:
    try:
        # It brings zope.interface, which nothing that only reads has need of.
        from appsnap.sob import guessType  # noqa: PLC0415

        kind = guessType(path)
    except WrongKind:
        return "pickle"
    if kind == "python":
        raise click.UsageError(
            f"{path} has the name of a script, which no snapshot is: give it another, or give --kind"
        )
    return kind


def _passphrase_options(prefix: str, key: str, argument: str, purpose: str) -> list[Decorator]:
    return [
        click.option(
            f"--{prefix}passphrase-file",
            f"{key}passphrase_file",
            metavar="PATH",
            type=click.Path(),
            help=f"Read the passphrase to {purpose} {argument} from a file.",
        ),
        click.option(
            f"--{prefix}passphrase-command",
            f"{key}passphrase_command",
            metavar="COMMAND",
            help="Run a command, and take what it prints as the passphrase.",
        ),
        click.option(
            f"--{prefix}passphrase-fd",
            f"{key}passphrase_fd",
            metavar="N",
            type=click.IntRange(min=0),
            help="Read the passphrase from a file descriptor that is open already.",
        ),
    ]


def _gather_sources(values: dict[str, Any], key: str, prefix: str, variables: tuple[str, ...]) -> Sources:
    found = {name: values.pop(f"{key}passphrase_{name}") for name in ("file", "command", "fd")}
    if sum(one is not None for one in found.values()) > 1:
        raise click.UsageError(
            f"give only one of --{prefix}passphrase-file, --{prefix}passphrase-command and --{prefix}passphrase-fd"
        )
    return Sources(**found, variables=variables, prefix=prefix)


def trusts(whose: str = "FILE") -> Decorator:
    """Add what is trusted. The command gets names, or EVERYTHING, as `trust`."""
    options: list[Decorator] = [
        click.option(
            "--trust",
            metavar="NAME",
            multiple=True,
            help=f'A name that {whose} may want: "package.Class", "package.*" for the classes defined there, '
            'or "call:package.function". Repeatable.',
        ),
        click.option(
            "--trust-everything",
            is_flag=True,
            help=f"Trust {whose} as you would trust a program: it may run any code.",
        ),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        names, everything = values.pop("trust"), values.pop("trust_everything")
        if names and everything:
            raise click.UsageError("--trust-everything leaves nothing for --trust to add: give one of them")
        try:
            if names:
                from appsnap.recipe.trust import Trust  # noqa: PLC0415 - as late as what is read

                Trust(names)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--trust'") from None
        return {"trust": appsnap.EVERYTHING if everything else names}

    return _combined(options, gather)


def _combined(options: Iterable[Decorator], gather: Callable[[dict[str, Any]], dict[str, Any]]) -> Decorator:
    """Return a decorator that adds options, and hands what `gather` makes of them to the command."""

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def gathered(**values: Any) -> int | None:
            made = gather(values)
            return function(**values, **made)

        command: Command = gathered
        for option in reversed([*options]):
            command = option(command)
        return command

    return decorate


as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of text.")


def depth(default: int | None) -> Decorator:
    """Add how deep a tree is printed."""
    return click.option(
        "--depth",
        metavar="N",
        type=click.IntRange(min=1),
        default=default,
        show_default=default is not None,
        help="Leave out what lies deeper than this many levels.",
    )
