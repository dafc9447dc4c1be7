"""Reads tensors from a torch checkpoint (`torch.save`) with numpy alone.

A checkpoint is a zip: `*/data.pkl` describes the tensors, `*/data/<key>` holds their bytes. Before torch 1.6 it was a
row of pickles: a magic number, a version, facts of the machine, the tensors, and the keys of the storages, whose bytes
follow in that order, each after its length. Unpickling could run any code, so that only the four names that a
dictionary of plain tensors needs are resolved, none of them to torch.

https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

type Tensor = NDArray[np.float32]

STORAGES = {("torch", "FloatStorage"): np.float32, ("torch", "LongStorage"): np.int64}


# Finds the bytes of a storage by its key, its type and its number of elements.
type FindStorage = Callable[[str, type, int], NDArray[Any]]

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles a dictionary of plain tensors, and refuses every other name."""

    def __init__(self, file: BinaryIO, find: FindStorage) -> None:
        super().__init__(file)
        self._find = find

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in STORAGES:
            return STORAGES[module, name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"a checkpoint of plain tensors does not name {module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, kind, key, _, size, *_ = pid
        return self._find(key, kind, size)


def _tensor(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> NDArray[Any]:
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


def read_checkpoint(file: BinaryIO) -> Mapping[str, Tensor]:
    """Returns the float32 tensors of a state dictionary by name.

    Raises:
        pickle.UnpicklingError: the file holds anything but plain tensors.
    """
    with zipfile.ZipFile(file) as archive:
        index = PurePosixPath(next(name for name in archive.namelist() if name.endswith("/data.pkl")))

        def find(key: str, kind: type, _size: int) -> NDArray[Any]:
            return np.frombuffer(archive.read(str(index.parent / "data" / key)), dtype=kind)

        return _floats(_TensorUnpickler(io.BytesIO(archive.read(str(index))), find).load())


def read_legacy_checkpoint(file: BinaryIO, part: str) -> Mapping[str, Tensor]:
    """Returns the float32 tensors of one state dictionary, of several in a checkpoint that is older than torch 1.6.

    Raises:
        pickle.UnpicklingError: the file is another one, or holds anything but plain tensors.
    """
    if [_plain(file), _plain(file)] != [LEGACY_MAGIC, LEGACY_VERSION]:
        raise pickle.UnpicklingError("not a checkpoint of torch before 1.6")
    _plain(file)
    start, kinds = file.tell(), dict[str, type]()

    def describe(key: str, kind: type, size: int) -> NDArray[Any]:
        kinds[key] = kind
        return np.zeros(size, kind)

    # Read twice: the types of the storages stand before their bytes, and the tensors are made of both.
    _TensorUnpickler(file, describe).load()
    storages = {key: _storage(file, kinds[key]) for key in _plain(file)}
    file.seek(start)
    return _floats(_TensorUnpickler(file, lambda key, _kind, _size: storages[key]).load()[part])


def _plain(file: BinaryIO) -> Any:
    """Reads one pickle of numbers and text."""
    return _TensorUnpickler(file, _no_storage).load()


def _no_storage(key: str, _kind: type, _size: int) -> NDArray[Any]:
    raise pickle.UnpicklingError(f"storage {key} stands where none belongs")


def _storage(file: BinaryIO, kind: type) -> NDArray[Any]:
    size = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(size * np.dtype(kind).itemsize), kind)


def _floats(tensors: Mapping[str, Any]) -> Mapping[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if tensor.dtype == np.float32}
