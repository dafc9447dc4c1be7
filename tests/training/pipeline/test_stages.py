"""The stages of this project."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from training.pipeline.drawing import embedded, mermaid
from training.pipeline.graph import PipelineGraph

GRAPH = PipelineGraph.read()
README = Path("training/README.md")


def test_the_readme_draws_the_stages_as_they_are() -> None:
    text = README.read_text(encoding="utf-8")
    assert embedded(text, mermaid(GRAPH)) == text


@pytest.mark.parametrize("name", GRAPH.stages)
def test_a_stage_runs_a_module_that_there_is_with_options_that_it_has(name: str) -> None:
    words = shlex.split(GRAPH.stages[name].command)
    assert words[:2] == ["python", "-m"]
    spec = importlib.util.find_spec(words[2])
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    options = re.findall(r'"--([a-z-]+)"', source) + re.findall(r"for name in \((.*)\):", source)
    assert {word.removeprefix("--") for word in words if word.startswith("--")} <= set(
        re.findall(r"[a-z-]+", " ".join(options))
    )


def test_the_sources_in_the_repository_are_there() -> None:
    assert [path for path in GRAPH.sources if path.startswith("training/") and not Path(path).is_file()] == []


def test_features_depend_on_the_speaker_graph_and_not_on_a_detector() -> None:
    before = GRAPH.up_to("features")
    assert "graphs" in before
    assert not {"bundle", "export", "train"} & set(before)
