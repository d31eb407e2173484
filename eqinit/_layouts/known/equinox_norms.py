"""`eqx.nn.WeightNorm` and `eqx.nn.SpectralNorm`: layers that rescale a weight."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._laws.transforms import Domain
from ..nodes import at, put
from ..parametrizations import (
    Parametrization,
    domain_of,
    effective,
    set_effective,
)


def _norm(value: Any, like: Any) -> Any:
    """The norm over every axis along which `like` has length one.

    Read off the shape of `g`, which holds for any `axis` and any number of stacks.
    """
    axes = tuple(i for i, n in enumerate(like.shape) if n == 1)
    square = jnp.square(jnp.abs(value))
    return jnp.sqrt(jnp.sum(square, axis=axes, keepdims=True)).astype(like.dtype)


def _direction(value: Any, norm: Any) -> Any:
    # A weight of zeros has no direction, and 0 / |0| is nan in the layer's forward
    # pass: any direction will do where g is zero.
    return jnp.where(norm == 0, jnp.ones_like(value), value)


def rows_times(
    node: Any, direction: str, length: str, *, in_place: bool = False
) -> Parametrization:
    """Weight normalisation: what is in one field has the norms that another holds.

    Both may be parametrized themselves: paramax keeps the norms through a softplus,
    which is never zero.
    """

    def get(node: Any) -> Any:
        v, g = effective(at(node, direction)), effective(at(node, length))
        return v * (g / _norm(v, g)).astype(v.dtype)

    def set_(node: Any, value: Any) -> Any:
        g = at(node, length)
        norm = _norm(value, effective(g))
        v = set_effective(at(node, direction), _direction(value, norm))
        return put(put(node, direction, v), length, set_effective(g, norm))

    return Parametrization(
        direction,
        get,
        set_,
        in_place=in_place,
        follows=() if in_place else (length,),
        domain=Domain(zero=domain_of(at(node, length)).holds(0, 0)),
    )


def weight_norm(node: Any) -> Parametrization | None:
    return rows_times(node, f"layer.{node.weight_name}", "g")


def power_iterate(weight: Any, like: tuple[Any, Any], steps: int = 15) -> Any:
    """Singular vectors of a weight, by as many steps as Equinox's constructor takes.

    `like` has the shapes `(*stacks, out)` and `(*stacks, in)` and is not read.
    """
    u, v = like
    matrix = jnp.reshape(weight, (*u.shape, v.shape[-1]))
    # A fixed start: what follows from a weight depends on that weight alone.
    right = jax.random.normal(jax.random.key(0), v.shape, v.dtype)
    left = jnp.zeros(u.shape, u.dtype)
    for _ in range(steps):
        left = _unit(jnp.einsum("...oi,...i->...o", matrix, right))
        right = _unit(jnp.einsum("...oi,...o->...i", matrix, left))
    return left.astype(u.dtype), right.astype(v.dtype)


def _unit(vector: Any) -> Any:
    norm = jnp.sqrt(jnp.sum(jnp.square(vector), axis=-1, keepdims=True))
    return vector / jnp.maximum(norm, jnp.asarray(1e-12, norm.dtype))


def _set_spectral_norm(node: Any, value: Any) -> Any:
    node = put(node, f"layer.{node.weight_name}", value)
    if _spectral_index(node) is not None:
        return node
    init = node.uv_index.init
    return eqx.tree_at(lambda n: n.uv_index.init, node, power_iterate(value, init))


def _spectral_index(node: Any) -> eqx.nn.StateIndex[Any] | None:
    # `make_with_state` moves the vectors away and leaves a sentinel.
    return None if isinstance(node.uv_index.init, tuple) else node.uv_index


def spectral_norm(node: Any) -> Parametrization | None:
    return Parametrization(
        f"layer.{node.weight_name}",
        lambda node: at(node, f"layer.{node.weight_name}"),
        _set_spectral_norm,
        in_place=False,
        index=_spectral_index,
        carry=power_iterate,
        note="SpectralNorm divides by the largest singular value when called",
    )
