from pathlib import Path
from typing import Any

import pytest
import yaml

from training.pipeline.errors import PipelineError
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize


def stage(name: str, inputs: dict[str, str], outputs: dict[str, str], **more: Any) -> dict[str, Any]:
    command = " ".join(
        ["cat", *(f"{{inputs.{each}}}" for each in inputs), *(f"{{outputs.{each}}}" for each in outputs)]
    )
    fields = {"name": name, "does": "work", "environment": "product", "command": command}
    return {**fields, "inputs": inputs, "outputs": outputs, **more}


FIRST = stage("first", {"given": "given.txt"}, {"made": "out/first.txt"})
SECOND = stage("second", {"made": "out/first.txt"}, {"made": "out/second.txt"})


def read(folder: Path, *stages: dict[str, Any], **more: Any) -> PipelineGraph:
    file = folder / "stages.yaml"
    file.write_text(yaml.safe_dump({"sources": {"given.txt": "given"}, "stages": list(stages), **more}))
    return PipelineGraph.read(file)


def test_stages_come_after_those_whose_outputs_they_read(tmp_path: Path) -> None:
    graph = read(tmp_path, SECOND, FIRST)
    assert list(graph.stages) == ["first", "second"]
    assert graph.needs("second") == ["first"]
    assert graph.up_to("first") == ["first"]
    assert graph.onward("first") == ["first", "second"]


def test_a_file_in_a_folder_that_a_stage_makes_is_made_by_that_stage(tmp_path: Path) -> None:
    folder = stage("folder", {"given": "given.txt"}, {"made": "out/folder"})
    graph = read(tmp_path, folder, stage("reader", {"file": "out/folder/file.txt"}, {"made": "out/read.txt"}))
    assert graph.needs("reader") == ["folder"]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([FIRST, stage("other", {"x": "nowhere.txt"}, {"made": "o"})], "other: no stage makes nowhere.txt"),
        ([FIRST, stage("twin", {"given": "given.txt"}, {"made": "out/first.txt"})], "first and twin both write"),
        ([FIRST, stage("over", {"given": "given.txt"}, {"made": "out"})], "first and over both write out"),
        ([FIRST, FIRST], "first: there more than once"),
        ([stage("a", {"b": "b"}, {"a": "a"}), stage("b", {"a": "a"}, {"b": "b"})], "wait for one another: a, b"),
        ([stage("self", {"a": "a"}, {"a": "a"})], "wait for one another: self"),
        ([{**FIRST, "retries": 3}], "first: retries: Extra inputs"),
        ([{**FIRST, "environment": "jax"}], "first: environment"),
        ([{**FIRST, "outputs": {}}], "first: outputs"),
        ([{**FIRST, "command": "cat {inputs.given}"}], "first: its command does not use outputs.made"),
        ([{**FIRST, "command": "cat {inputs.gone} {outputs.made}"}], "first: .*inputs.gone, which it does not declare"),
        ([{**FIRST, "command": "cat /etc/hosts {outputs.made}"}], "first: .* the path /etc/hosts"),
        ([{**FIRST, "shards": 2}], r"first: its command does not use \{shards\}; its command does not use \{shard\}"),
        ([{**FIRST, "shards": 0}], "first: shards"),
        ([{**FIRST, "inputs": {"given": "/given.txt"}}], "first: inputs.given: .*not a plain path"),
        ([{**FIRST, "inputs": {"given": "../given.txt"}}], "first: inputs.given: .*not a plain path"),
    ],
)
def test_a_graph_that_cannot_run_is_refused_by_name(tmp_path: Path, stages: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        read(tmp_path, *stages)


def test_an_unknown_part_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="exactly sources and stages"):
        read(tmp_path, FIRST, defaults={})


def test_an_unknown_stage_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no stage third; there are first"):
        read(tmp_path, FIRST).up_to("third")


def test_a_shard_has_its_number_and_writes_to_a_folder_of_its_own(tmp_path: Path) -> None:
    (made,) = read(
        tmp_path, {**FIRST, "shards": 3, "command": "cp {inputs.given} {outputs.made} {shard} {shards}"}
    ).stages.values()
    assert made.arguments({"made": Path("there")}, 2) == ["cp", "given.txt", "there/2", "2", "3"]


SIZED = {
    "sources": {"given.txt": "given", "{size}.yaml": "the size"},
    "stages": [
        stage("first", {"given": "given.txt"}, {"made": "{size}/first.txt"}),
        {
            **stage("second", {"made": "{size}/first.txt", "size": "{size}.yaml"}, {"made": "{size}/second.txt"}),
            "command": "cp --first {inputs.made} --size {inputs.size} --part {shard} --of {shards} {outputs.made}",
            "shards": 4,
        },
    ],
}


def sized(folder: Path, size: TrainingSize) -> PipelineGraph:
    file = folder / "stages.yaml"
    file.write_text(yaml.safe_dump(SIZED))
    return PipelineGraph.read(file, size)


def test_a_size_has_files_of_its_own(tmp_path: Path) -> None:
    graph = sized(tmp_path, TrainingSize(name="tiny", shards={"second": 2}))
    assert graph.stages["second"].inputs == {"made": "tiny/first.txt", "size": "tiny.yaml"}
    assert graph.stages["second"].shards == 2
    assert sized(tmp_path, TrainingSize()).stages["second"].shards == 4


def test_what_a_size_does_without_is_neither_made_nor_read(tmp_path: Path) -> None:
    graph = sized(tmp_path, TrainingSize(name="tiny", without=["first"]))
    assert list(graph.stages) == ["second"]
    assert graph.stages["second"].arguments({"made": Path("there")}, 0)[:4] == ["cp", "--size", "tiny.yaml", "--part"]


def test_a_size_names_only_stages_and_sources_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="size tiny: there is no stage or source third"):
        sized(tmp_path, TrainingSize(name="tiny", without=["third"]))
    with pytest.raises(PipelineError, match="there is no size huge; there are"):
        TrainingSize.read("huge")
