"""Brakes: set, released and read, with their history."""

from collections.abc import Sequence

from bonafide.errors import Conflict
from bonafide.observability import logger, measurements
from bonafide.ports.stores import BrakeStore, DomainStore, VersionConflict
from bonafide.records.brake import BrakeRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_not_deleting
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 10
SHOWN_CHANGES = 20

# A brake as it is, and its newest changes, the newest first.
type BrakeWithChanges = tuple[BrakeRecord, Sequence[BrakeRecord]]


class Brakes:
    """Switches of the stage (domain None) and of domains."""

    def __init__(self, brakes: BrakeStore, domains: DomainStore, clock: Clock = utc_now) -> None:
        self._brakes = brakes
        self._domains = domains
        self._clock = clock

    def set(self, domain: str | None, reason: str, principal: str | None) -> BrakeWithChanges:
        """Sets a brake, or gives another reason for one that is set; the same request again changes nothing.

        Raises:
            NotFound: there is no such domain.
        """
        self._require_known(domain)

        def attempt() -> BrakeRecord:
            current = self._brakes.brake(domain)
            if (current.on, current.reason, current.changed_by) == (True, reason, principal):
                return current
            return self._change(current, on=True, reason=reason, principal=principal)

        return self._with_changes(retry_on_conflict(WRITE_ATTEMPTS, attempt))

    def release(self, domain: str | None, reason: str, principal: str | None) -> BrakeWithChanges:
        """Releases a brake; one that is not set stays as it is.

        Raises:
            NotFound: there is no such domain.
            Conflict: the brake was changed at the same time, perhaps for a reason that the operator does not know.
        """
        self._require_known(domain)
        current = self._brakes.brake(domain)
        if not current.on:
            return self._with_changes(current)
        try:
            return self._with_changes(self._change(current, on=False, reason=reason, principal=principal))
        except VersionConflict as error:
            raise Conflict("brake_changed", "The brake was changed at the same time; read it again.") from error

    def get(self, domain: str | None) -> BrakeWithChanges:
        """Reads a brake.

        Raises:
            NotFound: there is no such domain.
        """
        self._require_known(domain)
        return self._with_changes(self._brakes.brake(domain))

    def _with_changes(self, record: BrakeRecord) -> BrakeWithChanges:
        return record, self._brakes.brake_changes(record.domain, SHOWN_CHANGES)

    def _require_known(self, domain: str | None) -> None:
        """Refuses a name that no domain has, so that nobody relies on a brake with a misspelled name."""
        if domain is not None:
            require_not_deleting(self._domains, domain)

    def _change(self, current: BrakeRecord, *, on: bool, reason: str, principal: str | None) -> BrakeRecord:
        changed = current.next(self._clock(), on=on, reason=reason, changed_by=principal)
        self._brakes.put_brake(changed)
        measurements.add(BrakeChanges=1)
        # A warning, so that it stands out; the reason holds no personal data.
        logger.warning(
            "brake set" if on else "brake released",
            extra={"domain": changed.domain, "version": changed.version, "reason": reason, "principal": principal},
        )
        return changed
