"""Decoding of untrusted bytes to a waveform of 8 or 16 kHz."""

from dataclasses import dataclass

import numpy as np

from bonafide.audio import labels
from bonafide.audio.encoding import BARE, Encoding, RecordingFormat
from bonafide.audio.formats import flac, g722, kinds, linear, mp3, opus, wav
from bonafide.audio.g711 import Pcm
from bonafide.audio.quality import clipped_shares
from bonafide.audio.refusal import refuse
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput, Subject, UnsupportedAudio

SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 60.0
LOWEST_RATE, HIGHEST_RATE = 8000, 48000
MOST_CHANNELS = 8

ENCODINGS = tuple(str(each) for each in Encoding)


@dataclass(frozen=True, slots=True)
class _Sound:
    """One channel.

    Attributes:
        pcm: samples, shape (n,).
        rate: Hz, of the samples.
        origin: Hz, of what was recorded: a codec may decode to more.
    """

    pcm: Pcm
    rate: int
    origin: int


def decode(
    content: bytes,
    *,
    encoding: str = "wav",
    rate: int | None = None,
    channel: int | None = None,
) -> Waveform:
    """Decodes, selects one channel, and resamples to 16 kHz (from 16 kHz or more) or 8 kHz (from less).

    Args:
        content: the file, or the bare samples.
        encoding: one of `ENCODINGS`; those of `BARE` are mono samples without a file around them.
        rate: Hz; required for bare samples, checked against the header of files when given.
        channel: index of the channel to take; required when there is more than one.

    Raises:
        UnsupportedAudio: the audio is not one of the kinds, rates or lengths that are supported, or is damaged.
        InvalidInput: the parameters contradict each other or the audio.
    """
    if not content:
        raise _empty()
    return _resampled(_read(content, encoding, rate, channel))


def duration(content: bytes, *, encoding: str, rate: int | None = None, channel: int | None = None) -> float:
    """Returns the seconds of a recording, with all the checks of `decode`; bare samples are only counted.

    Raises:
        UnsupportedAudio, InvalidInput: as `decode`.
    """
    if not content:
        raise _empty()
    if encoding in BARE:
        known = _bare_rate(encoding, rate, channel)
        return _count(content, encoding, known) / known
    sound = _read(content, encoding, rate, channel)
    return len(sound.pcm) / sound.rate


def require_as_labeled(content: bytes, form: RecordingFormat) -> None:
    """Refuses speech that its label has read in another way than it was recorded.

    Raises:
        UnsupportedAudio, InvalidInput: as `decode`, or it was of another rate, encoding or number of channels.
    """
    sound = _read(content, form.encoding, form.sample_rate, form.channel)
    labels.require_interleaving(sound.pcm.astype(np.float32))
    waveform = _resampled(sound)
    law = form.encoding in {Encoding.ALAW, Encoding.MULAW}
    labels.require_label(waveform.samples, waveform.rate, law=law)


def require_possible(encoding: str, rate: int | None, channel: int | None) -> None:
    """Refuses, before there is audio, a format that no audio could have: bare samples are mono and need a rate.

    Args:
        encoding: one of `ENCODINGS`.
        rate: Hz.
        channel: index of the channel to take.

    Raises:
        InvalidInput: the parameters contradict each other.
    """
    if encoding in BARE:
        _bare_rate(encoding, rate, channel)


def _read(content: bytes, encoding: str, rate: int | None, channel: int | None) -> _Sound:
    if encoding in BARE:
        return _read_bare(content, encoding, rate, channel)
    readers = {Encoding.WAV: _read_wav, Encoding.FLAC: _read_flac, Encoding.MP3: _read_mp3, Encoding.OPUS: _read_opus}
    if encoding not in readers:
        found = encoding[:32]
        raise refuse("audio_encoding_unsupported", "This encoding is not supported.", limit=ENCODINGS, found=found)
    return readers[Encoding(encoding)](content, rate, channel)


