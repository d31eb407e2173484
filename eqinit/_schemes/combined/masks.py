"""Some entries zero: a given mask, or a random one."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import count, entries, flags, probability
from ..._laws.law import Moments
from ..._parameters.spec import ParamSpec
from ..._parameters.views import View, matrices
from ..._typing import Array, Key, Number, ScalarLike
from ..checks import broadcasts
from ..initializer import AbstractInitializer, draw_slices
from .combinator import AbstractCombinator, own_key


class Masked(AbstractCombinator):
    """What another scheme draws where `mask` is true, and zero elsewhere.

    **Arguments:**

    - `init`: any initializer.
    - `mask`: a bool array that broadcasts to the parameter.
    """

    init: AbstractInitializer
    mask: Annotated[ScalarLike | bool | np.bool_, flags, entries]

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from broadcasts("Masked", "a mask", np.shape(self.mask), spec)

    def moments(self, spec: ParamSpec) -> Moments | None:
        share = float(np.asarray(self.mask, bool).mean())
        return thinned(self.init.moments(spec), share)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        mask = jnp.broadcast_to(jnp.asarray(self.mask, bool), drawn.shape)
        return jnp.where(mask, drawn, jnp.zeros_like(drawn))


def thinned(
    moments: Moments | None, share: Number, factor: Number = 1
) -> Moments | None:
    """Moments of an entry that is kept, times `factor`, with probability `share`."""
    if moments is None:
        return None
    mean = share * factor * moments.mean
    second = share * factor**2 * (moments.std**2 + moments.mean**2)
    return Moments(mean, math.sqrt(max(second - mean**2, 0.0)))


Per: TypeAlias = Literal["entry", "output", "input", "matrix"]


class Sparse(AbstractCombinator):
    r"""What another scheme draws, with all but a random part of it set to zero.

    Say how many entries stay: `density`, a share, or `nonzero`, a number. Say of what:

    | `per` | |
    |---|---|
    | `"entry"` | each entry stays with probability `density`, independently |
    | `"output"` | exactly that many weights into every output |
    | `"input"` | exactly that many weights out of every input |
    | `"matrix"` | exactly that many in each matrix |

    `Sparse(Normal(1.0), nonzero=15, per="output")` is Martens' scheme;
    `Sparse(Normal(0.01), density=0.9, per="input")` is torch's `sparse_(sparsity=0.1)`.
    A share that gives no whole number is rounded down (there are at least
    $\lceil (1 - \text{density})\, n \rceil$ zeros, as in torch).

    **Arguments:**

    - `init`: any initializer. With the same key, what stays has the same value as
        without `Sparse`.
    - `density`: share of entries that stay, in [0, 1].
    - `nonzero`: how many entries stay, instead of `density`; not with `per="entry"`.
    - `per`: of what, see above. Kernels are read as matrices (out, in times taps).
    - `corrected`: divide by the square root of the density, so that the second moment
        of a sum over the inputs stays what it was.
    - `connected`: with `per="entry"`, give every output at least one weight: where none
        was left, one at random stays.

    Martens, Deep learning via Hessian-free optimization, ICML 2010.
    """

    init: AbstractInitializer
    density: Annotated[Number, probability] | None = eqx.field(
        static=True, default=None
    )
    nonzero: Annotated[int, count] | None = eqx.field(static=True, default=None)
    per: Per = eqx.field(static=True, default="entry")
    corrected: bool = eqx.field(static=True, default=False)
    connected: bool = eqx.field(static=True, default=False)

    def conflicts(self) -> Iterator[str]:
        if (self.density is None) == (self.nonzero is None):
            yield (
                "Sparse takes either a share or a number: `Sparse(init, density=0.1)` "
                'or `Sparse(init, nonzero=15, per="output")`.'
            )
        if self.nonzero is not None and self.per == "entry":
            yield (
                f"Sparse got nonzero={self.nonzero} and per={self.per!r}; a number "
                'goes with per="output", "input" or "matrix".'
            )
        if self.connected and self.per != "entry":
            yield (
                f"Sparse got connected=True and per={self.per!r}; exact numbers need "
                'no such guarantee, it goes with per="entry".'
            )

    @property
    def _density(self) -> float:
        return 0.0 if self.density is None else float(self.density)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        _, length, _ = self._lines(spec)
        if self.nonzero is not None and self.nonzero > length:
            yield (
                f"Sparse keeps {self.nonzero} entries per {self.per}, and the "
                f"parameter of shape {spec.shape} has only {length}."
            )

    def _lines(self, spec: ParamSpec) -> tuple[int, int, int]:
        """(how many lines, entries of each, how many of these stay) in one matrix."""
        if self.per == "entry" and not self.connected:
            return 1, spec.size, 0
        rows, cols = _view(self.per, spec).inner
        count, length = {
            "output": (rows, cols),
            "entry": (rows, cols),
            "input": (cols, rows),
            "matrix": (1, rows * cols),
        }[self.per]
        if self.nonzero is not None:
            return count, length, self.nonzero
        # 0.29 * 100 is 28.999999999999996: that share of a hundred is 29.
        return count, length, math.floor(self._density * length + 1e-9 * length)

    def share(self, spec: ParamSpec) -> float:
        """Expected share of entries that stay."""
        _, length, kept = self._lines(spec)
        if self.per != "entry":
            return kept / length if length else 0.0
        empty = (1 - self._density) ** length if self.connected else 0.0
        return self._density + empty / max(length, 1)

    def _factor(self, spec: ParamSpec) -> float:
        share = self.share(spec)
        return 1 / math.sqrt(share) if self.corrected and share else 1.0

    def moments(self, spec: ParamSpec) -> Moments | None:
        inner = self.init.moments(spec)
        return thinned(inner, self.share(spec), self._factor(spec))

    def joiner(self, spec: ParamSpec) -> "_Thinner":
        _, _, kept = self._lines(spec)
        exact = self.per != "entry"
        stays = jnp.asarray(kept, np.int32) if exact else self._density
        factor = self._factor(spec)
        return _Thinner(stays, factor, self.per, self.connected, self.depth)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        return self.joiner(spec).join([drawn], key, spec)


class _Thinner(eqx.Module):
    """Sets to zero what does not stay: one program for all densities."""

    stays: Any  # the probability of an entry, or how many of each line
    factor: Any
    per: Per = eqx.field(static=True)
    connected: bool = eqx.field(static=True)
    depth: int = eqx.field(static=True)

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        (array,) = drawn
        factor = jnp.asarray(self.factor, array.dtype)
        mask = self._mask(own_key(key, self.depth), spec)
        return jnp.where(mask, array * factor, jnp.zeros_like(array))

    def _mask(self, key: Key, spec: ParamSpec) -> Array:
        """Which entries stay: a bool array of the parameter's shape."""
        if self.per == "entry" and not self.connected:
            return jax.random.bernoulli(key, self.stays, spec.shape)
        view = _view(self.per, spec)
        masks = draw_slices(lambda key: self._matrix(key, view), key, view.count)
        return view.restore(masks, spec.shape)

    def _matrix(self, key: Key, view: View) -> Array:
        rows, cols = view.inner
        shapes = {"input": (cols, rows), "matrix": (1, rows * cols)}
        lines = shapes.get(self.per, (rows, cols))
        if self.connected:
            kept = _connected(key, lines, self.stays)
        else:
            # Ranks rather than a threshold: two equal uniforms would keep one too many.
            order = jnp.argsort(jax.random.uniform(key, lines), axis=1)
            ranks = jnp.argsort(order, axis=1)
            kept = ranks < jnp.asarray(self.stays, ranks.dtype)
        return kept.T if self.per == "input" else kept.reshape(rows, cols)


def _view(per: Per, spec: ParamSpec) -> View:
    if per == "matrix" and spec.axes is None:
        shape = (1, spec.size)
        return View(1, shape, shape, (0, 1))
    return matrices(spec)


def _connected(key: Key, shape: tuple[int, int], density: Any) -> Array:
    mask_key, pick_key = jax.random.split(key)
    mask = jax.random.bernoulli(mask_key, density, shape)
    pick = jax.random.randint(pick_key, (shape[0], 1), 0, shape[1])
    lone = jnp.arange(shape[1])[None, :] == pick
    return mask | (lone & ~mask.any(axis=1, keepdims=True))
