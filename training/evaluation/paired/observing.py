"""Evidence of recordings by two bundles: whatever both have in common is extracted once.

An embedding depends on the speech detector and the speaker network alone, a liveness LLR on the speech detector and the
detector of synthetic speech. A cache keeps both by the digests of those graphs and of the recordings.
"""

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from bonafide.adapters.onnx import Bundle
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel
from bonafide.errors import InvalidInput
from training.corpus.manifest import digest
from training.corpus.telephone import telephone
from training.evaluation.evidence import LineKind, RecordingEvidence, read, scorable
from training.evaluation.spoof import liveness
from training.parallel import in_parallel, progress

MANIFEST = "manifest.json"
EMBEDDING = ("vad.onnx", "speaker.onnx")
LIVENESS = ("vad.onnx", "spoof.onnx")

type Liveness = Mapping[LineKind, float]
type Extraction = Callable[[Path, Path], Any]


@dataclass(frozen=True, slots=True)
class ObservationCache:
    """Answers of graphs to recordings, kept from one bundle to the next.

    Attributes:
        folder: where it is kept for later runs, too; None keeps it for this one.
        processes: that extract at the same time; one extracts in this process.
        known: by graphs and recording.
    """

    folder: Path | None = None
    processes: int = 2
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def all(self, graphs: str, extraction: Extraction, bundle: Path, paths: Sequence[Path]) -> list[Any]:
        """Returns what graphs give for recordings, in order; `graphs` is the digest of them and of what is done."""
        known = self.known.setdefault(graphs, self._kept(graphs))
        names = [digest(path) for path in paths]
        missing = {name: path for name, path in zip(names, paths, strict=True) if name not in known}
        known |= dict(zip(missing, self._extract(partial(extraction, bundle), list(missing.values())), strict=True))
        if self.folder and missing:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{graphs}.pickle").write_bytes(pickle.dumps(known))
        return [known[name] for name in names]

    def _kept(self, graphs: str) -> dict[str, Any]:
        path = self.folder / f"{graphs}.pickle" if self.folder else None
        # The file is this command's own, in a folder of the build.
        return pickle.loads(path.read_bytes()) if path and path.exists() else {}  # noqa: S301

    def _extract(self, extraction: Callable[[Path], Any], paths: list[Path]) -> list[Any]:
        if self.processes > 1 and len(paths) > 1:
            return in_parallel("extracting evidence", extraction, paths, self.processes)
        return [extraction(path) for path in progress("extracting evidence", paths, len(paths))]


def observe(bundle: Path, paths: Sequence[Path], kept: ObservationCache) -> list[RecordingEvidence]:
    """Extracts evidence with embeddings and liveness from recordings on both lines."""
    files = json.loads((bundle / MANIFEST).read_bytes())
    voices = kept.all(_key(files, EMBEDDING), voice, bundle, paths)
    llrs: list[Liveness] = kept.all(_key(files, LIVENESS), live, bundle, paths)
    space = files["embedding_space"]
    return [_joined(each, found, space) for each, found in zip(voices, llrs, strict=True)]


def voice(bundle: Path, path: Path) -> RecordingEvidence:
    """Extracts embeddings from one recording on each line."""
    try:
        waveform, changes = read(path)
    except InvalidInput as error:
        return RecordingEvidence({}, {}, refused=error.code)
    models, evidence = _load(bundle, detector=False), {}
    for line in LineKind:
        sent = on_line(waveform, line)
        evidence[line] = scorable(models, sent, models.observe(sent, [Channel.NARROWBAND]))
    plain = {line: each.embeddings[Channel.NARROWBAND] for line, each in evidence.items()}
    return RecordingEvidence(evidence, plain, changes=changes)


def live(bundle: Path, path: Path) -> Liveness:
    """Scores one recording on each line; empty when it was refused."""
    try:
        waveform, _ = read(path)
    except InvalidInput:
        return {}
    return {line: liveness(_load(bundle, detector=True), on_line(waveform, line)) for line in LineKind}


def on_line(waveform: Waveform, line: LineKind) -> Waveform:
    """Sends a recording over a line."""
    return telephone(waveform) if line is LineKind.TELEPHONE else waveform


def _joined(found: RecordingEvidence, llrs: Liveness, space: str) -> RecordingEvidence:
    """Equal graphs may go by the name of another space, as the manifest says."""
    evidence = found.evidence.items()
    return replace(
        found, evidence={line: replace(each, liveness=llrs[line], embedding_space=space) for line, each in evidence}
    )


def _key(files: Mapping[str, Any], names: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(files["files"][name] for name in names).encode()).hexdigest()


def _load(bundle: Path, *, detector: bool) -> Bundle:
    return _opened(bundle, digest(bundle / MANIFEST), detector=detector)


@lru_cache(maxsize=2)
def _opened(bundle: Path, manifest: str, *, detector: bool) -> Bundle:
    return Bundle.load(bundle, manifest, liveness=detector)
