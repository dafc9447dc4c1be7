"""Reads tensors from a torch checkpoint (`torch.save` zip format) with numpy alone.

A checkpoint is a zip: `*/data.pkl` describes the tensors, `*/data/<key>` holds their bytes. Unpickling could run any
code, so that only the four names that a dictionary of plain tensors needs are resolved, none of them to torch.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

type Tensor = NDArray[np.float32]

STORAGES = {("torch", "FloatStorage"): np.float32, ("torch", "LongStorage"): np.int64}


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles a dictionary of plain tensors, and refuses every other name."""

    def __init__(self, archive: zipfile.ZipFile, index: str) -> None:
        super().__init__(io.BytesIO(archive.read(index)))
        self._archive = archive
        self._data = PurePosixPath(index).parent / "data"

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in STORAGES:
            return STORAGES[module, name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"a checkpoint of plain tensors does not name {module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, kind, key, *_ = pid
        return np.frombuffer(self._archive.read(str(self._data / key)), dtype=kind)


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
        index = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        tensors = _TensorUnpickler(archive, index).load()
    return {name: tensor for name, tensor in tensors.items() if tensor.dtype == np.float32}
