"""A stage is not deployed with a form of templates that the release before cannot read."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.protection.readable import problem


class Account:
    """A stage whose enrolling function has versions with these settings, of which the last ones answer."""

    def __init__(self, *versions: dict[str, str] | None, live: int = 1) -> None:
        self._versions = [{"Version": str(n), "Environment": {"Variables": v}} for n, v in enumerate(versions, 1)]
        self._live = live

    def __call__(self, _service: str) -> Any:
        return self

    def get_paginator(self, name: str) -> Any:
        pages = {
            "list_versions_by_function": {"Versions": self._versions},
            "list_stack_resources": {
                "StackResourceSummaries": [
                    {
                        "ResourceType": "AWS::Lambda::Function",
                        "LogicalResourceId": "EnrollSpeakerABC",
                        "PhysicalResourceId": "enroll",
                    }
                ]
            },
        }
        return _Pages(pages[name], missing=not self._versions and name == "list_stack_resources")

    def get_alias(self, **_: Any) -> Any:
        last = len(self._versions)
        weights = {str(last - 1): 0.1} if self._live > 1 else {}
        return {"FunctionVersion": str(last), "RoutingConfig": {"AdditionalVersionWeights": weights}}


class _Pages:
    def __init__(self, page: Any, *, missing: bool) -> None:
        self._page, self._missing = page, missing

    def paginate(self, **_: Any) -> Any:
        if self._missing:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "ListStackResources")
        return [self._page]


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    for stage, form in (("dev", "protected"), ("staging", "plain")):
        settings = {"Environment": {"Variables": {"BONAFIDE_TEMPLATE_FORM": form}}}
        template = {"Resources": {"EnrollSpeakerABC": {"Properties": settings}, "EnrollSpeakerRole": {}}}
        (tmp_path / f"Bonafide-{stage}-Service.template.json").write_text(json.dumps(template))
    return tmp_path


OLD, NEW = {"BONAFIDE_BUNDLE_DIGEST": "a"}, {"BONAFIDE_TEMPLATE_FORM": "plain"}


@pytest.mark.parametrize(
    ("stage", "account", "fits"),
    [
        ("dev", Account(), True),
        ("dev", Account(OLD), False),
        ("dev", Account(OLD, NEW), True),
        ("dev", Account(OLD, NEW, live=2), False),
        ("staging", Account(OLD), True),
    ],
)
def test_protected_templates_are_written_once_every_release_that_answers_reads_them(
    assembly: Path, stage: str, account: Account, fits: bool
) -> None:
    found = problem(stage, assembly, account)
    assert (found is None) is fits
    assert fits or '"template_form": "plain"' in str(found)
