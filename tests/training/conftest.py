"""A bundle, and manifests of readings that come inside a package."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.waveform import Waveform
from tests.audio.wav_writer import wav
from tests.readings import lasting, reading
from training.calibration.calibrate import BUNDLE, ROOT

# Enough to tell the readers apart, and half of a reading.
SECONDS = 4.0
READERS = ("train_grace", "train_atkins", "train_dotrice")


def as_wav(waveform: Waveform) -> bytes:
    return wav(np.rint(waveform.samples * 32767).astype(np.int16), waveform.rate)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle that is deployed."""
    return shutil.copytree(ROOT / BUNDLE, tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Two recordings of each of three readers."""
    rows = [{"path": f"{reader}_{number}.wav", "speaker": reader} for reader in READERS for number in (1, 2)]
    for row in rows:
        number = int(row["path"][-5])
        (tmp_path / row["path"]).write_bytes(as_wav(lasting(reading(row["speaker"], number), SECONDS)))
    extra = {"session": "", "source": "readings", "licence": "Apache-2.0", "use": "train"}
    return write_manifest(tmp_path / "manifest.csv", [row | extra for row in rows])


def write_manifest(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
