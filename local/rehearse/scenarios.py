"""The releases of a rehearsal with their expected ends: good versions, and each kind of bad version."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cloud.releases.deploy import UpdateStatus

BUNDLE = ".build/layers/model/bundle"
HANDLER = "functions/authenticate_caller/handler.py"
DECISION = "layers/core/python/bonafide/biometrics/decision.py"

type SourceChange = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A release.

    Attributes:
        name: name on the command line.
        title: description for people.
        change: makes the new version in a copy of the repository.
        ends: expected end.
        stopped_by: hook or alarm that has to stop it, if any.
        calls: whether there is load.
    """

    name: str
    title: str
    change: SourceChange
    ends: UpdateStatus
    stopped_by: str = ""
    calls: bool = True


def unchanged(_root: Path) -> None:
    """Leaves the former version unchanged."""


def _replaced(path: str, old: str, new: str) -> SourceChange:
    """Returns a change that replaces text, which has to occur exactly once."""

    def change(root: Path) -> None:
        text = (root / path).read_text()
        if text.count(old) != 1:
            raise LookupError(f"{path} does not contain this exactly once; adapt the scenario: {old}")
        (root / path).write_text(text.replace(old, new))

    return change


def _both(*changes: SourceChange) -> SourceChange:
    def change(root: Path) -> None:
        for each in changes:
            each(root)

    return change


def _appended(path: str, text: str) -> SourceChange:
    def change(root: Path) -> None:
        with (root / path).open("a") as file:
            file.write(f"\n\n{text.strip()}\n")

    return change


# Golden calls are too short to be affected.
SLOWLY = """
def slowly(authenticate):
    def slow(*request):
        decision = authenticate(*request)
        time.sleep(2.2 if decision.speech_seconds > 6.5 else 0)
        return decision
    return slow

import time
"""


def _drifting(root: Path) -> None:
    """Shifts the calibration so that genuine callers score lower."""

    def drift(condition: Mapping[str, float]) -> Mapping[str, float]:
        return {**condition, "level": condition["level"] + 0.18}

    path, manifest = root / BUNDLE / "calibration.json", root / BUNDLE / "manifest.json"
    content = json.loads(path.read_text())
    content["conditions"] = {name: drift(each) for name, each in content["conditions"].items()}
    path.write_text(json.dumps(content))
    listed = json.loads(manifest.read_text())
    listed["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(listed))


_raising = _replaced(HANDLER, "return service.authenticate(", "raise RuntimeError('broken on purpose') or (")
_slow = _both(
    _replaced(HANDLER, "return service.authenticate(", "return slowly(service.authenticate)("),
    _appended(HANDLER, SLOWLY),
)
_commented = _replaced(DECISION, '"""From a speaker', '"""Newly worded. From a speaker')
_flipped = _replaced(DECISION, "if accept <= min(step_up, reject):", "if accept > min(step_up, reject):")

SCENARIOS = (
    Scenario("good", "a good release of all functions", _commented, UpdateStatus.PROMOTED),
    Scenario("raises", "a handler that raises", _raising, UpdateStatus.ROLLED_BACK, "golden calls"),
    Scenario(
        "slow",
        "long calls take seconds, three times and more what they took",
        _slow,
        UpdateStatus.ROLLED_BACK,
        "late-answers",
    ),
    Scenario("drift", "a model whose scores drift", _drifting, UpdateStatus.ROLLED_BACK, "score-drift"),
    Scenario("flipped", "a flipped threshold", _flipped, UpdateStatus.ROLLED_BACK, "golden calls"),
    Scenario("quiet", "a good release while nobody calls", _commented, UpdateStatus.PROMOTED, calls=False),
)
