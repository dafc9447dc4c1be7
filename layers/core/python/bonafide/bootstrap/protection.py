"""Stores of voiceprints and of evidence, for those who open, make or delete them."""

import os
from functools import cache

import boto3

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.kms import KmsDomainSecrets
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.speakers import ClosedSpeakers, SealedSpeakers
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.adapters.tracing import traced
from bonafide.bootstrap.clients import KEYS, dynamodb
from bonafide.settings import DecisionTable, DomainTable, KeyTable, SessionTable, TemplateKey


@cache
def template_protection() -> TemplateProtection:
    """Returns the protection of voiceprints and evidence; one for each environment, since it keeps opened keys."""
    settings = TemplateKey.read(os.environ)
    secrets = KmsDomainSecrets(lambda: traced(boto3.client("kms", config=KEYS)), settings.template_key, settings.stage)
    keys = DomainKeys(dynamodb(), KeyTable.read(os.environ).key_table, secrets)
    return TemplateProtection(keys, writes=settings.template_form == "protected")


@cache
def voice_store() -> DynamoDomainStore:
    """Returns the store of domains and speakers for those who compare voiceprints, or make them."""
    table = DomainTable.read(os.environ).domain_table
    return DynamoDomainStore(dynamodb(), table, SealedSpeakers(dynamodb(), table, template_protection()))


@cache
def erasing_store() -> DynamoDomainStore:
    """Returns the store of domains and speakers for those who delete voiceprints with their keys."""
    table = DomainTable.read(os.environ).domain_table
    keys = KeyTable.read(os.environ).key_table
    return DynamoDomainStore(dynamodb(), table, ClosedSpeakers(dynamodb(), table, keys))


@cache
def evidence_store() -> DynamoSessionStore:
    """Returns the store of sessions and their evidence."""
    return DynamoSessionStore(dynamodb(), SessionTable.read(os.environ).session_table, template_protection())


@cache
def judgement_store() -> DynamoDecisionStore:
    """Returns the store of decisions for those who decide, or watch for drift."""
    return DynamoDecisionStore(dynamodb(), DecisionTable.read(os.environ).decision_table, template_protection())
