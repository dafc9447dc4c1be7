"""Items of counters and histories of calls.

Partition key `owner`, sort key `item`. What is about numbers and speakers of a domain is in 16 partitions,
`<domain>#<digit>`, by the first digit of a hash: none of them is busier than another, and a deletion finds them all.

- `number#<hash>#<block>`, `speaker#<speaker>#<lifetime>#<block>`: `marks`, set of the marks of half a day, see
  `velocity`; once it is full, `others`, set of the `other` of later calls.
- `number#<hash>#fraud`: set of the calls that were reported as fraud.
- `speaker#<speaker>#<lifetime>#known`: for each reference of the speaker's accepted calls an attribute
  `<kind>_<hash>` with the day of the last one.
- In the partition `<domain>#domain`, `<lifetime>#<block>#<rank>`: set of marks of a sample of the domain's calls.

Each item has the time of the last write, `at`, and expires.
"""

import hashlib
import struct
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.biometrics.risk.facts import CallReference
from bonafide.biometrics.risk.scorecard import SCORECARD
from bonafide.biometrics.risk.velocity import BLOCK, BLOCKS, DAY, MOST_MARKS, CallCount, CallMark
from bonafide.ports.risk.calls import CallSubject

DIGITS = "0123456789abcdef"
OF_DOMAIN = "domain"
# A number that was reported is told from others for so long.
FRAUD_KEPT = timedelta(days=30)
KNOWN_KEPT = timedelta(days=SCORECARD.known_days)
_MARK = struct.Struct(">I8s4s")
_NOBODY = "00000000"


def owner(domain: str, part: str) -> str:
    """Returns a partition: of a digit, or of the domain as a whole."""
    return f"{domain}#{part}"


def speaker_part(speaker: str) -> str:
    """Returns the digit of a speaker's partition."""
    return hashlib.sha256(speaker.encode()).hexdigest()[0]


def short(lifetime: str) -> str:
    """Names a lifetime briefly."""
    return hashlib.sha256(lifetime.encode()).hexdigest()[:12]


def number_key(subject: CallSubject, name: str) -> Item:
    """Returns the key of an item of a number."""
    number = subject.number or ""
    return _key(owner(subject.domain, number[:1]), f"number#{number}#{name}")


def speaker_prefix(speaker: str) -> str:
    """Returns how the sort keys of everything about a speaker begin."""
    return f"speaker#{speaker}#"


def speaker_key(subject: CallSubject, name: str) -> Item:
    """Returns the key of an item of a speaker."""
    speaker = subject.speaker or ""
    item = f"{speaker_prefix(speaker)}{short(subject.lifetime)}#{name}"
    return _key(owner(subject.domain, speaker_part(speaker)), item)


def domain_prefix(subject: CallSubject) -> str:
    """Returns how the sort keys of the sample of a domain's calls begin."""
    return f"{short(subject.domain_lifetime)}#"


def block_of(at: int, length: timedelta = BLOCK) -> int:
    """Returns the number of the block that a time belongs to, seconds since 1970."""
    return int(at // length.total_seconds())


def blocks_until(now: datetime) -> list[str]:
    """Returns the names of the blocks that windows of a day, which end now or a little later, reach into."""
    last = block_of(int((now + timedelta(minutes=1)).timestamp()))
    return [written_block(block) for block in range(last - BLOCKS + 1, last + 1)]


def written_block(block: int) -> str:
    """Writes a block so that the order of texts is that of times."""
    return f"{block:09d}"


def pack(mark: CallMark) -> bytes:
    """Writes a mark."""
    return _MARK.pack(mark.at, bytes.fromhex(mark.call), bytes.fromhex(mark.other or _NOBODY))


def unpack(packed: Any) -> CallMark:
    """Reads a mark."""
    at, call, other = _MARK.unpack(bytes(packed))
    return CallMark(at, call.hex(), "" if other.hex() == _NOBODY else other.hex())


def marks_of(item: Item) -> list[CallMark]:
    """Reads the marks of a set."""
    return [unpack(each) for each in item.get("marks", {}).get("BS", ())]


def _others_of(item: Item) -> list[str]:
    return [bytes(each).hex() for each in item.get("others", {}).get("BS", ())]


def count_of(items: Collection[Item]) -> CallCount:
    """Reads a counter from its blocks."""
    sets = {int(item["item"]["S"].rpartition("#")[2]): item for item in items}
    marks = {block: marks_of(item) for block, item in sets.items()}
    return CallCount(
        frozenset(mark for each in marks.values() for mark in each),
        frozenset(block for block, each in marks.items() if len(each) >= MOST_MARKS),
        frozenset((block, other) for block, item in sets.items() for other in _others_of(item)),
    )


def mark_expiry(mark: CallMark, length: timedelta = BLOCK, window: timedelta = DAY) -> datetime:
    """Returns when a block that holds a mark is needed no more."""
    end = (block_of(mark.at, length) + 1) * length.total_seconds()
    return datetime.fromtimestamp(end, UTC) + window


def reference_name(kind: CallReference, value: str) -> str:
    """Returns the attribute of a reference in a history."""
    return f"{kind}_{value}"


def known_of(item: Item | None) -> Mapping[tuple[CallReference, str], date]:
    """Reads a history."""
    named = ((name.partition("_"), value) for name, value in (item or {}).items())
    return {
        (CallReference(kind), value): date.fromisoformat(last["S"])
        for (kind, _, value), last in named
        if value and kind in CallReference
    }


def seconds(at: datetime) -> Item:
    """Writes a time as DynamoDB's expiry takes it."""
    return {"N": str(int(at.timestamp()))}


def _key(partition: str, item: str) -> Item:
    return {"owner": {"S": partition}, "item": {"S": item}}
