"""The bundle of models: verified files, graphs that take samples, and the one path from a recording to evidence."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.networks import SpeakerNetwork, WholeAndParts, open_graph, outputs
from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.quality import measure
from bonafide.audio.resample import resample
from bonafide.audio.spectral.band import effective_channel
from bonafide.audio.spectral.frames import Spectra
from bonafide.audio.speech import Mask, sample_mask, speech_windows, with_surroundings
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Waveform, without_offset
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality

NARROWBAND_RATE = 8000
# Shorter than this there are too few frames for statistics; calibration requires far more before a score is trusted.
SHORTEST_SPEECH_SECONDS = 0.25
# Window of the detector of synthetic speech.
LIVENESS_WINDOW_SECONDS = 4.0
# Speakers differ by about 0.1 in a component.
COMPONENT_DIGITS = 3


@dataclass(frozen=True, slots=True)
class DetectedSpeech:
    """The speech of a recording, without long pauses.

    Attributes:
        waveform: wideband speech with its surroundings, or narrowband speech alone, at 8 kHz, since its pauses hold
            the noise of the line.
        whole: the recording, uncut: a cut is a trace of its own.
        spoken: which samples of `whole` are speech, shape (n,).
        seconds: net duration of the speech alone.
        channel: the band of the speech.
        quality: measurements on the speech and its pauses.
    """

    waveform: Waveform
    whole: Waveform
    spoken: Mask
    seconds: float
    channel: Channel
    quality: Quality

    @classmethod
    def of_all(cls, waveform: Waveform, channel: Channel, quality: Quality) -> Self:
        """Takes all samples for speech."""
        spoken = np.ones(len(waveform.samples), np.bool_)
        return cls(waveform, waveform, spoken, waveform.seconds, channel, quality)


class FormerGraph:
    """The speaker network of a former embedding space, opened when somebody enrolled in it first calls.

    Not before, since it would keep memory and delay every start for people who may never call.
    """

    def __init__(self, open_network: Callable[[], SpeakerNetwork]) -> None:
        self._open = open_network
        self._lock = threading.Lock()
        self._network: SpeakerNetwork | None = None

    @property
    def network(self) -> SpeakerNetwork:
        """The opened graph."""
        with self._lock:
            if self._network is None:
                self._network = self._open()
            return self._network


@dataclass(frozen=True, slots=True)
class Bundle:
    """Loaded models.

    Attributes:
        digest: sha256 of the manifest, which holds the digests of all files.
        version: of the bundle, for people.
        embedding_space: only embeddings of the same space may be compared.
        dimension: of an embedding of that space.
        calibrations: what turns scores into likelihood ratios, for each of `spaces`; none if it was not calibrated.
    """

    digest: str
    version: str
    embedding_space: str
    dimension: int
    calibrations: Sequence[Mapping[str, Any]]
    _vad: onnxruntime.InferenceSession
    _speaker: SpeakerNetwork
    _former: Mapping[str, FormerGraph]
    _detector: onnxruntime.InferenceSession | None
    _directions: Sequence[Sequence[float]] = ()

    @classmethod
    def load(cls, directory: Path, digest: str | None = None, threads: int = 1, *, liveness: bool = True) -> Self:
        """Verifies and opens a bundle.

        Args:
            directory: where the files are.
            digest: sha256 that the manifest must have; None accepts any manifest (training and tools only).
            threads: of each graph.
            liveness: whether the bundle's detector of synthetic speech, if it has one, will be needed.

        Raises:
            BundleCorrupt: a file is missing or its digest is wrong.
        """
        files = BundleFiles.open(directory, digest)
        with_detector = liveness and files.has_detector
        return cls(
            digest=files.digest,
            version=files.manifest["version"],
            embedding_space=files.manifest["embedding_space"],
            dimension=files.manifest["dimension"],
            calibrations=files.calibrations(),
            _vad=open_graph(files.read("vad.onnx"), threads),
            _speaker=SpeakerNetwork.open(files.read("speaker.onnx"), threads),
            _former={each["embedding_space"]: _former(files, each["speaker"], threads) for each in files.former},
            _detector=open_graph(files.read("spoof.onnx"), threads) if with_detector else None,
            _directions=files.directions(),
        )

    @property
    def calibration(self) -> Mapping[str, Any]:
        """Document that turns scores in the bundle's own space into likelihood ratios; empty without calibration."""
        return self.calibrations[0] if self.calibrations else {}

    @property
    def spaces(self) -> Sequence[str]:
        """Embedding spaces that are served: the bundle's own, then former ones, the newest first."""
        return [self.embedding_space, *self._former]

    def speech_probabilities(self, waveform: Waveform) -> NDArray[np.float32]:
        """Returns the probability of speech in each window of 32 ms, shape (windows,)."""
        return _run(self._vad, waveform)

    def find_speech(self, waveform: Waveform) -> DetectedSpeech:
        """Cuts the long pauses out of a recording and measures it."""
        windows = speech_windows(self.speech_probabilities(without_offset(waveform)))
        mask = sample_mask(windows, len(waveform.samples), waveform.rate)
        spectra = Spectra.of(waveform)
        channel = effective_channel(waveform.rate, spectra, windows)
        wider = with_surroundings(windows) if channel is Channel.WIDEBAND else windows
        kept = sample_mask(wider, len(waveform.samples), waveform.rate)
        return DetectedSpeech(
            waveform=_in_band(Waveform(waveform.samples[kept], waveform.rate), channel),
            whole=waveform,
            spoken=mask,
            seconds=int(mask.sum()) / waveform.rate,
            channel=channel,
            quality=measure(waveform, spectra, windows),
        )

    def fingerprint(self, speech: DetectedSpeech) -> Fingerprint:
        """Makes the fingerprint of a recording, of its speech only: prompts and music come again in every call."""
        return Fingerprint.of(speech.whole.samples, speech.whole.rate, speech.spoken)

    def embed(self, speech: DetectedSpeech, channel: Channel, embedding_space: str | None = None) -> FloatVector:
        """Returns the unit vector of the speaker, shape (dimension of the space,).

        Args:
            speech: at least SHORTEST_SPEECH_SECONDS.
            channel: NARROWBAND brings wideband speech to the telephone band first.
            embedding_space: one of `spaces`; the bundle's own if None.

        Raises:
            ValueError: wideband is asked of narrowband speech.
        """
        if channel is Channel.WIDEBAND and speech.channel is Channel.NARROWBAND:
            raise ValueError("narrowband speech has no wideband embedding")
        return self._embed(speech, channel, embedding_space or self.embedding_space).unit

    def _embed(self, speech: DetectedSpeech, channel: Channel, space: str) -> WholeAndParts:
        heard = to_narrowband(speech.waveform) if channel is Channel.NARROWBAND else speech.waveform
        return self._network(space).embed(heard)

    def _network(self, embedding_space: str) -> SpeakerNetwork:
        return self._speaker if embedding_space == self.embedding_space else self._former[embedding_space].network

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        """Takes a recording to evidence: the one path for authentication, enrollment, calibration and evaluation.

        Args:
            waveform: the recording.
            channels: bands to embed besides the recording's own; those that it does not have are left out.
        """
        return self.evidence(self.find_speech(waveform), channels)

    def evidence(
        self,
        speech: DetectedSpeech,
        channels: Collection[Channel] = (),
        known: Evidence | None = None,
        embedding_space: str | None = None,
    ) -> Evidence:
        """The second half of `observe`, for code that chooses `channels` by the speech.

        Args:
            speech: of one recording.
            channels: bands to embed besides the recording's own.
            known: evidence of the same speech, perhaps in fewer bands; of another space, its embeddings are not taken.
            embedding_space: one of `spaces`; the bundle's own if None.
        """
        space = embedding_space or self.embedding_space
        there = known.embeddings if known and known.embedding_space == space else {}
        enough = speech.seconds >= SHORTEST_SPEECH_SECONDS
        possible = {speech.channel, Channel.NARROWBAND} & {speech.channel, *channels}
        missing = sorted(possible - there.keys()) if enough else []
        made = {channel: self._embed(speech, channel, space) for channel in missing}
        # Drift is watched by the bundle's own network only: a former one has other norms and directions.
        heard = made.get(speech.channel)
        own = heard if space == self.embedding_space else None
        return Evidence(
            speech_seconds=speech.seconds,
            channel=speech.channel,
            embeddings={**there, **{channel: each.unit for channel, each in made.items()}},
            quality=speech.quality,
            embedding_space=space,
            liveness=known.liveness if known else self.liveness(speech) if enough else None,
            embedding_norm=known.embedding_norm if known else own.length if own else None,
            embedding_directions=known.embedding_directions if known else self._components(own.unit) if own else (),
            parts=heard.parts if heard else known.parts if known and there else None,
        )

    def _components(self, unit: FloatVector) -> tuple[float, ...]:
        """Returns the components of an embedding that drift is watched by, no finer than that needs."""
        return tuple(round(float(np.dot(each, unit)), COMPONENT_DIGITS) for each in self._directions)

    def liveness(self, speech: DetectedSpeech) -> float | None:
        """Returns the LLR of bona fide against synthetic speech; None without a detector, or without speech.

        It is the mean over windows of four to eight seconds, weighted by their speech; a shorter recording is one
        window. Windows cover the whole recording: a clone could hide in a part that is not tested.
        """
        if self._detector is None or not speech.spoken.any():
            return None
        # Telephone speech that is stored at 16 kHz went over a telephone line all the same.
        whole = _in_band(speech.whole, speech.channel)
        windows = max(int(whole.seconds // LIVENESS_WINDOW_SECONDS), 1)
        pieces = np.array_split(whole.samples, windows)
        spoken = [int(part.sum()) for part in np.array_split(speech.spoken, windows)]
        # One after the other, so that memory does not grow with the recording; windows without speech are skipped.
        llrs = [
            float(_run(self._detector, Waveform(piece, whole.rate))[0]) if some else 0.0
            for piece, some in zip(pieces, spoken, strict=True)
        ]
        return float(np.average(llrs, weights=spoken))


def _former(files: BundleFiles, name: str, threads: int) -> FormerGraph:
    """Verifies a former network now, so that a function with a wrong one does not start, and opens it later."""
    files.read(name)
    return FormerGraph(lambda: SpeakerNetwork.open(files.read(name), threads))


def _run(session: onnxruntime.InferenceSession, waveform: Waveform) -> NDArray[np.float32]:
    return outputs(session, waveform)[0]


def _in_band(speech: Waveform, channel: Channel) -> Waveform:
    if channel is Channel.WIDEBAND or speech.rate == NARROWBAND_RATE:
        return speech
    return Waveform(resample(speech.samples, speech.rate, NARROWBAND_RATE), NARROWBAND_RATE)
