"""Twins of the stores, in memory, for the services' own tests; one contract test holds both kinds to the same words."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bonafide.biometrics.session import Mark, tag
from bonafide.errors import TooLarge
from bonafide.ports import (
    LAG_STANDS,
    DomainChanged,
    DomainRecord,
    EvidenceRow,
    Lag,
    SessionRecord,
    SpeakerPage,
    SpeakerRecord,
    VersionConflict,
)


class MemoryTenantStore:
    """`TenantStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._domains: dict[str, DomainRecord] = {}
        self._speakers: dict[tuple[str, str], SpeakerRecord] = {}

    def domain(self, domain: str) -> DomainRecord | None:
        """See `TenantStore`."""
        return self._domains.get(domain)

    def put_domain(self, record: DomainRecord) -> None:
        """See `TenantStore`."""
        with self._lock:
            _require_follows(self._domains.get(record.domain), record)
            self._domains[record.domain] = record

    def delete_domain(self, record: DomainRecord) -> None:
        """See `TenantStore`."""
        with self._lock:
            stored = self._domains.get(record.domain)
            _require_version(stored, record.version)
            _require_same(stored, record)
            del self._domains[record.domain]

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `TenantStore`."""
        with self._lock:
            return self._domains.get(domain), self._speakers.get((domain, speaker))

    def put_speaker(self, record: SpeakerRecord) -> None:
        """See `TenantStore`."""
        with self._lock:
            domain = self._domains.get(record.domain)
            if domain is None or domain.deleting:
                raise DomainChanged
            _require_follows(self._speakers.get((record.domain, record.speaker)), record)
            self._speakers[record.domain, record.speaker] = record

    def delete_speaker(self, domain: str, speaker: str) -> bool:
        """See `TenantStore`."""
        with self._lock:
            return self._speakers.pop((domain, speaker), None) is not None

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `TenantStore`."""
        with self._lock:
            names = sorted(name for tenant, name in self._speakers if tenant == domain and name > (after or ""))
            page = [self._speakers[domain, name] for name in names[:limit]]
        return SpeakerPage(page, page[-1].speaker if len(names) > limit else None)


class MemoryDecisionLog:
    """`DecisionLog` in memory."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Mapping[str, Any]] = {}

    def append(self, domain: str, document: Mapping[str, Any], expires_at: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        """See `DecisionLog`."""
        return self.documents.setdefault((domain, document["decision_id"]), document)

    def read(self, domain: str, decision_id: str) -> Mapping[str, Any] | None:
        """See `DecisionLog`."""
        return self.documents.get((domain, decision_id))


class MemorySessionStore:
    """`SessionStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], SessionRecord] = {}
        self._rows: dict[tuple[str, str, datetime], dict[tuple[int, str, str], EvidenceRow]] = {}
        self._lags: dict[str, Lag] = {}

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """See `SessionStore`."""
        return self._sessions.get((domain, session))

    def put_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with self._lock:
            _require_version(self._sessions.get((record.domain, record.session)), record.version - 1)
            self._sessions[record.domain, record.session] = record

    def delete_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with self._lock:
            _require_version(self._sessions.get((record.domain, record.session)), record.version)
            del self._sessions[record.domain, record.session]

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """See `SessionStore`."""
        waiting = [record for record in self._sessions.values() if not record.decision_id and record.due_at <= now]
        yield from ((each.domain, each.session) for each in sorted(waiting, key=lambda each: each.due_at))

    def put_evidence(self, call: SessionRecord, row: EvidenceRow) -> bool:
        """See `SessionStore`."""
        with self._lock:
            rows = self._rows.setdefault((call.domain, call.session, call.started_at), {})
            return rows.setdefault(_mark(row).tag, row) is row

    def has_evidence(self, call: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """See `SessionStore`."""
        return tag(number, content, embedding_space) in self._of(call)

    def marks(self, call: SessionRecord) -> Sequence[Mark]:
        """See `SessionStore`."""
        with self._lock:
            return [_mark(row) for row in self._of(call).values()]

    def evidence(self, call: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """See `SessionStore`."""
        rows = self._of(call)
        return [rows[mark.tag] for mark in marks]

    def _of(self, call: SessionRecord) -> Mapping[tuple[int, str, str], EvidenceRow]:
        return self._rows.get((call.domain, call.session, call.started_at), {})

    def report_lag(self, shard: str, lag: Lag) -> None:
        """See `SessionStore`."""
        last = self._lags.get(shard)
        if last is None or lag.seconds >= last.seconds or lag.at - last.at > LAG_STANDS:
            self._lags[shard] = lag

    def lag(self, shard: str) -> Lag | None:
        """See `SessionStore`."""
        return self._lags.get(shard)


class MemoryAudioStream:
    """`AudioStream` in memory: one shard, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, bytes]] = []

    def put(self, partition: str, event: bytes) -> None:
        """See `AudioStream`."""
        self.events.append((partition, event))

    def shard(self, partition: str) -> str:  # noqa: ARG002
        """See `AudioStream`."""
        return "shardId-000000000000"


class MemoryFailureStore:
    """`FailureStore` in memory."""

    def __init__(self) -> None:
        self.documents: dict[str, Mapping[str, Any]] = {}

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """See `FailureStore`."""
        self.documents[name] = document


class MemoryAudioStore:
    """`AudioStore` in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def presign_upload(self, key: str, expires_seconds: int, length: int | None) -> str:
        """See `AudioStore`."""
        return f"memory:{key}?expires={expires_seconds}&length={length}"

    def fetch(self, key: str, limit: int) -> bytes | None:
        """See `AudioStore`."""
        content = self.objects.get(key)
        if content is not None and len(content) > limit:
            raise TooLarge(
                "audio_too_large",
                "The uploaded recording has too many bytes.",
                field="audio.upload",
                limit=limit,
                found=len(content),
            )
        return content

    def keep(self, key: str, content: bytes) -> None:
        """See `AudioStore`."""
        self.objects[key] = content

    def discard(self, prefix: str) -> bool:
        """See `AudioStore`."""
        found = [key for key in self.objects if key.startswith(prefix)]
        for key in found[:1000]:
            del self.objects[key]
        return len(found) <= 1000


def _mark(row: EvidenceRow) -> Mark:
    return Mark.of(row.chunk, int(row.accepted_at.timestamp()))


def _require_version(record: DomainRecord | SpeakerRecord | SessionRecord | None, version: int) -> None:
    if (record.version if record else 0) != version:
        raise VersionConflict


def _require_follows(stored: DomainRecord | SpeakerRecord | None, record: DomainRecord | SpeakerRecord) -> None:
    _require_version(stored, record.version - 1)
    _require_same(stored, record)


def _require_same(stored: DomainRecord | SpeakerRecord | None, record: DomainRecord | SpeakerRecord) -> None:
    if stored and stored.created_at != record.created_at:
        raise VersionConflict
