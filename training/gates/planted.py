"""Plants ten bad candidates, made of a good bundle, and shows which gate refuses each.

    python -m training.gates.planted [--bundle DIR] [--material PATH] [--out FOLDER] [--only NAME ...]

Each is what a faulty training could leave: bundle, documents and a second build, and passes every other gate that its
fault does not concern. The bundle itself must pass all. With material, a manifest or a folder of them with some dozens
of speakers, more wrong calibrations are planted, and worse embeddings of several strengths. Prints a table. Exit
status: 0 when it is all as it should be, else 1.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bonafide.adapters.onnx import Bundle
from bonafide.audio.waveform import Samples, Waveform
from training.evaluation.candidate import EVALUATION, GOLDEN, ComparedBundles, HeardRecordings, evaluate
from training.evaluation.paired.observing import ObservationCache
from training.evaluation.paired.readers import OUT as READERS
from training.evaluation.paired.readers import write_readers
from training.gates.__main__ import judge
from training.gates.criteria import GateCriteria, Submission
from training.gates.parity import GRAPHS, answer
from training.gates.results import CandidateFindings, number
from training.gates.signals import ParityReference
from training.gates.surgery import (
    Change,
    change_graph,
    rewrite_manifest,
    with_ballast,
    with_input_named,
    with_mask,
    with_offset,
    with_useless_work,
    write_rows,
)

TELEPHONE = "channel=telephone"
BUNDLE = Path(".build/layers/model/bundle")
OUT = Path(".build/training/planted")
ALLOWED, REFUSED = "CC-BY-4.0", "CC-BY-NC-4.0"
# Gates that recordings of many speakers are needed for; other faults show in the bundle, and few will do.
OF_MATERIAL = ("verification", "calibration")
# Worse scores are also scores of another scale, and lead to other decisions.
SCORES = ("verification", "calibration", "golden")


@dataclass(frozen=True, slots=True)
class PlantedCandidate:
    """A fault, and the gate that must find it.

    Attributes:
        gate: that must refuse it.
        build: changes the files of a copy of the bundle; the number tells the first build from the second.
        others: gates that may refuse it as well.
        licence: of one of its training rows.
        exported: whether parity is measured with the graphs as they were before the change.
        damage: changes files after everything was measured.
        cohort: which must be among those that are refused.
        strength: whether it is one of several that get worse, of which the first may be too little to be found.
    """

    gate: str
    build: Callable[[Path, int], None]
    others: Collection[str] = ()
    licence: str = ALLOWED
    exported: bool = False
    damage: Callable[[Path], None] | None = None
    cohort: str | None = None
    strength: bool = False


@dataclass(frozen=True, slots=True)
class PlantingScene:
    """The champion that candidates are compared with, and the recordings.

    Attributes:
        champion: folder of its bundle.
        heard: recordings that both are measured on.
        few: those that do where no recording shows the fault.
        kept: evidence that is known already.
        columns: that make cohorts.
        replicates: how many resamples are drawn of each set of trials.
    """

    champion: Path
    heard: HeardRecordings
    few: HeardRecordings
    kept: ObservationCache
    columns: Sequence[str] = ("sex", "language", "pitch", "attack", "system")
    replicates: int = 100


def changed(name: str, change: Change) -> Callable[[Path, int], None]:
    """Changes one graph of a bundle."""
    return lambda bundle, _: change_graph(bundle / name, change)


def _unchanged(bundle: Path, number: int) -> None:
    """Leaves every file as it is."""


def miscalibrated(slope: float = 1.0, offset: float = 0.0) -> PlantedCandidate:
    """Makes the curves of the calibration steeper, or adds nats to LLRs between the bounds of the curves."""

    def build(bundle: Path, _: int) -> None:
        path = bundle / "calibration.json"
        document = json.loads(path.read_bytes())
        for curve in document["conditions"].values():
            curve["slope"] *= slope
            curve["level"] -= offset / curve["slope"]
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")

    return PlantedCandidate("calibration", build, ("golden",))


def _unseeded(bundle: Path, number: int) -> None:
    """Trains, so to say, without a fixed seed."""
    change_graph(bundle / "spoof.onnx", with_offset(0.001 * number))


def _tampered(bundle: Path) -> None:
    """Changes one byte in the middle of a graph."""
    content = bytearray((bundle / "speaker.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "speaker.onnx").write_bytes(bytes(content))


PLANTED: Mapping[str, PlantedCandidate] = {
    "worse EER": PlantedCandidate("verification", changed("speaker.onnx", with_mask(4)), SCORES),
    "worse in one cohort": PlantedCandidate(
        "verification", changed("speaker.onnx", with_mask(4, 8000)), SCORES, cohort=TELEPHONE
    ),
    "miscalibrated": miscalibrated(slope=0.2),
    "slower": PlantedCandidate("latency", changed("spoof.onnx", with_useless_work(300))),
    "too large": PlantedCandidate("size", changed("speaker.onnx", with_ballast(5_000_000)), ("latency",)),
    "wrong contract": PlantedCandidate("contract", changed("speaker.onnx", with_input_named("sampling_rate"))),
    "broken parity": PlantedCandidate("parity", changed("spoof.onnx", with_offset(0.1)), exported=True),
    "unlicensed row": PlantedCandidate("licence", _unchanged, licence=REFUSED),
    "unreproducible": PlantedCandidate("reproducibility", _unseeded),
    "tampered file": PlantedCandidate("integrity", _unchanged, damage=_tampered),
}
# More of one of them, which need recordings of many speakers.
MISCALIBRATED: Mapping[str, PlantedCandidate] = {
    **{f"slope times {slope:g}": miscalibrated(slope=slope) for slope in (0.25, 0.5, 4.0)},
    **{f"offset {offset:+g} nats": miscalibrated(offset=offset) for offset in (-3.0, -1.5, 1.5, 3.0)},
}


# Values of the embedding that are kept, from what no recordings can show to what any can.
KEPT = (64, 32, 16, 8)
STRENGTHS: Mapping[str, PlantedCandidate] = {
    **{
        f"{count} values kept": PlantedCandidate(
            "verification", changed("speaker.onnx", with_mask(count)), SCORES, strength=True
        )
        for count in KEPT
    },
    **{
        f"{count} kept by telephone": PlantedCandidate(
            "verification",
            changed("speaker.onnx", with_mask(count, 8000)),
            SCORES,
            cohort=TELEPHONE,
            strength=True,
        )
        for count in KEPT
    },
}


CANDIDATES: Mapping[str, PlantedCandidate | None] = {"nothing": None, **PLANTED, **MISCALIBRATED, **STRENGTHS}
HEAD = "| planted | refused by | criterion | bound | found | |\n| --- | --- | --- | --- | --- | --- |\n"


def plant(planted: PlantedCandidate, bundle: Path, out: Path) -> tuple[Path, Path, Path]:
    """Builds a candidate twice; returns the folders of its bundle, its documents and its second build."""
    shutil.rmtree(out, ignore_errors=True)
    documents = out / "documents"
    data = write_rows(documents, [ALLOWED] * 9 + [planted.licence])
    lineage = json.loads((bundle / "manifest.json").read_bytes())["lineage"] | {"data": data}
    folders = [out / "bundle", out / "rebuilt"]
    for build, folder in enumerate(folders):
        shutil.copytree(bundle, folder)
        planted.build(folder, build)
        rewrite_manifest(folder, {"lineage": lineage})
    _keep_answers(bundle if planted.exported or planted.gate == "contract" else folders[0], documents)
    return folders[0], documents, folders[1]


def tried(planted: PlantedCandidate, scene: PlantingScene, out: Path) -> CandidateFindings:
    """Plants, measures and judges one candidate."""
    candidate, documents, rebuilt = plant(planted, scene.champion, out)
    criteria = GateCriteria.read()
    compared = ComparedBundles([candidate, scene.champion], scene.columns, scene.replicates, scene.kept)
    heard = scene.heard if not planted.gate or planted.gate in OF_MATERIAL else scene.few
    evaluation, _ = evaluate(compared, heard)
    (documents / EVALUATION).write_text(json.dumps(evaluation, indent=1), encoding="utf-8")
    if planted.damage:
        planted.damage(candidate)
    return judge(Submission(candidate, scene.champion, evaluation, documents, criteria, rebuilt))


def faults(planted: PlantedCandidate | None, report: CandidateFindings) -> list[str]:
    """Says in what the gates failed to do their work; None stands for a candidate without a fault."""
    failed = report.failed_gates
    if planted is None:
        return [f"{gate} refused a bundle without a fault" for gate in failed]
    found = [f"{gate} refused it" for gate in failed if gate != planted.gate and gate not in planted.others]
    if planted.strength:
        return found
    if planted.gate not in failed:
        found.append(f"{planted.gate} let it pass")
    if planted.cohort:
        refused = [each.cohort for each in report.results if each.gate == planted.gate and not each.passed]
        found += [] if planted.cohort in refused else [f"{planted.cohort} passed"]
    return found


def _keep_answers(bundle: Path, documents: Path) -> None:
    """Keeps what the graphs answer, in place of the training's own graphs."""
    models = Bundle.load(bundle)
    for graph in GRAPHS:
        asked = partial(_answer, models, graph)
        ParityReference.of(graph, asked).add_to(documents)


