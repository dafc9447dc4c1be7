import warnings

import numpy as np
import pytest

from bonafide.audio.g711 import ALAW, MULAW, through_mulaw

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

CODES = bytes(range(256))


def test_alaw_is_the_table_of_the_standard_library() -> None:
    assert np.array_equal(ALAW, np.frombuffer(audioop.alaw2lin(CODES, 2), np.int16))


def test_mulaw_is_the_table_of_the_standard_library() -> None:
    assert np.array_equal(MULAW, np.frombuffer(audioop.ulaw2lin(CODES, 2), np.int16))


@pytest.mark.parametrize(
    ("code", "value"), [(0x80, 32124), (0x00, -32124), (0xFF, 0), (0x7F, 0), (0xFE, 8), (0x7E, -8), (0xEF, 132)]
)
def test_mulaw_has_the_values_of_table_2a_of_the_recommendation(code: int, value: int) -> None:
    assert MULAW[code] == value


@pytest.mark.parametrize(("code", "value"), [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0xD4, 24)])
def test_alaw_has_the_values_of_table_1a_of_the_recommendation(code: int, value: int) -> None:
    assert ALAW[code] == value


def test_mulaw_there_and_back_agrees_with_the_standard_library_on_every_14_bit_value() -> None:
    pcm = np.arange(-32768, 32768, 4).astype(np.int16)
    back = audioop.ulaw2lin(audioop.lin2ulaw(pcm.tobytes(), 2), 2)
    assert np.array_equal(through_mulaw(pcm), np.frombuffer(back, np.int16))


def test_mulaw_there_and_back_changes_nothing_the_second_time() -> None:
    once = through_mulaw(np.arange(-32768, 32768).astype(np.int16))
    assert np.array_equal(through_mulaw(once), once)
