"""Calibrations of domains."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StrictFloat, StrictInt, StringConstraints

from bonafide.biometrics.domain_calibration import DomainCalibration
from bonafide.biometrics.scoring import Condition
from bonafide.contracts.base import IDENTIFIER, Answer, Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.records.calibration import (
    CANARY_SHARE,
    CalibrationAction,
    CalibrationsRecord,
    CalibrationState,
    SignedCalibration,
)
from bonafide.services.calibrations import CalibrationHistory, KnownCalibration

type Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
type Bits = Annotated[StrictFloat, Field(ge=0, le=100)]
type Count = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]


class ConditionCalibration(Request):
    """Correction of one condition, and what it rests on."""

    scale: StrictFloat = Field(gt=0, le=100, description="Factor of the LLR before its bounds.")
    shift: StrictFloat = Field(ge=-100, le=100, description="Nats added to it for long recordings.")
    lowest: StrictFloat = Field(lt=0, ge=-100, description="Bound of the LLR.")
    highest: StrictFloat = Field(gt=0, le=100, description="Bound of the LLR.")
    speakers: Count = Field(description="Speakers in genuine comparisons.")
    genuine: Count = Field(description="Comparisons of one speaker.")
    impostor: Count = Field(description="Comparisons of two speakers.")
    cllr: Bits = Field(description="Cllr of the correction by cross-validation over speakers.")
    global_cllr: Bits = Field(description="Cllr of the bundle's calibration on the same comparisons.")
    min_cllr: Bits = Field(description="Cllr of their best monotone calibration.")


class FittedCalibration(Request):
    """A calibration of a domain, as `make calibration ARGS=fit` writes it."""

    domain: str = Field(pattern=IDENTIFIER)
    bundle: Sha256 = Field(description="Digest of the bundle whose evidence it was fitted on.")
    base: Sha256 = Field(description="Digest of the calibration that it corrects; with another one it is not used.")
    embedding_space: str = Field(max_length=200)
    conditions: dict[Condition, ConditionCalibration] = Field(
        min_length=1, description="Corrections; conditions that are left out keep the bundle's calibration."
    )
    fitted_from: Sha256 = Field(description="SHA-256 over the speakers and recordings behind it.")

    def to_record(self) -> DomainCalibration:
        """Returns the calibration of the domain model."""
        return DomainCalibration.parse(self.model_dump(mode="json"))


class CalibrationProposal(Request):
    """Proposes a calibration of a domain."""

    calibration: FittedCalibration
    canary_share: StrictFloat = Field(
        CANARY_SHARE, gt=0, le=0.5, description="Share of the speakers that it judges until it is promoted or revoked."
    )
    reason: BrakeReason = Field(description="Why, for the audit trail. Holds references, never personal data.")


class CalibrationTransition(Request):
    """Promotes or revokes a calibration."""

    reason: BrakeReason = Field(description="Why, for the audit trail. Holds references, never personal data.")


class CalibrationVersion(Answer):
    """A version of a domain's calibration."""

    version: int = Field(description="Counts the proposals of the domain, from 1.")
    state: CalibrationState = Field(description="CANARY judges a share of the speakers, ACTIVE the others.")
    created_by: str | None = Field(description="Verified identity of who proposed it; null where nothing is signed.")
    created_at: AwareDatetime
    digest: str = Field(description="SHA-256 of `calibration`.")
    calibration: FittedCalibration


class DomainCalibrationChange(Answer):
    """One change of a domain's calibrations."""

    number: int = Field(description="Number of the change, from 1.")
    action: CalibrationAction
    version: int = Field(description="Calibration that it was done to.")
    reason: str
    changed_by: str | None = Field(description="Verified identity of who did it; null where requests are not signed.")
    changed_at: AwareDatetime


class DomainCalibrations(Answer):
    """The calibrations of a domain that are in use, and their newest changes."""

    domain: str
    active: CalibrationVersion | None = Field(description="Null if the bundle's calibration judges.")
    canary: CalibrationVersion | None
    canary_share: float = Field(description="Share of the speakers that the canary judges.")
    changes: list[DomainCalibrationChange] = Field(description="20 changes, the newest first. All are stored for good.")
    next_before: int | None = Field(description="`before` of the next page of changes; null on the last.")


def calibration_view(known: KnownCalibration) -> CalibrationVersion:
    """Returns the view of a calibration."""
    signed = known.signed
    return CalibrationVersion(
        version=signed.version,
        state=known.state,
        created_by=signed.created_by,
        created_at=signed.created_at,
        digest=signed.calibration.digest,
        calibration=FittedCalibration.model_validate(dict(signed.document)),
    )


def calibrations_view(history: CalibrationHistory) -> DomainCalibrations:
    """Returns the view of a domain's calibrations and their changes."""
    current = history.current
    return DomainCalibrations(
        domain=current.domain,
        active=_view(current.active, CalibrationState.ACTIVE),
        canary=_view(current.canary, CalibrationState.CANARY),
        canary_share=current.canary_share,
        changes=[change for each in history.changes for change in _change(each)],
        next_before=history.before,
    )


def _view(signed: SignedCalibration | None, state: CalibrationState) -> CalibrationVersion | None:
    return calibration_view(KnownCalibration(signed, state)) if signed else None


def _change(record: CalibrationsRecord) -> list[DomainCalibrationChange]:
    change = record.change
    if change is None:
        return []
    return [
        DomainCalibrationChange(
            number=record.version,
            action=change.action,
            version=change.calibration,
            reason=change.reason,
            changed_by=change.changed_by,
            changed_at=change.changed_at,
        )
    ]