def _answer(models: Bundle, graph: str, samples: Samples, rate: int) -> object:
    return answer(models, graph, Waveform(samples, rate))


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    readers = write_readers()
    few = HeardRecordings(readers, GOLDEN, readers)
    heard = HeardRecordings(arguments.material or readers, GOLDEN, readers)
    scene = PlantingScene(arguments.bundle, heard, few, ObservationCache(arguments.out / "evidence"))
    nothing = PlantedCandidate("", _unchanged)
    more = {**MISCALIBRATED, **STRENGTHS} if arguments.material else {}
    wrong = 0
    sys.stdout.write(HEAD)
    for name in arguments.only or ["nothing", *PLANTED, *more]:
        planted = CANDIDATES[name]
        folder = arguments.out / name.replace(" ", "-")
        report = tried(planted or nothing, scene, folder)
        report.write(folder / "gates.json")
        problems = faults(planted, report)
        wrong += bool(problems)
        sys.stdout.write(_row(name, planted, report, problems))
        sys.stdout.flush()
    return 1 if wrong else 0


def _row(name: str, planted: PlantedCandidate | None, report: CandidateFindings, problems: list[str]) -> str:
    """Draws a row of the table."""
    state = "; ".join(f"WRONG: {each}" for each in problems) or "as it should be"
    cells = [name, ", ".join(report.failed_gates) or "nothing", *_telling(planted, report), state]
    return f"| {' | '.join(cells)} |\n"


def _telling(planted: PlantedCandidate | None, report: CandidateFindings) -> Sequence[str]:
    """Picks the finding that says most of a fault: criterion, bound, and what was found."""
    gate, cohort = (planted.gate, planted.cohort) if planted else ("verification", None)
    own = [each for each in report.results if each.gate == gate and cohort in {None, each.cohort}]
    compared = [each for each in own if "champion's" in each.criterion] or own
    each = next((each for each in own if not each.passed), compared[0])
    where = f"{each.criterion} ({each.cohort})" if each.cohort else each.criterion
    spread = f" ({number(each.interval[0])} to {number(each.interval[1])})" if each.interval else ""
    return where, number(each.bound), f"{number(each.found)}{spread}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plant bad candidates and show which gate refuses each.")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--material", type=Path, help=f"manifest or folder of recordings; else {READERS}")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", action="append", choices=CANDIDATES, metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
