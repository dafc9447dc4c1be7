"""Items of records: keys and attributes that conditions need, beside one JSON document."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.presentation.attempts import Attempts, Failure
from bonafide.records import times
from bonafide.records.brake import BrakeRecord
from bonafide.records.calibration import CalibrationsRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import Staging
from bonafide.records.settings.versions import DomainVersion
from bonafide.records.speaker import SpeakerRecord, SpeakerSummary

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DOMAIN_ITEM = "domain"
# Partition of the index of domains; items of speakers and brakes have none.
LISTED = "domain"
SPEAKER_PREFIX = "speaker#"
# A reservation whose writer died is deleted by DynamoDB after this time; no writer lives longer than its 29 s.
RESERVED = timedelta(hours=1)
# Partitions of brakes: no domain can have such a name, and roles that write speakers are denied them as a whole.
BRAKE_PARTITION = "brake#"
# Partitions of calibrations, likewise.
CALIBRATION_PARTITION = "calibration#"
# Partitions of staged policies, likewise.
POLICY_PARTITION = "policy#"
# Partitions of counters of failed attempts: roles that decide may update items of these, and write nothing else.
ATTEMPT_PARTITION = "attempts#"
RESET_PREFIX = "reset#"
# Items of last uses of voiceprints, beside the counters: what roles that decide may write.
USED_PREFIX = "used#"
# Partitions of the former settings of domains.
HISTORY_PARTITION = "history#"
LAST_VERSION = 9_999_999_999
# Partitions of watchlists: entries and voices by name and change, and one state.
WATCHLIST_PARTITION = "watchlist#"
STATE_ITEM = "state"
CHANGE_PREFIX = "change#"


def domain_key(domain: str) -> Item:
    """Returns the key of a domain's own record."""
    return {"domain": {"S": domain}, "item": {"S": DOMAIN_ITEM}}


def speaker_key(domain: str, speaker: str) -> Item:
    """Returns the key of a speaker."""
    return {"domain": {"S": domain}, "item": {"S": SPEAKER_PREFIX + speaker}}


def speaker_name(key: Item) -> str:
    """Returns the speaker of a key."""
    name: str = key["item"]["S"]
    return name.removeprefix(SPEAKER_PREFIX)


def domain_item(record: DomainRecord) -> Item:
    """Turns a domain into an item."""
    document = record.to_document()
    return {
        **domain_key(record.domain),
        "version": {"N": str(record.version)},
        "created_at": {"S": record.created_at.isoformat()},
        "deleting": {"BOOL": document["deleting"]},
        "listed": {"S": LISTED},
        "document": {"S": json.dumps(document)},
    }


def read_domain(item: Item) -> DomainRecord:
    """Turns an item into a domain."""
    own = {"domain": item["domain"]["S"], "version": int(item["version"]["N"]), "deleting": item["deleting"]["BOOL"]}
    return DomainRecord.from_document(document_of(item) | own)


def speaker_item(record: SpeakerRecord, protected: Item | None = None) -> Item:
    """Turns a speaker into an item; each voiceprint is one binary value, and `summary` is what a list shows.

    Args:
        record: of the speaker.
        protected: attributes of the voiceprints if they are stored protected.

    Raises:
        ValueError: the voiceprints were read closed, and nothing would be left of them.
    """
    if protected is None and any(each.is_closed for each in record.voiceprints):
        raise ValueError("a voiceprint that was read without its key cannot be written")
    return {
        **speaker_key(record.domain, record.speaker),
        "version": {"N": str(record.version)},
        "created_at": {"S": record.created_at.isoformat()},
        "status": {"S": record.status},
        "summary": {"S": json.dumps(record.summary.to_document())},
        "document": {"S": json.dumps(record.to_document())},
        **(_plain(record) if protected is None else protected),
    }


def _plain(record: SpeakerRecord) -> Item:
    """Returns the attributes of voiceprints that are not protected."""
    voiceprint = {"voiceprint": {"B": record.voiceprint.to_bytes()}} if record.voiceprint else {}
    newer = {"newer_voiceprints": {"L": [{"B": each.to_bytes()} for each in record.newer]}} if record.newer else {}
    return {**voiceprint, **newer}


def reservation_item(record: SpeakerRecord, token: str, now: datetime) -> Item:
    """Returns the item that precedes a speaker's first version: version 0, with nothing that the person gave.

    The release before reads it as a speaker without speech, and writes its own first version over it.
    """
    empty = SpeakerRecord(
        record.domain, record.speaker, SpeakerStatus.PENDING, created_at=record.created_at, updated_at=record.created_at
    )
    expires_at = {"N": str(int((now + RESERVED).timestamp()))}
    return {**speaker_item(empty), "reservation": {"S": token}, "expires_at": expires_at}


def read_speaker(item: Item) -> SpeakerRecord:
    """Turns an item into a speaker."""
    own = {
        "domain": item["domain"]["S"],
        "speaker": speaker_name(item),
        "version": int(item["version"]["N"]),
        "status": item["status"]["S"],
    }
    newer = [each["B"] for each in item.get("newer_voiceprints", {}).get("L", ())]
    return SpeakerRecord.from_document(document_of(item) | own, item.get("voiceprint", {}).get("B"), newer)


def is_reservation(item: Item) -> bool:
    """Tells whether the item holds the place of a speaker's first version, which is yet to be written."""
    return bool(item.get("version") == {"N": "0"})


