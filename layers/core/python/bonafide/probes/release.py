"""The release hook: golden calls to a version before traffic is shifted to it."""

from collections.abc import Mapping

from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.probes import ReleaseHooks
from bonafide.probes.calls import FunctionCalls, WrongAnswer
from bonafide.probes.golden import GoldenSetup


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

    def handle(self, event: Mapping[str, str]) -> None:
        """Handles CodeDeploy's call of its hook; whatever goes wrong is reported as a failure of the version."""
        deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
        self._releases.report(deployment, execution, succeeded=self._passes(deployment))

    def _passes(self, deployment: str) -> bool:
        try:
            target = self._releases.target(deployment)
            function = self._folders[target.function]
            invoker = self._releases.invoker(function, target.version)
            calls = FunctionCalls(self._golden, invoker, f"golden-{function}", record=measurements.add)
            calls.check(function)
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"deployment": deployment, "answer": str(wrong)})
            return False
        except Exception as error:
            log_unexpected(error)
            return False
        return True
