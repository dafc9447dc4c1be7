"""Copies of recordings, as somebody who plays one again may send them."""

from collections.abc import Callable, Mapping

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.telephone import through_line
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.codecs import through_codec
from training.corpus.effects import colored, reverberant
from training.corpus.files import WIDE
from training.corpus.filters import noise, rms

RATE = 8000
NOISE_DB = 5.0

type Copy = Callable[[Samples, np.random.Generator], Samples]


def coded(codec: str, container: str, bits: int) -> Copy:
    """Makes copies through a codec."""
    return lambda samples, _: through_codec(samples, RATE, codec, container, bits)


def loud_noise(samples: Samples, generator: np.random.Generator, slope: float) -> Samples:
    """Adds noise NOISE_DB below the recording; slope 0 is white, 1 pink."""
    hiss = noise(len(samples), RATE, slope, generator)
    return np.asarray(samples + hiss * rms(samples) / rms(hiss) * 10 ** (-NOISE_DB / 20), np.float32)


def another_channel(samples: Samples, generator: np.random.Generator) -> Samples:
    """Plays a recording into a room, where another handset takes it up."""
    wide = resample(samples, RATE, WIDE)
    return resample(reverberant(colored(wide, generator), generator), WIDE, RATE)


# Of samples at 8 kHz, which every line keeps.
COPIES: Mapping[str, Copy] = {
    "as it is": lambda samples, _: samples,
    "20 dB lower": lambda samples, _: samples * np.float32(0.1),
    "G.711": lambda samples, _: through_line(samples).samples,
    "AMR-NB 12.2": coded("libopencore_amrnb", "amr", 12200),
    "AMR-NB 4.75": coded("libopencore_amrnb", "amr", 4750),
    "MP3 16 kbit/s": coded("libmp3lame", "mp3", 16000),
    "Opus 6 kbit/s": coded("libopus", "ogg", 6000),
    "another channel": another_channel,
    "white noise 5 dB": lambda samples, generator: loud_noise(samples, generator, 0.0),
    "pink noise 5 dB": lambda samples, generator: loud_noise(samples, generator, 1.0),
    "noise, then AMR-NB 4.75": lambda samples, generator: through_codec(
        loud_noise(samples, generator, 0.0), RATE, "libopencore_amrnb", "amr", 4750
    ),
}


def narrow(waveform: Waveform) -> Samples:
    """Brings a recording to 8 kHz, shape (n,)."""
    return resample(waveform.samples, waveform.rate, RATE)
