"""How far a unit law can go, against every number that jax's bits can make."""

import inspect
import math

import jax
import jax.extend.random
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eqinit import bases


pytestmark = pytest.mark.thorough


def _bits(key: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    """Those that `jax.random.uniform` puts into a float's fraction: its 23 or 52."""
    del key
    dtype, fraction = {32: (jnp.uint32, 23), 64: (jnp.uint64, 52)}[width]
    size = math.prod(shape)
    counted = jnp.arange(size, dtype=dtype)
    # From both ends where there are fewer entries than bits: 0 1 2 ... -3 -2 -1
    counted = jnp.where(counted < size // 2, counted, counted - dtype(size))
    return (counted << dtype(width - fraction)).reshape(shape)


# Random bits in order: with as many entries as there are fractions, all that there are.
ALL_BITS = jax.extend.random.define_prng_impl(
    key_shape=(1,),
    seed=lambda seed: jnp.zeros((1,), jnp.uint32),
    split=lambda key, shape: jnp.zeros((*shape, 1), jnp.uint32),
    random_bits=_bits,
    fold_in=lambda key, data: key,
    name="all_bits",
)


def drawn(base: bases.AbstractBase, dtype: str) -> np.ndarray:
    """All that there are in float32; of wider ones, those at both ends."""
    count = 2**23 if dtype == "float32" else 2**12
    key = jax.random.key(0, impl=ALL_BITS)
    return np.abs(jax.jit(lambda: base.sample(key, (count,), dtype))())


BASES: dict[str, list[bases.AbstractBase]] = {
    "RandomPhase": [bases.RandomPhase()],
    "RandomSign": [bases.RandomSign()],
    "RandomTernary": [bases.RandomTernary(0.5)],
    "StandardCauchy": [bases.StandardCauchy()],
    "StandardLaplace": [bases.StandardLaplace()],
    "StandardLogistic": [bases.StandardLogistic()],
    "StandardStudentT": [
        bases.StandardStudentT(df) for df in (0.36, 0.5, 1.0, 3.0, 50.0, 1e6)
    ],
    "StandardHalfNormal": [bases.StandardHalfNormal()],
    "UnitExponential": [bases.UnitExponential()],
    "StandardNormal": [bases.StandardNormal()],
    "SymmetricUniform": [bases.SymmetricUniform()],
    "TruncatedStandardNormal": [
        bases.TruncatedStandardNormal(),
        bases.TruncatedStandardNormal(-1.0, 3.0),
        bases.TruncatedStandardNormal(-100.0, 100.0),
    ],
}


def test_no_base_is_missing() -> None:
    known = {*BASES, "UnitGamma"}  # which a loop draws, from keys of its own
    assert known == {
        name
        for name, cls in vars(bases).items()
        if inspect.isclass(cls) and not inspect.isabstract(cls)
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("base", [one for each in BASES.values() for one in each])
def test_no_draw_is_farther(base: bases.AbstractBase, dtype: str) -> None:
    try:
        base.fits(dtype.startswith("complex"))
    except ValueError:
        return  # of the other kind of numbers
    with jax.enable_x64(dtype in ("float64", "complex128")):
        largest, far = float(drawn(base, dtype).max()), base.farthest(dtype)
    assert far is not None
    # Rounded by a few operations at most, and no wild guess either: the angle of Cauchy
    # ends `pi eps` before its pole, less or more two roundings of half an eps each.
    assert far * 2 / (math.pi + 1) < largest * (1 + 1e-5)
    assert largest <= far * (1 + 100 * float(jnp.finfo(dtype).eps))


def test_what_overflows_is_said_to_be_infinite() -> None:
    base = bases.StandardStudentT(0.35)
    assert not np.isfinite(drawn(base, "float32")).all()
    assert base.farthest("float32") == np.inf


@pytest.mark.parametrize("shape", [1e-3, 0.1, 0.9, 1.0, 3.0, 1e4])
def test_gamma_goes_as_far_as_a_normal_that_it_is_made_of(shape: float) -> None:
    base, count = bases.UnitGamma(shape), 2**14
    far = base.farthest("float32")
    assert far is not None
    assert float(base.sample(jax.random.key(0), (count,), "float32").max()) < far
    # What two to the 23 draws exceed once, by its law, and no wild guess.
    law = stats.gamma(max(shape, 1.0))
    assert stats.gamma(shape).isf(2.0**-23) < far < 2 * law.isf(2.0**-23)


def test_no_draw_of_a_logistic_is_a_tail_of_jax() -> None:
    """Its own are 87 below the mean, once in 8 million entries: its law says e^-87."""
    values = drawn(bases.StandardLogistic(), "float32").astype(np.float64)
    # One in the last of 2^23 equal shares.
    assert stats.logistic.isf(2.0**-22) < values.max() < stats.logistic.isf(2.0**-24)
