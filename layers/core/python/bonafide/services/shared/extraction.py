"""Extraction of evidence from a recording, with the costly step on a thread of its own while stores are read.

The network releases Python's lock while it runs. Nothing else was found to gain from running at the same time.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.presentation.dominance import with_dominant_share
from bonafide.errors import InvalidInput
from bonafide.observability import Timings, stage
from bonafide.ports.models import SpeechModels
from bonafide.records.request import SubmittedAudio
from bonafide.services.shared.recordings import Recordings, from_base64, to_waveform


@dataclass(frozen=True, slots=True)
class Extraction:
    """Extraction under way.

    Attributes:
        audio: as it was sent.
        content: bytes of the recording.
        samples: digest of its samples.
        speech: in a form that only the models know.
        evidence: future evidence, with the speech embedded in its own band.
        timings_ms: of the stages so far.
    """

    audio: SubmittedAudio
    content: bytes
    samples: str
    speech: Any
    evidence: Future[Evidence]
    timings_ms: Timings


def observe_to_enroll(models: SpeechModels[Any], waveform: Waveform) -> tuple[Sequence[Evidence], Fingerprint]:
    """Extracts the evidence that voiceprints are made of, in each space, the newest first; and the fingerprint."""
    speech = models.find_speech(waveform)
    first = models.evidence(speech, [Channel.NARROWBAND])
    former = [models.evidence(speech, [Channel.NARROWBAND], first, space) for space in models.spaces[1:]]
    first = with_dominant_share(first, [first], first.channel) if first.embeddings else first
    return [first, *former], models.fingerprint(speech)


class Extractor:
    """Extracts evidence from one recording at a time, as an execution environment serves one request at a time."""

    def __init__(self, models: SpeechModels[Any], recordings: Recordings) -> None:
        self._models = models
        self._recordings = recordings
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._begun: Extraction | None = None

    def begin(self, audio: SubmittedAudio) -> None:
        """Begins with inline audio before it is known whether the request was answered before.

        Nothing is begun for an upload: a repeated request is answered even when its upload no longer exists. Errors of
        the audio are raised by `extract`.
        """
        self._begun = None
        if audio.text:
            with suppress(InvalidInput):
                self._begun = self._started(audio, from_base64(audio.text))

    def extract(self, domain: str, speaker: str, audio: SubmittedAudio) -> Extraction:
        """Returns the extraction that was begun for this audio of a speaker, or starts one.

        Raises:
            InvalidInput: the audio cannot be used.
            NotFound: the upload is unknown.
        """
        begun, self._begun = self._begun, None
        if begun and begun.audio == audio:
            return begun
        return self._started(audio, self._recordings.content(domain, speaker, audio))

    def _started(self, audio: SubmittedAudio, content: bytes) -> Extraction:
        timings: Timings = {}
        waveform = to_waveform(content, audio.format, timings)
        with stage("find_speech", timings):
            speech = self._models.find_speech(waveform)
        evidence = self._thread.submit(self._models.evidence, speech)
        return Extraction(audio, content, waveform.digest, speech, evidence, timings)
