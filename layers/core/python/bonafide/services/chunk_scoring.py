"""The consumer's side of the stream: each chunk becomes one row of evidence, whatever was delivered how often."""

import hashlib
from datetime import datetime
from typing import Any

from bonafide.audio.decode import decode
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.session import ChunkEvidence, SessionStatus
from bonafide.events import AudioChunk, SessionEnded, parse
from bonafide.observability import continued, follow, logger, measurements, stage
from bonafide.ports import EvidenceRow, Lag, SessionRecord, SessionStore, SpeechModels
from bonafide.services.clock import Clock, utc_now
from bonafide.services.evaluation import SessionJudge
from bonafide.services.recordings import inline
from bonafide.services.sessions import change_session, ended, find_session


class ChunkScoring:
    """Scores events of the stream."""

    def __init__(
        self, sessions: SessionStore, models: SpeechModels[Any], judge: SessionJudge, clock: Clock = utc_now
    ) -> None:
        self._sessions = sessions
        self._models = models
        self._judge = judge
        self._clock = clock

    def handle(self, data: bytes, accepted_at: datetime) -> None:
        """Takes one event; taking it again, at any time and in any order, changes nothing.

        Args:
            data: of the stream's record.
            accepted_at: by the stream's clock; producers' clocks are not trusted.

        Raises:
            BonafideError: `Unavailable` may succeed later; any other never will.
        """
        event = parse(data)
        with continued(event.trace, event.type):
            follow(event.request_id)
            record = self._score(event, accepted_at) if isinstance(event, AudioChunk) else self._end(event)
            if record.status is SessionStatus.ENDED:
                self._judge.settle(record)

    def report_lag(self, shard: str, oldest: datetime) -> None:
        """Leaves word for the door of how long the shard's oldest record of this batch had waited."""
        now = self._clock()
        self._sessions.report_lag(shard, Lag((now - oldest).total_seconds(), now))

    def _score(self, event: AudioChunk, accepted_at: datetime) -> SessionRecord:
        record = find_session(self._sessions, event.domain, event.session)
        content = inline(event.content, "content")
        digest = hashlib.sha256(content).hexdigest()
        space = self._models.embedding_space
        if not self._sessions.has_evidence(record, event.chunk, digest, space):
            chunk = ChunkEvidence(event.chunk, digest, self._observe(record, content))
            row = EvidenceRow(chunk, self._models.digest, accepted_at, self._clock(), record.request_id)
            if self._sessions.put_evidence(record, row):
                lag_ms = (self._clock() - accepted_at).total_seconds() * 1000
                measurements.add(ChunksScored=1, EvidenceLag=max(lag_ms, 0))
        # Read again: the end may have been written while this was scored, and then somebody has to look.
        return find_session(self._sessions, event.domain, event.session)

    def _observe(self, record: SessionRecord, content: bytes) -> Evidence:
        with stage("decode"):
            waveform = decode(content, encoding=record.encoding, rate=record.sample_rate, channel=record.channel)
        with stage("find_speech"):
            speech = self._models.find_speech(waveform)
        with stage("embed"):
            return self._models.evidence(speech, record.bands)

    def _end(self, event: SessionEnded) -> SessionRecord:
        """Of several counts the largest counts, whichever came first; to a final call none makes a difference."""

        def with_count(record: SessionRecord) -> SessionRecord:
            known = record.chunk_count
            if record.finalised_at or (known is not None and known >= event.chunks):
                return record
            return ended(record, event.chunks, self._clock())

        record = change_session(self._sessions, event.domain, event.session, with_count)
        if record.chunk_count != event.chunks:
            measurements.add(EventsWithoutEffect=1)
            logger.warning("end without effect", extra={"chunks": event.chunks, "known": record.chunk_count})
        return record
