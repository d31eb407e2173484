"""What a law is: how a parameter is drawn, and the moments that it should show."""

import abc
import functools
from typing import Any, NamedTuple, TypeVar, final

import jax
import jax.tree_util as jtu
import numpy as np

from .._typing import Array, DTypeLike, Key, ScalarLike, Shape
from . import exact
from .base import AbstractBase, Bounds


class Moments(NamedTuple):
    """Expected mean and standard deviation of an entry.

    - `mean`: its real part, of a complex entry.
    - `std`: the root mean of |w - mean|^2.
    """

    mean: float
    std: float


class Bulk(NamedTuple):
    """A law in the terms of a kernel that fills leaves of every shape.

    - `kernel`: its name.
    - `loc`, `scale`: the draw is `loc + scale z`, or the exponential of that.
    - `params`: of the law of $z$, such as its bounds.
    """

    kernel: str
    loc: ScalarLike
    scale: ScalarLike
    params: tuple[ScalarLike, ...] = ()


class AbstractLaw(abc.ABC):
    """A distribution that every entry of a parameter follows independently.

    What is not known of a law is `None`: it costs a way to draw faster, or a check.
    """

    @abc.abstractmethod
    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw an array of `shape` in `dtype` (float32 or wider, or complex)."""

    @abc.abstractmethod
    def moments(self, is_complex: bool = False) -> Moments: ...

    @abc.abstractmethod
    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        """Map draws to numbers whose mean and variance are worth testing."""

    @abc.abstractmethod
    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        """Mean, standard deviation and kurtosis of what `normalise` returns."""

    def support(self) -> Bounds | None:
        """The least and the largest value of a real draw."""
        return None

    def farthest(self, dtype: DTypeLike) -> Bounds | None:
        """The least and the largest value that a draw in `dtype` can take.

        Within `support`, and finite where that is not: jax draws from finitely many
        bits. Of complex numbers, bounds of their parts.
        """
        del dtype
        return None

    def scaled(self, factor: ScalarLike) -> "AbstractLaw | None":
        """The law of `factor * w`, for one factor."""
        del factor
        return None

    def shifted(self, offset: ScalarLike) -> "AbstractLaw | None":
        """The law of `w + offset`, for one offset."""
        del offset
        return None

    def bulk(self) -> Bulk | None:
        """The kernel that draws it (in float32), where there is one."""
        return None

    @property
    def constant(self) -> ScalarLike | None:
        """What every draw is, where it is no matter of chance."""
        return None

    @property
    def unit(self) -> AbstractBase | None:
        """The distribution that it is a location and a scale of."""
        return None


_L = TypeVar("_L", bound="AbstractFlatLaw")


class AbstractFlatLaw(AbstractLaw):
    """A law given by a few numbers: drawn flat, then shaped.

    That is what a draw *is*, whoever calls. A compiler may round the last bit of one
    and the same expression in another way in a loop of another shape, so "as it is
    drawn in this shape" would not be the same eagerly, jitted, mapped and in bulk.

    Subclasses are PyTrees of their numbers: one compile serves all of them.
    """

    @abc.abstractmethod
    def entries(self, key: Key, form: Shape, dtype: np.dtype[Any]) -> Array:
        """Draw an array of shape `form`, for a law whose numbers are arrays."""

    def settled(self: _L, dtype: np.dtype[Any]) -> _L:
        """The same law with its numbers as arrays, rounded as they enter a draw."""
        return jtu.tree_map(lambda number: exact.settled(number, dtype), self)

    @final
    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        dtype = np.dtype(dtype)
        return _shaped(self.settled(dtype), key, shape, dtype)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _shaped(
    law: AbstractFlatLaw, key: Key, shape: Shape, dtype: np.dtype[Any]
) -> Array:
    # The barrier keeps XLA from folding numbers that are constants (inside a user's
    # `jit`) into the constants of the base draw, which would change the last bit.
    law = jax.lax.optimization_barrier(law)
    drawn = law.entries(key, exact.form_of(shape), dtype)  # (size,), or as it is
    return exact.apart(drawn).reshape(shape)
