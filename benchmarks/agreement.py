"""Compares the evaluations of sessions with those of the same recordings in one piece.

    python -m benchmarks.agreement --manifest path.csv [--chunk-seconds 1 2 4 8] [--out path.json]

Every pair of recordings is a trial, as in `training.evaluation.verify`: the earlier one enrolls in one piece, the later
one is scored in one piece and then in chunks, by the code that serves: decode, observe, fold, score. Rates are
fractions.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.audio.decode import LONGEST_SECONDS, decode
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from bonafide.biometrics.session import ChunkEvidence, fold
from bonafide_client import SourceRecording
from bonafide_client.chunks import CHUNK_SECONDS
from training.corpus.manifest import read_manifest
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import Adjustment, LineKind, extract, load
from training.evaluation.metrics import Trials, cllr, eer
from training.evaluation.trials import TrialOutcomes, compare, enrollments
from training.evaluation.trials import TrialRecording as Side
from training.parallel import in_parallel

LENGTHS = (1.0, 2.0, CHUNK_SECONDS, 8.0)


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """The scores of the recordings with one length of chunk.

    Attributes:
        chunk_seconds: length of a chunk; None for one piece.
        chunks: per recording, on average.
        speech: net speech of all recordings, as a fraction of that in one piece.
        eer: fraction.
        eer_difference: to that of one piece.
        cllr: bits.
        llr_difference: median of the absolute differences to the LLR of one piece, nats.
        same_decision: fraction of trials under the default policy.
    """

    chunk_seconds: float | None
    chunks: float
    speech: float
    eer: float
    eer_difference: float
    cllr: float
    llr_difference: float
    same_decision: float

    def table(self) -> str:
        """Returns one line of the printed table."""
        name = "one piece" if self.chunk_seconds is None else f"{self.chunk_seconds:g} s"
        return (
            f"{name:>9} {self.chunks:>7.1f} {self.speech:>7.3f} {100 * self.eer:>6.2f} "
            f"{100 * self.eer_difference:>+7.2f} {self.cllr:>6.3f} {self.llr_difference:>7.3f} "
            f"{100 * self.same_decision:>7.2f}"
        )


def extract_chunks(bundle: Path, lengths: Sequence[float], path: Path) -> list[tuple[int, Evidence | None]]:
    """Returns, for each length of chunk, how many chunks a recording has and the evidence that they fold to."""
    recording = SourceRecording.read(path.read_bytes())
    # The part that the service takes in one piece.
    whole = next(recording.chunks(LONGEST_SECONDS))
    models = load(bundle)
    sessions = [list(replace(recording, data=whole).chunks(length)) for length in lengths]
    return [(len(chunks), _fold(models, recording, chunks)) for chunks in sessions]


def _fold(models: Bundle, recording: SourceRecording, chunks: Sequence[bytes]) -> Evidence | None:
    decoded = (decode(chunk, encoding=recording.encoding, rate=recording.rate) for chunk in chunks)
    rows = [
        ChunkEvidence(number, f"{number}", models.observe(waveform, [Channel.NARROWBAND]))
        for number, waveform in enumerate(decoded)
    ]
    return fold(rows, models.embedding_space, len(rows)).evidence


def agreement(manifest: Path, bundle: Path, lengths: Sequence[float]) -> list[AgreementRow]:
    """Scores the manifest's trials in one piece, then with each length of chunk."""
    clips = read_manifest(manifest)
    paths = [clip.path for clip in clips]
    extracted = extract(paths, bundle, [LineKind.NATIVE])
    # In a session nothing makes a recording fit, other than its length.
    usable = [index for index, each in enumerate(extracted) if each.evidence and each.changes <= {Adjustment.CUT}]
    streamed = in_parallel("streaming", partial(extract_chunks, bundle, lengths), [paths[index] for index in usable])
    sides = [Side.of(clips[index], extracted[index], LineKind.NATIVE, LineKind.NATIVE) for index in usable]
    whole = _compared(sides, bundle)
    rows = [_row(None, [1] * len(sides), sides, sides, whole, whole)]
    for number, length in enumerate(lengths):
        # A recording without speech falls back on all samples, as in one piece.
        chunked = [replace(side, test=each[number][1] or side.test) for side, each in zip(sides, streamed, strict=True)]
        counts = [each[number][0] for each in streamed]
        rows.append(_row(length, counts, sides, chunked, whole, _compared(chunked, bundle)))
    return rows


def _compared(sides: Sequence[Side], bundle: Path) -> TrialOutcomes:
    return compare(enrollments(sides, 1), sides, Calibration.parse(load(bundle).calibration), Policy())


def _row(
    length: float | None,
    counts: Sequence[int],
    sides: Sequence[Side],
    chunked: Sequence[Side],
    whole: TrialOutcomes,
    outcome: TrialOutcomes,
) -> AgreementRow:
    rate = eer(Trials.of(outcome.llr, outcome.targets))
    return AgreementRow(
        chunk_seconds=length,
        chunks=float(np.mean(counts)),
        speech=sum(each.test.speech_seconds for each in chunked) / sum(each.test.speech_seconds for each in sides),
        eer=rate,
        eer_difference=rate - eer(Trials.of(whole.llr, whole.targets)),
        cllr=cllr(Trials.of(outcome.llr, outcome.targets)),
        llr_difference=float(np.median(np.abs(outcome.llr - whole.llr))),
        same_decision=float(np.mean(outcome.decisions == whole.decisions)),
    )


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Compare recordings in chunks with recordings in one piece.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--chunk-seconds", type=float, nargs="+", default=LENGTHS)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = agreement(arguments.manifest, arguments.bundle, arguments.chunk_seconds)
    print("   length  chunks  speech  EER %    diff   cllr  |dLLR|  same decision %")
    for row in rows:
        print(row.table())
    if arguments.out:
        document = {
            "bundle": load(arguments.bundle).digest,
            "rows": [asdict(row) for row in rows],
        }
        arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
