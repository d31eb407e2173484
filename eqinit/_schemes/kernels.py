"""Convolution kernels, one per group and stack, seen as (out, in, *taps)."""

import abc
import math
from typing import final

import jax.numpy as jnp

from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._parameters.views import View, kernels
from .._typing import Array, DTypeLike, Key, Shape
from .initializer import AbstractInitializer, draw_slices


class AbstractConvInitializer(AbstractInitializer):
    """A scheme that acts on kernels (out, in, *taps), one per group, gate and stack.

    The counterpart of [`eqinit.AbstractMatrixInitializer`][] for schemes to which the
    taps are not just more inputs. Subclasses implement `kernel`; a matrix is a kernel
    without taps.
    """

    @abc.abstractmethod
    def kernel(
        self, key: Key, out: int, inputs: int, taps: Shape, dtype: DTypeLike
    ) -> Array:
        """Draw one kernel of shape `(out, inputs, *taps)`."""

    @final
    def view(self, spec: ParamSpec) -> View:
        return kernels(spec)

    @final
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = self.view(spec)
        out, inputs, taps = kernel_shape(spec)

        def one(key: Key) -> Array:
            return self.kernel(key, out, inputs, taps, spec.draw_dtype)

        return view.restore(draw_slices(one, key, view.count), spec.shape)


def kernel_shape(spec: ParamSpec) -> tuple[int, int, Shape]:
    """(outputs, inputs, taps) of one group of one layer."""
    out, inputs, *taps = kernels(spec).inner
    return out, inputs, tuple(taps)


def centre_of(taps: Shape) -> Shape:
    """The tap that `padding="SAME"` multiplies with the input at the same place."""
    return tuple((size - 1) // 2 for size in taps)


class AbstractCentreTap(AbstractConvInitializer):
    """A matrix at the centre tap, and zeros at all others."""

    @abc.abstractmethod
    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        """The matrix at the centre tap, of shape `(rows, cols)`: outputs by inputs."""

    def second_moment(self, rows: int, cols: int) -> float | None:
        """Mean of |w|^2 over the entries of the matrix, if known; their mean is 0."""
        del rows, cols
        return None

    def kernel(
        self, key: Key, out: int, inputs: int, taps: Shape, dtype: DTypeLike
    ) -> Array:
        matrix = self.matrix(key, out, inputs, dtype)
        empty = jnp.zeros((out, inputs, *taps), dtype)
        return empty.at[(slice(None), slice(None), *centre_of(taps))].set(matrix)

    def moments(self, spec: ParamSpec) -> Moments | None:
        out, inputs, taps = kernel_shape(spec)
        second = self.second_moment(out, inputs)
        if second is None or spec.size == 0:
            return None
        return Moments(0.0, math.sqrt(second / math.prod(taps)))
