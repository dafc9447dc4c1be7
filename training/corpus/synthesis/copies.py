"""Copies of the bona fide recordings: by signal processing, of a phrase only, and replayed.

python -m training.corpus.synthesis.copies --kind classic|partial|replay --originals FOLDER --out FOLDER
"""

import argparse
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bonafide.audio.waveform import Samples
from training.corpus.files import CorpusFile, copy_of, load, originals, write, write_list
from training.corpus.split import CONF, CorpusSplit, configuration
from training.corpus.synthesis.classic import EDITS, REPLAYS, SYSTEMS, System
from training.parallel import in_parallel

LONGEST_SECONDS = 5
KINDS: Mapping[str, Mapping[str, System]] = {"classic": SYSTEMS, "partial": EDITS, "replay": REPLAYS}


@dataclass(frozen=True, slots=True)
class CopyJob:
    """The work of one stage.

    Attributes:
        folder: of the originals.
        out: where copies go.
        split: by which a copy has a side or none.
    """

    folder: Path
    out: Path
    split: CorpusSplit

    def begin(self, original: CorpusFile, stream: int) -> tuple[Samples, np.random.Generator]:
        """Reads a recording, and makes the source of randomness that belongs to it and the stage."""
        samples = load(self.folder, original)[: LONGEST_SECONDS * original.rate]
        return samples, np.random.default_rng([zlib.crc32(original.path.encode()), stream])

    def write(self, original: CorpusFile, family: str, system: str, made: Samples) -> CorpusFile:
        """Writes a copy."""
        return write(self.out, copy_of(original, family, system), made)


def copied(systems: Mapping[str, System], most: float, job: CopyJob, original: CorpusFile) -> list[CorpusFile]:
    """Copies a recording by some systems: as many as `most`, whose fraction is a chance of one more."""
    samples, generator = job.begin(original, len(systems))
    fit = [name for name, (family, _, _) in systems.items() if job.split.fits(family, original.speaker)]
    shares = np.array([systems[name][1] for name in fit])
    count = min(int(most + generator.random()), len(fit))
    chosen = generator.choice(len(fit), count, replace=False, p=shares / shares.sum()).tolist() if fit else []
    made = ((fit[index], systems[fit[index]], samples, generator) for index in chosen)
    return [written for each in made for written in _one(job, original, *each)]


def _one(
    job: CopyJob, original: CorpusFile, name: str, system: System, samples: Samples, generator: np.random.Generator
) -> Iterator[CorpusFile]:
    family, _, synthesis = system
    made = np.asarray(synthesis(samples, generator), np.float32)
    if np.isfinite(made).all() and np.abs(made).max() > 1e-4:
        yield job.write(original, family, name, made)


def main() -> None:
    """Copies the recordings by one kind of systems, and lists the copies."""
    parser = argparse.ArgumentParser(description="Copy-synthesize the bona fide recordings.")
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    most = configuration(arguments.conf, arguments.size)["copies"][arguments.kind]
    job = CopyJob(arguments.originals, arguments.out, CorpusSplit.read(arguments.conf, arguments.size))
    maker = partial(copied, KINDS[arguments.kind], most, job)
    made = in_parallel(arguments.kind, maker, originals(arguments.originals), arguments.processes)
    write_list(arguments.out, [each for some in made for each in some])


if __name__ == "__main__":
    main()
