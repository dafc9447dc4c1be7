"""The functions' configuration, read once at start; a function has only the variables that it reads."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self


class MissingSetting(RuntimeError):
    """An environment variable that the function cannot work without is not set; the function refuses to start."""


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """Settings for one purpose; the field `a_b` is the variable `BONAFIDE_A_B`."""

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
class DomainTable(FromEnvironment):
    """Table of domains, speakers and voiceprints."""

    domain_table: str


@dataclass(frozen=True, slots=True)
class DecisionTable(FromEnvironment):
    """Table of decisions."""

    decision_table: str


@dataclass(frozen=True, slots=True)
class IdempotencyTable(FromEnvironment):
    """Table of Powertools' idempotency records."""

    idempotency_table: str


@dataclass(frozen=True, slots=True)
class SessionTable(FromEnvironment):
    """Table of sessions and their evidence."""

    session_table: str


@dataclass(frozen=True, slots=True)
class FingerprintTable(FromEnvironment):
    """Table of fingerprints of recordings."""

    fingerprint_table: str


@dataclass(frozen=True, slots=True)
class CallTable(FromEnvironment):
    """Table of counters and histories of calls."""

    call_table: str


@dataclass(frozen=True, slots=True)
class KeyTable(FromEnvironment):
    """Table of the keys of voiceprints and of evidence."""

    key_table: str


@dataclass(frozen=True, slots=True)
class TemplateKey(FromEnvironment):
    """ARN of the key that encrypts the keys of domains, and the form in which templates are written.

    Attributes:
        template_key: the ARN.
        template_form: `plain` or `protected`; both are read.
        stage: name of the deployment stage.
    """

    template_key: str
    template_form: str
    stage: str


@dataclass(frozen=True, slots=True)
class AudioBucket(FromEnvironment):
    """Bucket of uploads, and of recordings of domains whose policy keeps them."""

    audio_bucket: str


@dataclass(frozen=True, slots=True)
class ChunkStream(FromEnvironment):
    """Stream of accepted chunks, and the version of events in which chunks are sent."""

    audio_stream: str
    stream_version: str


@dataclass(frozen=True, slots=True)
class FailureBucket(FromEnvironment):
    """Bucket of stream records that can never be scored."""

    failure_bucket: str


@dataclass(frozen=True, slots=True)
class ArchiveBucket(FromEnvironment):
    """Bucket of archived decisions and of the seals of their days."""

    archive_bucket: str


@dataclass(frozen=True, slots=True)
class RootLock(FromEnvironment):
    """Mode in which published roots are locked: `GOVERNANCE` or `COMPLIANCE`."""

    root_lock: str


@dataclass(frozen=True, slots=True)
class ModelRegistryPlaces(FromEnvironment):
    """Table and bucket of model versions."""

    model_table: str
    model_bucket: str


@dataclass(frozen=True, slots=True)
class StageName(FromEnvironment):
    """Deployment stage, as the health answer names it."""

    stage: str


@dataclass(frozen=True, slots=True)
class AccessSettings(FromEnvironment):
    """JSON of the stage's principals and those of golden calls, and the domain of golden calls."""

    access_rules: str
    probe_domain: str


@dataclass(frozen=True, slots=True)
class QuotaSettings(FromEnvironment):
    """JSON of the largest quota of a domain, and of the quota of those that have none of their own."""

    quota_rules: str


@dataclass(frozen=True, slots=True)
class BundleSettings(FromEnvironment):
    """Folder of the model bundle, and the digest that it must have."""

    bundle_dir: Path
    bundle_digest: str


@dataclass(frozen=True, slots=True)
class BrakeSettings(FromEnvironment):
    """Seconds for which a function that decides uses the state of the stage's brake before it reads it again."""

    brake_kept_seconds: str


@dataclass(frozen=True, slots=True)
class ModelTable(FromEnvironment):
    """Table of model versions and aliases, for those that read no files."""

    model_table: str


@dataclass(frozen=True, slots=True)
class ShadowShare(FromEnvironment):
    """Share of authentications that are offered to the shadow, 0 to 1."""

    shadow_share: str


@dataclass(frozen=True, slots=True)
class ProbeDomain(FromEnvironment):
    """Domain of golden calls, which statistics of callers leave out."""

    probe_domain: str


@dataclass(frozen=True, slots=True)
class CalibrationKey(FromEnvironment):
    """ARN of the key that signs calibrations of domains, and checks their signatures."""

    calibration_key: str


@dataclass(frozen=True, slots=True)
class ProbeSettings(FromEnvironment):
    """Material of golden calls.

    Attributes:
        golden_dir: folder of the recordings.
        probe_domain: domain that the probes use.
        probe_bounds_ms: JSON of the longest time that an answer may take, by function.
    """

    golden_dir: Path
    probe_domain: str
    probe_bounds_ms: str


@dataclass(frozen=True, slots=True)
class ReleaseSettings(FromEnvironment):
    """Functions that the release hook calls: JSON of their names in AWS by folder."""

    probed_functions: str


@dataclass(frozen=True, slots=True)
class ServiceSettings(FromEnvironment):
    """URL of the API's stage, which the synthetic caller calls."""

    probed_endpoint: str


def is_probed(domain: str, probe_domain: str) -> bool:
    """Tells whether a domain is that of golden calls, or one whose name continues its name after a hyphen."""
    return bool(probe_domain) and f"{domain}-".startswith(f"{probe_domain}-")
