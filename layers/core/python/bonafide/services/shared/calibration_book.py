"""The calibration that judges a speaker: that of the bundle, or the domain's own."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.biometrics.case import Signal
from bonafide.biometrics.domain_calibration import DomainCalibration, UnusableCalibration
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.signatures import Signatures
from bonafide.ports.stores import CalibrationStore
from bonafide.records.calibration import CalibrationAction, SignedCalibration
from bonafide.records.domain import DomainRecord
from bonafide.services.shared.clock import Clock, utc_now

# After the key did not answer, decisions do without the domain's calibration for so long, instead of each waiting.
RETRY_AFTER = timedelta(seconds=2)
# Calibrations that an environment keeps ready; the oldest one makes room.
MOST_KEPT = 256
CHANGES_AT_ONCE = 20

_MISSING = (Signal.DOMAIN_CALIBRATION,)

# Domain, content, signature and the calibration that is corrected.
type _Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class CalibrationInForce:
    """The calibration of one judgement.

    Attributes:
        calibration: judges.
        missing: names the domain's own calibration if the bundle's stands in for it.
    """

    calibration: Calibration
    missing: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class _Checked:
    """Outcome of checking a signed calibration; `until` when it is to be checked again, None for never."""

    result: CalibrationInForce
    until: datetime | None = None


def proposals(store: CalibrationStore, domain: str) -> Iterator[SignedCalibration]:
    """Yields every calibration that was proposed for a domain, the newest first."""
    before = None
    while changes := store.calibration_changes(domain, before, CHANGES_AT_ONCE):
        for each in changes:
            if each.change and each.change.action is CalibrationAction.PROPOSED and each.canary:
                yield each.canary
        before = changes[-1].version


def calibrations_by_digest(store: CalibrationStore, domain: str, bases: SpaceCalibrations) -> Mapping[str, Calibration]:
    """Returns the calibrations of a bundle and those that corrected them in a domain, for replays of its decisions."""
    return with_corrections(bases, [signed.calibration for signed in proposals(store, domain)])


def with_corrections(bases: SpaceCalibrations, corrections: Iterable[DomainCalibration]) -> Mapping[str, Calibration]:
    """Returns the calibrations of a bundle and what corrections make of them, by digest."""
    known = {base.digest: base for base in bases.newest_first}
    for own in corrections:
        for base in bases.newest_first:
            with suppress(UnusableCalibration):
                corrected = own.of(base)
                known[corrected.digest] = corrected
    return known


class CalibrationBook:
    """Chooses calibrations. Each signed one is checked once in an environment, and read from memory afterwards."""

    def __init__(self, bases: SpaceCalibrations, signatures: Signatures, clock: Clock = utc_now) -> None:
        self._bases = bases
        self._signatures = signatures
        self._clock = clock
        self._checked: dict[_Key, _Checked] = {}

    @property
    def spaces(self) -> list[str]:
        """Embedding spaces that the bundle serves, the newest first."""
        return self._bases.spaces

    def base(self, embedding_space: str) -> Calibration:
        """Returns the bundle's calibration of a space that it serves."""
        return self._bases.in_space(embedding_space)

    def of(self, domain: DomainRecord, speaker: str, embedding_space: str) -> CalibrationInForce:
        """Chooses the calibration for a speaker, always the same one while the domain's calibrations stay as they are.

        One that cannot be trusted, or whose signature cannot be checked, is not used, and is missing. One that was made
        for another bundle, or for an earlier domain of the name, is not used either, and misses nothing.

        Args:
            domain: as it was read together with its calibrations.
            speaker: claimed speaker.
            embedding_space: of the voiceprint; one that the bundle serves.
        """
        base = self._bases.in_space(embedding_space)
        known = domain.calibrations
        signed = known.of_domain_made(domain.created_at).in_use(speaker) if known else None
        if signed is None:
            return CalibrationInForce(base)
        key = domain.domain, signed.content_digest, signed.signature, base.digest
        checked = self._checked.get(key)
        if checked is None or (checked.until and self._clock() >= checked.until):
            checked = self._check(domain.domain, signed, base)
            self._keep(key, checked)
        return checked.result

    def _keep(self, key: _Key, checked: _Checked) -> None:
        # A snapshot, since sessions of a batch may be judged by several threads.
        if len(self._checked) >= MOST_KEPT:
            self._checked.pop(next(iter(list(self._checked)), key), None)
        self._checked[key] = checked

    def _check(self, domain: str, signed: SignedCalibration, base: Calibration) -> _Checked:
        where = {"domain": domain, "calibration": signed.version}
        try:
            if not self._signatures.is_genuine(domain, signed):
                return self._refused("its signature is wrong", where, base)
            own = signed.calibration
            if own.domain != domain:
                return self._refused("it is of another domain", where, base)
            if own.base != base.digest:
                measurements.add(CalibrationsUnused=1)
                logger.warning("domain calibration of another bundle", extra=where)
                return _Checked(CalibrationInForce(base))
            return _Checked(CalibrationInForce(own.of(base)))
        except StoreUnavailable as error:
            measurements.add(CalibrationsRefused=1)
            logger.error(
                "domain calibration not checked", extra={**where, "error_type": type(error.__cause__).__name__}
            )
            return _Checked(CalibrationInForce(base, _MISSING), self._clock() + RETRY_AFTER)
        except (UnusableCalibration, KeyError, TypeError, ValueError) as error:
            return self._refused(str(error), where, base)

    @staticmethod
    def _refused(why: str, where: dict[str, object], base: Calibration) -> _Checked:
        measurements.add(CalibrationsRefused=1)
        logger.error("domain calibration refused", extra={**where, "reason": why})
        return _Checked(CalibrationInForce(base, _MISSING))
