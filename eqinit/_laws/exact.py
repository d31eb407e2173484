"""The same bits whoever calls: eager, compiled, mapped or in bulk.

Three things move the last bit of a draw, and here is what holds against each:

- *What is compiled together.* `a + b * c` is rounded twice op by op, and once where a
  compiler sees it whole. A draw is one program (`whole`), and what must be rounded
  twice says so (`apart`, `affine`).
- *Constants.* Inside a user's `jit` a scale is a constant, which XLA folds into those
  of the base draw. A barrier keeps them apart.
- *Shapes.* XLA rounds one and the same expression in another way in loops of another
  shape. Seen on CPU: `jax.random.normal(key, (100, 3))` differs in 3% of its elements
  from the same draw of shape `(300,)` in jax 0.12, where inner loops of 3 to 5 are
  unrolled and other products go into their fused multiply-adds; for exponentials and
  logarithms those of up to 8 are. So entries are drawn flat (`entries`, `exp`), which
  is what a draw is, and shaped afterwards.
"""

import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax import lax

from .._typing import Array, Key, ScalarLike, Shape


_T = TypeVar("_T")
_P = ParamSpec("_P")


def whole(method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """`method(*args)` as one compiled program, in the caller's `jit` or outside of one.

    Python floats become arguments: one compile for all values.
    """
    args, kwargs = jtu.tree_map(_lift, (args, kwargs))
    return _run(method, args, kwargs)


def _lift(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, float) else leaf


@eqx.filter_jit
def _run(method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    arrays, rest = eqx.partition((args, kwargs), _may_be_constant)
    if jtu.tree_leaves(arrays):
        arrays = lax.optimization_barrier(arrays)
    args, kwargs = eqx.combine(arrays, rest)
    return jtu.tree_map(_finished, method(*args, **kwargs))


def _may_be_constant(leaf: Any) -> bool:
    is_key = eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return eqx.is_array(leaf) and not is_key


def _finished(leaf: Any) -> Any:
    inexact = eqx.is_inexact_array(leaf)
    return apart(lax.optimization_barrier(leaf)) if inexact else leaf


def apart(x: Array) -> Array:
    """`x`, rounded: what made it is not fused into what uses it.

    jax 0.10 fuses a product and a sum into one operation across a barrier. It does not
    across a selection, which keeps every value: -0.0, infinities and NaN included. Not
    one on `x == x`: of a uniform number times a constant LLVM knows that it is no NaN,
    and drops the selection. Of no product does it know that it has not overflowed.
    """
    if jnp.iscomplexobj(x):
        return lax.complex(apart(x.real), apart(x.imag))
    # By the largest number and not by infinity, which some float8 have not.
    largest = lax.full_like(x, jnp.finfo(x.dtype).max)
    return lax.select(lax.le(x, largest), x, lax.add(x, x))


def affine(x: Array, scale: ScalarLike, loc: ScalarLike) -> Array:
    """`x * scale + loc`, both operations rounded; a `loc` of -0.0 adds nothing."""
    if jnp.iscomplexobj(x) and not jnp.iscomplexobj(scale) | jnp.iscomplexobj(loc):
        imag = apart(lax.mul(x.imag, jnp.broadcast_to(scale, x.shape)))
        return lax.complex(affine(x.real, scale, loc), imag)
    scale, loc = (
        jnp.broadcast_to(jnp.asarray(n, x.dtype), x.shape) for n in (scale, loc)
    )
    return lax.add(apart(lax.mul(x, scale)), loc)


def settled(number: ScalarLike, dtype: np.dtype[Any]) -> Any:
    """A law's number as an array as wide as `dtype`, and real unless it is complex."""
    if not jnp.iscomplexobj(number):
        dtype = jnp.finfo(dtype).dtype
    if isinstance(number, jax.Array):
        return jnp.asarray(number, dtype)
    return np.asarray(number, dtype)


# From here on no loop over an axis is unrolled; every vector unit has full vectors; and
# there is no axis of few, however many devices share it.
_FEW, _VECTORS, _WIDE = 32, 128, 1024


def form_of(shape: Shape) -> Shape:
    """The shape in which a draw is made: flat, or one that rounds as flat ones do.

    Where the last axis is long the compiler can cut the draw along any axis, for
    devices that hold a part of it each; a flat one it could only cut along the first.
    """
    return shape if shape and shape[-1] >= _WIDE else (math.prod(shape),)


def entries(draw: Callable[[Key], Array], key: Key, form: Shape) -> Array:
    """`draw(key)`, an array of shape `form`, in a loop of its own.

    Mapped over keys, few entries would become a short inner loop, which is unrolled.
    """
    few = math.prod(form) < _FEW
    return lax.optimization_barrier(one_by_one(draw, key) if few else draw(key))


def exp(x: Array) -> Array:
    """The exponential, of numbers in a row or in long rows.

    jax 0.10 has another one for what does not fill a vector: fewer than 16 numbers.
    """
    if x.ndim != 1:
        return lax.exp(x)
    (size,) = x.shape
    padded = jnp.pad(x, (0, -size % _VECTORS))
    return lax.optimization_barrier(lax.exp(padded))[:size]


def tan(x: Array) -> Array:
    """The tangent: jax's own is another one in the body of a loop."""
    return lax.sin(x) / lax.cos(x)


def one_by_one(draw: Callable[[Key], Array], key: Key) -> Array:
    """`draw(key)`, and under `vmap` one key after the other.

    Sums and products of a batch of matrices are not, bit for bit, those of each. `draw`
    may close over Python numbers but over nothing traced.
    """
    return jax.custom_batching.sequential_vmap(draw)(key)
