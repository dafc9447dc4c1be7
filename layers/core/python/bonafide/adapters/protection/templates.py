"""Voiceprints and embeddings of sessions as they are stored: rotated, and encrypted under the key of their owner."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.protection.cipher import Cipher, NotAuthenticError
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.items import reference
from bonafide.biometrics.evidence import Channel, FloatVector, HalfVector
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.observability import logger
from bonafide.records import DataKey, Stored
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.speaker import SpeakerRecord

# Part of what is authenticated, so that no later form is taken for this one.
FORM = "1"
_FLOAT = np.dtype("<f4")
_HALF = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class SealedVoiceprint:
    """Stored form of one voiceprint.

    Attributes:
        closed: what may be read without the key.
        sealed: everything, rotated and encrypted.
    """

    closed: Voiceprint
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedRow:
    """Stored form of one row of evidence.

    Attributes:
        place: the row's own within its session.
        sealed: embeddings and their directions, rotated, and the fingerprint; encrypted.
        document: the rest of the row.
    """

    place: str
    sealed: bytes
    document: Stored

    @property
    def embedding_space(self) -> str:
        """Space of the embeddings."""
        return str(self.document["embedding_space"])


@dataclass(frozen=True, slots=True)
class _RotatedRow:
    stored: SealedRow
    known: Stored
    vectors: FloatVector
    fingerprint: bytes

    def restored(self, vectors: FloatVector, halves: HalfVector) -> EvidenceRow:
        bands = [Channel(each) for each in self.known["bands"]]
        document = {**self.stored.document, "embedding_directions": self.known["embedding_directions"]}
        parts = None if self.known["parts"] is None else halves[len(bands) :]
        embeddings = dict(zip(bands, vectors, strict=False))
        return EvidenceRow.from_document(document, embeddings, parts, self.fingerprint or None)


class TemplateProtection:
    """Seals and opens voiceprints and embeddings.

    Attributes:
        keys: of the domains.
        writes: whether what was never sealed is sealed when it is written; what is sealed is read, and stays so.
        renews: whether a voiceprint that is written gets a new key if its own is wrapped by a former key of the domain.
    """

    def __init__(self, keys: DomainKeys, *, writes: bool, renews: bool = False) -> None:
        self.keys = keys
        self.writes = writes
        self.renews = renews

    def key_of_speaker(self, record: SpeakerRecord) -> DataKey:
        """Returns the key to seal a speaker's voiceprints under: the one that there is, or a new one."""
        key = record.key
        if key and key.wrapped and not (self.renews and key.domain_key != self.keys.current(record.domain).name):
            return key
        return self.keys.current(record.domain).new_data_key(*_speaker(record.domain, record.speaker))

    def key_of_session(self, record: SessionRecord, start: str) -> DataKey:
        """Makes the key of a session that begins."""
        return self.keys.current(record.domain).new_data_key(*_session(record, start))

    def seal(self, record: SpeakerRecord, key: DataKey) -> list[SealedVoiceprint]:
        """Seals the voiceprints of a speaker under a key."""
        cipher = self._cipher(record.domain, key, *_speaker(record.domain, record.speaker))
        if cipher is None:
            raise ValueError("the key of the voiceprints is gone")
        return [_seal(cipher, each) for each in record.voiceprints]

    def open(self, domain: str, speaker: str, key: DataKey, stored: Sequence[SealedVoiceprint]) -> list[Voiceprint]:
        """Opens the voiceprints of a speaker; none if the key is gone, or does not open all of them."""
        try:
            cipher = self._cipher(domain, key, *_speaker(domain, speaker))
            return [_open(cipher, each) for each in stored] if cipher else []
        except NotAuthenticError:
            logger.error("voiceprint does not open", extra={"data_key": key.name})
            return []

    def seal_row(self, session: SessionRecord, start: str, place: str, row: EvidenceRow) -> bytes | None:
        """Seals what a row knows of the voice; None if the key of the session is gone."""
        cipher = self._of_session(session, start)
        return _sealed_row(cipher, place, row) if cipher else None

    def open_rows(self, session: SessionRecord, start: str, rows: Sequence[SealedRow]) -> list[EvidenceRow]:
        """Opens rows of one session; none if its key is gone, and none of those that do not open."""
        cipher = self._of_session(session, start)
        return _with_embeddings(cipher, [each for row in rows if (each := _opened_row(cipher, row))]) if cipher else []

    def cipher_of_speaker(self, domain: str, speaker: str, key: DataKey) -> Cipher | None:
        """Returns the encryption of what is about a speaker; None if the key of the domain is gone.

        Raises:
            NotAuthenticError: the key is another speaker's.
        """
        return self._cipher(domain, key, *_speaker(domain, speaker))

    def _of_session(self, session: SessionRecord, start: str) -> Cipher | None:
        return self._cipher(session.domain, session.key, *_session(session, start)) if session.key else None

    def _cipher(self, domain: str, key: DataKey, *owner: str) -> Cipher | None:
        opened = self.keys.named(domain, key.domain_key) if key.wrapped else None
        return opened.open(key, *owner) if opened else None


