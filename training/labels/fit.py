"""Fits and measures the model that recognizes mislabeled audio.

    python -m training.labels.fit --manifest a.csv --manifest b.csv \
        [--out layers/core/python/bonafide/audio/labels.json]

Human recordings of `use` train fit it, those of another `use` measure it.
Without `--out` the model that serves is measured.
"""

import argparse
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.decode import decode
from bonafide.audio.labels import (
    OTHER_BYTES,
    OTHER_LAW,
    OTHER_RATE,
    RATES,
    LabelModel,
    features,
    is_interleaved,
    models,
)
from training.corpus.manifest import Clip, read_manifest
from training.labels.mistakes import AS_LABELED, LAWS, readings
from training.parallel import in_parallel

type Floats = NDArray[np.float64]

KINDS = (OTHER_RATE, OTHER_LAW, OTHER_BYTES)
SHORTEST_SECONDS = 1.7
DECAY = 3.0
STEPS = 40


@dataclass(frozen=True, slots=True)
class MeasuredReading:
    """Features of one reading.

    Attributes:
        use: of the recording.
        group: of the recording.
        rate: as labeled, Hz.
        kind: of mistake.
        name: of the reading.
        found: features, shape (n,).
        interleaved: what the test of interleaving says.
    """

    use: str
    group: str
    rate: int
    kind: str
    name: str
    found: Floats
    interleaved: bool


def measured(clip: Clip) -> list[MeasuredReading]:
    """Returns the features of all readings of a recording."""
    encoding = "flac" if clip.path.suffix == ".flac" else "wav"
    generator = np.random.default_rng(zlib.crc32(clip.row["path"].encode()))
    waveform = decode(clip.path.read_bytes(), encoding=encoding)
    return [
        MeasuredReading(
            clip.row["use"],
            clip.row["group"],
            each.rate,
            each.kind,
            each.name,
            features(each.samples, each.rate),
            is_interleaved(each.samples),
        )
        for each in readings(waveform, generator)
    ]


def fit(rows: Sequence[MeasuredReading], rate: int) -> LabelModel:
    """Fits the model of one rate."""
    own = [each for each in rows if each.rate == rate]
    found = np.array([each.found for each in own])
    offset, scale = found.mean(axis=0), found.std(axis=0) + 1e-6
    scaled = np.c_[(found - offset) / scale, np.ones(len(found))]
    kinds = [kind for kind in KINDS if any(each.kind == kind for each in own)]
    weights = [_against(scaled, own, kind) for kind in kinds]
    return LabelModel(offset, scale, np.array(weights), tuple(kinds))


def _against(scaled: Floats, rows: Sequence[MeasuredReading], kind: str) -> Floats:
    """Fits the weights of one kind of mistake against none, by Newton's method with a penalty; both count the same."""
    labels = [each for each in rows if each.kind == kind]
    names = {each.name for each in labels} if kind == OTHER_LAW else {each.name for each in rows}
    taken = [number for number, each in enumerate(rows) if each.kind in {kind, AS_LABELED} and each.name in names]
    wrong, inputs = np.array([float(rows[number].kind == kind) for number in taken]), scaled[taken]
    share = np.where(wrong > 0, 0.5 / wrong.mean(), 0.5 / (1.0 - wrong.mean()))
    penalty = np.append(np.full(inputs.shape[1] - 1, DECAY), 1e-6)
    weights = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        odds = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (share * (odds - wrong)) + penalty * weights
        curve = (inputs * (share * odds * (1.0 - odds))[:, None]).T @ inputs + np.diag(penalty)
        weights -= np.linalg.solve(curve, slope)
    return weights


def report(rows: Iterable[MeasuredReading], by_rate: Mapping[int, LabelModel]) -> Iterable[str]:
    """Yields a line for each kind of reading: how many are refused."""
    refused: dict[tuple[int, str, str], list[bool]] = defaultdict(list)
    for each in rows:
        wrong = each.interleaved or by_rate[each.rate].mistake(each.found, law=each.name in LAWS)
        for name in (each.name, "all"):
            refused[each.rate, each.kind, name].append(bool(wrong))
    yield f"{'Hz':>6} {'kind':32} {'reading':20} {'readings':>8} {'refused, %':>10}"
    for (rate, kind, name), found in sorted(refused.items()):
        yield f"{rate:6} {kind:32} {name:20} {len(found):8} {100 * np.mean(found):10.2f}"


def document(by_rate: Mapping[int, LabelModel], clips: Sequence[Clip]) -> Mapping[str, object]:
    """Returns what is stored: the models, and the sources that they rest on."""
    sources = sorted({(each.row["source"], each.row["licence"]) for each in clips})
    return {
        "models": {str(rate): _rounded(model) for rate, model in by_rate.items()},
        "sources": [{"source": source, "licence": licence} for source, licence in sources],
    }


def _rounded(model: LabelModel) -> Mapping[str, object]:
    return {
        name: np.round(each, 5).tolist() if isinstance(each, np.ndarray) else each
        for name, each in asdict(model).items()
    }


def _clips(manifests: Sequence[Path]) -> list[Clip]:
    clips = [each for path in manifests for each in read_manifest(path, ("path", "use", "group", "licence", "source"))]
    return [
        each
        for each in clips
        if each.row.get("label", "bonafide") == "bonafide" and float(each.row["seconds"]) >= SHORTEST_SECONDS
    ]


def main() -> None:
    """Fits or only measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    clips = _clips(arguments.manifest)
    rows = [row for found in in_parallel("features", measured, clips) for row in found]
    if arguments.out:
        known = [each for each in clips if each.row["use"] == "train"]
        by_rate = {rate: fit([row for row in rows if row.use == "train"], rate) for rate in RATES}
        arguments.out.write_text(json.dumps(document(by_rate, known), indent=1) + "\n")
    sys.stdout.writelines(f"{line}\n" for line in report([row for row in rows if row.use != "train"], models()))


if __name__ == "__main__":
    main()
