"""Domains."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StrictBool, StrictFloat, StrictInt, model_validator

from bonafide.biometrics.policy import Policy
from bonafide.contracts.base import Answer, Request
from bonafide.records.domain import DomainRecord, ErasedDecisions, Retention

type Probability = Annotated[StrictFloat, Field(gt=0, lt=0.5)]
type Cost = Annotated[StrictFloat, Field(gt=0, le=1_000_000)]


class PolicySettings(Request):
    """Policy of a domain: costs of errors, priors, and the speech that is required."""

    impostor_prior: Probability = Field(
        0.02, description="Share of calls in which somebody else claims to be the speaker."
    )
    spoof_prior: Probability = Field(0.001, description="Share of calls with a synthetic copy of the speaker's voice.")
    false_accept_cost: Cost = Field(250.0, description="Cost of accepting an impostor.")
    spoof_accept_cost: Cost = Field(
        250.0,
        description="Cost of accepting a synthetic voice; that of accepting an impostor if only that one is given.",
    )
    false_reject_cost: Cost = Field(5.0, description="Cost of rejecting the genuine speaker.")
    step_up_cost: Cost = Field(1.0, description="Cost of asking a genuine speaker for another proof.")
    minimum_enrolment_seconds: StrictFloat = Field(
        20.0, ge=5, le=120, description="Net speech that completes an enrollment."
    )
    minimum_decision_seconds: StrictFloat = Field(
        3.0, ge=1, le=30, description="Net speech below which nothing is decided."
    )

    @model_validator(mode="after")
    def _spoofs_cost_as_much_as_impostors(self) -> Self:
        if self.model_fields_set & {"false_accept_cost", "spoof_accept_cost"} != {"false_accept_cost"}:
            return self
        return self.model_copy(update={"spoof_accept_cost": self.false_accept_cost})


class RetentionSettings(Request):
    """Retention of decisions and audio."""

    decision_days: StrictInt = Field(365, ge=1, le=3650, description="Decisions are deleted after this many days.")
    keep_audio: StrictBool = Field(False, description="Keep the audio of enrollments and authentications.")
    shadow_audio: StrictBool = Field(
        False,
        description="Let a share of the audio of authentications wait, for an hour at most, for a model that is tried.",
    )
    erased_decisions: ErasedDecisions = Field(
        ErasedDecisions.UNLINK,
        description="What becomes of decisions when their speaker is deleted: kept until their retention is over, "
        "unlinked from the person, or erased. Those of a deleted domain are kept or erased.",
    )


class DomainSettings(Request):
    """All settings of a domain, as its owner writes them; those left out take their defaults, whatever they were."""

    policy: PolicySettings = PolicySettings()
    retention: RetentionSettings = RetentionSettings()

    def to_records(self) -> tuple[Policy, Retention]:
        """Returns policy and retention of the domain model."""
        return Policy(**self.policy.model_dump()), Retention(**self.retention.model_dump())


class Domain(Answer):
    """A domain."""

    domain: str
    policy: PolicySettings
    policy_version: int = Field(description="Counts the changes of `policy`; every decision names the one it used.")
    retention: RetentionSettings
    created_at: AwareDatetime
    updated_at: AwareDatetime


def domain_view(record: DomainRecord) -> Domain:
    """Returns the view of a domain."""
    return Domain(
        domain=record.domain,
        policy=PolicySettings(**asdict(record.policy)),
        policy_version=record.policy_version,
        retention=RetentionSettings(**asdict(record.retention)),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
