"""What lies between a voice and the detector: bands, codecs, rooms, noise and loss, drawn alike for either class.

A detector learns whatever tells its two classes apart, so that a channel that only one of them went through would be
the easiest thing to learn. Nothing here knows the label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, firwin2, lfilter, resample_poly

Samples = NDArray[np.float32]
WIDE, NARROW = 16000, 8000
# Codec, its container, and the bit rates that are drawn from.
WIDE_CODECS = (
    ("libopus", "ogg", (8000, 12000, 16000, 24000)),
    ("libmp3lame", "mp3", (24000, 32000, 48000, 64000)),
    ("aac", "adts", (24000, 32000, 48000)),
    ("g722", "wav", (64000,)),
)
NARROW_CODECS = (
    ("libopencore_amrnb", "amr", (4750, 5900, 7400, 12200)),
    ("libopus", "ogg", (6000, 8000, 12000)),
    ("g726", "wav", (32000,)),
    ("libmp3lame", "mp3", (16000, 24000)),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One of the kinds of channel that are drawn.

    Attributes:
        name: in manifests.
        rate: of the band, 8000 or 16000; what leaves is at 16 kHz whatever the band.
        coded: whether a lossy codec is part of it.
    """

    name: str
    rate: int
    coded: bool


CHANNELS = (
    Channel("wide", WIDE, coded=False),
    Channel("wide-codec", WIDE, coded=True),
    Channel("telephone", NARROW, coded=False),
    Channel("telephone-codec", NARROW, coded=True),
)
TELEPHONE = [channel.name for channel in CHANNELS if channel.rate == NARROW]


def send(samples: Samples, channel: Channel, generator: np.random.Generator) -> Samples:
    """Sends speech at 16 kHz through a channel; as many samples leave, at 16 kHz.

    Args:
        samples: shape (n,), 16 kHz.
        channel: its kind; all else is drawn.
        generator: source of all chance.
    """
    length = len(samples)
    for effect, chance in ((room, 0.2), (_resampled, 0.3), (coloured, 0.6), (nonlinear, 0.15), (_noisy, 0.5)):
        if generator.random() < chance:
            samples = effect(samples, generator)
    samples = _levelled(samples, generator)
    samples = (
        _telephone(samples, channel, generator) if channel.rate == NARROW else _wideband(samples, channel, generator)
    )
    return _fit(samples, length)


def through_codec(samples: Samples, rate: int, codec: str, container: str, bits: int) -> Samples:
    """Encodes and decodes speech; its delay is taken out as far as the container tells it."""
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    file = BytesIO()
    with av.open(file, "w", format=container) as sink:
        stream = sink.add_stream(codec, rate=_codec_rate(codec, rate))
        stream.bit_rate, stream.layout = bits, "mono"
        _encode(pcm, rate, sink, stream)
    return _decoded(file, rate)


def mulaw(samples: Samples, law: float = 255.0) -> Samples:
    """Continuous mu-law companding with 8 bits, shape (n,)."""
    squeezed = np.sign(samples) * np.log1p(law * np.abs(np.clip(samples, -1, 1))) / np.log1p(law)
    coarse = np.rint(squeezed * 127.5 - 0.5) / 127.5 + 0.5 / 127.5
    return np.asarray(np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(law)) / law, np.float32)


def alaw(samples: Samples, law: float = 87.6) -> Samples:
    """Continuous A-law companding with 8 bits, shape (n,)."""
    size = np.abs(np.clip(samples, -1, 1))
    scale = 1 + np.log(law)
    squeezed = np.where(size < 1 / law, law * size, 1 + np.log(np.maximum(law * size, 1e-12))) / scale
    coarse = (np.floor(squeezed * 128) + 0.5) / 128
    opened = np.where(coarse < 1 / scale, coarse * scale / law, np.exp(coarse * scale - 1) / law)
    return np.asarray(np.sign(samples) * opened, np.float32)


def _encode(pcm: NDArray[np.int16], rate: int, sink: av.container.OutputContainer, stream: av.AudioStream) -> None:
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(stream.format, "mono", stream.rate, stream.codec_context.frame_size or 320)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        sink.mux(stream.encode(part))
    sink.mux(stream.encode(None))


def _decoded(file: BytesIO, rate: int) -> Samples:
    file.seek(0)
    with av.open(file) as source:
        resampler = av.AudioResampler("s16", "mono", rate)
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / np.float32(32768)


def _codec_rate(codec: str, rate: int) -> int:
    return 48000 if codec == "libopus" else rate


def _wideband(samples: Samples, channel: Channel, generator: np.random.Generator) -> Samples:
    if generator.random() < 0.5:
        samples = _low_passed(samples, generator.uniform(5200, 7900), WIDE)
    if channel.coded:
        return _drawn_codec(samples, WIDE, WIDE_CODECS, generator)
    return np.asarray(np.rint(samples * 32768) / 32768, np.float32)


