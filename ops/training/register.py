"""Registers the candidate of a run as a model version, and notes for the state machine what to wait for."""

from pathlib import Path

from ops.registry.client import ModelRegistry
from ops.training.run import TrainingRun

NOTE = "registered"


def register(run: TrainingRun, registry: ModelRegistry, candidate: str, root: Path) -> str:
    """Downloads the candidate, registers it, and returns its digest.

    Args:
        run: that made it.
        registry: of the deployment.
        candidate: folder with `bundle` and `documents`.
        root: that paths are relative to.

    Raises:
        PipelineError: the run made no candidate.
    """
    for each in ("bundle", "documents"):
        path = f"{candidate}/{each}"
        run.content.get(run.find(path, run.outputs_of(path)), root / path)
    # Read first, so that a promotion of somebody who was quick is not taken for one of before.
    aliases = registry.aliases()
    documents = sorted(path for path in (root / candidate / "documents").iterdir() if path.is_file())
    digest = registry.register(root / candidate / "bundle", documents, f"made by the training {run.name}")
    passed = registry.version(digest)["gates_passed"]
    run.note(
        NOTE,
        {
            "digest": digest,
            "sequence": str(aliases["sequence"]),
            "gates": "none" if passed is None else "passed" if passed else "failed",
            "champion": str(aliases["champion"] == digest).lower(),
        },
    )
    return digest
