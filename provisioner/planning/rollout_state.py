"""What the next move of a gradual rollout depends on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from provisioner.model.live import Phase
from provisioner.model.rollout import Grade, MoveKind, RolloutTag, Verdict, Versions, Why
from provisioner.model.rollout_block import WHOLE, RolloutSpec, Stage


class Occasion(StrEnum):
    """Who asks for a move: `apply`, the scheduled `rollout advance`, or a person."""

    APPLY = "apply"
    ADVANCE = "advance"
    GO = "go"
    HOLD = "hold"
    BACK = "back"
    FINISH = "finish"
    RETRY = "retry"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Rollout:
    """All that the next move depends on. ``now_s`` is Unix time of the service.

    ``verdict`` is None where nothing was measured. ``takes_over``: traffic that was moved by
    hand counts as the nearest lower step.
    """

    spec: RolloutSpec
    versions: Versions
    tag: RolloutTag | None
    phase: Phase
    now_s: int = 0
    verdict: Verdict | None = None
    occasion: Occasion = Occasion.ADVANCE
    takes_over: bool = False
    removed: bool = False

    @property
    def is_pair(self) -> bool:
        """Whether the wanted version and a previous one are both live."""
        return bool(self.versions.current and self.versions.previous)

    @property
    def is_of_this_target(self) -> bool:
        """Whether the tag is about the version that the manifest declares."""
        return self.tag is not None and self.tag.target == self.versions.target

    @property
    def is_under_way(self) -> bool:
        """Whether a rollout has begun and its last step is not reached."""
        return self.tag is not None and self.tag.is_under_way

    @property
    def waited_s(self) -> int:
        """How long the present step has lasted."""
        return max(0, self.now_s - self.tag.since_s) if self.tag else 0

    @property
    def grade(self) -> Grade:
        """The grade of the verdict; what is not measured is good only where nothing is asked."""
        return self.verdict.grade if self.verdict else Grade.GOOD

    @property
    def is_persons(self) -> bool:
        """Whether a person asked to go on."""
        return self.occasion in (Occasion.GO, Occasion.FINISH)

    @property
    def stage(self) -> Stage:
        """The stage of the tag's share; one that is none of the stages has no time."""
        share = self.tag.to if self.tag else 0
        return next((stage for stage in self.spec.stages if stage.percent == share), Stage(share))

    @property
    def next_stage(self) -> Stage:
        """The stage after the present one."""
        share = self.tag.to if self.tag else 0
        return next((stage for stage in self.spec.stages if stage.percent > share), Stage(WHOLE))


UNJUDGED: Final = frozenset(
    {Why.UPDATING, Why.STEADY, Why.NOT_STARTED, Why.OTHER_TARGET, Why.REJECTED, Why.NEVER_STARTED}
    | {Why.BY_HAND, Why.STEPS_CHANGED, Why.BLOCK_REMOVED, Why.NEW_IS_GONE, Why.OLD_IS_GONE}
    | {Why.KEEPING, Why.KEPT_LONG_ENOUGH, Why.DONE, Why.THIRD, Why.REVERTED, Why.FAILED}
)
"""Nothing that could be measured would change these."""

CHANGING: Final = frozenset(
    {MoveKind.START, MoveKind.STEP, MoveKind.BACK, MoveKind.RETURN, MoveKind.CLEAN_UP}
)
"""Moves with an update of the resource; the others write a tag at most."""
RAISING: Final = frozenset({MoveKind.START, MoveKind.STEP})
"""Moves towards a new version. The others return to what served before, or only tidy up."""
