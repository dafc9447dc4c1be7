"""Items of the table of keys, and what refers to them.

Partition key `domain`, sort key `item`. `key#domain` has the encrypted secrets of a domain by their names, of which
`current` wraps new data keys; `key#speaker#<speaker>` and `key#session#<session>` have a wrapped data key each.
The beginning tells these items from those of other tables that are read in the same call.
"""

from typing import Any

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.records import DataKey

KEY_PREFIX = "key#"
DOMAIN_KEY = "key#domain"
SPEAKER_KEY_PREFIX = "key#speaker#"
SESSION_KEY_PREFIX = "key#session#"
# The condition of a put over nothing.
ABSENT: dict[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#item)",
    "ExpressionAttributeNames": {"#item": "item"},
}


def domain_key_item(domain: str) -> Item:
    """Returns the primary key of a domain's key."""
    return {"domain": {"S": domain}, "item": {"S": DOMAIN_KEY}}


def speaker_key_item(domain: str, speaker: str) -> Item:
    """Returns the primary key of a speaker's data key."""
    return {"domain": {"S": domain}, "item": {"S": SPEAKER_KEY_PREFIX + speaker}}


def session_key_item(domain: str, session: str) -> Item:
    """Returns the primary key of a session's data key."""
    return {"domain": {"S": domain}, "item": {"S": SESSION_KEY_PREFIX + session}}


def key_attributes(key: DataKey) -> Item:
    """Turns a wrapped data key into attributes."""
    return {"name": {"S": key.name}, "domain_key": {"S": key.domain_key}, "wrapped": {"B": key.wrapped}}


def read_data_key(item: Item) -> DataKey:
    """Turns attributes into a wrapped data key."""
    return DataKey(item["name"]["S"], item["domain_key"]["S"], bytes(item["wrapped"]["B"]))


def reference(key: DataKey) -> Item:
    """Returns the attribute by which what is encrypted names its key."""
    return {"M": {"name": {"S": key.name}, "domain_key": {"S": key.domain_key}}}


def read_reference(attribute: Item, stored: DataKey | None) -> DataKey:
    """Returns the stored key, if it is the one that the attribute names; otherwise one without its content."""
    names = attribute["M"]
    named = DataKey(names["name"]["S"], names["domain_key"]["S"])
    return stored if stored and (stored.name, stored.domain_key) == (named.name, named.domain_key) else named
