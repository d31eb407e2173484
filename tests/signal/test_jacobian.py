"""Singular values, with and without the matrix."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import KEY, filled, normal

from eqinit.signal import jacobian_spectrum


class DeepLinear(eqx.Module):
    """A product of matrices, which are arguments and not constants to XLA."""

    weights: jax.Array  # (depth, width, width)

    def __call__(self, x: Any) -> Any:
        return jax.lax.scan(lambda h, w: (w @ h, None), x, self.weights)[0]


def gaussian(width: int, depth: int) -> DeepLinear:
    return DeepLinear(normal(depth, width, width) / np.float32(math.sqrt(width)))


def orthonormal(rows: int, columns: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(rows, columns)))[0]


def test_exact_equals_numpy():
    model = filled(lambda: eqx.nn.MLP(5, 7, 16, 2, jnp.tanh, key=KEY))
    x = normal(5)
    spectrum = jacobian_spectrum(model, x)
    jac = np.asarray(jax.jit(jax.jacfwd(model))(x), np.float64)
    expected = np.linalg.svd(jac, compute_uv=False)
    assert spectrum.exact
    assert spectrum.shape == (7, 5)
    np.testing.assert_allclose(spectrum.values, expected, rtol=1e-4)
    np.testing.assert_allclose(spectrum.mean_square, np.mean(expected**2), rtol=1e-5)
    assert "Jacobian 7 x 5, all singular values" in str(spectrum)


@pytest.mark.parametrize("shape", [(20, 30), (30, 20)])
def test_matrix_free_equals_dense(shape: tuple[int, int]):
    """A spectrum with gaps converges to rounding in twice as many steps as values."""
    left, right = (orthonormal(n, 20, seed=n) for n in shape)
    values = 1.5 ** -np.arange(20.0)
    matrix = jnp.asarray((left * values) @ right.T, jnp.float32)
    found = jacobian_spectrum(
        lambda x: matrix @ x, jnp.zeros(shape[1]), count=5, exact=False
    )
    assert not found.exact
    np.testing.assert_allclose(found.values, values[:5], rtol=1e-4)


@pytest.mark.parametrize(
    "shape", [(80, 100), pytest.param((100, 80), marks=pytest.mark.thorough)]
)
def test_repeated_values(shape: tuple[int, int]):
    """As often as they are there, and no less: from one vector each is found once."""
    left, right = (orthonormal(n, 80, seed=n) for n in shape)
    values = np.repeat([3.0, 2.0, 1.0], [8, 2, 70])
    matrix = jnp.asarray((left * values) @ right.T, jnp.float32)
    found = jacobian_spectrum(
        lambda x: matrix @ x, jnp.zeros(shape[1]), count=12, exact=False
    )
    np.testing.assert_allclose(found.values, values[:12], rtol=1e-5)
    flat = jacobian_spectrum(lambda x: 2 * x, jnp.zeros(30), count=40, exact=False)
    np.testing.assert_allclose(flat.values, np.full(30, 2.0), rtol=1e-5)


def test_mean_square_of_random_directions():
    fn = gaussian(64, 2)
    x = jnp.zeros(64)
    exact = jacobian_spectrum(fn, x)
    estimate = jacobian_spectrum(fn, x, exact=False, probes=256)
    # Hutchinson with signs: the variance of one probe is at most 2 |J'J|_F^2; five
    # standard errors of 256 fail once in two million seeds.
    gram = np.sum(np.asarray(exact.values, np.float64) ** 4)
    error = math.sqrt(2 * gram / 256) / 64
    assert abs(float(estimate.mean_square - exact.mean_square)) < 5 * error


def test_dynamical_isometry():
    """Orthogonal layers: all 1. Gaussian ones: a few large, a tail to zero."""
    spread = jacobian_spectrum(gaussian(64, 20), jnp.zeros(64))
    rotations = np.stack([orthonormal(64, 64, seed=i) for i in range(20)])
    rotation = DeepLinear(jnp.asarray(rotations, jnp.float32))
    flat = jacobian_spectrum(rotation, jnp.zeros(64))
    np.testing.assert_allclose(flat.values, 1.0, atol=1e-5)
    assert float(spread.condition) > 1e6


def test_pytrees_and_transformations():
    def fn(x):
        return {"a": 2 * x["p"], "b": 3 * x["q"], "n": 4}

    at = {"p": jnp.zeros(3), "q": jnp.zeros(2)}
    values = eqx.filter_jit(jacobian_spectrum)(fn, at).values
    np.testing.assert_allclose(values, [3, 3, 2, 2, 2], rtol=1e-6)


def test_nothing_to_differentiate():
    with pytest.raises(ValueError, match="0 x 3: both the input and the output"):
        jacobian_spectrum(lambda x: 1, jnp.zeros(3))
