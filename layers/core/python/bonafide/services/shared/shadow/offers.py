"""Offers audio to the shadow once its decision or evidence is stored: nothing that fails here changes an answer."""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from bonafide.audio.encoding import RecordingFormat
from bonafide.observability import log_unexpected, measurements
from bonafide.ports.shadow import ShadowAudio
from bonafide.ports.stores import DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.session import SessionRecord
from bonafide.services.shared.identifiers import session_decision

# How long it is believed that there is a challenger, or none.
KNOWN_SECONDS = 60.0
# Objects that one environment puts in that time, at most: what is sent has a bound, however much is said.
MOST_OFFERS = 120


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
            audio: where audio waits.
            challenger: reads the digest of the challenger; None if there is none.
            share: of the decisions, 0 to 1.
            monotonic: clock, s.
        """
        self._audio = audio
        self._read_challenger = challenger
        self._share = share
        self._monotonic = monotonic
        self._asked: float | None = None
        # Objects that this environment may still put until it asks again.
        self._left = 0

    def offer(self, domain: DomainRecord, record: DecisionRecord, form: RecordingFormat, content: bytes) -> None:
        """Makes at most one call: it asks for the challenger if that was long ago, or else puts the recording."""
        if not (domain.retention.shadow_audio and record.decision_id and self.includes(record.decision_id)):
            return
        with self.harmless():
            if not self.ask() and self.is_open:
                self.put(record.domain, record.decision_id, packed(form, content))

    def includes(self, decision_id: str) -> bool:
        """Tells whether a decision is in the sample."""
        return chosen(decision_id, self._share)

    def ask(self) -> bool:
        """Reads whether there is a challenger if that was long ago; tells whether it was."""
        now = self._monotonic()
        if self._asked is not None and now - self._asked < KNOWN_SECONDS:
            return False
        # First, so that a registry that does not answer is not asked by every request.
        self._asked, self._left = now, 0
        self._left = 0 if self._read_challenger() is None else MOST_OFFERS
        return True

    @property
    def is_open(self) -> bool:
        """True if something may be put."""
        return self._left > 0

    def put(self, domain: str, decision_id: str, content: bytes, part: str = "") -> None:
        """Puts audio, which is one of the few that may be put in a minute."""
        self._left -= 1
        self._audio.put(domain, decision_id, content, part)

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """Lets a failure have no effect but that nothing is offered until the next time that it asks."""
        try:
            yield
        except Exception as error:
            self._left = 0
            log_unexpected(error)
            measurements.add(ShadowOffersLost=1)


class ChunkOffers:
    """Offers all chunks of a share of the sessions, under the name that the session's decision will have."""

    def __init__(self, offers: ShadowOffers, domains: DomainStore) -> None:
        """Stores its dependencies.

        Args:
            offers: of the environment.
            domains: tells what a domain allows; it has to give up soon.
        """
        self._offers = offers
        self._domains = domains

    def offer(self, session: SessionRecord, number: int, content: bytes, digest: str) -> None:
        """Makes at most three short calls, for which no client waits; after one that fails, none for a minute.

        Args:
            session: of the chunk.
            number: of the chunk.
            content: audio of the chunk.
            digest: SHA-256 of it, hex; another content under the same number is another part.
        """
        name = session_decision(session)
        if not self._offers.includes(name):
            return
        with self._offers.harmless():
            self._offers.ask()
            if self._offers.is_open and self._allowed(session.domain):
                self._offers.put(session.domain, name, packed(session.format, content), f"{number}-{digest[:16]}")

    def _allowed(self, domain: str) -> bool:
        found = self._domains.domain(domain)
        return found is not None and found.is_open and found.retention.shadow_audio


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
