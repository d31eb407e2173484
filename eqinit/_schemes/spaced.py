"""Values that run along an axis."""

import abc
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import known
from .._laws.families import ConstantLaw
from .._parameters.spec import ParamSpec
from .._typing import Finite, Positive, ScalarLike
from .initializer import AbstractLawInitializer


def run_axis(spec: ParamSpec) -> int:
    """The axis of `split_shape` that a sequence runs along.

    The last `out` axis (each gate, group and stack has a sequence of its own), or where
    there is none the last axis that is not a real/imaginary pair.
    """
    if spec.axes is None:
        return len(spec.shape) - 1
    outs = spec.axes.positions("out")
    pairs = spec.axes.positions("pair")
    every = range(len(spec.axes.split_shape))
    return outs[-1] if outs else max((i for i in every if i not in pairs), default=-1)


class AbstractSequence(AbstractLawInitializer):
    """A fixed sequence along one axis, the same for every index of the others."""

    @abc.abstractmethod
    def values(self, count: int) -> ScalarLike:
        """The sequence: an array of shape `(count,)`."""

    def law(self, spec: ParamSpec) -> ConstantLaw:
        if spec.size == 0:
            return ConstantLaw(0.0)
        shape = spec.shape if spec.axes is None else spec.axes.split_shape
        axis = run_axis(spec)
        if axis < 0:
            raise ValueError(
                f"{type(self).__name__} runs along an axis, and the parameter is a "
                "scalar; use `Constant(...)`."
            )
        values = self.values(shape[axis])
        xp = jnp if isinstance(values, jax.Array) else np
        values = xp.reshape(values, (-1,) + (1,) * (len(shape) - 1 - axis))
        values = _stored(xp.broadcast_to(values, shape), spec, type(self).__name__)
        return ConstantLaw(xp.reshape(values, spec.shape))


def _stored(values: Any, spec: ParamSpec, name: str) -> Any:
    """Complex values in a complex parameter, or split over its real/imaginary axis."""
    if spec.is_complex or not np.iscomplexobj(values):
        return values
    pairs = spec.axes.positions("pair") if spec.axes is not None else ()
    if not pairs:
        raise ValueError(
            f"{name} has complex values and the parameter is {spec.dtype} "
            f"{list(spec.shape)}: ask for one part of them, or say which axis holds "
            'the real and imaginary parts, such as `axes="state pair=2"`.'
        )
    shape = [2 if i == pairs[0] else 1 for i in range(values.ndim)]
    imaginary = np.arange(2).reshape(shape) == 1
    return np.where(imaginary, values.imag, values.real)


class Linspace(AbstractSequence):
    r"""Evenly spaced from `start` to `stop`, both included, or along a power of that:
    $b_i = \text{start} + (\text{stop} - \text{start}) (i / (n - 1))^p$.

    xLSTM's forget gates are `Linspace(3.0, 6.0)`, or with a power that grows over the
    blocks `Linspace(5.0, -7.0, power=0.3 + 1.3 * block / (blocks - 1))`. In packed
    biases every gate has a sequence of its own.

    **Arguments:**

    - `start`, `stop`: first and last value, in either order.
    - `power`: $p > 0$; 1 is linear.
    - `log`: space the *logarithms* evenly, between positive `start` and `stop`.

    **Raises:** `ValueError` where the parameter is a scalar.

    Beck et al., xLSTM: Extended long short-term memory, arXiv:2405.04517.
    """

    start: Finite
    stop: Finite
    power: Positive = 1.0
    log: bool = eqx.field(static=True, default=False)

    def conflicts(self) -> Iterator[str]:
        ends = [end for end in (self.start, self.stop) if known(end)]
        if self.log and not all(np.all(np.greater(end, 0)) for end in ends):
            yield (
                f"Linspace got log=True, start={self.start} and stop={self.stop}; both "
                "ends must be > 0, or the logarithms have no values."
            )

    def values(self, count: int) -> ScalarLike:
        traced = any(isinstance(v, jax.Array) for v in (self.start, self.stop))
        xp = jnp if traced or isinstance(self.power, jax.Array) else np
        share = np.linspace(0.0, 1.0, count) ** self.power
        start, stop = self.start, self.stop
        if self.log:
            start, stop = xp.log(start), xp.log(stop)
        # Written this way both ends are met exactly.
        values = start * (1 - share) + stop * share
        return xp.exp(values) if self.log else values
