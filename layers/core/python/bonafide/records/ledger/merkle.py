"""Merkle trees as RFC 6962 (section 2.1) defines them: SHA-256, with leaves and nodes told apart by their first byte.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

from collections.abc import Sequence
from hashlib import sha256

_LEAF = b"\x00"
_NODE = b"\x01"


def root_of(leaves: Sequence[bytes]) -> str:
    """Returns the Merkle tree hash of contents in their order, hexadecimal.

    The RFC splits a list at the largest power of two below its length. Joining neighbors level by level, and taking a
    last one without a neighbor to the next level, gives the same tree.
    """
    level = [sha256(_LEAF + each).digest() for each in leaves]
    if not level:
        return sha256().hexdigest()
    while len(level) > 1:
        joined = [sha256(_NODE + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = joined + level[len(joined) * 2 :]
    return level[0].hex()
