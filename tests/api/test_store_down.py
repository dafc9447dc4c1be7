"""Functions whose tables do not answer: the caller is told to come back, and soon."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.aws.functions.function import KEEP_COMPILED, LambdaFunction, platform, runtime_client
from local.runner import Deployment
from tests.adapters.test_stores_failing import BROKEN, Aws

EVENTS = Path(__file__).parents[2] / "events"
FUNCTIONS = {
    "put_domain": "manage_domains",
    "list_speakers": "manage_speakers",
    "opt_out_speaker": "manage_speakers",
    "enroll_speaker": "enroll_speaker",
    "authenticate_caller": "authenticate_caller",
}


@pytest.fixture
def aws() -> Iterator[Aws]:
    running = Aws()
    running.server.start()
    yield running
    running.over.set()
    running.server.stop()


def invoke(bonafide: Deployment, folder: Path, sample: str, endpoint: str) -> dict[str, object]:
    """Sends a sample event to its function, in an environment whose AWS is elsewhere."""
    definition = bonafide.functions[FUNCTIONS[sample]].definition
    program = definition.program(runtime_client(folder / "runtime"), platform(endpoint) | KEEP_COMPILED)
    with closing(LambdaFunction(definition, program, folder / "log", concurrency=1)) as function:
        outcome = function.submit((EVENTS / f"{sample}.json").read_bytes()).result()
    assert outcome.error is None, outcome
    answer: dict[str, object] = json.loads(outcome.payload)
    return answer


def require_come_back(answer: dict[str, object], log: Path) -> None:
    assert answer["statusCode"] == 503
    assert json.loads(str(answer["body"]))["code"] == "store_unavailable"
    assert json.dumps(answer).count('"Retry-After"') == 1
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("sample", FUNCTIONS)
def test_a_broken_store_is_answered_with_503(bonafide: Deployment, tmp_path: Path, aws: Aws, sample: str) -> None:
    aws.answer = BROKEN
    answer = invoke(bonafide, tmp_path, sample, f"http://{aws.server.address}")
    require_come_back(answer, tmp_path / "log")
    assert aws.calls == 3


def test_a_silent_store_is_answered_with_503_before_the_function_times_out(
    bonafide: Deployment, tmp_path: Path, aws: Aws
) -> None:
    aws.answer = None
    answer = invoke(bonafide, tmp_path, "list_speakers", f"http://{aws.server.address}")
    require_come_back(answer, tmp_path / "log")
