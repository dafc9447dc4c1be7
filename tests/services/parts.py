"""Services on stores in memory, with models that recognize chords instead of voices."""

import base64
import json
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.memory.attempts import MemoryAttemptStore
from bonafide.adapters.memory.audio import MemoryAudioStore
from bonafide.adapters.memory.calibrations import MemorySignatures
from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.memory.erasure import MemoryErasureStore
from bonafide.adapters.memory.fingerprints import MemoryFingerprintStore
from bonafide.adapters.risk.memory import MemoryCallStore
from bonafide.adapters.watchlists.memory import MemoryWatchlistStore
from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.quality import measure
from bonafide.audio.spectral.frames import Spectra
from bonafide.audio.speech import WINDOW_SECONDS, Mask
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, HalfVector, Quality
from bonafide.biometrics.scoring import SpaceCalibrations
from bonafide.contracts.audio import AudioInput, Upload, UploadRequest, upload_view
from bonafide.contracts.authentications import AuthenticationDecision, AuthenticationRequest, decision_view
from bonafide.contracts.base import Request
from bonafide.contracts.cursors import from_cursor
from bonafide.contracts.domains import (
    Domain,
    DomainHistory,
    DomainSettings,
    DomainVersionEntry,
    domain_view,
    history_view,
    version_view,
)
from bonafide.contracts.risk.calls import CallDetails
from bonafide.contracts.speakers import (
    ConsentReceipt,
    Enrollment,
    EnrollmentRequest,
    Speaker,
    SpeakerList,
    enrollment_view,
    speaker_list,
    speaker_view,
)
from bonafide.records.request import RequestContext
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.attempts import AttemptResets
from bonafide.services.authentication import AuthenticationRequested, AuthenticationService
from bonafide.services.brakes import Brakes
from bonafide.services.calibrations import Calibrations
from bonafide.services.domains import Domains
from bonafide.services.enrollment.adding import EnrollmentService
from bonafide.services.shared.braked_domains import BrakedDomains
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.recordings import Recordings
from bonafide.services.shared.replays import Replays
from bonafide.services.shared.risk.calls import CallRisks
from bonafide.services.shared.watchlists.searching import WatchlistSearch
from bonafide.services.speakers import Speakers
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav

CALIBRATION = Path(__file__).parents[2] / "layers/model/calibration/calibration.json"
MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
DIMENSION = 192
WRITES = {
    "put_domain",
    "delete_domain",
    "put_speaker",
    "delete_speaker",
    "append",
    "keep",
    "discard",
    "record_erasure",
} | {
    "put_session",
    "put_evidence",
    "publish",
    "put",
}


@dataclass(frozen=True, slots=True)
class LoudPart:
    """The loud part of a recording."""

    samples: Samples
    rate: int
    channel: Channel
    quality: Quality

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Chords:
    """`SpeechModels` for which sound is speech and its spectrum is the speaker; each space is another order of it."""

    digest = "d" * 64

    def __init__(
        self, embedding_space: str = "chords-1", liveness: float | None = 4.0, former: Sequence[str] = ()
    ) -> None:
        self.embedding_space = embedding_space
        self.liveness = liveness
        self.spaces = [embedding_space, *former]
        fitted = json.loads(CALIBRATION.read_text()) | {"liveness": {"threshold": -1.5}}
        self.calibrations: list[Mapping[str, Any]] = [fitted | {"embedding_space": space} for space in self.spaces]
        self.embedded: list[str] = []

    def find_speech(self, waveform: Waveform) -> LoudPart:
        mask = _loud(waveform)
        channel = Channel.NARROWBAND if waveform.rate == 8000 else Channel.WIDEBAND
        starts = np.arange(0, len(mask), round(WINDOW_SECONDS * waveform.rate))
        windows = np.logical_or.reduceat(mask, starts)
        return LoudPart(
            waveform.samples[mask], waveform.rate, channel, measure(waveform, Spectra.of(waveform), windows)
        )

    def fingerprint(self, speech: LoudPart) -> Fingerprint:
        return Fingerprint.of(speech.samples, speech.rate, np.ones(len(speech.samples), np.bool_))

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        return self.evidence(self.find_speech(waveform), channels)

    def evidence(
        self,
        speech: LoudPart,
        channels: Collection[Channel] = (),
        known: Evidence | None = None,
        embedding_space: str | None = None,
    ) -> Evidence:
        space = embedding_space or self.embedding_space
        self.embedded.append(space)
        bands = {speech.channel, Channel.NARROWBAND} & {speech.channel, *channels} if speech.seconds else set()
        order = np.random.default_rng(zlib.crc32(space.encode())).permutation(DIMENSION)
        there = known.embeddings if known and known.embedding_space == space else {}
        embeddings = {**there, **{band: _spectrum(speech)[order] for band in bands}}
        liveness = self.liveness if embeddings else None
        parts = _parts(speech, order) if embeddings else None
        return Evidence(speech.seconds, speech.channel, embeddings, speech.quality, space, liveness, parts=parts)


