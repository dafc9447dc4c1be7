"""Erasures: whatever stops the request and the schedule, at each step, they end with nothing left and say so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.errors import Conflict, NotFound
from bonafide.ports.erasure import ErasableStore, ErasedStep
from bonafide.records.erasure import IN_FLIGHT, Erasure, ErasureSubject
from bonafide.records.request import UPLOAD_SECONDS
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.erasures import DomainErasing, ErasureReading, ErasureRuns, SpeakerErasing
from tests.services.parts import Killed, Observed, World, speech

MINUTE = timedelta(minutes=1)
CALLS = {"put_domain", "delete_domain", "put_speaker", "delete_speaker", "discard", "record_erasure", "put", "erase"}


@dataclass
class Shelf:
    """An `ErasableStore` whose entries have domain, speaker and time; it erases one at a time."""

    name: str
    entries: list[tuple[str, str, datetime]] = field(default_factory=list)

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        for domain, speaker, at in self.entries:
            if domain == subject.domain and subject.speaker in {None, speaker} and at < subject.before:
                self.entries.remove((domain, speaker, at))
                return ErasedStep(1, "")
        return ErasedStep(0, None)


@dataclass
class Kills:
    """Kills at the n-th call from the beginning, before or after it, and then never again."""

    at: int
    when: str
    calls: int = 0

    def __call__(self, when: str, call: str) -> None:
        if call not in CALLS:
            return
        self.calls += when == "before"
        if self.calls == self.at and when == self.when:
            self.at = 0
            raise Killed


@dataclass
class Stage:
    """A world with two speakers in each of two domains, and shelves that hold something about all of them."""

    world: World = field(default_factory=World)
    shelves: list[Shelf] = field(default_factory=lambda: [Shelf("sessions"), Shelf("decisions")])

    def __post_init__(self) -> None:
        for domain in ("acme", "other"):
            self.world.put_domain(domain)
            for speaker in ("ann", "bob"):
                self.add(domain, speaker)
        self.world.now += MINUTE

    def add(self, domain: str, speaker: str) -> None:
        owner, now = self.world.store.domain(domain), self.world.now
        assert owner
        self.world.store.put_speaker(owner, SpeakerRecord(domain, speaker, SpeakerStatus.ENROLLED, now, now, version=1))
        for shelf in self.shelves:
            shelf.entries += [(domain, speaker, now)] * 2

    @property
    def runs(self) -> ErasureRuns:
        stores: list[Any] = [SpeakerErasing(self.world._store), *self.shelves, DomainErasing(self.world._store)]
        watched: list[ErasableStore] = [self._watched(each) for each in stores]
        return ErasureRuns(self.world._erasures, self.world._store, watched, lambda: self.world.now)

    def _watched(self, store: Any) -> Any:
        observed: Any = Observed(store, self.world._tell)
        observed.name = store.name
        return observed

    def erasures(self, domain: str = "acme") -> list[Erasure]:
        return list(self.world.erasures.of_domain(domain, 100))

    def finish(self) -> None:
        """Lets the schedule run every minute until nothing is pending."""
        for _ in range(30):
            while True:
                try:
                    self.runs.go_on(lambda: 60.0)
                    break
                except Killed:
                    continue
            if all(each.completed_at for each in self.erasures()):
                return
            self.world.now += MINUTE
        raise AssertionError("not complete")

    def left(self, domain: str, speaker: str | None = None) -> list[object]:
        held: list[object] = [each for shelf in self.shelves for each in shelf.entries if each[0] == domain]
        held += self.world.store.stored_speakers(domain, 9)
        return [each for each in held if speaker in {None, _speaker(each)}]


def _speaker(held: Any) -> str:
    return str(held.speaker) if isinstance(held, SpeakerRecord) else str(held[1])


def delete_speaker(stage: Stage) -> None:
    stage.world.speakers.delete("acme", "ann")


def delete_domain(stage: Stage) -> None:
    stage.world.domains.delete("acme", force=True)


def calls_of(erase: Callable[[Stage], None]) -> int:
    stage, kills = Stage(), Kills(0, "")
    stage.world.report = kills
    erase(stage)
    stage.finish()
    return kills.calls


@pytest.mark.parametrize(("erase", "speaker"), [(delete_speaker, "ann"), (delete_domain, None)])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_erasure_that_was_killed_anywhere_ends_with_nothing_left_and_says_so(
    erase: Callable[[Stage], None], speaker: str | None, when: str
) -> None:
    total = calls_of(erase)
    assert total > 15
    for at in range(1, total + 1):
        stage = Stage()
        others = len(stage.left("other")), len(stage.left("acme", "bob"))
        stage.world.report = Kills(at, when)
        try:
            erase(stage)
        except Killed:
            try_again(erase, stage)
        stage.finish()
        assert stage.left("acme", speaker) == []
        assert all(each.completed_at for each in stage.erasures())
        assert len(stage.left("other")) == others[0]
        assert speaker is None or len(stage.left("acme", "bob")) == others[1]


def try_again(erase: Callable[[Stage], None], stage: Stage) -> None:
    """As a client does whose request failed; whoever does not is served by the schedule, if anything was begun."""
    try:
        erase(stage)
    except (NotFound, Conflict):
        assert stage.erasures()


def test_a_request_that_was_killed_after_it_was_on_record_is_carried_out_without_being_repeated() -> None:
    stage = Stage()
    # The record for restores is the first call, the beginning of the erasure the second.
    stage.world.report = Kills(2, "after")
    with pytest.raises(Killed):
        delete_speaker(stage)
    assert stage.left("acme", "ann")
    stage.finish()
    assert not stage.left("acme", "ann")


def test_what_is_written_by_requests_in_flight_is_found_by_the_last_pass() -> None:
    stage = Stage()
    delete_speaker(stage)
    stage.runs.go_on(lambda: 60.0)
    assert not stage.left("acme", "ann")
    stage.shelves[0].entries.append(("acme", "ann", stage.world.now + timedelta(seconds=20)))
    stage.world.now += IN_FLIGHT
    stage.finish()
    assert not stage.left("acme", "ann")
    assert stage.erasures()[0].of("sessions").erased == 3


def test_a_successor_of_the_same_name_keeps_all_that_is_its_own() -> None:
    stage = Stage()
    delete_domain(stage)
    stage.world.now += MINUTE
    stage.world.put_domain("acme")
    stage.add("acme", "ann")
    stage.finish()
    assert len(stage.left("acme")) == 5
    delete_speaker(stage)
    stage.world.now += MINUTE
    stage.add("acme", "ann")
    stage.finish()
    assert len(stage.left("acme", "ann")) == 5


def test_a_domain_is_complete_only_when_the_urls_of_its_uploads_have_expired() -> None:
    stage = Stage()
    delete_domain(stage)
    stage.finish()
    (report,) = stage.erasures()
    assert report.completed_at
    assert report.completed_at - report.at >= timedelta(seconds=UPLOAD_SECONDS)
    assert report.completed_at <= report.due_at


def test_an_erasure_that_cannot_go_on_holds_up_no_other_and_is_counted_when_it_is_overdue() -> None:
    stage = Stage()
    delete_speaker(stage)
    stage.world.now += MINUTE
    stage.world.speakers.delete("other", "bob")
    broken = stage.shelves[0].erase

    def erase(subject: ErasureSubject, after: str) -> ErasedStep:
        if subject.speaker == "ann":
            raise ValueError("broken")
        return broken(subject, after)

    stage.shelves[0].erase = erase  # type: ignore[method-assign]
    stage.world.now += timedelta(hours=1)
    assert stage.runs.go_on(lambda: 60.0) == 1
    assert [each.completed_at is None for each in (*stage.erasures(), *stage.erasures("other"))] == [True, False]


def test_domains_have_their_turns_and_the_overdue_are_counted_though_nobody_reaches_them() -> None:
    stage = Stage()
    for each in range(30):
        stage.add("acme", f"many-{each}")
    stage.world.now += MINUTE
    for each in range(30):
        stage.world.speakers.delete("acme", f"many-{each}")
    stage.world.speakers.delete("other", "bob")
    stage.world.now += timedelta(hours=1)
    # Whichever of the two domains is the first this minute: the other has its turn after one erasure.
    left = iter([60.0] * 60 + [1.0] * 99)
    overdue = stage.runs.go_on(lambda: next(left))
    assert 20 < overdue == len(list(stage.world.erasures.pending()))
    assert not any(stage.left("other", "bob"))
    stage.finish()
    assert stage.runs.go_on(lambda: 60.0) == 0


def test_a_report_counts_what_the_request_erased_itself() -> None:
    world = World()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    world.enroll(speech("ann"))
    world.authenticate(speech("ann", 5))
    world.speakers.delete("acme", "ann")
    (report,) = world.erasures.of_domain("acme", 9)
    assert {name: each.erased for name, each in report.stores.items() if each.erased} == {
        "kept_audio": 2,
        "attempts": 1,
        "speakers": 1,
    }
    world.now += MINUTE
    world.enroll(speech("bob"), speaker="bob")
    world.domains.delete("acme", force=True)
    (report, _) = world.erasures.of_domain("acme", 9)
    counted = {name: each.erased for name, each in report.stores.items() if each.erased}
    assert counted == {"kept_audio": 1, "speakers": 1, "versions": 1, "domains": 1}


def test_a_name_that_nobody_has_makes_no_report_and_takes_no_counts() -> None:
    stage = Stage()
    for _ in range(2):
        with pytest.raises(NotFound):
            stage.world.speakers.delete("acme", "nobody")
    assert stage.erasures() == []
    delete_speaker(stage)
    with pytest.raises(NotFound):
        delete_speaker(stage)
    stage.finish()
    (report,) = stage.erasures()
    assert report.of("sessions").erased == 2


def test_a_new_domain_does_not_show_the_reports_of_the_one_before() -> None:
    stage = Stage()
    delete_domain(stage)
    (former,) = stage.erasures()
    reading = ErasureReading(stage.world.erasures, stage.world.store)
    assert reading.list("acme") == [former]
    stage.world.now += MINUTE
    stage.world.put_domain("acme")
    stage.add("acme", "ann")
    stage.world.now += MINUTE
    delete_speaker(stage)
    assert [each.speaker for each in reading.list("acme")] == ["ann"]
    with pytest.raises(NotFound):
        reading.get("acme", former.name)


def test_the_schedule_stops_in_time_and_goes_on_where_it_was() -> None:
    stage, left = Stage(), iter([60.0, 60.0, 60.0, 1.0, 1.0])
    delete_domain(stage)
    stage.runs.go_on(lambda: next(left))
    assert stage.left("acme")
    stage.finish()
    assert not stage.left("acme")
