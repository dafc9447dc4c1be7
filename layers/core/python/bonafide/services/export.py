"""Export of what is held on a speaker, for whoever has to answer the person."""

from collections.abc import Sequence
from dataclasses import dataclass

from bonafide.ports.stores import DecisionStore, DomainStore, SessionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.domain import DomainRecord
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import find_speaker
from bonafide.services.shared.recordings import Recordings

SHOWN = 100


@dataclass(frozen=True, slots=True)
class HeldData:
    """Data held on one speaker.

    Attributes:
        domain: of the speaker.
        speaker: with consent and voiceprints.
        recordings: names of kept recordings.
        sessions: of the last day that claim the speaker.
        decisions: the newest, a hundred at most.
        more_decisions: whether there are older ones.
    """

    domain: DomainRecord
    speaker: SpeakerRecord
    recordings: Sequence[str]
    sessions: Sequence[SessionRecord]
    decisions: Sequence[DecisionRecord]
    more_decisions: bool


class Export:
    """Reads what is held on a speaker."""

    def __init__(
        self,
        domains: DomainStore,
        recordings: Recordings,
        sessions: SessionStore,
        decisions: DecisionStore,
        clock: Clock = utc_now,
    ) -> None:
        self._domains = domains
        self._recordings = recordings
        self._sessions = sessions
        self._decisions = decisions
        self._clock = clock

    def of(self, domain: str, speaker: str) -> HeldData:
        """Reads all of it.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        owner, record = find_speaker(self._domains, domain, speaker)
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
        )
