"""Options that several commands have, each defined once. They make an `Input`, an `Output`, or the trusted names.

In commands that read and write, `--passphrase-file` and the like are for the file that is written, and
`--source-passphrase-file` and the like for the file that is read.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli import output, standard
from appsnap.cli.inputs import Input, Output, read_recipients
from appsnap.cli.passphrase import Sources
from appsnap.errors import AppsnapError, WrongKind
from appsnap.kinds import KINDS
from appsnap.kinds.extensions import kind_to_write
from appsnap.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appsnap.kinds import Kind

    Command = Callable[..., int | None]
    Decorator = Callable[[Command], Command]

__all__ = [
    "application_argument",
    "as_json",
    "code_from",
    "depth",
    "listens",
    "maps",
    "reads",
    "recipients",
    "source_argument",
    "trusts",
    "trusts_keys",
    "writes",
]


_PATH = click.Path(readable=False)
"""A file that can't be read is no wrong usage: opening it tells why."""


def source_argument(metavar: str) -> Decorator:
    """Add the argument for the file that is read. It comes before the one for the file that is written."""
    return click.argument("read_path", metavar=metavar, type=_PATH)


def reads(*, prefix: str = "", argument: str = "FILE", kinds: tuple[str, ...] = KINDS) -> Decorator:
    """Add the options for a file that is read. The command gets an `Input` as `source`.

    Without a prefix, this adds the argument for the file too. With one, `source_argument` has to add it.
    """
    options: list[Decorator] = [
        *([] if prefix else [source_argument(argument)]),
        click.option(
            f"--{prefix}kind",
            "read_kind",
            type=click.Choice(kinds),
            help=f"Refuse {argument} unless it is of this kind.",
        ),
        *_passphrase_options(prefix, "read_", argument),
        click.option(
            *([] if prefix else ["-i"]),
            f"--{prefix}identity",
            "read_identities",
            metavar="PATH",
            type=_PATH,
            multiple=True,
            help=f"Open {argument} with the age identities in a file. Repeatable.",
        ),
        click.option(
            f"--{prefix}limit",
            "read_limits",
            metavar="NAME=NUMBER",
            multiple=True,
            help=f"Change a limit on the cost of reading {argument}: "
            f"{', '.join(field.name for field in dataclasses.fields(Limits))}. "
            "Errors name the limit to raise. Repeatable.",
        ),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        variables = ("APPSNAP_SOURCE_PASSPHRASE", "APPSNAP_PASSPHRASE")[not prefix :]
        sources = _gather_sources(values, "read_", prefix, variables)
        standard.claim(values["read_path"], argument)
        for path in values["read_identities"]:
            standard.claim(path, f"--{prefix}identity")
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
    """Add the argument and the options for a file that is written. The command gets an `Output` as `target`."""
    options: list[Decorator] = [
        click.argument("write_path", metavar=argument, type=_PATH),
        click.option(
            "--kind",
            "write_kind",
            type=click.Choice(KINDS),
            help=f"The kind of {argument}. By default, the extension .tap, .tas, .tam or .tax decides, else pickle. "
            "An extension of these that contradicts it is an error.",
        ),
        click.option(
            "-p",
            "--passphrase",
            "write_ask",
            is_flag=True,
            help=f"Encrypt {argument} with a passphrase. You type it, unless one of the next three options gives it. "
            "Each of these implies -p, and so does an extension like .etap.",
        ),
        *_passphrase_options("", "write_", argument),
        *_recipient_options("write_", argument),
        click.option("--armor", "write_armor", is_flag=True, help="Write the encrypted file as text."),
        click.option("--compress", "write_compress", is_flag=True, help=f"Compress {argument} with zstd."),
        click.option(
            "--plain",
            "write_plain",
            is_flag=True,
            help=f"Write {argument} unencrypted, even if the file that is read is encrypted.",
        ),
        click.option("--no-sign", "write_unsigned", is_flag=True, help=f"Don't sign {argument} with your key."),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        sources = _gather_sources(values, "write_", "", ("APPSNAP_PASSPHRASE",))
        path, kind = values.pop("write_path"), values.pop("write_kind")
        for recipients_path in values["write_recipient_files"]:
            standard.claim(recipients_path, "--recipients-file")
        target = Output(
            path=path,
            kind=_kind_to_write(path, kind),
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
            raise click.UsageError(f"--plain contradicts an option that encrypts, or the extension of {argument}")
        if target.armor and not target.encrypts:
            raise click.UsageError("only an encrypted file can be armored: give -p or -r")
        if standard.is_stdout(path):
            if not target.is_text and sys.stdout is not None and sys.stdout.isatty():
                raise click.UsageError(
                    "a terminal shows no binary files: write to a file or a pipe, or give --kind source, --kind xml, "
                    "or --armor with an option that encrypts"
                )
            output.reserve_stdout()
        return {"target": target}

    return _combined(options, gather)


def _kind_to_write(path: str, kind: Kind | None) -> Kind:
    try:
        # An extension that says encrypted makes the command ask for a passphrase.
        return kind_to_write(path, kind, encrypts=True)
    except WrongKind as error:
        raise click.UsageError(f"{error}: {error.hint}") from None


def recipients(whose: str) -> Decorator:
    """Add the options for age recipients. The command gets them, of options and files, as `recipients`."""

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        given, paths = values.pop("recipients"), values.pop("recipient_files")
        for path in paths:
            standard.claim(path, "--recipients-file")
        return {"recipients": read_recipients(given, paths)}

    return _combined(_recipient_options("", whose), gather)


def _recipient_options(key: str, argument: str) -> list[Decorator]:
    return [
        click.option(
            "-r",
            "--recipient",
            f"{key}recipients",
            metavar="age1…",
            multiple=True,
            help=f"Encrypt {argument} for this age recipient. Repeatable.",
        ),
        click.option(
            "-R",
            "--recipients-file",
            f"{key}recipient_files",
            metavar="PATH",
            type=_PATH,
            multiple=True,
            help=f"Encrypt {argument} for the age recipients in a file, one a line. Repeatable.",
        ),
    ]


def _passphrase_options(prefix: str, key: str, argument: str) -> list[Decorator]:
    return [
        click.option(
            f"--{prefix}passphrase-file",
            f"{key}passphrase_file",
            metavar="PATH",
            type=_PATH,
            help=f"Read the passphrase for {argument} from a file. Here and elsewhere, - is standard input.",
        ),
        click.option(
            f"--{prefix}passphrase-command",
            f"{key}passphrase_command",
            metavar="COMMAND",
            help=f"Run a command that prints the passphrase for {argument}.",
        ),
        click.option(
            f"--{prefix}passphrase-fd",
            f"{key}passphrase_fd",
            metavar="N",
            type=click.IntRange(min=0),
            help=f"Read the passphrase for {argument} from an open file descriptor.",
        ),
    ]


def _gather_sources(values: dict[str, Any], key: str, prefix: str, variables: tuple[str, ...]) -> Sources:
    found = {name: values.pop(f"{key}passphrase_{name}") for name in ("file", "command", "fd")}
    if sum(one is not None for one in found.values()) > 1:
        raise click.UsageError(
            f"give only one of --{prefix}passphrase-file, --{prefix}passphrase-command and --{prefix}passphrase-fd"
        )
    standard.claim(found["file"], f"--{prefix}passphrase-file")
    standard.claim(found["fd"], f"--{prefix}passphrase-fd")
    return Sources(**found, variables=variables, prefix=prefix)


def maps(argument: str = "FILE") -> Decorator:
    """Add the option that moves the paths of files. It stands below `reads`, whose `Input` gets them."""
    option = click.option(
        "--map",
        "mapped",
        metavar="OLD=NEW",
        multiple=True,
        help=f"Open the files that {argument} has in the folder OLD in the folder NEW, as in --map /home/a=/srv/a. "
        "Repeatable.",
    )

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        folders = {}
        for text in values.pop("mapped"):
            old, _, new = text.partition("=")
            if not old or not new:
                raise click.BadParameter("write it as in /home/a=/srv/a", param_hint="'--map'")
            folders[old] = new
        return {"source": dataclasses.replace(values.pop("source"), folders=folders)}

    return _combined([option], gather)


def trusts(whose: str = "FILE") -> Decorator:
    """Add the options for trust. The command gets names, or EVERYTHING, as `trust`."""
    options: list[Decorator] = [
        _trust_key_option(whose),
        click.option(
            "--trust",
            metavar="NAME",
            multiple=True,
            help=f'Trust a name that {whose} wants: "package.Class", "package.*" for the classes defined there, or '
            '"call:package.function". Or an effect: "read:/etc/shop/*", "write:/var/log/shop.log", '
            '"listen:127.0.0.1:8000", "database:memory". Repeatable.',
        ),
        click.option(
            "--trust-everything",
            is_flag=True,
            help=f"Trust {whose} as you trust a program: it may run any code.",
        ),
    ]

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        _trust_keys(values)
        names, everything = values.pop("trust"), values.pop("trust_everything")
        if names and everything:
            raise click.UsageError("give either --trust or --trust-everything")
        try:
            if names:
                from appsnap.recipe.trust import Trust  # noqa: PLC0415 - help doesn't need it

                Trust(names)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--trust'") from None
        return {"trust": appsnap.EVERYTHING if everything else names}

    return _combined(options, gather)


def trusts_keys(whose: str = "FILE") -> Decorator:
    """Add the option for trust in keys alone, for commands that tell of it. The command gets nothing."""

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        _trust_keys(values)
        return {}

    return _combined([_trust_key_option(whose)], gather)


def _trust_key_option(whose: str) -> Decorator:
    return click.option(
        "--trust-key",
        "trust_keys",
        metavar="appsnap1…",
        multiple=True,
        help=f"Trust {whose} like one of your own if this key signed it. Repeatable.",
    )


def _trust_keys(values: dict[str, Any]) -> None:
    for key in values.pop("trust_keys"):
        from appsnap.keys.keyring import trust_for_this_process  # noqa: PLC0415 - few commands need cryptography

        try:
            trust_for_this_process(key)
        except AppsnapError as error:
            raise click.BadParameter(str(error), param_hint="'--trust-key'") from None


def _combined(options: Iterable[Decorator], gather: Callable[[dict[str, Any]], dict[str, Any]]) -> Decorator:
    """Return a decorator that adds options. `gather` makes arguments for the command of their values."""

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


application_argument: Decorator = click.argument("where", metavar="DIR|PIDFILE", type=click.Path(readable=False))


as_json: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one line of JSON instead of text. Nothing else goes to stdout."
)


def code_from(prefix: str = "", argument: str = "FILE") -> Decorator:
    """Add the option for the Python that wrote a pickle without a header. The command gets it as `code_from`."""
    return click.option(
        f"--{prefix}code-from",
        "code_from",
        metavar="VERSION",
        callback=_version,
        help=f"{argument} is a pickle by cloudpickle, and this version of Python (3.11, say) wrote it. Its bytecode "
        "doesn't tell its version, and another version of Python can't run it.",
    )


def _version(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    from appsnap.code.texts import version_of  # noqa: PLC0415 - few files need it

    try:
        return version_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def listens(argument: str) -> Decorator:
    """Add the option for the address of a server. The command gets a host and a port, or None, as `listen`."""
    return click.option(
        "--listen",
        metavar="ADDRESS",
        callback=_address,
        help=f"Serve {argument}, an ASGI, WSGI or aiohttp application, at HOST:PORT, [HOST]:PORT or unix:PATH. If "
        f"{argument} has one server already, that gets the address, and keeps it in what is saved.",
    )


def _address(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    from appsnap.listening import parse_address  # noqa: PLC0415 - it imports asyncio

    try:
        return parse_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def depth(default: int | None) -> Decorator:
    """Add the option for the depth of a tree."""
    return click.option(
        "--depth",
        metavar="N",
        type=click.IntRange(min=1),
        default=default,
        show_default=default is not None,
        help="Print only so many levels of the tree.",
    )
