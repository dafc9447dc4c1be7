"""The model bundle, as the services see it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence


class Speech(Protocol):
    """The speech of a recording, found by voice activity detection."""

    @property
    def seconds(self) -> float:
        """Net speech, in seconds."""

    @property
    def channel(self) -> Channel:
        """Band of the speech."""


class SpeechModels[S: Speech](Protocol):
    """The models of one bundle: from a waveform to evidence."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's manifest, hex."""

    @property
    def embedding_space(self) -> str:
        """Identifier of the space that the embeddings live in."""

    @property
    def spaces(self) -> Sequence[str]:
        """Embedding spaces that the bundle serves: its own, then former ones, the newest first."""

    @property
    def calibrations(self) -> Sequence[Mapping[str, Any]]:
        """Documents that turn scores into LLRs, one for each of `spaces`, as `Calibration.parse` reads them."""

    def find_speech(self, waveform: Waveform) -> S:
        """Cuts a waveform down to its speech."""

    def fingerprint(self, speech: S) -> Fingerprint:
        """Makes the fingerprint of speech, by which a copy of the recording is found."""

    def observe(self, waveform: Waveform, channels: Collection[Channel] = ()) -> Evidence:
        """Finds the speech of a waveform and extracts its evidence."""

    def evidence(
        self,
        speech: S,
        channels: Collection[Channel] = (),
        known: Evidence | None = None,
        embedding_space: str | None = None,
    ) -> Evidence:
        """Detects liveness, and embeds speech for its own channel and for those asked for that it can serve.

        Args:
            speech: of one recording.
            channels: bands that are wanted besides the speech's own.
            known: evidence of the same speech, which is not extracted again; of another space, all but its embeddings.
            embedding_space: one of `spaces`; the bundle's own if None.
        """
