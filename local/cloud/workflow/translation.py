"""The state machine as deployed, with the tasks that the emulator does not carry out left to a worker here.

The emulator runs Pass, Choice, Wait, Map, Parallel, retries and catches itself. It has no SageMaker, no CodeBuild and
no calls of API Gateway, so that these tasks, and no others, become messages with a task token. Nothing else changes but
the duration of waits.
"""

from collections.abc import Mapping
from typing import Any

CARRIED_HERE = (
    "arn:aws:states:::sagemaker:createTrainingJob.sync",
    "arn:aws:states:::codebuild:startBuild.sync",
    "arn:aws:states:::apigateway:invoke",
)
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def translated(definition: Mapping[str, Any], queue: str, wait: int) -> dict[str, Any]:
    """Returns a definition for the emulator.

    Args:
        definition: as deployed.
        queue: URL of the queue whose messages the worker reads.
        wait: seconds of every wait.
    """
    found = {name: _translated(each, queue, wait) for name, each in definition.items()}
    if found.get("Type") == "Wait":
        found["Seconds"] = wait
    if found.get("Resource") in CARRIED_HERE:
        message = {
            "token": "{% $states.context.Task.Token %}",
            "state": "{% $states.context.State.Name %}",
            "resource": found["Resource"],
            "arguments": found["Arguments"],
        }
        found |= {"Resource": CALLBACK, "Arguments": {"QueueUrl": queue, "MessageBody": message}}
    return found


def _translated(value: Any, queue: str, wait: int) -> Any:
    if isinstance(value, list):
        return [_translated(each, queue, wait) for each in value]
    return translated(value, queue, wait) if isinstance(value, Mapping) else value
