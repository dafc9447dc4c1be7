"""Sessions of real people in chunks, whose evidence the real models gave once, and a consumer for them in memory."""

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.memory.audio import MemoryAudioStream, MemoryFailureStore
from bonafide.adapters.memory.calibrations import MemorySignatures
from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.memory.fingerprints import MemoryFingerprintStore
from bonafide.adapters.memory.sessions import MemoryIntakeReader, MemorySessionStore, MemoryShardLagStore
from bonafide.adapters.onnx import Bundle
from bonafide.adapters.risk.memory import MemoryCallStore
from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.g711 import MULAW
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.policy import Disclosure, Policy
from bonafide.biometrics.scoring import SpaceCalibrations
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts.events import parse, write
from bonafide.contracts.sessions import (
    ChunkReceipt,
    ChunkRequest,
    ClaimRequest,
    EndRequest,
    Session,
    SessionEvaluation,
    SessionRequest,
    evaluation_view,
    receipt_view,
    session_view,
)
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.session import EvidenceRow
from bonafide.records.speaker import SpeakerRecord
from bonafide.records.stream import ChunkRecord, EndRecord
from bonafide.services.shared.braked_domains import BrakedDomains
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.replays import Replays
from bonafide.services.shared.risk.calls import CallRisks
from bonafide.services.shared.watchlists.searching import WatchlistSearch
from bonafide.services.streaming.closing import SessionClosing
from bonafide.services.streaming.failed_records import FailedRecords
from bonafide.services.streaming.intake import AudioIntake
from bonafide.services.streaming.judging import SessionJudge
from bonafide.services.streaming.scoring import ChunkScoring
from bonafide.services.streaming.sessions import Sessions
from bonafide.stream_consumer import batch_entry
from layers.golden.readers import load
from tests.services.parts import MORNING, Observed, context

BUNDLE = Path(__file__).parents[1] / ".build/layers/model/bundle"
DOMAIN = "acme"
SECONDS = 1.5
TELEPHONE = {"encoding": "mulaw", "sample_rate": 8000}


@cache
def bundle() -> Bundle:
    return Bundle.load(BUNDLE)


readers = cache(load)


@cache
def telephone(reader: str) -> tuple[Waveform, Waveform]:
    """What a reader is enrolled with, and what they call with."""
    person = readers()[reader]
    return to_narrowband(Waveform(person.enrollment, 16000)), to_narrowband(Waveform(person.call, 16000))


def mulaw(samples: Samples) -> bytes:
    """As a telephone exchange sends it; exact, since the samples came out of G.711."""
    order = np.argsort(MULAW, kind="stable")
    pcm = np.rint(samples * 32768).astype(np.int64)
    return order[np.searchsorted(MULAW[order], pcm)].astype(np.uint8).tobytes()


@cache
def chunks(reader: str, number: int = 4) -> tuple[bytes, ...]:
    """The first chunks of a reader's call."""
    length = round(SECONDS * 8000)
    samples = telephone(reader)[1].samples
    return tuple(mulaw(samples[start : start + length]) for start in range(0, number * length, length))


@cache
def observed(samples: bytes) -> Evidence:
    """What the real models say of a chunk."""
    return bundle().observe(Waveform(np.frombuffer(samples, np.float32), 8000))


@cache
def voiceprint(reader: str) -> Voiceprint:
    return Voiceprint.empty(bundle().embedding_space).add(bundle().observe(telephone(reader)[0]))


class Remembering:
    """`SpeechModels` that look up what the real ones said."""

    def __init__(
        self, embedding_space: str | None = None, digest: str | None = None, former: Sequence[str] = ()
    ) -> None:
        self.digest = digest or bundle().digest
        self.embedding_space = embedding_space or bundle().embedding_space
        self.spaces = [self.embedding_space, *former]
        self.calibrations = [{**bundle().calibration, "embedding_space": space} for space in self.spaces]

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        return self.evidence(self.find_speech(waveform), channels)

    def find_speech(self, waveform: Waveform) -> Any:
        return waveform

    def fingerprint(self, speech: Any) -> Fingerprint:
        return Fingerprint.of(speech.samples, speech.rate, np.ones(len(speech.samples), np.bool_))

    def evidence(
        self, speech: Any, channels: Collection[Channel] = (), known: Any = None, embedding_space: str | None = None
    ) -> Evidence:
        return replace(observed(speech.samples.tobytes()), embedding_space=embedding_space or self.embedding_space)


