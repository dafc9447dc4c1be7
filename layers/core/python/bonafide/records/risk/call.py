"""Calls as requests state them, and the stored forms of their facts and risks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bonafide.biometrics.risk.facts import Attestation, CallFacts, CallFlag, CallReference, LineType, Verstat
from bonafide.biometrics.risk.scorecard import CallRisk, WeighedReason
from bonafide.records import Stored, StoredForm


@dataclass(frozen=True, slots=True)
class StatedCall:
    """A call as a request states it; it is never stored, logged or answered.

    Attributes:
        references: in clear text.
        attestation: as of `CallFacts`, as everything that follows.
    """

    references: Mapping[CallReference, str] = field(repr=False)
    attestation: Attestation | None = None
    verstat: Verstat | None = None
    line_type: LineType | None = None
    flags: tuple[CallFlag, ...] = ()

    def hashed(self, hash_: Callable[[str], str | None]) -> CallFacts:
        """Returns the facts of the call, with its references as keyed hashes; without them if there is no hash.

        Args:
            hash_: returns the keyed hash of a text, nothing if it could not be made.
        """
        hashes = {kind: hash_(f"{kind}/{text}") for kind, text in self.references.items()}
        made = {kind: value for kind, value in hashes.items() if value}
        whole = len(made) == len(hashes)
        return CallFacts(
            made if whole else {}, self.attestation, self.verstat, self.line_type, self.flags, hashed=whole
        )


def written_call(call: CallFacts | None) -> str | None:
    """Returns the stored form of facts: text, which stands beside documents that earlier releases read."""
    if call is None:
        return None
    document: StoredForm = {
        "references": {str(kind): value for kind, value in call.references.items()},
        "attestation": call.attestation,
        "verstat": call.verstat,
        "line_type": call.line_type,
        "flags": list(call.flags),
        "hashed": call.hashed,
    }
    return json.dumps(document)


def read_call(text: str | None) -> CallFacts | None:
    """Reads the stored form; kinds and values that only a later release knows are left out."""
    if text is None:
        return None
    document = json.loads(text)
    return CallFacts(
        references=read_references(document["references"]),
        attestation=_one_of(Attestation, document["attestation"]),
        verstat=_one_of(Verstat, document["verstat"]),
        line_type=_one_of(LineType, document["line_type"]),
        flags=tuple(CallFlag(each) for each in document["flags"] if each in CallFlag),
        hashed=document["hashed"],
    )


def read_references(document: Stored) -> Mapping[CallReference, str]:
    """Reads keyed hashes by their kinds."""
    return {CallReference(kind): value for kind, value in document.items() if kind in CallReference}


def written_risk(risk: CallRisk | None) -> StoredForm | None:
    """Returns the stored form of a risk."""
    if risk is None:
        return None
    reasons = [[each.code, each.nats] for each in risk.reasons]
    return {"version": risk.version, "nats": risk.nats, "reasons": reasons}


def read_risk(document: Stored | None) -> CallRisk | None:
    """Reads the stored form."""
    if document is None:
        return None
    reasons = tuple(WeighedReason(str(code), float(nats)) for code, nats in document["reasons"])
    return CallRisk(document["version"], document["nats"], reasons)


def _one_of[Kind: StrEnum](kind: type[Kind], value: str | None) -> Kind | None:
    return kind(value) if value in kind.__members__.values() else None
