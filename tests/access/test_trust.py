"""Whose tokens may assume the role of a stage."""

import json
import re

import pytest

from tests.access.evaluation import trusts
from tests.access.template import Access, source

GITHUB = "token.actions.githubusercontent.com"
JENKINS = "jenkins.example.com/oidc"
JOB = "https://jenkins.example.com/job/bonafide/job/main/"
NAMES, IDS = "octo/voice", "octo@123/voice@456"


def github(subject: str, audience: str = "sts.amazonaws.com") -> dict[str, str]:
    return {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": audience}


def jenkins(subject: str, issuer: str = JENKINS) -> dict[str, str]:
    return {f"{issuer}:sub": subject, f"{issuer}:aud": "sts.amazonaws.com"}


def deploys(token: dict[str, str], **parameters: str) -> bool:
    return trusts(json.loads(Access(**parameters)["Deploy"]["AssumeRolePolicyDocument"]), token)


@pytest.mark.parametrize("repository", [NAMES, IDS])
@pytest.mark.parametrize("stage", ["dev", "staging", "production"])
def test_jobs_of_the_environment_deploy_it_with_either_form_of_subject(repository: str, stage: str) -> None:
    assert deploys(github(f"repo:{repository}:environment:{stage}"), Stage=stage, Repository=repository)


@pytest.mark.parametrize(
    ("repository", "subject"),
    [
        (NAMES, "repo:octo/other:environment:dev"),
        (NAMES, "repo:octo/voice-fork:environment:dev"),
        (NAMES, "repo:mallory/voice:environment:dev"),
        (NAMES, "repo:octo/voice:environment:production"),
        (NAMES, "repo:octo/voice:environment:dev-x"),
        (NAMES, "repo:octo/voice:ref:refs/heads/main"),
        (NAMES, "repo:octo/voice:pull_request"),
        (NAMES, "repo:mallory/voice:pull_request"),
        (NAMES, "repo:octo@123/voice@456:environment:dev"),
        (IDS, "repo:octo@123/voice@457:environment:dev"),
        (IDS, "repo:octo@124/voice@456:environment:dev"),
        # Somebody else who has the names now.
        (IDS, "repo:octo/voice:environment:dev"),
        (IDS, "repo:octo@123/voice@456:environment:staging"),
        (IDS, "repo:octo@123/voice@456:pull_request"),
    ],
)
def test_nobody_else_on_github_deploys(repository: str, subject: str) -> None:
    assert not deploys(github(subject), Stage="dev", Repository=repository)


def test_a_token_for_somebody_else_is_refused() -> None:
    subject = f"repo:{NAMES}:environment:dev"
    assert not deploys(github(subject, "https://github.com/octo"), Stage="dev", Repository=NAMES)
    assert not deploys({f"{GITHUB}:sub": subject}, Stage="dev", Repository=NAMES)


@pytest.mark.parametrize(
    "repository", ["octo/*", "*/voice", "octo@123/voice", "octo/voice@456", "octo@*/voice@*", "octo", "octo/voice:x"]
)
def test_a_repository_is_named_in_full(repository: str) -> None:
    assert not re.fullmatch(source()["Parameters"]["Repository"]["AllowedPattern"], repository)


@pytest.mark.parametrize("repository", ["", NAMES, IDS])
def test_both_forms_of_names_are_taken(repository: str) -> None:
    assert re.fullmatch(source()["Parameters"]["Repository"]["AllowedPattern"], repository)


@pytest.mark.parametrize(
    ("token", "deployed"),
    [
        (jenkins(JOB), True),
        (jenkins("https://jenkins.example.com/job/bonafide/job/PR-7/"), False),
        (jenkins("https://jenkins.example.com/job/other/job/main/"), False),
        (jenkins(JOB, "jenkins.example.com/job/other/oidc"), False),
        (github("repo:octo/voice:environment:dev"), False),
    ],
)
def test_jenkins_deploys_by_tokens_of_its_own_issuer_and_of_one_job(token: dict[str, str], deployed: bool) -> None:
    assert deploys(token, Stage="dev", Issuer=JENKINS, Job=JOB, Repository=NAMES) is deployed


@pytest.mark.parametrize("job", ["https://jenkins.example.com/job/*/", "http://jenkins/job/x/", "https://j/job/x"])
def test_a_job_is_named_in_full(job: str) -> None:
    assert not re.fullmatch(source()["Parameters"]["Job"]["AllowedPattern"], job)


@pytest.mark.parametrize(("repository", "other"), [(NAMES, IDS), (IDS, NAMES)])
def test_pull_requests_of_the_repository_itself_read_templates(repository: str, other: str) -> None:
    trust = Access(Stage="production", Repository=repository)["Diff"]["AssumeRolePolicyDocument"]
    assert trusts(trust, github(f"repo:{repository}:pull_request"))
    assert not trusts(trust, github(f"repo:{other}:pull_request"))
    assert not trusts(trust, github("repo:mallory/voice:pull_request"))


def test_pull_requests_have_a_role_in_production_on_github_only() -> None:
    assert Access(Stage="production", Repository=NAMES).makes("Diff")
    assert not Access(Stage="dev", Repository=NAMES).makes("Diff")
    assert not Access(Stage="production", Issuer=JENKINS, Job=JOB).makes("Diff")
