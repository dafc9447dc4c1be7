"""Records as DynamoDB items and back.

What conditions and keys need are attributes of their own; the rest is one JSON document, so that a field can be added
without a migration. The voiceprint is one binary attribute.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bonafide.biometrics.enrolment import SpeakerStatus
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.ports import Consent, DomainRecord, Retention, SpeakerRecord

type Item = dict[str, Any]

DOMAIN_ITEM = "domain"
SPEAKER_PREFIX = "speaker#"


def domain_key(domain: str) -> Item:
    """Key of a tenant's own record."""
    return {"domain": {"S": domain}, "item": {"S": DOMAIN_ITEM}}


def speaker_key(domain: str, speaker: str) -> Item:
    """Key of a person."""
    return {"domain": {"S": domain}, "item": {"S": SPEAKER_PREFIX + speaker}}


def write_domain(record: DomainRecord) -> Item:
    """Turns a domain into an item."""
    document = {
        "policy": asdict(record.policy),
        "retention": asdict(record.retention),
        "policy_version": record.policy_version,
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
        "tentative": record.tentative,
    }
    return {
        **domain_key(record.domain),
        "version": {"N": str(record.version)},
        "created_at": {"S": record.created_at.isoformat()},
        "deleting": {"BOOL": record.deleting},
        "document": {"S": json.dumps(document)},
    }


def read_domain(item: Item) -> DomainRecord:
    """Turns an item into a domain."""
    document = json.loads(item["document"]["S"])
    return DomainRecord(
        domain=item["domain"]["S"],
        policy=_read_policy(document["policy"]),
        retention=Retention(**_known(Retention, document["retention"])),
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
        policy_version=document["policy_version"],
        version=int(item["version"]["N"]),
        deleting=item["deleting"]["BOOL"],
        # Functions of the release before this one do not write it.
        tentative=document.get("tentative", False),
    )


def _read_policy(document: Mapping[str, Any]) -> Policy:
    """What a release without liveness wrote has no cost of accepting a machine; that of an impostor is what it knew."""
    return Policy(**{"spoof_accept_cost": document["false_accept_cost"], **_known(Policy, document)})


def _known(kind: type[Policy | Retention], document: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out what only a later release knows, which may have written before it was rolled back."""
    return {name: document[name] for name in kind.__slots__ if name in document}


def write_speaker(record: SpeakerRecord) -> Item:
    """Turns a speaker into an item."""
    document = {
        "consent": _write_consent(record.consent),
        "opted_out_at": record.opted_out_at.isoformat() if record.opted_out_at else None,
        "applied": record.applied,
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
    }
    voiceprint = {"voiceprint": {"B": record.voiceprint.to_bytes()}} if record.voiceprint else {}
    return {
        **speaker_key(record.domain, record.speaker),
        "version": {"N": str(record.version)},
        "created_at": {"S": record.created_at.isoformat()},
        "status": {"S": record.status},
        "document": {"S": json.dumps(document)},
        **voiceprint,
    }


def read_speaker(item: Item) -> SpeakerRecord:
    """Turns an item into a speaker."""
    document = json.loads(item["document"]["S"])
    voiceprint = item.get("voiceprint")
    return SpeakerRecord(
        domain=item["domain"]["S"],
        speaker=item["item"]["S"].removeprefix(SPEAKER_PREFIX),
        status=SpeakerStatus(item["status"]["S"]),
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
        voiceprint=Voiceprint.from_bytes(voiceprint["B"]) if voiceprint else None,
        consent=_read_consent(document["consent"]),
        opted_out_at=_read_time(document["opted_out_at"]),
        applied=tuple(document["applied"]),
        version=int(item["version"]["N"]),
    )


def _write_consent(consent: Consent | None) -> Mapping[str, str] | None:
    return {"receipt_id": consent.receipt_id, "given_at": consent.given_at.isoformat()} if consent else None


def _read_consent(document: Mapping[str, str] | None) -> Consent | None:
    return Consent(document["receipt_id"], datetime.fromisoformat(document["given_at"])) if document else None


def _read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
