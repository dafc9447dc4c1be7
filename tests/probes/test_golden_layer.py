"""The layer that only probes have: their recordings, and the public client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bonafide.probes.golden import GoldenSetup
from layers.golden import build

ROOT = Path(__file__).parents[2]
LAYER = ROOT / build.OUT
CLIENT = ROOT / "client" / "bonafide_client"


def test_the_layer_is_up_to_date() -> None:
    assert (LAYER / build.RECORDINGS / "source.sha256").read_text() == build.digest(), "run `make golden`"


def test_it_holds_every_recording_that_golden_calls_are_made_of() -> None:
    recordings = {path.stem: path.read_bytes() for path in (LAYER / build.RECORDINGS).glob("*.wav")}
    assert set(recordings) == {"enrollment", "genuine", "impostor", "silence"}
    assert all(GoldenSetup("probe", recordings, {}).audio(name)["content"] for name in recordings)


@pytest.mark.parametrize("path", sorted(CLIENT.glob("*.py")), ids=lambda path: path.name)
def test_it_holds_the_client_as_it_is(path: Path) -> None:
    assert (LAYER / "python" / "bonafide_client" / path.name).read_bytes() == path.read_bytes()


def test_the_client_is_imported_from_it_without_what_streaming_flac_needs() -> None:
    program = "import bonafide_client, sys; print(bonafide_client.__file__, 'miniaudio' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(LAYER / "python")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(LAYER / "python" / "bonafide_client" / "__init__.py"), "False"]
