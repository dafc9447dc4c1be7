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

    def all(self, part: "GraphPart", paths: Sequence[Path]) -> list[Any]:
        """Returns what graphs give for recordings, in order."""
        self.fill([part], paths)
        return [self.known[part.graphs][digest(path)] for path in paths]

    def fill(self, parts: Sequence["GraphPart"], paths: Sequence[Path]) -> None:
        """Extracts what is not known yet, all at once, so that processes are started once."""
        names, missing = [digest(path) for path in paths], dict[tuple[str, str], Callable[[], Any]]()
        for part in parts:
            known = self.known.setdefault(part.graphs, self._kept(part.graphs))
            missing |= {
                (part.graphs, name): partial(part.extraction, part.bundle, path)
                for name, path in zip(names, paths, strict=True)
                if name not in known
            }
        for (graphs, name), found in zip(missing, self._extract(list(missing.values())), strict=True):
            self.known[graphs][name] = found
        for graphs in {graphs for graphs, _ in missing} if self.folder else ():
            self._keep(graphs)

    def _keep(self, graphs: str) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{graphs}.pickle").write_bytes(pickle.dumps(self.known[graphs]))

    def _kept(self, graphs: str) -> dict[str, Any]:
        path = self.folder / f"{graphs}.pickle" if self.folder else None
        # The file is this command's own, in a folder of the build.
        return pickle.loads(path.read_bytes()) if path and path.exists() else {}  # noqa: S301

    def _extract(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        if self.processes > 1 and len(calls) > 1:
            return in_parallel("extracting evidence", _called, calls, self.processes)
        return [each() for each in progress("extracting evidence", calls, len(calls))]


def _called(call: Callable[[], Any]) -> Any:
    return call()


@dataclass(frozen=True, slots=True)
class GraphPart:
    """Graphs of a bundle that answer together.

    Attributes:
        graphs: digest of them.
        extraction: runs them on a recording.
        bundle: folder of the bundle.
    """

    graphs: str
    extraction: Extraction
    bundle: Path

    @classmethod
    def both(cls, bundle: Path, files: Mapping[str, Any]) -> list["GraphPart"]:
        """Returns those of embeddings, and those of liveness; `files` is the bundle's manifest."""
        return [cls(_key(files, EMBEDDING), voice, bundle), cls(_key(files, LIVENESS), live, bundle)]


def extract(bundles: Sequence[Path], paths: Sequence[Path], kept: ObservationCache) -> None:
    """Extracts evidence by some bundles, for `observe` to find."""
    kept.fill([part for each in bundles for part in GraphPart.both(each, _manifest(each))], paths)


def _manifest(bundle: Path) -> Mapping[str, Any]:
    written: Mapping[str, Any] = json.loads((bundle / MANIFEST).read_bytes())
    return written


def observe(bundle: Path, paths: Sequence[Path], kept: ObservationCache) -> list[RecordingEvidence]:
    """Extracts evidence with embeddings and liveness from recordings on both lines."""
    files = _manifest(bundle)
    voiced, lively = GraphPart.both(bundle, files)
    voices, llrs = kept.all(voiced, paths), kept.all(lively, paths)
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


# Of two bundles, once without and once with the detector.
@lru_cache(maxsize=4)
def _opened(bundle: Path, manifest: str, *, detector: bool) -> Bundle:
    return Bundle.load(bundle, manifest, liveness=detector)
