"""The releases of a rehearsal with their expected ends: good versions, and each kind of bad version."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cloud.releases.deploy import UpdateStatus

BUNDLE = ".build/layers/model/bundle"
HANDLER = "functions/authenticate_caller/handler.py"
READER, WRITER = "functions/manage_speakers/handler.py", "functions/enroll_speaker/handler.py"
DECISION = "layers/core/python/bonafide/biometrics/decision.py"

type SourceChange = Callable[[Path], None]
# Changes a bundle in its folder.
type BundleChange = Callable[[Path], None]


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
        first: whether nothing was deployed before.
        canceled: whether it is canceled once, and then deployed again.
        challenger: makes the model of the new version out of that of the former one; None if the code differs instead.
        stays: whether the version stays deployed when it was promoted.
    """

    name: str
    title: str
    change: SourceChange
    ends: UpdateStatus
    stopped_by: str = ""
    calls: bool = True
    first: bool = False
    canceled: bool = False
    challenger: BundleChange | None = None
    stays: bool = False


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
        time.sleep(2.2 if decision.case.speech_seconds > 6.5 else 0)
        return decision
    return slow

import time
"""


def make_stricter(bundle: Path, added: float) -> None:
    """Adds to the similarity above which a voice speaks for the claim, so that genuine callers score lower."""
    path = bundle / "calibration.json"
    content = json.loads(path.read_text())
    for condition in content["conditions"].values():
        condition["level"] += added
    path.write_text(json.dumps(content))
    _listed(bundle, files={path.name: hashlib.sha256(path.read_bytes()).hexdigest()})


def _drifting(bundle: Path) -> None:
    make_stricter(bundle, 0.18)


def _renamed(bundle: Path) -> None:
    """Makes another bundle of the same graphs and calibration."""
    _listed(bundle, version="rehearsed")


def _listed(bundle: Path, files: Mapping[str, str] | None = None, **changes: str) -> None:
    """Changes what the manifest says."""
    manifest = bundle / "manifest.json"
    listed = json.loads(manifest.read_text())
    listed["files"] |= files or {}
    manifest.write_text(json.dumps(listed | changes))


def _in_bundle(change: BundleChange) -> SourceChange:
    return lambda root: change(root / BUNDLE)


_raising = _replaced(HANDLER, "return decision_view(", "raise RuntimeError('broken on purpose') or decision_view(")
_slow = _both(
    _replaced(HANDLER, "service.authenticate(", "slowly(service.authenticate)("),
    _appended(HANDLER, SLOWLY),
)
_commented = _replaced(DECISION, '"""Decisions by expected cost', '"""Newly worded: decisions by expected cost')
_reader = _appended(READER, "# Newly worded.")
_broken = _replaced(WRITER, "return enrollment_view(", "raise RuntimeError('broken') or enrollment_view(")
_writer = _both(_reader, _broken)
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
    Scenario("drift", "a model whose scores drift", _in_bundle(_drifting), UpdateStatus.ROLLED_BACK, "score-drift"),
    Scenario("flipped", "a flipped threshold", _flipped, UpdateStatus.ROLLED_BACK, "golden calls"),
    Scenario("quiet", "a good release while nobody calls", _commented, UpdateStatus.PROMOTED, calls=False),
    Scenario("first", "the first deployment", unchanged, UpdateStatus.PROMOTED, calls=False, first=True),
    Scenario(
        "half",
        "a writer fails its golden calls when a reader has been released",
        _writer,
        UpdateStatus.ROLLED_BACK,
        "golden calls of enroll_speaker before traffic",
        calls=False,
    ),
    Scenario(
        "retried",
        "a release that is canceled, and then deployed again",
        _reader,
        UpdateStatus.PROMOTED,
        "canceled",
        calls=False,
        canceled=True,
    ),
    Scenario(
        "model",
        "a challenger is promoted by the registry, and rolled back",
        unchanged,
        UpdateStatus.PROMOTED,
        challenger=_renamed,
        stays=True,
    ),
    Scenario(
        "bad-model",
        "a challenger that passed its gates, and whose scores drift, is promoted by the registry",
        unchanged,
        UpdateStatus.ROLLED_BACK,
        "score-drift",
        challenger=_drifting,
    ),
)
