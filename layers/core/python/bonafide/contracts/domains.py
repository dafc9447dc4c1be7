"""Domains."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from bonafide.access.operations import Role
from bonafide.access.principal import PATTERN, Principals
from bonafide.access.quota import Quota
from bonafide.biometrics.policy import Disclosure, Policy, SyntheticEnrollment
from bonafide.contracts.base import Answer, Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.contracts.policies.sets import Factors, RejectingAlerts
from bonafide.records.domain import DomainRecord, ErasedDecisions, Retention, WantedSettings
from bonafide.records.settings.versions import DomainVersion, SettingsAction

type Probability = Annotated[StrictFloat, Field(gt=0, lt=0.5)]
type PrincipalPattern = Annotated[str, StringConstraints(max_length=256, pattern=PATTERN)]
type Bound = Annotated[list[PrincipalPattern], Field(max_length=20)]
type Cost = Annotated[StrictFloat, Field(gt=0, le=1_000_000)]
# NIST SP 800-63B, 5.2.3 (2017): a biometric allows 5 failed attempts in a row, 10 with presentation attack detection.
type FailureLimit = Annotated[StrictInt, Field(ge=1, le=10)]


# Settings that clients of earlier releases do not know: a policy that does not state them leaves them as they are.
LATER_SETTINGS = frozenset({"disclosure", "synthetic_enrollment", "requires", "uncertain_margin", "reject_on"})


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
    failure_limit: FailureLimit | None = Field(
        5,
        description="Failed attempts at one speaker, or by one caller, after which no decision is better than STEP_UP. "
        "Null for no limit: for tests only.",
    )
    failure_minutes: StrictInt = Field(
        15, ge=15, le=1440, description="Minutes without a failed attempt after which that ends."
    )
    claim_limit: StrictInt = Field(3, ge=1, le=10, description="Different speakers that may be claimed in one session.")
    disclosure: Disclosure = Field(
        Disclosure.COARSE,
        description="Detail of the scores in answers: `full` LLRs; `coarse`, the threshold that they reach; or `none`. "
        "Left out, it stays as it was.",
    )
    synthetic_enrollment: SyntheticEnrollment = Field(
        SyntheticEnrollment.REFUSE,
        description="What becomes of a contribution to a voiceprint whose liveness is `spoof`: `refuse` answers 422 "
        "`audio_synthetic`; `record` adds it, and says so in its answer and in the history. Left out, it stays as it "
        "was.",
    )
    requires: Factors = Field(
        (),
        description="Factors without which nothing is accepted, beside voice and liveness, which always are required. "
        "`another_factor` is a proof that the service does not see: what would be ACCEPT is STEP_UP, "
        "`FACTOR_REQUIRED`. `call_risk` is that something was stated of the call. Left out, it stays as it was.",
    )
    uncertain_margin: StrictFloat = Field(
        0.0,
        ge=0,
        le=10,
        description="Nats by which the evidence may be wrong: within so many of a threshold the answer is STEP_UP. "
        "Left out, it stays as it was.",
    )
    reject_on: RejectingAlerts = Field(
        (),
        description="Alerts that make REJECT of what would be ACCEPT or STEP_UP; others make STEP_UP of ACCEPT. Left "
        "out, it stays as it was.",
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
    replay_days: StrictInt = Field(
        30,
        ge=0,
        le=90,
        description="A recording that is used again within so many days is noticed: `AUDIO_REPLAYED`. Fingerprints of"
        " calls are kept for as long. 0 keeps and compares none, as domains for tests need it.",
    )
    erased_decisions: ErasedDecisions = Field(
        ErasedDecisions.UNLINK,
        description="What becomes of decisions when their speaker is deleted: kept until their retention is over, "
        "unlinked from the person, or erased. Those of a deleted domain are kept or erased.",
    )
    voiceprint_days: StrictInt = Field(
        1095,
        ge=30,
        le=3650,
        description="A speaker whose voiceprint was neither matched nor enrolled for so many days is deleted, with a"
        " report of the kind `expired`. Three years unless set, the longest that BIPA 15(a) allows.",
    )


class PrincipalSettings(Request):
    """Principals of a domain by role: ARNs of IAM roles and users, with asterisks in their names if need be.

    A domain has at least one administrator. A role that has principals is not left out: an empty list removes them.
    """

    integrator: Bound = Field([], description="Enroll and authenticate.")
    analyst: Bound = Field([], description="Read decisions and speakers.")
    administrator: Bound = Field([], description="Change the domain, its principals, its brake; delete.")
    model_engineer: Bound = Field([], description="Propose and revoke calibrations, read drift and shadow.")
    auditor: Bound = Field([], description="Read the audit trail, decisions, settings; change nothing.")

    def to_record(self) -> Principals:
        """Returns the principals of the roles that are stated."""
        return Principals({role: tuple(getattr(self, role)) for role in Role if role in self.model_fields_set})


class DomainQuota(Request):
    """Quota of a domain: a token bucket for requests that begin work on audio.

    Authentications, enrollments and starts of sessions take a token each, repeated ones too.
    """

    requests_per_second: StrictFloat = Field(ge=0.01, description="Requests that are let through for good.")
    burst: StrictInt = Field(ge=1, description="Requests that are let through at once after a pause.")


class DomainSettings(Request):
    """Settings of a domain, as its owner writes them.

    A policy or a retention that is given is written as a whole: what is left out of it takes its default. Principals
    are, too, but whom they would remove has to be said. What is left out as a whole stays as it was. A new domain is
    bound to the principal who creates it.
    """

    policy: PolicySettings = Field(PolicySettings(), description="Left out, it stays as it was.")
    retention: RetentionSettings = Field(RetentionSettings(), description="Left out, it stays as it was.")
    principals: PrincipalSettings | None = Field(
        None, description="Who may use the domain. Left out: as they are; those of a new domain are its creator alone."
    )

    quota: DomainQuota | None = Field(
        None,
        description="Set by administrators of the stage only. Left out, it stays as it was; null for that of the "
        "stage, if there is one. At most what the API lets through for all domains together.",
    )
    reason: BrakeReason | None = Field(None, description="Why, for the history. Never personal data.")

    def to_record(self) -> WantedSettings:
        """Returns the settings as services take them."""
        given = self.model_fields_set
        return WantedSettings(
            Policy(**self.policy.model_dump()) if "policy" in given else None,
            Retention(**self.retention.model_dump()) if "retention" in given else None,
            self.principals.to_record() if self.principals else None,
            keeps=LATER_SETTINGS - self.policy.model_fields_set,
            keeps_expiry="voiceprint_days" not in self.retention.model_fields_set,
            quota=Quota(**self.quota.model_dump()) if self.quota else None,
            changes_quota="quota" in given,
            reason=self.reason,
        )


class Domain(Answer):
    """A domain."""

    domain: str
    policy: PolicySettings
    policy_version: int = Field(description="Counts the changes of `policy`; every decision names the one it used.")
    retention: RetentionSettings
    principals: PrincipalSettings | None = Field(
        None, description="Who may use the domain; null for one of the first release: whoever IAM admits."
    )
    quota: DomainQuota | None = Field(None, description="Its own; null for that of the stage, if there is one.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class DomainVersionEntry(Answer):
    """Settings of a domain as one change left them."""

    version: int = Field(description="Rises with every change; numbers may be left out.")
    policy: PolicySettings
    policy_version: int = Field(description="As decisions name it.")
    retention: RetentionSettings
    principals: PrincipalSettings | None = Field(None, description="As of the domain.")
    quota: DomainQuota | None = Field(None, description="As of the domain.")
    changed: list[str] = Field(description="Settings that changed; empty for the first version that is known.")
    changed_at: AwareDatetime
    changed_by: str | None = Field(
        description="Verified identity of who made the change; null where requests are not signed, or where an earlier "
        "release did not store it."
    )
    reason: str | None = Field(None, description="Why; null where nobody said.")
    action: SettingsAction = Field(
        SettingsAction.CHANGED,
        description="`changed` by a request that states the settings, `activated` from the policy that was staged, or "
        "`rolled_back` to the policy before.",
    )


class DomainHistory(Answer):
    """One page of versions of a domain's settings, the newest first."""

    versions: list[DomainVersionEntry]
    next_before: int | None = Field(description="Give it as `before` for the next page; null on the last one.")


