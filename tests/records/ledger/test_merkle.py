"""Trees against the recursive definition of RFC 6962, section 2.1."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from bonafide.records.ledger.merkle import root_of


def defined(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_a_root_is_the_one_that_the_rfc_defines(leaves: list[bytes]) -> None:
    assert root_of(leaves) == defined(leaves).hex()


def test_a_root_is_the_published_one() -> None:
    # Test vectors of Certificate Transparency's reference implementation: merkletree/merkle_tree_test.cc.
    leaves = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"]
    leaves += [bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
    assert root_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(leaves) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
