"""Moments of a layer whose weights are positive: mean 0 and a variance are kept."""

import functools
import math
from typing import NamedTuple

import jax.numpy as jnp

from .._laws.gains import Activation, activation_of, expectation, product_expectation
from .._typing import Number, ScalarLike


class Statistics(NamedTuple):
    """E phi, E phi^2 and E phi phi' of an activation on correlated normals."""

    mean: float
    square: float
    product: float


def _relu_product(corr: float) -> float:
    """E relu(x) relu(y) of two unit normals with this correlation."""
    return (math.sqrt(1 - corr**2) + corr * math.acos(-corr)) / (2 * math.pi)


def _leaky(corr: float, slope: float) -> Statistics:
    product = (1 + slope**2) * _relu_product(corr) - 2 * slope * _relu_product(-corr)
    mean = (1 - slope) / math.sqrt(2 * math.pi)
    return Statistics(mean, (1 + slope**2) / 2, product)


@functools.lru_cache(maxsize=256)
def _statistics(activation: Activation, corr: float, scale: float) -> Statistics:
    """By quadrature, for normals of standard deviation `scale`."""
    phi = activation_of(activation)
    square = expectation(lambda z: jnp.square(phi(z)), scale)
    return Statistics(
        expectation(phi, scale), square, product_expectation(phi, corr, scale)
    )


class PositiveMoments(NamedTuple):
    """Mean and variance of the weights, and the shift by the bias."""

    mean: float
    variance: float
    shift: ScalarLike


def positive_moments(
    fan: Number,
    var: ScalarLike,
    corr: Number,
    negative_slope: Number,
    activation: Activation | None,
) -> PositiveMoments:
    r"""Weight moments and bias for which mean 0, variance and correlation are kept.

    With $m_1 = E\phi$, $m_2 = E\phi^2$, $m_x = E\phi(x)\phi(y)$ at variance $\sigma^2$:
    $\mu^2 = \rho\sigma^2 / (n (m_2 + (n-1) m_x - n m_1^2))$,
    $v = (1-\rho)\sigma^2/(n m_2)$, $b = -n \mu m_1$.
    """
    if activation is None:
        # Homogeneous: the weights do not depend on the variance, the shift scales.
        stats, unit = _leaky(corr, negative_slope), 1.0
    else:
        unit = float(var)
        stats = _statistics(activation, corr, math.sqrt(unit))
    spread = stats.square + (fan - 1) * stats.product - fan * stats.mean**2
    mean = math.sqrt(corr * unit / (fan * spread))
    shift = -fan * mean * stats.mean
    if activation is None:
        shift = shift * var**0.5
    return PositiveMoments(mean, (1 - corr) * unit / (fan * stats.square), shift)
