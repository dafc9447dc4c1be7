"""Secret rotations of embeddings: cosines stay what they are, and nothing is comparable with another rotation.

A product of Householder reflections, each of which takes a Gaussian vector of 1, 2, ... n dimensions to the first axis,
is uniformly distributed over orthogonal matrices (Haar). Source: Stewart, "The efficient generation of random
orthogonal matrices with an application to condition estimators", SIAM J. Numer. Anal. 17 (1980). The vectors are whole
numbers out of a hash, and what is made of them differs from one library of linear algebra to the next by rounding only.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

type Rotation = NDArray[np.float64]

# A sum of 12 uniform numbers has nearly the distribution of a Gaussian one.
_SUMMED = 12
_UNIFORM = np.dtype("<u2")


def rotation(seed: bytes, dimension: int) -> Rotation:
    """Returns the orthogonal matrix of a seed, shape (dimension, dimension); the same on every machine.

    Args:
        seed: secret, at least 32 bytes.
        dimension: of the embeddings.
    """
    matrix = np.eye(dimension)
    for vector in _vectors(seed, dimension):
        rows = matrix[dimension - len(vector) :]
        sign = 1.0 if vector[0] >= 0 else -1.0
        axis = vector.copy()
        axis[0] += sign * np.sqrt(vector @ vector)
        rows -= np.outer(axis * (2.0 / (axis @ axis)), axis @ rows)
        rows[0] *= -sign
    return matrix


def rotated(vectors: NDArray[np.float32], by: Rotation) -> NDArray[np.float32]:
    """Rotates vectors, shape (count, dimension)."""
    return np.asarray(vectors @ by.T, np.float32)


def restored(vectors: NDArray[np.float32], by: Rotation) -> NDArray[np.float32]:
    """Turns rotated vectors back, shape (count, dimension)."""
    return np.asarray(vectors @ by, np.float32)


def _vectors(seed: bytes, dimension: int) -> list[NDArray[np.float64]]:
    """Returns vectors of 1, 2, ... dimension whole numbers around 0, which are odd, so that none is 0."""
    count = dimension * (dimension + 1) // 2
    stream = hashlib.shake_256(b"bonafide rotation 1" + seed).digest(count * _SUMMED * _UNIFORM.itemsize)
    uniform = np.frombuffer(stream, _UNIFORM).reshape(count, _SUMMED)
    numbers = 2 * uniform.sum(axis=1, dtype=np.int64) - _SUMMED * 65535 + 1
    cuts = np.cumsum(np.arange(1, dimension))
    return np.split(numbers.astype(np.float64), cuts)
