"""A state machine on the emulator."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.functions.function import ACCOUNT
from local.cloud.workflow.translation import translated

POLL_SECONDS = 0.2
WAIT_SECONDS = 2
ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"


@dataclass(frozen=True, slots=True)
class Execution:
    """End of an execution.

    Attributes:
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        error: name of the error, if it failed.
        cause: of the error.
    """

    status: str
    error: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LocalMachine:
    """A state machine, with the queue of the tasks that are carried out here.

    Attributes:
        step_functions: client.
        arn: of the machine.
        queue: URL.
    """

    step_functions: Any
    arn: str
    queue: str

    @classmethod
    def create(
        cls, client: Callable[[str], Any], name: str, definition: Mapping[str, Any], wait: int = WAIT_SECONDS
    ) -> "LocalMachine":
        """Creates a machine from a definition as deployed.

        Args:
            client: makes a client of a service of the emulator.
            name: of the machine.
            definition: as deployed.
            wait: seconds of every wait.
        """
        queue = client("sqs").create_queue(QueueName=f"{name}-tasks")["QueueUrl"]
        text = json.dumps(translated(definition, queue, wait))
        found = client("stepfunctions").create_state_machine(name=name, definition=text, roleArn=ROLE)
        return cls(client("stepfunctions"), found["stateMachineArn"], queue)

    def start(self, run: str, *, despite_gates: bool = False) -> str:
        """Starts an execution and returns its ARN.

        Args:
            run: its name.
            despite_gates: whether to wait for a promotion although the gates failed.
        """
        given = json.dumps({"despite_gates": despite_gates})
        found: str = self.step_functions.start_execution(stateMachineArn=self.arn, name=run, input=given)[
            "executionArn"
        ]
        return found

    def wait(self, execution: str, look: Callable[[], object] = lambda: None) -> Execution:
        """Waits for the end of an execution.

        Args:
            execution: ARN.
            look: is called now and then.
        """
        while True:
            found = self.step_functions.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return Execution(found["status"], found.get("error", ""), found.get("cause", ""))
            look()
            time.sleep(POLL_SECONDS)
