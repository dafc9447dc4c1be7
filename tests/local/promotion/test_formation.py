"""The stack that runs here, described as CloudFormation would, carries a promotion through its pipeline's own code."""

import json
from pathlib import Path

import pytest

from local.aws.template import StackTemplate
from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.published import PublishedVersions
from local.cloud.releases.target import DeployedStack, SynthesizedVersion
from local.promotion.formation import LocalFormation
from ops.promotion.__main__ import StagePromotion
from tests.ops.promotion.parts import FIRST, SECOND, RegistryClient

NAME = "Bonafide-dev-Service"


def version(folder: Path, digest: str) -> SynthesizedVersion:
    """Makes a version of one function that loads a bundle."""
    folder.mkdir(exist_ok=True)
    variables = {"BONAFIDE_BUNDLE_DIGEST": digest}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}
    outputs = {"Release": {"Value": "unreleased"}, "Model": {"Value": digest}}
    content = {"Resources": {"ScoreAudioFunction": function}, "Outputs": outputs}
    (folder / f"{NAME}.template.json").write_text(json.dumps(content))
    template = StackTemplate.read(folder, NAME, {})
    return SynthesizedVersion(template, [template])


@pytest.mark.parametrize("ends", [UpdateStatus.PROMOTED, UpdateStatus.ROLLED_BACK])
def test_a_release_here_is_read_and_reported_as_one_on_aws(ends: UpdateStatus, tmp_path: Path) -> None:
    registry, first = RegistryClient(), version(tmp_path / "first", FIRST.digest)
    registry.champion(FIRST)
    stack = DeployedStack(None, first, PublishedVersions(), {})  # type: ignore[arg-type]  # nothing runs
    formation = LocalFormation(stack)

    def deploy(_arguments: object) -> int:
        fresh = version(tmp_path / "second", SECOND.digest)
        formation.begin(fresh)
        assert formation.describe_stacks(StackName=NAME)["Stacks"][0]["StackStatus"] == "UPDATE_IN_PROGRESS"
        if ends is UpdateStatus.PROMOTED:
            stack.keep(fresh, {})
        formation.end(ends, "alarm score-drift")
        return int(ends is not UpdateStatus.PROMOTED)

    promotion = StagePromotion(
        "dev",
        registry,
        lambda *_: tmp_path,
        deploy,
        formation=formation,
    )
    id_ = registry.ask("promote", SECOND)
    promoted = ends is UpdateStatus.PROMOTED
    assert promotion.run(id_) == (0 if promoted else 1)
    found = registry.promotion(id_)
    assert found["state"] == ("SUCCEEDED" if promoted else "FAILED")
    assert found["detail"] == ("deployed" if promoted else "Alias: alarm score-drift")
    assert registry.aliases()["champion"] == (SECOND if promoted else FIRST).digest
