"""Renewal of stored voiceprints: to the protected form, and to another key of the domain, without any audio."""

from dataclasses import replace
from enum import StrEnum
from functools import partial

from bonafide.ports.stores import DomainStore
from bonafide.services.shared.lookups import WRITE_ATTEMPTS
from bonafide.services.shared.retries import retry_on_conflict


class TemplateState(StrEnum):
    """State of the voiceprints of one speaker."""

    CURRENT = "under the current key"
    RENEWED = "renewed: was under a former key"
    PROTECTED = "protected: was plain"
    WITHOUT = "no voiceprint"


class TemplateRenewal:
    """Renews one speaker at a time; repeating it changes nothing, and it may be killed at any time.

    A renewal is one write over the version that was read: an enrollment or an opt-out meanwhile wins.
    """

    def __init__(self, store: DomainStore) -> None:
        """Takes a store that seals what it writes, under the current key of the domain."""
        self._store = store

    def renew(self, domain: str, speaker: str, current: str, *, apply: bool = True) -> TemplateState:
        """Stores the voiceprints of a speaker again if they are plain, or under another key than the current one.

        Args:
            domain: of the speaker.
            speaker: identifier.
            current: name of the current key of the domain.
            apply: whether anything is written.

        Raises:
            StoreUnavailable: a store or the key management does not answer, or others keep writing the speaker.
        """
        return retry_on_conflict(WRITE_ATTEMPTS, partial(self._attempt, domain, speaker, current, apply=apply))

    def _attempt(self, domain: str, speaker: str, current: str, *, apply: bool) -> TemplateState:
        found, record = self._store.find(domain, speaker)
        if found is None or record is None or not record.voiceprints:
            return TemplateState.WITHOUT
        if record.key and record.key.domain_key == current:
            return TemplateState.CURRENT
        if apply:
            # When the voiceprint was last added to stays as it is.
            self._store.put_speaker(found, replace(record, version=record.version + 1))
        return TemplateState.RENEWED if record.key else TemplateState.PROTECTED
