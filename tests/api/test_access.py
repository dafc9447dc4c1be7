"""Who may call what, in the functions alone: events with verified identities, as API Gateway makes them."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bonafide.access.operations import OPERATIONS, Role
from bonafide.http.openapi import document
from bonafide_client import NO_RETRIES, ApiResponse, Client, SigV4Signer
from local.aws.api.definition import ApiDefinition
from local.aws.api.front import handle
from local.aws.api.identity import LOCAL_ADMINISTRATOR, SenderIdentity
from local.aws.api.proxy import HttpRequest, HttpResponse
from local.aws.functions.function import ACCOUNT, REGION
from local.runner import Deployment
from tests.api.parts import Api

DOMAIN = "{domain}"
SENDER = "x-test-sender"
# Parameters of paths besides the domain.
NAMES = {"speaker": "ann", "session": "call-1", "n": "0", "decision_id": "d-1", "version": "1", "digest": "0" * 64,
         "promotion": "1", "erasure_id": "e", "contribution": "c", "policy_version": "1",
         "watchlist": "w", "fraudster": "f"}  # fmt: skip

type Operation = tuple[str, str, str]


def operations() -> list[Operation]:
    """Name, method and path of every operation of the contract that has to be signed."""
    paths: Mapping[str, Any] = json.loads(document())["paths"]
    return [
        (operation["operationId"], method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if operation.get("security") != []
    ]


def role_arn(domain: str, role: Role) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/team/{domain}-{role}"


def sender(domain: str, role: Role) -> SenderIdentity:
    """A session of the role, whose ARN has no path."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{domain}-{role}/session"
    return replace(LOCAL_ADMINISTRATOR, arn=arn)


class Functions:
    """The deployed functions behind an API that believes whatever identity it is told."""

    def __init__(self, running: Deployment) -> None:
        template = running.template
        self._senders: dict[str, SenderIdentity] = {}
        self._api = ApiDefinition(
            template.stage(), template.routes(), template.gateway_responses(), template.binary_types(), running.submit,
            sender=lambda request: self._senders[request.header(SENDER)],
        )  # fmt: skip

    def call(self, who: SenderIdentity, method: str, path: str, body: Any = None, *, key: str = "") -> HttpResponse:
        self._senders[who.arn] = who
        headers = [(SENDER, who.arn), ("Content-Type", "application/json")]
        headers += [("Idempotency-Key", key)] if key else []
        content = json.dumps(body).encode() if body is not None else b""
        return handle(self._api, HttpRequest(str(uuid.uuid4()), method, f"/dev{path}", headers, "127.0.0.1", content))


def path_in(path: str, domain: str) -> str:
    return path.format(domain=domain, **NAMES)


def code(answer: HttpResponse) -> str:
    content = json.loads(answer.body or b"{}")
    found: str = content.get("code", "") if answer.status >= 400 else ""
    return found


@pytest.fixture(scope="module")
def functions(bonafide: Deployment) -> Functions:
    return Functions(bonafide)


@pytest.fixture(scope="module")
def domains(api: Api) -> Iterator[tuple[str, str]]:
    """Two domains, each with principals of its own in all roles."""
    names = (f"mine-{uuid.uuid4().hex[:8]}", f"theirs-{uuid.uuid4().hex[:8]}")
    for name in names:
        principals = {str(role): [role_arn(name, role)] for role in Role}
        created = api.call("PUT", f"/v1/domains/{name}", {"principals": principals})
        assert created.document["principals"] == principals
    yield names
    for name in names:
        api.call("DELETE", f"/v1/domains/{name}?force=true")


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation[0])
def test_every_role_of_every_other_domain_is_refused_and_learns_nothing(
    operation: Operation, functions: Functions, domains: tuple[str, str]
) -> None:
    _, method, path = operation
    mine, theirs = domains
    body: Any = {} if method in {"PUT", "POST"} else None
    for role in Role:
        answer = functions.call(sender(theirs, role), method, path_in(path, mine), body, key="k")
        assert (answer.status, code(answer)) == (403, "role_missing")
    unknown = functions.call(sender(theirs, role), method, path_in(path, "nobody-has-this-name"), body, key="k")
    assert unknown.status == 403
    assert without_id(unknown) == without_id(answer)


