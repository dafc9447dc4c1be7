"""The policies that the stack offers, alone: each role's in its own domain, and in every other."""

import re
from collections.abc import Iterator

import pytest
from ministack.core.iam_evaluator import (  # type: ignore[import-untyped]
    EvalContext,
    evaluate,
    parse_policy_document,
)

from ops.access.policy import prefix
from stacks.platform.policies import NAME, policy, roles, roles_of_routes
from tests.access.evaluation import Document, Request, allowed

ENDPOINT = "https://abcdefghij.execute-api.eu-west-1.amazonaws.com/production"
ACCOUNT = "123456789012"
API = prefix(ENDPOINT, ACCOUNT)
OWN = "acme"
# Names that a careless pattern for `acme` would also match, or that look like parts of paths.
OTHERS = ("acme-2", "acm", "ACME", "acme.x", "other", "brake", "speakers", "domains", "models")
# An asterisk at the end of a path stands for what is below it, too. These routes are below that of a speaker, which the
# role may read; the function refuses them (tests/api/test_access.py). A denial here would also bind a principal who has
# two roles.
BELOW = {"integrator": ("attempts", "contributions", "export"), "analyst": ("export",)}
# The longest name of a domain.
LONGEST = "d" * 64
MANAGED_POLICY_CHARACTERS = 6144


def requests(domain: str) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path and permitted roles of every route, as a request to the domain would name it."""
    for (method, path), permitted in roles_of_routes().items():
        named = path.replace("{domain}", domain).replace("{digest}", "0" * 64)
        yield method, re.sub(r"\{\w+\}", "x1", named), permitted


def allows(document: Document, method: str, path: str) -> bool:
    """The decisions of two evaluators, which have to agree: ours, and that of the emulator's IAM."""
    resource = f"{API}/{method}{path}"
    context = EvalContext("arn:aws:iam::1:role/r", "AssumedRole", ACCOUNT, "execute-api:Invoke", resource, "eu-west-1")
    theirs: bool = evaluate(context, [parse_policy_document(document)]).decision == "Allow"
    ours = allowed(Request("execute-api:Invoke", resource), [document])
    assert ours == theirs
    return ours


@pytest.mark.parametrize("role", roles())
def test_every_route_of_every_other_domain_and_of_the_stage_is_refused(role: str) -> None:
    document = policy(role, API, OWN)
    for other in OTHERS:
        refused = [(method, path) for method, path, _ in requests(other) if not allows(document, method, path)]
        assert len(refused) == len(roles_of_routes())


@pytest.mark.parametrize("role", roles())
def test_in_the_own_domain_exactly_the_routes_of_the_role_are_allowed(role: str) -> None:
    document = policy(role, API, OWN)
    found = {(method, path) for method, path, _ in requests(OWN) if allows(document, method, path)}
    wanted = {
        (method, path) for method, path, permitted in requests(OWN) if role in permitted and f"/domains/{OWN}" in path
    }
    below = {("GET", f"/v1/domains/{OWN}/speakers/x1/{each}") for each in BELOW.get(role, ())}
    assert found == wanted | below
    assert not wanted & below


# Names that no resource can have, but that a path which is made by hand can hold in the place of one.
CRAFTED = (
    "a/b",
    "a/export",
    "a/attempts",
    "a/../b",
    "x/authentications",
    "..",
    "*",
    "a%2Fexport",
    "a/opt-out",
    "/",
    "?",
)


@pytest.mark.parametrize("role", roles())
def test_no_name_in_a_path_opens_a_route_of_another_role(role: str) -> None:
    document = policy(role, API, OWN)
    opened = set()
    for (method, path), permitted in roles_of_routes().items():
        if role in permitted or "{domain}" not in path:
            continue
        for crafted in (*CRAFTED, "x1"):
            # The crafted name may hold what a template of `re.sub` would read as a group.
            named = crafted.join(re.split(r"\{\w+\}", path.replace("{domain}", OWN)))
            if allows(document, method, named):
                opened.add(path.rpartition("/")[2])
    assert opened == set(BELOW.get(role, ()))


@pytest.mark.parametrize("role", ["administrator", "auditor", "model_engineer"])
def test_without_a_domain_the_routes_that_are_about_none_are_allowed(role: str) -> None:
    document = policy(role, API, None)
    found = {(method, path) for method, path, _ in requests("any") if allows(document, method, path)}
    wanted = {(method, path) for method, path, permitted in requests("any") if role in permitted and "/any" not in path}
    assert found == wanted


@pytest.mark.parametrize("role", ["analyst", "integrator"])
def test_there_is_no_policy_where_a_role_has_no_route(role: str) -> None:
    with pytest.raises(ValueError, match="no route"):
        policy(role, API, None)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/domains/acme-2/../acme/brake",
        "/v1/domains/%61cme/brake",
        "//v1/domains/acme/brake",
        "/v1//domains/acme/brake",
        "/v1/domains/acme%2Fbrake",
        "/v1/domains/./acme/brake",
        "/v1/domains/acme/brake/",
    ],
)
def test_another_spelling_of_an_allowed_path_is_refused(path: str) -> None:
    assert not allows(policy("administrator", API, OWN), "PUT", path)


@pytest.mark.parametrize("role", roles())
def test_a_policy_fits_into_a_managed_policy(role: str) -> None:
    assert len(re.sub(r"\s", "", str(policy(role, API, LONGEST)))) < MANAGED_POLICY_CHARACTERS


@pytest.mark.parametrize("name", ["", "*", "a/b", "a*", "../x", "-a", "a b", "a" * 65])
def test_no_policy_is_made_for_what_no_domain_is_named(name: str) -> None:
    assert not NAME.fullmatch(name)
    with pytest.raises(ValueError, match="no domain"):
        policy("integrator", API, name)


def test_endpoints_of_all_partitions_have_their_arn() -> None:
    assert f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:abcdefghij/production" == API
    china = "https://abc.execute-api.cn-north-1.amazonaws.com.cn/dev"
    assert prefix(china, ACCOUNT) == f"arn:aws-cn:execute-api:cn-north-1:{ACCOUNT}:abc/dev"
    government = "https://abc.execute-api.us-gov-west-1.amazonaws.com/dev/"
    assert prefix(government, ACCOUNT).startswith("arn:aws-us-gov:execute-api:us-gov-west-1:")
    with pytest.raises(ValueError, match="is no https"):
        prefix("https://voice.example.com", ACCOUNT)
