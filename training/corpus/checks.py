"""The manifest of the detector's corpus, and the checks that stop the pipeline before the detector learns a leak.

A row is a file: `path,label,family,system,speaker,group,split,use,licence,source,sha256,rate,seconds`, paths relative
to the manifest. Every check names the rows that it refuses.
"""

import csv
import hashlib
import wave
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.corpus.files import BONAFIDE, SPOOF, CorpusFile
from training.corpus.manifest import ManifestError, read_table

COLUMNS = (
    *("path", "label", "family", "system", "speaker", "group", "split", "use", "licence", "source"),
    *("sha256", "rate", "seconds"),
)
SPLITS = ("train", "validation", "test")
# A trait that ranks one class above the other this often gives the label away.
TELLING = 0.95
# The same leading silence to the millisecond in this share of one class is the work of a program.
CONSTANT = 0.5
SHORTEST_SECONDS = 0.5
MOST_NAMED = 5


class DataError(Exception):
    """The corpus must not be trained on; the message names each defect and its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRow(CorpusFile):
    """A file of the corpus with its side of the split.

    Attributes:
        split: `train`, `validation` or `test`.
        sha256: of the file.
    """

    split: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FileTraits:
    """Traits of a file that have nothing to do with how its voice was made, and must not give its class away.

    Attributes:
        digest: of the samples, so that a copy under another header is found.
        leading_ms: before anything is louder than 1 % of the peak.
        trailing_ms: after.
        offset: mean over peak.
        level_db: RMS.
    """

    digest: str
    leading_ms: int
    trailing_ms: int
    offset: float
    level_db: float


Check = Callable[[Sequence[CorpusRow]], Iterator[str]]


def write(path: Path, rows: Sequence[CorpusRow]) -> None:
    """Writes a manifest, sorted, so that the same material has the same digest."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: row.path))


def read(path: Path) -> list[CorpusRow]:
    """Reads a manifest.

    Raises:
        DataError: a column is missing or holds no number where one belongs.
    """
    try:
        return [_row(record) for _, record in read_table(path, COLUMNS)]
    except (ManifestError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a manifest of this pipeline ({error!r})") from error


def check(folder: Path, rows: Sequence[CorpusRow]) -> None:
    """Reads every file and applies every check.

    Args:
        folder: that paths are relative to.
        rows: of the manifest.

    Raises:
        DataError: there are defects; all of them are named.
    """
    defects = [defect for each in CHECKS for defect in each(rows)]
    traits: dict[str, FileTraits] = {}
    for row in rows:
        try:
            traits[row.path] = read_traits(folder, row)
        except DataError as error:
            defects.append(str(error))
    defects += _repeated(rows, traits) + _revealing_traits(rows, traits)
    if defects:
        raise DataError("\n".join(defects))


def read_traits(folder: Path, row: CorpusRow) -> FileTraits:
    """Reads one file.

    Raises:
        DataError: it is missing, changed, truncated, silent, or not what its row says.
    """
    file = folder / row.path
    if not file.is_file():
        raise DataError(f"{row.path}: is missing")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise DataError(f"{row.path}: is not the file that was listed (changed or truncated)")
    samples = _samples(file, row)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return FileTraits(
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
        leading_ms=round(int(loud[0]) * 1000 / row.rate),
        trailing_ms=round(int(len(samples) - 1 - loud[-1]) * 1000 / row.rate),
        offset=float(samples.mean() / np.abs(samples).max()),
        level_db=float(20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768)),
    )


def unbalanced(labels: Sequence[str], channels: Sequence[str], tolerance: float = 0.15) -> list[str]:
    """Returns the channels whose share of bona fide crops is further from the whole's than `tolerance`."""
    flags = np.array([label == BONAFIDE for label in labels], np.float64)
    names = np.array(channels)
    shares = {name: float(flags[names == name].mean()) for name in sorted(set(channels))}
    return [
        f"channel {name}: {share:.0%} bona fide, {flags.mean():.0%} over all channels"
        for name, share in shares.items()
        if abs(share - flags.mean()) > tolerance
    ]


def _row(record: Mapping[str, str]) -> CorpusRow:
    numbers = {"rate": int(record["rate"]), "seconds": float(record["seconds"])}
    return CorpusRow(**{name: record[name] for name in COLUMNS} | numbers)  # type: ignore[arg-type]


