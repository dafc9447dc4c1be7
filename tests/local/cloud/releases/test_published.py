"""Versions that are published, kept and deleted, of a small service and of the product."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.aws.template import StackTemplate
from local.cloud.releases.published import PublishedVersions, VersionExistsError
from tests.local.cloud.releases.templates import template


@pytest.fixture
def published() -> PublishedVersions:
    return PublishedVersions()


def retaining(service: StackTemplate) -> StackTemplate:
    """The service with versions that every rollback leaves behind."""
    resources = copy.deepcopy(service.content["Resources"])
    for each in resources.values():
        if each["Type"] == "AWS::Lambda::Version":
            each["DeletionPolicy"] = "Retain"
    return replace(service, content={"Resources": resources})


def numbers(service: StackTemplate) -> dict[str, str]:
    return {name: service.number(version) for name, version in service.versions().items()}


def test_a_new_version_has_the_next_number_and_one_that_stays_keeps_its_own(published: PublishedVersions) -> None:
    first = published.deploy(None, template())
    second = published.deploy(first, template(door="b"))
    assert numbers(second) == {"read": "1", "door": "2"}
    assert numbers(published.deploy(second, template("b", "b"))) == {"read": "2", "door": "2"}


def test_a_release_that_was_rolled_back_is_published_again_under_a_new_number(published: PublishedVersions) -> None:
    first = published.deploy(None, template())
    published.roll_back(first, published.deploy(first, template(door="b")))
    assert numbers(published.deploy(first, template(door="b"))) == {"read": "1", "door": "3"}


def test_a_version_that_a_rollback_leaves_behind_is_in_the_way(published: PublishedVersions) -> None:
    first = published.deploy(None, template())
    published.roll_back(first, published.deploy(first, retaining(template(door="b"))))
    with pytest.raises(VersionExistsError, match=r"exists \( 2 \): door"):
        published.deploy(first, retaining(template(door="b")))


def test_an_earlier_release_is_published_again_after_a_later_one(published: PublishedVersions) -> None:
    first = published.deploy(None, template())
    second = published.deploy(first, template(door="b"))
    assert numbers(published.deploy(second, template())) == {"read": "1", "door": "3"}
    assert sorted(published.contents["door"]) == ["1", "2", "3"]


def test_a_version_by_another_name_of_an_unchanged_function_is_refused(published: PublishedVersions) -> None:
    first = published.deploy(None, template())
    renamed = template(door="b")
    renamed.content["Resources"]["DoorFunction00000002"]["Properties"]["Description"] = "a"
    with pytest.raises(VersionExistsError):
        published.deploy(first, renamed)


def changed(service: StackTemplate, **properties: Any) -> StackTemplate:
    """The product with other properties of all functions, and so with versions of other names, as CDK makes them."""
    content = copy.deepcopy(dict(service.content))
    versions = set(service.versions().values())
    for each in content["Resources"].values():
        if each["Type"] == "AWS::Lambda::Function":
            each["Properties"].update(properties)
        if each["Type"] == "AWS::Lambda::Alias":
            each["Properties"]["FunctionVersion"]["Fn::GetAtt"][0] += "0"
    resources = {f"{id_}0" if id_ in versions else id_: each for id_, each in content["Resources"].items()}
    return replace(service, content={**content, "Resources": resources})


@pytest.mark.parametrize("change", [{"MemorySize": 3008}, {"Description": "Bonafide another"}])
def test_the_product_is_deployed_again_after_a_rollback(
    assembly: Path, published: PublishedVersions, change: dict[str, Any]
) -> None:
    product = StackTemplate.read(assembly, "Bonafide-dev-Service", {})
    first, release = published.deploy(None, product), changed(product, **change)
    published.roll_back(first, published.deploy(first, release))
    again = published.deploy(first, release)
    assert set(numbers(again).values()) == {"3"}
    assert set(numbers(published.deploy(again, first)).values()) == {"4"}