def _loud(waveform: Waveform) -> Mask:
    """Pieces of 10 ms at least 0.8 as loud as the loudest."""
    piece = waveform.rate // 100
    loudness = np.sqrt(
        np.mean(np.square(waveform.samples[: len(waveform.samples) // piece * piece]).reshape(-1, piece), 1)
    )
    loud = (loudness > 0.8 * np.max(loudness)) & (loudness > 1e-5)
    return np.resize(np.repeat(loud, piece), len(waveform.samples))


def _parts(speech: LoudPart, order: NDArray[np.int64]) -> HalfVector | None:
    pieces = np.array_split(speech.samples, max(int(speech.seconds / 2), 1))
    parts = [_spectrum(replace(speech, samples=piece))[order] for piece in pieces]
    return np.stack(parts).astype(np.float16) if len(parts) > 1 else None


def _spectrum(speech: LoudPart) -> FloatVector:
    power = np.square(np.abs(np.fft.rfft(speech.samples)))
    # Around their centers, so that no tone of a chord lies between two bins, however long the recording.
    numbers = (np.fft.rfftfreq(len(speech.samples), 1 / speech.rate) * DIMENSION / 4000 + 0.5).astype(int)
    bins = np.sqrt(np.bincount(numbers, power, DIMENSION)[:DIMENSION])
    return np.asarray(bins / np.linalg.norm(bins), np.float32)


def sound(speaker: str, seconds: float = 6.0, rate: int = 16000, level: float = 0.2) -> Samples:
    """A chord that only this speaker makes."""
    # Whole periods in each 10 ms, so that it is equally loud throughout.
    hertz = 100 * np.random.default_rng(zlib.crc32(speaker.encode())).choice(np.arange(3, 35), 3, replace=False)
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * hertz[:, None] * time).sum(axis=0), np.float32)


def recording(samples: Samples, rate: int = 16000) -> AudioInput:
    return AudioInput(content=base64.b64encode(wav(pcm(samples), rate)).decode())


def speech(speaker: str, seconds: float = 6.0, rate: int = 16000, level: float = 0.2) -> AudioInput:
    """A recording; one of another level is another recording."""
    return recording(sound(speaker, seconds, rate, level), rate)


class Observed:
    """A store that reports each call, before and after it, to whoever wants to interfere."""

    def __init__(self, store: Any, report: Callable[[str, str], None]) -> None:
        self._store = store
        self._report = report

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any) -> Any:
            self._report("before", name)
            result = method(*arguments)
            self._report("after", name)
            return result

        return call


class Killed(BaseException):
    """The process is no more; nothing may catch it."""


@dataclass
class Fate:
    """Kills at the n-th write, before or after it takes effect; n = 0 never does, and counts."""

    at: int
    when: str
    writes: int = 0

    def __call__(self, when: str, call: str) -> None:
        if call not in WRITES:
            return
        self.writes += when == "before"
        if self.writes == self.at and when == self.when:
            raise Killed


ADMINISTRATOR = "arn:aws:iam::123456789012:role/administrator"


@dataclass(frozen=True, slots=True)
class DomainCalls:
    """Domains as handlers serve them: the service, and the view of its result."""

    service: Domains

    def put(self, domain: str, settings: DomainSettings) -> Domain:
        return domain_view(self.service.put(domain, settings.to_record(), ADMINISTRATOR))

    def get(self, domain: str) -> Domain:
        return domain_view(self.service.get(domain))

    def versions(self, domain: str, before: int | None, limit: int) -> DomainHistory:
        return history_view(self.service.versions(domain, before, limit + 1), limit)

    def version(self, domain: str, version: int) -> DomainVersionEntry:
        return version_view(self.service.version(domain, version))

    def delete(self, domain: str, *, force: bool) -> None:
        self.service.delete(domain, force=force)

    def offer_upload(self, domain: str) -> Upload:
        return upload_view(self.service.offer_upload(domain, None, context(UploadRequest(), None))[1])


@dataclass(frozen=True, slots=True)
class SpeakerCalls:
    """Speakers as handlers serve them."""

    service: Speakers

    def get(self, domain: str, speaker: str) -> Speaker:
        found, record = self.service.get(domain, speaker)
        return speaker_view(found, record.summary)

    def list(self, domain: str, cursor: str | None, limit: int) -> SpeakerList:
        return speaker_list(*self.service.list(domain, from_cursor(cursor), limit))

    def opt_out(self, domain: str, speaker: str) -> Speaker:
        found, record = self.service.opt_out(domain, speaker)
        return speaker_view(found, record.summary)

    def delete(self, domain: str, speaker: str) -> None:
        self.service.delete(domain, speaker)


def context(request: Request, key: str | None) -> RequestContext:
    return RequestContext(key, request.digest(), "request-1", "arn:aws:iam::123456789012:role/integrator")


