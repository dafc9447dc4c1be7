"""Checks that serving does what was measured: `python -m ops.monitoring.skew --stage S --domain D [--audio FOLDER]`.

The newest decisions of a domain are scored again by the local bundle: from the stored comparison, with the calibration
that judged it, and from kept audio where a folder with recordings named by their decision is given.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.onnx import Bundle
from bonafide.audio.decode import decode
from bonafide.biometrics.domain_calibration import DomainCalibration
from bonafide.biometrics.scoring import Calibration, Comparison, Condition, SpaceCalibrations
from bonafide.contracts.calibrations import FittedCalibration
from bonafide.services.shared.calibration_book import with_corrections
from bonafide_client import BonafideClientError, Client
from ops.target import NotDeployedError, add_target, url_of

BUNDLE = Path(".build/layers/model/bundle")
# Largest differences that are no skew: of arithmetic on another processor.
TOLERANCES = {
    "speaker_llr": 1e-9,
    "speech_seconds": 0.05,
    "level_dbfs": 0.1,
    "snr_db": 0.1,
    "liveness_llr": 0.01,
    "embedding_norm": 0.01,
}


@dataclass(frozen=True, slots=True)
class SkewReport:
    """Result of a check.

    Attributes:
        compared: number of values by name.
        largest: difference by name.
        skewed: decisions with a difference beyond its tolerance, each with the name.
        other_bundle: number of decisions of other bundles, which are left out.
    """

    compared: Mapping[str, int]
    largest: Mapping[str, float]
    skewed: Sequence[tuple[str, str]]
    other_bundle: int


def check(
    decisions: Sequence[Mapping[str, Any]],
    models: Bundle,
    audio: Path | None = None,
    corrections: Iterable[DomainCalibration] = (),
) -> SkewReport:
    """Scores decisions again.

    Args:
        decisions: as the API answers them.
        models: the bundle that they are compared with.
        audio: folder of kept recordings; None if there is none.
        corrections: calibrations that the domain has or had of its own.
    """
    calibrations = with_corrections(SpaceCalibrations.parse(models.calibrations), corrections)
    compared: dict[str, int] = {}
    largest: dict[str, float] = {}
    skewed: list[tuple[str, str]] = []
    mine = [each for each in decisions if each["bundle"] == models.digest]
    for each in mine:
        for name, served, again in _pairs(each, calibrations, models, audio):
            difference = abs(served - again)
            compared[name] = compared.get(name, 0) + 1
            largest[name] = max(largest.get(name, 0.0), difference)
            if difference > TOLERANCES[name]:
                skewed.append((each["decision_id"], name))
    return SkewReport(compared, largest, skewed, len(decisions) - len(mine))


def _pairs(
    decision: Mapping[str, Any], calibrations: Mapping[str, Calibration], models: Bundle, audio: Path | None
) -> Iterator[tuple[str, float, float]]:
    """Yields names of values with what was served and what comes out now."""
    calibration = calibrations.get(decision["calibration"])
    if decision["comparison"] and calibration:
        facts = {**decision["comparison"], "condition": Condition(decision["comparison"]["condition"])}
        found = Comparison(**facts, embedding_space=calibration.embedding_space)
        yield "speaker_llr", decision["speaker"]["llr"], float(calibration.llr(found))
    file = audio / decision["decision_id"] if audio else None
    if file and file.is_file() and decision["quality"]:
        yield from _evidence(decision, models, file)


def _evidence(decision: Mapping[str, Any], models: Bundle, file: Path) -> Iterator[tuple[str, float, float]]:
    content = file.read_bytes()
    evidence = models.observe(decode(content, encoding="flac" if content.startswith(b"fLaC") else "wav"))
    yield "speech_seconds", decision["speech_seconds"], evidence.speech_seconds
    served = {
        "level_dbfs": (decision["quality"]["level_dbfs"], evidence.quality.level_dbfs),
        "snr_db": (decision["quality"]["snr_db"], evidence.quality.snr_db),
        "liveness_llr": ((decision["liveness"] or {}).get("llr"), evidence.liveness),
        "embedding_norm": (decision.get("embedding_norm"), evidence.embedding_norm),
    }
    for name, (before, now) in served.items():
        if before is not None and now is not None:
            yield name, before, now


def _corrections(client: Client, domain: str) -> Iterator[DomainCalibration]:
    """Reads all calibrations that were ever proposed for a domain, since each judged some decisions."""
    newest = max((each["version"] for each in client.calibrations(domain)["changes"]), default=0)
    for version in range(1, newest + 1):
        document = client.calibration(domain, version)["calibration"]
        yield FittedCalibration.model_validate(document).to_record()


def main() -> int:
    """Runs the command; returns 0 if nothing is skewed."""
    parser = argparse.ArgumentParser(description="Score kept decisions again.")
    add_target(parser)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--count", type=int, default=500, help="decisions, the newest first")
    parser.add_argument("--audio", type=Path, help="folder of kept recordings, named by their decision")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    given = parser.parse_args()
    try:
        with Client(url_of(given)) as client:
            decisions = list(islice(client.decisions(given.domain), given.count))
            corrections = list(_corrections(client, given.domain))
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    report = check(decisions, Bundle.load(given.bundle), given.audio, corrections)
    print(shown(report))
    return 3 if report.skewed else 0


def shown(report: SkewReport) -> str:
    """Returns a report as lines of text."""
    lines = [
        f"{name:16} {count} compared, largest difference {report.largest[name]:.3g}, tolerance {TOLERANCES[name]:g}"
        for name, count in report.compared.items()
    ]
    lines += [f"skewed: {name} of decision {decision}" for decision, name in report.skewed]
    if report.other_bundle:
        lines.append(f"{report.other_bundle} decisions are by other bundles and were left out")
    return "\n".join(lines) or "no decision could be compared"


if __name__ == "__main__":
    sys.exit(main())
