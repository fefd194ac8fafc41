"""The plan: everything that ``apply`` will do, as immutable data.

Plan -> Step per resource -> FieldChange per differing field
                          -> Operation per call to the service

What apply does is described by the steps alone; it compares nothing and chooses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from provisioner.model.paths import Document, Key, Path
from provisioner.model.serving import CapacityChange, Prices, total

if TYPE_CHECKING:
    from provisioner.model.rollout import RolloutNote

FORMAT_VERSION = 1


class Absent(Enum):
    """The type of ``ABSENT``: no value at all, which is not the same as null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Action(StrEnum):
    """What happens to a field or to a resource, in the order of severity."""

    KEEP = "keep"
    UPDATE = "update"
    CREATE = "create"
    ADOPT = "adopt"
    ORPHAN = "orphan"
    REPLACE = "replace"
    DELETE = "delete"
    BLOCKED = "blocked"


SEVERITY: Final = tuple(Action)
"""Of the changes of a step, the action that comes last here is the step's."""

PENDING: Final = frozenset(Action) - {Action.KEEP}
"""With any of these in it a plan is not empty."""

DESTRUCTIVE: Final = frozenset({Action.REPLACE, Action.DELETE})


class Cause(StrEnum):
    """Why a field has its action: the value is for programs, ``sentence`` for people.

    Decisions read the cause and never a sentence, so a sentence may be reworded freely. A
    kind may word a cause more precisely for one of its fields (``FieldChange.detail``).
    """

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    DIFFERS = "differs"
    CREATED = "created"
    MISSING = "missing", "does not exist yet"
    REMOVED = "removed", "removed from the manifest"
    SWITCHED_OFF = "switched_off", "disabled, because the manifest does not contain it"
    MOVED = "moved", "disabled while it moves"
    OWNERSHIP = "ownership"

    IGNORED = "ignored", "ignored by lifecycle.ignore_changes"
    CHOSEN_BY_SERVICE = "chosen_by_service", "chosen by the service"
    IMPLIED = "implied", "depends on the served entities"
    OFF_ON_BOTH_SIDES = "off_on_both_sides", "disabled on both sides"
    OTHER_ORDER = "other_order", "in another order"
    STAYS_OFF = "stays_off", "disabled permanently"
    OWN_ACCESS = (
        "own_access",
        "the permissions of the creator and the caller are kept",
    )
    INHERITED = "inherited", "inherited, so it need not be granted"
    FOLLOWS = "follows", "follows a release that is not complete"
    AWAITED = "awaited", "waits for a version that does not exist yet"
    LAST_MANAGER = "last_manager", "no other principal could manage the scope then"
    GIVEN_AS_PLAINTEXT = "given_as_plaintext", "a plaintext secret, which cannot be read back"

    SECRET_STAYS = "secret_stays", "cannot be compared, and stays until --rotate sends it"

    ROTATED = "rotated", "--rotate"
    ROTATION_DUE = "rotation_due", "rotated_at is later than the stored value's date"
    ROTATION_DONE = "rotation_done", "rotated_at is not later than the stored value's date"
    NEVER_APPLIED = "never_applied", "cannot be read back, and was not applied by this project"
    WRITE_ONLY_DIFFERS = (
        "write_only_differs",
        "cannot be read back; differs from what was applied last",
    )
    WRITE_ONLY_REMOVED = (
        "write_only_removed",
        "a value that cannot be read back was removed from the manifest",
    )
    RESENT = "resent", "the last update failed"
    REDEPLOYED = "redeployed", "--redeploy"

    FIXED_AT_CREATION = "fixed_at_creation", "fixed at creation"
    SET_ANEW = "set_anew", "set when it is recreated"
    NOT_UPDATABLE = "not_updatable", "no call changes it"
    STORED_ELSEWHERE = "stored_elsewhere", "the value is not stored in Databricks"

    UNSTATED = "unstated"
    """Of a plan that an earlier version saved: only the sentence is known."""


WRITE_ONLY: Final = frozenset(
    {Cause.NEVER_APPLIED, Cause.WRITE_ONLY_DIFFERS, Cause.WRITE_ONLY_REMOVED}
)
"""Nobody can see the live value: the digest of what was applied last tells the difference."""

