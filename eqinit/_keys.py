"""Path to key: every parameter draws from a key that depends on its path alone."""

import hashlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt32

from ._typing import Array, Key


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
def _fold_all(key: Key, words: UInt32[Array, "paths 2"]) -> Key:
    return jax.vmap(_fold, in_axes=(None, 0))(key, words)


def derive_keys(key: Key, paths: Sequence[str]) -> Key:
    """One key a path, in one vectorised call.

    Rows are padded to a power of two so that models of similar size share a compile.
    """
    words = hash_paths(paths)
    padded = 1 << max(len(paths) - 1, 0).bit_length()
    words = np.concatenate([words, np.zeros((padded - len(paths), 2), np.uint32)])
    return _fold_all(key, jnp.asarray(words))[: len(paths)]
