"""From a recording to evidence, with the costly step on a thread of its own while this one asks the stores.

The network leaves Python's lock to others while it runs; whatever else could be done at the same time does not, and was
measured to gain nothing.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bonafide.biometrics.evidence import Evidence
from bonafide.contracts import AudioInput
from bonafide.errors import InvalidInput
from bonafide.observability import stage
from bonafide.ports import SpeechModels
from bonafide.services.recordings import Recordings


@dataclass(frozen=True, slots=True)
class Heard:
    """What there is in a recording.

    Attributes:
        audio: as it was sent.
        content: its bytes.
        speech: in a form that only the models know.
        evidence: the speech embedded in its own band, soon.
    """

    audio: AudioInput
    content: bytes
    speech: Any
    evidence: Future[Evidence]


class Listener:
    """Listens to one recording at a time, as an execution environment answers one request at a time."""

    def __init__(self, models: SpeechModels[Any], recordings: Recordings) -> None:
        self._models = models
        self._recordings = recordings
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._ahead: Heard | None = None

    def begin(self, audio: AudioInput) -> None:
        """Begins before it is known whether the request was answered before; a repeated one costs no more than a new.

        What was uploaded is left for later: the answer to a repeated request does not need it to be there any more.
        What is wrong with the audio is said later as well.
        """
        self._ahead = None
        if audio.content:
            with suppress(InvalidInput):
                self._ahead = self._hear("", audio)

    def listen(self, domain: str, audio: AudioInput) -> Heard:
        """Goes on with what was begun, or begins.

        Raises:
            InvalidInput: the audio cannot be used.
            NotFound: the upload is unknown.
        """
        ahead, self._ahead = self._ahead, None
        return ahead if ahead and ahead.audio == audio else self._hear(domain, audio)

    def _hear(self, domain: str, audio: AudioInput) -> Heard:
        content, waveform = self._recordings.read(domain, audio)
        with stage("find_speech"):
            speech = self._models.find_speech(waveform)
        return Heard(audio, content, speech, self._thread.submit(self._models.evidence, speech))