NOT_DONE: Final = frozenset(
    {Cause.OWN_ACCESS, Cause.INHERITED, Cause.STAYS_OFF, Cause.LAST_MANAGER}
)
"""A kept change of these causes leaves something undone that the manifest asks for."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """``kind.key``: how users name a resource of their manifests."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.key}"

    @property
    def block(self) -> Address:
        """The address of the block that an element of a ``for_each`` is made from; else this."""
        key, slash, _ = self.key.partition("/")
        return Address(self.kind, key) if slash else self


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One differing field. ``KEEP`` means that it is left as it is, for its cause.

    ``before`` is the live value, ``after`` the desired one; a secret is never here, only
    ``{"$secret": {"from_env": NAME}}``. ``detail`` words the cause more precisely than its
    own sentence does, ``""`` for no more. ``drift``: the change of the files that was asked
    about did not touch the field, so another change made it differ.
    """

    path: Path
    before: Any
    after: Any
    action: Action = Action.UPDATE
    cause: Cause = Cause.DIFFERS
    detail: str = ""
    drift: bool = False

    @property
    def reason(self) -> str:
        """The cause in words, for people alone; ``""`` where the values say it all."""
        return self.detail or self.cause.sentence

    def because(self, ruling: FieldAction) -> FieldChange:
        """The same difference with another action and cause."""
        return replace(self, action=ruling.action, cause=ruling.cause, detail=ruling.detail)


class FieldAction(NamedTuple):
    """What happens to a differing field, and why."""

    action: Action
    cause: Cause
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call to the service.

    ``path`` may hold ``{id}`` where the id is known only after a create. ``payload`` is
    the JSON body (None: no body), secrets as references. ``after_idle``: wait first until
    no update is in progress. ``wait``: wait afterwards until the resource is ready.
    """

    call: str
    method: str
    path: str
    payload: Mapping[str, Any] | None = None
    wait: bool = False
    after_idle: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one resource.

    ``live_fingerprint`` is of the live resource that the step was planned against (``""``:
    there was none). ``reason`` says why the step as a whole is what it is. ``desired`` is
    the document that must be live afterwards (None after a delete and for an orphan).
    ``needs`` names the addresses that have to be done first, and ``after_ready`` those of them
    that have to serve, too: an update that was only accepted is not enough. ``ignore_changes``
    are the paths whose differences are ignored, also after the apply. ``consented``: a
    reviewed file names this very deletion. ``existing``: the resource is created elsewhere.
    ``updating``: an update was in progress when the step was planned. ``attention``: a note
    tells what a reader must know even where nothing is done. ``rollout``: a gradual rollout that
    begins with the step or is under way. ``capacity``: what the step does to what the resource
    provisions, None where it provisions nothing. ``traffic``: the percentage before and after of
    each part of a live resource whose share changes.
    """

    address: Address
    name: str
    action: Action
    changes: tuple[FieldChange, ...] = ()
    operations: tuple[Operation, ...] = ()
    live_fingerprint: str = ""
    reason: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    desired: Document | None = None
    needs: tuple[Address, ...] = ()
    after_ready: tuple[Address, ...] = ()
    consented: bool = False
    existing: bool = False
    unknown: tuple[str, ...] = ()
    ignore_changes: tuple[Path, ...] = ()
    updating: bool = False
    attention: bool = False
    rollout: RolloutNote | None = None
    capacity: CapacityChange | None = None
    traffic: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def moved_percentage(self) -> int:
        """How many percent of the requests another part of the live resource gets."""
        return sum(max(after - before, 0) for before, after in self.traffic.values())

    @property
    def is_step_back(self) -> bool:
        """Whether it ends a rollout by giving the traffic back, and changes nothing else."""
        if self.rollout is None or not self.rollout.is_step_back:
            return False
        made = [change for change in self.changes if change.action is not Action.KEEP]
        return all(change.cause is Cause.OWNERSHIP or self._is_share(change) for change in made)

    def _is_share(self, change: FieldChange) -> bool:
        entry = next(
            (segment for segment in reversed(change.path) if isinstance(segment, Key)), None
        )
        return entry is not None and self.traffic.get(entry.value) == (change.before, change.after)

    @property
    def only_waits(self) -> bool:
        """Whether there is nothing to call, and an update to wait for that may be ours."""
        return self.updating and self.action is Action.KEEP and not self.existing


@dataclass(frozen=True, slots=True)
class Source:
    """Where the manifests came from; nothing here is part of the plan's digest."""

    digest: str = ""
    git_commit: str = ""


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """The options that shaped a plan, so that it can be computed again.

    ``variables`` are ``NAME=VALUE``, as given with ``--var``.
    """

    select: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    rotate: tuple[str, ...] = ()
    redeploy: tuple[str, ...] = ()
    take_over_from: str = ""
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps for one environment, sorted by address.

    ``owned`` is how many live resources carry our tag: what the guard measures against.
    ``policy_digest`` is of the policies that it was judged by, ``""`` for none. ``prices`` are
    the project's own, for readers alone.
    """

    project: str
    environment: str
    host: str
    steps: tuple[Step, ...]
    source: Source = field(default_factory=Source)
    protected: bool = False
    owned: int = 0
    inputs: PlanInputs = field(default_factory=PlanInputs)
    policy_digest: str = ""
    prices: Prices | None = None

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many steps there are of each action, zeros included."""
        numbers = Counter(step.action for step in self.steps)
        return {action: numbers[action] for action in Action}

    @property
    def capacity(self) -> CapacityChange:
        """What the plan does to all that its resources provision."""
        return total(step.capacity for step in self.steps)

    @property
    def blocked(self) -> bool:
        """Whether any step cannot be done as it is written."""
        return any(step.action is Action.BLOCKED for step in self.steps)

    @property
    def has_operations(self) -> bool:
        """Whether applying it would make any call."""
        return any(step.operations for step in self.steps)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing to decide."""
        return not any(step.action in PENDING for step in self.steps)
