"""Erasures that requests have begun: carried through all stores by a schedule, and read as reports."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from bonafide.errors import NotFound, Subject
from bonafide.observability import log_unexpected
from bonafide.ports.erasure import ErasableStore, ErasedStep, ErasureStore
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.erasure import IN_FLIGHT, Erasure, ErasureKind, ErasureSubject
from bonafide.records.speaker import SpeakerRecord, generation, opted_out
from bonafide.services.shared.clock import Clock, utc_now

SHOWN = 100
SECONDS_OF_A_STEP = 5.0
SPEAKERS_AT_ONCE = 100


class ErasureRuns:
    """Carries erasures on, whatever had stopped them."""

    def __init__(
        self,
        erasures: ErasureStore,
        domains: DomainStore,
        stores: Sequence[ErasableStore],
        clock: Clock = utc_now,
    ) -> None:
        self._erasures = erasures
        self._domains = domains
        self._stores = stores
        self._clock = clock

    def go_on(self, seconds_left: Callable[[], float]) -> int:
        """Carries all pending erasures on while there is time; returns how many are overdue.

        One that fails does not keep the others from it.
        """
        overdue = 0
        for domain, name in self._erasures.pending():
            if seconds_left() < SECONDS_OF_A_STEP:
                break
            try:
                overdue += self._is_overdue(self._advanced(domain, name, seconds_left))
            except VersionConflict:
                # Somebody else is at it.
                continue
            except Exception as error:
                log_unexpected(error)
                overdue += self._is_overdue(self._erasures.read(domain, name))
        return overdue

    def _is_overdue(self, erasure: Erasure | None) -> bool:
        return erasure is not None and erasure.completed_at is None and erasure.due_at < self._clock()

    def _advanced(self, domain: str, name: str, seconds_left: Callable[[], float]) -> Erasure | None:
        erasure = self._erasures.read(domain, name)
        while erasure and erasure.completed_at is None and seconds_left() > SECONDS_OF_A_STEP:
            advanced = self._stepped(erasure)
            if advanced is erasure:
                break
            self._erasures.put(advanced)
            erasure = advanced
        return erasure

    def _stepped(self, erasure: Erasure) -> Erasure:
        """Takes one step in the first store that is not done, or ends the pass."""
        store = next((each for each in self._stores if not erasure.of(each.name).done), None)
        if store is None:
            return erasure.passed(self._clock())
        step = store.erase(self._subject(erasure), erasure.of(store.name).after)
        return erasure.stepped(store.name, step.erased, step.after, waits=step.waits)

    def _subject(self, erasure: Erasure) -> ErasureSubject:
        domain, speaker = self._domains.find(erasure.domain, erasure.speaker or "")
        successor = _successor(erasure, domain, speaker)
        is_open = domain is not None and domain.is_open
        return ErasureSubject(
            domain=erasure.domain,
            speaker=erasure.speaker,
            at=erasure.at,
            before=_before(erasure, successor),
            current=generation(domain, speaker) if domain and is_open and (speaker or not erasure.speaker) else None,
            decisions=erasure.decisions,
            followed=successor is not None,
        )


def _successor(
    erasure: Erasure, domain: DomainRecord | None, speaker: SpeakerRecord | None
) -> DomainRecord | SpeakerRecord | None:
    found = speaker if erasure.speaker else domain
    return found if found and (found.created_at > erasure.at or erasure.kind is ErasureKind.OPTED_OUT) else None


def _before(erasure: Erasure, successor: DomainRecord | SpeakerRecord | None) -> datetime:
    """Returns the time before which all is about the subject.

    A successor of a domain writes nothing before its own record; that of a speaker keeps audio a little before.
    """
    if erasure.speaker:
        return erasure.at if successor else erasure.at + IN_FLIGHT
    return successor.created_at if successor else datetime.max.replace(tzinfo=UTC)


class ErasureReading:
    """Reads reports."""

    def __init__(self, erasures: ErasureStore) -> None:
        self._erasures = erasures

    def get(self, domain: str, name: str) -> Erasure:
        """Reads one, also of a domain that is gone.

        Raises:
            NotFound: there is none.
        """
        found = self._erasures.read(domain, name)
        if found is None:
            raise NotFound(
                "erasure_not_found", "There is no such erasure in the domain.", subject=Subject.ERASURE, found=name
            )
        return found

    def list(self, domain: str) -> Sequence[Erasure]:
        """Reads the erasures of a domain and its speakers, the newest first."""
        found = self._erasures.of_domain(domain, SHOWN)
        return sorted(found, key=lambda each: each.at, reverse=True)


class SpeakerErasing:
    """`ErasableStore` of speakers: voiceprint, consent, reference."""

    name = "speakers"

    def __init__(self, store: DomainStore, forget: Callable[[str, str], int] = lambda *_: 0) -> None:
        """Stores its dependencies.

        Args:
            store: of speakers.
            forget: deletes what is found by domain and speaker alone, before the name of the speaker is gone.
        """
        self._store = store
        self._forget = forget

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:  # noqa: ARG002
        """See `ErasableStore`. The request has done it, unless it was cut short."""
        if subject.speaker is None:
            return self._all(subject)
        domain, found = self._store.find(subject.domain, subject.speaker)
        if domain is None or found is None or found.created_at > subject.at:
            return ErasedStep(0, None)
        return self._one(domain, found, subject)

    def _one(self, domain: DomainRecord, found: SpeakerRecord, subject: ErasureSubject) -> ErasedStep:
        if not subject.followed:
            self._store.delete_speaker(found)
        elif found.opted_out_at is None or found.opted_out_at < subject.at:
            self._store.put_speaker(domain, opted_out(found, subject.at))
        else:
            return ErasedStep(0, None)
        return ErasedStep(1, None)

    def _all(self, subject: ErasureSubject) -> ErasedStep:
        # A domain that was made anew has those of its predecessor no more: its name was free only without them.
        page = [] if subject.followed else self._store.stored_speakers(subject.domain, SPEAKERS_AT_ONCE)
        for speaker in page:
            self._forget(speaker.domain, speaker.speaker)
            with suppress(VersionConflict):
                self._store.delete_speaker(speaker)
        return ErasedStep(len(page), "" if page else None)


class NamedErasing:
    """`ErasableStore` of what is stored under the names of people, so that their names suffice to delete it.

    What a successor of the name has cannot be told from it, and expires.
    """

    def __init__(self, name: str, forget: Callable[[str, str | None], int]) -> None:
        """Stores its dependencies.

        Args:
            name: of the store.
            forget: deletes what is stored of a speaker, or of a whole domain; returns how many records.
        """
        self.name = name
        self._forget = forget

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:  # noqa: ARG002
        """See `ErasableStore`."""
        return ErasedStep(0 if subject.followed else self._forget(subject.domain, subject.speaker), None)


class DomainErasing:
    """`ErasableStore` of domains: settings, policy. The last one, so that the name is free when the rest is gone."""

    name = "domains"

    def __init__(self, store: DomainStore) -> None:
        self._store = store

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:  # noqa: ARG002
        """See `ErasableStore`."""
        found = None if subject.speaker or subject.followed else self._store.domain(subject.domain)
        if found is None or found.state is not DomainState.DELETING:
            return ErasedStep(0, None)
        # A request that had begun before the closing may have made a key after the deletion had shredded it.
        self._store.shred_keys(found)
        self._store.delete_domain(found)
        return ErasedStep(1, None)
