"""A recording that is streamed: cut into chunks of the bytes that it came in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bonafide_client import wav
from bonafide_client.chunks import CHUNK_SECONDS, cut, sizes, width
from bonafide_client.errors import UnplayableRecording

LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class SourceRecording:
    """Bare mono samples, of any length, as they were recorded.

    Attributes:
        encoding: pcm_s16le, alaw or mulaw.
        rate: samples a second.
        data: the samples.
    """

    encoding: str
    rate: int
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, content: bytes, channel: int | None = None) -> SourceRecording:
        """Takes one channel out of a WAV or FLAC file; FLAC needs `pip install 'bonafide-client[flac]'`.

        Args:
            content: of the file.
            channel: which one holds the caller, from 0; needed if there are several.

        Raises:
            UnplayableRecording: the file cannot be read, or it has several channels and none is named.
        """
        if content.startswith(b"fLaC"):
            return cls._of_flac(content, channel)
        source = wav.parse(content)
        data = _channel(source.data, width(source.encoding), source.channels, channel)
        return cls(source.encoding, source.rate, data)

    @classmethod
    def _of_flac(cls, content: bytes, channel: int | None) -> SourceRecording:
        try:
            import miniaudio  # type: ignore[import-untyped] # noqa: PLC0415, only FLAC needs it
        except ImportError as error:
            raise UnplayableRecording("FLAC needs miniaudio: pip install 'bonafide-client[flac]'") from error
        try:
            if miniaudio.flac_get_info(content).duration > LONGEST_SECONDS:
                raise UnplayableRecording(f"the recording is longer than a session of {LONGEST_SECONDS:.0f} s")
            sound = miniaudio.flac_read_s16(content)
        except miniaudio.DecodeError as error:
            raise UnplayableRecording("the FLAC file cannot be read") from error
        return cls("pcm_s16le", sound.sample_rate, _channel(sound.samples.tobytes(), 2, sound.nchannels, channel))

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.data) / width(self.encoding) / self.rate

    def chunks(self, seconds: float = CHUNK_SECONDS) -> Iterator[bytes]:
        """Cuts into chunks of so many seconds, of which the last is shorter, or longer by less than 0.5 s."""
        return cut([self.data], *sizes(self.encoding, self.rate, seconds))


def _channel(data: bytes, size: int, channels: int, channel: int | None) -> bytes:
    """Returns the samples, of `size` bytes each, of one of several interleaved channels."""
    if channel is None and channels > 1:
        raise UnplayableRecording(f"the recording has {channels} channels: say which one holds the caller")
    if channel is not None and not 0 <= channel < channels:
        raise UnplayableRecording(f"the recording has channels 0 to {channels - 1}")
    if channels == 1:
        return data
    frame, start = size * channels, size * (channel or 0)
    return b"".join(data[at : at + size] for at in range(start, len(data), frame))
