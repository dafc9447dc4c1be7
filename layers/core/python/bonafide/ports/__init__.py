"""What the services need from the outside world, and the records that cross that line."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.enrolment import SpeakerStatus, missing_seconds, status_of
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.session import ChunkEvidence, Mark, SessionStatus
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.ports.probes import BackDoor, Document, Door, Releases, ReleaseTarget, Reply

__all__ = ["BackDoor", "Document", "Door", "ReleaseTarget", "Releases", "Reply"]


class VersionConflict(Exception):
    """Another writer was faster; read again and decide again on the new state."""


class DomainChanged(Exception):
    """The domain was deleted, or is being deleted, since it was read."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a domain keeps what it need not keep.

    Attributes:
        decision_days: decisions are deleted after this many days.
        keep_audio: whether audio of enrolments and authentications is kept at all.
    """

    decision_days: int
    keep_audio: bool


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One tenant.

    Attributes:
        created_at: also tells a domain from the one before it under the same name, whose versions began at 1 too.
        version: optimistic version of the record, 0 when it was never written.
        policy_version: counts the changes of `policy`.
        deleting: closed; nothing new may be written into the domain.
        tentative: closed only until it is known whether the domain is empty, so that a change of settings opens it.
    """

    domain: str
    policy: Policy
    retention: Retention
    created_at: datetime
    updated_at: datetime
    policy_version: int = 1
    version: int = 0
    deleting: bool = False
    tentative: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """The receipt that the speaker agreed to be enrolled."""

    receipt_id: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class SpeakerRecord:
    """One person of a domain, with the protected template of the voice.

    Attributes:
        created_at: also tells a record from a deleted one of the same name, whose versions began at 1 too.
        voiceprint: None before the first enrolment and after an opt-out.
        consent: the newest receipt; kept after an opt-out as evidence of what was agreed.
        opted_out_at: when the speaker last opted out; consent given before that is void as long as the
            record is there; a deleted speaker's is not known any more.
        applied: identifiers of the newest enrolments in the voiceprint, so that a repeated one adds no speech.
        version: optimistic version, 0 when never written.
    """

    domain: str
    speaker: str
    status: SpeakerStatus
    created_at: datetime
    updated_at: datetime
    voiceprint: Voiceprint | None = None
    consent: Consent | None = None
    opted_out_at: datetime | None = None
    applied: tuple[str, ...] = field(default=())
    version: int = 0

    @property
    def speech_seconds(self) -> float:
        """Net speech in the voiceprint."""
        return self.voiceprint.speech_seconds if self.voiceprint else 0.0

    def status_under(self, policy: Policy) -> SpeakerStatus:
        """Where the speaker stands by now; `status` is what was so when the record was written."""
        return status_of(self.status, self.speech_seconds, policy.minimum_enrolment_seconds)

    def missing_under(self, policy: Policy) -> float:
        """Net speech that is still needed, in seconds; 0.0 for who is enrolled."""
        enrolled = self.status_under(policy) is SpeakerStatus.ENROLLED
        return 0.0 if enrolled else missing_seconds(self.speech_seconds, policy.minimum_enrolment_seconds)

    def next(self, at: datetime, **changes: Any) -> Self:
        """The following version of this record."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)


@dataclass(frozen=True, slots=True)
class SpeakerPage:
    """Some speakers in order of their identifiers, and where to go on; `after` is None on the last page."""

    speakers: Sequence[SpeakerRecord]
    after: str | None


class TenantStore(Protocol):
    """Domains and speakers. Reads see every write that was acknowledged before them."""

    def domain(self, domain: str) -> DomainRecord | None:
        """Reads a domain."""

    def put_domain(self, record: DomainRecord) -> None:
        """Writes version n over version n - 1 of the same record, or version 1 over nothing.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
        """

    def delete_domain(self, record: DomainRecord) -> None:
        """Deletes this version of the domain's own record.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
        """

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """Reads a domain and one of its speakers in one round trip."""

    def put_speaker(self, record: SpeakerRecord) -> None:
        """Writes version n over version n - 1 of the same record, or version 1 over nothing, while the domain stands.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
            DomainChanged: the domain is gone or going.
        """

    def delete_speaker(self, domain: str, speaker: str) -> bool:
        """Deletes a speaker; tells whether there was one."""

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """Reads at most `limit` speakers whose identifiers come after `after`."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One call.

    Attributes:
        encoding, sample_rate, channel: how every chunk is to be decoded.
        bands: embedded besides a chunk's own; fixed at the start, so that equal audio always gives equal evidence.
        chunk_count: how many chunks the call has; None until its end is known.
        due_at: when somebody should look whether the call can be decided for good.
        expires_at: from then on no audio is taken.
        finalised_at: when the call was closed, so that nothing about it may change any more but its decision.
        decision_id: of the final decision, once that is written.
        request_id: of the request that started the call; it leads to everything that was done for it.
        version: optimistic version, 0 when never written.
    """

    domain: str
    session: str
    speaker: str | None
    call_id: str | None
    encoding: str
    sample_rate: int | None
    channel: int | None
    bands: tuple[Channel, ...]
    started_at: datetime
    due_at: datetime
    expires_at: datetime
    chunk_count: int | None = None
    decision_id: str | None = None
    finalised_at: datetime | None = None
    request_id: str | None = None
    version: int = 0

    @property
    def status(self) -> SessionStatus:
        """Where the call stands."""
        if self.decision_id:
            return SessionStatus.FINAL
        return SessionStatus.OPEN if self.chunk_count is None else SessionStatus.ENDED


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Chunk evidence as stored.

    Attributes:
        bundle: digest of the bundle that made it.
        accepted_at: when the stream took the chunk, by the stream's clock.
        scored_at: when the row was written.
        request_id: of the request that started the call.
    """

    chunk: ChunkEvidence
    bundle: str
    accepted_at: datetime
    scored_at: datetime
    request_id: str | None = None


