"""Key arithmetic and the moving of small arrays, in numpy.

Most equations of a constructor split keys, pick one, or fill an array with a constant.
All of these are exact, so numpy gives the same bits; and numpy compiles nothing, where
each would cost jax 10 ms at its first call with a new shape.

A threefry key is two 32-bit words. Here it is one 64-bit number, so that an array of
keys has its own shape and can be sliced as any other.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from .._parameters.keys import threefry
from .needed import aval_of


# Beyond this a copy from the host costs more than a compilation.
_MOST_BYTES = 1 << 22

Rule: TypeAlias = Callable[..., Sequence[np.ndarray]]


@functools.cache
def _threefry_dtype() -> Any:
    return jax.eval_shape(lambda: jax.random.key(0, impl="threefry2x32")).dtype


def is_threefry(aval: Any) -> bool:
    return aval.dtype == _threefry_dtype()


def is_key(aval: Any) -> bool:
    return bool(jnp.issubdtype(aval.dtype, jax.dtypes.prng_key))


def pack(words: np.ndarray) -> np.ndarray:
    """`uint32[..., 2]` to `uint64[...]`, by position in memory."""
    return np.ascontiguousarray(words, np.uint32).view(np.uint64)[..., 0]


def unpack(keys: np.ndarray) -> np.ndarray:
    # Not `ascontiguousarray`, which gives a 0-d array an axis.
    return np.asarray(keys, order="C")[..., None].view(np.uint32)


def _threefry(keys: np.ndarray, counters: np.ndarray) -> np.ndarray:
    return pack(threefry(unpack(keys), counters))


def _seed(eqn: JaxprEqn, seeds: np.ndarray) -> list[np.ndarray]:
    del eqn
    # The words of a key are those of its seed, of which 32 bits have no higher one.
    unsigned = seeds.astype(np.dtype(f"uint{8 * seeds.itemsize}")).astype(np.uint64)
    words = (unsigned >> np.uint64(32), unsigned & np.uint64(0xFFFFFFFF))
    return [pack(np.stack(words, -1))]


def _split(eqn: JaxprEqn, keys: np.ndarray) -> list[np.ndarray]:
    shape = eqn.params["shape"]
    counts = np.arange(math.prod(shape), dtype=np.uint64).reshape(shape)
    return [_threefry(keys.reshape(keys.shape + (1,) * len(shape)), counts)]


def _fold_in(eqn: JaxprEqn, keys: np.ndarray, data: np.ndarray) -> list[np.ndarray]:
    del eqn
    return [_threefry(keys, data.astype(np.uint32).astype(np.uint64))]


def _slice(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    start, limit = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or (1,) * x.ndim
    return [x[tuple(map(slice, start, limit, strides))]]


def _unstack(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    moved = np.moveaxis(x, eqn.params["axis"], 0)
    # With an ellipsis: without one numpy takes scalars out of a vector, and no arrays.
    return [moved[i, ...] for i in range(len(moved))]


def _broadcast(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    shape = eqn.params["shape"]
    sizes = dict(zip(eqn.params["broadcast_dimensions"], x.shape, strict=True))
    x = x.reshape([sizes.get(i, 1) for i in range(len(shape))])
    return [np.broadcast_to(x, shape)]


def _reshape(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    # The output's shape says it, for `reshape` and for `squeeze`.
    return [x.reshape(aval_of(eqn.outvars[0]).shape)]


def _concatenate(eqn: JaxprEqn, *parts: np.ndarray) -> list[np.ndarray]:
    return [np.concatenate(parts, eqn.params["dimension"])]


_RULES: Mapping[str, Rule] = {
    "random_wrap": lambda eqn, words: [pack(words)],
    "random_unwrap": lambda eqn, keys: [unpack(keys)],
    "random_seed": _seed,
    "random_split": _split,
    "random_fold_in": _fold_in,
    "slice": _slice,
    "unstack": _unstack,
    "squeeze": _reshape,
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
}


def on_host(eqn: JaxprEqn) -> bool:
    """Whether numpy gives what jax would, to the last bit."""
    atoms = [*eqn.invars, *eqn.outvars]
    return (
        eqn.primitive.name in _RULES
        and all(is_threefry(a.aval) for a in atoms if is_key(a.aval))
        # numpy has no weak types, and no shardings.
        and not any(getattr(v.aval, "weak_type", False) for v in eqn.outvars)
        and eqn.params.get("sharding") is None
        and _is_usual(eqn)
        and sum(map(_nbytes, eqn.outvars)) <= _MOST_BYTES
    )


def _is_usual(eqn: JaxprEqn) -> bool:
    if eqn.primitive.name == "random_split":
        # The setting at the time of the split, which a constructor may have switched.
        return bool(eqn.ctx.threefry_partitionable)
    # `lax.reshape` can transpose first.
    return eqn.primitive.name != "reshape" or eqn.params["dimensions"] is None


def _nbytes(var: Any) -> int:
    return math.prod(var.aval.shape) * var.aval.dtype.itemsize


def run_on_host(eqn: JaxprEqn, inputs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    return _RULES[eqn.primitive.name](eqn, *inputs)
