"""Items of watchlists, in partitions of their own in the table of domains.

`state` says in short what there is, `entry#<list>#<fraudster>` has what is told of an entry, and `voice#<change>` the
encrypted voice that a change brought, or that it took one away. `domain` is the partition, `item` the sort key.
"""

import json
from datetime import datetime

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.items import STATE_ITEM, WATCHLIST_PARTITION, document_of
from bonafide.records.watchlists.entry import PackedVoices, WatchlistEntry, WatchlistState

ENTRY_PREFIX = "entry#"
VOICE_PREFIX = "voice#"
LAST_CHANGE = 10**12 - 1


def watchlist_state_key(domain: str) -> Item:
    """Returns the key of the state of a domain's watchlists."""
    return {"domain": {"S": WATCHLIST_PARTITION + domain}, "item": {"S": STATE_ITEM}}


def entry_name(watchlist: str, fraudster: str) -> str:
    """Returns the sort key of an entry."""
    return f"{ENTRY_PREFIX}{watchlist}#{fraudster}"


def entry_key(domain: str, watchlist: str, fraudster: str) -> Item:
    """Returns the key of an entry."""
    return {"domain": {"S": WATCHLIST_PARTITION + domain}, "item": {"S": entry_name(watchlist, fraudster)}}


def voice_name(change: int) -> str:
    """Returns the sort key of the voice that a change brought or took away."""
    return f"{VOICE_PREFIX}{change:012d}"


def voice_key(domain: str, change: int) -> Item:
    """Returns the key of a voice."""
    return {"domain": {"S": WATCHLIST_PARTITION + domain}, "item": {"S": voice_name(change)}}


def change_of(item: Item) -> int:
    """Returns the change that a voice was brought or taken away by."""
    name: str = item["item"]["S"]
    return int(name.removeprefix(VOICE_PREFIX))


def entry_item(entry: WatchlistEntry) -> Item:
    """Turns an entry into an item."""
    key = entry_key(entry.domain, entry.watchlist, entry.fraudster)
    return {**key, "at": written_time(entry.updated_at), "document": {"S": json.dumps(entry.to_document())}}


def read_entry(item: Item) -> WatchlistEntry:
    """Turns an item into an entry."""
    return WatchlistEntry.from_document(document_of(item))


def read_watchlist_state(item: Item | None) -> WatchlistState:
    """Turns an item into a state; where there is none, nobody was ever registered."""
    return WatchlistState.from_document(document_of(item), read_packed(item)) if item else WatchlistState()


def read_packed(attributes: Item) -> PackedVoices | None:
    """Returns the voices that were packed last, as attributes of the state name them; None if there are none."""
    return PackedVoices.from_document(json.loads(attributes["packed"]["S"])) if "packed" in attributes else None


def written_time(at: datetime) -> Item:
    """Returns the attribute by which an erasure tells rows of a domain from those of a successor."""
    return {"S": at.isoformat()}


def written_at(item: Item) -> datetime:
    """Returns the time of a row."""
    return datetime.fromisoformat(item["at"]["S"])
