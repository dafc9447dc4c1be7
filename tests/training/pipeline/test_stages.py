"""The stages of this project."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from training.pipeline.drawing import embedded, mermaid
from training.pipeline.fingerprint import code_digest, code_files
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize

GRAPH = PipelineGraph.read()
README = Path("training/README.md")


def test_the_readme_draws_the_stages_as_they_are() -> None:
    text = README.read_text(encoding="utf-8")
    assert embedded(text, mermaid(GRAPH)) == text


SIZES = sorted(path.stem for path in Path("training/conf/sizes").glob("*.yaml"))
SIZED = [(size, PipelineGraph.read(size=TrainingSize.read(size))) for size in SIZES]


@pytest.mark.parametrize("name", GRAPH.stages)
def test_a_stage_runs_a_module_that_there_is_with_options_that_it_has(name: str) -> None:
    words = shlex.split(GRAPH.stages[name].command)
    assert words[:2] == ["python", "-m"]
    module = len(words) - words[::-1].index("-m")
    spec = importlib.util.find_spec(words[module])
    spec = importlib.util.find_spec(f"{words[module]}.__main__") if spec and spec.submodule_search_locations else spec
    assert spec is not None
    assert spec.origin is not None
    own = Path(spec.origin)
    beside = [file for file in code_files(GRAPH.stages[name], Path.cwd()) if file.parent == own.parent]
    assert own in beside
    source = "".join(file.read_text(encoding="utf-8") for file in beside)
    options = re.findall(r'"--([a-z-]+)"', source) + re.findall(r"for name in \((.*)\):", source)
    given = {word.removeprefix("--") for word in words[module:] if word.startswith("--")}
    known = set(re.findall(r"[a-z-]+", " ".join(options)))
    assert given <= known or "*TAKEN" in source


@pytest.mark.parametrize(("size", "graph"), SIZED)
def test_a_size_runs_from_packages_to_documents_and_writes_nothing_outside_of_its_folder(
    size: str, graph: PipelineGraph
) -> None:
    assert {"packages", "validate", "features", "train", "calibrate", "candidate", "gates"} <= set(graph.stages)
    assert list(graph.stages)[-1] == "documents"
    outputs = [path for stage in graph.stages.values() for path in stage.outputs.values()]
    assert all(path.startswith(f".build/training/{size}/") for path in outputs)


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_small_size_needs_no_recordings_that_somebody_brings(size: str) -> None:
    assert [path for path in dict(SIZED)[size].sources if path.startswith(".build/speech")] == []


def test_training_runs_the_command_that_runs_on_several_machines() -> None:
    words = shlex.split(GRAPH.stages["train"].command)
    assert words[2] == "torch.distributed.run"
    assert code_digest(GRAPH.stages["train"], Path()) != code_digest(GRAPH.stages["features"], Path())


def test_what_the_stages_of_torch_import_runs_under_the_oldest_python_that_torch_is_used_with() -> None:
    stages = [stage for stage in GRAPH.stages.values() if stage.environment == "torch"]
    files = {file for stage in stages for file in code_files(stage, Path())}
    assert len(files) > 20
    for file in sorted(files):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 11))


def test_the_sources_in_the_repository_are_there() -> None:
    assert [
        path for path in GRAPH.sources if path.startswith(("training/", "layers/")) and not Path(path).exists()
    ] == []


def test_features_depend_on_the_speaker_graph_and_not_on_a_detector() -> None:
    before = GRAPH.up_to("features")
    assert "graphs" in before
    assert not {"candidate", "champion", "export", "train"} & set(before)
