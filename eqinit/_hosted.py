"""Functions of numpy arrays that `jax.vmap` maps as a whole, outside of any trace."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def hosted(fn: Callable[..., Any], shapes: Any) -> Callable[..., Any]:
    """`fn` under `jax.vmap`: called once, with the axes of all members in front.

    Outside of a trace what `vmap` maps over is at hand, behind its tracer. jax would
    run every operation for all members, and compile it for their shapes; here numpy
    gets the arrays, and nothing is compiled. Not for use under `jit`.

    **Arguments:**

    - `fn`: of arrays, each of which may have any number of axes in front, the same for
        all; its results have them in front as well.
    - `shapes`: a tree of `jax.ShapeDtypeStruct`, the results' without such axes.
    """

    @jax.custom_batching.custom_vmap
    def call(*args: Any) -> Any:
        # Traced by jax for its shapes, and asked for values by nobody who maps.
        return jax.pure_callback(fn, shapes, *args)

    @call.def_vmap
    def _(size: int, batched: Sequence[bool], *args: Any) -> Any:
        whole = [
            x if b else _repeated(x, size) for x, b in zip(args, batched, strict=True)
        ]
        if any(isinstance(x, Tracer) for x in whole):  # mapped by another `vmap` too
            more = jax.tree.map(lambda s: _with_axis(size, s), shapes)
            values = hosted(fn, more)(*whole)
        else:
            values = fn(*map(np.asarray, whole))
        return values, jax.tree.map(lambda _: True, shapes)

    return call


def _with_axis(size: int, shape: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((size, *shape.shape), shape.dtype)


def _repeated(x: Any, size: int) -> Any:
    xp = jnp if isinstance(x, Tracer) else np
    return xp.broadcast_to(x, (size, *np.shape(x)))
