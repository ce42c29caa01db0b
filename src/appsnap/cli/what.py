"""The argument WHAT of `run`: a snapshot, a script, an object in a module, or a plugin. Each makes an application."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import errno
import hashlib
import importlib.util
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

import appsnap
from appsnap import plugins
from appsnap.cli import output, standard
from appsnap.cli.find import LISTENING, SCRIPTS, imported, is_script, suggest
from appsnap.cli.project import search_current_folder, trust_in
from appsnap.cli.suggest import closest
from appsnap.errors import CannotLoad, PassphraseError
from appsnap.files.heads import HEAD_SIZE, is_encrypted
from appsnap.limits import LIMITS
from appsnap.runner.generations import Generations
from appsnap.runner.restore import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.cli.inputs import Input
    from appsnap.kinds import Kind
    from appsnap.recipe.trust import Everything
    from appsnap.runner.saver import Layers
    from appsnap.snapshot import Snapshot

__all__ = ["What", "find_what", "is_plugin"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options of `run` say about WHAT and its generations.

    `arguments` are those of the command, as they were typed, `plugin` those of a plugin. `recipients` and `plain` say
    how generations are encrypted. `listen` is an address for the server of WHAT.
    """

    source: Input
    trust: Sequence[str] | Everything
    code_from: str | None
    arguments: Sequence[str]
    plugin: Sequence[str]
    recipients: Sequence[str]
    plain: bool
    listen: tuple[str, int] | None = None


class What(abc.ABC):
    """Something to run. `label` is the word that was typed, `kind` the kind of its generations."""

    kind: Kind = "pickle"
    is_script = False

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.trust = wanted.trust
        self.label = wanted.source.path

    @abc.abstractmethod
    def new(self, look: Callable[[Snapshot], object]) -> Made:
        """Make the application. `look` gets a snapshot before it is built.

        Raises the errors of `load`, of the script, or of the import.
        """

    @abc.abstractmethod
    def digest(self) -> str | None:
        """Return a digest of the files or options that the application is made from, or None if they can't be read."""

    def open(self, file: BinaryIO, path: str) -> Snapshot:
        """Open a generation. Its path is for messages."""
        return self.wanted.source.open_other(file, path)

    def enough(self, snapshot: Snapshot) -> Sequence[str] | Everything:
        """Return how far a generation is trusted. Modules are found in the current folder too if it is at all."""
        enough = trust_in(snapshot, self.wanted.trust)
        if enough:
            search_current_folder()
        return enough

    def find_modules(self) -> None:
        """Find modules in the current folder, too."""
        search_current_folder()

    def secrets(self) -> dict[str, Any]:
        """Return the keys that have opened files, for a process that comes after this one."""
        return dataclasses.asdict(self.wanted.source.secrets)

    def layers(self, opened: Snapshot | None) -> Layers:
        """Return the layers of generations: those of WHAT, or of the generation that was `opened`.

        Raises PassphraseError if WHAT is encrypted and there is no key to encrypt generations with.
        """
        from appsnap.runner.saver import Layers  # noqa: PLC0415 - help doesn't need it

        wanted, secrets = self.wanted, self.wanted.source.secrets
        compress = opened is not None and "zstd" in opened.layers
        kind = self.kind if opened is None else opened.kind
        header = None if opened is None else opened.header
        layers = Layers(kind, compress=compress, prepare=None if header is None else header.prepare)
        if wanted.recipients:
            return dataclasses.replace(layers, recipients=(*wanted.recipients,))
        if wanted.plain:
            return layers
        if (opened is None or "age" not in opened.layers) and self.is_encrypted():
            opened = wanted.source.open()
        if opened is None or "age" not in opened.layers:
            return layers
        if opened.with_passphrase:
            return dataclasses.replace(layers, passphrase=secrets.passphrase)
        return dataclasses.replace(layers, recipients=(*secrets.recipients(),))

    def is_encrypted(self) -> bool:
        """Tell whether WHAT is an encrypted file."""
        return False

    def starting_anew(self) -> str:
        """Return the command that starts from WHAT and not from a generation."""
        return output.command_line(["run", "--fresh", *self.wanted.arguments[1:]])

    def starting_from(self, path: str) -> str:
        """Return the command that starts from another file."""
        words = [*self.wanted.arguments[1:]]
        words = words[: len(words) - len(self.wanted.plugin)]
        words[words.index(self.label)] = path
        return output.command_line(["run", "--fresh", *words])

    def moved(self, obj: Any, name: str) -> Any:
        """Return an application with its server at the address of the options, if there is one. Raises UsageError.

        `name` is that of the application in messages.
        """
        if self.wanted.listen is None:
            return obj
        from appsnap.cli.addresses import served  # noqa: PLC0415 - help doesn't need it

        return served(obj, name, self.wanted.listen)

    def elsewhere(self, error: Exception, application: Any) -> str:
        """Return a hint how to run an application at another address, if that is the reason of an error."""
        from appsnap.cli.addresses import elsewhere  # noqa: PLC0415 - few errors need it

        return elsewhere(error, application, self.wanted.arguments)

    def _hosted(self, obj: Any) -> Any:
        """Return an application that runs an object, or the object itself if it does that or if nothing can run it."""
        from appsnap.hosting import recognise  # noqa: PLC0415 - help doesn't need it

        if self.wanted.listen is not None:
            return self.moved(obj, self.label)
        application = recognise.hosted(obj, self.label)
        sort = recognise.sort_of(application)
        if sort not in (None, "service"):
            command = output.command_line([*self.wanted.arguments, *LISTENING])
            raise CannotLoad(
                f"{self.label} is an application of {sort}, and has no server", hint=f"to serve it: {command}"
            )
        return application

    def _refuse_options(self, thing: str) -> None:
        """Refuse the options of snapshots."""
        source = self.wanted.source
        if self.wanted.trust:
            raise click.UsageError(f"{thing} is a program, and is run: leave out --trust")
        if source.limits != LIMITS:
            raise click.UsageError(f"{thing} is a program, and is run: leave out --limit")
        if source.is_keyed and not self.wanted.recipients:
            raise PassphraseError(f"{thing} isn't encrypted", hint="leave out the options that open it")


