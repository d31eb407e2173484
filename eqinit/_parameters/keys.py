"""Path to key: every parameter draws from a key that depends on its path alone."""

import hashlib
from collections.abc import Sequence

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt32, UInt64

from .._hosted import hosted
from .._typing import Array, Key


# Part of every hash. Changing it, the digest or the fold below changes every draw of
# every user: golden values in the tests hold all three still.
KEY_SCHEME = b"eqinit-key-v1"


def hash_path(path: str) -> tuple[int, int]:
    """Two 32-bit words that stand for `path`, the same in every process.

    64 bits, because with 32 a model of 100,000 parameters would have one pair of equal
    keys on average; with 64 the odds of a single pair are 3 in 10^10.
    """
    digest = hashlib.blake2b(path.encode(), digest_size=8, person=KEY_SCHEME).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def hash_paths(paths: Sequence[str]) -> UInt32[np.ndarray, "paths 2"]:
    words = [hash_path(path) for path in paths]
    return np.asarray(words, np.uint32).reshape(len(words), 2)


def _fold(key: Key, words: UInt32[Array, "2"]) -> Key:
    return jax.random.fold_in(jax.random.fold_in(key, words[0]), words[1])


@jax.jit
def _fold_all(key: Key, words: UInt32[Array, "paths 2"]) -> Array:
    return jax.vmap(_fold, in_axes=(None, 0))(key, words)


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def threefry(
    keys: UInt32[np.ndarray, "*#batch 2"], counters: UInt64[np.ndarray, "*#batch"]
) -> UInt32[np.ndarray, "*batch 2"]:
    """Threefry-2x32 of every key with a 64-bit counter, in numpy.

    `jax.random.fold_in` and `split` are this and no more: key arithmetic is exact, and
    in numpy it costs no compilation (0.4 s of a process's start).
    """
    # A 0-d sum would warn where it wraps, as it is meant to.
    with np.errstate(over="ignore"):
        schedule = (keys[..., 0], keys[..., 1], keys[..., 0] ^ keys[..., 1] ^ _PARITY)
        x0 = (counters >> np.uint64(32)).astype(np.uint32) + schedule[0]
        x1 = counters.astype(np.uint32) + schedule[1]
        for group in range(5):
            for by in _ROTATIONS[group % 2]:
                x0 = x0 + x1
                x1 = x0 ^ ((x1 << np.uint32(by)) | (x1 >> np.uint32(32 - by)))
            x0 = x0 + schedule[(group + 1) % 3]
            x1 = x1 + (schedule[(group + 2) % 3] + np.uint32(group + 1))
    return np.stack((x0, x1), -1)


def is_tracing() -> bool:
    """Whether jax records what it is asked to do, instead of doing it.

    Then concrete keys and arrays are of no help: what is made of them is traced.
    """
    return isinstance(jax.device_put(np.float32(0)), jax.core.Tracer)


def _is_threefry(key: Key) -> bool:
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    impl = jax.random.key_impl(key) if typed else jax.config.jax_default_prng_impl  # pyright: ignore
    return str(impl) == "threefry2x32" and key.shape == (() if typed else (2,))


def _folded(
    data: UInt32[np.ndarray, "*members 2"],
    words: UInt32[np.ndarray, "*members paths 2"],
) -> UInt32[np.ndarray, "*members paths 2"]:
    """`_fold_all` of the words of threefry keys, in numpy."""
    data = data[..., None, :]
    for column in range(2):
        data = threefry(data, words[..., column].astype(np.uint64))
    return data


def derive_keys(key: Key, paths: Sequence[str]) -> Array:
    """One key per path, in one vectorised call.

    Where jax has to do it (under a trace, for other kinds of keys), rows are padded to
    a power of two so that models of similar size share a compile.
    """
    words = hash_paths(paths)
    mapped = isinstance(key, jax.core.Tracer)  # an ensemble's, under `vmap`
    at_hand = mapped or getattr(key, "is_fully_addressable", True)
    if is_tracing() or not at_hand or not _is_threefry(key):
        padded = 1 << max(len(paths) - 1, 0).bit_length()
        words = np.concatenate([words, np.zeros((padded - len(paths), 2), np.uint32)])
        return _fold_all(key, jnp.asarray(words))[: len(paths)]
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    data = jax.random.key_data(key) if typed else key
    if mapped:
        shape = jax.ShapeDtypeStruct(words.shape, np.uint32)
        folded = hosted(_folded, shape)(data, words)
    else:
        folded = jnp.asarray(_folded(np.asarray(data), words))
    return jax.random.wrap_key_data(folded, impl="threefry2x32") if typed else folded
