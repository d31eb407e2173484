"""Convolution kernels, one a group and stack, seen as (out, in, *taps)."""

import abc
import math
from typing import final

import jax.numpy as jnp

from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, Shape
from .initializer import AbstractInitializer, MatrixView, draw_slices


class AbstractConvInitializer(AbstractInitializer):
    """A scheme that acts on kernels (out, in, *taps), one a group, gate and stack.

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
    def view(self, spec: ParamSpec) -> MatrixView:
        kernel_shape(spec)
        return MatrixView.of(spec)

    @final
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = self.view(spec)
        out, inputs, taps = kernel_shape(spec)

        def one(key: Key) -> Array:
            kernel = self.kernel(key, out, inputs, taps, spec.draw_dtype)
            return kernel.reshape(view.rows, view.cols)

        return _restore(view, draw_slices(one, key, view.count), spec)


def kernel_shape(spec: ParamSpec) -> tuple[int, int, Shape]:
    """(outputs, inputs, taps) of one group of one layer."""
    MatrixView.of(spec)  # raises without axes, or without in or out
    axes = spec.known_axes
    if axes.sizes("pair"):
        raise ValueError(
            f"axes `{axes.text}` store real and imaginary parts apart, and this scheme "
            "draws whole numbers. Use it on a complex or a real parameter."
        )
    taps = axes.sizes("kernel")
    return math.prod(axes.sizes("out")), math.prod(axes.sizes("in")), taps


def _restore(view: MatrixView, kernels: Array, spec: ParamSpec) -> Array:
    """Back to the array's own order, where taps may stand before the inputs."""
    axes = spec.known_axes
    order = (
        axes.independent()
        + axes.positions("out")
        + axes.positions("in")
        + axes.positions("kernel")
    )
    ordered = MatrixView(view.count, view.rows, view.cols, view.split_shape, order)
    return ordered.restore(kernels, spec.shape)


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
