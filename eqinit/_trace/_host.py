"""Key arithmetic and the moving of small arrays, in numpy.

Most equations of a constructor split keys, pick one, or fill an array with a constant. All
of these are exact, so numpy gives the same bits; and numpy compiles nothing, where each
would cost jax 10 ms at its first call with a new shape.

A threefry key is two 32-bit words. Here it is one 64-bit number, so that an array of
keys has its own shape and can be sliced as any other.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.extend.core import JaxprEqn


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)

# Beyond this a copy from the host costs more than a compilation.
_MOST_BYTES = 1 << 22

Rule: TypeAlias = Callable[..., Sequence[np.ndarray]]


def threefry(
    keys: tuple[np.ndarray, np.ndarray], counts: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Threefry-2x32: two words of key and two of counter to two words of bits."""
    schedule = (*keys, keys[0] ^ keys[1] ^ _PARITY)
    x0, x1 = counts[0] + schedule[0], counts[1] + schedule[1]
    for group in range(5):
        for by in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << np.uint32(by)) | (x1 >> np.uint32(32 - by)))
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + (schedule[(group + 2) % 3] + np.uint32(group + 1))
    return x0, x1


@functools.cache
def _threefry_dtype() -> Any:
    return jax.eval_shape(lambda: jax.random.key(0, impl="threefry2x32")).dtype


def is_threefry(aval: Any) -> bool:
    return aval.dtype == _threefry_dtype()


def is_key(aval: Any) -> bool:
    return bool(jax.dtypes.issubdtype(aval.dtype, jax.dtypes.prng_key))


def pack(words: np.ndarray) -> np.ndarray:
    """`uint32[..., 2]` to `uint64[...]`, by position in memory."""
    return np.ascontiguousarray(words, np.uint32).view(np.uint64)[..., 0]


def unpack(keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(keys)[..., None].view(np.uint32)


def _hash(keys: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Threefry of every key with a 64-bit counter; shapes broadcast."""
    words = unpack(keys)
    high, low = (counts >> np.uint64(32)), counts & np.uint64(0xFFFFFFFF)
    pair = high.astype(np.uint32), low.astype(np.uint32)
    # A 0-d sum would warn where it wraps, as it is meant to.
    with np.errstate(over="ignore"):
        hashed = threefry((words[..., 0], words[..., 1]), pair)
    return pack(np.stack(hashed, -1))


def _split(eqn: JaxprEqn, keys: np.ndarray) -> list[np.ndarray]:
    shape = eqn.params["shape"]
    counts = np.arange(math.prod(shape), dtype=np.uint64).reshape(shape)
    return [_hash(keys.reshape(keys.shape + (1,) * len(shape)), counts)]


def _fold_in(eqn: JaxprEqn, keys: np.ndarray, data: np.ndarray) -> list[np.ndarray]:
    del eqn
    return [_hash(keys, data.astype(np.uint32).astype(np.uint64))]


def _slice(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    start, limit = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or (1,) * x.ndim
    return [x[tuple(map(slice, start, limit, strides))]]


def _unstack(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    return list(np.moveaxis(x, eqn.params["axis"], 0))


def _broadcast(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    shape = eqn.params["shape"]
    sizes = dict(zip(eqn.params["broadcast_dimensions"], x.shape, strict=True))
    x = x.reshape([sizes.get(i, 1) for i in range(len(shape))])
    return [np.broadcast_to(x, shape)]


def _reshape(eqn: JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    # The output's shape says it for `reshape` and for `squeeze`.
    return [x.reshape(eqn.outvars[0].aval.shape)]


def _concatenate(eqn: JaxprEqn, *parts: np.ndarray) -> list[np.ndarray]:
    return [np.concatenate(parts, eqn.params["dimension"])]


_RULES: Mapping[str, Rule] = {
    "random_wrap": lambda eqn, words: [pack(words)],
    "random_unwrap": lambda eqn, keys: [unpack(keys)],
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
        and eqn.params.get("dimensions") is None
        and (eqn.primitive.name != "random_split" or _is_partitionable(eqn))
        and sum(map(_nbytes, eqn.outvars)) <= _MOST_BYTES
    )


def _is_partitionable(eqn: JaxprEqn) -> bool:
    # The setting at the time of the split, which a constructor may have switched.
    return bool(eqn.ctx.threefry_partitionable)


def _nbytes(var: Any) -> int:
    return math.prod(var.aval.shape) * var.aval.dtype.itemsize


def run_on_host(eqn: JaxprEqn, inputs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    return _RULES[eqn.primitive.name](eqn, *inputs)
