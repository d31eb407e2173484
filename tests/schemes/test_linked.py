"""Schemes whose parameters have to agree: drawn apart, from the key of their layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import follows, uniform_cdf

import eqinit as ei


WIDTH, HEADS = 24, 3


@pytest.fixture(scope="module")
def attention() -> eqx.nn.MultiheadAttention:
    model = eqx.nn.MultiheadAttention(HEADS, WIDTH, key=jax.random.key(0))
    rules = [
        ei.Rule("query_proj", weight=ei.transformer.Mimetic("query", heads=HEADS)),
        ei.Rule("key_proj", weight=ei.transformer.Mimetic("key", heads=HEADS)),
        ei.Rule("value_proj", weight=ei.transformer.Mimetic("value")),
        ei.Rule("output_proj", weight=ei.transformer.Mimetic("output")),
    ]
    return ei.apply(model, jax.random.key(1), rules)


def product(left: jax.Array, right: jax.Array) -> np.ndarray:
    return np.asarray(left, np.float64) @ np.asarray(right, np.float64)


# A float32 SVD of a matrix of norm about 2, and a product of its factors.
GRAIN = 128 * 2**-24


def test_value_and_output_multiply_to_the_matrix(attention):
    # In the order that the layer multiplies: the output's weight from the left.
    a = product(attention.output_proj.weight, attention.value_proj.weight)
    noise = (a + 0.4 * np.eye(WIDTH)) / 0.4 * np.sqrt(WIDTH)
    # 576 squares of normals: five deviations.
    assert abs(noise.var() - 1) < 5 * np.sqrt(2 / WIDTH**2)
    assert abs(noise.trace() / np.sqrt(WIDTH)) < 5
    # The other order gives some other matrix.
    swapped = product(attention.value_proj.weight, attention.output_proj.weight)
    assert np.abs(swapped - a).max() > 0.1


def test_query_and_key_multiply_to_its_best_approximation(attention):
    k = WIDTH // HEADS
    queries = attention.query_proj.weight.reshape(HEADS, k, WIDTH)
    keys = attention.key_proj.weight.reshape(HEADS, k, WIDTH)
    for query, key in zip(queries, keys, strict=True):
        a = product(query.T, key)
        values = np.linalg.svd(a, compute_uv=False)
        assert values[k:].max() < GRAIN
        # Balanced: the two factors share the singular values' roots.
        assert np.allclose((np.asarray(query) ** 2).sum(1), values[:k], rtol=1e-5)
        # The diagonal of 0.7 I + 0.7 Z, of which the largest third is kept.
        assert a.trace() > 0.3 * WIDTH * 0.7
    # Heads are drawn apart: one's queries with another's keys multiply to noise, which
    # has no diagonal. The trace of n x n independent entries deviates by the norm over
    # sqrt(n): five of those.
    other = product(queries[0].T, keys[1])
    assert abs(other.trace()) < 5 * np.linalg.norm(other) / np.sqrt(WIDTH)
    assert not np.allclose(queries[0], queries[1])


def test_factors_follow_the_key_and_not_the_order_of_rules(attention):
    model = eqx.nn.MultiheadAttention(HEADS, WIDTH, key=jax.random.key(5))
    rule = ei.Rule("value_proj", weight=ei.transformer.Mimetic("value"))
    alone = ei.apply(model, jax.random.key(1), rule).value_proj.weight
    assert np.array_equal(alone, attention.value_proj.weight)
    other = ei.apply(model, jax.random.key(2), rule).value_proj.weight
    assert not np.allclose(alone, other)


def test_mimetic_says_what_does_not_fit():
    with pytest.raises(ValueError, match="5 heads and a query weight of 24 x 24"):
        ei.transformer.Mimetic("query", heads=5)(
            jax.random.key(0), (24, 24), axes="out in"
        )


class Lru(eqx.Module):
    nu_log: jax.Array
    theta_log: jax.Array
    gamma_log: jax.Array


class Stack(eqx.Module):
    layers: list[Lru]


def lru(size: int) -> Lru:
    return Lru(*(jnp.zeros(size) for _ in range(3)))


def test_ring_parts_agree():
    model = Stack([lru(900), lru(900)])
    model = ei.apply(
        model, jax.random.key(0), ei.Rule(Lru, **ei.ssm.lru_ring(0.4, 0.99))
    )
    for layer in model.layers:
        square = np.exp(-2 * np.exp(np.asarray(layer.nu_log, np.float64)))
        gamma = np.exp(np.asarray(layer.gamma_log, np.float64))
        # Both forms keep 1 - |lambda|^2 >= 0.02 to a few roundings of 6e-8.
        assert np.allclose(gamma**2, 1 - square, rtol=2e-5)
        assert follows(square, uniform_cdf(0.16, 0.9801))
    first, second = model.layers
    assert not np.allclose(first.nu_log, second.nu_log)
    # Modulus and phase are independent.
    corr = np.corrcoef(first.nu_log, first.theta_log)[0, 1]
    assert abs(corr) < 5 / np.sqrt(900)


def test_ring_keeps_the_variance_of_white_noise():
    # Sum over t of |lambda|^(2t) gamma^2 = 1, whatever lambda: state variance one.
    model = ei.apply(
        lru(64), jax.random.key(0), ei.Rule(Lru, **ei.ssm.lru_ring(0.0, 0.9))
    )
    square = np.exp(-2 * np.exp(np.asarray(model.nu_log, np.float64)))
    gamma = np.exp(np.asarray(model.gamma_log, np.float64))
    powers = square[:, None] ** np.arange(400)
    assert np.abs((powers * gamma[:, None] ** 2).sum(1) - 1).max() < 1e-5


def test_ring_bounds():
    with pytest.raises(ValueError, match="`r_min` must be below `r_max`"):
        ei.ssm.LruRing("nu_log", 0.9, 0.5)
