"""The law of random orthogonal matrices: uniform, not merely orthogonal."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import SIGMAS

import eqinit as ei


SIDE, DRAWS = 8, 4000
# A fourth moment of normal numbers has variance 105 - 9.
FOURTH = math.sqrt(96)


def drawn(algorithm: Any, dtype: Any = jnp.float32) -> np.ndarray:
    init = ei.Orthogonal(algorithm=algorithm)
    keys = jax.random.split(jax.random.key(1), DRAWS)

    def one(key: Any) -> Any:
        return init(key, (SIDE, SIDE), dtype, axes="out in")

    return np.asarray(jax.jit(lambda: jax.lax.map(one, keys))())


@pytest.mark.parametrize("algorithm", ["qr", "householder"])
def test_traces_and_determinants(algorithm: str):
    # The trace of a uniform orthogonal matrix has the first moments of a standard
    # normal, those below its side exactly (Diaconis and Shahshahani 1994). Without the
    # signs of R, QR gives a mean of -2.
    matrices = drawn(algorithm)
    trace = np.trace(matrices, axis1=1, axis2=2).astype(np.float64)
    root = math.sqrt(DRAWS)
    assert abs(trace.mean()) < SIGMAS / root
    assert abs((trace**2).mean() - 1) < SIGMAS * math.sqrt(2) / root
    assert abs((trace**4).mean() - 3) < SIGMAS * FOURTH / root
    rotations = (np.linalg.det(matrices) > 0).mean()
    assert abs(rotations - 0.5) < SIGMAS * 0.5 / root


@pytest.mark.parametrize("algorithm", ["qr", "householder"])
def test_every_entry_is_alike(algorithm: str):
    # Each is a coordinate of a uniform point on the sphere: E x^2 = 1/n and
    # E x^4 = 3 / (n (n + 2)). x^2 is Beta(1/2, (n - 1)/2).
    squares = np.square(drawn(algorithm).astype(np.float64))
    mean, fourth = 1 / SIDE, 3 / (SIDE * (SIDE + 2))
    eighth = 105 / (SIDE * (SIDE + 2) * (SIDE + 4) * (SIDE + 6))
    # 64 entries and two moments: five deviations fail for one seed in 14,000.
    for power, wanted, square in ((1, mean, fourth), (2, fourth, eighth)):
        error = math.sqrt((square - wanted**2) / DRAWS)
        assert np.abs((squares**power).mean(0) - wanted).max() < SIGMAS * error


@pytest.mark.parametrize("algorithm", ["qr", "householder"])
def test_unitary_traces(algorithm: str):
    # E |tr U|^2 = 1 and E |tr U|^4 = 2, as for a complex normal of variance one.
    trace = np.trace(drawn(algorithm, jnp.complex64), axis1=1, axis2=2)
    power = np.square(np.abs(trace).astype(np.float64))
    root = math.sqrt(DRAWS)
    assert abs(trace.mean()) < SIGMAS / root
    assert abs(power.mean() - 1) < SIGMAS / root
    # |z|^2 is exponential: E p^4 = 24, so p^2 has variance 20.
    assert abs((power**2).mean() - 2) < SIGMAS * math.sqrt(20) / root


def test_the_algorithms_have_one_law_and_other_values():
    first, second = (
        ei.Orthogonal(algorithm=a)(jax.random.key(0), (3, 3), axes="out in")
        for a in ("qr", "householder")
    )
    assert not np.allclose(first, second)
    with pytest.raises((ValueError, TypeError), match="algorithm"):
        ei.Orthogonal(algorithm="svd")  # pyright: ignore
