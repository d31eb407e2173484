"""The same bits whoever calls."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu

from .._typing import Array, Key


_F = TypeVar("_F", bound=Callable[..., Any])


def _lift(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf


@eqx.filter_jit
def _run(method: Callable[..., Any], init: Any, args: Any) -> Any:
    arrays, rest = eqx.partition(init, eqx.is_array)
    # Without the barrier the numbers, which are constants inside a user's own jit,
    # would be folded into the arithmetic there and not here.
    if jtu.tree_leaves(arrays):
        arrays = jax.lax.optimization_barrier(arrays)
    return method(eqx.combine(arrays, rest), *args)


def one_by_one(draw: Callable[[Key], Array], key: Key) -> Array:
    """`draw(key)`, and under `vmap` one key after the other.

    Sums and products of a batch of matrices are not, bit for bit, those of each. `draw`
    may close over Python numbers but over nothing traced.
    """
    return jax.custom_batching.sequential_vmap(draw)(key)


def steady(method: _F) -> _F:
    """Run a method of an initializer as one compiled program.

    Op by op, `a + b * c` rounds twice; compiled, it may round once. A draw that does
    more than scale a base distribution goes through here, so that its values are the
    same eager, jitted and mapped. Floats of the initializer become arguments: one
    compile for all values.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any) -> Any:
        return _run(method, jtu.tree_map(_lift, self), args)

    return call  # pyright: ignore[reportReturnType]
