"""Operations of the API with the roles that may use them, from `operations.json`; a test holds it to the contract."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any


class Role(StrEnum):
    """Roles of principals, in a domain or in the stage.

    INTEGRATOR enrolls and authenticates. ANALYST reads decisions and speakers. ADMINISTRATOR changes the domain and its
    principals. MODEL_ENGINEER works on models and calibrations. AUDITOR reads what was done, and changes nothing.
    """

    INTEGRATOR = "integrator"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    MODEL_ENGINEER = "model_engineer"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation of the API.

    Attributes:
        name: its `operationId` in the contract.
        roles: each of them may use it.
        audited: whether it is an administrative act, of which the audit trail has an entry.
    """

    name: str
    roles: frozenset[Role]
    audited: bool = False


def read_operations(text: str) -> Mapping[str, ApiOperation]:
    """Reads the table of operations."""
    document: Mapping[str, Any] = json.loads(text)
    audited = set(document["audited"])
    return {
        name: ApiOperation(name, frozenset(Role(each) for each in roles), name in audited)
        for name, roles in document["roles"].items()
    }


OPERATIONS = read_operations(files("bonafide.access").joinpath("operations.json").read_text())
