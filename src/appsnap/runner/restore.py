"""The application that a process runs: from the newest generation that is whole, or else from WHAT.

A generation is a file that this user, or the user that the process becomes, could have written. If the process has
other rights than its writer, or if nobody could sign it, it is loaded like a stranger's file: only the names that WHAT
itself wants are trusted. `grants` has them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

from appsnap.errors import AppsnapError, Damaged, NotTrusted, PassphraseError, hints, naming
from appsnap.interfaces import IProcess
from appsnap.keys.provenance import user_keys
from appsnap.printable import shortened
from appsnap.recipe.trust import EVERYTHING, Everything, Trust
from appsnap.runner.grants import Grants, grants_of
from appsnap.runner.privileges import Identity, resolve
from appsnap.runner.vouched import check_vouched
from appsnap.twisted_services import adapted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from appsnap.kinds import Kind
    from appsnap.runner.generations import Generation, Generations
    from appsnap.runner.options import Options
    from appsnap.runner.saver import Layers
    from appsnap.snapshot import Snapshot

    Look = Callable[[Snapshot], object]

__all__ = ["Made", "Restored", "What", "how_to_start", "restore"]


@dataclass(frozen=True, slots=True)
class Made:
    """An application that WHAT has made, and how far WHAT was trusted: EVERYTHING, or some names.

    `module` is that of a script, `opened` the snapshot.
    """

    application: Any
    trust: Sequence[str] | Everything
    module: ModuleType | None = None
    opened: Snapshot | None = None


class What(Protocol):
    """Something to run. `label` is what was typed, `trust` what the user trusts in it."""

    label: str
    trust: Sequence[str] | Everything
    kind: Kind
    is_script: bool

    def new(self, look: Look) -> Made:
        """Make the application. `look` gets a snapshot before it is built."""

    def open(self, file: BinaryIO, path: str) -> Snapshot:
        """Open a generation."""

    def enough(self, snapshot: Snapshot) -> Sequence[str] | Everything:
        """Return how far a generation is trusted."""

    def find_modules(self) -> None:
        """Find modules in the current folder, too."""

    def secrets(self) -> dict[str, Any]:
        """Return the keys that have opened files, for a process that comes after this one."""

    def layers(self, opened: Snapshot | None) -> Layers:
        """Return the layers of new generations."""

    def digest(self) -> str | None:
        """Return a digest of WHAT, or None if it can't be read."""

    def moved(self, obj: Any, name: str) -> Any:
        """Return an application with its server at the address that the user wants, if there is one."""

    def elsewhere(self, error: Exception, application: Any) -> str:
        """Return a hint how to run an application at another address, if that is the reason of an error."""

    def starting_anew(self) -> str:
        """Return the command that starts from WHAT."""

    def starting_from(self, path: str) -> str:
        """Return the command that starts from another file."""


@dataclass(frozen=True, slots=True)
class Restored:
    """An application that is about to start, and what its process needs to know.

    `identity` is that which the process is to take on, or None. `layers` are those of new generations, None if there
    are to be none. A restart gets the `grants`.
    """

    application: Any
    generation: Generation | None
    layers: Layers | None
    identity: Identity | None
    grants: Grants | None


def restore(
    what: What,
    generations: Generations | None,
    options: Options,
    warn: Callable[[str], object],
    *,
    restarted: bool = False,
    dropped: bool = False,
    granted: Grants | None = None,
    look: Look = lambda _: None,
) -> Restored:
    """Load the application. `dropped` tells that this process has changed its user before, and had these grants.

    `look` gets each snapshot before it is built.

    A process that was `restarted` goes on from its own generation, also with the option to start afresh.

    Raises the errors of `load`, each with a hint how to start from another file if a generation is the reason.
    """
    found = [] if generations is None or (options.fresh and not restarted) else generations.list()
    signs = generations is not None and not dropped and _can_sign(warn)
    made = None
    if not found or what.is_script or (granted is None and not (signs and _writes_alone(generations, options))):
        made = what.new(look)
    identity = None if made is None else _identity(options, made.application)
    is_other = dropped or identity is not None
    signs = signs and not is_other
    grants = granted
    for generation in found:
        if grants is None and not signs:
            assert made is not None, "it is made where nobody can sign"
            grants = _grants_of(what, made)
        try:
            assert generations is not None, "it has found this one"
            with generations.open(generation) as file:
                snapshot = what.open(file, str(generation.path))
            with naming(str(generation.path)):
                look(snapshot)
                application, is_trusted = _built(what, snapshot, made, grants, is_other, warn)
                application = what.moved(application, str(generation.path))
        except Damaged as error:
            warn(f"{generation.path} is damaged, and left out: {error}")
            continue
        except PassphraseError:
            raise
        except AppsnapError as error:
            instead = how_to_start(what, generation, found)
            if isinstance(error, NotTrusted):
                error.instead = instead
            else:
                error.hint = hints(error.hint, OLD_CODE)
            error.hint = hints(error.hint, instead)
            raise
        if made is None and granted is None:
            identity = _identity(options, application)
            if identity is not None:
                signs, made = False, what.new(look)
                grants = _grants_of(what, made)
        layers = replace(what.layers(snapshot), sign=signs, trusted_as_a_whole=is_trusted)
        return Restored(application, generation, layers, identity, grants)
    if found:
        warn(f"no file in {options.state} is whole: starting from {what.label}")
        made = made or what.new(look)
        identity = _identity(options, made.application)
        signs = signs and identity is None
    assert made is not None
    if not isinstance(made.trust, Everything):
        check_vouched(made.application, Trust(made.trust))
    if generations is not None and not signs and grants is None:
        with contextlib.suppress(AppsnapError):  # the saver says that it can't be saved
            grants = _grants_of(what, made)
    new_layers = None
    if generations is not None:
        is_trusted = isinstance(made.trust, Everything)
        new_layers = replace(what.layers(made.opened), sign=signs, trusted_as_a_whole=is_trusted)
    return Restored(made.application, None, new_layers, identity, grants)


