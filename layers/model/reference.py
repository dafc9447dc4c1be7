"""References for the graphs: features computed outside of them, and the speech detector one window at a time."""

from typing import Any

import kaldi_native_fbank
import numpy as np
from numpy.typing import NDArray

from layers.model.filterbank import BINS, RATE
from layers.model.vad import BRANCHES, HIDDEN, SEGMENT

type Floats = NDArray[np.float32]


def kaldi_features(samples: Floats) -> Floats:
    """Computes kaldi-native-fbank's filter bank, shape (frames, 80), without its mean; samples at 16 kHz."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = BINS
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(RATE, samples)
    bank.input_finished()
    features = np.stack([bank.get_frame(index) for index in range(bank.num_frames_ready)])
    return np.asarray(features - features.mean(axis=0), np.float32)


def step_vad(session: Any, samples: Floats, rate: int, windows: range | None = None) -> Floats:
    """Computes probabilities of the published detector, shape (windows,), with its state passed from call to call.

    Args:
        session: of the published graph.
        samples: the recording.
        rate: 8000 or 16000.
        windows: to compute, beginning with an empty state; None means all.
    """
    _, window, context = BRANCHES[rate]
    padded = np.pad(samples, (context, -len(samples) % window))
    state = np.zeros((2, 1, HIDDEN), np.float32)
    probabilities = []
    for index in windows or range(len(padded) // window):
        seen = padded[None, index * window : (index + 1) * window + context]
        probability, state = session.run(None, {"input": seen, "state": state, "sr": np.array(rate)})
        probabilities.append(probability.item())
    return np.array(probabilities, np.float32)


def step_segments(session: Any, samples: Floats, rate: int) -> Floats:
    """Computes `step_vad` from an empty state every SEGMENT windows; of overlaps by half the higher one counts."""
    count, half = -(-len(samples) // BRANCHES[rate][1]), SEGMENT // 2
    probabilities = np.zeros(count, np.float32)
    for start in range(0, max(1, count - half), half):
        segment = range(start, min(count, start + SEGMENT))
        covered = probabilities[segment.start : segment.stop]
        np.maximum(covered, step_vad(session, samples, rate, segment), out=covered)
    return probabilities
