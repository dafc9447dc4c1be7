"""Former networks of a bundle: those of an earlier bundle, which it serves beside its own.

Voiceprints outlive networks. While there are voiceprints of an earlier embedding space, a bundle lists under `former`
what embeds and calibrates in that space, the newest first.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SPEAKER = "speaker.onnx"
CALIBRATION = "calibration.json"


def keep_former(earlier: Path, out: Path) -> Sequence[Mapping[str, Any]]:
    """Copies the networks and calibrations of an earlier bundle; returns the list `former` of the new manifest.

    Args:
        earlier: folder of the earlier bundle, whose own former networks come after its own.
        out: folder of the new bundle.
    """
    manifest = json.loads((earlier / MANIFEST).read_bytes())
    own = {"embedding_space": manifest["embedding_space"], "dimension": manifest["dimension"]}
    listed = [{**own, "speaker": SPEAKER, "calibration": CALIBRATION}, *manifest.get("former", [])]
    return [_copied(each, earlier, out) for each in listed]


def _copied(entry: Mapping[str, Any], earlier: Path, out: Path) -> Mapping[str, Any]:
    space = entry["embedding_space"]
    names = {"speaker": f"speaker-{space}.onnx", "calibration": f"calibration-{space}.json"}
    for kind, name in names.items():
        shutil.copyfile(earlier / entry[kind], out / name)
    return {**entry, **names}
