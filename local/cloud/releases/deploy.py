"""Updates of aliases as by CloudFormation and CodeDeploy: hooks, traffic shifting, alarms and rollback.

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
    """The status of a stack update."""

    UNDER_WAY = "under way"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"


class HookCall(Protocol):
    """An execution of a lifecycle hook."""

    def status(self) -> str | None:
        """Returns the reported status, `Succeeded` or `Failed`; None while a report may still come."""


class UpdateTarget(Protocol):
    """The deployment that a stack update acts on."""

    def now(self) -> float:
        """Returns the time in seconds."""

    def share(self, function: str, weight: float) -> None:
        """Sends a fraction of a function's traffic to the new version; with 1 the alias points to it."""

    def restore(self, function: str) -> None:
        """Sends all traffic of a function to the old version again."""

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns the alarms in ALARM, out of some names."""

    def call(self, hook: str, shift: AliasShift) -> HookCall:
        """Invokes the hook function of an alias update."""


# Called with an event and the function that it concerns, or an empty string.
type UpdateNote = Callable[[str, str], None]


class StoppedError(Exception):
    """The update of an alias failed; the message is the reason."""


@dataclass(slots=True)
class StackUpdate:
    """The update of a stack: all aliases get the new version, or none.

    Attributes:
        waves: updates in their order; those of a wave run concurrently.
        platform: deployment to act on.
        note: called with each event.
        status: status.
        reason: reason for the rollback.
    """

    waves: Sequence[Sequence[AliasShift]]
    platform: UpdateTarget
    note: UpdateNote
    status: UpdateStatus = UpdateStatus.UNDER_WAY
    reason: str = ""

    def run(self) -> Iterator[None]:
        """Runs one step per iteration; time has to pass between two steps."""
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
        """Restores every alias: CloudFormation those that it has updated, CodeDeploy the failed one."""
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
        """Stops the deployment, also before its start, if one of its alarms is in ALARM."""
        if alarming := self.platform.alarming(shift.alarms):
            raise StoppedError(f"alarm {', '.join(alarming)} while {shift.function} was updated")