class Origin(NamedTuple):
    """Where an application comes from: the digest of WHAT that its state began with, and a line about it, if any."""

    digest: str | None
    line: str = ""


def origin(what: What, generation: Generation | None, known: str | None, folder: Path) -> Origin:
    """Return where an application comes from. `known` is the digest in the status of its state, in this folder."""
    digest = what.digest()
    # An older generation in the place of WHAT is a step back, and the next start is from WHAT's state again.
    is_older = Path(what.label).absolute().parent == folder
    if generation is None:
        return Origin(known if is_older else digest)
    line = f"resumed from {generation.name}"
    if not is_older and digest is not None and known is not None and digest != known:
        taken = "its code is taken in, " if what.is_script else ""
        line += f"; {what.label} has changed since: {taken}--fresh starts from it"
    return Origin(known or digest, line)


OLD_CODE = "if its code has changed, put the old code back"


def how_to_start(what: What, failed: Generation, found: Sequence[Generation]) -> str:
    """Return a hint with the commands that start an application from another file than a generation that has failed."""
    older = next((str(other.path) for other in found if other.number < failed.number), None)
    from_older = "" if older is None else f"from the one before: {what.starting_from(older)}"
    return hints(f"to start from {what.label}: {what.starting_anew()}", from_older)


def _built(  # noqa: PLR0917 - the parts of one act
    what: What,
    snapshot: Snapshot,
    made: Made | None,
    grants: Grants | None,
    is_other: bool,
    warn: Callable[[str], object],
) -> tuple[Any, bool]:
    """Build the application of a generation. Tells whether it comes from a source that is trusted as a whole."""
    if made is not None and made.module is not None:
        snapshot, gone = snapshot.replacing(made.module)
        if gone:
            warn(
                f"{what.label} has no {shortened(', '.join(gone), 200)} any more: "
                f"the code in {snapshot.name} is used for it"
            )
    enough = () if is_other else what.enough(snapshot)
    if isinstance(enough, Everything):
        return snapshot.build(EVERYTHING, copy=False), True
    if grants is None:
        application = snapshot.build(enough, copy=False)
        check_vouched(application, Trust(enough))
        return application, False
    what.find_modules()
    application = grants.build(snapshot, what.trust, copy=False)
    check_vouched(application, grants.trust(what.trust), grants.trust_to_call(what.trust))
    return application, made is None or isinstance(made.trust, Everything)


def _grants_of(what: What, made: Made) -> Grants:
    header = None if made.opened is None else made.opened.header
    return grants_of(made.application, what.kind, made.module, None if header is None else header.prepare)


def _writes_alone(generations: Generations | None, options: Options) -> bool:
    """Tell whether nobody but the user of this process could have written a generation, now or before.

    Other processes of root may change their user, and give the folder away.
    """
    return generations is None or (options.uid is None and options.gid is None and generations.is_private)


def _can_sign(warn: Callable[[str], object]) -> bool:
    try:
        user_keys().signing_key()
    except AppsnapError as error:
        warn(f"what is saved won't be signed: {error}")
        return False
    return True


def _identity(options: Options, application: Any) -> Identity | None:
    """Return the user and group that the process has to become, or None if it is that already."""
    found = resolve(options.uid, options.gid, adapted(IProcess, application))
    return found if found is not None and found.differs else None
