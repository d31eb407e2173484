"""Singular values of the input-output Jacobian, with or without the matrix."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from .._tables import html_table, number
from .._typing import Key, Natural, checked
from ._probe.passes import default_dtype


# Up to this many entries the Jacobian is formed and decomposed: 4 million are 16 MB,
# and an SVD of 2048 x 2048 takes seconds.
_DENSE_ENTRIES = 4_194_304
_SHOWN = 20  # in notebooks

# Directions of a block beyond the values asked for, and how often the Jacobian is
# applied to each. With these the twentieth value of a Gaussian 500 x 500 matrix, which
# has next to no gaps, is 3 % too small, and that of a product of 20 right to rounding.
_SPARE, _ROUNDS = 10, 4


class JacobianSpectrum(eqx.Module):
    """Singular values of a Jacobian, largest first.

    - `values`: all of them if `exact`, the largest few otherwise.
    - `mean_square`: their mean square over the `min(inputs, outputs)` possible ones; 1
        under dynamical isometry. Exact, or estimated from random directions.
    - `shape`: (outputs, inputs).
    - `exact`: whether the matrix was formed.
    """

    values: Float[Array, " values"]
    mean_square: Float[Array, ""]
    shape: tuple[int, int] = eqx.field(static=True)
    exact: bool = eqx.field(static=True)

    @property
    def condition(self) -> Float[Array, ""]:
        """Largest over smallest of `values`."""
        return self.values[0] / self.values[-1]

    def __str__(self) -> str:
        kind = "all" if self.exact else f"largest {self.values.shape[-1]}"
        return f"Jacobian {self._size}, {kind} singular values: {self._numbers}"

    def __repr__(self) -> str:
        kind = "exact" if self.exact else f"largest {self.values.shape[-1]}"
        return f"JacobianSpectrum({self._size}, {kind}: {self._numbers})"

    def _repr_html_(self) -> str:
        if isinstance(self.values, Tracer) or self.values.ndim > 1:
            return html_table([], [], str(self))
        cells = [[str(i), number(float(s))] for i, s in enumerate(self.values[:_SHOWN])]
        return html_table(["", "singular value"], cells, str(self))

    @property
    def _size(self) -> str:
        return f"{self.shape[0]} x {self.shape[1]}"

    @property
    def _numbers(self) -> str:
        if isinstance(self.values, Tracer):
            return "not known inside a transformation"
        if self.values.ndim > 1:
            return f"{self.values.shape[:-1]} spectra in one"
        return (
            f"{float(self.values[0]):.3g} to {float(self.values[-1]):.3g}, "
            f"mean square {float(self.mean_square):.3g}"
        )


class _Linear(NamedTuple):
    """The Jacobian as two products, on flat vectors."""

    forward: Callable[[Array], Array]
    transposed: Callable[[Array], Array]
    shape: tuple[int, int]


def _linearise(fn: Callable[[Any], Any], x: Any) -> _Linear:
    flat, unravel = jax.flatten_util.ravel_pytree(x)

    def on_flat(v: Array) -> Array:
        out = eqx.filter(fn(unravel(v)), eqx.is_inexact_array)
        return jax.flatten_util.ravel_pytree(out)[0].astype(flat.dtype)

    out, push = jax.linearize(on_flat, flat)
    pull = jax.linear_transpose(push, flat)

    # Whatever the model computes in, directions are kept in full precision.
    def forward(v: Array) -> Array:
        return push(v.astype(flat.dtype)).astype(default_dtype())

    def transposed(u: Array) -> Array:
        return pull(u.astype(flat.dtype))[0].astype(default_dtype())

    return _Linear(forward, transposed, (out.size, flat.size))


def _dense(jac: _Linear) -> Float[Array, "outputs inputs"]:
    outputs, inputs = jac.shape
    if inputs <= outputs:
        return jax.vmap(jac.forward, out_axes=1)(jnp.eye(inputs))
    return jax.vmap(jac.transposed)(jnp.eye(outputs))


def _largest(jac: _Linear, count: int, key: Key) -> Float[Array, " count"]:
    """Block Golub-Kahan-Lanczos: the largest singular values, repeated ones included.

    From one vector at a time a value that is there twenty times would be found once:
    all that products with the Jacobian can reach from there has one direction of each.
    A block of more directions than values are asked for holds as many as there are.
    """
    outputs, inputs = jac.shape
    # On the shorter side, which the blocks may fill: then the values are exact.
    size = min(jac.shape)
    there, back = jac.forward, jac.transposed
    if outputs < inputs:
        there, back = back, there
    width = min(count + _SPARE, size)
    block = jax.random.normal(key, (width, size))
    basis, images = jnp.zeros((0, size)), jnp.zeros((0, max(jac.shape)))
    for _ in range(min(_ROUNDS, math.ceil(size / width))):
        block = _orthonormal(block[: size - len(basis)], basis)
        image = jax.lax.map(there, block)
        basis, images = (
            jnp.concatenate([basis, block]),
            jnp.concatenate([images, image]),
        )
        block = jax.lax.map(back, image)
    return jnp.linalg.svd(images, compute_uv=False)[:count]


def _orthonormal(
    block: Float[Array, "width size"], basis: Float[Array, "rows size"]
) -> Float[Array, "width size"]:
    # Directions that are in the basis already leave rounding errors, which have to be
    # made orthogonal to it once more when they have been scaled up.
    for _ in range(3):
        block = jnp.linalg.qr((block - (block @ basis.T) @ basis).T)[0].T
    return block


def _mean_square(jac: _Linear, probes: int, key: Key) -> Float[Array, ""]:
    """E|Jv|^2 over random sign vectors v is the sum of squared singular values."""
    signs = jax.random.rademacher(key, (probes, jac.shape[1]), jnp.float32)
    images = jax.lax.map(jac.forward, signs)
    return jnp.mean(jnp.sum(jnp.square(images), axis=1)) / min(jac.shape)


@checked
def jacobian_spectrum(
    fn: Callable[[Any], Any],
    x: Any,
    *,
    count: Natural = 20,
    probes: Natural = 16,
    exact: bool | None = None,
    key: Key | None = None,
) -> JacobianSpectrum:
    r"""Singular values of the Jacobian of `fn` at `x`: how a network stretches space.

    $J = \partial f(x) / \partial x$. All near 1 (dynamical isometry) is what orthogonal
    initialisation gives a deep linear network; a Gaussian one has a few large ones and
    a long tail towards zero, and learns along few directions.

    **Arguments:**

    - `fn`: a function of one argument, such as a model (of one example, not a batch).
    - `x`: where: a PyTree of float arrays.
    - `count`: how many of the largest to find where the matrix is not formed; it takes
        8 products with the Jacobian for each, and 80 more. Repeated values are found as
        often as they are there; where there are no gaps between them the last of many
        may be some per cent too small.
    - `probes`: random directions for `mean_square` where the matrix is not formed.
    - `exact`: form the matrix or not; by default up to 4 million entries.
    - `key`: for the random directions; a fixed one by default.

    **Returns:** a [`eqinit.signal.JacobianSpectrum`][].

    **Raises:** `ValueError` where `x` or `fn(x)` has no numbers.

    Pennington, Schoenholz and Ganguli, "Resurrecting the sigmoid in deep learning
    through dynamical isometry", NeurIPS 2017, [arXiv:1711.04735](https://arxiv.org/abs/1711.04735);
    Golub and Kahan, "Calculating the singular values and pseudo-inverse of a matrix",
    SIAM J. Numer. Anal. 1965.
    """
    key = jax.random.key(0) if key is None else key
    return _spectrum(fn, x, count, probes, exact, key)


@eqx.filter_jit
def _spectrum(
    fn: Callable[[Any], Any],
    x: Any,
    count: int,
    probes: int,
    exact: bool | None,
    key: Key,
) -> JacobianSpectrum:
    jac = _linearise(fn, x)
    if 0 in jac.shape:
        raise ValueError(
            f"the Jacobian is {jac.shape[0]} x {jac.shape[1]}: both the input and the "
            "output need floating-point numbers."
        )
    if exact is None:
        exact = math.prod(jac.shape) <= _DENSE_ENTRIES
    if exact:
        values = jnp.linalg.svd(_dense(jac), compute_uv=False)
        return JacobianSpectrum(
            values, jnp.mean(jnp.square(values)), jac.shape, exact=True
        )
    keys = jax.random.split(key)
    return JacobianSpectrum(
        _largest(jac, count, keys[0]),
        _mean_square(jac, probes, keys[1]),
        jac.shape,
        exact=False,
    )
