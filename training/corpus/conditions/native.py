"""Libraries of others that code speech or take noise away, unpacked from pinned packages and called as they are.

They simulate lines when models are trained or measured; nothing that is deployed has them. All are for x86-64 Linux.
bcg729 is under the GPL: it runs in a process of its own, and is never linked with code of this project.
"""

import csv
import ctypes
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples
from layers.packages import CACHE
from training.corpus.packages import RegistryPackage, fetch, unpack

LIST = Path("training/conf/lines.csv")
FOLDER = Path(".build/lines")
G729_PROCESS = Path(__file__).parent / "g729.py"
RNNOISE_RATE = 48000
RNNOISE_FRAME, RNNOISE_DELAY = 480, 960
AMR_WB_FRAME, AMR_WB_LARGEST = 320, 64
GSM_FRAME, GSM_BYTES = 160, 33
SPEEX_SET_QUALITY, SPEEX_BITS_SIZE = 4, 128

Pcm16 = NDArray[np.int16]


def library_path(package: str) -> Path:
    """Returns the shared library of a pinned package, which is fetched and unpacked the first time."""
    with LIST.open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["name"] == package)
    folder = FOLDER / row["sha256"][:12]
    if not folder.exists():
        _unpack(RegistryPackage(*(row[name] for name in ("kind", "name", "version", "sha256"))), folder)
    return next(path.resolve() for path in sorted(folder.rglob(row["library"])))


def _unpack(package: RegistryPackage, folder: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=FOLDER) as scratch:
        made = Path(scratch) / "unpacked"
        made.mkdir()
        unpack(fetch(package, CACHE), made)
        # Another process may have been faster.
        if not folder.exists():
            made.rename(folder)


def rnnoise(samples: Samples) -> Samples:
    """Takes noise away from samples at 48 kHz, shape (n,)."""
    library = _rnnoise()
    state = ctypes.c_void_p(library.rnnoise_create(None))
    length = len(samples)
    frames = np.pad(samples * np.float32(32768), (0, RNNOISE_DELAY + -(length + RNNOISE_DELAY) % RNNOISE_FRAME))
    frames = np.ascontiguousarray(frames.reshape(-1, RNNOISE_FRAME), np.float32)
    for frame in frames:
        pointer = ctypes.c_void_p(frame.ctypes.data)
        library.rnnoise_process_frame(state, pointer, pointer)
    library.rnnoise_destroy(state)
    return np.asarray(frames.ravel()[RNNOISE_DELAY:][:length] / 32768, np.float32)


def amr_wb(pcm: Pcm16, mode: int) -> bytes:
    """Encodes speech at 16 kHz by AMR-WB; returns a file of RFC 4867.

    Args:
        pcm: shape (n,).
        mode: 0 (6.6 kbit/s) to 8 (23.85 kbit/s).
    """
    library = _amr_wb()
    state = ctypes.c_void_p(library.E_IF_init())
    out = ctypes.create_string_buffer(AMR_WB_LARGEST)
    parts = []
    for frame in _frames(pcm, AMR_WB_FRAME):
        count = library.E_IF_encode(state, mode, ctypes.c_void_p(frame.ctypes.data), out, 0)
        parts.append(out.raw[:count])
    library.E_IF_exit(state)
    return b"#!AMR-WB\n" + b"".join(parts)


def gsm(pcm: Pcm16) -> Pcm16:
    """Encodes and decodes speech at 8 kHz by GSM 06.10."""
    library = _gsm()
    encoder, decoder = (ctypes.c_void_p(library.gsm_create()) for _ in range(2))
    coded, frames = ctypes.create_string_buffer(GSM_BYTES), _frames(pcm, GSM_FRAME)
    for frame in frames:
        pointer = ctypes.c_void_p(frame.ctypes.data)
        library.gsm_encode(encoder, pointer, coded)
        library.gsm_decode(decoder, coded, pointer)
    library.gsm_destroy(encoder)
    library.gsm_destroy(decoder)
    return frames.ravel()


def speex(pcm: Pcm16, wide: bool, quality: int) -> Pcm16:
    """Encodes and decodes speech by Speex, at 8 or 16 kHz, with a quality of 0 to 10."""
    library = _speex()
    mode = ctypes.c_void_p(library.speex_lib_get_mode(int(wide)))
    encoder = ctypes.c_void_p(library.speex_encoder_init(mode))
    decoder = ctypes.c_void_p(library.speex_decoder_init(mode))
    bits = ctypes.create_string_buffer(SPEEX_BITS_SIZE)
    library.speex_bits_init(bits)
    library.speex_encoder_ctl(encoder, SPEEX_SET_QUALITY, ctypes.byref(ctypes.c_int(quality)))
    frames = _frames(pcm, 320 if wide else 160)
    for frame in frames:
        pointer = ctypes.c_void_p(frame.ctypes.data)
        library.speex_bits_reset(bits)
        library.speex_encode_int(encoder, pointer, bits)
        library.speex_bits_rewind(bits)
        library.speex_decode_int(decoder, bits, pointer)
    library.speex_bits_destroy(bits)
    library.speex_encoder_destroy(encoder)
    library.speex_decoder_destroy(decoder)
    return frames.ravel()


def g729(pcm: Pcm16, lost: NDArray[np.bool_] | None = None) -> Pcm16:
    """Encodes and decodes speech at 8 kHz by G.729A, with packets of 20 ms that are lost and concealed by its decoder.

    Args:
        pcm: shape (n,).
        lost: which packets, shape (ceil(n / 160),).
    """
    marks = "".join(str(int(each)) for each in (() if lost is None else lost))
    command = [sys.executable, "-I", "-S", str(G729_PROCESS), str(library_path("libbcg729-0")), marks]
    done = subprocess.run(command, input=pcm.astype("<i2").tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<i2")


def _frames(pcm: Pcm16, size: int) -> Pcm16:
    return np.ascontiguousarray(np.pad(pcm, (0, -len(pcm) % size)).reshape(-1, size))


@cache
def _rnnoise() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path("pyrnnoise")))
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_process_frame.restype = ctypes.c_float
    return library


@cache
def _amr_wb() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path("libvo-amrwbenc0")))
    library.E_IF_init.restype = ctypes.c_void_p
    return library


@cache
def _gsm() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path("libgsm1")))
    library.gsm_create.restype = ctypes.c_void_p
    return library


@cache
def _speex() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path("libspeex1")))
    for name in ("speex_lib_get_mode", "speex_encoder_init", "speex_decoder_init"):
        getattr(library, name).restype = ctypes.c_void_p
    return library
