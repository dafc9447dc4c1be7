"""The functions' configuration, read once at start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class MissingSetting(RuntimeError):
    """An environment variable that the function cannot work without is not set; the function refuses to start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells every function.

    Attributes:
        tenant_table: table of domains and speakers.
        decision_table: table of decisions.
        idempotency_table: table of Powertools idempotency records.
        audio_bucket: bucket of uploads and of audio that a domain chose to keep.
        stage: deployment stage, named by health and logs.
    """

    tenant_table: str
    decision_table: str
    idempotency_table: str
    audio_bucket: str
    stage: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads every setting.

        Raises:
            MissingSetting: names the first variable that is not set.
        """
        return cls(**{name: _require(environment, f"BONAFIDE_{name.upper()}") for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Where calls and their audio are; only functions that take part in streaming have it.

    Attributes:
        session_table: table of calls and their evidence.
        audio_stream: stream of accepted chunks.
        failure_bucket: bucket of events that can never be scored.
    """

    session_table: str
    audio_stream: str
    failure_bucket: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads every setting.

        Raises:
            MissingSetting: names the first variable that is not set.
        """
        return cls(**{name: _require(environment, f"BONAFIDE_{name.upper()}") for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class BundleSettings:
    """Where the model bundle lies and which one it must be; only functions that listen to audio have it."""

    directory: Path
    digest: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads both settings.

        Raises:
            MissingSetting: names the first variable that is not set.
        """
        directory = _require(environment, "BONAFIDE_BUNDLE_DIR")
        return cls(Path(directory), _require(environment, "BONAFIDE_BUNDLE_DIGEST"))


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What golden calls are made of; only probes have it.

    Attributes:
        directory: folder of the recordings.
        domain: the probes' tenant.
        bounds_ms: JSON, how long an answer may take by function.
    """

    directory: Path
    domain: str
    bounds_ms: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads every setting.

        Raises:
            MissingSetting: names the first variable that is not set.
        """
        names = ("BONAFIDE_PROBE_DOMAIN", "BONAFIDE_PROBE_BOUNDS_MS")
        domain, bounds = (_require(environment, name) for name in names)
        return cls(Path(_require(environment, "BONAFIDE_GOLDEN_DIR")), domain, bounds)


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """What a hook of releases may call: JSON of the functions' names in AWS by folder."""

    functions: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads it.

        Raises:
            MissingSetting: it is not set.
        """
        return cls(_require(environment, "BONAFIDE_PROBED_FUNCTIONS"))


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where the API is, for whoever calls it: URL of its stage."""

    endpoint: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads it.

        Raises:
            MissingSetting: it is not set.
        """
        return cls(_require(environment, "BONAFIDE_PROBED_ENDPOINT"))


def _require(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise MissingSetting(f"environment variable {name} is not set")
