from pathlib import Path

import pytest

from local.aws.api.limits import RateLimit
from local.aws.template import StackTemplate

EXPORTS_NOTHING: dict[str, str] = {}


@pytest.fixture(scope="module")
def service(assembly: Path) -> StackTemplate:
    data = StackTemplate.read(assembly, "Bonafide-dev-Data", EXPORTS_NOTHING)
    exports = {
        each["Export"]["Name"]: each["Export"]["Name"].partition(":")[2] for each in data.content["Outputs"].values()
    }
    return StackTemplate.read(assembly, "Bonafide-dev-Service", exports)


SPEAKER = "/v1/domains/{domain}/speakers/{speaker}"
POLICY = "/v1/domains/{domain}/policy"
SESSION = "/v1/domains/{domain}/sessions/{session}"
PLACES = ("/v1", "/v1/domains/{domain}")
FRAUDSTER = "/v1/domains/{domain}/watchlists/{watchlist}/fraudsters/{fraudster}"
ROUTES = {
    ("PUT", "/v1/domains/{domain}", "manage_domains"),
    ("GET", "/v1/domains/{domain}", "manage_domains"),
    ("PATCH", "/v1/domains/{domain}", "manage_domains"),
    ("DELETE", "/v1/domains/{domain}", "manage_domains"),
    ("POST", "/v1/domains/{domain}/uploads", "manage_domains"),
    *((method, f"{place}/brake", "manage_domains") for place in PLACES for method in ("GET", "PUT", "DELETE")),
    *(("GET", f"{place}/audit", "manage_domains") for place in PLACES),
    *((method, f"{POLICY}/staged", "manage_policies") for method in ("GET", "PUT", "DELETE")),
    ("GET", f"{POLICY}/staged/report", "manage_policies"),
    *(("POST", f"{POLICY}/{act}", "manage_policies") for act in ("activation", "rollback", "what-if")),
    ("GET", "/v1/domains/{domain}/policies", "manage_policies"),
    ("GET", "/v1/domains/{domain}/policies/{policy_version}", "manage_policies"),
    ("GET", "/v1/domains/{domain}/versions", "manage_domains"),
    ("GET", "/v1/domains/{domain}/versions/{version}", "manage_domains"),
    ("POST", "/v1/domains/{domain}/attempts/reset", "manage_speakers"),
    ("GET", f"{SPEAKER}/attempts", "manage_speakers"),
    ("GET", f"{SPEAKER}/export", "manage_speakers"),
    ("GET", f"{SPEAKER}/contributions", "manage_speakers"),
    ("DELETE", f"{SPEAKER}/contributions/{{contribution}}", "enroll_speaker"),
    ("GET", "/v1/domains/{domain}/erasures", "manage_speakers"),
    ("GET", "/v1/domains/{domain}/erasures/{erasure_id}", "manage_speakers"),
    ("GET", "/v1/domains/{domain}/decisions", "read_decisions"),
    ("GET", "/v1/domains/{domain}/decisions/{decision_id}", "read_decisions"),
    ("GET", "/v1/domains/{domain}/speakers", "manage_speakers"),
    ("GET", SPEAKER, "manage_speakers"),
    ("DELETE", SPEAKER, "manage_speakers"),
    ("POST", f"{SPEAKER}/opt-out", "manage_speakers"),
    ("POST", f"{SPEAKER}/enrollments", "enroll_speaker"),
    ("POST", f"{SPEAKER}/authentications", "authenticate_caller"),
    ("POST", "/v1/domains/{domain}/sessions", "manage_sessions"),
    ("GET", SESSION, "manage_sessions"),
    ("PUT", f"{SESSION}/speaker", "manage_sessions"),
    ("GET", f"{SESSION}/evaluation", "manage_sessions"),
    ("PUT", f"{SESSION}/audio/{{n}}", "ingest_audio"),
    ("POST", f"{SESSION}/end", "ingest_audio"),
    *((method, path, "manage_models") for path in ("/v1/models", "/v1/promotions") for method in ("GET", "POST")),
    ("GET", "/v1/models/{digest}", "manage_models"),
    ("GET", "/v1/models/{digest}/files", "manage_models"),
    ("POST", "/v1/models/{digest}/registration", "manage_models"),
    ("GET", "/v1/registry", "manage_models"),
    ("GET", "/v1/promotions/{promotion}", "manage_models"),
    ("POST", "/v1/promotions/{promotion}/result", "manage_models"),
    *((method, "/v1/domains/{domain}/calibrations", "manage_domains") for method in ("GET", "POST")),
    ("GET", "/v1/domains/{domain}/calibrations/{version}", "manage_domains"),
    ("POST", "/v1/domains/{domain}/calibrations/{version}/promotion", "manage_domains"),
    ("POST", "/v1/domains/{domain}/calibrations/{version}/revocation", "manage_domains"),
    ("POST", "/v1/domains/{domain}/decisions/{decision_id}/outcome", "report_outcomes"),
    ("GET", "/v1/domains/{domain}/performance", "read_decisions"),
    ("GET", "/v1/domains/{domain}/reviews", "read_decisions"),
    ("GET", "/v1/domains/{domain}/drift", "read_decisions"),
    ("GET", "/v1/domains/{domain}/shadow", "read_decisions"),
    ("GET", "/v1/domains/{domain}/watchlists", "manage_watchlists"),
    ("GET", "/v1/domains/{domain}/watchlists/{watchlist}/fraudsters", "manage_watchlists"),
    *((method, FRAUDSTER, "manage_watchlists") for method in ("PUT", "GET", "DELETE")),
    ("GET", "/v1/domains/{domain}/double-enrollments", "manage_watchlists"),
    ("GET", "/v1/health", "describe_service"),
    ("GET", "/v1/openapi.json", "describe_service"),
    ("GET", "/v1/docs", "describe_service"),
}


