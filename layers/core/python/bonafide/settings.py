"""The functions' configuration, read once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self


class MissingSetting(RuntimeError):
    """An environment variable that the function cannot work without is not set; the function refuses to start."""


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """Settings that some functions have; the field `a_b` is the variable `BONAFIDE_A_B`."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads every setting.

        Raises:
            MissingSetting: names the first variable that is not set.
        """
        values: dict[str, Any] = {}
        for each in fields(cls):
            name = f"BONAFIDE_{each.name.upper()}"
            if not environment.get(name):
                raise MissingSetting(f"environment variable {name} is not set")
            values[each.name] = Path(environment[name]) if each.type is Path else environment[name]
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Settings(FromEnvironment):
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


@dataclass(frozen=True, slots=True)
class StreamSettings(FromEnvironment):
    """Where calls and their audio are; only functions that take part in streaming have it.

    Attributes:
        session_table: table of calls and their evidence.
        audio_stream: stream of accepted chunks.
        failure_bucket: bucket of events that can never be scored.
    """

    session_table: str
    audio_stream: str
    failure_bucket: str


@dataclass(frozen=True, slots=True)
class BundleSettings(FromEnvironment):
    """Where the model bundle lies and which one it must be; only functions that listen to audio have it."""

    bundle_dir: Path
    bundle_digest: str


@dataclass(frozen=True, slots=True)
class ProbeSettings(FromEnvironment):
    """What golden calls are made of; only probes have it.

    Attributes:
        golden_dir: folder of the recordings.
        probe_domain: the probes' tenant.
        probe_bounds_ms: JSON, how long an answer may take by function.
    """

    golden_dir: Path
    probe_domain: str
    probe_bounds_ms: str


@dataclass(frozen=True, slots=True)
class ReleaseSettings(FromEnvironment):
    """What a hook of releases may call: JSON of the functions' names in AWS by folder."""

    probed_functions: str


@dataclass(frozen=True, slots=True)
class ServiceSettings(FromEnvironment):
    """Where the API is, for whoever calls it: URL of its stage."""

    probed_endpoint: str
