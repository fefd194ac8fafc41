"""A gradual rollout: what is known of it, and the next move.

Kinds say which of their parts are versions and how traffic is divided; nothing here knows a
field of one. What its author wants is in ``model/rollout_block.py``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from provisioner.model.connection import Connection
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import Operation
from provisioner.model.resource import Resource
from provisioner.model.rollout_block import WHOLE, RolloutSpec, Stage


class Word(StrEnum):
    """What the tag says about the share that it names.

    ``RETURNED``: the manifest gave up another version for this one, which has all traffic.
    """

    GOING = "going"
    RETURNING = "returning"
    RETURNED = "returned"
    AT = "at"
    HELD = "held"
    BACK = "back"


_TAG: Final = re.compile(
    r"([0-9a-f]{8})-([0-9a-f]{6})-(\d{1,3})-(\d{1,3})-(\d{1,12})-([a-z]+)(?:-(\w{1,120}))?",
    re.ASCII,
)
_GUESS: Final = "guess"
_SIGNS: Final = {"%": "pct", ">": "gt", "<": "lt"}
_LONGEST_REASON: Final = 120


def as_slug(text: str) -> str:
    """``text`` in letters, digits and ``_``, so that ``from_slug`` can read the numbers again."""
    words = [_SIGNS.get(word, re.sub(r"(?<=\d)\.(?=\d)", "p", word)) for word in text.split()]
    plain = [re.sub(r"[^A-Za-z0-9]", "", word) for word in words]
    return "_".join(word for word in plain if word)[:_LONGEST_REASON].strip("_")


def from_slug(slug: str) -> str:
    """The text that ``as_slug`` was given, but for characters that no tag can hold."""
    signs = {word: sign for sign, word in _SIGNS.items()}
    words = [re.sub(r"(?<=\d)p(?=\d)", ".", word) for word in slug.split("_")]
    return " ".join(signs.get(word, word) for word in words)


@dataclass(frozen=True, slots=True)
class RolloutTag:
    """The value of ``provisioner_rollout``: the only thing that is stored about a rollout.

    ``target`` is the digest of the new version, ``steps`` that of the stages. The move goes
    from ``origin`` to ``to`` percent. ``since_s`` is Unix time of the service, 0 while going.
    ``reason`` is the criterion that decided a step back, with its numbers.
    ``is_guess``: it was made from the traffic alone, so that no other version counts as proven.
    """

    target: str
    steps: str
    origin: int
    to: int
    since_s: int
    word: Word
    reason: str = ""
    is_guess: bool = False

    @property
    def text(self) -> str:
        """Only letters, digits, ``-`` and ``_``: other characters are unproven in tag values."""
        fields = (self.target, self.steps, self.origin, self.to, self.since_s, self.word)
        last = as_slug(self.reason) or (_GUESS if self.is_guess else "")
        return "-".join(map(str, fields)) + (f"-{last}" if last else "")

    @property
    def is_under_way(self) -> bool:
        """Whether a rollout has begun and its last step is not reached."""
        if self.word in (Word.BACK, Word.RETURNING):
            return False
        return self.to < WHOLE or self.word is Word.GOING

    @property
    def words(self) -> str:
        """The tag for people: ``going from 5 to 25 %``, ``rolled back at 5 %``."""
        if self.word in (Word.GOING, Word.RETURNING):
            origin = f"from {self.origin} " if self.origin != self.to else ""
            return f"{self.word} {origin}to {self.to} %"
        if self.word is Word.BACK:
            return f"rolled back at {self.origin} %"
        if self.word is Word.RETURNED:
            return f"returned to {self.to} %"
        return f"{'held at' if self.word is Word.HELD else 'at'} {self.to} %"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The tag in ``text``; None for one that this tool did not write."""
        match = _TAG.fullmatch(text)
        if not match or match[6] not in {word.value for word in Word}:
            return None
        origin, to = int(match[3]), int(match[4])
        if max(origin, to) > WHOLE:
            return None
        last = match[7] or ""
        reason = "" if last == _GUESS else from_slug(last)
        return cls(
            match[1], match[2], origin, to, int(match[5]), Word(match[6]), reason, last == _GUESS
        )


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a live resource serves under one declared name.

    ``wanted`` is the name of the version that the manifest declares, and ``target`` its digest;
    ``current`` repeats the name where that version is live. ``previous`` is the live version
    that takes the rest of the traffic. ``others`` are further live versions. ``digests`` are
    those of all live names. ``doubled`` is what is paid twice while two versions are live, and
    ``is_reserved`` says that it is paid for whether it is used or not. ``label`` and ``labels``
    are the versions in words. ``falls_back``: a version without traffic answers what another one
    fails to answer.
    """

    wanted: str
    target: str
    current: str = ""
    previous: str = ""
    others: tuple[str, ...] = ()
    shares: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    doubled: str = ""
    is_reserved: bool = False
    falls_back: bool = False
    label: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def percent(self) -> int | None:
        """The share of the wanted version; None where others than the two have traffic."""
        pair = self.shares.get(self.current, 0) + self.shares.get(self.previous, 0)
        return self.shares.get(self.current, 0) if pair == WHOLE else None

    def of(self, digest: str) -> str:
        """The live version with this digest, or ``""``."""
        return next((name for name, known in self.digests.items() if known == digest), "")


class MoveKind(StrEnum):
    """What happens next. All but the last change something."""

    START = "start"
    STEP = "step"
    SETTLE = "settle"
    HOLD = "hold"
    BACK = "step back"
    RETURN = "return"
    CLEAN_UP = "clean up"
    FORGET = "forget"
    NOTHING = "nothing"


class Why(StrEnum):
    """Why the next move is what it is: the value is for programs, ``sentence`` for people.

    ``remedy`` is what a person can do about it, with ``{name}`` for the resource.
    """

    sentence: str
    remedy: str

    def __new__(cls, value: str, sentence: str = "", remedy: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        member.remedy = remedy
        return member

    STEADY = "steady", "no rollout is active"
    NEW_TARGET = "new_target", "the manifest declares another version"
    NOT_STARTED = "not_started", "`apply` starts it"
    OTHER_TARGET = (
        "other_target",
        "the active rollout is for another version than this manifest declares",
        "run the command at the applied commit, or apply this one: provisioner apply",
    )
    UPDATING = "updating", "an update is in progress"
    TIME = "time", "its time is not over"
    DUE = "due", "its time is over, and the verdict is good"
    INTERRUPTED = "interrupted", "an earlier move was not completed"
    ARRIVED = "arrived", "the traffic already matches the move"
    TAG_LOST = "tag_lost", "the tag is missing, so the time of this step starts again"
    NEVER_STARTED = (
        "never_started",
        "a version at 0 % without the tag does not start automatically",
        "start it: provisioner rollout go {name}; or reject it: provisioner rollout back {name}",
    )
    BY_HAND = (
        "by_hand",
        "the traffic was changed by hand",
        "continue from the nearest lower step: provisioner rollout advance {name} "
        "--take-over; or go back: provisioner rollout back {name}",
    )
    NEW_IS_GONE = (
        "new_is_gone",
        "the new version was deleted by hand",
        "start again at 0 %: provisioner apply; or declare the previous version",
    )
    OLD_IS_GONE = (
        "old_is_gone",
        "the previous version was deleted by hand",
        "no version to go back to, so end it: provisioner rollout finish {name}",
    )
    FAILED = (
        "failed",
        "the deployment of the new version failed",
        "check `provisioner status`, then try again: provisioner apply; or declare "
        "the previous version",
    )
    PAUSED = "paused", "it waits for an approval", "provisioner rollout go {name}"
    HELD = (
        "held",
        "it is held",
        "continue: provisioner rollout go {name}; or go back: provisioner rollout back {name}",
    )
    BAD = "bad", "the verdict is bad", "provisioner rollout back {name}"
    UNKNOWN = "unknown", "the verdict is not known"
    GAVE_UP = "gave_up", "it stayed at one step longer than `give_up_after`"
    REJECTED = (
        "rejected",
        "this version was rolled back",
        "release another version, or try this one again: provisioner rollout retry {name}",
    )
    ASKED = "asked", "requested by a user"
    THIRD = "third", "the manifest declares a third version, so traffic returns first"
    REVERTED = "reverted", "the manifest declares the previous version again"
    STEPS_CHANGED = (
        "steps_changed",
        "its steps were changed during the rollout",
        "restore the steps, or end it first: provisioner rollout finish {name}, or "
        "provisioner rollout back {name}",
    )
    BLOCK_REMOVED = (
        "block_removed",
        "its `rollout` block was removed during the rollout",
        "restore the block, or end it first: provisioner rollout finish {name}, or "
        "provisioner rollout back {name}",
    )
    REPLACED = "replaced", "a replacement would end an active rollout"
    KEEPING = "keeping", "the previous version is kept"
    KEPT_LONG_ENOUGH = "kept_long_enough", "`keep_previous` is over"
    DONE = "done", "the rollout has ended"

    def hint(self, name: str) -> str:
        """What a person can do about it, for the resource ``name``; ``""`` for nothing."""
        return self.remedy.format(name=shlex.quote(name))


FOR_A_PERSON: Final = frozenset(
    {Why.PAUSED, Why.HELD, Why.BY_HAND, Why.REJECTED, Why.STEPS_CHANGED, Why.FAILED}
    | {Why.NEW_IS_GONE, Why.OLD_IS_GONE, Why.NEVER_STARTED, Why.OTHER_TARGET, Why.BLOCK_REMOVED}
)
"""Nothing goes on before a person has done something about these."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move: ``to`` is the share that the new version has afterwards, in percent.

    ``due_s`` is Unix time of the service at which the next move is due, 0 for not known.
    """

    kind: MoveKind
    why: Why
    to: int = 0
    due_s: int = 0


class Grade(StrEnum):
    """A verdict has three values: never good by default, and never bad by default."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Criterion:
    """The grade of one criterion, with the numbers in words: ``errors 4.1 % > 1 %``."""

    name: str
    grade: Grade
    text: str

    @property
    def is_bad(self) -> bool:
        """Whether it alone makes the verdict bad."""
        return self.grade is Grade.BAD


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst grade of all criteria counts: bad before unknown before good."""

    criteria: tuple[Criterion, ...] = ()

    @property
    def grade(self) -> Grade:
        """The grade of the whole."""
        grades = {criterion.grade for criterion in self.criteria}
        return next((grade for grade in (Grade.BAD, Grade.UNKNOWN) if grade in grades), Grade.GOOD)

    @property
    def text(self) -> str:
        """The criteria that decided, in one line."""
        decisive = [criterion.text for criterion in self.criteria if criterion.grade is self.grade]
        return " and ".join(decisive)


@dataclass(frozen=True, slots=True)
class RolloutNote:
    """What a plan tells of a rollout: the next move, the stages, and what is doubled.

    ``name`` is what commands call the resource. ``tried`` is a third version that gives its
    traffic back first. ``earliest_s`` is the sum of all times that are still to pass, in
    seconds; ``end_s`` is Unix time of the earliest end, 0 before the start. ``pauses`` is how
    many times a person has to let it go on. ``doubled`` says what is paid twice meanwhile.
    ``falls_back``: a version without traffic answers what another one fails to answer.
    """

    old: str
    new: str
    percent: int
    move: Move
    name: str = ""
    tried: str = ""
    stages: tuple[Stage, ...] = ()
    earliest_s: int = 0
    end_s: int = 0
    pauses: int = 0
    doubled: str = ""
    needs_consent: bool = False
    falls_back: bool = False

    @property
    def is_step_back(self) -> bool:
        """Whether the next move gives all traffic to a version that had it before."""
        returns = self.move.kind is MoveKind.RETURN and self.move.why is Why.REVERTED
        return returns or self.move.kind is MoveKind.BACK


@dataclass(frozen=True, slots=True)
class Sample:
    """What a resource measured during one minute, for one version or (``""``) for all.

    ``requests`` counts answers; ``errors`` those with a status of 500 and more. ``values`` are
    further values by the name of the metric, such as ``p99_ms``.
    """

    version: str
    requests: float
    errors: float
    values: Mapping[str, float] = field(default_factory=dict)


Shares = Mapping[str, int]
"""Live name of a version to its share of the traffic, for all versions that stay."""


@dataclass(frozen=True, slots=True)
class RolloutRole:
    """What a kind provides so that its resources can be rolled out; all but ``sample`` are pure.

    ``spec`` reads the block and names the part that is rolled out. ``versions`` tells old from
    new. ``declared`` is the desired document as it is to be while the versions in ``shares``
    are served. ``divide`` is the call that makes it so, from what is live and nothing else.
    ``mark`` is the call that writes the tag (``""`` takes it off). ``asked_of`` makes the
    manifest's checks ask one version. ``sample`` asks the service for the metrics of the last
    minute.
    """

    spec: Callable[[Resource], RolloutSpec | None]
    versions: Callable[[Resource, RolloutSpec, Live], Versions | None]
    declared: Callable[[Resource, RolloutSpec, Live, Shares], Document]
    divide: Callable[[Resource, RolloutSpec, Live, Shares], Operation]
    mark: Callable[[str, str], Operation]
    named: Callable[[Resource, RolloutSpec], Document]
    asked_of: Callable[[Resource, str], tuple[Document, ...]]
    sample: Callable[[Connection, str], tuple[Sample, ...]]