def read_summary(item: Item) -> SpeakerSummary:
    """Turns an item of the index into what a list shows."""
    own = {
        "domain": item["domain"]["S"],
        "speaker": speaker_name(item),
        "status": item["status"]["S"],
        "created_at": item["created_at"]["S"],
    }
    return SpeakerSummary.from_document(json.loads(item["summary"]["S"]) | own)


def brake_key(domain: str | None) -> Item:
    """Returns the key of a brake's state; None for the brake of the stage."""
    return {"domain": {"S": BRAKE_PARTITION + (domain or "")}, "item": {"S": STATE_ITEM}}


def change_key(domain: str | None, version: int) -> Item:
    """Returns the key of one change of a brake; their order is that of the versions."""
    return {**brake_key(domain), "item": {"S": f"{CHANGE_PREFIX}{version:010d}"}}


def brake_attributes(record: BrakeRecord) -> Item:
    """Turns a brake into attributes, which its state and the change that led to it share."""
    return {
        "version": {"N": str(record.version)},
        "on": {"BOOL": record.on},
        "document": {"S": json.dumps(record.to_document())},
    }


def read_brake(domain: str | None, item: Item | None) -> BrakeRecord:
    """Turns a state or a change into a brake; one that is not stored was never set.

    One that is stored without saying so is on: an operator without the API wrote it by hand, and wanted a brake.
    """
    if item is None:
        return BrakeRecord(domain)
    own = {"version": int(item.get("version", {}).get("N", "0")), "on": item.get("on", {}).get("BOOL", True)}
    return BrakeRecord.from_document(domain, (document_of(item) if "document" in item else {}) | own)


def calibration_key(domain: str) -> Item:
    """Returns the key of the calibrations of a domain that are in use."""
    return {"domain": {"S": CALIBRATION_PARTITION + domain}, "item": {"S": STATE_ITEM}}


def calibration_change_key(domain: str, version: int) -> Item:
    """Returns the key of one change of a domain's calibrations; their order is that of the versions."""
    return {**calibration_key(domain), "item": {"S": f"{CHANGE_PREFIX}{version:010d}"}}


def calibration_attributes(record: CalibrationsRecord) -> Item:
    """Turns calibrations into attributes, which their state and the change that led to it share."""
    return {"version": {"N": str(record.version)}, "document": {"S": json.dumps(record.to_document())}}


def read_calibrations(domain: str, item: Item | None) -> CalibrationsRecord:
    """Turns a state or a change into calibrations; what is not stored was never proposed."""
    return CalibrationsRecord.from_document(domain, document_of(item)) if item else CalibrationsRecord(domain)


def staging_key(domain: str) -> Item:
    """Returns the key of the policy of a domain that is staged."""
    return {"domain": {"S": POLICY_PARTITION + domain}, "item": {"S": STATE_ITEM}}


def staging_change_key(domain: str, version: int) -> Item:
    """Returns the key of one change of it; their order is that of the versions."""
    return {**staging_key(domain), "item": {"S": f"{CHANGE_PREFIX}{version:010d}"}}


def staging_attributes(staging: Staging) -> Item:
    """Turns a staging into attributes, which its state and the change that led to it share."""
    return {"version": {"N": str(staging.version)}, "document": {"S": json.dumps(staging.to_document())}}


def read_staging(domain: str, item: Item | None) -> Staging:
    """Turns a state or a change into a staging; what is not stored was never staged."""
    return Staging.from_document(domain, document_of(item)) if item else Staging(domain)


def attempt_key(domain: str, counter: str) -> Item:
    """Returns the key of a counter of failed attempts."""
    return {"domain": {"S": ATTEMPT_PARTITION + domain}, "item": {"S": counter}}


def used_key(domain: str, speaker: str) -> Item:
    """Returns the key of the last use of a voiceprint."""
    return attempt_key(domain, USED_PREFIX + speaker)


def read_used(item: Item | None) -> datetime | None:
    """Turns an item into the time of the last use that was noted."""
    return times.read(item["used_at"]["S"]) if item else None


def read_attempts(item: Item | None) -> Attempts:
    """Turns an item into a counter; one that is not stored is empty."""
    if item is None:
        return Attempts()
    reset_at = item.get("reset_at", {}).get("S")
    return Attempts(
        frozenset(read_failure(each) for each in item.get("failed", {}).get("SS", ())), times.read(reset_at)
    )


def written_failure(failure: Failure) -> str:
    """Returns a failure as one element of a set: milliseconds since 1970, and the attempt."""
    return f"{int(failure.at.timestamp() * 1000 + 0.5)}:{failure.attempt}"


def read_failure(text: str) -> Failure:
    """Reads what `written_failure` wrote."""
    milliseconds, _, attempt = text.partition(":")
    return Failure(EPOCH + timedelta(milliseconds=int(milliseconds)), attempt)


def version_item(version: DomainVersion) -> Item:
    """Turns a version of a domain's settings into an item; the order of the keys is that of the versions."""
    record = version.record
    return {
        "domain": {"S": HISTORY_PARTITION + record.domain},
        "item": {"S": version_name(record, record.version)},
        "document": {"S": json.dumps(version.to_document())},
    }


def version_name(record: DomainRecord, version: int) -> str:
    """Returns the sort key of a version, which tells it from those of a predecessor of the domain."""
    return f"{record.created_at.isoformat()}#{version:010d}"


def document_of(item: Item) -> dict[str, Any]:
    """Returns the JSON document of an item."""
    document: dict[str, Any] = json.loads(item["document"]["S"])
    return document
