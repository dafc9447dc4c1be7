"""Voices of a domain written together in S3, so that a hundred thousand are read within a second."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from bonafide.adapters.s3 import S3Objects, s3_errors
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.biometrics.watchlists.voices import KnownVoices, VoiceKind, VoiceMatrix, VoiceName
from bonafide.records.watchlists.entry import PackedVoices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "watchlists"
# Voices in one object, 12.6 MB of 192 numbers each: little beside the whole, and enough for several connections.
BLOCK_VOICES = 16_384
CONNECTIONS = 4


class VoicePacks:
    """Packed voices in one bucket, `watchlists/<domain>/<name>/<number>`."""

    def __init__(self, client: "S3Client", bucket: str, sealing: VoiceSealing) -> None:
        self._objects = S3Objects(client, bucket)
        self._sealing = sealing

    def write(self, domain: str, key: str, voices: KnownVoices) -> PackedVoices:
        """Writes voices under a new name, encrypted under a key of the domain."""
        name, number = secrets.token_hex(8), 0
        for number, (kind, block) in enumerate(_blocks(voices), 1):
            place = _place(domain, name, number)
            with s3_errors():
                self._objects.put(place, self._sealing.seal_block(domain, key, place, kind, block))
        return PackedVoices(voices.version, number, key, name)

    def read(self, domain: str, packed: PackedVoices) -> KnownVoices | None:
        """Reads packed voices; None if an object is not there any more.

        Raises:
            StoreUnavailable: S3 did not answer, or they do not open.
        """
        places = [_place(domain, packed.name, number) for number in range(1, packed.blocks + 1)]
        with ThreadPoolExecutor(CONNECTIONS) as several:
            blocks = list(several.map(lambda place: self._block(domain, packed.key, place), places))
        found = [each for each in blocks if each]
        if len(found) < len(places):
            return None
        kinds = dict.fromkeys(kind for kind, _ in found)
        return KnownVoices(packed.change, {kind: _joined([each for of, each in found if of == kind]) for kind in kinds})

    def delete(self, domain: str, packed: PackedVoices | None) -> None:
        """Deletes packed voices, as far as they are there."""
        if packed and packed.blocks:
            with s3_errors():
                self._objects.delete([_place(domain, packed.name, number) for number in range(1, packed.blocks + 1)])

    def _block(self, domain: str, key: str, place: str) -> tuple[VoiceKind, VoiceMatrix] | None:
        with s3_errors():
            answer = self._objects.get(place)
            content = answer["Body"].read() if answer else None
        return self._sealing.open_block(domain, key, place, content) if content else None


def _blocks(voices: KnownVoices) -> Iterator[tuple[VoiceKind, VoiceMatrix]]:
    for kind, matrix in voices.matrices.items():
        for begin in range(0, len(matrix.names), BLOCK_VOICES):
            part = slice(begin, begin + BLOCK_VOICES)
            yield (
                kind,
                VoiceMatrix(matrix.names[part], matrix.vectors[part], matrix.seconds[part], matrix.expires[part]),
            )


def _joined(blocks: list[VoiceMatrix]) -> VoiceMatrix:
    """Joins blocks into one matrix, each of which is let go once it is copied."""
    if len(blocks) == 1:
        return blocks[0]
    rows, dimension = sum(len(each.names) for each in blocks), blocks[0].vectors.shape[1]
    vectors, begin = np.empty((rows, dimension), np.float32), 0
    names: list[VoiceName] = []
    seconds, expires = [], []
    while blocks:
        block = blocks.pop(0)
        vectors[begin : begin + len(block.names)] = block.vectors
        begin += len(block.names)
        names += block.names
        seconds.append(block.seconds)
        expires.append(block.expires)
    return VoiceMatrix(names, vectors, np.concatenate(seconds), np.concatenate(expires))


def _place(domain: str, name: str, number: int) -> str:
    return f"{PREFIX}/{domain}/{name}/{number}"
