"""Services on stores in memory, with models that recognise chords instead of voices."""

import base64
import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.memory import MemoryAudioStore, MemoryDecisionLog, MemoryTenantStore
from bonafide.audio.quality import measure
from bonafide.audio.speech import Mask
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.contracts import (
    AudioInput,
    AuthenticationDecision,
    AuthenticationRequest,
    ConsentReceipt,
    DomainSettings,
    Enrollment,
    EnrollmentRequest,
)
from bonafide.services.enrolment import EnrolmentService
from bonafide.services.recordings import Recordings
from bonafide.services.speakers import Speakers
from bonafide.services.tenants import Tenants
from bonafide.services.verification import VerificationService
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav

CALIBRATION = Path(__file__).parents[2] / "layers/model/calibration/calibration.json"
MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
DIMENSION = 192
WRITES = {"put_domain", "delete_domain", "put_speaker", "delete_speaker", "append", "keep", "discard"} | {
    "put_session",
    "put_evidence",
    "report_lag",
    "put",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """The loud part of a recording."""

    samples: Samples
    rate: int
    channel: Channel
    quality: Quality

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Chords:
    """`SpeechModels` for which sound is speech and its spectrum is the speaker."""

    digest = "d" * 64

    def __init__(self, embedding_space: str = "chords-1", liveness: float | None = 4.0) -> None:
        self.embedding_space = embedding_space
        self.liveness = liveness
        self.calibration: Mapping[str, Any] = json.loads(CALIBRATION.read_text()) | {
            "embedding_space": embedding_space,
            "liveness": {"threshold": -1.5},
        }

    def find_speech(self, waveform: Waveform) -> Heard:
        mask = _loud(waveform)
        channel = Channel.NARROWBAND if waveform.rate == 8000 else Channel.WIDEBAND
        return Heard(waveform.samples[mask], waveform.rate, channel, measure(waveform, mask))

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        return self.evidence(self.find_speech(waveform), channels)

    def evidence(self, speech: Heard, channels: Collection[Channel] = (), known: Evidence | None = None) -> Evidence:
        bands = {speech.channel, Channel.NARROWBAND} & {speech.channel, *channels} if speech.seconds else set()
        embeddings = {**(known.embeddings if known else {}), **{band: _spectrum(speech) for band in bands}}
        liveness = self.liveness if embeddings else None
        return Evidence(speech.seconds, speech.channel, embeddings, speech.quality, self.embedding_space, liveness)


def _loud(waveform: Waveform) -> Mask:
    """Pieces of 10 ms at least 0.8 as loud as the loudest."""
    piece = waveform.rate // 100
    loudness = np.sqrt(
        np.mean(np.square(waveform.samples[: len(waveform.samples) // piece * piece]).reshape(-1, piece), 1)
    )
    loud = (loudness > 0.8 * np.max(loudness)) & (loudness > 1e-5)
    return np.resize(np.repeat(loud, piece), len(waveform.samples))


def _spectrum(speech: Heard) -> FloatVector:
    power = np.square(np.abs(np.fft.rfft(speech.samples)))
    power = power[: round(len(power) * 8000 / speech.rate)]
    bins = np.sqrt([part.sum() for part in np.array_split(power, DIMENSION)])
    return np.asarray(bins / np.linalg.norm(bins), np.float32)


def sound(speaker: str, seconds: float = 6.0, rate: int = 16000, level: float = 0.2) -> Samples:
    """A chord that only this speaker makes."""
    # Whole periods in each 10 ms, so that it is equally loud throughout.
    hertz = 100 * np.random.default_rng(zlib.crc32(speaker.encode())).choice(np.arange(3, 35), 3, replace=False)
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * hertz[:, None] * time).sum(axis=0), np.float32)


def recording(samples: Samples, rate: int = 16000) -> AudioInput:
    return AudioInput(content=base64.b64encode(wav(pcm(samples), rate)).decode())


def speech(speaker: str, seconds: float = 6.0, rate: int = 16000) -> AudioInput:
    return recording(sound(speaker, seconds, rate), rate)


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


@dataclass
class World:
    """One deployment: state that stays, services that come and go, and a clock that is set by hand."""

    models: Chords = field(default_factory=Chords)
    now: datetime = MORNING
    store: MemoryTenantStore = field(default_factory=MemoryTenantStore)
    decisions: MemoryDecisionLog = field(default_factory=MemoryDecisionLog)
    audio: MemoryAudioStore = field(default_factory=MemoryAudioStore)
    report: Callable[[str, str], None] = lambda when, call: None

    @property
    def _recordings(self) -> Recordings:
        return Recordings(Observed(self.audio, self._tell))

    @property
    def _store(self) -> Any:
        return Observed(self.store, self._tell)

    def _tell(self, when: str, call: str) -> None:
        self.report(when, call)

    @property
    def tenants(self) -> Tenants:
        return Tenants(self._store, self._recordings, lambda: self.now)

    @property
    def speakers(self) -> Speakers:
        return Speakers(self._store, self._recordings, lambda: self.now)

    def put_domain(self, domain: str = "acme", *, keep_audio: bool = False, **policy: Any) -> None:
        settings = {"policy": policy, "retention": {"keep_audio": keep_audio}}
        self.tenants.put(domain, DomainSettings.model_validate(settings))

    def enroll(
        self, audio: AudioInput, *, speaker: str = "ann", key: str | None = None, given_at: datetime | None = None
    ) -> Enrollment:
        consent = ConsentReceipt(receipt_id="receipt", given_at=given_at or self.now - timedelta(minutes=1))
        service = EnrolmentService(self._store, self.models, self._recordings, lambda: self.now)
        return service.enroll("acme", speaker, EnrollmentRequest(consent=consent, audio=audio), key)

    def authenticate(
        self, audio: AudioInput, *, speaker: str = "ann", key: str | None = None
    ) -> AuthenticationDecision:
        log: Any = Observed(self.decisions, self._tell)
        service = VerificationService(self._store, self.models, self._recordings, log, lambda: self.now)
        return service.authenticate("acme", speaker, AuthenticationRequest(audio=audio), key)
