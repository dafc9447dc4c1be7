"""Does to the aliases of a stack what CloudFormation and CodeDeploy do: hooks, shares of traffic, alarms, the way back.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-create-alarms.html
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from local.cloud.releases.plan import AliasShift

# "Your hook function must notify CodeDeploy within one hour."
HOOK_SECONDS = 3600


class UpdateStatus(StrEnum):
    """How a release stands."""

    UNDER_WAY = "under way"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"


class HookCall(Protocol):
    """One call of a hook."""

    def status(self) -> str | None:
        """What it reported, `Succeeded` or `Failed`; None as long as it may still report."""


class UpdateTarget(Protocol):
    """What a release acts on."""

    def now(self) -> float:
        """The time in seconds."""

    def share(self, function: str, weight: float) -> None:
        """Gives the new version of a function a part of its traffic; with 1 the alias points to it."""

    def restore(self, function: str) -> None:
        """Gives the old version of a function all of its traffic again."""

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns those of some alarms that are in ALARM."""

    def call(self, hook: str, shift: AliasShift) -> HookCall:
        """Calls a hook function about the update of an alias."""


# Told what happened, and to which function, if to one.
type UpdateNote = Callable[[str, str], None]


class StoppedError(Exception):
    """An alias cannot be updated; the message says why."""


@dataclass(slots=True)
class StackUpdate:
    """The update of a stack. All aliases get the new version, or none.

    Attributes:
        waves: aliases in their order; those of a wave are updated at the same time.
        platform: what it acts on.
        note: told of everything that happens.
        status: how it stands.
        reason: why it was rolled back.
    """

    waves: Sequence[Sequence[AliasShift]]
    platform: UpdateTarget
    note: UpdateNote
    status: UpdateStatus = UpdateStatus.UNDER_WAY
    reason: str = ""

    def run(self) -> Iterator[None]:
        """Goes one step at a time; between two steps time has to pass, as much as one likes."""
        try:
            for wave in self.waves:
                yield from self._update(wave)
        except StoppedError as stopped:
            self._roll_back(str(stopped))
            return
        self.status = UpdateStatus.PROMOTED
        self.note("released: every alias points to the new version", "")

    def _update(self, wave: Sequence[AliasShift]) -> Iterator[None]:
        under_way = [self._deploy(shift) for shift in wave]
        while under_way:
            under_way = [each for each in under_way if next(each, self) is not self]
            yield

    def _roll_back(self, reason: str) -> None:
        """CloudFormation updates every alias back that it has touched, and CodeDeploy the one that failed."""
        for shift in (shift for wave in self.waves for shift in wave):
            self.platform.restore(shift.function)
        self.status, self.reason = UpdateStatus.ROLLED_BACK, reason
        self.note(f"rolled back: {reason}", "")

    def _deploy(self, shift: AliasShift) -> Iterator[None]:
        self._check(shift)
        yield from self._call(shift, shift.before, "before traffic")
        for step in shift.steps:
            self.platform.share(shift.function, step.weight)
            self.note(f"{step.weight:.0%} to the new version", shift.function)
            yield from self._watch(shift, step.seconds)
        yield from self._call(shift, shift.after, "after traffic")

    def _watch(self, shift: AliasShift, seconds: int) -> Iterator[None]:
        until = self.platform.now() + seconds
        while self.platform.now() < until:
            yield
            self._check(shift)

    def _call(self, shift: AliasShift, hook: str | None, moment: str) -> Iterator[None]:
        if hook is None:
            return
        execution = self.platform.call(hook, shift)
        until = self.platform.now() + HOOK_SECONDS
        while (status := execution.status()) is None and self.platform.now() < until:
            yield
            self._check(shift)
        self.note(f"golden calls {moment}: {status or 'no report'}", shift.function)
        if status != "Succeeded":
            raise StoppedError(f"golden calls of {shift.function} {moment}")

    def _check(self, shift: AliasShift) -> None:
        """An alarm that is in ALARM stops a deployment, and keeps one from beginning."""
        if alarming := self.platform.alarming(shift.alarms):
            raise StoppedError(f"alarm {', '.join(alarming)} while {shift.function} was updated")
