"""Frozen records of the domain model, each with its stored form and schema version.

A stored form is a JSON document. Attributes are only ever added to it, and readers ignore those that they do not know,
so that the release before and the release after can read each other's rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

type StoredForm = dict[str, Any]
type Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DataKey:
    """Key of what is stored about one speaker or session, as a store keeps it: wrapped by the key of the domain.

    Attributes:
        name: tells it from every other data key.
        domain_key: name of the key of the domain that wraps it.
        wrapped: the key, encrypted; empty where the record names a key that is no longer there.
    """

    name: str
    domain_key: str
    wrapped: bytes = b""


def known(kind: type[Any], document: Stored) -> StoredForm:
    """Returns the attributes of a document that a dataclass has: a later release may have written more."""
    return {each.name: document[each.name] for each in fields(kind) if each.name in document}