@dataclass(frozen=True, slots=True)
class Script:
    """A call: who calls, whom they claim to be, and what they say."""

    session: str
    caller: str
    claimed: str
    number: int = 4
    call: Mapping[str, Any] | None = None

    def chunk(self, number: int) -> bytes:
        return sent(self.session, number, chunks(self.caller, self.number)[number])

    @property
    def end(self) -> bytes:
        return write(EndRecord(DOMAIN, self.session, self.number, MORNING))

    @property
    def events(self) -> list[bytes]:
        return [*(self.chunk(number) for number in range(self.number)), self.end]


def sent(session: str, number: int, content: bytes) -> bytes:
    return write(ChunkRecord(DOMAIN, session, number, content))


@dataclass
class Context:
    """Of a function."""

    function_name: str = "score_audio"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:score_audio"
    aws_request_id: str = "request"


@dataclass(frozen=True, slots=True)
class SessionCalls:
    """Sessions as handlers serve them: the service, and the view of its result."""

    service: Sessions

    def start(self, domain: str, request: SessionRequest, key: str | None) -> Session:
        _, record = self.service.start(domain, request.to_record(), context(request, key))
        return session_view(record)

    def get(self, domain: str, session: str) -> Session:
        return session_view(self.service.get(domain, session))

    def claim(self, domain: str, session: str, request: ClaimRequest) -> Session:
        return session_view(self.service.claim(domain, session, request.speaker))

    def evaluate(self, domain: str, session: str) -> SessionEvaluation:
        return evaluation_view(self.service.evaluate(domain, session))


@dataclass(frozen=True, slots=True)
class IntakeCalls:
    """Intake as handlers serve it."""

    service: AudioIntake

    def put(self, domain: str, session: str, number: int, request: ChunkRequest) -> ChunkReceipt:
        accepted_at = self.service.put(domain, session, number, request.content, request.stated())
        return receipt_view(session, number, accepted_at)

    def end(self, domain: str, session: str, request: EndRequest) -> Session:
        return session_view(self.service.end(domain, session, request.chunks)[1])


