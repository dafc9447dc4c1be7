"""Real speech for the tests: readings that come inside a package."""

import tarfile
from functools import cache

import numpy as np

from bonafide.audio.decode import decode
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Waveform
from layers.packages import TORTOISE, fetch

FOLDER = "tortoise-tts-3.0.0/tortoise/voices"


@cache
def _files() -> dict[str, bytes]:
    """Every file of the voices: to find one, all before it have to be unpacked."""
    with tarfile.open(fetch(TORTOISE)) as archive:
        found = [each for each in archive if each.name.startswith(FOLDER) and each.isfile()]
        return {each.name: archive.extractfile(each).read() for each in found}  # type: ignore[union-attr]


@cache
def reading(reader: str = "train_grace", number: int = 1) -> Waveform:
    """Six to ten seconds of read speech at 16 kHz."""
    return decode(_files()[f"{FOLDER}/{reader}/{number}.wav"])


@cache
def call(reader: str = "train_grace", number: int = 1) -> Waveform:
    """The same over a digital telephone line, at 8 kHz."""
    return to_narrowband(reading(reader, number))


def lasting(waveform: Waveform, seconds: float) -> Waveform:
    """As long as is asked: cut, or repeated."""
    return Waveform(np.resize(waveform.samples, round(seconds * waveform.rate)), waveform.rate)
