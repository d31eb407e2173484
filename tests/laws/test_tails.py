"""How far a law with heavy tails can go, against every number that jax can draw."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eqinit._laws.heavy_tails import AbstractHeavyTail, StandardCauchy, StandardStudentT


pytestmark = pytest.mark.thorough

# `jax.random.uniform` fills the 23 bits of a float32's fraction: these are all draws.
_ALL = np.arange(2**23, dtype=np.float32) * np.float32(2**-23)


def _every(
    key: jax.Array,
    shape: object,
    dtype: object = np.float32,
    minval: float = 0.0,
    maxval: float = 1.0,
) -> jax.Array:
    """As `jax.random.uniform` ends, for all bits there are."""
    del key, shape, dtype
    low, high = np.float32(minval), np.float32(maxval)
    return jnp.maximum(low, jnp.asarray(_ALL) * (high - low) + low)


@pytest.mark.parametrize(
    "base",
    [StandardCauchy(), *map(StandardStudentT, [0.36, 0.5, 1.0, 3.0, 50.0, 1e6])],
    ids=str,
)
def test_no_draw_is_farther(
    base: AbstractHeavyTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(jax.random, "uniform", _every)
        with jax.disable_jit():
            drawn = base.sample(jax.random.key(0), _ALL.shape, np.float32)
    largest = float(jnp.max(jnp.abs(drawn)))
    far = base.farthest(np.float32)
    # Rounded by a few float32 operations at most, and no wild guess either.
    assert far / 1.5 < largest <= far * (1 + 1e-5)


def test_what_overflows_is_said_to_be_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    base = StandardStudentT(0.35)
    monkeypatch.setattr(jax.random, "uniform", _every)
    drawn = base.sample(jax.random.key(0), _ALL.shape, np.float32)
    assert not np.isfinite(drawn).all()
    assert base.farthest(np.float32) == np.inf
