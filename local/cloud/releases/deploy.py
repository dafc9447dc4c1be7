"""Updates of aliases as by CloudFormation and CodeDeploy: hooks, traffic shifting, alarms and rollback.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-create-alarms.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from local.aws.template import StackTemplate
from local.cloud.releases.plan import AliasShift, waves

# "Your hook function must notify CodeDeploy within one hour."
HOOK_SECONDS = 3600


class UpdateStatus(StrEnum):
    """The status of a stack update."""

    UNDER_WAY = "under way"
    PROMOTED = "promoted"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"
    ROLLBACK_FAILED = "rollback failed"


class HookCall(Protocol):
    """An execution of a lifecycle hook."""

    def status(self) -> str | None:
        """Returns the reported status, `Succeeded` or `Failed`; None while a report may still come."""


class UpdateTarget(Protocol):
    """The deployment that a stack update acts on."""

    def now(self) -> float:
        """Returns the time in seconds."""

    def create(self, shift: AliasShift) -> None:
        """Creates an alias that points to its version."""

    def share(self, shift: AliasShift, weight: float) -> None:
        """Sends a fraction of an alias's traffic to the version that it is moved to; with 1 it points there."""

    def restore(self, shift: AliasShift) -> None:
        """Points an alias to its former version again, at once, as CodeDeploy does when a deployment fails."""

    def revert(self) -> None:
        """Restores all that the update changed but the aliases."""

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

    An alias whose deployment fails is moved back by CodeDeploy at once. Those that were updated before it go back as
    they came: by another deployment each, with hooks, traffic shifting and alarms of the old template.

    Attributes:
        old: template that is deployed.
        new: template that it is updated to.
        platform: deployment to act on.
        note: called with each event.
        status: status.
        reason: reason for the rollback.
        updated: functions whose alias points to the new version.
    """

    old: StackTemplate
    new: StackTemplate
    platform: UpdateTarget
    note: UpdateNote
    status: UpdateStatus = UpdateStatus.UNDER_WAY
    reason: str = ""
    updated: set[str] = field(default_factory=set)

    def run(self) -> Iterator[None]:
        """Runs one step per iteration; time has to pass between two steps."""
        try:
            for wave in waves(self.old, self.new):
                yield from self._update(wave, self.updated.add)
        except StoppedError as stopped:
            self.reason = str(stopped)
            yield from self._roll_back(f"rolling back: {self.reason}")
            return
        self.status = UpdateStatus.PROMOTED
        self.note("released: every alias points to the new version", "")

    def cancel(self) -> None:
        """Cancels the update, which then rolls back.

        Raises:
            ValueError: it is over, or rolling back already.
        """
        if self.status is not UpdateStatus.UNDER_WAY:
            raise ValueError(f"an update that is {self.status} cannot be canceled")
        self.reason = "canceled"

    def continue_rollback(self) -> Iterator[None]:
        """Continues a failed rollback with the aliases that are left, one step per iteration.

        Raises:
            ValueError: no rollback has failed.
        """
        if self.status is not UpdateStatus.ROLLBACK_FAILED:
            raise ValueError(f"the rollback of an update that is {self.status} cannot be continued")
        yield from self._roll_back("the rollback continues")

    def _roll_back(self, event: str) -> Iterator[None]:
        self.status = UpdateStatus.ROLLING_BACK
        self.note(event, "")
        self.platform.revert()
        try:
            for wave in waves(self.new, self.old, self.updated):
                yield from self._update(wave, self.updated.discard)
        except StoppedError as stopped:
            self.status = UpdateStatus.ROLLBACK_FAILED
            self.note(f"the rollback failed: {stopped}", "")
            return
        self.status = UpdateStatus.ROLLED_BACK
        self.note(f"rolled back: {self.reason}", "")

    def _update(self, wave: Sequence[AliasShift], finish: Callable[[str], None]) -> Iterator[None]:
        under_way = {shift.function: (shift, self._deploy(shift)) for shift in wave}
        try:
            while under_way:
                for function, (_, deployment) in list(under_way.items()):
                    if next(deployment, self) is self:
                        finish(function)
                        del under_way[function]
                yield
        except StoppedError:
            for shift, _ in under_way.values():
                self.platform.restore(shift)
            raise

    def _deploy(self, shift: AliasShift) -> Iterator[None]:
        if shift.former is None:
            self.platform.create(shift)
            self.note(f"created, and points to version {shift.version}", shift.function)
            return
        self._check(shift)
        yield from self._call(shift, shift.before, "before traffic")
        for step in shift.steps:
            self.platform.share(shift, step.weight)
            self.note(f"{step.weight:.0%} to version {shift.version}", shift.function)
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
        """Stops the deployment, also before its start, if the update is canceled or one of its alarms is in ALARM."""
        if self.status is UpdateStatus.UNDER_WAY and self.reason:
            raise StoppedError(self.reason)
        if alarming := self.platform.alarming(shift.alarms):
            raise StoppedError(f"alarm {', '.join(alarming)} while {shift.function} was updated")
