"""Components of embeddings in decisions, by which drift is watched: encrypted under the key of the domain.

Four numbers are no template, but they find the decisions of one person among those of others.
"""

import json
from dataclasses import replace
from typing import Any

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.protection.cipher import NotAuthenticError
from bonafide.adapters.protection.templates import FORM, TemplateProtection
from bonafide.records.decision import DecisionRecord

_PURPOSE = "decisions"
_SEALED = "sealed"


def split(protection: TemplateProtection | None, record: DecisionRecord) -> tuple[dict[str, Any], Item]:
    """Returns the document of a decision without the components, and the attribute that holds them encrypted.

    Without a key of the domain that is open they are left out: no decision waits for a key because of drift.
    """
    document = record.to_document()
    if protection is None or not protection.writes:
        return document, {}
    components = document["facts"].pop("embedding_directions", [])
    key = protection.keys.opened(record.domain) if components else None
    if key is None:
        return document, {}
    content = key.cipher(_PURPOSE).seal(json.dumps(components).encode(), *_place(record))
    return document, {_SEALED: {"M": {"domain_key": {"S": key.name}, "content": {"B": content}}}}


def joined(protection: TemplateProtection | None, record: DecisionRecord, item: Item) -> DecisionRecord:
    """Returns a decision with the components, if they can be opened."""
    if protection is None or _SEALED not in item:
        return record
    stored = item[_SEALED]["M"]
    key = protection.keys.named(record.domain, stored["domain_key"]["S"])
    if key is None:
        return record
    try:
        content = key.cipher(_PURPOSE).open(bytes(stored["content"]["B"]), *_place(record))
    except NotAuthenticError:
        return record
    return replace(record, case=replace(record.case, embedding_directions=tuple(json.loads(content))))


def _place(record: DecisionRecord) -> tuple[str, ...]:
    return FORM, record.domain, record.decision_id or ""