def domain_view(record: DomainRecord) -> Domain:
    """Returns the view of a domain."""
    return Domain(
        domain=record.domain,
        policy=PolicySettings(**asdict(record.policy)),
        policy_version=record.policy_version,
        retention=RetentionSettings(**asdict(record.retention)),
        principals=_principals(record.principals),
        quota=_quota(record.quota),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def version_view(version: DomainVersion) -> DomainVersionEntry:
    """Returns the view of a version of a domain's settings."""
    record = version.record
    return DomainVersionEntry(
        version=record.version,
        policy=PolicySettings(**asdict(record.policy)),
        policy_version=record.policy_version,
        retention=RetentionSettings(**asdict(record.retention)),
        principals=_principals(record.principals),
        quota=_quota(record.quota),
        changed=list(version.changed),
        changed_at=record.updated_at,
        changed_by=version.changed_by,
        reason=version.reason,
        action=version.action,
    )


def history_view(versions: Sequence[DomainVersion], limit: int) -> DomainHistory:
    """Returns the view of a page of at most `limit` versions; one more than that shows that there is another page."""
    page = versions[:limit]
    return DomainHistory(
        versions=[version_view(each) for each in page],
        next_before=page[-1].record.version if len(versions) > limit else None,
    )


def _principals(principals: Principals | None) -> PrincipalSettings | None:
    if principals is None:
        return None
    patterns: dict[str, Any] = {str(role): list(principals.patterns.get(role, ())) for role in Role}
    return PrincipalSettings.model_construct(**patterns)


def _quota(quota: Quota | None) -> DomainQuota | None:
    return DomainQuota.model_construct(**asdict(quota)) if quota else None
