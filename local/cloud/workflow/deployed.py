"""The state machine of a synthesized training stack, with what it refers to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.template import StackTemplate

BUCKET = "bonafide-dev-ml-training"


@dataclass(frozen=True, slots=True)
class DeployedMachine:
    """Definition of a state machine in a template.

    Attributes:
        name: of the machine.
        definition: in Amazon States Language.
        api: address of the API's stage in AWS.
        bucket: of the training, here.
    """

    name: str
    definition: dict[str, Any]
    api: str
    bucket: str

    @classmethod
    def read(cls, assembly: Path, stage: str) -> "DeployedMachine":
        """Reads the templates of a stage."""
        exports: dict[str, str] = {}
        for each in ("Data", "Service"):
            exports |= StackTemplate.read(assembly, f"Bonafide-{stage}-{each}", exports).exported()
        template = StackTemplate.read(assembly, f"Bonafide-{stage}-Ml", exports)
        ((_, machine),) = template.resources("AWS::StepFunctions::StateMachine")
        ((bucket, _),) = template.resources("AWS::S3::Bucket")
        # A logical id is no name of a bucket.
        definition = json.loads(machine["DefinitionString"].replace(bucket, BUCKET))
        arguments = definition["States"]["history"]["Arguments"]
        api = f"https://{arguments['ApiEndpoint']}/{arguments['Stage']}"
        return cls(machine["StateMachineName"], definition, api, BUCKET)
