"""Registered model versions."""

from bonafide.errors import NotFound, Subject
from bonafide.ports.registry import ModelRegistryStore
from bonafide.records.model import ModelVersionRecord


def require_registered(store: ModelRegistryStore, digest: str) -> ModelVersionRecord:
    """Reads a registered version.

    Raises:
        NotFound: there is none; one whose files are still uploaded is none.
    """
    record = store.version(digest)
    if record is None or not record.is_ready:
        raise model_version_not_found(digest)
    return record


def model_version_not_found(digest: str) -> NotFound:
    """Returns the error of a digest that names no version."""
    return NotFound(
        "model_version_not_found", "No such model version.", subject=Subject.MODEL_VERSION, found=digest[:12]
    )
