"""Bad candidates are refused, each by the gate that should."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hosted import HOSTED
from tests.training.gates.small import small_bundle, small_voices
from training.evaluation.paired.observing import ObservationCache
from training.gates.planted import PLANTED, PlantedCandidate, PlantingScene, changed, faults, tried
from training.gates.surgery import with_ballast, with_mask, with_noise, with_offset, with_useless_work

# The same faults in graphs that are far smaller and, of 16 values, have some to spare.
FAULTS = {
    **PLANTED,
    "worse EER": replace(PLANTED["worse EER"], build=changed("speaker.onnx", with_noise(4.0))),
    "worse in one cohort": replace(PLANTED["worse in one cohort"], build=changed("speaker.onnx", with_mask(1, 8000))),
    "too large": replace(PLANTED["too large"], build=changed("speaker.onnx", with_ballast(100_000))),
    "slower": replace(PLANTED["slower"], build=changed("spoof.onnx", with_useless_work(10)), others=("size",)),
}


@pytest.fixture(scope="module")
def scene(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> PlantingScene:
    folder = tmp_path_factory.mktemp("planted")
    champion, heard = small_bundle(bundle, folder / "champion"), small_voices(folder / "voices")
    return PlantingScene(champion, heard, heard, ObservationCache(processes=1), (), replicates=10)


# Half of the time of all of them.
LONGEST = {"worse EER", "miscalibrated"}


@pytest.mark.parametrize("name", [pytest.param(each, marks=[HOSTED] if each in LONGEST else []) for each in FAULTS])
def test_each_bad_candidate_is_refused_by_the_gate_that_should(name: str, scene: PlantingScene, tmp_path: Path) -> None:
    report = tried(FAULTS[name], scene, tmp_path / "candidate")
    assert faults(FAULTS[name], report) == [], [each.line for each in report.results if not each.passed]


def test_a_graph_that_answers_no_number_is_refused_and_its_recording_is_named(
    scene: PlantingScene, tmp_path: Path
) -> None:
    nothing = PlantedCandidate("contract", changed("spoof.onnx", with_offset(float("nan"))), ("parity",))
    report = tried(nothing, scene, tmp_path / "candidate")
    assert report.failed_gates == ["contract"]
    evaluation = json.loads((tmp_path / "candidate/documents/evaluation.json").read_bytes())
    assert evaluation["error"].endswith("0-0.wav (native) is no number")


def test_the_same_bundle_passes(scene: PlantingScene, tmp_path: Path) -> None:
    report = tried(PlantedCandidate("", lambda *_: None), scene, tmp_path / "candidate")
    assert report.passed, [each.line for each in report.results if not each.passed]