def test_the_routes_are_those_of_the_contract(service: StackTemplate) -> None:
    assert {(route.method, route.path, route.function) for route in service.routes()} == ROUTES


def test_only_what_holds_nothing_needs_no_signature(service: StackTemplate) -> None:
    unsigned = {route.path for route in service.routes() if not route.signed}
    assert unsigned == {"/v1/health", "/v1/openapi.json", "/v1/docs"}


def test_only_what_needs_no_signature_has_a_limit_of_its_own(service: StackTemplate) -> None:
    limits = {route.path: route.limit for route in service.routes() if route.limit}
    assert limits == {
        "/v1/health": RateLimit(5, 20),
        "/v1/openapi.json": RateLimit(1, 10),
        "/v1/docs": RateLimit(0.1, 5),
    }


def test_functions_come_with_their_assets_and_values(service: StackTemplate) -> None:
    functions = {function.name: function for function in service.functions()}
    caller = functions["authenticate_caller"]
    assert (caller.code / "handler.py").exists()
    assert any((layer / "bundle/manifest.json").exists() for layer in caller.layers)
    assert (caller.memory, caller.timeout) == (1769, 29)
    assert caller.environment["BONAFIDE_DOMAIN_TABLE"].startswith("ExportsOutputRefTenants")
    assert len(functions["manage_speakers"].layers) == 2


def test_an_unknown_intrinsic_function_is_not_guessed(service: StackTemplate) -> None:
    with pytest.raises(NotImplementedError, match="Fn::Cidr"):
        service.resolve({"Fn::Cidr": ["10.0.0.0/8", 1, 8]})


def test_values_are_resolved_in_depth(service: StackTemplate) -> None:
    value = {"Url": [{"Fn::Join": ["/", ["https:", "", {"Fn::Sub": "${AWS::Region}.${AWS::URLSuffix}"}]]}]}
    assert service.resolve(value) == {"Url": ["https://us-east-1.amazonaws.com"]}
