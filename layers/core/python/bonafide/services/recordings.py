"""From the audio of a request to bytes and a waveform."""

import binascii
import re
import secrets

from bonafide.audio.decode import decode
from bonafide.audio.waveform import Waveform
from bonafide.contracts import MAX_AUDIO_BYTES, UPLOAD_SECONDS, AudioInput, Upload
from bonafide.errors import InvalidInput, NotFound
from bonafide.observability import stage
from bonafide.ports import AudioStore

UPLOADS = "uploads"
KEPT = "kept"
UPLOAD_NAME = re.compile(r"[A-Za-z0-9_-]{32}")  # of 24 random bytes


class Recordings:
    """Reads what was sent inline or uploaded before, and keeps it where a domain wants that."""

    def __init__(self, store: AudioStore) -> None:
        self._store = store

    def offer_upload(self, domain: str, length: int | None) -> Upload:
        """Returns a place for a recording of `length` bytes, if known, which only this domain can name afterwards."""
        name = secrets.token_urlsafe(24)
        url = self._store.presign_upload(_upload_key(domain, name), UPLOAD_SECONDS, length)
        return Upload(upload=name, url=url, expires_in_seconds=UPLOAD_SECONDS, max_bytes=MAX_AUDIO_BYTES)

    def read(self, domain: str, audio: AudioInput) -> tuple[bytes, Waveform]:
        """Returns the recording's bytes and its waveform.

        Raises:
            InvalidInput: the base64 or the audio is malformed or of an unsupported kind.
            NotFound: nothing was uploaded under that name.
        """
        content = self._uploaded(domain, audio.upload) if audio.upload else inline(audio.content or "", "audio.content")
        with stage("decode"):
            return content, decode(content, encoding=audio.encoding, rate=audio.sample_rate, channel=audio.channel)

    def keep(self, domain: str, speaker: str, name: str, content: bytes) -> None:
        """Keeps a recording until its speaker is deleted or opts out."""
        self._store.keep(f"{_kept_prefix(domain, speaker)}{name}", content)

    def forget(self, domain: str, speaker: str, name: str) -> None:
        """Deletes one kept recording, if there is one."""
        self._store.discard(f"{_kept_prefix(domain, speaker)}{name}")

    def forget_speaker(self, domain: str, speaker: str) -> None:
        """Deletes whatever was kept of a speaker."""
        while not self._store.discard(_kept_prefix(domain, speaker)):
            pass

    def forget_some(self, domain: str) -> bool:
        """Deletes some of what was kept in a domain, of known speakers or not; tells whether that was all."""
        return self._store.discard(f"{KEPT}/{domain}/")

    def _uploaded(self, domain: str, name: str) -> bytes:
        # No other name was ever given out, and no path into another domain is one.
        known = UPLOAD_NAME.fullmatch(name)
        content = self._store.fetch(_upload_key(domain, name), MAX_AUDIO_BYTES) if known else None
        if content is None:
            raise NotFound("upload_not_found", "Nothing was uploaded under this name.", field="audio.upload")
        return content


def inline(content: str, field: str) -> bytes:
    """Reads base64.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return binascii.a2b_base64(content, strict_mode=True)
    except ValueError as error:
        raise InvalidInput(
            "audio_not_base64", "The audio is not valid base64.", field=field, limit="RFC 4648 base64"
        ) from error


def _upload_key(domain: str, name: str) -> str:
    return f"{UPLOADS}/{domain}/{name}"


def _kept_prefix(domain: str, speaker: str) -> str:
    return f"{KEPT}/{domain}/{speaker}/"