class _Snapshot(What):
    def new(self, look: Callable[[Snapshot], object]) -> Made:
        source = self.wanted.source
        application, enough, snapshot = source.restore(self.wanted.trust, check=look, code_from=self.wanted.code_from)
        self.kind = snapshot.kind
        return Made(self._hosted(application), enough, opened=snapshot)

    def digest(self) -> str | None:
        return _digest(self.label)

    def is_encrypted(self) -> bool:
        try:
            with open(self.label, "rb") as file:  # noqa: PTH123 - a text, as it was typed
                return is_encrypted(file.read(HEAD_SIZE))
        except OSError:
            return False


class _Script(What):
    is_script = True

    def new(self, look: Callable[[Snapshot], object]) -> Made:  # noqa: ARG002 - there is no snapshot
        from appsnap import script  # noqa: PLC0415 - only scripts need it

        self._refuse_options("a script")
        search_current_folder()
        application, module = script.run_module(self.label)
        return Made(self._hosted(application), appsnap.EVERYTHING, module=module)

    def digest(self) -> str | None:
        return _digest(self.label)


class _Module(What):
    def new(self, look: Callable[[Snapshot], object]) -> Made:  # noqa: ARG002 - there is no snapshot
        self._refuse_options("a module")
        module, _, name = self.label.partition(":")
        found = imported(module, name, with_functions=self.wanted.listen is not None)
        return Made(self._hosted(found), appsnap.EVERYTHING)

    def digest(self) -> str | None:
        search_current_folder()
        try:
            spec = importlib.util.find_spec(self.label.partition(":")[0])
        except (ImportError, ValueError):
            return None
        return None if spec is None or spec.origin is None else _digest(spec.origin)


class _Plugin(What):
    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        from appsnap.cli.plugin import plugin_call  # noqa: PLC0415 - only plugins need it

        self._refuse_options("a plugin")
        if wanted.listen is not None:
            raise click.UsageError(f"{self.label} is a plugin, which has options of its own: leave out --listen")
        search_current_folder()
        self._call = plugin_call(self.label, wanted.plugin, "appsnap run")

    def new(self, look: Callable[[Snapshot], object]) -> Made:  # noqa: ARG002 - there is no snapshot
        return Made(self._call.application(), appsnap.EVERYTHING)

    def elsewhere(self, error: Exception, application: Any) -> str:  # noqa: ARG002 - it has options of its own
        return ""

    def digest(self) -> str | None:
        return hashlib.sha256(self._call.text.encode()).hexdigest()


def is_plugin(word: str) -> bool:
    """Tell whether WHAT is the name of a plugin. A file comes first."""
    return not Path(word).exists() and ":" not in word and os.sep not in word and word in plugins.names()


def find_what(wanted: Wanted, state: str | None = None) -> What:
    """Return what a command is to run. Raises UsageError, with a suggestion, if there is no such thing.

    A snapshot may be gone if there is the folder of a `state`: the application goes on from that.
    """
    source = wanted.source
    word, path = source.path, Path(source.path)
    if standard.is_stdin(word):
        raise click.UsageError("an application isn't run from standard input: a later start could not read it again")
    if path.exists():
        return (_Script if source.kind == "python" or (source.kind is None and is_script(path)) else _Snapshot)(wanted)
    module, colon, name = word.partition(":")
    if colon and all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        return _Module(wanted)
    if is_plugin(word):
        return _Plugin(wanted)
    suggest(word)
    is_path = bool(path.suffix) or os.sep in word
    if is_path and path.suffix not in SCRIPTS and state is not None and _has_generations(state):
        return _Snapshot(wanted)
    near = _file_like(path)
    if is_path:
        if near:
            raise CannotLoad(f"there is no file {word}", hint=f"did you mean {near}?")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), word)
    if not near and (plugin := closest(word, plugins.names())):
        near = f"the plugin {plugin}"
    raise click.UsageError(
        f"{word} is no file, no module:name and no plugin; "
        + (f"did you mean {near}?" if near else "`appsnap plugins` lists the plugins")
    )


def _has_generations(state: str) -> bool:
    """Tell whether there is the state of an application in a folder."""
    try:
        generations = Generations(state, make=False)
    except OSError:
        return False
    with contextlib.closing(generations):
        return bool(generations.list())


def _file_like(path: Path) -> str:
    """Return the path of a file in the same folder whose name is most like this one, or an empty text."""
    try:
        name = closest(path.name, [other.name for other in path.parent.iterdir() if other.is_file()])
    except OSError:
        return ""
    return shlex.quote(str(path.parent / name)) if name else ""


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a text, as it was typed
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
