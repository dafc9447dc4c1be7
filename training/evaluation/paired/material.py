"""Recordings to evaluate candidates on: folders with a `manifest.csv`, as in training/README.md."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from training.corpus.manifest import Clip, ManifestError, digest, read_manifest

MANIFEST = "manifest.csv"
LABELS = ("", "bonafide", "spoof")


def read_material(folder: Path, most: int | None = None) -> tuple[list[Clip], Mapping[str, str]]:
    """Reads the manifest of a folder, or those of the folders in it; returns recordings, and digests by manifest.

    Args:
        folder: with recordings; or a manifest, of recordings beside it.
        most: largest count of bona fide recordings, of whole speakers, and of spoofed ones; None takes all.

    Raises:
        ManifestError: there is no manifest, or it cannot be used.
    """
    folder, own = (folder.parent, folder) if folder.is_file() else (folder, folder / MANIFEST)
    manifests = [own] if own.exists() else sorted(folder.glob(f"*/{MANIFEST}"))
    if not manifests:
        raise ManifestError(f"{folder}: holds no {MANIFEST}, and no folder with one")
    clips = [clip for manifest in manifests for clip in _labeled(manifest)]
    return _at_most(clips, most), {str(each.relative_to(folder)): digest(each) for each in manifests}


def _labeled(manifest: Path) -> list[Clip]:
    clips = read_manifest(manifest, ["path"])
    for clip in clips:
        if (label := clip.row.get("label") or "") not in LABELS:
            raise ManifestError(f"{manifest}: line {clip.line} has the label {label!r}, not bonafide or spoof")
    return clips


def _at_most(clips: Sequence[Clip], most: int | None) -> list[Clip]:
    """Takes people and systems in an order that has nothing to do with them, until there are enough recordings."""
    if most is None:
        return list(clips)
    spoofs = [clip for clip in clips if clip.row.get("label") == "spoof"]
    people = [clip for clip in clips if clip.row.get("label") != "spoof"]
    by_person = _grouped(people, lambda clip: clip.speaker or str(clip.path))
    chosen: list[Clip] = []
    for group in by_person:
        chosen += group if len(chosen) < most else []
    by_system = _grouped(spoofs, lambda clip: clip.row.get("system") or "")
    turns = [clip for turn in range(max(map(len, by_system), default=0)) for clip in _nth(by_system, turn)]
    return chosen + turns[:most]


def _grouped(clips: Sequence[Clip], key: Callable[[Clip], str]) -> list[list[Clip]]:
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[key(clip)].append(clip)
    return [groups[name] for name in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest())]


def _nth(groups: Sequence[Sequence[Clip]], turn: int) -> list[Clip]:
    return [group[turn] for group in groups if turn < len(group)]
