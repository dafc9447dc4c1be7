"""Keys of domains, and what is encrypted under them: AES-256-GCM, with keys derived by HKDF-SHA-256.

The secret of a domain wraps the data keys of its speakers and sessions, and makes the rotations of its embeddings.
What an encrypted value belongs to is its associated data, so that it opens nowhere else.
"""

import json
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bonafide.biometrics.evidence import FloatVector
from bonafide.biometrics.templates.rotation import Rotation, restored, rotated, rotation
from bonafide.records import DataKey

KEY_BYTES = 32
_NONCE_BYTES = 12
_NAME_BYTES = 8


class NotAuthenticError(Exception):
    """Raised when an encrypted value was changed, or belongs to something else."""


def new_name() -> str:
    """Returns a random name for a key."""
    return secrets.token_hex(_NAME_BYTES)


class DomainKey:
    """Opened key of one domain.

    Attributes:
        name: as data keys name it.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self._secret = secret
        self._wrapping = AESGCM(self._derived("data keys"))
        # By embedding space and dimension; a domain has embeddings in two spaces at most for long.
        self._rotations: dict[tuple[str, int], Rotation] = {}

    def new_data_key(self, *owner: str) -> DataKey:
        """Makes a data key for an owner, which is named by several words."""
        name, key = new_name(), AESGCM.generate_key(KEY_BYTES * 8)
        return DataKey(name, self.name, _sealed(self._wrapping, key, "data key", self.name, name, *owner))

    def open(self, key: DataKey, *owner: str) -> "Cipher":
        """Opens a data key of an owner.

        Raises:
            NotAuthenticError: it is not the owner's.
        """
        opened = _opened(self._wrapping, key.wrapped, "data key", self.name, key.name, *owner)
        return Cipher(self, opened, key.name, *owner)

    def cipher(self, purpose: str) -> "Cipher":
        """Returns the encryption of what belongs to the domain as a whole."""
        return Cipher(self, self._derived(purpose), purpose)

    def rotation(self, embedding_space: str, dimension: int) -> Rotation:
        """Returns the rotation of an embedding space in this domain; it is made once, in 10 ms."""
        found = self._rotations.get((embedding_space, dimension))
        if found is None:
            found = rotation(self._derived(f"rotation {embedding_space}"), dimension)
            self._rotations[embedding_space, dimension] = found
        return found

    def _derived(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"bonafide {purpose}".encode()).derive(self._secret)


class Cipher:
    """Encrypts and rotates what belongs to one data key."""

    def __init__(self, domain_key: DomainKey, key: bytes, *bound: str) -> None:
        self._domain_key = domain_key
        self._aead = AESGCM(key)
        self._bound = bound

    def rotate(self, vectors: FloatVector, embedding_space: str) -> FloatVector:
        """Rotates embeddings of a space, shape (count, dim)."""
        return rotated(vectors, self._domain_key.rotation(embedding_space, vectors.shape[1]))

    def restore(self, vectors: FloatVector, embedding_space: str) -> FloatVector:
        """Turns rotated embeddings of a space back, shape (count, dim)."""
        return restored(vectors, self._domain_key.rotation(embedding_space, vectors.shape[1]))

    def seal(self, content: bytes, *place: str) -> bytes:
        """Encrypts content for a place."""
        return _sealed(self._aead, content, *self._bound, *place)

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Decrypts what was encrypted for this place.

        Raises:
            NotAuthenticError: it was changed, or was encrypted for another place.
        """
        return _opened(self._aead, sealed, *self._bound, *place)


def _sealed(aead: AESGCM, content: bytes, *bound: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + aead.encrypt(nonce, content, _associated(bound))


def _opened(aead: AESGCM, sealed: bytes, *bound: str) -> bytes:
    try:
        return aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(bound))
    except (InvalidTag, ValueError) as error:
        raise NotAuthenticError from error


def _associated(bound: tuple[str, ...]) -> bytes:
    return json.dumps(bound).encode()