def without_id(answer: HttpResponse) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.body)
    return content | {"request_id": ""}


@pytest.mark.parametrize(
    "operation", [each for each in operations() if DOMAIN in each[2]], ids=lambda operation: operation[0]
)
def test_in_a_domain_of_their_own_roles_may_do_what_the_table_says(
    operation: Operation, functions: Functions, domains: tuple[str, str]
) -> None:
    name, method, path = operation
    own = domains[0]
    body: Any = {} if method in {"PUT", "POST"} else None
    table = {each.name: each for each in OPERATIONS.by_route.values()}
    permitted = {Role.ADMINISTRATOR}
    # A deletion leaves nothing for the next role.
    for role in Role if name != "deleteDomain" else set(Role) - permitted:
        refused = code(functions.call(sender(own, role), method, path_in(path, own), body)) == "role_missing"
        permitted = permitted - {role} if refused else permitted | {role}
    assert permitted == table[name].roles


def test_the_table_has_every_operation_of_the_contract_and_no_other() -> None:
    listed = {f"{method} {path}": name for name, method, path in operations()}
    assert listed == {route: each.name for route, each in OPERATIONS.by_route.items()}


def bound_to(domain: str, *roles: Role) -> dict[str, list[str]]:
    """Principals of a domain: in these roles, and as its administrator; none in the others."""
    wanted = {*roles, Role.ADMINISTRATOR}
    return {str(role): [role_arn(domain, role)] if role in wanted else [] for role in Role}


@pytest.mark.parametrize(
    ("principals", "told"),
    [
        ({"administrator": []}, ("administrator_missing", "principals.administrator")),
        ({"integrator": ["arn:aws:iam::123456789012:role/x"]}, ("administrator_missing", "principals.administrator")),
        ({"administrator": ["arn:aws:iam::123456789012:role/x"]}, ("role_left_out", "principals.integrator")),
    ],
)
def test_principals_that_would_lock_somebody_out_unsaid_are_refused(
    principals: dict[str, list[str]], told: tuple[str, str], api: Api, domain: str
) -> None:
    path = f"/v1/domains/{domain}"
    before = api.call("PUT", path, {"principals": bound_to(domain, Role.INTEGRATOR)}).document
    refused = api.call("PUT", path, {"principals": principals})
    assert (refused.status, refused.document["code"], refused.document["errors"][0]["field"]) == (400, *told)
    assert api.call("GET", path).document == before


