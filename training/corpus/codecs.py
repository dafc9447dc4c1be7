"""Speech codecs: those that the `av` package brings, and the companding of G.711 without its rounding to 14 bits."""

from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples

OPUS_RATE = 48000


def through_codec(samples: Samples, rate: int, codec: str, container: str, bits: int) -> Samples:
    """Encodes and decodes speech; its delay is removed as far as the container tells it."""
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    file = BytesIO()
    with av.open(file, "w", format=container) as sink:
        stream = sink.add_stream(codec, rate=OPUS_RATE if codec == "libopus" else rate)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate, stream.layout = bits, "mono"
        _encode(pcm, rate, sink, stream)
    return decoded(file, rate)


def mulaw(samples: Samples, law: float = 255.0) -> Samples:
    """Applies continuous mu-law companding with 8 bits, shape (n,)."""
    squeezed = np.sign(samples) * np.log1p(law * np.abs(np.clip(samples, -1, 1))) / np.log1p(law)
    coarse = np.rint(squeezed * 127.5 - 0.5) / 127.5 + 0.5 / 127.5
    return np.asarray(np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(law)) / law, np.float32)


def alaw(samples: Samples, law: float = 87.6) -> Samples:
    """Applies continuous A-law companding with 8 bits, shape (n,)."""
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


def decoded(file: BytesIO, rate: int) -> Samples:
    """Decodes a file, brought to a rate, shape (n,)."""
    file.seek(0)
    with av.open(file, "r") as source:
        resampler = av.AudioResampler("s16", "mono", rate)
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / np.float32(32768)
