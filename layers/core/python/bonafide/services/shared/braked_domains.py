"""Domains and speakers as decisions need them: with the brakes that are on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.biometrics.case import BrakeScope, Signal
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.stores import BrakeStore, DomainStore
from bonafide.records.brake import BrakeRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now

# A brake holds everywhere within 60 s: a state is this old at most when a request begins to use it, and no request or
# batch of the stream takes longer than 29 s.
LONGEST_AGE = timedelta(seconds=20)
# After a failed read decisions do without the state for so long, instead of each waiting for the store.
RETRY_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class BrakesInForce:
    """Brakes at the time of a decision.

    Attributes:
        on: scopes of those that are on.
        missing: names the brake if that of the stage is not known.
    """

    on: tuple[BrakeScope, ...] = ()
    missing: tuple[Signal, ...] = ()


class BrakedDomains:
    """Reads domains, speakers and brakes: a domain's brake together with the domain, the stage's now and then."""

    def __init__(
        self, domains: DomainStore, brakes: BrakeStore, kept: timedelta = LONGEST_AGE, clock: Clock = utc_now
    ) -> None:
        """Stores its dependencies.

        Args:
            domains: store of domains and speakers.
            brakes: store of brakes.
            kept: age up to which the state of the stage's brake is used without reading it again.
            clock: a wall clock. A monotonic one stands still while Lambda freezes the environment between two requests
                (https://github.com/hashicorp/vault-lambda-extension/pull/150), and a state would never grow old.

        Raises:
            ValueError: with states kept for so long a brake would not hold everywhere within 60 s.
        """
        if not timedelta() < kept <= LONGEST_AGE:
            raise ValueError(f"the stage's brake may be kept for up to {LONGEST_AGE.seconds} s")
        self._domains = domains
        self._brakes = brakes
        self._kept = kept
        self._clock = clock
        self._stage: bool | None = None
        self._read_at = datetime.min.replace(tzinfo=clock().tzinfo)

    def find(
        self, domain: str, speaker: str, counters: Sequence[str] = ()
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakesInForce]:
        """Reads a domain with these counters of attempts, one of its speakers, and the brakes."""
        found, known, own = self._domains.find_with_brake(domain, speaker, counters)
        return found, known, self._in_force(own)

    def _in_force(self, own: BrakeRecord) -> BrakesInForce:
        stage = self._stage_is_on()
        on = [brake for brake, is_on in ((BrakeScope.STAGE, stage), (BrakeScope.DOMAIN, own.on)) if is_on]
        return BrakesInForce(tuple(on), (Signal.BRAKE,) if stage is None else ())

    def _stage_is_on(self) -> bool | None:
        """Tells whether the stage's brake is on; None if that is not known."""
        now = self._clock()
        # An age below 0 is that of a clock that was set back, and says nothing.
        if not timedelta() <= now - self._read_at < (self._kept if self._stage is not None else RETRY_AFTER):
            # The time before the read: the state may change while it is on its way.
            self._stage, self._read_at = self._read(), now
        return self._stage

    def _read(self) -> bool | None:
        try:
            return self._brakes.brake(None).on
        except StoreUnavailable as error:
            logger.error("brake not read", extra={"error_type": type(error.__cause__).__name__})
            measurements.add(BrakeReadFailures=1)
            return None
