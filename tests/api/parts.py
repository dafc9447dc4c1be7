"""The API as the tests call it: through the public client, each request once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bonafide.audio.waveform import Waveform
from bonafide_client import NO_RETRIES, ApiResponse, Client, bodies
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav
from tests.readings import reading

READERS = ("train_grace", "train_atkins", "train_kennard", "train_dotrice")


class Api:
    """Sends JSON, as an integrator does, and returns whatever comes back."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._client = Client(endpoint, retries=NO_RETRIES, connections=32)

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> ApiResponse:
        return self._client.request(method, path, body, key=key)


def audio(waveform: Waveform) -> dict[str, Any]:
    """A recording inside a request."""
    return bodies.audio(wav(pcm(waveform.samples), waveform.rate))


def enrolment(waveform: Waveform, **given: Any) -> dict[str, Any]:
    """The body of an enrolment, with consent given a minute ago."""
    given_at = given.get("given_at") or datetime.now(UTC) - timedelta(minutes=1)
    return {"consent": bodies.consent("receipt", given_at), "audio": audio(waveform)}


def enrol(api: Api, domain: str, speaker: str, reader: str) -> None:
    """Enrols with the reader's first passage; the second is for calls."""
    answer = api.call("POST", f"/v1/domains/{domain}/speakers/{speaker}/enrollments", enrolment(reading(reader, 1)))
    assert answer.document["status"] == "ENROLLED", answer