def _telephone(samples: Samples, channel: Channel, generator: np.random.Generator) -> Samples:
    narrow = np.asarray(resample_poly(samples, 1, 2), np.float32)
    low, high = generator.uniform(20, 300), generator.uniform(3100, 3950)
    narrow = _band(narrow, low, high, generator.uniform(1, 2.5))
    if channel.coded:
        narrow = _drawn_codec(narrow, NARROW, NARROW_CODECS, generator)
    narrow = (mulaw if generator.random() < 0.6 else alaw)(narrow)
    if generator.random() < 0.25:
        narrow = _lossy(narrow, generator)
    return np.asarray(resample_poly(narrow, 2, 1), np.float32)


def _drawn_codec(
    samples: Samples, rate: int, codecs: tuple[tuple[str, str, tuple[int, ...]], ...], generator: np.random.Generator
) -> Samples:
    codec, container, rates = codecs[generator.integers(len(codecs))]
    return through_codec(samples, rate, codec, container, int(generator.choice(rates)))


def _band(samples: Samples, low: float, high: float, order: float) -> Samples:
    """Band pass with gentle edges at 8 kHz: the power response of Butterworth filters, without delay."""
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / NARROW), 1.0)
    power = 1.0 + (low / frequency) ** (2 * order) + (frequency / high) ** (8 * order)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) / np.sqrt(power), len(samples)), np.float32)


def _lossy(samples: Samples, generator: np.random.Generator) -> Samples:
    """Loses packets of 20 ms; each is concealed by a fading copy of the one before, or by silence."""
    packets = np.array(samples[: len(samples) // 160 * 160]).reshape(-1, 160)
    fade = generator.choice([0.0, 0.5, 0.9])
    for index in np.flatnonzero(generator.random(len(packets)) < generator.uniform(0.005, 0.06)):
        packets[index] = packets[index - 1] * fade if index else 0
    return np.concatenate([packets.ravel(), samples[packets.size :]])


def _low_passed(samples: Samples, edge: float, rate: int) -> Samples:
    taps = firwin2(127, [0, edge * 0.94, min(edge * 1.05, rate / 2 - 1), rate / 2], [1, 1, 0.003, 0], fs=rate)
    return np.asarray(fftconvolve(samples, taps, "same"), np.float32)


def _resampled(samples: Samples, generator: np.random.Generator) -> Samples:
    """Goes by another rate, as most recordings have."""
    up, down = ((441, 320), (3, 2), (3, 1), (7, 8), (15, 16), (441, 480))[generator.integers(6)]
    there = resample_poly(samples, up, down)
    return np.asarray(resample_poly(there, down, up)[: len(samples)], np.float32)


def coloured(samples: Samples, generator: np.random.Generator) -> Samples:
    """A microphone or handset: a smooth random response of up to +-8 dB."""
    knots = np.sort(generator.uniform(100, 7800, 6))
    gains = 10 ** (generator.uniform(-8, 8, 8) * generator.uniform(0.2, 1) / 20)
    taps = firwin2(129, [0, *knots / 8000, 1], gains)
    return np.asarray(fftconvolve(samples, taps, "same"), np.float32)


def room(samples: Samples, generator: np.random.Generator) -> Samples:
    """Reverberation: exponentially decaying noise after a direct sound."""
    decay = generator.uniform(0.05, 0.5)
    time = np.arange(int(WIDE * decay)) / WIDE
    tail = generator.standard_normal(len(time)) * np.exp(-6.9 * time / decay)
    tail *= 10 ** (generator.uniform(-18, -3) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def nonlinear(samples: Samples, generator: np.random.Generator) -> Samples:
    """A driven amplifier or loudspeaker: soft clipping between two gentle filters."""
    drive = generator.uniform(1, 6) / max(float(np.abs(samples).max()), 1e-4)
    bent = np.tanh(samples * drive + generator.uniform(0, 0.2)) / drive
    bent -= bent.mean()
    return np.asarray(lfilter([1, -generator.uniform(0, 0.6)], [1], bent), np.float32)


def _noisy(samples: Samples, generator: np.random.Generator) -> Samples:
    """Noise of a random colour, 5 to 45 dB below the speech, at times rising with the signal."""
    slope = generator.uniform(0, 2)
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / WIDE), 50.0)
    noise = np.fft.irfft(np.fft.rfft(generator.standard_normal(len(samples))) * frequency ** (-slope / 2), len(samples))
    if generator.random() < 0.2:
        noise *= np.abs(samples) ** 0.5
    scale = _rms(samples) / _rms(noise) * 10 ** (-generator.uniform(5, 45) / 20)
    return np.asarray(samples + noise * scale, np.float32)


def _levelled(samples: Samples, generator: np.random.Generator) -> Samples:
    loud = 10 ** (generator.uniform(-38, -14) / 20)
    return np.asarray(np.clip(samples * (loud / _rms(samples)), -1, 32767 / 32768), np.float32)


def _rms(samples: NDArray[np.floating]) -> float:
    return max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-6)


def _fit(samples: Samples, length: int) -> Samples:
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


Effect = Callable[[Samples, np.random.Generator], Samples]