def _read_wav(content: bytes, rate: int | None, channel: int | None) -> _Sound:
    source = wav.parse(content)
    _check_rate(source.rate, rate)
    index = _select(source.channels, channel)
    _check_length(len(source.data) // (source.channels * linear.EXPAND[source.encoding].width), source.rate)
    return _of_rate(linear.expand(source.data, source.encoding, source.channels, index), source.rate)


def _read_flac(content: bytes, rate: int | None, channel: int | None) -> _Sound:
    native = flac.native(content)
    info = flac.StreamInfo.parse(native)
    _check_rate(info.rate, rate)
    if info.bits < flac.LOWEST_BITS:
        found = f"FLAC, {info.bits} bits"
        raise refuse(
            "audio_encoding_unsupported", "FLAC of so few bits is not supported.", limit=flac.TAKEN, found=found
        )
    index = _select(info.channels, channel)
    if info.frames:
        _check_length(info.frames, info.rate)
    pcm = flac.read(native, info, index, int(LONGEST_SECONDS * info.rate))
    _check_length(len(pcm), info.rate)
    return _of_rate(pcm, info.rate)


def _read_mp3(content: bytes, rate: int | None, channel: int | None) -> _Sound:
    source = mp3.parse(content, LONGEST_SECONDS)
    _check_rate(source.rate, rate)
    index = _select(source.channels, channel)
    _check_length(source.frames, source.rate)
    pcm = mp3.read(source, index)
    _check_length(len(pcm), source.rate)
    return _of_rate(pcm, source.rate)


def _read_opus(content: bytes, rate: int | None, channel: int | None) -> _Sound:
    source = opus.parse(content, int(LONGEST_SECONDS * opus.RATE))
    # The header's rate only informs, and players go by that of the codec.
    origin = source.origin if LOWEST_RATE <= source.origin <= HIGHEST_RATE else opus.RATE
    if rate != opus.RATE:
        _check_rate(origin, rate)
    index = _select(source.channels, channel)
    _check_length(source.frames, opus.RATE)
    pcm = opus.read(source, index)
    _check_length(len(pcm), opus.RATE)
    return _Sound(pcm, opus.RATE, origin)


def _read_bare(content: bytes, encoding: str, rate: int | None, channel: int | None) -> _Sound:
    known = _bare_rate(encoding, rate, channel)
    _count(content, encoding, known)
    if encoding == Encoding.G722:
        return _of_rate(g722.read(content), known)
    return _of_rate(linear.expand(memoryview(content), encoding, 1, 0), known)


def _of_rate(pcm: Pcm, rate: int) -> _Sound:
    return _Sound(pcm, rate, rate)


def _count(content: bytes, encoding: str, rate: int) -> int:
    """Returns the number of bare samples."""
    if found := kinds.container(content):
        raise refuse("audio_mislabeled", "This is a file and not bare samples.", limit=kinds.TAKEN, found=found)
    if encoding == Encoding.G722:
        count = len(content) * g722.SAMPLES_A_BYTE
    else:
        width = linear.EXPAND[encoding].width
        if len(content) % width:
            raise refuse("audio_truncated", "The audio ends inside a 16-bit sample.", found=len(content))
        count = len(content) // width
    _check_length(count, rate)
    return count


def _empty() -> UnsupportedAudio:
    return refuse("audio_empty", "There is no audio.")


def _bare_rate(encoding: str, rate: int | None, channel: int | None) -> int:
    if encoding == Encoding.G722:
        _check_rate(g722.RATE, rate)
        rate = g722.RATE
    if rate is None:
        raise InvalidInput(
            "audio_rate_required", "Bare samples need a rate.", subject=Subject.SAMPLE_RATE, limit=_rates()
        )
    _check_rate(rate)
    _select(1, channel)
    return rate


def _rates() -> str:
    return f"{LOWEST_RATE}-{HIGHEST_RATE} Hz"


def _check_rate(rate: int, stated: int | None = None) -> None:
    """Refuses a rate that is out of range, or that is not the stated one."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise refuse("audio_rate_unsupported", "This sampling rate is not supported.", limit=_rates(), found=rate)
    if stated is not None and stated != rate:
        raise InvalidInput(
            "audio_rate_mismatch",
            "The file has another rate than stated.",
            subject=Subject.SAMPLE_RATE,
            limit=rate,
            found=stated,
        )


def _select(channels: int, channel: int | None) -> int:
    """Returns the index of the channel to take."""
    if channels > MOST_CHANNELS:
        raise refuse("audio_channels_unsupported", "There are too many channels.", limit=MOST_CHANNELS, found=channels)
    if channel is None and channels > 1:
        raise InvalidInput(
            "audio_channel_required",
            "Say which channel holds the caller.",
            subject=Subject.CHANNEL,
            limit=channels - 1,
        )
    if channel is not None and not 0 <= channel < channels:
        raise InvalidInput(
            "audio_channel_out_of_range",
            "There is no such channel.",
            subject=Subject.CHANNEL,
            limit=channels - 1,
            found=channel,
        )
    return channel or 0


def _check_length(frames: int, rate: int) -> None:
    """Refuses audio that is too short or too long, before it is decoded where the header can be trusted."""
    seconds = frames / rate
    if seconds < SHORTEST_SECONDS:
        raise refuse("audio_too_short", "The audio is too short.", limit=SHORTEST_SECONDS, found=round(seconds, 3))
    if seconds > LONGEST_SECONDS:
        raise refuse("audio_too_long", "The audio is too long.", limit=LONGEST_SECONDS, found=round(seconds, 3))


def _resampled(sound: _Sound) -> Waveform:
    """Brings 16-bit samples of shape (n,) to full scale 1.0 at 8 or 16 kHz."""
    target = 16000 if sound.origin >= 16000 else 8000
    samples = sound.pcm.astype(np.float32) / np.float32(32768.0)
    if sound.rate == target:
        return Waveform(samples, sound.rate)
    return Waveform(resample(samples, sound.rate, target), target, clipped_shares(samples, sound.rate))
