"""Facts of a call, as the caller's platform and the telephone network know them, with references as keyed hashes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CallReference(StrEnum):
    """Kinds of references by which calls of one speaker are known again; stored as keyed hashes only."""

    NUMBER = "number"
    DEVICE = "device"
    CHANNEL = "channel"
    CARRIER = "carrier"
    COUNTRY = "country"


class Attestation(StrEnum):
    """Attestations of the originating provider, ATIS-1000074 (SHAKEN).

    A: it knows the caller and that the number is the caller's. B: it knows the caller only. C: it knows neither.
    """

    A = "A"
    B = "B"
    C = "C"


class Verstat(StrEnum):
    """Results of the check of the signature of a call, 3GPP TS 24.229, 7.2A.20."""

    PASSED = "TN-Validation-Passed"
    FAILED = "TN-Validation-Failed"
    NONE = "No-TN-Validation"


class LineType(StrEnum):
    """Types of lines. A VoIP number is fixed if it is bound to an address, and non-fixed if anybody can get one."""

    LANDLINE = "landline"
    MOBILE = "mobile"
    FIXED_VOIP = "fixed_voip"
    NON_FIXED_VOIP = "non_fixed_voip"
    TOLL_FREE = "toll_free"
    PAYPHONE = "payphone"
    PRISON = "prison"


class CallFlag(StrEnum):
    """Peculiarities of a call.

    WITHHELD: no number is shown. MIRRORED: caller and dialed number are the same. FORWARDED: somebody else was called
    first. CHARGED_ELSEWHERE: another number than the caller's pays.
    """

    WITHHELD = "withheld"
    MIRRORED = "mirrored"
    FORWARDED = "forwarded"
    CHARGED_ELSEWHERE = "charged_elsewhere"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Facts of one call.

    Attributes:
        references: keyed hashes; empty where they could not be made.
        attestation: as the verifying provider reports it.
        verstat: the same.
        line_type: of the caller's number.
        flags: each once, sorted.
        hashed: whether the hashes could be made, if there was anything to hash.
    """

    references: Mapping[CallReference, str] = field(default_factory=dict)
    attestation: Attestation | None = None
    verstat: Verstat | None = None
    line_type: LineType | None = None
    flags: tuple[CallFlag, ...] = ()
    hashed: bool = True

    @property
    def number(self) -> str | None:
        """Keyed hash of the caller's number, if it is known."""
        return self.references.get(CallReference.NUMBER)