def test_a_quota_is_set_by_the_stage_and_answers_429_beyond_it(functions: Functions, api: Api, domain: str) -> None:
    path, body = f"/v1/domains/{domain}", {"format": {"encoding": "wav"}}
    quota = {"requests_per_second": 0.05, "burst": 2}
    high = api.call("PUT", path, {"quota": quota | {"burst": 101}})
    assert (high.status, high.document["code"], high.document["errors"][0]["field"]) == (400, "quota_too_high", "quota")
    own = {"principals": bound_to(domain, Role.INTEGRATOR), "quota": quota}
    assert api.call("PUT", path, own).document["quota"] == quota
    # Whom a quota limits does not lift it, but may send it back with other settings.
    administrator = sender(domain, Role.ADMINISTRATOR)
    for changed in ({"quota": None}, {"quota": quota | {"burst": 3}}):
        assert code(functions.call(administrator, "PUT", path, changed)) == "role_missing"
    assert functions.call(administrator, "PUT", path, {"quota": quota, "retention": {}}).status == 200
    who = sender(domain, Role.INTEGRATOR)
    answers = [functions.call(who, "POST", f"{path}/sessions", body) for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    assert code(answers[-1]) == "quota_exceeded"
    assert 15 <= int(dict(answers[-1].headers)["Retry-After"]) <= 20
    session = json.loads(answers[0].body)["session_id"]
    assert functions.call(who, "GET", f"{path}/sessions/{session}").status == 200


def test_a_principal_who_is_removed_is_refused_at_once(functions: Functions, api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/sessions"
    who, body = sender(domain, Role.INTEGRATOR), {"format": {"encoding": "wav"}}
    api.call("PUT", f"/v1/domains/{domain}", {"principals": bound_to(domain, Role.INTEGRATOR)})
    started = functions.call(who, "POST", path, body, key="start")
    session = f"{path}/{json.loads(started.body)['session_id']}"
    reads = [("GET", session), ("GET", f"{session}/evaluation")]
    # What an environment has kept of the principals does not outlast their removal.
    for method, each in reads:
        assert functions.call(who, method, each).status == 200
    assert api.call("PUT", f"/v1/domains/{domain}", {"principals": bound_to(domain)}).status == 200
    for method, each in reads:
        assert code(functions.call(who, method, each)) == "role_missing"
    claimed = functions.call(who, "PUT", f"{session}/speaker", {"speaker": "ann"})
    ended = functions.call(who, "POST", f"{session}/end", {"chunks": 1}, key="end")
    again = functions.call(who, "POST", path, body, key="start")
    assert [code(each) for each in (claimed, ended, again)] == ["role_missing"] * 3
    assert api.call("GET", session).document["claimed_speaker"] is None


def test_a_domain_of_the_first_release_is_open_until_its_principals_are_set(
    functions: Functions, api: Api, bonafide: Deployment, domain: str
) -> None:
    client, table = bonafide.emulator.client("dynamodb"), tenants(bonafide)
    key = {"domain": {"S": domain}, "item": {"S": "domain"}}
    stored = client.get_item(TableName=table, Key=key)["Item"]
    content = json.loads(stored["document"]["S"])
    del content["principals"]
    client.put_item(TableName=table, Item={**stored, "document": {"S": json.dumps(content)}})
    anybody = sender("elsewhere", Role.AUDITOR)
    read = functions.call(anybody, "GET", f"/v1/domains/{domain}")
    assert json.loads(read.body)["principals"] is None
    bound = {"principals": {"administrator": [role_arn(domain, Role.ADMINISTRATOR)]}}
    assert functions.call(anybody, "PUT", f"/v1/domains/{domain}", bound).status == 200
    assert code(functions.call(anybody, "GET", f"/v1/domains/{domain}")) == "role_missing"


def tenants(running: Deployment) -> str:
    names: list[str] = running.emulator.client("dynamodb").list_tables()["TableNames"]
    (found,) = [name for name in names if "Tenants" in name]
    return found


def test_a_new_domain_is_bound_to_who_creates_it_and_a_change_of_settings_keeps_that(api: Api, domain: str) -> None:
    created = api.call("GET", f"/v1/domains/{domain}").document["principals"]
    assert created == {str(role): [LOCAL_ADMINISTRATOR.arn] for role in Role}
    api.call("PUT", f"/v1/domains/{domain}", {"retention": {"decision_days": 3}})
    assert api.call("GET", f"/v1/domains/{domain}").document["principals"] == created


@pytest.mark.parametrize(
    "path", ["/v1/domains/{}%2Fbrake", "/v1/domains//{}", "/v1/domains/./{}", "/v1/domains/x/../{}", "/v1/domains/{}/",
             "/v1/domains/%61{}", "/v1/domains/{}%00", "/v1/domains/{}%", "/v1/domains/{}\\x", "/v1/./domains/{}",
             "//v1/domains/{}", "/v1/domains/%2e%2e/{}", "/v1/domains/{}%20"]
)  # fmt: skip
def test_an_odd_path_is_no_route_even_for_an_administrator(path: str, functions: Functions, domain: str) -> None:
    answer = functions.call(LOCAL_ADMINISTRATOR, "GET", path.format(domain))
    assert (answer.status, code(answer)) in {(404, "route_not_found"), (403, "route_unknown_or_unsigned")}


class Keys:
    """Users and roles of the emulator."""

    def __init__(self, running: Deployment) -> None:
        self._running = running

    def user(self, name: str) -> Any:
        iam = self._running.emulator.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, name: str) -> Any:
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = self._running.emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)
        arn = role["Role"]["Arn"]
        key = self._running.emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="call")["Credentials"]
        return credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])


