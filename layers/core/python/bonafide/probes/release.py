"""The release hook: golden calls to a version before traffic is shifted to it."""

from collections.abc import Mapping

from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.probes import ReleaseHooks, ReleaseTarget
from bonafide.probes.budget import SecondsLeft, TimedInvoker, WrongAnswer
from bonafide.probes.functions import FunctionCalls
from bonafide.probes.golden import GoldenSetup

# One call to a function, then the report, with their retries (see the clients in `bootstrap/probes.py`).
RESERVED_SECONDS = 60.0


class ReleaseProbe:
    """Makes golden calls to a version that is being released, and reports whether the release may go on."""

    def __init__(self, golden: GoldenSetup, releases: ReleaseHooks, functions: Mapping[str, str]) -> None:
        """Stores its dependencies.

        Args:
            golden: to call with.
            releases: that wait for this hook.
            functions: names in AWS by folder.
        """
        self._golden = golden
        self._releases = releases
        self._folders = {name: folder for folder, name in functions.items()}

    def handle(self, event: Mapping[str, str], seconds_left: SecondsLeft) -> None:
        """Handles CodeDeploy's call of its hook.

        Whatever goes wrong, also that the time is over, is reported as a failure of the version: without a report
        CodeDeploy would wait for an hour.

        Args:
            event: names the deployment and the execution of the hook.
            seconds_left: returns the remaining time of the invocation.
        """
        deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
        self._releases.report(deployment, execution, succeeded=self._passes(deployment, seconds_left))

    def _passes(self, deployment: str, seconds_left: SecondsLeft) -> bool:
        """A version that CloudFormation goes back to is called, but not held up: the one that failed would stay."""
        try:
            target = self._releases.target(deployment)
        except Exception as error:
            log_unexpected(error)
            return False
        return self._answers_rightly(deployment, target, seconds_left) or target.returns

    def _answers_rightly(self, deployment: str, target: ReleaseTarget, seconds_left: SecondsLeft) -> bool:
        try:
            function = self._folders[target.function]
            invoker = TimedInvoker(self._releases.invoker(function, target.version), seconds_left, RESERVED_SECONDS)
            # Each run begins by erasing the speaker, so what a killed run leaves does not stay.
            FunctionCalls(self._golden, invoker, f"golden-{function}", record=measurements.add).check(function)
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"deployment": deployment, "answer": str(wrong)})
            return False
        except Exception as error:
            log_unexpected(error)
            return False
        return True
