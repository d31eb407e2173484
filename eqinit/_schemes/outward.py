"""Hand eqinit's initializers to other libraries."""

from collections.abc import Callable
from typing import Any

import jax

from .._parameters.spec import make_spec
from .._typing import Array, DTypeLike, Key, Number, PositiveNumber, checked
from .initializer import AbstractInitializer


_FLAX = "*kernel in out"


@checked
def to_jax(
    init: AbstractInitializer,
    axes: str | None = _FLAX,
    *,
    fan_in: PositiveNumber | None = None,
    fan_out: PositiveNumber | None = None,
) -> Callable[..., Array]:
    """An initializer with the signature of `jax.nn.initializers` and flax.

    **Arguments:**

    - `init`: an eqinit initializer.
    - `axes`: what the axes mean where it will be called; flax stores
        `*kernel in out`, and biases are vectors. `None` for parameters without.
    - `fan_in`, `fan_out`: connections, for a parameter whose shape does not say them.

    **Returns:** a function `(key, shape, dtype=float, out_sharding=None)`.
    """

    def initialise(
        key: Key, shape: Any, dtype: DTypeLike = None, out_sharding: Any = None
    ) -> Array:
        text = axes if len(shape) > 1 or axes != _FLAX else "*out"
        drawn = _draw(init, key, shape, dtype, text, fan_in, fan_out)
        return drawn if out_sharding is None else jax.device_put(drawn, out_sharding)

    return initialise


@checked
def to_klax(init: AbstractInitializer, axes: str = "in out") -> Callable[..., Array]:
    """An initializer that follows klax's protocol `(key, shape, fan_in, dtype)`.

    **Arguments:**

    - `init`: an eqinit initializer.
    - `axes`: what the axes of two-dimensional parameters mean; klax stores `in out`.
        One-dimensional ones are biases, whose fan is the `fan_in` they are handed.

    **Returns:** a function `(key, shape, fan_in, dtype=float)`.
    """

    def initialise(key: Key, shape: Any, fan_in: int, dtype: DTypeLike = None) -> Array:
        text = axes if len(shape) > 1 else "out"
        return _draw(init, key, shape, dtype, text, fan_in, None)

    return initialise


def _draw(
    init: AbstractInitializer,
    key: Key,
    shape: Any,
    dtype: DTypeLike,
    axes: str | None,
    fan_in: Number | None,
    fan_out: Number | None,
) -> Array:
    dtype = jax.dtypes.canonicalize_dtype(float) if dtype is None else dtype
    shape = tuple(int(n) for n in shape)
    spec = make_spec(shape, dtype, axes, fan_in=fan_in, fan_out=fan_out)
    init.check(spec)
    return init.draw(key, spec)
