"""The same bits whoever calls: eager, compiled, mapped or in bulk."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from .._typing import Array, Key


_T = TypeVar("_T")
_P = ParamSpec("_P")


def whole(method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """`method(*args)` as one compiled program, in the caller's `jit` or outside of one.

    Op by op, `a + b * c` rounds twice; what a compiler sees together it may round once.
    So a draw is always compiled, as a whole, and nothing around it gets in. Python
    floats become arguments: one compile for all values.
    """
    args, kwargs = jtu.tree_map(_lift, (args, kwargs))
    return _run(method, args, kwargs)


def apart(x: Array) -> Array:
    """`x`, rounded: what made it is not fused into what uses it.

    A compiler turns a product and a sum into one operation, which rounds once; an eager
    call, or a program cut elsewhere, rounds twice. jax 0.10 does so across barriers. It
    does not through a selection, which keeps every value, -0.0 and infinities included.
    """
    if jnp.iscomplexobj(x):
        return jax.lax.complex(apart(x.real), apart(x.imag))
    return jax.lax.select(x == x, x, jax.lax.full_like(x, np.nan))


def affine(x: Array, scale: Array, loc: Array | None) -> Array:
    """`x * scale + loc` with both operations rounded, be it compiled or not."""
    scaled = apart(x * scale)
    return scaled if loc is None else apart(scaled + loc)


def _finished(leaf: Any) -> Any:
    inexact = eqx.is_inexact_array(leaf)
    return apart(jax.lax.optimization_barrier(leaf)) if inexact else leaf


def _lift(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf


@eqx.filter_jit
def _run(method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    arrays, rest = eqx.partition((args, kwargs), _may_hold_constants)
    # Without the barrier the numbers, which are constants inside a user's own jit,
    # would be folded into the arithmetic there and not here.
    if jtu.tree_leaves(arrays):
        arrays = jax.lax.optimization_barrier(arrays)
    args, kwargs = eqx.combine(arrays, rest)
    return jtu.tree_map(_finished, method(*args, **kwargs))


def _may_hold_constants(leaf: Any) -> bool:
    is_key = eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return eqx.is_array(leaf) and not is_key


def one_by_one(draw: Callable[[Key], Array], key: Key) -> Array:
    """`draw(key)`, and under `vmap` one key after the other.

    Sums and products of a batch of matrices are not, bit for bit, those of each. `draw`
    may close over Python numbers but over nothing traced.
    """
    return jax.custom_batching.sequential_vmap(draw)(key)