def credentials(*values: str) -> Any:
    from botocore.credentials import Credentials  # noqa: PLC0415

    return Credentials(*values)


def ask(running: Deployment, who: Any, path: str) -> ApiResponse:
    with Client(running.endpoint, signer=SigV4Signer(REGION, who), retries=NO_RETRIES) as client:
        return client.request("GET", path)


def test_a_signature_binds_a_request_to_its_principal(bonafide: Deployment, api: Api, domain: str) -> None:
    keys, path = Keys(bonafide), f"/v1/domains/{domain}"
    integrator, analyst = f"i{uuid.uuid4().hex[:8]}", f"a{uuid.uuid4().hex[:8]}"
    bound = bound_to(domain) | {
        "integrator": [f"arn:aws:iam::{ACCOUNT}:role/{integrator}"],
        "analyst": [f"arn:aws:iam::{ACCOUNT}:user/{analyst}"],
    }
    api.call("PUT", path, {"principals": bound})
    role, user = keys.role(integrator), keys.user(analyst)
    assert ask(bonafide, role, path).status == 200
    assert ask(bonafide, role, f"{path}/decisions").document["code"] == "role_missing"
    assert ask(bonafide, user, f"{path}/decisions").status == 200
    assert ask(bonafide, keys.user(f"o{uuid.uuid4().hex[:8]}"), path).document["code"] == "role_missing"
    stolen = credentials(role.access_key, role.secret_key, "another token")
    assert ask(bonafide, stolen, path).document["detail"] == "The security token included in the request is invalid."


def test_administrative_acts_are_on_record_with_identity_and_outcome(
    functions: Functions, api: Api, domain: str
) -> None:
    who, auditor = sender(domain, Role.ADMINISTRATOR), sender(domain, Role.AUDITOR)
    path, bound = f"/v1/domains/{domain}", {str(role): [role_arn(domain, role)] for role in Role}
    api.call("PUT", path, {"principals": bound})
    functions.call(who, "PUT", f"{path}/brake", {"reason": "drill"})
    functions.call(who, "DELETE", f"{path}/speakers/nobody")
    functions.call(who, "POST", f"{path}/speakers/somebody/opt-out", key="opt-out")
    stranger = sender("elsewhere", Role.ADMINISTRATOR)
    for who_not in (sender(domain, Role.ANALYST), stranger):
        assert functions.call(who_not, "DELETE", path).status == 403
    functions.call(who, "DELETE", path)
    entries, cursor = [], ""
    while True:
        page = json.loads(functions.call(auditor, "GET", f"{path}/audit?limit=2{cursor}").body)
        entries += page["entries"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    told = [(each["operation"], each["principal"], each["status"], each["code"]) for each in reversed(entries)]
    assert told == [
        ("putDomain", LOCAL_ADMINISTRATOR.arn, 200, None),
        ("putDomain", LOCAL_ADMINISTRATOR.arn, 200, None),
        ("setDomainBrake", who.arn, 200, None),
        ("deleteSpeaker", who.arn, 404, "speaker_not_found"),
        ("optOutSpeaker", who.arn, 200, None),
        ("deleteDomain", sender(domain, Role.ANALYST).arn, 403, "role_missing"),
        ("deleteDomain", stranger.arn, 403, "role_missing"),
        ("deleteDomain", who.arn, 409, "domain_not_empty"),
    ]
    assert "somebody" not in json.dumps(entries)
    assert all(each["request_id"] for each in entries)
