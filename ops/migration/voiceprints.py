"""Voiceprints of a stage, for those who change all of a domain."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.config import Config

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.kms import KmsDomainSecrets
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.speakers import SealedSpeakers
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.adapters.watchlists.packs import VoicePacks
from bonafide.adapters.watchlists.renewal import WatchlistRenewal
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.ports.stores import DomainStore
from bonafide.records.speaker import SpeakerSummary
from ops.resources import list_resources
from ops.restore import AUDIO, DOMAINS, data_resources

KEYS = "TemplateKeys"
PAGE = 100
CALLS = Config(retries={"mode": "adaptive", "max_attempts": 20})


def protected_store(
    stage: str, connect: Callable[..., Any], *, writes: bool = False, renews: bool = False
) -> tuple[DynamoDomainStore, DomainKeys]:
    """Returns the store of a stage's domains and speakers, which opens voiceprints, and the keys."""
    formation, client = connect("cloudformation"), connect("dynamodb", config=CALLS)
    names = data_resources(formation, stage)
    secrets = KmsDomainSecrets(lambda: connect("kms", config=CALLS), _stage_key(formation, stage), stage)
    keys = DomainKeys(client, names[KEYS], secrets)
    protection = TemplateProtection(keys, writes=writes, renews=renews)
    return DynamoDomainStore(client, names[DOMAINS], SealedSpeakers(client, names[DOMAINS], protection)), keys


def watchlists(stage: str, connect: Callable[..., Any], keys: DomainKeys) -> WatchlistRenewal:
    """Returns the watchlists of a stage, which opens their voices."""
    names, sealing = data_resources(connect("cloudformation"), stage), VoiceSealing(keys)
    packs = VoicePacks(connect("s3", config=CALLS), names[AUDIO], sealing)
    return WatchlistRenewal(connect("dynamodb", config=CALLS), names[DOMAINS], sealing, packs)


def _stage_key(formation: Any, stage: str) -> str:
    found = list_resources(formation, f"Bonafide-{stage}-Data")
    return next(str(each["PhysicalResourceId"]) for each in found if each["ResourceType"] == "AWS::KMS::Key")


def speakers(store: DomainStore, domain: str) -> Iterator[SpeakerSummary]:
    """Yields all speakers of a domain."""
    after: str | None = None
    while True:
        page = store.list_speakers(domain, after, PAGE)
        yield from page.speakers
        if (after := page.after) is None:
            return
