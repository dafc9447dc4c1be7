"""Calibrations of domains: proposed, promoted, revoked and read, with their history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bonafide.biometrics.domain_calibration import DomainCalibration, UnusableCalibration
from bonafide.errors import Conflict, InvalidInput, NotFound, Subject
from bonafide.observability import logger, measurements
from bonafide.ports.signatures import Signatures
from bonafide.ports.stores import CalibrationStore, DomainStore, VersionConflict
from bonafide.records.calibration import (
    CalibrationAction,
    CalibrationChange,
    CalibrationsRecord,
    CalibrationState,
    SignedCalibration,
)
from bonafide.records.domain import DomainRecord
from bonafide.services.shared.calibration_book import proposals
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_open

SHOWN_CHANGES = 20


@dataclass(frozen=True, slots=True)
class KnownCalibration:
    """A calibration of a domain that was proposed, and its state now."""

    signed: SignedCalibration
    state: CalibrationState


@dataclass(frozen=True, slots=True)
class CalibrationHistory:
    """The calibrations of a domain that are in use, and changes, the newest first.

    Attributes:
        current: those in use.
        changes: some of the changes.
        before: version of the last of them if there are older ones; None if there are not.
    """

    current: CalibrationsRecord
    changes: Sequence[CalibrationsRecord]
    before: int | None


class Calibrations:
    """Life cycle of the calibrations of domains."""

    def __init__(
        self, store: CalibrationStore, domains: DomainStore, signatures: Signatures, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._domains = domains
        self._signatures = signatures
        self._clock = clock

    def propose(
        self, domain: str, calibration: DomainCalibration, share: float, reason: str, principal: str | None
    ) -> KnownCalibration:
        """Signs a calibration that passes the gate; it judges a share of the speakers from now on.

        The calibration that is in canary already, proposed once more, changes nothing.

        Raises:
            NotFound: there is no such domain.
            InvalidInput: the calibration is of another domain, or does not pass the gate.
            Conflict: another one is in canary, or the calibrations were changed at the same time.
        """
        record = require_open(self._domains.domain(domain), domain)
        _require_usable(calibration, domain)
        current = self._current(record)
        if current.canary and current.canary.document == calibration.to_document():
            return KnownCalibration(current.canary, CalibrationState.CANARY)
        if current.canary:
            raise Conflict(
                "calibration_in_canary",
                "Another calibration of the domain is in canary; promote or revoke it first.",
                found=current.canary.version,
            )
        signed = self._signed(record, calibration, current.proposed + 1, principal)
        change = self._change(CalibrationAction.PROPOSED, signed.version, reason, principal)
        self._put(current.next(change, canary=signed, canary_share=share, proposed=signed.version))
        return KnownCalibration(signed, CalibrationState.CANARY)

    def promote(self, domain: str, version: int, reason: str, principal: str | None) -> CalibrationHistory:
        """Makes the calibration in canary the domain's one active calibration; the same request again changes nothing.

        Raises:
            NotFound: there is no such domain or calibration.
            Conflict: it is revoked, or the calibrations were changed at the same time.
        """
        current = self._with(domain, version)
        state = current.state(version)
        if state is CalibrationState.REVOKED:
            raise Conflict("calibration_revoked", "The calibration is revoked; propose it again as a new version.")
        if state is CalibrationState.CANARY:
            change = self._change(CalibrationAction.PROMOTED, version, reason, principal)
            self._put(current.next(change, active=current.canary, canary=None))
        return self.history(domain)

    def revoke(self, domain: str, version: int, reason: str, principal: str | None) -> CalibrationHistory:
        """Takes a calibration out of use for good; one that is out of use stays as it is.

        Raises:
            NotFound: there is no such domain or calibration.
            Conflict: the calibrations were changed at the same time.
        """
        current = self._with(domain, version)
        uses: dict[CalibrationState, dict[str, Any]] = {
            CalibrationState.CANARY: {"canary": None},
            CalibrationState.ACTIVE: {"active": None},
        }
        if ended := uses.get(current.state(version)):
            change = self._change(CalibrationAction.REVOKED, version, reason, principal)
            self._put(current.next(change, **ended))
        return self.history(domain)

    def get(self, domain: str, version: int) -> KnownCalibration:
        """Reads a calibration.

        Raises:
            NotFound: there is no such domain or calibration.
        """
        current = self._with(domain, version)
        made_at = require_open(self._domains.domain(domain), domain).created_at
        for signed in proposals(self._store, domain):
            if (signed.version, signed.domain_created_at) == (version, made_at):
                return KnownCalibration(signed, current.state(version))
        raise _not_found(version)

    def history(self, domain: str, before: int | None = None) -> CalibrationHistory:
        """Reads the calibrations in use, and 20 changes before a version, or the newest.

        Raises:
            NotFound: there is no such domain.
        """
        owner = require_open(self._domains.domain(domain), domain)
        changes = self._store.calibration_changes(domain, before, SHOWN_CHANGES)
        # Those of a domain that had this name before are erased within minutes.
        own = [each for each in changes if each.change and each.change.changed_at >= owner.created_at]
        older = own[-1].version if own and own[-1].version > 1 and len(own) == len(changes) else None
        return CalibrationHistory(self._current(owner), own, older)

    def _current(self, record: DomainRecord) -> CalibrationsRecord:
        return self._store.calibrations(record.domain).of_domain_made(record.created_at)

    def _with(self, domain: str, version: int) -> CalibrationsRecord:
        current = self._current(require_open(self._domains.domain(domain), domain))
        if not 1 <= version <= current.proposed:
            raise _not_found(version)
        return current

    def _signed(
        self, record: DomainRecord, calibration: DomainCalibration, version: int, principal: str | None
    ) -> SignedCalibration:
        unsigned = SignedCalibration(
            version, record.created_at, calibration.to_document(), created_by=principal, created_at=self._clock()
        )
        return replace(unsigned, signature=self._signatures.sign(record.domain, unsigned))

    def _change(self, action: CalibrationAction, version: int, reason: str, principal: str | None) -> CalibrationChange:
        return CalibrationChange(action, version, reason, principal, self._clock())

    def _put(self, record: CalibrationsRecord) -> None:
        try:
            self._store.put_calibrations(record)
        except VersionConflict as error:
            raise Conflict(
                "calibration_changed", "The calibrations were changed at the same time; read them again."
            ) from error
        measurements.add(CalibrationChanges=1)
        assert record.change
        # A warning, so that it stands out; the reason holds no personal data.
        logger.warning("domain calibration changed", extra={"domain": record.domain, **record.change.to_document()})


def _require_usable(calibration: DomainCalibration, domain: str) -> None:
    """Applies the gate, whatever the proposer's own said."""
    if calibration.domain != domain:
        raise InvalidInput("calibration_refused", "The calibration is of another domain.", subject=Subject.DOMAIN)
    try:
        calibration.check()
    except UnusableCalibration as error:
        raise InvalidInput("calibration_refused", f"The calibration did not pass the gate: {error}.") from error


def _not_found(version: int) -> NotFound:
    return NotFound("calibration_not_found", "The domain has no such calibration.", found=version)
