"""`appsnap save`: an application to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import appsnap
from appsnap.cli.app import COMMANDS
from appsnap.cli.errors import signing_command
from appsnap.cli.find import find_object
from appsnap.cli.options import code_from, listens, maps, reads, source_argument, trusts, writes
from appsnap.cli.saving import saves, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.cli.inputs import Input, Output
    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["command"]


@click.command(
    "save",
    short_help=COMMANDS["save"],
    epilog="""\b
Examples:
  appsnap save shop:application shop.tap
  appsnap save shop.tac shop.etap --passphrase-file ~/.shop
  appsnap save shop.web:sites.main shop.tas --tag blue
  appsnap save shop.api:app shop.tap --listen 127.0.0.1:8000""",
)
@source_argument("SOURCE")
@writes()
@saves(tag="A SOURCE that is a snapshot has one by default.")
@trusts("SOURCE")
@reads(prefix="source-", argument="SOURCE")
@maps("SOURCE")
@code_from("source-", "SOURCE")
@listens("SOURCE")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    source: Input,
    target: Output,
    tag: str | None,
    prepare: str | None,
    no_verify: bool,
    no_code: bool,
    trust: Sequence[str] | Everything,
    code_from: str | None,
    listen: tuple[str, int] | None,
) -> None:
    """Save an application to a file.

    SOURCE is one of three:

    \b
      module:name  an object in a module; name may have dots, and modules of the
                   current folder are found after all others
      a script     (.tac, .py) that assigns "application"
      a snapshot   loaded as `appsnap load` does, and saved anew with the names
                   of classes and the state that the code has now

    With --listen, SOURCE is an application of a web framework: FastAPI, Starlette,
    Quart, Sanic, Litestar, aiohttp, Flask, Django, or any other one of ASGI or WSGI.
    The file has an application with one service that serves it, and `appsnap run`
    runs that.
    An application that has one server already is saved with that address.

    To change only the kind or the layers of a snapshot, use `appsnap convert`, which imports nothing.

    Functions and classes that can't be imported, those of a script for example, are saved as code: with their source
    text, if it is there. A note says so. Code loads only from a file that is trusted as a program. `--no-code` refuses
    it.

    A load calls the function of `--prepare` first: for modules that read settings when they are imported. A SOURCE that
    is a snapshot has one by default.

    Before the new file replaces FILE, it is read back, and loaded in a fresh interpreter as `appsnap load` would load
    it in this folder, with the trust that SOURCE has. If that fails, or loses items or attributes, an old FILE stays as
    it is. Any other difference between the restored objects and the saved ones is noted: the first one.
    """  # noqa: D301 - click wants the character of \b, not its two letters

    def look(old: Snapshot) -> None:
        nonlocal tag, prepare
        target.keep_secret(old)
        if old.header is not None:
            tag = old.header.tag if tag is None else tag
            prepare = old.header.prepare if prepare is None else prepare

    obj, enough = find_object(source, target, trust, look, code_from, listen=listen)
    write(obj, target, enough, tag=tag, prepare=prepare, no_verify=no_verify, no_code=no_code, limits=source.limits)
    if enough is not appsnap.EVERYTHING:
        target.tell_unsigned(source.label, signing_command(context.find_root().obj))
