"""Identities of senders against the patterns that a domain or a stage is bound to."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.access.authorization import AccessRules, authorized
from bonafide.access.operations import OPERATIONS, ApiOperation, Role
from bonafide.access.principal import PATTERN, RELEASE_HOOK, Principal, Principals
from bonafide.biometrics.policy import Policy
from bonafide.errors import AccessDenied, NotFound
from bonafide.records.domain import DomainRecord, Retention
from bonafide.services.access import DomainAccess, StageAccess
from bonafide.services.shared.lookups import require_open
from stacks.platform import senders
from stacks.stage_checks import ROLES
from tests.services.parts import World

ROLE = "arn:aws:iam::123456789012:role/team/voice/Integrator"
SESSION = "arn:aws:sts::123456789012:assumed-role/Integrator/call-17"
MORNING = datetime(2026, 1, 1, tzinfo=UTC)
BY_NAME = {each.name: each for each in OPERATIONS.by_route.values()}
READ, CREATE = BY_NAME["getDomain"], BY_NAME["putDomain"]


def test_whoever_registers_fraudsters_may_upload_their_recordings() -> None:
    assert BY_NAME["putFraudster"].roles <= BY_NAME["createUpload"].roles


@pytest.mark.parametrize(
    ("arn", "pattern"),
    [
        (SESSION, ROLE),
        (SESSION, "arn:aws:iam::123456789012:role/Integrator"),
        (SESSION, "arn:aws:iam::123456789012:role/Integr*"),
        (SESSION, "arn:aws:iam::123456789012:role/*tor"),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Voice_0123abcd/ann@example.com",
         "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Voice_*"),
        ("arn:aws:iam::123456789012:user/team/ann", "arn:aws:iam::123456789012:user/ann"),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
        ("arn:aws:sts::123456789012:federated-user/ann", "arn:aws:sts::123456789012:federated-user/ann"),
        ("arn:aws-cn:sts::123456789012:assumed-role/Integrator/x", "arn:aws-cn:iam::123456789012:role/Integrator"),
    ],
)  # fmt: skip
def test_a_pattern_means_a_principal_in_every_form_of_its_arn(arn: str, pattern: str) -> None:
    principal = Principal.parse(arn)
    assert principal
    assert principal.matches(pattern)
    assert re.fullmatch(PATTERN, pattern)
    assert re.fullmatch(PATTERN, principal.arn)
    assert principal.matches(principal.arn)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::999999999999:assumed-role/Integrator/x",
        "arn:aws-cn:sts::123456789012:assumed-role/Integrator/x",
        "arn:aws:sts::123456789012:assumed-role/Other/Integrator",
        "arn:aws:sts::123456789012:assumed-role/integrator/x",
        "arn:aws:iam::123456789012:user/Integrator",
        "arn:aws:sts::123456789012:federated-user/Integrator",
        "arn:aws:iam::123456789012:root",
    ],
)
def test_a_pattern_means_nobody_else(arn: str) -> None:
    principal = Principal.parse(arn)
    assert principal
    assert not principal.matches(ROLE)
    assert not principal.matches("arn:aws:iam::123456789012:role/Integrator*")


@pytest.mark.parametrize(
    "arn", [None, "", "*", "arn:aws:iam::123456789012:role", "arn:aws:sts::123456789012:assumed-role/Integrator",
            "arn:aws:sts::123456789012:assumed-role//x", "arn:aws:iam::123456789012:root/x", "AIDA123", f"{SESSION}\n",
            "arn:aws:iam::12:role/Integrator", "arn:aws:s3:::bucket"]
)  # fmt: skip
def test_what_names_no_identity_is_nobody(arn: str | None) -> None:
    assert Principal.parse(arn) is None
    nobody = AccessRules(None).authorize(arn, READ, "acme")
    assert not nobody.permits(None)
    assert not nobody.permits_unknown()
    assert not nobody.permits_stage()


@pytest.mark.parametrize(
    "pattern", ["*", "arn:aws:iam::*:role/x", "arn:*:iam::123456789012:role/x", "arn:aws:iam::123456789012:role/*",
                "arn:aws:iam::123456789012:*", "arn:aws:iam::123456789012:role/a*/b",
                "arn:aws:iam::123456789012:role/**", "arn:aws:iam::123456789012:role/[a-z]",
                "arn:aws:iam::123456789012:group/x"]
)  # fmt: skip
def test_a_domain_is_bound_to_nothing_that_means_everybody(pattern: str) -> None:
    assert not re.fullmatch(PATTERN, pattern)


@settings(max_examples=30)
@given(st.text(max_size=80))
def test_no_text_is_a_principal_by_accident(text: str) -> None:
    principal = Principal.parse(text)
    assert principal is None or text.startswith("arn:aws")


def record(principals: Principals | None) -> DomainRecord:
    retention = Retention(30, keep_audio=False)
    return DomainRecord("acme", Policy(), retention, MORNING, MORNING, version=1, principals=principals)


def test_a_later_release_may_know_more_roles() -> None:
    assert Principals.from_document({"integrator": [ROLE], "inspector": [ROLE]}) == Principals(
        {Role.INTEGRATOR: (ROLE,)}
    )


@pytest.mark.parametrize("bound", [True, False])
def test_without_a_binding_of_the_stage_iam_alone_guards_what_no_domain_has(bound: bool) -> None:
    rules = AccessRules(Principals() if bound else None)
    sender = rules.authorize(SESSION, BY_NAME["listModelVersions"], None)
    assert sender.permits_stage() is not bound
    assert rules.authorize(SESSION, CREATE, "new").permits_unknown() is not bound
    assert not rules.authorize(SESSION, READ, "new").permits_unknown()
    assert not rules.authorize(SESSION, READ, "acme").permits(Principals())


def test_who_makes_golden_calls_does_so_in_domains_of_theirs_only() -> None:
    rules = AccessRules(Principals(), [RELEASE_HOOK], "probe")
    for domain, permitted in (("probe", True), ("probe-1", True), ("probe1", False), ("acme", False)):
        assert rules.authorize(RELEASE_HOOK, CREATE, domain).permits_unknown() is permitted
        assert rules.authorize(RELEASE_HOOK, READ, domain).permits(Principals()) is permitted
    assert not rules.authorize(RELEASE_HOOK, BY_NAME["setStageBrake"], None).permits_stage()


def test_the_stack_and_the_product_mean_the_same() -> None:
    assert senders.RELEASE_HOOK == RELEASE_HOOK
    assert set(ROLES) == set(Role)


class Access:
    """A check over a store in memory that counts reads."""

    def __init__(self, kept: float = 0) -> None:
        self.world = World()
        self.reads = 0
        self.now = MORNING
        self.access = DomainAccess(AccessRules(Principals()), self, timedelta(seconds=kept), clock=lambda: self.now)  # type: ignore[arg-type]
        self.found: DomainRecord | None = record(Principals({Role.INTEGRATOR: (ROLE,)}))

    def domain(self, _: str) -> DomainRecord | None:
        self.reads += 1
        return self.found

    def is_refused(self, arn: str = SESSION, operation: ApiOperation = READ) -> bool:
        try:
            with self.access.granted(arn, operation, "acme"):
                return False
        except AccessDenied:
            return True


def test_principals_that_are_kept_save_the_read_and_never_refuse() -> None:
    access = Access(kept=10)
    assert not any(access.is_refused() for _ in range(5))
    assert access.reads == 1
    assert access.is_refused(f"{SESSION}x".replace("Integrator", "Other"))
    assert access.reads == 2
    access.found = record(Principals({Role.INTEGRATOR: ("arn:aws:iam::123456789012:role/Other",)}))
    assert not access.is_refused(SESSION.replace("Integrator", "Other"))
    access.now += timedelta(seconds=11)
    assert access.is_refused()


def test_unknown_domains_and_those_of_others_cost_one_read_each() -> None:
    for found in (None, record(Principals())):
        for kept in (0, 10):
            access = Access(kept=kept)
            access.found = found
            for calls in (1, 2, 3):
                assert access.is_refused()
                assert access.reads == calls


def test_what_no_domain_can_be_named_is_not_looked_up() -> None:
    access = Access()
    for name in ("a" * 65, "a" * 6000, "-a", "é"):
        with pytest.raises(AccessDenied), access.access.granted(SESSION, READ, name):
            pass
    assert access.reads == 0


def test_what_was_kept_is_checked_again_on_the_record_that_the_work_rests_on() -> None:
    access = Access(kept=10)
    with access.access.granted(SESSION, READ, "acme"):
        assert require_open(access.found, "acme") is access.found
        for now in (record(Principals()), None):
            with pytest.raises(AccessDenied):
                require_open(now, "acme")
    with pytest.raises(NotFound):
        require_open(None, "acme")


def test_an_administrator_of_the_stage_learns_that_a_domain_does_not_exist() -> None:
    rules = AccessRules(Principals({Role.ADMINISTRATOR: (ROLE,)}))
    with authorized(rules.authorize(SESSION, READ, "acme")), pytest.raises(NotFound):
        require_open(None, "acme")


def test_a_check_without_domains_refuses_whatever_is_about_one() -> None:
    with pytest.raises(AccessDenied), StageAccess(AccessRules(None)).granted(SESSION, READ, "acme"):
        pass


def test_principals_are_not_kept_for_long() -> None:
    with pytest.raises(ValueError, match="up to 10 s"):
        DomainAccess(AccessRules(None), World().store, timedelta(minutes=1))
