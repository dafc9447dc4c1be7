"""The life of a domain's calibration, and what decisions make of one that cannot be used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.contracts.events import parse
from bonafide.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from bonafide.records.calibration import CalibrationsRecord, CalibrationState
from bonafide.records.decision import DecisionRecord
from bonafide.services.calibrations import Calibrations
from bonafide.services.shared.calibration_book import RETRY_AFTER, CalibrationBook, calibrations_by_digest
from tests.calibrations import a_calibration, with_condition
from tests.services.parts import World, speech
from tests.streamed import DOMAIN, Deployment, Script

EVERYBODY = 1.0


class Call:
    """A domain with a caller, and an environment that stays."""

    def __init__(self) -> None:
        self.world = World()
        self.world.put_domain(minimum_enrolment_seconds=6)
        self.world.enroll(speech("ann", 8))
        self.base = Calibration.parse(self.world.models.calibrations[0])
        self.own = a_calibration(self.base)
        self.book = self.world.book

    @property
    def service(self) -> Calibrations:
        return self.world.calibrations

    def propose(self, own: Any = None, share: float = EVERYBODY) -> int:
        return self.service.propose("acme", own or self.own, share, "new headsets", "ann").signed.version

    def judging(self, speaker: str = "ann") -> tuple[str, tuple[Signal, ...]]:
        found, _, _ = self.world.environment.find("acme", speaker)
        assert found
        used = self.book.of(found, speaker, self.base.embedding_space)
        return used.calibration.digest, used.missing

    def tamper(self, change: Callable[[CalibrationsRecord], CalibrationsRecord]) -> None:
        current = self.world.store.calibrations.calibrations("acme")
        self.world.store.calibrations.put_calibrations(replace(change(current), version=current.version + 1))


def test_a_proposal_judges_a_share_of_the_speakers_and_always_the_same_ones() -> None:
    call = Call()
    call.propose(share=0.2)
    names = [f"speaker-{number}" for number in range(500)]
    first = [call.judging(name)[0] for name in names]
    assert set(first) == {call.base.digest, call.own.of(call.base).digest}
    assert 60 < sum(digest != call.base.digest for digest in first) < 140
    assert [call.judging(name)[0] for name in names] == first


def test_canary_active_revoked_each_with_its_entry_in_the_history() -> None:
    call = Call()
    own = call.own.of(call.base).digest
    assert call.judging() == (call.base.digest, ())
    version = call.propose(share=0.0001)
    assert call.service.get("acme", version).state is CalibrationState.CANARY
    assert call.judging() == (call.base.digest, ())
    call.service.promote("acme", version, "as good as it said", "bob")
    assert call.judging() == (own, ())
    history = call.service.revoke("acme", version, "headsets are gone", "eve")
    assert call.judging() == (call.base.digest, ())
    assert call.service.get("acme", version).state is CalibrationState.REVOKED
    assert [(each.change.action, each.change.changed_by) for each in history.changes if each.change] == [
        ("REVOKED", "eve"),
        ("PROMOTED", "bob"),
        ("PROPOSED", "ann"),
    ]


def test_a_promotion_revokes_the_one_before_and_a_revoked_one_never_comes_back() -> None:
    call = Call()
    first = call.propose()
    call.service.promote("acme", first, "first", None)
    second = call.propose(with_condition(call.own, {"shift": -0.5}))
    call.service.promote("acme", second, "second", None)
    states = [call.service.get("acme", version).state for version in (first, second)]
    assert states == [CalibrationState.REVOKED, CalibrationState.ACTIVE]
    with pytest.raises(Conflict) as refused:
        call.service.promote("acme", first, "back", None)
    assert refused.value.code == "calibration_revoked"


def test_requests_that_are_repeated_change_nothing() -> None:
    call = Call()
    assert [call.propose(), call.propose()] == [1, 1]
    call.service.promote("acme", 1, "go", None)
    call.service.promote("acme", 1, "go", None)
    call.service.revoke("acme", 1, "stop", None)
    assert len(call.service.revoke("acme", 1, "stop", None).changes) == 3


def test_one_canary_at_a_time() -> None:
    call = Call()
    call.propose()
    with pytest.raises(Conflict) as refused:
        call.propose(with_condition(call.own, {"shift": -0.5}))
    assert refused.value.code == "calibration_in_canary"


def test_what_does_not_pass_the_gate_or_is_of_another_domain_is_refused() -> None:
    call = Call()
    for wrong in (with_condition(call.own, {"speakers": 49}), a_calibration(call.base, "other")):
        with pytest.raises(InvalidInput) as refused:
            call.propose(wrong)
        assert refused.value.code == "calibration_refused"
    with pytest.raises(NotFound):
        call.service.get("acme", 1)


def test_of_two_who_promote_at_once_one_does_and_the_other_reads_again() -> None:
    call = Call()
    version = call.propose()
    stale = call.world.store.calibrations.calibrations("acme")
    late = Calibrations(_Stale(stale, call.world.store.calibrations), call.world.store, call.world.signatures)
    call.service.revoke("acme", version, "first", "ann")
    with pytest.raises(Conflict) as refused:
        late.promote("acme", version, "second", "bob")
    assert refused.value.code == "calibration_changed"
    assert call.service.get("acme", version).state is CalibrationState.REVOKED


class _Stale:
    """A store as it was when somebody read it."""

    def __init__(self, read: CalibrationsRecord, store: Any) -> None:
        self._read, self._store = read, store

    def calibrations(self, domain: str) -> CalibrationsRecord:
        return self._read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_with_a_wrong_signature_the_bundle_judges_and_decisions_are_at_best_step_up() -> None:
    call = Call()
    call.propose()
    call.service.promote("acme", 1, "go", None)
    assert call.world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT

    def wider(record: CalibrationsRecord) -> CalibrationsRecord:
        assert record.active
        document = with_condition(call.own, {"shift": 6.0}).to_document()
        return replace(record, active=replace(record.active, document=document))

    call.tamper(wider)
    assert call.judging() == (call.base.digest, (Signal.DOMAIN_CALIBRATION,))
    answer = call.world.authenticate(speech("ann", 8))
    assert (answer.decision, answer.degraded) == (Decision.STEP_UP, ["domain_calibration"])


@pytest.mark.parametrize("field", ["version", "created_by"])
def test_a_signature_is_over_everything_that_is_said_about_the_calibration(field: str) -> None:
    call = Call()
    call.propose()
    other = {"version": 7, "created_by": "mallory"}[field]
    call.tamper(lambda record: replace(record, canary=replace(record.canary, **{field: other})))  # type: ignore[type-var]
    assert call.judging()[1] == (Signal.DOMAIN_CALIBRATION,)


def test_a_calibration_of_another_bundle_is_not_used_and_misses_nothing() -> None:
    call = Call()
    call.propose(replace(call.own, base="0" * 64))
    assert call.judging() == (call.base.digest, ())


def test_a_domain_that_was_made_anew_has_no_calibration() -> None:
    call = Call()
    call.propose()
    call.world.domains.delete("acme", force=True)
    call.world.now += timedelta(seconds=1)
    call.world.put_domain()
    assert call.judging() == (call.base.digest, ())
    assert call.service.history("acme").changes == []
    with pytest.raises(NotFound):
        call.service.get("acme", 1)
    assert call.propose() == 2
    assert [each.version for each in call.service.history("acme").changes] == [2]
    assert call.judging()[0] != call.base.digest


def test_a_key_that_does_not_answer_costs_a_step_up_and_is_asked_again_after_a_while() -> None:
    call = Call()
    call.propose()
    found, _, _ = call.world.environment.find("acme", "ann")
    assert found
    key = _Key(call.world.signatures)
    book = CalibrationBook(SpaceCalibrations([call.base]), key, lambda: call.world.now)
    assert book.of(found, "ann", call.base.embedding_space).missing == (Signal.DOMAIN_CALIBRATION,)
    key.works = True
    assert book.of(found, "ann", call.base.embedding_space).missing == (Signal.DOMAIN_CALIBRATION,)
    call.world.now += RETRY_AFTER
    assert book.of(found, "ann", call.base.embedding_space).calibration.digest != call.base.digest
    assert book.of(found, "ann", call.base.embedding_space).missing == ()
    assert key.asked == 2


class _Key:
    """Signatures by a key that does not answer yet."""

    def __init__(self, signatures: Any) -> None:
        self._signatures, self.works, self.asked = signatures, False, 0

    def sign(self, domain: str, calibration: Any) -> str:
        raise NotImplementedError

    def is_genuine(self, domain: str, calibration: Any) -> bool:
        self.asked += 1
        if not self.works:
            raise StoreUnavailable
        return bool(self._signatures.is_genuine(domain, calibration))


def test_a_decision_names_the_calibration_that_judged_and_comes_out_the_same() -> None:
    call = Call()
    call.propose()
    answer = call.world.authenticate(speech("ann", 8))
    stored = call.world.decisions.read("acme", answer.decision_id)
    assert isinstance(stored, DecisionRecord)
    assert stored.policy
    calibrations = calibrations_by_digest(call.world.store.calibrations, "acme", SpaceCalibrations([call.base]))
    assert stored.calibration == call.own.of(call.base).digest
    assert judge(stored.case, stored.policy, calibrations[stored.calibration]) == stored.judgement


def test_a_calibration_that_is_revoked_during_a_session_judges_no_later_evaluation() -> None:
    line = Deployment()
    script = Script("call", "grace", "grace")
    line.start(script)
    for number in range(3):
        line.scoring.handle(parse(script.chunk(number)), line.now)
    base = Calibration.parse(line.models.calibrations[0])
    service = Calibrations(line.domains.calibrations, line.domains, line.signatures, lambda: line.now)
    first = line.calls.evaluate(DOMAIN, "call")
    service.propose(DOMAIN, a_calibration(base, DOMAIN), EVERYBODY, "new headsets", None)
    service.promote(DOMAIN, 1, "go", None)
    during = line.calls.evaluate(DOMAIN, "call")
    service.revoke(DOMAIN, 1, "stop", None)
    after = line.calls.evaluate(DOMAIN, "call")
    assert first.speaker
    assert during.speaker
    assert during.speaker.llr < first.speaker.llr - 1.0
    assert during.evaluation_id != first.evaluation_id
    assert (after.speaker, after.evaluation_id) == (first.speaker, first.evaluation_id)
