"""All conditions by name.

    conditions = all_conditions(others)
    sent = conditions["babble-10"].send(samples, rate, np.random.default_rng(seed))

A generator of the same seed gives the same samples. Speech at another rate than 8 or 16 kHz is resampled before.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from bonafide.audio.waveform import Samples, Waveform
from training.corpus.conditions import coding, disturbances, loss, raising, suppression, surroundings
from training.corpus.conditions.condition import BOTH, Change, LineCondition
from training.corpus.files import NARROW, WIDE


def all_conditions(others: Sequence[Waveform] = ()) -> Mapping[str, LineCondition]:
    """Returns every condition by its name; those that need other people's speech only if it is given.

    Args:
        others: recordings of people who are not those that are sent: for babble, and for the agent of a call.
    """
    found = [*_suppressed(), *_coded(), *_lost(), *_disturbed(), *_raised(), *_surrounded()]
    if others:
        found += _among(others)
    return {condition.name: condition for condition in found}


def _suppressed() -> Iterator[LineCondition]:
    for strength, removed in (("mild", 0.7), ("strong", 1.0)):
        for name, adaptive in ((f"gating-{strength}", False), (f"gating-adaptive-{strength}", True)):
            gate = partial(suppression.gated, removed=removed, adaptive=adaptive, points=512)
            yield LineCondition(name, "suppression", BOTH, gate)
    yield LineCondition("rnnoise", "suppression", BOTH, suppression.without_noise)
    for name, comfort in (("dtx-muted", False), ("dtx-comfort", True)):
        yield LineCondition(name, "dtx", BOTH, partial(suppression.discontinuous, comfort=comfort))


def _coded() -> Iterator[LineCondition]:
    for codec, rates, kilobits in (
        ("amr", (NARROW,), (4.75, 5.9, 7.4, 12.2)),
        ("opus", BOTH, (6, 8, 12, 16, 24)),
        ("mp3", BOTH, (16, 24, 32)),
        ("g723.1", (NARROW,), (6.3,)),
        ("g722", (WIDE,), (64,)),
    ):
        for each in kilobits:
            name = codec if len(kilobits) == 1 else f"{codec}-{each}"
            yield LineCondition(name, codec, rates, partial(coding.coded, codec=codec, kilobits=each))
    for kilobits_wb, mode in ((6.6, 0), (12.65, 2), (23.85, 8)):
        coder = partial(coding.coded_by_amr_wb, mode=mode)
        yield LineCondition(f"amr-wb-{kilobits_wb}", "amr-wb", (WIDE,), coder)
    yield LineCondition("gsm", "gsm", (NARROW,), coding.coded_by_gsm)
    yield LineCondition("g729", "g729", (NARROW,), coding.coded_by_g729)
    yield LineCondition("speex", "speex", BOTH, coding.coded_by_speex)
    yield LineCondition("tandem", "tandem", BOTH, coding.tandem)


def _lost() -> Iterator[LineCondition]:
    for percent in (3, 5, 10):
        for name, concealed in ((f"loss-{percent}", False), (f"loss-{percent}-concealed", True)):
            yield LineCondition(name, "loss", BOTH, partial(loss.lossy, share=percent / 100, concealed=concealed))
        lossy_g729 = partial(loss.lossy_g729, share=percent / 100)
        yield LineCondition(f"loss-{percent}-g729", "loss", (NARROW,), lossy_g729)


def _disturbed() -> Iterator[LineCondition]:
    for dbfs in (45, 35, 25, 12, 6):
        yield LineCondition(f"level-{dbfs}", "level", BOTH, partial(disturbances.at_level, dbfs=-dbfs))
    for offset in (0.01, 0.1):
        yield LineCondition(f"offset-{offset}", "offset", BOTH, partial(disturbances.with_offset, offset=offset))
    for hertz in (50, 60):
        hum = partial(disturbances.with_hum, hertz=hertz, below_db=10)
        yield LineCondition(f"hum-{hertz}", "hum", BOTH, hum)
    for name, change in (("music-before", disturbances.after_music), ("ringing-before", disturbances.after_ringing)):
        yield LineCondition(name, "before", BOTH, change, disturbances.FRONT_SECONDS)


def _raised() -> Iterator[LineCondition]:
    for name in raising.RAISERS:
        yield LineCondition(f"raised-{name}", "raised", (WIDE,), partial(raising.raised_call, by=name))


def _surrounded() -> Iterator[LineCondition]:
    for decibels in (10, 15, 20):
        street = partial(surroundings.with_street, snr_db=decibels)
        yield LineCondition(f"street-{decibels}", "street", BOTH, street)
        echo = partial(surroundings.with_echo, below_db=decibels)
        yield LineCondition(f"echo-{decibels}", "echo", BOTH, echo)


def _among(others: Sequence[Waveform]) -> Iterator[LineCondition]:
    for decibels in (10, 15, 20):
        babble = partial(surroundings.with_babble, snr_db=decibels, others=others)
        yield LineCondition(f"babble-{decibels}", "babble", BOTH, babble)
        agent = partial(surroundings.with_agent, below_db=decibels, others=others)
        yield LineCondition(f"agent-{decibels}", "agent", BOTH, agent)
    loud = partial(surroundings.with_babble, snr_db=10, others=others)
    suppressed = partial(_one_after_another, changes=(loud, suppression.without_noise))
    yield LineCondition("babble-10-rnnoise", "suppression", BOTH, suppressed)


def _one_after_another(
    samples: Samples, rate: int, generator: np.random.Generator, *, changes: Sequence[Change]
) -> Samples:
    for change in changes:
        samples = change(samples, rate, generator)
    return samples
