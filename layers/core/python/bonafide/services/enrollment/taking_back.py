"""Taking a contribution back: the voiceprint is then as if it had been made without it."""

from dataclasses import replace
from datetime import datetime

from bonafide.biometrics.enrollment import SpeakerStatus, missing_seconds
from bonafide.errors import Conflict, NotFound, Subject
from bonafide.ports.stores import DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.history.contribution import ContributionRecord, newest
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import WRITE_ATTEMPTS, find_speaker
from bonafide.services.shared.recordings import Recordings, enrollment_audio
from bonafide.services.shared.replays import Replays
from bonafide.services.shared.retries import retry_on_conflict


class Contributions:
    """Takes contributions back."""

    def __init__(self, store: DomainStore, recordings: Recordings, replays: Replays, clock: Clock = utc_now) -> None:
        self._store = store
        self._recordings = recordings
        self._replays = replays
        self._clock = clock

    def take_back(self, domain: str, speaker: str, name: str) -> tuple[DomainRecord, SpeakerRecord]:
        """Takes one contribution out of the voiceprint, with its kept audio and fingerprint; again it changes nothing.

        Who has less speech left than the policy requires is PENDING again.

        Raises:
            NotFound: domain, speaker or contribution is unknown.
            Conflict: the contribution cannot be told apart from the rest of the voiceprint.
        """

        def attempt() -> tuple[DomainRecord, SpeakerRecord]:
            found, current = find_speaker(self._store, domain, speaker)
            if not _require_apart(current, name).counts:
                return found, current
            left = without_contribution(current, name, found.policy.minimum_enrolment_seconds, self._clock())
            self._store.put_speaker(found, left)
            return found, left

        done = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        # Afterwards, and also of one that was taken back before: the first request may have been cut short here.
        self._recordings.forget(domain, speaker, enrollment_audio(name))
        self._replays.forget(domain, speaker, name)
        return done


def _require_apart(current: SpeakerRecord, name: str) -> ContributionRecord:
    """Returns the entry of a contribution that does not count, or that every voiceprint of its spaces knows apart."""
    entry = next((each for each in current.history if each.name == name), None)
    if entry is None and name not in current.applied:
        raise NotFound("contribution_not_found", "There is no such contribution.", subject=Subject.CONTRIBUTION)
    mixed = entry and [
        each for each in current.voiceprints if each.embedding_space in entry.spaces and not each.holds_apart(name)
    ]
    if entry is None or (entry.counts and mixed):
        raise Conflict(
            "contribution_not_apart",
            "The contribution cannot be told apart from the rest of the voiceprint: an earlier release added it, or it"
            " is older than the newest 32. Delete the speaker and enroll again without it.",
            subject=Subject.CONTRIBUTION,
        )
    return entry


def without_contribution(record: SpeakerRecord, name: str, minimum_seconds: float, now: datetime) -> SpeakerRecord:
    """Returns the record as if a contribution had not been added, but for its entry in the history.

    Args:
        record: of the speaker.
        name: of the contribution.
        minimum_seconds: net speech below which nobody is enrolled.
        now: time of the act.
    """
    left = [made for each in record.voiceprints if (made := each.without(name)).templates]
    most = max((each.speech_seconds for each in left), default=0.0)
    enrolled = record.status is SpeakerStatus.ENROLLED and not missing_seconds(most, minimum_seconds)
    kept = [replace(each, taken_back_at=now) if each.name == name else each for each in record.history]
    return record.with_voiceprints(
        now,
        left,
        status=SpeakerStatus.ENROLLED if enrolled else SpeakerStatus.PENDING,
        applied=tuple(each for each in record.applied if each != name),
        history=newest(kept),
        taken_back_at=now,
    )
