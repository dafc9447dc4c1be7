"""Scoring of the audio stream: each chunk becomes one row of evidence, however often it is delivered."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.presentation.voices import without_overlaps
from bonafide.biometrics.session import ChunkEvidence, SessionStatus
from bonafide.observability import continued, follow, logger, measurements, stage
from bonafide.ports.models import SpeechModels
from bonafide.ports.stores import SessionStore
from bonafide.ports.stream import ShardLagStore
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.stream import ChunkRecord, EndRecord, ShardLag, StreamRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import change_session, find_session
from bonafide.services.shared.recordings import to_waveform
from bonafide.services.shared.shadow.offers import ChunkOffers
from bonafide.services.streaming.judging import SessionJudge


class ChunkScoring:
    """Scores records of the stream."""

    def __init__(
        self,
        sessions: SessionStore,
        lags: ShardLagStore,
        models: SpeechModels[Any],
        judge: SessionJudge,
        clock: Clock = utc_now,
        shadow: ChunkOffers | None = None,
    ) -> None:
        self._sessions = sessions
        self._lags = lags
        self._models = models
        self._judge = judge
        self._clock = clock
        self._shadow = shadow

    def handle(self, event: StreamRecord, accepted_at: datetime) -> None:
        """Takes one record; taking it again, at any time and in any order, changes nothing.

        Args:
            event: of the stream.
            accepted_at: by the stream's clock; producers' clocks are not trusted.

        Raises:
            BonafideError: `Unavailable` may succeed later; any other never will.
        """
        with continued(event.origin.trace, "audio.chunk" if isinstance(event, ChunkRecord) else "session.ended"):
            follow(event.origin.request_id)
            record = self._score(event, accepted_at) if isinstance(event, ChunkRecord) else self._end(event)
            if record.status is SessionStatus.ENDED:
                self._judge.settle(record)

    def publish_lag(self, shard: str, oldest: datetime) -> None:
        """Publishes for admission control how long the shard's oldest record of this batch had waited."""
        now = self._clock()
        self._lags.publish(shard, ShardLag((now - oldest).total_seconds(), now))

    def _score(self, event: ChunkRecord, accepted_at: datetime) -> SessionRecord:
        record = find_session(self._sessions, event.domain, event.session)
        digest = hashlib.sha256(event.content).hexdigest()
        spaces = self._missing(record, event.number, digest)
        if spaces:
            found, fingerprint = self._observe(record, event.content, spaces)
            chunks = [ChunkEvidence(event.number, digest, without_overlaps(each)) for each in found]
            times = accepted_at, self._clock()
            rows = [EvidenceRow(each, self._models.digest, *times, record.request_id, fingerprint) for each in chunks]
            if self._sessions.put_evidence(record, *rows):
                lag_ms = (self._clock() - accepted_at).total_seconds() * 1000
                measurements.add(ChunksScored=1, EvidenceLag=max(lag_ms, 0))
                if self._shadow:
                    self._shadow.offer(record, event.number, event.content, digest)
        # Read again: the end may have been written meanwhile, and then the session has to be settled here.
        return find_session(self._sessions, event.domain, event.session)

    def _missing(self, record: SessionRecord, number: int, content: str) -> list[str]:
        """Returns the embedding spaces that a chunk is still to be scored in.

        They are all in which the claimed speaker has a voiceprint, so that the session can be judged in any of them,
        whichever release decides in the end.
        """
        served = self._models.spaces
        wanted = [space for space in served if space in record.spaces] or served
        return [space for space in wanted if not self._sessions.has_evidence(record, number, content, space)]

    def _observe(
        self, record: SessionRecord, content: bytes, spaces: Sequence[str]
    ) -> tuple[list[Evidence], Fingerprint]:
        waveform = to_waveform(content, record.format)
        with stage("find_speech"):
            speech = self._models.find_speech(waveform)
        found: list[Evidence] = []
        with stage("embed"):
            for space in spaces:
                found.append(self._models.evidence(speech, record.bands, found[0] if found else None, space))
        return found, self._models.fingerprint(speech)

    def _end(self, event: EndRecord) -> SessionRecord:
        """The largest chunk count wins, whichever came first; none has an effect on a final session."""

        def with_count(record: SessionRecord) -> SessionRecord:
            known = record.chunk_count
            if record.finalized_at or (known is not None and known >= event.chunks):
                return record
            return record.ended(event.chunks, self._clock())

        record = change_session(self._sessions, event.domain, event.session, with_count)
        if record.chunk_count != event.chunks:
            measurements.add(EventsWithoutEffect=1)
            logger.warning("end without effect", extra={"chunks": event.chunks, "known": record.chunk_count})
        return record
