"""What the workspace has: one resource as it is, and its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.model.paths import Document


class Phase(StrEnum):
    """Where a live resource stands. ``READY`` means that it serves and nothing moves."""

    READY = "ready"
    UPDATING = "updating"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_READY = "not ready"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Readiness:
    """``message`` is one line for a person; ``detail`` the tail of a log, or empty.

    ``is_plain``: the message says no more than the phase does.
    """

    phase: Phase
    message: str = ""
    detail: str = ""
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Ownership:
    """To whom a live resource belongs, as it records that itself; never compared.

    Most kinds record it in tags that begin with ``provisioner_``. ``owner`` is
    ``<project>/<environment>`` or ``""``. ``applied`` holds, for each field of the resource in
    which something was applied that cannot be read back, its name and a digest of that:
    ``config:3fa81c22 raw:77f0a1b3``. ``unclear`` says why the record names no owner although it
    is there, such as one of two tags: no project may adopt, change or delete such a resource.
    ``rollout`` is the state of a gradual rollout, as ``model.rollout.RolloutTag`` writes it.
    """

    owner: str = ""
    protected: bool = False
    applied: str = ""
    unclear: str = ""
    rollout: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Who made a live resource, when, and when it was last written, as far as the service tells.

    Times are RFC 3339 in UTC; ``""`` is unknown.
    """

    creator: str = ""
    created_at: str = ""
    changed_at: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """One resource as the workspace has it, in manifest vocabulary.

    Never validated by our models: what breaks our rules must still be readable.
    ``document`` is what to compare with: the pending config while an update is running,
    else the active one. ``fingerprint`` covers identity, versions and all that was read.
    ``unknown`` are the paths of what our vocabulary does not know. ``at_stake`` tells in
    words what a replacement would lose; only ``Driver.examine`` looks for it. ``beside`` is
    what no comparison looks at and the kind's own functions need. ``touched`` is another text
    after each write, where the service tells when the last one was.
    """

    name: str
    identity: str
    document: Document
    fingerprint: str
    ownership: Ownership = field(default_factory=Ownership)
    readiness: Readiness = Readiness(Phase.READY)
    unknown: tuple[str, ...] = ()
    at_stake: tuple[str, ...] = ()
    beside: Document = field(default_factory=dict)
    touched: str = ""
    history: History = field(default_factory=History)
    usage_policy: str = ""
    copied_owner: str = ""
    """The id of the usage policy that its costs belong to, where the service tells."""
    manageable: bool | None = None
    """Whether the login may change it, where the service tells."""
    fence: str = ""
    """The value of the fencing tag; never compared, and no part of the fingerprint."""
    shows_last_write: bool | None = None
    """Whether it is at least as new as this driver's last write to it; None: not known."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the list of a kind: enough for orphans, the guard and waiting.

    ``copied_owner`` is the owner in a record that was copied from another resource: it says
    nothing about this one.
    """

    name: str
    identity: str
    ownership: Ownership = field(default_factory=Ownership)
    readiness: Readiness = Readiness(Phase.READY)
    usage_policy: str = ""
    copied_owner: str = ""
