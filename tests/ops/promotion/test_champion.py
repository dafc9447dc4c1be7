"""An ordinary release takes the champion along, and never another model."""

import json
from pathlib import Path

import pytest

from ops.promotion import champion
from ops.promotion.champion import ModelDeployment, check, model_of
from tests.ops.promotion.parts import FIRST, SECOND, Formation, RegistryClient


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> RegistryClient:
    registry = RegistryClient()
    monkeypatch.setattr(champion, "registry_of", lambda stage: registry)
    monkeypatch.setattr("boto3.client", lambda _: Formation(FIRST.digest))
    return registry


def test_an_archive_with_the_champion_or_before_the_first_champion_is_deployed(registry: RegistryClient) -> None:
    assert check(ModelDeployment("dev", SECOND.digest)) == ""
    registry.champion(FIRST)
    assert check(ModelDeployment("dev", FIRST.digest)) == ""


def test_an_archive_with_another_model_is_refused_and_told_what_to_run(registry: RegistryClient) -> None:
    registry.champion(FIRST)
    refusal = check(ModelDeployment("dev", SECOND.digest))
    for told in ("make champion STAGE=dev", "BUNDLE=champion", f"promote {SECOND.digest}", f"MODEL={SECOND.digest}"):
        assert told in refusal


def test_only_the_promotion_that_is_pending_deploys_another_model_and_only_its_own(registry: RegistryClient) -> None:
    registry.champion(FIRST)
    id_ = registry.ask("promote", SECOND)
    assert check(ModelDeployment("dev", SECOND.digest, id_)) == ""
    assert "the promotion is one of" in check(ModelDeployment("dev", "0" * 64, id_))
    # Releases of code go on with the champion meanwhile.
    assert check(ModelDeployment("dev", FIRST.digest)) == ""
    assert check(ModelDeployment("dev", SECOND.digest))
    registry.complete(id_, False, "r1", "taken back")
    assert "not pending" in check(ModelDeployment("dev", SECOND.digest, id_))


def test_somebody_may_pass_the_registry_by_who_names_the_model(registry: RegistryClient) -> None:
    registry.champion(FIRST)
    assert check(ModelDeployment("dev", SECOND.digest, named=SECOND.digest)) == ""
    assert "not MODEL=" in check(ModelDeployment("dev", SECOND.digest, named=FIRST.digest))


@pytest.mark.usefixtures("registry")
def test_a_stage_of_before_the_registry_takes_any_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.client", lambda _: Formation(None))
    monkeypatch.setattr(champion, "registry_of", pytest.fail)
    assert check(ModelDeployment("dev", SECOND.digest)) == ""


def test_the_templates_say_which_model_they_deploy(assembly: Path, tmp_path: Path) -> None:
    name = "Bonafide-dev-Service.template.json"
    template = json.loads((assembly / name).read_text())
    functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    variables = [each["Properties"]["Environment"]["Variables"] for each in functions]
    loaded = {each["BONAFIDE_BUNDLE_DIGEST"] for each in variables if "BONAFIDE_BUNDLE_DIGEST" in each}
    assert loaded == {model_of(assembly, "dev")}
    (tmp_path / name).write_text(json.dumps({"Outputs": {"Release": {"Value": "old"}}}))
    assert model_of(tmp_path, "dev") == ""
