"""A candidate in another embedding space than the champion's has to serve the champion's beside its own."""

import json
from pathlib import Path

import pytest

from layers.model.former import keep_former
from tests.training.gates.small import small_bundle
from training.gates.contract import contract, curves
from training.gates.criteria import GateCriteria, Submission
from training.gates.files import size
from training.gates.results import CriterionFinding
from training.gates.surgery import change_graph, rewrite_manifest, with_ballast

OTHER = {"embedding_space": "another"}


@pytest.fixture
def champion(bundle: Path, tmp_path: Path) -> Path:
    return small_bundle(bundle, tmp_path / "champion")


@pytest.fixture
def candidate(bundle: Path, tmp_path: Path) -> Path:
    """A bundle of another network, in a space of its own."""
    folder = small_bundle(bundle, tmp_path / "candidate")
    change_graph(folder / "speaker.onnx", with_ballast(10))
    return named(folder, "another")


def named(folder: Path, space: str) -> Path:
    path = folder / "calibration.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"embedding_space": space}))
    rewrite_manifest(folder, {"embedding_space": space})
    return folder


def submission(candidate: Path, champion: Path) -> Submission:
    return Submission(candidate, champion, {}, candidate.parent, GateCriteria.read())


def refused(candidate: Path, champion: Path) -> list[CriterionFinding]:
    return [each for each in contract(submission(candidate, champion)) if not each.passed]


def test_a_candidate_that_forgets_the_champions_space_is_refused(candidate: Path, champion: Path) -> None:
    (found,) = refused(candidate, champion)
    space = json.loads((champion / "manifest.json").read_bytes())["embedding_space"]
    assert found.line == (
        f"FAILED contract: embedding space of the champion: serves another; bound {space}, its own or in `former`"
    )


def test_one_that_keeps_it_is_served_and_may_be_larger_by_that(candidate: Path, champion: Path) -> None:
    rewrite_manifest(candidate, {"former": keep_former(champion, candidate)})
    assert refused(candidate, champion) == []
    sizes = list(size(submission(candidate, champion)))
    assert [each.passed for each in sizes] == [True, True]
    assert float(sizes[1].found) < 1.1


def test_another_network_under_the_name_of_the_champions_space_is_refused(candidate: Path, champion: Path) -> None:
    former = keep_former(champion, candidate)
    (candidate / former[0]["speaker"]).write_bytes((candidate / "speaker.onnx").read_bytes())
    rewrite_manifest(candidate, {"former": former})
    assert "another network" in str(refused(candidate, champion)[0].found)


@pytest.mark.parametrize("former", [{}, [{}], 7, [{"embedding_space": 1}]])
def test_a_list_of_former_spaces_that_is_none_is_a_finding(candidate: Path, champion: Path, former: object) -> None:
    rewrite_manifest(candidate, {"former": former})
    assert len(list(size(submission(candidate, champion)))) == 2
    assert [each.criterion for each in refused(candidate, champion)] == ["embedding space of the champion"]


def test_curves_that_fall_are_refused_by_the_calibration(champion: Path) -> None:
    path = champion / "calibration.json"
    document = json.loads(path.read_bytes())
    document["conditions"]["wideband"]["slope"] *= -1
    path.write_text(json.dumps(document))
    (found,) = curves(submission(champion, champion))
    assert (found.gate, found.passed) == ("calibration", False)
    assert "wideband: slope -12" in str(found.found)
