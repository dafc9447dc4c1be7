"""Release and model that run in a stage, and the registry of its models."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.bundle import BundleCorrupt
from bonafide_client import BonafideClientError, Client
from ops.registry.artifact import TamperedFileError
from ops.registry.client import ModelRegistry, TransferError
from ops.stack_state import StackState, describe_stack
from ops.target import NotDeployedError, endpoint_of

DIGEST = re.compile(r"[0-9a-f]{64}")
# Digits of a digest that people see.
SHORT = 12


# What a command ends with: a bundle that is not what it is said to be, or a service that refuses or does not answer.
FAILURES = (
    BundleCorrupt,
    TamperedFileError,
    TransferError,
    NotDeployedError,
    BonafideClientError,
    BotoCoreError,
    ClientError,
)


def registry_of(stage: str | None = None, endpoint: str | None = None) -> ModelRegistry:
    """Returns the registry of a stage, or that of the API at an endpoint.

    Raises:
        NotDeployedError: the stage has no API.
    """
    return ModelRegistry(Client(endpoint or endpoint_of(str(stage))))


def service_stack(formation: Any, stage: str) -> StackState | None:
    """Returns the state of the stack that has the functions of a stage, or None if there is none.

    Its outputs `Release` and `Model` say which release and which bundle is deployed. A stack without `Model` is older
    than the registry.

    Args:
        formation: client of CloudFormation.
        stage: one of cdk.json.
    """
    return describe_stack(formation, f"Bonafide-{stage}-Service")
