"""The state of a stack, as CloudFormation describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack.

    Attributes:
        name: name of the stack.
        status: CloudFormation's status.
        reason: reason for the status, if any.
        outputs: outputs by key.
    """

    name: str
    status: str
    reason: str
    outputs: Mapping[str, str]


def describe_stack(formation: Any, name: str) -> StackState | None:
    """Returns the state of a stack, or None if there is none of that name.

    Args:
        formation: client of CloudFormation.
        name: name of the stack.
    """
    try:
        (found,) = formation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # The error of a stack that does not exist.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    return StackState(found["StackName"], found["StackStatus"], found.get("StackStatusReason", ""), outputs)
