"""Voices of watchlists as they are stored: rotated as voiceprints are, and encrypted under the key of their domain."""

import json
from collections.abc import Sequence
from functools import partial

import numpy as np

from bonafide.adapters.protection.cipher import Cipher, NotAuthenticError
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.voices import KnownVoice, VoiceKind, VoiceMatrix
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger

PURPOSE = "watchlists"
# Part of what is authenticated, so that no later form is taken for this one.
FORM = "1"
_TIME, _FLOAT = np.dtype("<f8"), np.dtype("<f4")


class VoiceSealing:
    """Seals and opens voices of watchlists."""

    def __init__(self, keys: DomainKeys) -> None:
        self._keys = keys

    def current(self, domain: str) -> str:
        """Returns the name of the key to seal under."""
        return self._keys.current(domain).name

    def seal(self, domain: str, key: str, change: int, voice: KnownVoice) -> list[bytes]:
        """Seals the voiceprints that a change brought."""
        cipher = self._cipher(domain, key)
        return [_sealed(cipher, each, str(change), *voice.name) for each in voice.voiceprints]

    def open(
        self, domain: str, key: str, change: int, name: tuple[str, str], sealed: Sequence[bytes]
    ) -> list[Voiceprint]:
        """Opens the voiceprints that a change brought.

        Raises:
            StoreUnavailable: the key is gone, or does not open them.
        """
        cipher = self._cipher(domain, key)
        return [_opened(cipher, each, str(change), *name) for each in sealed]

    def seal_block(self, domain: str, key: str, place: str, kind: VoiceKind, block: VoiceMatrix) -> bytes:
        """Seals many voices together: a line of JSON, their names, then times of expiry, seconds and vectors."""
        space, channel = kind
        cipher = self._cipher(domain, key)
        names = "\n".join("/".join(each) for each in block.names).encode()
        rows, dimension = block.vectors.shape
        line = {"space": space, "channel": channel, "rows": rows, "dimension": dimension, "names": len(names)}
        vectors = cipher.rotate(block.vectors, space).astype(_FLOAT)
        parts = [
            names,
            block.expires.astype(_TIME).tobytes(),
            block.seconds.astype(_FLOAT).tobytes(),
            vectors.tobytes(),
        ]
        return cipher.seal(json.dumps(line).encode() + b"\n" + b"".join(parts), FORM, "block", place)

    def open_block(self, domain: str, key: str, place: str, sealed: bytes) -> tuple[VoiceKind, VoiceMatrix]:
        """Opens what `seal_block` sealed.

        Raises:
            StoreUnavailable: the key is gone, or does not open it.
        """
        cipher = self._cipher(domain, key)
        content = _content(cipher, sealed, "block", place)
        begin = content.index(b"\n") + 1
        line = json.loads(content[:begin])
        rows, end = line["rows"], begin + line["names"]
        names = [tuple(each.split("/")) for each in content[begin:end].decode().split("\n")]
        expires = np.frombuffer(content, _TIME, rows, end)
        seconds = np.frombuffer(content, _FLOAT, rows, end + expires.nbytes)
        vectors = np.frombuffer(content, _FLOAT, rows * line["dimension"], end + expires.nbytes + seconds.nbytes)
        restored = cipher.restore(vectors.reshape(rows, -1), line["space"])
        kind = line["space"], Channel(line["channel"])
        return kind, VoiceMatrix(names, np.ascontiguousarray(restored, np.float32), seconds, expires)  # type: ignore[arg-type]

    def _cipher(self, domain: str, key: str) -> Cipher:
        found = self._keys.named(domain, key)
        if found is None:
            logger.error("key of watchlists is gone", extra={"domain": domain, "key_name": key})
            raise StoreUnavailable
        return found.cipher(PURPOSE)


def _sealed(cipher: Cipher, voiceprint: Voiceprint, *place: str) -> bytes:
    space = voiceprint.embedding_space
    rotated = voiceprint.transformed(partial(cipher.rotate, embedding_space=space))
    return json.dumps(space).encode() + b"\n" + cipher.seal(rotated.to_bytes(), FORM, space, *place)


def _opened(cipher: Cipher, sealed: bytes, *place: str) -> Voiceprint:
    line, _, content = sealed.partition(b"\n")
    space = json.loads(line)
    rotated = Voiceprint.from_bytes(_content(cipher, content, space, *place))
    return rotated.transformed(partial(cipher.restore, embedding_space=space))


def _content(cipher: Cipher, sealed: bytes, *place: str) -> bytes:
    try:
        return cipher.open(sealed, FORM, *place)
    except NotAuthenticError as error:
        logger.error("voices of watchlists do not open")
        raise StoreUnavailable from error
