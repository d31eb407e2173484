"""Where low-rank factors start: the pair of them for a kernel, seen as a matrix."""

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp

from ..._schemes.fans import TorchDefault
from ..._typing import Array, Key


# From a matrix, a rank, a key and the scale of the product to A and B.
Start: TypeAlias = Callable[[Array, int, Key, float], tuple[Array, Array]]


def _random(matrix: Array, rank: int, key: Key, scale: float) -> tuple[Array, Array]:
    del scale
    *stacks, out, size = matrix.shape
    a = TorchDefault()(key, (*stacks, rank, size), axes="out in")
    return a.astype(matrix.dtype), jnp.zeros((*stacks, out, rank), matrix.dtype)


def _principal(matrix: Array, rank: int, key: Key, scale: float) -> tuple[Array, Array]:
    del key  # deterministic
    u, s, vt = jnp.linalg.svd(matrix, full_matrices=False)
    root = jnp.sqrt(s[..., :rank] / jnp.asarray(scale, s.dtype))
    return root[..., :, None] * vt[..., :rank, :], u[..., :rank] * root[..., None, :]


def _orthonormal(
    matrix: Array, rank: int, key: Key, scale: float
) -> tuple[Array, Array]:
    del key, scale  # deterministic
    q, r = jnp.linalg.qr(matrix)
    return r[..., :rank, :], q[..., :rank]


STARTS: dict[str, Start] = {"lora": _random, "pissa": _principal, "olora": _orthonormal}
