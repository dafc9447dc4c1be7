"""Replayed audio: a recording that was used before for the speaker, a copy of one, or one that repeats itself."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bonafide.audio.copies import MOST_SOUGHT_SECONDS, copied, count_compared, looped, thinned
from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Reason
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.fingerprints import FingerprintStore, HeardRecording, UseKind
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord, lifetime
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.settings import is_probed

# Recordings that are read for one comparison, the newest first; of them MOST_KNOWN_SECONDS are compared.
MOST_RECORDINGS = 200
# What provisional judgements of sessions look at, and how old it may be; and the speakers that are kept at a time.
LOOKED_AT_SECONDS = 15.0
READ_AGAIN = timedelta(seconds=30)
MOST_SPEAKERS = 16
# Less than this says nothing: silence and tones are alike in every call.
SHORTEST_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """Audio that is used for a speaker.

    Attributes:
        name: identifier of the effect of the request: the same use has the same.
        samples: digest of the samples; empty where equal samples mean nothing, as of a session.
        fingerprint: of the speech.
        call_id: the contact center's reference to the call.
    """

    name: str
    samples: str
    fingerprint: Fingerprint
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayFinding:
    """Result of the search for earlier uses.

    Attributes:
        alerts: `AUDIO_REPLAYED` if there was one, or the recording repeats itself.
        missing: names the signal if the store did not answer.
    """

    alerts: tuple[Reason, ...] = ()
    missing: tuple[Signal, ...] = ()


type ReplaySearch = Callable[[DomainRecord, SpeakerRecord, SpokenAudio], ReplayFinding]


class Replays:
    """Searches what was heard of a speaker, and remembers what is heard now."""

    def __init__(self, store: FingerprintStore, probe_domain: str = "", clock: Clock = utc_now) -> None:
        """Stores its dependencies.

        Args:
            store: of fingerprints.
            probe_domain: of golden calls, which repeat their recordings: all is done as ever, but nothing said, as in
                domains whose names begin with it and a hyphen.
            clock: now.
        """
        self._store = store
        self._probe_domain = probe_domain
        self._clock = clock
        # What was read lately, by domain and speaker, and when.
        self._lately: dict[tuple[str, str], tuple[datetime, Sequence[HeardRecording]]] = {}

    def find(self, domain: DomainRecord, speaker: SpeakerRecord, audio: SpokenAudio) -> ReplayFinding:
        """Remembers a call's audio, and searches for another use of it before.

        It is written before anything is read, so that of two uses at once at least one finds the other.
        """
        return self._search(domain, speaker, audio, self._remembered)

    def look(self, domain: DomainRecord, speaker: SpeakerRecord, audio: SpokenAudio) -> ReplayFinding:
        """Searches as `find` does, while audio still arrives: nothing is written.

        It looks at the newest audio only, and what was heard of the speaker is read again after a while only, since
        sessions are evaluated once a second.
        """
        newest = replace(audio, fingerprint=audio.fingerprint.newest(LOOKED_AT_SECONDS))
        return self._search(domain, speaker, newest, self._heard_lately)

    def _search(
        self,
        domain: DomainRecord,
        speaker: SpeakerRecord,
        audio: SpokenAudio,
        read: Callable[[HeardRecording], tuple[bool, Sequence[HeardRecording]]],
    ) -> ReplayFinding:
        if not _is_comparable(domain, audio):
            return ReplayFinding()
        heard = replace(self._heard(domain, speaker.speaker, audio), generation=lifetime(domain, speaker))
        try:
            claimed, recordings = read(heard)
        except StoreUnavailable as error:
            logger.error("fingerprints not read", extra={"error_type": type(error.__cause__).__name__})
            measurements.add(FingerprintFailures=1)
            return ReplayFinding(missing=(Signal.REPLAY,))
        held = any(each.holds(audio.samples) for each in speaker.voiceprints if audio.samples)
        known = [each.fingerprint for each in recordings if _is_another_use(speaker, heard, each)]
        replayed = claimed or held or looped(audio.fingerprint) or copied(audio.fingerprint, known)
        silenced = is_probed(domain.domain, self._probe_domain)
        return ReplayFinding(alerts=(Reason.AUDIO_REPLAYED,) if replayed and not silenced else ())

    def _remembered(self, heard: HeardRecording) -> tuple[bool, Sequence[HeardRecording]]:
        """Writes a recording and reads those of the speaker; tells whether its samples were used before."""
        claimed = bool(heard.audio) and self._store.claim(heard)
        self._store.put(heard)
        return claimed, self._store.heard(heard.domain, heard.speaker, MOST_RECORDINGS)

    def _heard_lately(self, heard: HeardRecording) -> tuple[bool, Sequence[HeardRecording]]:
        """Reads the recordings of the speaker, or what was read of them lately; nothing is known of the samples."""
        key, now = (heard.domain, heard.speaker), self._clock()
        at, known = self._lately.get(key, (now, None))
        if known is None or not timedelta() <= now - at < READ_AGAIN:
            read = self._store.heard(*key, MOST_RECORDINGS)
            # No more than is compared is kept: sixteen speakers with all of it would fill the memory of the function.
            at, known = now, read[: count_compared([each.fingerprint for each in read])]
        others = [each for each in self._lately.items() if each[0] != key]
        self._lately = dict([*others, (key, (at, known))][-MOST_SPEAKERS:])
        return False, known

    def remember(self, domain: DomainRecord, speaker: str, audio: SpokenAudio) -> None:
        """Remembers the audio of a contribution, before it is compared and added, as long as the speaker is enrolled.

        Raises:
            StoreUnavailable: it could not be written.
        """
        if _is_comparable(domain, audio):
            heard = replace(self._heard(domain, speaker, audio), kind=UseKind.ENROLLMENT, expires_at=None)
            self._store.claim(heard)
            self._store.put(heard)

    def repeats_itself(self, domain: DomainRecord, audio: SpokenAudio) -> bool:
        """Tells whether a part of a contribution is in it more than once, where recordings are compared at all."""
        return _is_comparable(domain, audio) and looped(audio.fingerprint)

    def is_copy(self, domain: DomainRecord, speaker: SpeakerRecord, audio: SpokenAudio) -> bool:
        """Tells whether a part of a contribution is in another one that the voiceprint holds.

        Raises:
            StoreUnavailable: that is not known.
        """
        if not _is_comparable(domain, audio):
            return False
        heard = self._heard(domain, speaker.speaker, audio)
        known = self._store.heard(heard.domain, heard.speaker, MOST_RECORDINGS)
        others = [each.fingerprint for each in known if _is_another_contribution(speaker, heard, each)]
        return copied(audio.fingerprint, others)

    def forget(self, domain: str, speaker: str, name: str) -> None:
        """Forgets a contribution that was not added."""
        for each in self._store.heard(domain, speaker, MOST_RECORDINGS):
            if each.name == name:
                self._store.forget(each)

    def _heard(self, domain: DomainRecord, speaker: str, audio: SpokenAudio) -> HeardRecording:
        now = self._clock()
        return HeardRecording(
            domain=domain.domain,
            speaker=speaker,
            kind=UseKind.CALL,
            name=audio.name,
            audio=_within(domain, audio.samples),
            fingerprint=thinned(audio.fingerprint.newest(MOST_SOUGHT_SECONDS)),
            generation="",
            at=now,
            expires_at=now + timedelta(days=domain.retention.replay_days),
            call_id=audio.call_id,
            brief=audio.fingerprint.speech_seconds < domain.policy.minimum_decision_seconds,
        )


def _is_comparable(domain: DomainRecord, audio: SpokenAudio) -> bool:
    return domain.retention.replay_days > 0 and audio.fingerprint.seconds >= SHORTEST_SECONDS


def _is_another_use(speaker: SpeakerRecord, heard: HeardRecording, known: HeardRecording) -> bool:
    """Tells whether a recording counts as used before.

    What a call went on with because there was too little speech to decide is no other use.
    """
    if known.kind is UseKind.ENROLLMENT:
        return _is_another_contribution(speaker, heard, known)
    continued = known.brief and known.call_id is not None and known.call_id == heard.call_id
    return known.name != heard.name and known.generation == heard.generation and not continued


def _is_another_contribution(speaker: SpeakerRecord, heard: HeardRecording, known: HeardRecording) -> bool:
    """Tells whether a recording is part of the voiceprint, which one that was refused is not."""
    return known.kind is UseKind.ENROLLMENT and known.name != heard.name and known.name in speaker.applied


def _within(domain: DomainRecord, samples: str) -> str:
    """Returns a digest of samples that cannot be compared with those of other domains; 128 bits, hex."""
    if not samples:
        return ""
    scope = f"{domain.domain}/{domain.created_at.isoformat()}/{samples}"
    return hashlib.sha256(scope.encode()).hexdigest()[:32]