def _speaker(domain: str, speaker: str) -> tuple[str, ...]:
    return "voiceprint", domain, speaker


def _session(session: SessionRecord, start: str) -> tuple[str, ...]:
    return "evidence", session.domain, session.session, start


def _seal(cipher: Cipher, voiceprint: Voiceprint) -> SealedVoiceprint:
    closed = voiceprint.closed()
    rotated = voiceprint.transformed(partial(cipher.rotate, embedding_space=voiceprint.embedding_space))
    return SealedVoiceprint(closed, cipher.seal(rotated.to_bytes(), FORM, closed.embedding_space))


def _open(cipher: Cipher, stored: SealedVoiceprint) -> Voiceprint:
    space = stored.closed.embedding_space
    rotated = Voiceprint.from_bytes(cipher.open(stored.sealed, FORM, space))
    return rotated.transformed(partial(cipher.restore, embedding_space=space))


def _sealed_row(cipher: Cipher, place: str, row: EvidenceRow) -> bytes:
    """Encrypts embeddings, those of parts in half precision, and a fingerprint, after a line that tells them."""
    evidence = row.chunk.evidence
    bands, parts = sorted(evidence.embeddings), evidence.parts
    vectors = [*(evidence.embeddings[band] for band in bands), *(() if parts is None else parts.astype(np.float32))]
    known = {
        "bands": bands,
        "parts": None if parts is None else len(parts),
        "dimension": len(vectors[0]) if vectors else 0,
        "embedding_directions": list(evidence.embedding_directions),
    }
    content = json.dumps(known).encode() + b"\n"
    if vectors:
        rotated = cipher.rotate(np.stack(vectors), evidence.embedding_space)
        content += rotated[: len(bands)].astype(_FLOAT).tobytes() + rotated[len(bands) :].astype(_HALF).tobytes()
    content += row.fingerprint.to_bytes() if row.fingerprint else b""
    return cipher.seal(content, FORM, place, evidence.embedding_space)


def _opened_row(cipher: Cipher, stored: SealedRow) -> _RotatedRow | None:
    try:
        content = cipher.open(stored.sealed, FORM, stored.place, stored.embedding_space)
    except NotAuthenticError:
        logger.error("evidence does not open", extra={"chunk": stored.document["number"]})
        return None
    line, _, data = content.partition(b"\n")
    # A string: the encoding of bytes would be guessed first, which takes as long as the rest.
    known = json.loads(line.decode())
    whole = len(known["bands"]) * known["dimension"] * _FLOAT.itemsize
    end = whole + (known["parts"] or 0) * known["dimension"] * _HALF.itemsize
    vectors = np.concatenate([np.frombuffer(data[:whole], _FLOAT), np.frombuffer(data[whole:end], _HALF)])
    return _RotatedRow(stored, known, vectors.astype(_FLOAT).reshape(-1, known["dimension"] or 1), data[end:])


def _with_embeddings(cipher: Cipher, rows: Sequence[_RotatedRow]) -> list[EvidenceRow]:
    """Turns the embeddings of all rows of a space back at once, which takes far less time than one by one."""
    found: list[EvidenceRow] = []
    for space, of_space in groupby(rows, key=lambda each: each.stored.embedding_space):
        same = list(of_space)
        spoken = [each.vectors for each in same if len(each.vectors)]
        restored = cipher.restore(np.concatenate(spoken), space) if spoken else np.empty((0, 0), _FLOAT)
        ends = np.cumsum([len(each.vectors) for each in same])[:-1]
        parts = zip(same, np.split(restored, ends), np.split(restored.astype(_HALF), ends), strict=True)
        found += [each.restored(vectors, halves) for each, vectors, halves in parts]
    return found


def sealed_attributes(key: DataKey, stored: Sequence[SealedVoiceprint]) -> Item:
    """Returns the attributes of a speaker's item that hold sealed voiceprints, the oldest space first."""
    each = [{"M": {"closed": {"B": one.closed.to_bytes()}, "sealed": {"B": one.sealed}}} for one in stored]
    return {"protected_voiceprints": {"L": each}, "key": reference(key)}


def read_sealed(item: Item) -> list[SealedVoiceprint]:
    """Reads sealed voiceprints of a speaker's item; none of an item that has none."""
    stored = [each["M"] for each in item.get("protected_voiceprints", {}).get("L", ())]
    return [SealedVoiceprint(Voiceprint.from_bytes(each["closed"]["B"]), bytes(each["sealed"]["B"])) for each in stored]
