"""Sessions and shard lags in memory."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bonafide.adapters.memory.versions import require_version
from bonafide.biometrics.session import Mark, content_tag, tag
from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.ports.stream import IntakeState, ShardLagStore
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.stream import ShardLag


class MemorySessionStore:
    """`SessionStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], SessionRecord] = {}
        self._rows: dict[tuple[str, str, datetime], dict[tuple[int, str, str], EvidenceRow]] = {}
        self._accepted: defaultdict[tuple[str, str, datetime], set[tuple[int, str]]] = defaultdict(set)

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """See `SessionStore`."""
        return self._sessions.get((domain, session))

    def start_session(self, record: SessionRecord) -> None:
        """See `SessionStore`. Nothing is encrypted here."""
        self.put_session(record)

    def put_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with self._lock:
            require_version(self._sessions.get((record.domain, record.session)), record.version - 1)
            self._sessions[record.domain, record.session] = record

    def delete_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with self._lock:
            require_version(self._sessions.get((record.domain, record.session)), record.version)
            del self._sessions[record.domain, record.session]

    def of_speaker(self, domain: str, speaker: str, limit: int) -> Sequence[SessionRecord]:
        """See `SessionStore`."""
        found = [each for each in self._sessions.values() if (each.domain, each.speaker) == (domain, speaker)]
        return found[:limit]

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """See `SessionStore`."""
        waiting = [record for record in self._sessions.values() if not record.decision_id and record.due_at <= now]
        yield from ((each.domain, each.session) for each in sorted(waiting, key=lambda each: each.due_at))

    def put_evidence(self, session: SessionRecord, *rows: EvidenceRow) -> bool:
        """See `SessionStore`."""
        with self._lock:
            known = self._rows.setdefault((session.domain, session.session, session.started_at), {})
            new = [known.setdefault(row.mark.tag, row) is row for row in rows]
            return any(new)

    def note_accepted(self, session: SessionRecord, number: int, content: str) -> None:
        """See `SessionStore`."""
        self._accepted[session.domain, session.session, session.started_at].add((number, content_tag(content)))

    def accepted(self, session: SessionRecord) -> Collection[tuple[int, str]]:
        """See `SessionStore`."""
        return frozenset(self._accepted[session.domain, session.session, session.started_at])

    def has_evidence(self, session: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """See `SessionStore`."""
        return tag(number, content, embedding_space) in self._of(session)

    def marks(self, session: SessionRecord) -> Sequence[Mark]:
        """See `SessionStore`."""
        with self._lock:
            return [row.mark for row in self._of(session).values()]

    def evidence(self, session: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """See `SessionStore`."""
        rows = self._of(session)
        return [rows[mark.tag] for mark in marks]

    def _of(self, session: SessionRecord) -> Mapping[tuple[int, str, str], EvidenceRow]:
        return self._rows.get((session.domain, session.session, session.started_at), {})


class MemoryIntakeReader:
    """`IntakeReader` over other stores."""

    def __init__(self, domains: DomainStore, sessions: SessionStore, lags: ShardLagStore) -> None:
        self._domains = domains
        self._sessions = sessions
        self._lags = lags

    def read(self, domain: str, session: str, shard: str | None = None) -> IntakeState:
        """See `IntakeReader`."""
        lag = self._lags.lag(shard) if shard else None
        return IntakeState(self._domains.domain(domain), self._sessions.session(domain, session), lag)


class MemoryShardLagStore:
    """`ShardLagStore` in memory."""

    def __init__(self) -> None:
        self._lags: dict[str, ShardLag] = {}

    def publish(self, shard: str, lag: ShardLag) -> None:
        """See `ShardLagStore`."""
        known = self._lags.get(shard)
        if known is None or lag.replaces(known):
            self._lags[shard] = lag
        else:
            self._lags[shard] = replace(known, later_at=lag.at)

    def lag(self, shard: str) -> ShardLag | None:
        """See `ShardLagStore`."""
        return self._lags.get(shard)