@dataclass
class World:
    """One deployment: state that stays, services that come and go, and a clock that is set by hand."""

    models: Chords = field(default_factory=Chords)
    now: datetime = MORNING
    store: MemoryDomainStore = field(default_factory=MemoryDomainStore)
    decisions: MemoryDecisionStore = field(default_factory=lambda: MemoryDecisionStore(lambda: MORNING))
    audio: MemoryAudioStore = field(default_factory=MemoryAudioStore)
    report: Callable[[str, str], None] = lambda when, call: None
    signatures: MemorySignatures = field(default_factory=MemorySignatures)
    callers: Any = field(default_factory=MemoryCallerHashes)
    counters: MemoryAttemptStore = field(default_factory=MemoryAttemptStore)
    calls: MemoryCallStore = field(default_factory=MemoryCallStore)
    erasures: MemoryErasureStore = field(default_factory=MemoryErasureStore)
    environment: BrakedDomains = field(init=False)
    fingerprints: MemoryFingerprintStore = field(init=False)

    def __post_init__(self) -> None:
        self.environment = self.start()
        self.fingerprints = MemoryFingerprintStore(lambda: self.now)

    def start(self) -> BrakedDomains:
        """What an environment that has just started knows of brakes."""
        brakes: Any = Observed(self.store.brakes, self._tell)
        return BrakedDomains(self._store, brakes, clock=lambda: self.now)

    @property
    def book(self) -> CalibrationBook:
        """What an environment that has just started knows of calibrations."""
        return CalibrationBook(SpaceCalibrations.parse(self.models.calibrations), self.signatures, lambda: self.now)

    @property
    def calibrations(self) -> Calibrations:
        return Calibrations(self.store.calibrations, self.store, self.signatures, lambda: self.now)

    @property
    def brakes(self) -> Brakes:
        return Brakes(self.store.brakes, self.store, lambda: self.now)

    @property
    def _counters(self) -> Any:
        """Those that a memory store reads together with its domains, or a store by itself."""
        return getattr(self.store, "attempts", self.counters)

    @property
    def attempts(self) -> Any:
        return Observed(self._counters, self._tell)

    @property
    def resets(self) -> AttemptResets:
        return AttemptResets(self._counters, self.store, self.callers, lambda: self.now)

    @property
    def _recordings(self) -> Recordings:
        return Recordings(Observed(self.audio, self._tell))

    @property
    def _erasures(self) -> Any:
        return Observed(self.erasures, self._tell)

    @property
    def _store(self) -> Any:
        return Observed(self.store, self._tell)

    @property
    def replays(self) -> Replays:
        return Replays(self.fingerprints, clock=lambda: self.now)

    @property
    def risks(self) -> CallRisks:
        return CallRisks(Observed(self.calls, self._tell), lambda: self.now)

    @property
    def search(self) -> WatchlistSearch:
        """What an environment that has just started knows of watchlists."""
        store = getattr(self.store, "watchlists", None) or MemoryWatchlistStore()
        return WatchlistSearch(store, lambda: self.now)

    def _tell(self, when: str, call: str) -> None:
        self.report(when, call)

    @property
    def domains(self) -> DomainCalls:
        parts = self._store, self.attempts, self._recordings, self.fingerprints, self._erasures
        return DomainCalls(Domains(*parts, lambda: self.now))

    @property
    def speakers(self) -> SpeakerCalls:
        parts = self._store, self.attempts, self._recordings, self.fingerprints, self._erasures
        return SpeakerCalls(Speakers(*parts, lambda: self.now))

    def stored(self, speaker: str, domain: str = "acme") -> SpeakerRecord:
        """The record as it is stored."""
        _, record = self.store.find(domain, speaker)
        assert record is not None
        return record

    def put_domain(self, domain: str = "acme", *, keep_audio: bool = False, **policy: Any) -> None:
        days = {name: policy.pop(name) for name in ("voiceprint_days",) if name in policy}
        settings = {"policy": {"disclosure": "full", **policy}, "retention": {"keep_audio": keep_audio, **days}}
        self.domains.put(domain, DomainSettings.model_validate(settings))

    def enroll(
        self,
        audio: AudioInput,
        *,
        speaker: str = "ann",
        key: str | None = None,
        given_at: datetime | None = None,
        **receipt: Any,
    ) -> Enrollment:
        consent = ConsentReceipt(receipt_id="receipt", given_at=given_at or self.now - timedelta(minutes=1), **receipt)
        request = EnrollmentRequest(consent=consent, audio=audio)
        service = EnrollmentService(
            self._store, self.models, self._recordings, self.book, self.replays, lambda: self.now, lambda *_: None
        )
        asked = context(request, key)
        return enrollment_view(service.enroll("acme", speaker, audio.to_record(), consent.to_record(), asked))

    def authenticate(
        self,
        audio: AudioInput,
        *,
        speaker: str = "ann",
        key: str | None = None,
        caller: str | None = None,
        call: Mapping[str, Any] | None = None,
    ) -> AuthenticationDecision:
        log: Any = Observed(self.decisions, self._tell)
        parts = self.environment, self.models, self._recordings, log, self.attempts, self.callers
        service = AuthenticationService(*parts, self.book, self.replays, self.risks, self.search, lambda: self.now)
        request = AuthenticationRequest(audio=audio, call=CallDetails.model_validate(call) if call else None)
        said = audio.to_record(), "call-7", context(request, key), caller, request.stated_call()
        record = service.authenticate(AuthenticationRequested("acme", speaker, *said))
        return decision_view(record)
