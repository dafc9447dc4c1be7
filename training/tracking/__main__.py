"""Records a run of the pipeline as an experiment, by MLflow: numbers, curves, pictures, and the candidate's digest.

    python -m training.tracking --folder .build/training/tiny [--uri sqlite:///FILE]

`MLFLOW_TRACKING_URI` names another server. A candidate that is recorded already is not recorded again. Nothing that is
recorded here enters the candidate.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow.entities import Metric, Param, RunTag

from training.corpus.manifest import digest

EXPERIMENT = "bonafide"
STORE, ARTIFACTS = ".build/training/mlflow.db", ".build/training/mlruns"
# Tags: of the registry, a version is named by its digest.
VERSION, RUN, PASSED, SIZE = "bonafide.version", "bonafide.run", "bonafide.gates_passed", "bonafide.size"
# What MLflow takes in one call.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """The folder that a run of the pipeline left.

    Attributes:
        folder: of the size.
    """

    folder: Path

    @property
    def version(self) -> str:
        """Returns the digest of the candidate."""
        return digest(self.folder / "candidate/bundle/manifest.json")

    def tags(self) -> dict[str, str]:
        """Returns what names the run and its result."""
        lineage = _json(self.folder / "lineage/lineage.json")
        passed = _json(self.folder / "gates/gates.json")["passed"]
        stated = {RUN: lineage["run"], "mlflow.source.git.commit": lineage["code"], "bonafide.data": lineage["data"]}
        return {VERSION: self.version, SIZE: self.folder.name, PASSED: str(passed).lower(), **stated}

    def parameters(self) -> dict[str, str]:
        """Returns the chosen numbers, by their place in the configuration."""
        card = _json(self.folder / "detector/spoof.json")
        size = Path("training/conf/sizes") / f"{self.folder.name}.yaml"
        conf = {"spoof": card["lineage"]["conf"], "size": yaml.safe_load(size.read_text(encoding="utf-8"))}
        return {name: str(value)[:500] for name, value in _flat("", conf)}

    def metrics(self) -> Iterator[tuple[str, float, int]]:
        """Yields curves of the training, then figures of the evaluation, as name, value and step."""
        for line in (self.folder / "run/curves.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield from ((f"train.{name}", value, row["step"]) for name, value in row.items() if name != "step")
        for each in _json(self.folder / "evaluation/evaluation.json")["sets"]:
            name = f"{each['task']}.{each['cohort'] or 'all'}"
            for figure, found in each["figures"].items():
                if found["candidate"] is not None:
                    yield f"{name}.{figure}", float(found["candidate"]), 0

    def pictures(self) -> list[Path]:
        """Returns files that people look at."""
        return [*sorted(self.folder.glob("report/*")), *sorted(self.folder.glob("candidate/documents/*.json"))]


def record(run: TrackedRun, uri: str) -> str:
    """Records a run unless it is recorded; returns its id."""
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = known.experiment_id if known else _created(client, uri)
    same = client.search_runs([experiment], f"tags.`{VERSION}` = '{run.version}' and attributes.status = 'FINISHED'")
    if same:
        return str(same[0].info.run_id)
    tags = run.tags()
    identity: str = client.create_run(
        experiment, tags=tags, run_name=f"{run.folder.name} {run.version[:12]}"
    ).info.run_id
    started = client.get_run(identity).info.start_time
    metrics = [Metric(_name(name), value, started, step) for name, value, step in run.metrics()]
    params = [Param(_name(name), value) for name, value in run.parameters().items()]
    client.log_batch(identity, params=params[:100], tags=[RunTag(*each) for each in tags.items()])
    for start in range(0, len(metrics), BATCH):
        client.log_batch(identity, metrics=metrics[start : start + BATCH])
    for path in run.pictures():
        client.log_artifact(identity, str(path))
    client.set_terminated(identity)
    return identity


def _created(client: mlflow.MlflowClient, uri: str) -> str:
    # A server says itself where artifacts go; without one MLflow would make a folder in the present one.
    local = Path(ARTIFACTS).absolute().as_uri() if uri.startswith("sqlite:") else None
    identity: str = client.create_experiment(EXPERIMENT, artifact_location=local)
    return identity


def _flat(above: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{above}.{name}" if above else str(name), inner)
    else:
        yield above, value


def _name(name: str) -> str:
    """Replaces characters that MLflow takes in no name."""
    return "".join(each if each.isalnum() or each in "_-. /" else "_" for each in name)


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def main() -> None:
    """Records the run."""
    parser = argparse.ArgumentParser(prog="python -m training.tracking", description="Record a run by MLflow.")
    parser.add_argument("--folder", type=Path, required=True, help="of a size")
    parser.add_argument("--uri", default=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{STORE}")
    arguments = parser.parse_args()
    sys.stdout.write(f"{record(TrackedRun(arguments.folder), arguments.uri)}\n")


if __name__ == "__main__":
    main()
