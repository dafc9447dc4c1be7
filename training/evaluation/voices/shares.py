"""Measures how exactly the dominant voice's share is told of recordings of two voices, and what enrollment refuses.

    python -m training.evaluation.voices.shares --manifest path.csv [--condition native|telephone] [--number 40]

Recordings of 12 to 30 s are put together at random (with a seed) from recordings of single speakers, of the same sex
where the manifest's column `sex` tells it: one after the other, or in turns of 2 s or more. The true share is that of
the speech that the speech detector finds in the whole, by whose part of the recording it lies in.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.enrollment import MINIMUM_DOMINANT_SHARE, require_one_voice
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.presentation.dominance import with_dominant_share
from bonafide.errors import UnsupportedAudio
from training.corpus.manifest import ManifestError, read_manifest
from training.corpus.telephone import telephone
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import LineKind, read
from training.evaluation.voices.casting import Casting
from training.evaluation.voices.material import SHORTEST_TURN_SECONDS, Cut, Voice, divided, load, samples_of
from training.parallel import in_parallel

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SHORTEST, LONGEST = 12.0, 30.0
# A share is right within so much.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Mixture:
    """A recording of one voice or two.

    Attributes:
        cuts: its parts in order, each with the number of its speaker, 0 or 1.
        meant: share of the first speaker's seconds.
        in_turns: whether the two take turns, instead of speaking one after the other.
    """

    cuts: Sequence[tuple[Cut, int]]
    meant: float
    in_turns: bool


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """The dominant voice's share of a recording.

    Attributes:
        true: by whose part the speech lies in.
        told: by the product.
        refused: whether enrollment refuses the recording.
    """

    true: float
    told: float
    refused: bool


def mix(first: Voice, second: Voice, meant: float, in_turns: bool, chance: random.Random) -> Mixture:
    """Puts a recording together; shorter than meant if there is too little of the two."""
    total = chance.uniform(SHORTEST, LONGEST)
    own, other = total * meant, total * (1 - meant)
    if not other:
        return Mixture([(cut, 0) for cut in first.take(own)], meant, in_turns)
    number = chance.randint(1, max(1, int(min(own, other) // SHORTEST_TURN_SECONDS))) if in_turns else 1
    turns = zip(_turns(own, number, chance), _turns(other, number, chance), strict=True)
    pairs = [pair for mine, theirs in turns for pair in ((0, first, mine), (1, second, theirs))]
    if chance.random() < 0.5:
        pairs.reverse()
    return Mixture([(cut, who) for who, voice, seconds in pairs for cut in voice.take(seconds)], meant, in_turns)


def _turns(total: float, number: int, chance: random.Random) -> Sequence[float]:
    return divided(total, number, chance) if number > 1 else [total]


def measure(bundle: Path, line: LineKind, mixture: Mixture) -> MeasuredShare | None:
    """Tells the share of a recording as enrollment does, and the true one; None where there is hardly any speech."""
    parts = [samples_of(cut) for cut, _ in mixture.cuts]
    waveform = Waveform(np.concatenate(parts), read(mixture.cuts[0][0].path)[0].rate)
    sent = telephone(waveform) if line is LineKind.TELEPHONE else waveform
    models = load(bundle)
    speech = models.find_speech(sent)
    evidence = models.evidence(speech, [Channel.NARROWBAND])
    if evidence.parts is None:
        return None
    evidence = with_dominant_share(evidence, [evidence], evidence.channel)
    who = np.concatenate([np.full(len(part), number) for part, (_, number) in zip(parts, mixture.cuts, strict=True)])
    spoken = who[np.flatnonzero(speech.spoken) * len(who) // len(speech.spoken)]
    first = float(np.mean(spoken == 0))
    return MeasuredShare(max(first, 1 - first), evidence.quality.dominant_share or 0.0, _is_refused(evidence))


def _is_refused(evidence: Evidence) -> bool:
    try:
        require_one_voice(evidence)
    except UnsupportedAudio:
        return True
    return False


def mixtures(casting: Casting, number: int) -> Iterator[Mixture]:
    """Yields so many recordings of each share and order."""
    for meant in SHARES:
        for in_turns in (False, True):
            for _ in range(number):
                first, second = (casting.voice(name) for name in casting.pair())
                made = mix(first, second, meant, in_turns, casting.chance)
                if sum(cut.seconds for cut, _ in made.cuts) >= SHORTEST / 2:
                    yield made


def lines(made: Sequence[Mixture], found: Sequence[MeasuredShare | None]) -> Iterator[str]:
    """Yields a table: by what was meant, and in sum, how far the share is off, and what enrollment refuses."""
    yield f"enrollment refuses below {MINIMUM_DOMINANT_SHARE}"
    yield f"{'share':>6} {'number':>7} {'mean error':>11} {'within 0.1':>11} {'refused':>8}"
    pairs = [(mixture, share) for mixture, share in zip(made, found, strict=True) if share]
    for in_turns in (False, True):
        yield "in turns" if in_turns else "one after the other"
        for meant in SHARES:
            some = [share for mixture, share in pairs if (mixture.meant, mixture.in_turns) == (meant, in_turns)]
            if some:
                yield _line(f"{meant:.1f}", some)
    yield _line("all", [share for _, share in pairs])


def _line(label: str, some: Sequence[MeasuredShare]) -> str:
    off = np.abs([share.told - share.true for share in some])
    refused = np.mean([share.refused for share in some])
    return f"{label:>6} {len(some):>7} {off.mean():>11.3f} {np.mean(off <= TOLERANCE):>11.3f} {refused:>8.3f}"


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure how exactly the dominant voice's share is told.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--condition", choices=list(LineKind), type=LineKind, default=LineKind.NATIVE)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--number", type=int, default=40, help="of recordings of each share and order")
    arguments = parser.parse_args()
    try:
        casting = Casting(read_manifest(arguments.manifest))
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    made = list(mixtures(casting, arguments.number))
    found = in_parallel("recordings", partial(measure, arguments.bundle, arguments.condition), made)
    sys.stdout.write("\n".join([*lines(made, found), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
