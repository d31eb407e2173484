"""What several tests measure with; every limit comes with its odds."""

import contextlib
import functools
import math
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


# A normal deviate is beyond 5 once in 1.7 million draws.
SIGMAS = 5.0
# Kolmogorov: sqrt(n) D exceeds x with probability 2 exp(-2 x^2), here one in a million.
KS_LIMIT = 2.7

# `--reseed`: another choice of what is random.
RESEED = int(os.environ.get("EQINIT_RESEED", "0"))

Cdf = Callable[[np.ndarray], np.ndarray]

_erf = np.vectorize(math.erf)


def normal_cdf(x: np.ndarray) -> np.ndarray:
    return (1 + _erf(np.asarray(x, np.float64) / math.sqrt(2))) / 2


def truncated_cdf(lower: float, upper: float) -> Cdf:
    low, high = normal_cdf(np.array([lower, upper]))
    return lambda x: (normal_cdf(x) - low) / (high - low)


def uniform_cdf(lower: float, upper: float) -> Cdf:
    return lambda x: np.clip((x - lower) / (upper - lower), 0, 1)


def ks(values: np.ndarray, cdf: Cdf) -> float:
    """sqrt(n) times the largest gap between the empirical and the true cdf."""
    x = np.sort(np.asarray(values, np.float64).ravel())
    n = x.size
    f = cdf(x)
    above = np.arange(1, n + 1) / n - f
    below = f - np.arange(n) / n
    return math.sqrt(n) * float(np.maximum(above, below).max())


def follows(values: np.ndarray, cdf: Cdf) -> bool:
    return ks(values, cdf) < KS_LIMIT


def z_of_std(
    values: np.ndarray, std: float, mean: float = 0.0, kurtosis: float = 3.0
) -> float:
    """How far the sample's second moment is off, in units of its sampling error.

    The mean of n squares deviates by sqrt((kurtosis - 1) / n), relative to its value.
    The default, 3, is a normal's: uniform and truncated laws have less.
    """
    wide = np.abs(np.asarray(values).astype(np.complex128) - mean) ** 2
    error = math.sqrt((kurtosis - 1) / wide.size)
    return float(wide.mean() / std**2 - 1) / error


def z_of_mean(values: np.ndarray, mean: float, std: float) -> float:
    off = np.asarray(values, np.float64).mean() - mean
    return float(off) / (std / math.sqrt(np.size(values)))


def has_std(values: np.ndarray, std: float) -> bool:
    """Within five sampling errors: fails once in 1.7 million seeds."""
    return abs(z_of_std(values, std)) < SIGMAS


def bits(array: jax.Array) -> np.ndarray:
    """The bytes of an array, so that `==` tells -0.0 from 0.0 and nan equals nan."""
    return np.frombuffer(np.asarray(array).tobytes(), np.uint8)


def same_bits(a: jax.Array, b: jax.Array) -> bool:
    alike = (a.shape, a.dtype) == (b.shape, b.dtype)
    return alike and bool((bits(a) == bits(b)).all())


def enable_x64() -> contextlib.AbstractContextManager[None]:
    switch = getattr(jax, "enable_x64", None)
    if switch is None:  # before jax 0.8
        from jax.experimental import enable_x64 as switch
    return switch(True)


@functools.cache
def jax_rounds_once() -> bool:
    """Whether `jax.nn.initializers.normal` multiplies by sqrt(2) std in one step.

    It does from jax 0.12 on. Before, as in `jax.random.normal(key) * std`, which is
    what eqinit draws under any version, sqrt(2) and std are two steps.
    """
    key = jax.random.key(0)
    twice = jax.random.normal(key, (64, 64)) * jnp.float32(0.3)
    return not same_bits(jax.nn.initializers.normal(0.3)(key, (64, 64)), twice)


def same_normals(ours: jax.Array, theirs: jax.Array) -> bool:
    """The same bits, or where jax rounds once the same up to that.

    Either product has two roundings of 2^-24 each, so they are 2^-22 apart at most,
    which is four units of the last place where these are smallest.
    """
    if not jax_rounds_once():
        return same_bits(ours, theirs)
    gap = np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64))
    return bool((gap <= 2**-22 * np.abs(np.asarray(theirs, np.float64))).all())


def compilations(apply: Callable[[], Any]) -> int:
    """How many programs are compiled meanwhile."""
    events: list[str] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        del duration
        if "backend_compile" in event:
            events.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        apply()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return len(events)
