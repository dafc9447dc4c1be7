"""Export of what is held on a speaker, for whoever has to answer the person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bonafide.biometrics.presentation.attempts import Failure
from bonafide.errors import StoreUnavailable
from bonafide.ports.fingerprints import FingerprintStore, HeardRecording
from bonafide.ports.risk.calls import CallStore, CallSubject, KnownReference
from bonafide.ports.stores import AttemptStore, DecisionStore, DomainStore, SessionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.domain import DomainRecord
from bonafide.records.history.attempt_reset import AttemptReset
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord, lifetime
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import speaker_counter
from bonafide.services.shared.lookups import require_speaker
from bonafide.services.shared.recordings import Recordings

SHOWN = 100
MOST_FINGERPRINTS = 1000


@dataclass(frozen=True, slots=True)
class HeldData:
    """Data held on one speaker.

    Attributes:
        domain: of the speaker.
        speaker: with consent, voiceprints and the last use of them.
        recordings: names of kept recordings.
        sessions: of the last day that claim the speaker.
        decisions: the newest, a hundred at most.
        more_decisions: whether there are older ones.
        fingerprints: of recordings: contributions first, then the newest calls, a thousand at most.
        failures: attempts that failed and are still counted, the newest first.
        resets: of their counter.
        answers: how many answers about the speaker are kept by their keys.
        known_calls: whence the speaker called, by keyed hashes.
    """

    domain: DomainRecord
    speaker: SpeakerRecord
    recordings: Sequence[str]
    sessions: Sequence[SessionRecord]
    decisions: Sequence[DecisionRecord]
    more_decisions: bool
    fingerprints: Sequence[HeardRecording]
    failures: Sequence[Failure]
    resets: Sequence[AttemptReset]
    answers: int
    known_calls: Sequence[KnownReference]


class Export:
    """Reads what is held on a speaker."""

    def __init__(  # noqa: PLR0913, one parameter for each store
        self,
        domains: DomainStore,
        recordings: Recordings,
        sessions: SessionStore,
        decisions: DecisionStore,
        fingerprints: FingerprintStore,
        attempts: AttemptStore,
        calls: CallStore,
        answers: Callable[[str, str], int],
        clock: Clock = utc_now,
    ) -> None:
        """Stores its dependencies; `answers` counts those about a speaker that are kept."""
        self._fingerprints = fingerprints
        self._attempts = attempts
        self._calls = calls
        self._answers = answers
        self._domains = domains
        self._recordings = recordings
        self._sessions = sessions
        self._decisions = decisions
        self._clock = clock

    def of(self, domain: str, speaker: str) -> HeldData:
        """Reads all of it.

        Raises:
            NotFound: the domain or the speaker is unknown.
            StoreUnavailable: a store does not answer.
        """
        counter = speaker_counter(speaker)
        found, known, _ = self._domains.find_with_brake(domain, speaker, [counter])
        owner, record = require_speaker(found, known, domain, speaker)
        if owner.attempts is None:
            raise StoreUnavailable
        since = DecisionFilter(owner.created_at, self._clock(), speaker)
        page = self._decisions.list(domain, since, None, SHOWN)
        sessions = self._sessions.of_speaker(domain, speaker, SHOWN)
        return HeldData(
            domain=owner,
            speaker=record,
            recordings=self._recordings.names(domain, speaker),
            sessions=[each for each in sessions if each.started_at >= owner.created_at],
            decisions=page.decisions,
            more_decisions=page.after is not None,
            fingerprints=self._fingerprints.heard(domain, speaker, MOST_FINGERPRINTS),
            failures=owner.attempts[0].since(record.created_at).counted(),
            resets=self._attempts.resets(domain, counter, SHOWN),
            answers=self._answers(domain, speaker),
            known_calls=self._calls.known(CallSubject(domain, lifetime(owner), speaker, lifetime(owner, record))),
        )
