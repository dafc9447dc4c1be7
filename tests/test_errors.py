"""Errors as they travel."""

import pickle

import pytest

from bonafide.errors import AudioOverload, BonafideError, StoreUnavailable, Subject, UnsupportedAudio


@pytest.mark.parametrize(
    "error",
    [UnsupportedAudio("audio_clipped", "Clipped.", subject=Subject.AUDIO, limit=1, found=2), StoreUnavailable()],
)
def test_an_error_arrives_whole_in_another_process(error: BonafideError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_who_sends_too_much_audio_is_told_when_to_come_back() -> None:
    assert AudioOverload().retry_after == 1
