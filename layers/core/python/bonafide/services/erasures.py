"""Erasures that requests have begun: carried through all stores by a schedule, and read as reports."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from bonafide.access.authorization import current
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.errors import NotFound, Subject
from bonafide.observability import log_unexpected
from bonafide.ports.erasure import ErasableStore, ErasedStep, ErasureStore, PendingErasure
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.erasure import IN_FLIGHT, Erasure, ErasureKind, ErasureSubject, is_overtaken
from bonafide.records.speaker import SpeakerRecord, generation, lifetime, opted_out
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import speaker_counter

SHOWN = 100
SECONDS_OF_A_STEP = 5.0
SPEAKERS_AT_ONCE = 100
# Erasures that a run knows of: those that are due first. Reading their names takes about a second.
MOST_PENDING = 50_000
# Steps of one erasure before that of another domain has its turn.
STEPS_OF_A_TURN = 20
EVER = datetime.min.replace(tzinfo=UTC)
# Places by which the domains move on each minute.
STRIDE = 37


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
        """Carries pending erasures on while there is time; returns how many are overdue, reached or not.

        Domains have their turns one after the other, each time beginning with another one, so that a domain with many
        erasures holds up no other. In a domain they come in the order in which they are due. One that fails does not
        keep the others from it.
        """
        pending = list(islice(self._erasures.pending(), MOST_PENDING))
        overdue = {each for each in pending if each.due_at < self._clock()}
        queues = _queues(pending, self._clock())
        while queues and seconds_left() > SECONDS_OF_A_STEP:
            queue = queues.popleft()
            each = queue.popleft()
            turn = self._turn(each, seconds_left)
            if turn.is_complete:
                overdue.discard(each)
            elif turn.goes_on:
                queue.append(each)
            if queue:
                queues.append(queue)
        return len(overdue)

    def _turn(self, pending: PendingErasure, seconds_left: Callable[[], float]) -> "Turn":
        """Takes some steps of an erasure."""
        try:
            erasure = self._erasures.read(pending.domain, pending.name)
            for _ in range(STEPS_OF_A_TURN):
                if erasure is None or erasure.completed_at:
                    return Turn(is_complete=True)
                if seconds_left() < SECONDS_OF_A_STEP:
                    break
                advanced = self._stepped(erasure)
                if advanced is erasure:
                    return Turn()
                self._erasures.put(advanced)
                erasure = advanced
        except VersionConflict:
            # Somebody else is at it.
            return Turn()
        except Exception as error:
            log_unexpected(error)
            return Turn()
        return Turn(goes_on=True)

    def _stepped(self, erasure: Erasure) -> Erasure:
        """Takes one step in the first store that is not done, or ends the pass."""
        store = next((each for each in self._stores if not erasure.of(each.name).done), None)
        if store is None:
            return erasure.passed(self._clock())
        domain, speaker = self._found(erasure)
        if speaker and speaker.created_at <= erasure.at and is_overtaken(erasure.kind, erasure.at, speaker):
            return erasure.dropped(self._clock())
        step = store.erase(_subject(erasure, domain, speaker), erasure.of(store.name).after)
        return erasure.stepped(store.name, step.erased, step.after, waits=step.waits)

    def _found(self, erasure: Erasure) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """Reads what has the name now; of one who is to expire with the last use."""
        speaker = erasure.speaker or ""
        if erasure.kind is not ErasureKind.EXPIRED:
            return self._domains.find(erasure.domain, speaker)
        domain, found, _ = self._domains.find_with_brake(erasure.domain, speaker, [speaker_counter(speaker)])
        return domain, found


class Turn(NamedTuple):
    """Result of some steps of an erasure.

    Attributes:
        is_complete: whether nothing of it is left to do.
        goes_on: whether there is more to do at once; otherwise the next run looks at it.
    """

    is_complete: bool = False
    goes_on: bool = False


def _queues(pending: Iterable[PendingErasure], now: datetime) -> deque[deque[PendingErasure]]:
    """Returns the erasures of each domain; every minute another domain is the first."""
    domains: dict[str, deque[PendingErasure]] = {}
    for each in pending:
        domains.setdefault(each.domain, deque()).append(each)
    queues = deque(domains[name] for name in sorted(domains))
    queues.rotate(-int(now.timestamp() // 60) * STRIDE)
    return queues


def _subject(erasure: Erasure, domain: DomainRecord | None, speaker: SpeakerRecord | None) -> ErasureSubject:
    successor = _successor(erasure, domain, speaker)
    there = domain if domain and domain.is_open and (speaker or not erasure.speaker) else None
    return ErasureSubject(
        kind=erasure.kind,
        domain=erasure.domain,
        speaker=erasure.speaker,
        at=erasure.at,
        before=_before(erasure, successor),
        current=generation(there, speaker) if there else None,
        lifetime=lifetime(there, speaker) if there else None,
        decisions=erasure.decisions,
        followed=successor is not None,
    )


def _successor(
    erasure: Erasure, domain: DomainRecord | None, speaker: SpeakerRecord | None
) -> DomainRecord | SpeakerRecord | None:
    """Returns what has the name now and is not meant: made later, or enrolled again after an opt-out."""
    found = speaker if erasure.speaker else domain
    if found is None or found.created_at > erasure.at:
        return found
    if erasure.kind is not ErasureKind.OPTED_OUT or speaker is None or speaker.status is SpeakerStatus.OPTED_OUT:
        return None
    # One who has a voice from before the opt-out is still to lose it.
    return speaker if speaker.opted_out_at and speaker.opted_out_at >= erasure.at else None


def _before(erasure: Erasure, successor: DomainRecord | SpeakerRecord | None) -> datetime:
    """Returns the time before which all is about the subject.

    A successor of a domain writes nothing before its own record; that of a speaker keeps audio a little before.
    """
    if erasure.speaker:
        return erasure.at if successor else erasure.at + IN_FLIGHT
    return successor.created_at if successor else datetime.max.replace(tzinfo=UTC)


class ErasureReading:
    """Reads reports.

    Who has the role in the stage reads those of everything that had a domain's name; who has it in the domain, those
    since the domain was made.
    """

    def __init__(self, erasures: ErasureStore, domains: DomainStore) -> None:
        self._erasures = erasures
        self._domains = domains

    def get(self, domain: str, name: str) -> Erasure:
        """Reads one, also of a domain that is gone.

        Raises:
            NotFound: there is none.
        """
        found = self._erasures.read(domain, name)
        if found is None or found.at < self._since(domain):
            raise NotFound(
                "erasure_not_found", "There is no such erasure in the domain.", subject=Subject.ERASURE, found=name
            )
        return found

    def list(self, domain: str) -> Sequence[Erasure]:
        """Reads the erasures of a domain and its speakers, the newest first."""
        since = self._since(domain)
        return [each for each in self._erasures.of_domain(domain, SHOWN) if each.at >= since]

    def _since(self, domain: str) -> datetime:
        record, sender = self._domains.domain(domain), current()
        if record is None or (sender and sender.permits_unknown()):
            return EVER
        return record.created_at


class SpeakerErasing:
    """`ErasableStore` of speakers: voiceprint, consent, reference."""

    name = "speakers"

    def __init__(self, store: DomainStore) -> None:
        self._store = store

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:  # noqa: ARG002
        """See `ErasableStore`. The request has done it, unless it was cut short."""
        if subject.speaker is None:
            return self._all(subject)
        domain, found = self._store.find(subject.domain, subject.speaker)
        if domain is None or found is None or found.created_at > subject.at:
            return ErasedStep(0, None)
        if is_overtaken(subject.kind, subject.at, found):
            # Since the subject was read: the next step sees it.
            return ErasedStep(0, "")
        return self._one(domain, found, subject)

    def _one(self, domain: DomainRecord, found: SpeakerRecord, subject: ErasureSubject) -> ErasedStep:
        if subject.kind is not ErasureKind.OPTED_OUT:
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
            with suppress(VersionConflict):
                self._store.delete_speaker(speaker)
        return ErasedStep(len(page), "" if page else None)


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