# Several batches of a shard are scored at the same time: that long none of them hides that another one is late.
LAG_STANDS = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one shard's scoring is behind.

    Attributes:
        seconds: that the oldest record of a batch had waited.
        at: when work on that batch began.
    """

    seconds: float
    at: datetime


class SessionStore(Protocol):
    """Calls and their evidence. Reads see every write that was acknowledged before them."""

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """Reads a call."""

    def put_session(self, record: SessionRecord) -> None:
        """Writes version n over version n - 1.

        Raises:
            VersionConflict: the stored version is another one.
        """

    def delete_session(self, record: SessionRecord) -> None:
        """Deletes this version of a call; its evidence is found by nobody then, and expires.

        Raises:
            VersionConflict: the stored version is another one.
        """

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Names calls without a final decision whose `due_at` has passed, the longest overdue first, as it is asked."""

    def put_evidence(self, call: SessionRecord, row: EvidenceRow) -> bool:
        """Writes a row once, and then its mark; tells whether the row was new.

        A call that was started anew under the name of an older one has nothing in common with it.
        """

    def has_evidence(self, call: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """Tells whether a chunk was scored in a space already."""

    def marks(self, call: SessionRecord) -> Sequence[Mark]:
        """Reads the mark of every row of a call, which is a sixtieth of the rows."""

    def evidence(self, call: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """Reads the rows of these marks."""

    def report_lag(self, shard: str, lag: Lag) -> None:
        """Leaves word of how far a shard's scoring is behind; less than the last word counts after LAG_STANDS only."""

    def lag(self, shard: str) -> Lag | None:
        """Reads the last word on a shard."""


class AudioStream(Protocol):
    """Where accepted audio waits to be scored."""

    def put(self, partition: str, event: bytes) -> None:
        """Appends an event.

        Raises:
            Overloaded: the stream takes no more for now.
        """

    def shard(self, partition: str) -> str:
        """Names the shard that events of this partition go to."""


class FailureStore(Protocol):
    """Events that can never be scored, with what is needed to replay them."""

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """Writes a failure; writing it again changes nothing."""


class DecisionLog(Protocol):
    """Decisions, written once and never changed."""

    def read(self, domain: str, decision_id: str) -> Mapping[str, Any] | None:
        """Reads a decision."""

    def append(self, domain: str, document: Mapping[str, Any], expires_at: datetime) -> Mapping[str, Any]:
        """Stores a decision under its `decision_id`; returns the stored one, which may be an earlier one."""


class AudioStore(Protocol):
    """Uploaded audio, and audio that a domain chose to keep."""

    def presign_upload(self, key: str, expires_seconds: int, length: int | None) -> str:
        """Returns a URL that takes a PUT of `length` bytes, or of any number, under `key`."""

    def fetch(self, key: str, limit: int) -> bytes | None:
        """Reads an object; None when there is none.

        Raises:
            TooLarge: the object has more than `limit` bytes; nothing was read.
        """

    def keep(self, key: str, content: bytes) -> None:
        """Writes an object."""

    def discard(self, prefix: str) -> bool:
        """Deletes at most a thousand objects under a prefix; tells whether that was all."""


class Speech(Protocol):
    """What voice activity detection left of a recording."""

    @property
    def seconds(self) -> float:
        """Net speech, in seconds."""

    @property
    def channel(self) -> Channel:
        """The band of the speech."""


class SpeechModels[S: Speech](Protocol):
    """The bundle, as the services see it: from a waveform to evidence."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's manifest."""

    @property
    def embedding_space(self) -> str:
        """Space that the embeddings live in."""

    @property
    def calibration(self) -> Mapping[str, Any]:
        """What turns scores of this bundle into LLRs, as its files say."""

    def find_speech(self, waveform: Waveform) -> S:
        """Cuts a waveform down to its speech."""

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        """Both steps at once."""

    def evidence(self, speech: S, channels: Collection[Channel] = (), known: Evidence | None = None) -> Evidence:
        """Listens for liveness, and embeds speech for its own channel and those asked for that it can serve.

        What is `known` of the same speech is not done again.
        """
