"""What every row of the page about flax has to do."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from helpers import same_bits, same_normals


I = jax.nn.initializers  # noqa: E741
KEY = jax.random.key(42)
Check = Callable[[Any], None]


def bits_of(theirs: Any, shape: tuple[int, ...] = (2, 3)) -> Check:
    """The same bits as flax's, which are jax's."""

    def check(init: Any) -> None:
        for key in (KEY, jax.random.key(0)):
            ours = init(key, shape, jnp.float32, axes="*kernel in out")
            assert same_bits(ours, theirs(key, shape, jnp.float32))

    return check


def normals_of(theirs: Any, shape: tuple[int, ...] = (2, 3)) -> Check:
    """The same bits, but for the rounding that jax has saved itself from 0.12 on."""

    def check(init: Any) -> None:
        for key in (KEY, jax.random.key(0)):
            ours = init(key, shape, jnp.float32, axes="*kernel in out")
            assert same_normals(ours, theirs(key, shape, jnp.float32))

    return check


def drawn_as(theirs: jax.Array) -> Check:
    """The expression is a draw, of `jax.random.key(0)`."""

    def check(ours: jax.Array) -> None:
        assert same_bits(ours, theirs)

    return check


def _drawn(theirs: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return theirs(jax.random.key(0), shape, dtype)


def _as_jax(gain: float) -> Check:
    def check(made: Any) -> None:
        ours = made(KEY, (2, 3), jnp.float32)
        wanted = I.variance_scaling(2 * gain**2, "fan_in", "truncated_normal")
        assert same_bits(ours, wanted(KEY, (2, 3), jnp.float32))

    return check


def _rounded(theirs: jax.Array) -> Check:
    return drawn_as(theirs.astype(jnp.bfloat16))


CHECKS: dict[str, Check] = {
    "`constant(value)`": bits_of(I.constant(-7)),
    "`constant(value, dtype)`": drawn_as(_drawn(I.constant(-7), (2, 3), jnp.float16)),
    "`delta_orthogonal()`": bits_of(I.delta_orthogonal(), (3, 3, 3)),
    "`delta_orthogonal(scale)`": bits_of(I.delta_orthogonal(2.0), (3, 2, 4)),
    "`delta_orthogonal(column_axis)`": drawn_as(
        # Equinox's (out, in, k) is flax's (k, in, out) with its axes in another order.
        _drawn(I.delta_orthogonal(), (3, 2, 4)).transpose(2, 1, 0)
    ),
    "`glorot_normal()`": bits_of(I.glorot_normal()),
    "`glorot_normal(in_axis, out_axis)`": drawn_as(
        _drawn(I.glorot_normal(in_axis=1, out_axis=0), (3, 2))
    ),
    "`glorot_normal(batch_axis)`": drawn_as(
        _drawn(I.glorot_normal(batch_axis=0), (5, 2, 3))
    ),
    "`glorot_uniform()`": bits_of(I.glorot_uniform()),
    "`he_normal()`": bits_of(I.he_normal()),
    "`he_uniform()`": bits_of(I.he_uniform()),
    "`kaiming_normal()`": bits_of(I.kaiming_normal()),
    "`kaiming_uniform()`": bits_of(I.kaiming_uniform()),
    "`lecun_normal()`": bits_of(I.lecun_normal()),
    "`lecun_uniform()`": bits_of(I.lecun_uniform()),
    "`normal(stddev)`": normals_of(I.normal(5.0)),
    "`normal()`": normals_of(I.normal()),
    "`truncated_normal(stddev)`": bits_of(I.truncated_normal(5.0)),
    "`truncated_normal(stddev, lower, upper)`": bits_of(
        I.truncated_normal(5.0, lower=-1.0, upper=2.5)
    ),
    "`ones`": bits_of(I.ones),
    "`ones_init()`": bits_of(I.ones),
    "`orthogonal()`": bits_of(I.orthogonal()),
    "`orthogonal(scale)`": bits_of(I.orthogonal(2.0), (3, 3)),
    "`orthogonal(column_axis)`": drawn_as(
        # Rows of `in` and then taps, where flax has taps and then `in`.
        _drawn(I.orthogonal(column_axis=0), (4, 2, 3))
    ),
    "`uniform(scale)`": bits_of(I.uniform(10.0)),
    '`variance_scaling(scale, "fan_in", "truncated_normal")`': bits_of(
        I.variance_scaling(3.0, "fan_in", "truncated_normal"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_out", "normal")`': normals_of(
        I.variance_scaling(3.0, "fan_out", "normal"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_avg", "uniform")`': bits_of(
        I.variance_scaling(3.0, "fan_avg", "uniform"), (3, 4, 5)
    ),
    '`variance_scaling(scale, "fan_geo_avg", ...)`': bits_of(
        I.variance_scaling(3.0, "fan_geo_avg", "uniform"), (3, 4, 5)
    ),
    "`variance_scaling(..., in_axis, out_axis, batch_axis)`": drawn_as(
        _drawn(
            I.variance_scaling(
                3.0, "fan_in", "truncated_normal", in_axis=2, out_axis=1, batch_axis=0
            ),
            (5, 3, 2),
        )
    ),
    "`variance_scaling(..., dtype)`": _rounded(
        _drawn(I.variance_scaling(3.0, "fan_in", "truncated_normal"), (2, 3))
    ),
    "`xavier_normal()`": bits_of(I.xavier_normal()),
    "`xavier_uniform()`": bits_of(I.xavier_uniform()),
    "`zeros`": bits_of(I.zeros),
    "`zeros_init()`": bits_of(I.zeros),
    "`out_sharding` of a call": drawn_as(_drawn(I.he_normal(), (2, 3))),
    "any of them in a rule": bits_of(I.he_normal()),
    "to flax": _as_jax(0.5),
}
