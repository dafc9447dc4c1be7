"""The end of the training's state machine: it waits for a person's promotion of what was trained, and for its outcome.

There is no approval besides the promotion itself: its request is in the registry's history with the principal who
made it. The machine polls that history instead of leaving a task token with somebody, so that nobody has to remember
one, and a release pipeline that dies leaves a promotion that is overdue, not a machine that waits for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stacks.workflow.jobs import HOUR, State, States

MINUTE = 60
POLL_SECONDS = 10 * MINUTE
# 14 days of polls are 18,144 events (2 of Wait, 5 of Task, 2 of Choice); an execution may have 25,000.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
APPROVAL_POLLS = 14 * 24 * HOUR // POLL_SECONDS
# A release shifts its traffic in minutes, and each of its jobs may wait for a reviewer.
RELEASE_POLLS = 24 * HOUR // POLL_SECONDS
HISTORY = 100
OUTCOMES = ("PROMOTION_REQUESTED", "PROMOTED", "PROMOTION_FAILED")


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The REST API of the deployment, which has the registry.

    Attributes:
        host: of the API.
        stage: of the API.
    """

    host: str
    stage: str

    def arguments(self) -> Sequence[str]:
        """Returns the options that tell a command where the registry is."""
        return ["--endpoint", f"https://{self.host}/{self.stage}"]

    def states(self, bucket: str) -> States:
        """Returns the states from `version` on.

        Args:
            bucket: of the training, where the registering job left a note.
        """
        return {
            "version": self._noted(bucket),
            "news": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $champion %}", "Next": "promoted"},
                    {"Condition": "{% $gates = 'failed' and $not($despite_gates) %}", "Next": "gates: failed"},
                ],
                "Default": "wait for promotion",
            },
            "wait for promotion": {"Type": "Wait", "Seconds": POLL_SECONDS, "Next": "history"},
            "history": self._history(),
            "outcome": self._outcome(),
            "promoted": {"Type": "Succeed"},
            **_ends(),
        }

    def _noted(self, bucket: str) -> State:
        noted = "$states.result.Metadata"
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:headObject",
            "Arguments": {"Bucket": bucket, "Key": "{% 'runs/' & $run & '/registered' %}"},
            "TimeoutSeconds": MINUTE,
            "Retry": [
                {"ErrorEquals": ["S3.SdkClientException", "S3.S3Exception"], "IntervalSeconds": 5, "MaxAttempts": 5}
            ],
            "Assign": {
                "digest": f"{{% {noted}.digest %}}",
                "since": f"{{% $number({noted}.sequence) %}}",
                "gates": f"{{% {noted}.gates %}}",
                "champion": f"{{% {noted}.champion = 'true' %}}",
                "action": "none",
                "polls": 0,
                "requested": 0,
            },
            "Catch": [
                {"ErrorEquals": ["States.ALL"], "Next": "version: failed", "Output": "{% $states.errorOutput %}"}
            ],
            "Next": "news",
        }

    def _history(self) -> State:
        """Reads the newest entries, of which at most one is the newest of this version's promotion.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
        """
        wanted = ", ".join(f"'{each}'" for each in OUTCOMES)
        newest = (
            f"$states.result.ResponseBody.entries[digest = $digest and sequence > $since and action in [{wanted}]][0]"
        )
        action = f"($exists({newest}) ? {newest}.action : 'none')"
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::apigateway:invoke",
            "Arguments": {
                "ApiEndpoint": self.host,
                "Stage": self.stage,
                "Method": "GET",
                "Path": "/v1/promotions",
                "QueryParameters": {"limit": [str(HISTORY)]},
                "AuthType": "IAM_ROLE",
            },
            "TimeoutSeconds": MINUTE,
            # The next poll tries again; a registry that stays away ends as a promotion that nobody asked for.
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "outcome", "Assign": _counted("$action")}],
            "Assign": {"action": f"{{% {action} %}}", **_counted(action)},
            "Next": "outcome",
        }

    def _outcome(self) -> State:
        return {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $action = 'PROMOTED' %}", "Next": "promoted"},
                {"Condition": "{% $action = 'PROMOTION_FAILED' %}", "Next": "promotion: failed"},
                {"Condition": f"{{% $requested >= {RELEASE_POLLS} %}}", "Next": "promotion: overdue"},
                {"Condition": f"{{% $polls >= {APPROVAL_POLLS} %}}", "Next": "promotion: not asked for"},
            ],
            "Default": "wait for promotion",
        }


def _counted(action: str) -> dict[str, str]:
    """Counts polls before a promotion was asked for, and since."""
    pending = f"{action} = 'PROMOTION_REQUESTED'"
    return {
        "polls": f"{{% {pending} ? $polls : $polls + 1 %}}",
        "requested": f"{{% {pending} ? $requested + 1 : $requested %}}",
    }


def _ends() -> States:
    causes = {
        "version: failed": ("StageFailed.version", "{% $states.input.Error & ': ' & $states.input.Cause %}"),
        "image: failed": ("StageFailed.image", "{% $states.input.Error & ': ' & $states.input.Cause %}"),
        "gates: failed": ("GatesFailed", "{% $digest & ' is registered, but its gates did not pass' %}"),
        "promotion: failed": ("PromotionFailed", "{% $digest & ' was taken back; the history says why' %}"),
        "promotion: overdue": ("PromotionOverdue", "{% $digest & ': the release pipeline reported nothing' %}"),
        "promotion: not asked for": ("PromotionNotRequested", "{% $digest & ' is registered; nobody promoted it' %}"),
    }
    return {name: {"Type": "Fail", "Error": error, "Cause": cause} for name, (error, cause) in causes.items()}