@dataclass
class Deployment:
    """One deployment of the streaming half: state that stays, consumers that come and go, a clock set by hand."""

    models: Remembering = field(default_factory=Remembering)
    now: datetime = MORNING
    domains: MemoryDomainStore = field(default_factory=MemoryDomainStore)
    sessions: MemorySessionStore = field(default_factory=MemorySessionStore)
    lags: MemoryShardLagStore = field(default_factory=MemoryShardLagStore)
    decisions: MemoryDecisionStore = field(default_factory=lambda: MemoryDecisionStore(lambda: MORNING))
    failures: MemoryFailureStore = field(default_factory=MemoryFailureStore)
    stream: MemoryAudioStream = field(default_factory=MemoryAudioStream)
    report: Callable[[str, str], None] = lambda when, call: None
    sequence: "count[int]" = field(default_factory=count)
    signatures: MemorySignatures = field(default_factory=MemorySignatures)
    callers: Any = field(default_factory=MemoryCallerHashes)
    counters: MemoryCallStore = field(default_factory=MemoryCallStore)

    environment: BrakedDomains = field(init=False)
    fingerprints: MemoryFingerprintStore = field(init=False)

    def __post_init__(self) -> None:
        self.fingerprints = MemoryFingerprintStore(self._clock)
        domains, brakes = map(self._observed, (self.domains, self.domains.brakes))
        self.environment = BrakedDomains(domains, brakes, clock=self._clock)
        policy, retention = Policy(disclosure=Disclosure.FULL), Retention(30, keep_audio=False, replay_days=0)
        self.domains.put_domain(DomainRecord(DOMAIN, policy, retention, MORNING, MORNING, version=1))

    def _observed(self, store: Any) -> Any:
        return Observed(store, self._tell)

    def _tell(self, when: str, call: str) -> None:
        self.report(when, call)

    def _clock(self) -> datetime:
        return self.now

    @property
    def replays(self) -> Replays:
        return Replays(self.fingerprints, clock=self._clock)

    @property
    def risks(self) -> CallRisks:
        return CallRisks(self._observed(self.counters), self._clock)

    @property
    def search(self) -> WatchlistSearch:
        return WatchlistSearch(self.domains.watchlists, self._clock)

    @property
    def judge(self) -> SessionJudge:
        book = CalibrationBook(SpaceCalibrations.parse(self.models.calibrations), self.signatures, self._clock)
        sessions, decisions = map(self._observed, (self.sessions, self.decisions))
        parts = sessions, self.environment, decisions, self._observed(self.domains.attempts)
        return SessionJudge(*parts, book, self.replays, self.risks, self.search, self.models.digest, self._clock)

    @property
    def scoring(self) -> ChunkScoring:
        lags = self._observed(self.lags)
        return ChunkScoring(self._observed(self.sessions), lags, self.models, self.judge, self._clock)

    @property
    def calls(self) -> SessionCalls:
        sessions, domains = self._observed(self.sessions), self._observed(self.domains)
        reader = MemoryIntakeReader(self.domains, sessions, self.lags)
        return SessionCalls(Sessions(sessions, domains, self.callers, reader, self.judge, self._clock))

    @property
    def intake(self) -> IntakeCalls:
        sessions, stream = self._observed(self.sessions), self._observed(self.stream)
        reader = MemoryIntakeReader(self.domains, sessions, self.lags)
        return IntakeCalls(AudioIntake(sessions, self.domains, reader, stream, self._clock))

    @property
    def closing(self) -> SessionClosing:
        return SessionClosing(self._observed(self.sessions), self.domains, self.judge, self._clock)

    @property
    def entry(self) -> Callable[[dict[str, Any]], Any]:
        """The consuming function's entry point, freshly started."""
        handler = batch_entry(self.scoring, FailedRecords(self._observed(self.failures), self.domains, self.sessions))
        context: Any = Context()
        return lambda event: handler(event, context)

    def enroll(self, reader: str, speaker: str | None = None) -> None:
        record = SpeakerRecord(DOMAIN, speaker or reader, SpeakerStatus.ENROLLED, MORNING, MORNING, version=1)
        self.write(replace(record, voiceprint=voiceprint(reader)))

    def write(self, record: SpeakerRecord) -> None:
        domain = self.domains.domain(DOMAIN)
        assert domain is not None
        self.domains.put_speaker(domain, record)

    def start(self, *scripts: Script) -> None:
        """Starts calls under the names of their scripts."""
        for script in scripts:
            if self.domains.find(DOMAIN, script.claimed)[1] is None:
                self.enroll(script.claimed)
            body = {"speaker": script.claimed, "format": TELEPHONE, "call": script.call}
            request = SessionRequest.model_validate(body)
            started = self.calls.start(DOMAIN, request, script.session).session_id
            record = self.sessions._sessions.pop((DOMAIN, started))
            self.sessions.put_session(replace(record, session=script.session))

    def take(self, event: bytes) -> None:
        """Scores an event, a moment after the last one."""
        self.now += timedelta(milliseconds=7)
        self.scoring.handle(parse(event), self.now)

    def records(self, events: Sequence[bytes]) -> list[dict[str, Any]]:
        """The events as records of a shard."""
        return [self._record(event, f"{next(self.sequence):056d}") for event in events]

    def _record(self, event: bytes, sequence: str) -> dict[str, Any]:
        kinesis = {
            "partitionKey": "partition",
            "sequenceNumber": sequence,
            "data": base64.b64encode(event).decode(),
            "approximateArrivalTimestamp": self.now.timestamp(),
        }
        source = "arn:aws:kinesis:eu-west-1:123456789012:stream/audio"
        return {"kinesis": kinesis, "eventID": f"shardId-000000000000:{sequence}", "eventSourceARN": source}

    def rows(self, session: str) -> list[EvidenceRow]:
        record = self.sessions.session(DOMAIN, session)
        assert record is not None
        return list(self.sessions.evidence(record, self.sessions.marks(record)))

    def evidence(self, session: str) -> list[str]:
        """Everything that is known of a call's chunks but times, to the last bit."""
        return sorted(_described(row) for row in self.rows(session))

    def final(self, session: str) -> dict[str, Any]:
        """The session's one decision without its time and timings."""
        mine = [each for each in self.decisions.documents.values() if each["session_id"] == session]
        assert len(mine) == 1, f"{len(mine)} decisions"
        return {name: value for name, value in mine[0].items() if name not in {"decided_at", "timings_ms"}}

    def is_final(self, session: str) -> bool:
        record = self.sessions.session(DOMAIN, session)
        return record is not None and record.decision_id is not None


def _described(row: EvidenceRow) -> str:
    evidence = row.chunk.evidence
    vectors = {band: hashlib.sha256(vector.tobytes()).hexdigest() for band, vector in evidence.embeddings.items()}
    facts = [row.chunk.number, row.chunk.content, row.bundle, evidence.embedding_space, vectors]
    return json.dumps([*facts, evidence.speech_seconds, evidence.channel, repr(evidence.quality)])
