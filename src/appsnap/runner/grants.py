"""The names that a generation gets which another user may have written.

A process that drops its privileges keeps no signing key. The user whom it becomes owns the folder of its state, and can
put any file there. So the generations are loaded as those of a stranger are, with the names that a snapshot of WHAT
wants. No signature and no passphrase adds to that: the user may have copied another signed file, and the process knew
the passphrase when it was that user.
"""

from __future__ import annotations

import contextlib
import io
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, NotTrusted, Want
from appsnap.interfaces import IProcess
from appsnap.kinds.header import function_of
from appsnap.printable import label
from appsnap.recipe.trust import Grant, Trust, carries_code
from appsnap.recipe.trust.names import has_effects
from appsnap.recipe.trust.survey import Survey
from appsnap.snapshot.loading import open_snapshot
from appsnap.snapshot.saving import dumps
from appsnap.twisted_services import adapted

if TYPE_CHECKING:
    from types import ModuleType

    from appsnap.kinds import Kind
    from appsnap.recipe import steps
    from appsnap.recipe.trust import Trusted
    from appsnap.snapshot import Snapshot

__all__ = ["Grants", "grants_of"]


@dataclass(frozen=True, slots=True)
class Grants:
    """The names that a generation may use, in the form of `trust`.

    `called` has those of the functions that its timers and servers may call. `carried` has the names of WHAT's own
    snapshot that carry code: they are never granted, so its generations can't be loaded as long as there are any.
    `uid` and `gid` are WHAT's.
    """

    names: tuple[str, ...]
    called: tuple[str, ...] = ()
    carried: tuple[Want, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def trust(self, more: Trusted = ()) -> Trust:
        """Return the trust for a load, and for all that is called before privileges are dropped.

        `more` is trusted, too. It isn't trust as a whole, which is a word about WHAT, and no name in it carries code.
        """
        return _WithoutCode([*self.names, *Trust(more).texts])

    def trust_to_call(self, more: Trusted = ()) -> Trust:
        """Return the trust for the functions of timers and servers."""
        return _WithoutCode([*self.names, *self.called, *Trust(more).texts])

    def build(self, snapshot: Snapshot, more: Trusted = (), **options: Any) -> Any:
        """Build a generation as that of a stranger, and return the application. It has WHAT's user and group.

        Raises NotTrusted, and the other errors of `Snapshot.build`.
        """
        carried = [want for want in snapshot.names if want.carries_code]
        if carried:
            raise NotTrusted(carried, message=_REFUSED.format(carried[0].path), hint=_HINT)
        try:
            application = snapshot.as_strangers().build(self.trust(more), **options)
        except NotTrusted as error:
            if error.wants and not error.obstacles:
                grants = " ".join(f"--trust {shlex.quote(want.grant)}" for want in error.wants)
                error.hint = f"WHAT itself wants no such names; if you trust them: {grants}"
            raise
        self._set_process(application)
        return application

    def _set_process(self, application: Any) -> None:
        process: Any = adapted(IProcess, application)
        for name, wanted in (("uid", self.uid), ("gid", self.gid)):
            if getattr(process, name, None) != wanted:
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(process, name, wanted)
                if getattr(process, name, None) != wanted:
                    raise CannotLoad(f"the {name} of the state isn't that of WHAT, {label(wanted)}", hint=_FRESH)


_REFUSED = "not trusted: the state carries code at {}, and may have been written by the user whom the process becomes"
_FRESH = "--fresh starts without the state"
_HINT = (
    "code in the state isn't run with the rights of the user who starts it: move the function or class to a module, or "
    f"give it a name on the first level of the script; {_FRESH}"
)


class _WithoutCode(Trust):
    """Trust that no name which carries code has a part in, whatever its texts are."""

    def grant(self, name: steps.Name, use: str) -> Grant | None:
        return None if carries_code(name) else super().grant(name, use)


def grants_of(application: Any, kind: Kind, module: ModuleType | None = None, prepare: str | None = None) -> Grants:
    """Return the names that a snapshot of WHAT's application wants. `module` is that of the script that made it.

    `prepare` is the function that WHAT's header names.

    Raises CannotSave, if it can't be saved.
    """
    snapshot = open_snapshot(io.BytesIO(dumps(application, kind)))
    if module is not None:
        snapshot, _ = snapshot.replacing(module)
    survey = Survey(snapshot.document.recipe)
    uses = [(name, use) for name, use in survey.uses if not carries_code(name)]
    uses = [(name, use) for name, use in uses if not has_effects(name.dotted)]
    if prepare is not None:
        uses.append((function_of(prepare), "call"))
    names = [Want(name.dotted, use, "").grant for name, use in uses]
    process: Any = adapted(IProcess, application)
    return Grants(
        tuple(dict.fromkeys([*names, *(effect.grant for effect in survey.effects)])),
        tuple(dict.fromkeys(f"call:{name.dotted}" for name, _ in uses)),
        tuple(want for want in snapshot.names if want.carries_code),
        getattr(process, "uid", None),
        getattr(process, "gid", None),
    )
