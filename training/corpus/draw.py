"""Which channels each file of the corpus goes through: drawn by its name, alike for both classes."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.corpus.files import NARROW, WIDE
from training.corpus.rows import CorpusRow


@dataclass(frozen=True, slots=True)
class TransmissionChannel:
    """One of the kinds of channel that are drawn.

    Attributes:
        name: in manifests.
        rate: of the band, 8000 or 16000.
        conditioned: whether it adds one of the named conditions of lines, devices and places.
    """

    name: str
    rate: int
    conditioned: bool


CHANNELS = (
    TransmissionChannel("wide", WIDE, conditioned=False),
    TransmissionChannel("wide-condition", WIDE, conditioned=True),
    TransmissionChannel("telephone", NARROW, conditioned=False),
    TransmissionChannel("telephone-condition", NARROW, conditioned=True),
)
TELEPHONE = [channel.name for channel in CHANNELS if channel.rate == NARROW]


def channels_of(row: CorpusRow, conf: Mapping[str, Any]) -> list[TransmissionChannel]:
    """Returns the channels of a file, one for each crop; narrowband recordings only go through narrowband channels.

    Args:
        row: the file.
        conf: the part `crops` of the configuration.
    """
    channels = [channel for channel in CHANNELS if row.rate != NARROW or channel.rate == NARROW]
    if (most := conf["channels"][row.label]) < len(channels):
        generator = np.random.default_rng(zlib.crc32(row.path.encode()))
        channels = [channels[index] for index in sorted(generator.choice(len(channels), most, replace=False))]
    return [channel for channel in channels for _ in range(conf["per_channel"][row.label])]
