"""Positive layers: what the pair promises for one layer, measured."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import SIGMAS

import eqinit as ei
from eqinit._laws.gains import expectation, gain, product_expectation


N, BATCH, DRAWS = 512, 64, 24


def inputs(rng: np.random.Generator, corr: float = 0.5) -> np.ndarray:
    """Normals whose features have correlation `corr`: one common part a sample."""
    common = rng.normal(size=(BATCH, 1))
    return math.sqrt(corr) * common + math.sqrt(1 - corr) * rng.normal(size=(BATCH, N))


def layer(activation: str, matched: bool) -> np.ndarray:
    """Pre-activations behind one positive layer, for `DRAWS` nets."""
    pair = ei.hoedt(activation=activation, matched=matched)
    rng = np.random.default_rng(3)
    fn = getattr(jax.nn, activation)
    found = []
    for key in jax.random.split(jax.random.key(0), DRAWS):
        w = np.asarray(pair["weight"](key, (64, N), axes="out in"), np.float64)
        b = np.asarray(pair["bias"](key, (64,), fan_in=N), np.float64)
        found.append(np.asarray(fn(jnp.asarray(inputs(rng)))) @ w.T + b)
    return np.stack(found)


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_matched_layer_keeps_mean_and_second_moment(activation: str):
    h = layer(activation, matched=True)
    # Samples are independent, features share the common part: 24 * 64 draws of it,
    # which carries a share 1/2 of the variance.
    error = math.sqrt(0.5 / (DRAWS * BATCH))
    assert abs(h.mean()) < SIGMAS * error
    # A common part c has c^2 of mean 1/2 and variance 1/2 (kurtosis at most 3; for
    # activations that are not odd it is skewed, hence the sample's own spread).
    squares = (h**2).mean(2).ravel()
    assert abs(squares.mean() - 1) < SIGMAS * squares.std() / math.sqrt(squares.size)


def test_plain_layer_has_less_than_was_asked_for():
    # The nominal second moment sits in weights that one draw in thousands has.
    h = layer("relu", matched=False)
    assert (h**2).mean() < 0.95


def test_klax_sign_is_wrong():
    pair = ei.hoedt(matched=True)
    key = jax.random.key(0)
    w = np.asarray(pair["weight"](key, (64, N), axes="out in"), np.float64)
    h = np.maximum(inputs(np.random.default_rng(3)), 0) @ w.T
    b = float(pair["bias"](key, (1,), fan_in=N)[0])
    assert b == pytest.approx(-0.739, abs=1e-3)
    # With + instead of - the mean is twice the shift. 64 samples of the common part.
    assert (h - b).mean() == pytest.approx(-2 * b, abs=SIGMAS * math.sqrt(0.5 / BATCH))


def test_relu_by_quadrature_is_the_closed_form():
    spec = ei.HoedtNormal().weight_moments, ei.HoedtNormal(activation="relu")
    for n in (1, 7, 512):
        s = _spec(n)
        assert spec[1].weight_moments(s) == pytest.approx(spec[0](s), rel=1e-7)


def _spec(n: int) -> ei.ParamSpec:
    return ei.ParamSpec((n,), np.dtype(np.float32), fan_in=float(n))


def test_leaky_slope_by_quadrature():
    def leaky(x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, x, 0.2 * x)

    closed = ei.HoedtBias(negative_slope=0.2).positive_moments(_spec(40))
    found = ei.HoedtBias(activation=leaky).positive_moments(_spec(40))
    assert found == pytest.approx(closed, rel=1e-6)


def test_too_few_entries_to_match():
    init = ei.HoedtMatched()
    with pytest.raises(ValueError, match=r"1 positive entries a mean square of 1\.68"):
        init(jax.random.key(0), (1, 1), axes="out in")


def test_one_way_to_say_the_activation():
    with pytest.raises(ValueError, match=r"an activation and negative_slope=0\.2"):
        ei.HoedtNormal(negative_slope=0.2, activation="relu")


@pytest.mark.parametrize("corr", [-0.7, 0.0, 0.3, 0.999])
def test_product_expectation(corr: float):
    exact = (math.sqrt(1 - corr**2) + corr * math.acos(-corr)) / (2 * math.pi)
    assert product_expectation(jax.nn.relu, corr) == pytest.approx(exact, abs=1e-8)
    # E erf(a z) erf(a z') = 2/pi asin(2 a^2 corr / (1 + 2 a^2)).
    found = product_expectation(jax.scipy.special.erf, corr, 2.0)
    exact = 2 / math.pi * math.asin(8 * corr / 9)
    assert found == pytest.approx(exact, abs=1e-6)


def test_expectations_are_numbers_inside_jit():
    @jax.jit
    def scaled(x: jax.Array) -> jax.Array:
        return x * gain("tanh") * expectation(jax.nn.relu)

    wanted = 1.592537 / math.sqrt(2 * math.pi)
    assert float(scaled(jnp.ones(()))) == pytest.approx(wanted, rel=1e-6)


def test_unknown_activation():
    with pytest.raises(ValueError, match=r"no activation 'softplux' in jax\.nn"):
        gain("softplux")
