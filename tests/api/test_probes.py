"""The probes' golden calls against the real service, past the API and through it."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from bonafide.adapters.api import PublicApiClient
from bonafide.adapters.codedeploy import CodeDeployReleases
from bonafide.adapters.invoker import LambdaInvoker, proxy_event
from bonafide.ports.probes import ReleaseTarget
from bonafide.probes.budget import WrongAnswer
from bonafide.probes.functions import CHECKS, FunctionCalls
from bonafide.probes.golden import GoldenSetup
from bonafide.probes.synthetic import SyntheticCaller
from bonafide_client import NO_RETRIES, Client, SigV4Signer
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.cloud.releases.control_plane import ControlPlane, HookExecution
from local.runner import Deployment
from ops.synthesis import ROOT

FOLDER = ROOT / ".build/layers/golden/golden"
DOMAIN = "bonafide-probe"


class Functions:
    """Lambda's API, as far as an invoker uses it."""

    def __init__(self, running: Deployment) -> None:
        self._running = running

    def invoke(self, FunctionName: str, Qualifier: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert Qualifier in {"live", "1"}
        outcome = self._running.invoke(FunctionName, Payload)
        failed = {"FunctionError": outcome.error} if outcome.error else {}
        return {"Payload": io.BytesIO(outcome.payload), **failed}


def golden(**instead: str) -> GoldenSetup:
    recordings = {path.stem: path.read_bytes() for path in FOLDER.glob("*.wav")}
    return GoldenSetup(DOMAIN, {name: recordings[instead.get(name, name)] for name in recordings}, {})


def invoker(running: Deployment) -> LambdaInvoker:
    client: Any = Functions(running)
    return LambdaInvoker(client, {name: name for name in running.functions}, {"authenticate_caller": "1"})


@pytest.mark.parametrize("function", CHECKS)
def test_a_good_version_of_each_function_answers_its_golden_calls(bonafide: Deployment, function: str) -> None:
    FunctionCalls(golden(), invoker(bonafide), f"test-{function}").check(function)


@pytest.mark.parametrize("instead", [{"genuine": "impostor"}, {"impostor": "genuine"}, {"silence": "genuine"}])
def test_a_version_that_mistakes_one_voice_for_another_is_found(bonafide: Deployment, instead: dict[str, str]) -> None:
    with pytest.raises(WrongAnswer, match="decision is"):
        FunctionCalls(golden(**instead), invoker(bonafide), "test-mistaken").check("authenticate_caller")


def test_a_function_that_fails_is_no_answer(bonafide: Deployment) -> None:
    assert invoker(bonafide).invoke("score_audio", {}).status == 502


def public(endpoint: str, seconds: float) -> PublicApiClient:
    signer = SigV4Signer(REGION, Credentials(ACCOUNT, SECRET))
    return PublicApiClient(Client(endpoint, signer=signer, timeout=seconds, retries=NO_RETRIES))


def test_the_synthetic_caller_is_served_through_the_api(bonafide: Deployment) -> None:
    assert SyntheticCaller(golden(), public(bonafide.endpoint, 30)).handle(lambda: 120) == {"failed": 0}


def test_the_deployed_synthetic_caller_calls_through_the_client_in_its_layer(bonafide: Deployment) -> None:
    outcome = bonafide.invoke("probe_service", b"{}")
    assert outcome.error is None, outcome.payload
    assert json.loads(outcome.payload) == {"failed": 0}


def test_nobody_behind_the_api_is_no_answer() -> None:
    nowhere = public("http://127.0.0.1:9", 1)
    assert nowhere.send("describe_service", "GET", "/v1/health", None).status == 504


def test_a_query_reaches_a_function_as_it_would_through_the_api() -> None:
    event = proxy_event("GET", "/v1/domains/a/speakers?limit=1&cursor=b%26c%3D&cursor=&limit=2", None)
    assert event["path"] == "/v1/domains/a/speakers"
    assert event["queryStringParameters"] == {"limit": "2", "cursor": ""}
    assert event["multiValueQueryStringParameters"] == {"limit": ["1", "2"], "cursor": ["b&c=", ""]}
    assert proxy_event("GET", "/v1/health", None)["queryStringParameters"] is None


def test_a_hook_learns_what_is_released_and_reports(bonafide: Deployment) -> None:
    plane = ControlPlane()
    try:
        execution = HookExecution("ManageDomainsFunction05767D89", "7", "6")
        plane.expect(execution)
        session = boto3.Session(ACCOUNT, SECRET, region_name=REGION)
        client = session.client("codedeploy", endpoint_url=plane.variables["AWS_ENDPOINT_URL_CODEDEPLOY"])
        lambdas: Any = Functions(bonafide)
        releases = CodeDeployReleases(client, lambdas, {})
        assert releases.target(execution.deployment) == ReleaseTarget("ManageDomainsFunction05767D89", "7")
        releases.report(execution.deployment, execution.id, succeeded=False)
        assert execution.reported == "Failed"
        assert json.loads(execution.event())["DeploymentId"] == execution.deployment
    finally:
        plane.stop()
