"""Refused attempts in the audit trail."""

from datetime import UTC, datetime, timedelta

from bonafide.access.authorization import AccessRules
from bonafide.adapters.memory.audit import MemoryAuditTrail
from bonafide.services.audit import MOST_REFUSED, ActRequested, Audit
from tests.services.parts import World

STRANGER = "arn:aws:sts::123456789012:assumed-role/stranger/{}"


class Refusals:
    """A trail over a world with the domain acme."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, tzinfo=UTC)
        self.trail = MemoryAuditTrail()
        world = World()
        world.put_domain()
        self.known = "acme"
        rules = AccessRules(None, probe_domain="bonafide-probe")
        self.audit = Audit(self.trail, world.store, rules, lambda: self.now)

    def refuse(self, domain: str, number: int = 0, principal: str = STRANGER) -> None:
        self.now += timedelta(milliseconds=1)
        parameters = {"domain": domain, "speaker": "ann"}
        asked = ActRequested("deleteSpeaker", parameters, f"r-{number}", principal.format(number), "")
        self.audit.refused(asked, 403, "role_missing")


def test_an_attempt_is_on_record_with_who_made_it() -> None:
    refusals = Refusals()
    refusals.refuse(refusals.known)
    (act,) = refusals.trail.acts(refusals.known, None, 10).acts
    assert (act.operation, act.principal, act.status, act.code) == (
        "deleteSpeaker",
        STRANGER.format(0),
        403,
        "role_missing",
    )
    assert "ann" not in act.subject.values()


def test_an_attempt_at_no_domain_is_in_the_trail_of_the_stage_and_names_it() -> None:
    refusals = Refusals()
    refusals.refuse("nobody-has-this-name")
    (act,) = refusals.trail.acts(None, None, 10).acts
    assert act.subject["domain"] == "nobody-has-this-name"
    assert not refusals.trail.acts("nobody-has-this-name", None, 10).acts


def test_nobody_fills_the_trail() -> None:
    refusals = Refusals()
    for number in range(3 * MOST_REFUSED):
        refusals.refuse(refusals.known, number)
    assert len(refusals.trail.acts(refusals.known, None, 100).acts) == MOST_REFUSED
    refusals.refuse(refusals.known, 0, "arn:aws:iam::123456789012:user/other")
    assert len(refusals.trail.acts(refusals.known, None, 100).acts) == MOST_REFUSED + 1
    refusals.now += timedelta(minutes=1)
    refusals.refuse(refusals.known, 99)
    assert len(refusals.trail.acts(refusals.known, None, 100).acts) == MOST_REFUSED + 2


def test_golden_calls_leave_no_trace() -> None:
    refusals = Refusals()
    refusals.refuse("bonafide-probe-smoke")
    assert not refusals.trail.acts(None, None, 10).acts
