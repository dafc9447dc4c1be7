"""The event that a decision was made. It leads to nobody: who may read the decision reads the rest by its name."""

import uuid
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bonafide.records.ledger.entry import StoredDecision

SOURCE = "bonafide.decisions"
DETAIL_TYPE = "Decision made"


class DecisionMade(BaseModel):
    """Detail of the event. Fields are only added, and so are values of `decision`, `reasons` and `degraded`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    id: uuid.UUID = Field(description="Names the decision: an event that is delivered again has the same one.")
    stage: str
    domain: str
    decision_id: str
    kind: Literal["authentication", "session"]
    decision: str
    reasons: list[str]
    degraded: list[str]
    bundle: str
    policy_version: int
    decided_at: AwareDatetime


def decision_made(stage: str, stored: StoredDecision) -> DecisionMade:
    """Makes the event of a decision.

    Raises:
        ValueError: the document is none of a decision.
    """
    names = DecisionMade.model_fields.keys() - {"version"}
    own = {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"bonafide:{stage}/{stored.domain}/{stored.decision_id}"),
        "stage": stage,
        "kind": "session" if "session_id" in stored.document else "authentication",
    }
    document = {name: each for name, each in stored.document.items() if name in names}
    return DecisionMade.model_validate(document | own)


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of the detail; `make openapi` publishes it in docs/contracts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **DecisionMade.model_json_schema(),
        "title": "Bonafide: decision made, version 1",
    }
