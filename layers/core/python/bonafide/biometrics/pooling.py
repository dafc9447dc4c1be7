"""Pooling of evidence of chunks into that of a session; equal sequences give equal results to the last bit."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality

# Share of the speech. The rest, which is not in the better band or was not tested for liveness, is too little to hide a
# second voice.
NEARLY_ALL = 0.9


def pooled(pieces: Sequence[Evidence]) -> Evidence:
    """Pools chunks that have at least one band in common; their channel is what most of the speech was in."""
    bands = [band for band in Channel if all(band in each.embeddings for each in pieces)]
    return Evidence(
        speech_seconds=seconds_of(pieces),
        channel=max(Channel, key=lambda channel: seconds_of(each for each in pieces if each.channel is channel)),
        embeddings={band: _mean(pieces, band) for band in bands},
        quality=_pooled_quality(pieces),
        embedding_space=pieces[0].embedding_space,
        liveness=_liveness(pieces),
        embedding_norm=_measured_mean(pieces, lambda each: each.embedding_norm),
        embedding_directions=_directions(pieces),
    )


def _liveness(pieces: Sequence[Evidence]) -> float | None:
    """Returns the mean weighted by speech, in the order of the chunks, if nearly all of the speech was tested."""
    known = [(each.liveness, each.speech_seconds) for each in pieces if each.liveness is not None]
    tested = sum(seconds for _, seconds in known)
    if not known or tested < NEARLY_ALL * seconds_of(pieces):
        return None
    return sum(llr * seconds for llr, seconds in known) / tested


def _measured_mean(pieces: Sequence[Evidence], value: Callable[[Evidence], float | None]) -> float | None:
    """Returns the mean of those that were measured, weighted by speech, in the order of the chunks."""
    measured = [(found, each.speech_seconds) for each in pieces if (found := value(each)) is not None]
    total = sum(seconds for _, seconds in measured)
    return sum(found * seconds for found, seconds in measured) / total if measured else None


def _directions(pieces: Sequence[Evidence]) -> tuple[float, ...]:
    """Returns the means of those that were measured, weighted by speech; none where bundles measure other ones."""
    measured = [(each.embedding_directions, each.speech_seconds) for each in pieces if each.embedding_directions]
    if len({len(found) for found, _ in measured}) != 1:
        return ()
    components, seconds = zip(*measured, strict=True)
    return tuple(np.average(components, axis=0, weights=seconds).tolist())


def seconds_of(pieces: Iterable[Evidence]) -> float:
    """Returns the net speech of all, in seconds."""
    return sum(each.speech_seconds for each in pieces)


def _mean(pieces: Sequence[Evidence], channel: Channel) -> FloatVector:
    """Returns the unit vector of the mean weighted by speech, summed in the order of the chunks, shape (dim,)."""
    parts = [each.embeddings[channel] * np.float32(each.speech_seconds) for each in pieces]
    total = np.sum(parts, axis=0, dtype=np.float64)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def _pooled_quality(pieces: Sequence[Evidence]) -> Quality:
    weights = [each.speech_seconds for each in pieces]
    return Quality(
        level_dbfs=float(np.average([each.quality.level_dbfs for each in pieces], weights=weights)),
        clipped=float(np.average([each.quality.clipped for each in pieces], weights=weights)),
        snr_db=_measured_mean(pieces, lambda each: each.quality.snr_db),
        dynamic_range_db=_measured_mean(pieces, lambda each: each.quality.dynamic_range_db),
    )
