"""Registration of fraudsters: a voice from a recording or a session becomes an entry of a list."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bonafide.biometrics.enrollment import require_one_voice
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.session import pool, survey
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.likeness import scale_of
from bonafide.biometrics.watchlists.voices import KnownVoice, VoiceName
from bonafide.errors import Conflict, InvalidInput, NotFound, Subject, UnsupportedAudio
from bonafide.observability import logger
from bonafide.ports.models import SpeechModels
from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.ports.watchlists import WatchlistStore
from bonafide.records.domain import DomainRecord
from bonafide.records.request import SubmittedAudio
from bonafide.records.watchlists.entry import LONGEST_KEPT, WatchlistEntry, WatchlistState
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.extraction import observe_to_enroll
from bonafide.services.shared.lookups import find_session, refuse_former
from bonafide.services.shared.recordings import Recordings, to_waveform
from bonafide.services.shared.retries import retry_on_conflict
from bonafide.services.shared.watchlists.lifecycle import WRITE_ATTEMPTS, Watchlists, is_of
from bonafide.services.shared.watchlists.searching import WatchlistSearch

# With two bands and two embedding spaces 61 MB of vectors, and while they change twice that, beside models in 512 MB.
MOST_ENTRIES = 20_000
MOST_LISTS = 100
# Changes after which voices are packed again, and of many voices the share: the rest is read one by one, in a fraction
# of a second.
PACKED_AFTER, PACKED_SHARE = 64, 1 / 64
SHOWN_ALIKE = 10


@dataclass(frozen=True, slots=True)
class RegistrationRequested:
    """One request to register a fraudster.

    Attributes:
        domain: of the list.
        watchlist: name of the list.
        fraudster: name of the fraudster in it.
        audio: a recording of the voice; None where it is taken from a session.
        session: a session of the domain in which the fraudster spoke; None for a recording.
        legal_basis: reference to the law that allows to keep the voice.
        reason: why.
        expires_at: until when.
        content: digest of the whole request.
        principal: verified identity of the sender.
    """

    domain: str
    watchlist: str
    fraudster: str
    audio: SubmittedAudio | None
    session: str | None
    legal_basis: str
    reason: str
    expires_at: datetime
    content: str
    principal: str | None


@dataclass(frozen=True, slots=True)
class Registered:
    """Result of a registration.

    Attributes:
        entry: as it is stored.
        alike: other entries, of any list, whose voice is the same as far as can be told.
    """

    entry: WatchlistEntry
    alike: Sequence[VoiceName]


class Registration(Watchlists):
    """Registers fraudsters."""

    def __init__(  # noqa: PLR0913, one parameter for each collaborator
        self,
        store: WatchlistStore,
        domains: DomainStore,
        search: WatchlistSearch,
        models: SpeechModels[Any],
        recordings: Recordings,
        sessions: SessionStore,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, domains, search, clock)
        self._models = models
        self._recordings = recordings
        self._sessions = sessions

    def register(self, request: RegistrationRequested) -> Registered:
        """Writes an entry, new or over the one of its name; the same request again changes nothing.

        Raises:
            NotFound: the domain, the session or the upload is unknown.
            InvalidInput: the expiry or the audio cannot be used.
            Conflict: there is no room for another entry.
        """
        self._require_expiry(request.expires_at)
        owner = self._open(request.domain)
        known = self._unchanged(owner, request)
        if known:
            return Registered(known, ())
        evidence = self._evidence(owner, request)
        voice = KnownVoice(
            (request.watchlist, request.fraudster),
            tuple(Voiceprint.of([each]) for each in evidence),
            request.expires_at.timestamp(),
        )
        return retry_on_conflict(WRITE_ATTEMPTS, lambda: self._put(request, owner, evidence[0], voice))

    def _put(
        self, request: RegistrationRequested, read: DomainRecord, evidence: Evidence, voice: KnownVoice
    ) -> Registered:
        owner = self._open(request.domain)
        state = self._store.state(owner)
        former = self._unchanged(owner, request)
        if former:
            return Registered(former, ())
        if not read.is_still_open(owner):
            raise NotFound("domain_not_found", "There is no such domain.", subject=Subject.DOMAIN, found=read.domain)
        _require_room(state, request.watchlist)
        alike = self._search.voices(replace(owner, watchlists=state)).alike(evidence, self._clock(), voice.name)
        entry = replace(self._entry(owner, request, evidence, voice), change=state.change + 1)
        changed = self._store.put(owner, state, entry, voice)
        # Neither name tells who it is, but both are the domain's.
        logger.warning("fraudster registered", extra={"domain": owner.domain, "watchlist": entry.watchlist})
        packed = changed.packed.change if changed.packed else changed.base
        if changed.change - packed >= max(PACKED_AFTER, changed.count * PACKED_SHARE):
            self._pack(owner, changed)
        return Registered(entry, alike[:SHOWN_ALIKE])

    def _entry(
        self, owner: DomainRecord, request: RegistrationRequested, evidence: Evidence, voice: KnownVoice
    ) -> WatchlistEntry:
        now = self._clock()
        former = self._store.entry(owner.domain, request.watchlist, request.fraudster)
        return WatchlistEntry(
            domain=owner.domain,
            watchlist=request.watchlist,
            fraudster=request.fraudster,
            legal_basis=request.legal_basis,
            reason=request.reason,
            author=request.principal,
            created_at=former.created_at if former and is_of(owner, former) else now,
            updated_at=now,
            expires_at=request.expires_at,
            speech_seconds=evidence.speech_seconds,
            channels=tuple(voice.voiceprints[0].channels),
            session=request.session,
            content=request.content,
        )

    def _unchanged(self, owner: DomainRecord, request: RegistrationRequested) -> WatchlistEntry | None:
        """Returns the stored entry if this very request made it."""
        found = self._store.entry(owner.domain, request.watchlist, request.fraudster)
        return found if found and is_of(owner, found) and found.content == request.content else None

    def _evidence(self, owner: DomainRecord, request: RegistrationRequested) -> Sequence[Evidence]:
        """Returns the evidence in each embedding space, the bundle's own first.

        Raises:
            UnsupportedAudio: there is too little speech, or more than one voice.
        """
        if request.session:
            found = self._of_session(owner, request.session)
        else:
            assert request.audio is not None  # a request has one of the two
            content = self._recordings.content(owner.domain, None, request.audio)
            found, _ = observe_to_enroll(self._models, to_waveform(content, request.audio.format))
            require_one_voice(found[0])
        _require_speech(found)
        return found

    def _of_session(self, owner: DomainRecord, session: str) -> Sequence[Evidence]:
        record = find_session(self._sessions, owner.domain, session)
        refuse_former(record, owner)
        marks = self._sessions.marks(record)
        found: list[Evidence] = []
        for space in self._models.spaces:
            surveyed = survey(marks, space, record.chunk_count)
            rows = self._sessions.evidence(record, surveyed.spoken) if surveyed.spoken else []
            folded = pool(surveyed, [row.chunk for row in rows])
            if folded.alerts:
                raise UnsupportedAudio(
                    "several_voices", "More than one voice speaks in the session.", subject=Subject.SESSION
                )
            found += [folded.evidence] if folded.evidence else []
        return found

    def _require_expiry(self, expires_at: datetime) -> None:
        now = self._clock()
        if not now < expires_at <= now + LONGEST_KEPT:
            raise InvalidInput(
                "expiry_out_of_range",
                "A voice may be kept for so long only, and has to expire later than now.",
                subject=Subject.EXPIRY,
                limit=f"at most {LONGEST_KEPT.days} days from now",
                found=expires_at.isoformat(),
            )


def content_digest(stated: str, audio: SubmittedAudio | None) -> str:
    """Returns the digest of all that a request asks for."""
    return hashlib.sha256(f"{stated}\n{audio}".encode()).hexdigest()


def _require_room(state: WatchlistState, watchlist: str) -> None:
    if state.count >= MOST_ENTRIES or (watchlist not in state.lists and len(state.lists) >= MOST_LISTS):
        raise Conflict(
            "watchlists_full",
            "The domain has as many entries, or lists, as can be searched in time; remove some.",
            subject=Subject.WATCHLIST,
            limit=f"{MOST_ENTRIES} entries in {MOST_LISTS} lists",
        )


def _require_speech(found: Sequence[Evidence]) -> None:
    """Refuses what no voice can be searched by; in a network without a scale nothing could be."""
    seconds = found[0].speech_seconds if found and found[0].embeddings else 0.0
    scales = [scale_of(each.embedding_space, channel) for each in found for channel in each.embeddings]
    least = max((each.least_seconds for each in scales if each), default=1.0)
    if seconds < least:
        raise UnsupportedAudio(
            "audio_no_speech",
            "There is too little speech to know the voice by.",
            subject=Subject.AUDIO,
            limit=least,
            found=round(seconds, 2),
        )
