"""An array read as matrices, as kernels, or in jax's order of axes, and put back."""

import math
from typing import Any

import equinox as eqx

from .._typing import Array, Shape
from .spec import ParamSpec


class View(eqx.Module):
    """How an array is read as `count` slices of shape `inner`.

    The axes of `split_shape` in another `order`: first those along which slices are
    counted (stacks, groups, gates, heads), then those of each slice.
    """

    count: int
    inner: Shape
    split_shape: Shape
    order: tuple[int, ...]

    def slices(self, array: Any) -> Any:
        """The slices of a numpy or jax array: `(count, *inner)`."""
        split = array.reshape(self.split_shape).transpose(self.order)
        return split.reshape(self.count, *self.inner)

    def restore(self, slices: Array, shape: Shape) -> Array:
        """Put `(count, *inner)` back into the array's own axis order."""
        ordered = slices.reshape([self.split_shape[i] for i in self.order])
        back = [self.order.index(i) for i in range(len(self.order))]
        return ordered.transpose(back).reshape(shape)


def matrices(spec: ParamSpec) -> View:
    """One matrix per slice, `(out, in * taps)`: what a linear map multiplies with."""
    if len(spec.shape) < 2:
        raise ValueError(
            f"this scheme draws matrices, and an array of shape {spec.shape} is "
            "none. Use a scheme for independent entries, such as `Normal(0.02)`."
        )
    axes = spec.known_axes
    outs = axes.positions("out")
    ins = axes.positions("in", "kernel", "pair")
    if not outs or not ins:
        raise ValueError(
            f"this scheme draws matrices, and axes `{axes.text}` of {spec.shape} "
            'lack `in` or `out`. Give it a kernel, or say `axes="out in"`.'
        )
    return _view(spec, axes.independent(), (outs, ins))


def kernels(spec: ParamSpec) -> View:
    """One kernel per slice, `(out, in, *taps)`; a matrix is a kernel without taps."""
    matrices(spec)  # raises without axes, or without in or out
    axes = spec.known_axes
    if axes.sizes("pair"):
        raise ValueError(
            f"axes `{axes.text}` store real and imaginary parts apart, and this scheme "
            "draws whole numbers. Use it on a complex or a real parameter."
        )
    taps = tuple((i,) for i in axes.positions("kernel"))
    inner = (axes.positions("out"), axes.positions("in"), *taps)
    return _view(spec, axes.independent(), inner)


def in_jax_order(spec: ParamSpec) -> View:
    """`(*kernel, in, out)` per slice, for functions that count fans in that order.

    Independent axes are slices, since such a function would count them as taps. A split
    axis (attention output over heads) is one contracted axis to it, and a bias or a
    scale is one vector per stack, as in the libraries of such functions.
    """
    if spec.axes is None:
        return View(1, spec.shape, spec.shape, tuple(range(len(spec.shape))))
    axes = spec.axes
    if axes.fans is not None:
        taps = tuple((i,) for i in axes.positions("kernel", "pair"))
        inner = (*taps, axes.positions("in"), axes.positions("out"))
        return _view(spec, axes.independent(), inner)
    stack = tuple(range(len(axes.stack)))
    rest = tuple(range(len(stack), len(axes.split_shape)))
    whole = spec.role in ("bias", "scale")
    return _view(spec, stack, (rest,) if whole else tuple((i,) for i in rest))


def _view(
    spec: ParamSpec, batch: tuple[int, ...], inner: tuple[tuple[int, ...], ...]
) -> View:
    """A view by the positions that are slices, and by those that each axis merges."""
    sizes = spec.known_axes.split_shape
    shape = tuple(math.prod(sizes[i] for i in merged) for merged in inner)
    order = batch + tuple(i for merged in inner for i in merged)
    return View(math.prod(sizes[i] for i in batch), shape, sizes, order)
