"""A recording as a producer sends it: cut into chunks of the bytes that it came in."""

from collections.abc import Iterator
from dataclasses import dataclass

from bonafide.audio import flac, wav
from bonafide.audio.decode import SHORTEST_SECONDS

CHUNK_SECONDS = 4.0
LONGEST_CALL_SECONDS = 3600


class UnplayableError(Exception):
    """The recording is neither mono nor of a channel that was named."""


@dataclass(frozen=True, slots=True)
class SourceRecording:
    """Bare samples, of any length, as they were recorded.

    Attributes:
        encoding: of the contract: pcm_s16le, alaw or mulaw.
        rate: samples a second.
        data: mono samples.
    """

    encoding: str
    rate: int
    data: bytes

    @classmethod
    def read(cls, content: bytes, channel: int | None = None) -> "SourceRecording":
        """Takes one channel out of a WAV or FLAC file.

        Raises:
            UnsupportedAudio: the file cannot be read.
            UnplayableError: there is no such channel, or none was named and there are several.
        """
        if content.startswith(b"fLaC"):
            return _of_flac(content, channel)
        source = wav.parse(content)
        index, size = _chosen(source.channels, channel), _width(source.encoding)
        data = bytes(source.data)
        if source.channels > 1:
            frame = size * source.channels
            data = b"".join(data[at + index * size :][:size] for at in range(0, len(data), frame))
        return cls(source.encoding, source.rate, data)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.data) / _width(self.encoding) / self.rate

    def chunks(self, seconds: float = CHUNK_SECONDS) -> Iterator[bytes]:
        """Cuts without overlap; a rest that is too short to be taken goes with the chunk before it."""
        width = _width(self.encoding)
        size = round(seconds * self.rate) * width
        starts = list(range(0, len(self.data), size))
        if len(starts) > 1 and len(self.data) - starts[-1] < SHORTEST_SECONDS * self.rate * width:
            starts.pop()
        for start, end in zip(starts, [*starts[1:], len(self.data)], strict=True):
            yield self.data[start:end]


def _of_flac(content: bytes, channel: int | None) -> SourceRecording:
    info = flac.StreamInfo.parse(content)
    pcm = flac.read(content, info, _chosen(info.channels, channel), LONGEST_CALL_SECONDS * info.rate)
    return SourceRecording("pcm_s16le", info.rate, pcm.astype("<i2").tobytes())


def _chosen(channels: int, channel: int | None) -> int:
    if channel is None and channels > 1:
        raise UnplayableError(f"the recording has {channels} channels: say which one holds the caller")
    if channel is not None and not 0 <= channel < channels:
        raise UnplayableError(f"the recording has channels 0 to {channels - 1}")
    return channel or 0


def _width(encoding: str) -> int:
    """Bytes a sample."""
    return 2 if encoding == "pcm_s16le" else 1
