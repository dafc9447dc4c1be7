"""Operations of the API with the roles that may use them, from `operations.json`; a test holds it to the contract."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

# As the contract names domains.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def may_exist(domain: str) -> bool:
    """Tells whether a domain can have this name; others are never looked up, and recorded nowhere."""
    return NAME.fullmatch(domain) is not None


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
        metered: whether it begins work on audio, and so counts for the quota of its domain.
    """

    name: str
    roles: frozenset[Role]
    audited: bool = False
    metered: bool = False


class OperationTable:
    """Operations by method and path."""

    def __init__(self, text: str) -> None:
        """Reads the table: `METHOD /path/{parameter}` with operation, roles, and if it is audited or metered."""
        document: Mapping[str, Any] = json.loads(text)
        self.by_route: Mapping[str, ApiOperation] = {route: _operation(each) for route, each in document.items()}
        self._patterns = [(_pattern(route), operation) for route, operation in self.by_route.items()]

    def find(self, method: str, path: str) -> tuple[ApiOperation, Mapping[str, str]] | None:
        """Returns the operation of a request with the parameters of its path; None if the table has none."""
        wanted = f"{method} {path}"
        matches = ((pattern.fullmatch(wanted), operation) for pattern, operation in self._patterns)
        return next(((operation, found.groupdict()) for found, operation in matches if found), None)


def _operation(entry: Mapping[str, Any]) -> ApiOperation:
    roles = frozenset(map(Role, entry["roles"]))
    return ApiOperation(entry["operation"], roles, entry.get("audited", False), entry.get("metered", False))


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route)))


OPERATIONS = OperationTable(files("bonafide.access").joinpath("operations.json").read_text())