def _samples(file: Path, row: CorpusRow) -> NDArray[np.float64]:
    try:
        with wave.open(str(file), "rb") as source:
            promised, rate, frames = source.getnframes(), source.getframerate(), source.readframes(source.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{row.path}: cannot be read ({error})") from error
    samples = np.frombuffer(frames, "<i2").astype(np.float64)
    if len(samples) != promised or abs(len(samples) / rate - row.seconds) > 0.01:
        raise DataError(f"{row.path}: holds {len(samples) / rate:.2f} s, but {row.seconds:.2f} s are listed: truncated")
    if rate != row.rate or len(samples) < SHORTEST_SECONDS * rate or not samples.any():
        raise DataError(f"{row.path}: is silent, too short, or not at {row.rate} Hz")
    return samples


def _permitted(rows: Sequence[CorpusRow]) -> Iterator[str]:
    yield from (f"{row.path}: {row.source} is for measuring only" for row in rows if row.use != "train")
    yield from (f"{row.path}: has no licence" for row in rows if not row.licence)


def _labeled(rows: Sequence[CorpusRow]) -> Iterator[str]:
    for row in rows:
        if row.label not in {BONAFIDE, SPOOF} or row.split not in SPLITS:
            yield f"{row.path}: label {row.label!r}, split {row.split!r}"
        elif (row.label == SPOOF) != bool(row.family and row.system):
            yield f"{row.path}: is labeled {row.label}, but its attack is {row.family or 'none'}"


def _split_leaks(rows: Sequence[CorpusRow]) -> Iterator[str]:
    """Yields speakers and families of attacks that are on more than one side of the split."""
    for kind in ("speaker", "family"):
        sides: dict[str, dict[str, str]] = defaultdict(dict)
        for row in rows:
            if getattr(row, kind):
                sides[getattr(row, kind)].setdefault(row.split, row.path)
        for name, places in sides.items():
            if len(places) > 1:
                where = ", ".join(f"{split} ({path})" for split, path in sorted(places.items()))
                yield f"{kind} {name} is on more than one side: {where}"


def _repeated(rows: Sequence[CorpusRow], traits: dict[str, FileTraits]) -> list[str]:
    first: dict[str, str] = {}
    repeated = []
    for row in rows:
        if row.path in traits:
            original = first.setdefault(traits[row.path].digest, row.path)
            if original != row.path:
                repeated.append(f"{row.path}: holds the samples of {original}")
    return repeated


def _revealing_traits(rows: Sequence[CorpusRow], traits: dict[str, FileTraits]) -> list[str]:
    """Returns the traits that give the label away, by rank or by being the same throughout one class."""
    classes = {name: [row for row in rows if row.label == name and row.path in traits] for name in (BONAFIDE, SPOOF)}
    if not all(classes.values()):
        return []
    defects = []
    for trait in ("leading_ms", "trailing_ms", "offset", "level_db"):
        values = {name: np.array([getattr(traits[row.path], trait) for row in each]) for name, each in classes.items()}
        defects += _ranked(trait, values, classes) + _constant(trait, values, classes)
    return defects


def _ranked(trait: str, values: dict[str, NDArray[np.float64]], classes: dict[str, list[CorpusRow]]) -> list[str]:
    human, made = values[BONAFIDE][:, None], values[SPOOF][None]
    above = float(np.mean(human > made) + np.mean(human == made) / 2)
    if 1 - TELLING < above < TELLING or min(human.size, made.size) < 20:
        return []
    rows = _named(sorted(classes[SPOOF], key=lambda row: row.path))
    return [f"{trait} alone tells the classes apart ({max(above, 1 - above):.0%}): {rows}"]


def _constant(trait: str, values: dict[str, NDArray[np.float64]], classes: dict[str, list[CorpusRow]]) -> list[str]:
    if not trait.endswith("_ms"):
        return []
    defects = []
    for name, other in ((BONAFIDE, SPOOF), (SPOOF, BONAFIDE)):
        common, counts = np.unique(values[name][values[name] > 10], return_counts=True)
        for value in common[counts > max(CONSTANT * len(values[name]), 2)]:
            if np.mean(values[other] == value) < CONSTANT / 2:
                rows = [row for row, own in zip(classes[name], values[name], strict=True) if own == value]
                defects.append(f"{trait} is {value:g} in most of {name}: {_named(rows)}")
    return defects


def _named(rows: Sequence[CorpusRow]) -> str:
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return ", ".join(row.path for row in rows[:MOST_NAMED]) + more


CHECKS: tuple[Check, ...] = (_permitted, _labeled, _split_leaks)
