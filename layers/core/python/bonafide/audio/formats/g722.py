"""G.722 at 64 kbit/s, as bare codes: one byte for two samples of 16 kHz."""

import numpy as np

from bonafide.audio.g711 import Pcm

RATE, BITS_A_SECOND = 16000, 64000
SAMPLES_A_BYTE = 2


def read(content: bytes) -> Pcm:
    """Decodes, shape (2 * bytes,); every byte is a code, so that nothing can be malformed."""
    from G722 import G722  # type: ignore[import-not-found] # noqa: PLC0415, only this format needs it

    return np.frombuffer(G722(RATE, BITS_A_SECOND).decode(content), np.int16)
