"""Sessions and the evidence of their chunks."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from bonafide.audio.encoding import RecordingFormat
from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, HalfVector, Quality
from bonafide.biometrics.risk.facts import CallFacts
from bonafide.biometrics.session import ChunkEvidence, Mark, SessionStatus
from bonafide.records import DataKey, Stored, StoredForm, known, times
from bonafide.records.risk.call import read_call, written_call

SCHEMA = 1
# An ended session waits so long for chunks that are still missing; an open one so long for anything at all.
GRACE = timedelta(seconds=30)
IDLE = timedelta(seconds=120)
LONGEST_SESSION = timedelta(hours=1)
MAX_CHUNKS = 7200


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session.

    Attributes:
        format: of every chunk.
        bands: embedded besides a chunk's own; fixed at the start, so that equal audio always gives equal evidence.
        spaces: embedding spaces in which the speaker claimed at the start has voiceprints; empty when nobody was,
            or the claim changed: then chunks are embedded in every space that is served.
        chunk_count: number of chunks; None until the end is known.
        due_at: when the session has to be looked at again, to make its decision final.
        expires_at: from then on no audio is taken.
        finalized_at: when the session was closed, so that nothing about it changes any more but its decision.
        decision_id: of the final decision, once that is written.
        request_id: of the request that started the session; everything done for it carries this identifier.
        principal: verified identity that started the session.
        version: optimistic version, 0 when never written.
        claims: different speakers that were claimed so far, in order; empty in the place of one who was erased.
        caller: keyed hash of the reference to the caller, if one was given.
        call: facts of the call, if any were given at the start.
        key: of the evidence, for the store alone; None where it is not encrypted.
    """

    domain: str
    session: str
    speaker: str | None
    call_id: str | None
    format: RecordingFormat
    bands: tuple[Channel, ...]
    started_at: datetime
    due_at: datetime
    expires_at: datetime
    chunk_count: int | None = None
    decision_id: str | None = None
    finalized_at: datetime | None = None
    request_id: str | None = None
    principal: str | None = None
    version: int = 0
    spaces: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    caller: str | None = None
    call: CallFacts | None = None
    key: DataKey | None = field(default=None, compare=False, repr=False)

    @property
    def status(self) -> SessionStatus:
        """Status by what is known of the session."""
        if self.decision_id:
            return SessionStatus.FINAL
        return SessionStatus.OPEN if self.chunk_count is None else SessionStatus.ENDED

    def next(self, **changes: Any) -> Self:
        """Returns the following version of this record."""
        return replace(self, version=self.version + 1, **changes)

    def claimed(self, speaker: str) -> Self:
        """Returns this session with another claimed speaker."""
        # The release before stored no claims; the present one counts.
        before = self.claims or ((self.speaker,) if self.speaker else ())
        claims = before if speaker in before else (*before, speaker)
        return replace(self, speaker=speaker, claims=claims, spaces=self.spaces if speaker == self.speaker else ())

    def ended(self, chunks: int, now: datetime) -> Self:
        """Returns this session with its count; the wait for missing chunks begins with the first count."""
        due_at = now + GRACE if self.chunk_count is None else self.due_at
        return replace(self, chunk_count=chunks, due_at=due_at)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "session": self.session,
            "speaker": self.speaker,
            "call_id": self.call_id,
            "encoding": str(self.format.encoding),
            "sample_rate": self.format.sample_rate,
            "channel": self.format.channel,
            "bands": list(self.bands),
            "chunk_count": self.chunk_count,
            "decision_id": self.decision_id,
            "started_at": self.started_at.isoformat(),
            "due_at": self.due_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "finalised_at": times.written(self.finalized_at),
            "request_id": self.request_id,
            "principal": self.principal,
            "version": self.version,
            "spaces": list(self.spaces),
            "claims": list(self.claims),
            "caller": self.caller,
            "call": written_call(self.call),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form of this or an earlier release."""
        return cls(
            domain=document["domain"],
            session=document["session"],
            speaker=document["speaker"],
            call_id=document["call_id"],
            format=RecordingFormat.read(document),
            bands=tuple(Channel(band) for band in document["bands"]),
            started_at=datetime.fromisoformat(document["started_at"]),
            due_at=datetime.fromisoformat(document["due_at"]),
            expires_at=datetime.fromisoformat(document["expires_at"]),
            chunk_count=document["chunk_count"],
            decision_id=document["decision_id"],
            finalized_at=times.read(document["finalised_at"]),
            request_id=document.get("request_id"),
            principal=document.get("principal"),
            version=document["version"],
            spaces=tuple(document.get("spaces", ())),
            claims=tuple(document.get("claims", ())),
            caller=document.get("caller"),
            call=read_call(document.get("call")),
        )


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Evidence of one chunk, as stored.

    Attributes:
        bundle: digest of the bundle that extracted it.
        accepted_at: when the stream took the chunk, by the stream's clock.
        scored_at: when the row was written.
        request_id: of the request that started the session.
        fingerprint: of the chunk, by which a copy of its audio is found; None where none was made.
    """

    chunk: ChunkEvidence
    bundle: str
    accepted_at: datetime
    scored_at: datetime
    request_id: str | None = None
    fingerprint: Fingerprint | None = None

    @property
    def mark(self) -> Mark:
        """Mark of this row."""
        return Mark.of(self.chunk, int(self.accepted_at.timestamp()))

    def to_document(self) -> StoredForm:
        """Returns the stored form without embeddings and fingerprint, which are stored as bytes."""
        evidence = self.chunk.evidence
        quality = asdict(evidence.quality)
        # The first release takes no more within the quality than it knows.
        dynamic_range = quality.pop("dynamic_range_db")
        # It is of all chunks together.
        del quality["dominant_share"]
        return {
            "schema": SCHEMA,
            "number": self.chunk.number,
            "content": self.chunk.content,
            "speech_seconds": evidence.speech_seconds,
            "channel": evidence.channel,
            "quality": quality,
            "dynamic_range_db": dynamic_range,
            "embedding_space": evidence.embedding_space,
            "liveness": evidence.liveness,
            "embedding_norm": evidence.embedding_norm,
            "embedding_directions": list(evidence.embedding_directions),
            "bundle": self.bundle,
            "accepted_at": self.accepted_at.isoformat(),
            "scored_at": self.scored_at.isoformat(),
            "request_id": self.request_id,
        }

    @classmethod
    def from_document(
        cls,
        document: Stored,
        embeddings: dict[Channel, FloatVector],
        parts: HalfVector | None = None,
        fingerprint: bytes | None = None,
    ) -> Self:
        """Reads a stored form of this or an earlier release."""
        evidence = Evidence(
            speech_seconds=document["speech_seconds"],
            channel=Channel(document["channel"]),
            embeddings=embeddings,
            quality=_read_quality(document),
            embedding_space=document["embedding_space"],
            liveness=document.get("liveness"),
            embedding_norm=document.get("embedding_norm"),
            embedding_directions=tuple(document.get("embedding_directions", ())),
            parts=parts,
        )
        return cls(
            chunk=ChunkEvidence(document["number"], document["content"], evidence),
            bundle=document["bundle"],
            accepted_at=datetime.fromisoformat(document["accepted_at"]),
            scored_at=datetime.fromisoformat(document["scored_at"]),
            request_id=document.get("request_id"),
            fingerprint=Fingerprint.from_bytes(fingerprint) if fingerprint else None,
        )


def is_heard(accepted: Collection[tuple[int, str]], marks: Iterable[Mark], count: int) -> bool:
    """Tells whether every accepted content of the session's chunk numbers has evidence, each by its `content_tag`."""
    heard = {(mark.number, mark.content) for mark in marks}
    return heard.issuperset(each for each in accepted if each[0] < count)


def set_digest(marks: Iterable[Mark], count: int | None) -> str:
    """Names a set of chunks: SHA-256, hex, over a line `number:content` for each, sorted, without duplicates.

    Args:
        marks: of the session.
        count: number of chunks of the session, once known; chunks beyond do not belong to it.
    """
    names = {(mark.number, mark.content) for mark in marks if count is None or mark.number < count}
    lines = "".join(f"{number}:{content}\n" for number, content in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def _read_quality(document: Stored) -> Quality:
    return Quality(**known(Quality, document["quality"]), dynamic_range_db=document.get("dynamic_range_db"))
