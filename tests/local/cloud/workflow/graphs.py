"""A small graph of stages with every form that a state machine has: side by side, in shards, and one after another."""

from pathlib import Path

from stacks.workflow.definition import TrainingWorkflow
from stacks.workflow.jobs import JobSettings
from stacks.workflow.promotion import RegistrySettings
from training.pipeline.graph import PipelineGraph

HOST = "api.execute-api.us-east-1.amazonaws.com"
BUCKET = "bonafide-dev-ml-training"
SIZE = "tiny"
STAGES = """
sources: {given.txt: a text}
stages:
  - name: upper
    does: change to capitals
    environment: product
    command: python -m training.steps upper {inputs.text} {outputs.text}
    inputs: {text: given.txt}
    outputs: {text: .build/training/{size}/upper.txt}
  - name: letters
    does: sort the letters
    environment: product
    command: python -m training.steps letters {inputs.text} {outputs.folder}
    inputs: {text: given.txt}
    outputs: {folder: .build/training/{size}/letters}
  - name: parts
    does: take every second letter
    environment: product
    command: python -m training.steps part {inputs.letters} {outputs.parts} {shard} {shards}
    inputs: {letters: .build/training/{size}/letters/sorted.txt}
    outputs: {parts: .build/training/{size}/parts}
    shards: 2
  - name: candidate
    does: join everything
    environment: product
    command: python -m training.steps join {inputs.upper} {inputs.parts} {outputs.bundle} {outputs.documents}
    inputs: {upper: .build/training/{size}/upper.txt, parts: .build/training/{size}/parts}
    outputs: {bundle: .build/training/{size}/candidate/bundle, documents: .build/training/{size}/candidate/documents}
"""
# The module training.steps.
STEPS = '''"""What the stages do."""
import sys
from pathlib import Path

kind, *rest = sys.argv[1:]
first, second = map(Path, rest[:2])
if kind == "upper":
    second.write_text(first.read_text().upper())
elif kind == "letters":
    second.mkdir()
    (second / "sorted.txt").write_text("".join(sorted(first.read_text())))
elif kind == "part":
    second.mkdir(parents=True)
    (second / "part.txt").write_text(first.read_text()[int(rest[2]) :: int(rest[3])])
else:
    parts = sorted(second.rglob("part.txt"))
    for folder in map(Path, rest[2:]):
        folder.mkdir()
    (Path(rest[2]) / "all.txt").write_text(first.read_text() + "".join(each.read_text() for each in parts))
'''


def small_graph(folder: Path, stages: str = STAGES) -> PipelineGraph:
    file = folder / "stages.yaml"
    file.write_text(stages.replace("{size}", SIZE))
    return PipelineGraph.read(file)


def workflow(graph: PipelineGraph) -> TrainingWorkflow:
    jobs = JobSettings(
        stage="dev",
        role="arn:aws:iam::123456789012:role/Bonafide-dev-Ml-Job",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/bonafide-dev-ml-image:1f2e",
        bucket=BUCKET,
        size=SIZE,
        instance="ml.m5.xlarge",
        instances={"candidate": "ml.g5.xlarge"},
        volume=50,
    )
    return TrainingWorkflow(graph, jobs, RegistrySettings(HOST, "dev"), "bonafide-dev-training")
