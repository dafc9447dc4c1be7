"""From untrusted bytes to a waveform of 8 or 16 kHz."""

from collections.abc import Callable

import numpy as np

from bonafide.audio import flac, wav
from bonafide.audio.g711 import ALAW, MULAW, Pcm
from bonafide.audio.quality import clipped
from bonafide.audio.refusal import refuse
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput, UnsupportedAudio

SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 60.0
LOWEST_RATE, HIGHEST_RATE = 8000, 48000
MOST_CHANNELS = 8

EXPAND: dict[str, Callable[[memoryview], Pcm]] = {
    "pcm_s16le": lambda data: np.frombuffer(data, "<i2").astype(np.int16, copy=False),
    "alaw": lambda data: ALAW[np.frombuffer(data, np.uint8)],
    "mulaw": lambda data: MULAW[np.frombuffer(data, np.uint8)],
}
ENCODINGS = ("wav", "flac", *EXPAND)


def decode(
    content: bytes,
    *,
    encoding: str = "wav",
    rate: int | None = None,
    channel: int | None = None,
    field: str = "audio",
) -> Waveform:
    """Decode, select one channel, and resample to 16 kHz (from 16 kHz or more) or 8 kHz (from less).

    Args:
        content: the file, or the bare samples.
        encoding: one of `ENCODINGS`; the last three are bare mono samples.
        rate: Hz, `sample_rate` in a request; required for bare samples, checked against the header of files when given.
        channel: which channel to take, from 0; required when there is more than one.
        field: what the audio is called in the request, for the error.

    Raises:
        UnsupportedAudio: the audio is not one of the kinds, rates or lengths that are taken, or is damaged.
        InvalidInput: the parameters contradict each other or the audio.
    """
    try:
        if not content:
            raise refuse("audio_empty", "There is no audio.")
        return _resampled(*_read(content, encoding, rate, channel))
    except InvalidInput as error:
        error.field = _place(error, field)
        raise


def require_possible(encoding: str, rate: int | None, channel: int | None, field: str) -> None:
    """Refuse, before there is audio, what no audio could be decoded with: bare samples are mono and need a rate.

    Args:
        encoding: one of `ENCODINGS`.
        rate: Hz.
        channel: which channel to take, from 0.
        field: what the format is called in the request, for the error.

    Raises:
        InvalidInput: the parameters contradict each other.
    """
    if encoding not in EXPAND:
        return
    try:
        _bare_rate(rate, channel)
    except InvalidInput as error:
        error.field = _place(error, field)
        raise


def _place(error: InvalidInput, field: str) -> str:
    return field if isinstance(error, UnsupportedAudio) else f"{field}.{error.field}"


def _read(content: bytes, encoding: str, rate: int | None, channel: int | None) -> tuple[Pcm, int]:
    if encoding == "wav":
        return _read_wav(content, rate, channel)
    if encoding == "flac":
        return _read_flac(content, rate, channel)
    if encoding in EXPAND:
        return _read_raw(content, encoding, rate, channel)
    raise refuse("audio_encoding_unsupported", "This encoding is not taken.", limit=ENCODINGS, found=encoding[:32])


def _read_wav(content: bytes, rate: int | None, channel: int | None) -> tuple[Pcm, int]:
    source = wav.parse(content)
    _check_rate(source.rate, rate)
    index = _select(source.channels, channel)
    pcm = EXPAND[source.encoding](source.data)[index :: source.channels]
    _check_length(len(pcm), source.rate)
    return pcm, source.rate


def _read_flac(content: bytes, rate: int | None, channel: int | None) -> tuple[Pcm, int]:
    info = flac.StreamInfo.parse(content)
    _check_rate(info.rate, rate)
    if info.bits != 16:
        found = f"FLAC, {info.bits} bits"
        raise refuse("audio_encoding_unsupported", "FLAC is taken with 16 bits.", limit="FLAC, 16 bits", found=found)
    index = _select(info.channels, channel)
    if info.frames:
        _check_length(info.frames, info.rate)
    pcm = flac.read(content, info, index, int(LONGEST_SECONDS * info.rate))
    _check_length(len(pcm), info.rate)
    return pcm, info.rate


def _read_raw(content: bytes, encoding: str, rate: int | None, channel: int | None) -> tuple[Pcm, int]:
    rate = _bare_rate(rate, channel)
    if encoding == "pcm_s16le" and len(content) % 2:
        raise refuse("audio_truncated", "The audio ends inside a 16-bit sample.", found=len(content))
    pcm = EXPAND[encoding](memoryview(content))
    _check_length(len(pcm), rate)
    return pcm, rate


def _bare_rate(rate: int | None, channel: int | None) -> int:
    if rate is None:
        raise InvalidInput("audio_rate_required", "Bare samples need a rate.", field="sample_rate", limit=_rates())
    _check_rate(rate)
    _select(1, channel)
    return rate


def _rates() -> str:
    return f"{LOWEST_RATE}-{HIGHEST_RATE} Hz"


def _check_rate(rate: int, stated: int | None = None) -> None:
    """Refuse a rate out of range, and one that the request states otherwise."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise refuse("audio_rate_unsupported", "This sampling rate is not taken.", limit=_rates(), found=rate)
    if stated is not None and stated != rate:
        raise InvalidInput(
            "audio_rate_mismatch",
            "The file has another rate than stated.",
            field="sample_rate",
            limit=rate,
            found=stated,
        )


def _select(channels: int, channel: int | None) -> int:
    """The index of the channel to take."""
    if channels > MOST_CHANNELS:
        raise refuse("audio_channels_unsupported", "There are too many channels.", limit=MOST_CHANNELS, found=channels)
    if channel is None and channels > 1:
        raise InvalidInput(
            "audio_channel_required", "Say which channel holds the caller.", field="channel", limit=channels - 1
        )
    if channel is not None and not 0 <= channel < channels:
        raise InvalidInput(
            "audio_channel_out_of_range",
            "There is no such channel.",
            field="channel",
            limit=channels - 1,
            found=channel,
        )
    return channel or 0


def _check_length(frames: int, rate: int) -> None:
    """Refuse what is too short or too long, before any of it is decoded where a header can be believed."""
    seconds = frames / rate
    if seconds < SHORTEST_SECONDS:
        raise refuse("audio_too_short", "The audio is too short.", limit=SHORTEST_SECONDS, found=round(seconds, 3))
    if seconds > LONGEST_SECONDS:
        raise refuse("audio_too_long", "The audio is too long.", limit=LONGEST_SECONDS, found=round(seconds, 3))


def _resampled(pcm: Pcm, rate: int) -> Waveform:
    """Shape (n,) of 16-bit samples to full scale 1.0 at 8 or 16 kHz."""
    target = 16000 if rate >= 16000 else 8000
    samples = pcm.astype(np.float32) / np.float32(32768.0)
    if rate == target:
        return Waveform(samples, rate)
    return Waveform(resample(samples, rate, target), target, clipped(samples))
