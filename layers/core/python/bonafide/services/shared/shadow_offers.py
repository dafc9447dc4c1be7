"""Offers recordings to the shadow after they were decided on: nothing that fails here changes an answer."""

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict

from bonafide.audio.encoding import RecordingFormat
from bonafide.observability import log_unexpected, measurements
from bonafide.ports.shadow import ShadowAudio
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord

# How long it is believed that there is a challenger, or none.
KNOWN_SECONDS = 60.0


class ShadowOffers:
    """Offers a share of the recordings of domains that allow it, while there is a challenger."""

    def __init__(
        self,
        audio: ShadowAudio,
        challenger: Callable[[], str | None],
        share: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stores its dependencies.

        Args:
            audio: where recordings wait.
            challenger: reads the digest of the challenger; None if there is none.
            share: of the decisions, 0 to 1.
            monotonic: clock, s.
        """
        self._audio = audio
        self._read_challenger = challenger
        self._share = share
        self._monotonic = monotonic
        self._known: tuple[float, bool] | None = None

    def offer(self, domain: DomainRecord, record: DecisionRecord, form: RecordingFormat, content: bytes) -> None:
        """Makes at most one call: it asks for the challenger if that was long ago, or else puts the recording."""
        if not (domain.retention.shadow_audio and record.decision_id and chosen(record.decision_id, self._share)):
            return
        try:
            self._offer(record.domain, record.decision_id, packed(form, content))
        except Exception as error:
            log_unexpected(error)
            measurements.add(ShadowOffersLost=1)

    def _offer(self, domain: str, decision_id: str, content: bytes) -> None:
        now = self._monotonic()
        if self._known is None or now - self._known[0] >= KNOWN_SECONDS:
            # First, so that a registry that does not answer is not asked by every request.
            self._known = (now, False)
            self._known = (now, self._read_challenger() is not None)
        elif self._known[1]:
            self._audio.put(domain, decision_id, content)


def packed(form: RecordingFormat, content: bytes) -> bytes:
    """Writes a recording with the format that it was sent in, which raw audio does not tell."""
    return json.dumps(asdict(form)).encode() + b"\n" + content


def unpacked(content: bytes) -> tuple[RecordingFormat, bytes]:
    """Reads what `packed` wrote."""
    form, _, audio = content.partition(b"\n")
    return RecordingFormat(**json.loads(form)), audio


def chosen(name: str, share: float) -> bool:
    """Tells whether a name is in a sample; the same names are in every one of the same share."""
    return zlib.crc32(name.encode()) < share * 2**32
