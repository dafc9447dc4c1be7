"""Graphs of ONNX Runtime; of the speaker network also the voices of parts of a recording.

The network ends with the mean and the deviation over frames, and a matrix. Over the frames of a part these give the
embedding of the part, in the context of the whole, at almost no cost. The frames are made an output of the graph when
it is opened, so that the file stays the one that was released. Messages of Protocol Buffers merge when their bytes are
put together (https://protobuf.dev/programming-guides/encoding/#last-one-wins); field numbers are those of onnx.proto.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import FloatVector, HalfVector

# Longer speech is embedded in pieces of equal length: memory stays bounded and the data fits into the caches.
LONGEST_PIECE_SECONDS = 10.0
# Parts of 0.96 s, one begins every 0.48 s or a little more: the network makes a frame of 20 ms. Longer ones hold two
# voices too often where people take turns, and of parts beside each other some do however short they are.
PART_FRAMES, PART_STEP = 48, 24

type Message = Sequence[tuple[int, memoryview]]

_GRAPH, _NODE, _INITIALIZER, _OUTPUT = 7, 1, 5, 12
_NODE_INPUT, _NODE_KIND = 1, 4
_TENSOR_SHAPE, _TENSOR_NAME, _TENSOR_DATA = 1, 8, 9
_BYTES = 2
_FIXED = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class WholeAndParts:
    """Embedding of a recording and of its parts.

    Attributes:
        unit: of all, unit vector of shape (dimension,).
        length: mean length of its pieces' vectors before; None for a graph without that output.
        parts: unit vectors of parts that overlap by half, in order, shape (parts, dimension); None for a recording
            that has no two beside each other, and for a graph that does not end as described above.
    """

    unit: FloatVector
    length: float | None
    parts: HalfVector | None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a speaker graph.

    Attributes:
        frames: name of the tensor whose mean over its last axis is taken.
        matrix: of mean and deviation to a vector, shape (2 * channels, dimension).
        offset: that is added, shape (dimension,).
    """

    frames: str
    matrix: FloatVector
    offset: FloatVector

    def takes(self, shape: Sequence[object]) -> bool:
        """Tells whether frames of this shape, (1, channels, 1, frames), have the channels of the matrix."""
        return len(shape) == 4 and shape[1] == self.matrix.shape[0] // 2

    def embed(self, frames: FloatVector) -> FloatVector:
        """Returns the unit vector of some frames, shape (channels, frames)."""
        vector = np.concatenate([frames.mean(axis=1), frames.std(axis=1, ddof=1)]) @ self.matrix + self.offset
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


@dataclass(frozen=True, slots=True)
class SpeakerNetwork:
    """The speaker graph, opened.

    Attributes:
        graph: it.
        ending: its end; None for a graph that ends otherwise than described above, which tells no parts.
    """

    graph: onnxruntime.InferenceSession
    ending: Ending | None

    @classmethod
    def open(cls, model: bytes, threads: int) -> Self:
        """Opens a graph from the bytes of its file."""
        if ending := find_ending(model):
            graph = open_graph(model + _as_output(ending.frames), threads)
            # Other networks have a mean and a matrix, too.
            if ending.takes(graph.get_outputs()[-1].shape):
                return cls(graph, ending)
        return cls(open_graph(model, threads), None)

    def embed(self, waveform: Waveform) -> WholeAndParts:
        """Embeds speech."""
        pieces = np.array_split(waveform.samples, math.ceil(waveform.seconds / LONGEST_PIECE_SECONDS))
        found = [outputs(self.graph, Waveform(piece, waveform.rate)) for piece in pieces]
        frames = [each.pop()[0, :, 0] for each in found] if self.ending else []
        total = np.sum([vector for vector, *_ in found], axis=0)
        lengths = [float(rest[0]) for _, *rest in found if rest]
        unit: FloatVector = total / np.linalg.norm(total)
        parts = _parts(self.ending, np.concatenate(frames, axis=1)) if self.ending else None
        return WholeAndParts(unit, float(np.mean(lengths)) if lengths else None, parts)


def _parts(ending: Ending, frames: FloatVector) -> HalfVector | None:
    last = frames.shape[1] - PART_FRAMES
    if last < PART_FRAMES:
        return None
    starts = np.linspace(0, last, last // PART_STEP + 1).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(frames, PART_FRAMES, axis=1)
    # One after the other: together they would take twice the memory of all frames.
    return np.stack([ending.embed(windows[:, start]) for start in starts]).astype(np.float16)


def open_graph(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Opens a graph from the bytes of its file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A waiting thread that spins burns the one core that the function has.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def outputs(session: onnxruntime.InferenceSession, waveform: Waveform) -> list[NDArray[np.float32]]:
    """Runs a graph that takes samples."""
    inputs = {"samples": waveform.samples, "rate": np.array(waveform.rate, dtype=np.int64)}
    found: list[NDArray[np.float32]] = session.run(None, inputs)
    return found


def find_ending(model: bytes) -> Ending | None:
    """Finds how a speaker graph ends; None for a graph that ends otherwise."""
    graph = _fields(next(value for field, value in _fields(memoryview(model)) if field == _GRAPH))
    means, products = _inputs(graph, b"ReduceMean"), _inputs(graph, b"Gemm")
    if not means or not products:
        return None
    tensors = dict(_named(value) for field, value in graph if field == _INITIALIZER)
    try:
        matrix, offset = (_floats(tensors[name]) for name in products[-1][1:])
    except (KeyError, ValueError):
        return None
    return Ending(means[-1][0], matrix, offset)


def _inputs(graph: Message, kind: bytes) -> list[list[str]]:
    """Returns the names of the inputs of each operator of a kind, in order."""
    nodes = [_fields(value) for field, value in graph if field == _NODE]
    some = [node for node in nodes if (_NODE_KIND, kind) in ((field, bytes(value)) for field, value in node)]
    return [[str(value, "utf-8") for field, value in node if field == _NODE_INPUT] for node in some]


def _named(content: memoryview) -> tuple[str, Message]:
    tensor = _fields(content)
    return next((str(value, "utf-8") for field, value in tensor if field == _TENSOR_NAME), ""), tensor


def _floats(tensor: Message) -> FloatVector:
    shape = [size for field, value in tensor if field == _TENSOR_SHAPE for size in _sizes(value)]
    data = next((value for field, value in tensor if field == _TENSOR_DATA), memoryview(b""))
    return np.frombuffer(data, "<f4").reshape(shape)


def _as_output(tensor: str) -> bytes:
    """Returns a model with nothing but one output, to be put behind the bytes of another one."""
    return _field(_GRAPH, _field(_OUTPUT, _field(1, tensor.encode())))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    head = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return head + _varint(value >> 7) if value > 0x7F else head


def _fields(content: memoryview) -> Message:
    return list(_walk(content))


def _walk(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields number and bytes of each field; a number's bytes are as they are encoded."""
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        number, kind = key >> 3, key & 7
        if kind == _BYTES:
            size, at = _read_varint(content, at)
        else:
            size = _FIXED.get(kind) or _read_varint(content, at)[1] - at
        yield number, content[at : at + size]
        at += size


def _sizes(content: memoryview) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _read_varint(content, at)
        yield value


def _read_varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
