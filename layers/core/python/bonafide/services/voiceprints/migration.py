"""Migration of voiceprints to the bundle's own embedding space, from the enrollment audio that a domain keeps.

Never from calls, not even from those that were accepted: somebody who was wrongly accepted once would be enrolled.
"""

from enum import StrEnum
from functools import partial
from typing import Any

from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import InvalidInput
from bonafide.ports.models import SpeechModels
from bonafide.ports.stores import DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import WRITE_ATTEMPTS
from bonafide.services.shared.recordings import Recordings, enrollment_audio, to_waveform
from bonafide.services.shared.retries import retry_on_conflict

# Evidence and digest of kept recordings by name; None for those that cannot be used.
type _Heard = dict[str, tuple[Evidence, str] | None]


class MigrationState(StrEnum):
    """State of one speaker."""

    COMPLETE = "complete in the newest space"
    MIGRATED = "migrated from kept audio"
    TOO_LITTLE = "kept audio holds too little speech: served in the former space until the next enrollment"
    NO_AUDIO = "no audio is kept: served in the former space until the next enrollment"
    WITHOUT = "no voiceprint"


class SpaceMigration:
    """Migrates one speaker at a time; repeating it changes nothing."""

    def __init__(
        self, store: DomainStore, models: SpeechModels[Any], recordings: Recordings, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._models = models
        self._recordings = recordings
        self._clock = clock

    def migrate(self, domain: str, speaker: str, *, apply: bool = True) -> MigrationState:
        """Stores the voiceprint of the newest space beside the others; an enrollment or opt-out meanwhile wins.

        Args:
            domain: of the speaker.
            speaker: identifier.
            apply: whether anything is written.

        Raises:
            StoreUnavailable: a store does not answer, or others keep writing the speaker.
        """
        heard: _Heard = {}
        return retry_on_conflict(WRITE_ATTEMPTS, partial(self._attempt, domain, speaker, heard, apply=apply))

    def complete(self, domain: str, speaker: str, *, apply: bool = True) -> bool:
        """Removes the voiceprints of other spaces if the newest is complete; returns whether there were any to remove.

        Raises:
            StoreUnavailable: as `migrate`.
        """
        return retry_on_conflict(WRITE_ATTEMPTS, partial(self._remove, domain, speaker, apply=apply))

    def _attempt(self, domain: str, speaker: str, heard: _Heard, *, apply: bool) -> MigrationState:
        found, record = self._store.find(domain, speaker)
        if found is None or record is None or not record.voiceprints:
            return MigrationState.WITHOUT
        if self._newest(found, record):
            return MigrationState.COMPLETE
        made = self._from_audio(record, heard) if found.retention.keep_audio else None
        if made is None or not made.templates:
            return MigrationState.NO_AUDIO
        others = [each for each in record.voiceprints if each.embedding_space != made.embedding_space]
        migrated = record.with_voiceprints(self._clock(), [*others, made])
        # An enrollment may have begun one already, with speech that is not kept.
        if apply and made.speech_seconds > _speech_in(record, made.embedding_space):
            self._store.put_speaker(found, migrated)
        return MigrationState.MIGRATED if self._newest(found, migrated) else MigrationState.TOO_LITTLE

    def _remove(self, domain: str, speaker: str, *, apply: bool) -> bool:
        found, record = self._store.find(domain, speaker)
        newest = self._newest(found, record) if found and record else []
        if found is None or record is None or not newest or len(record.voiceprints) == 1:
            return False
        if apply:
            self._store.put_speaker(found, record.with_voiceprints(self._clock(), newest))
        return True

    def _newest(self, domain: DomainRecord, record: SpeakerRecord) -> list[Voiceprint]:
        """Returns the voiceprint of the newest space, if it is complete."""
        return record.usable(self._models.spaces[:1], domain.policy)

    def _from_audio(self, record: SpeakerRecord, heard: _Heard) -> Voiceprint:
        """Makes a voiceprint of the recordings that were added to the present ones, of each once, and of no other."""
        made = Voiceprint.empty(self._models.embedding_space)
        for name in record.applied:
            if name not in heard:
                heard[name] = self._hear(record, name)
            found = heard[name]
            made = made.add(*found, name) if found else made
        return made

    def _hear(self, record: SpeakerRecord, name: str) -> tuple[Evidence, str] | None:
        kept = self._recordings.kept(record.domain, record.speaker, enrollment_audio(name))
        if kept is None:
            return None
        try:
            waveform = to_waveform(*kept)
            return self._models.observe(waveform, [Channel.NARROWBAND]), waveform.digest
        except InvalidInput:
            # Bare samples that an earlier release kept without their format.
            return None


def _speech_in(record: SpeakerRecord, embedding_space: str) -> float:
    return sum(each.speech_seconds for each in record.voiceprints if each.embedding_space == embedding_space)
