"""Biases of gates and output heads."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._axes import Axis
from .._initializer import AbstractInitializer, AbstractLawInitializer, cast
from .._law import ConstantLaw, Moments
from .._spec import ParamSpec
from .._typing import Array, Key, RoleName, ScalarLike


def gate_position(spec: ParamSpec, label: str) -> tuple[int, int]:
    """(axis of `split_shape`, index along it) of the gate called `label`."""
    axes = spec.known_axes
    for position, factor in enumerate(axes.factors, len(axes.stack)):
        if label in factor.labels:
            return position, factor.labels.index(label)
    gates = [name for factor in axes.factors for name in _labels(factor)]
    have = f"its gates are {gates}" if gates else "it has no named gates"
    raise ValueError(
        f"no gate `{label}` in axes `{axes.text}`: {have}. Name them where the layout "
        'is said: `register_layout(Cell, bias="(gate out)", gate=("i", "f", "o"))`.'
    )


def _labels(factor: Axis) -> tuple[str, ...]:
    return factor.labels


class ForgetGateBias(AbstractInitializer):
    r"""`value` in the forget gate, `other` in every other gate.

    The gate is found by name through the layout, so packed biases of any order work.
    On a cell with two biases (torch's) each would get `value`; Equinox has one.

    **Arguments:**

    - `value`: bias of the forget gate.
    - `other`: bias of the other gates.
    - `gate`: the gate's name in the layout; `"f"` for an LSTM.

    Gers et al., Learning to forget, 2000; Jozefowicz et al., ICML 2015.
    """

    value: ScalarLike = 1.0
    other: ScalarLike = 0.0
    gate: str = eqx.field(static=True, default="f")
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def check(self, spec: ParamSpec) -> None:
        gate_position(spec, self.gate)

    def draw(self, key: Key, spec: ParamSpec) -> Array:
        del key  # deterministic
        position, index = gate_position(spec, self.gate)
        shape = spec.known_axes.split_shape
        own = jnp.arange(shape[position]) == index
        own = own.reshape([-1 if i == position else 1 for i in range(len(shape))])
        value, other = (
            jnp.asarray(v, spec.draw_dtype) for v in (self.value, self.other)
        )
        filled = jnp.broadcast_to(jnp.where(own, value, other), shape)
        return cast(filled.reshape(spec.shape), spec.dtype)

    def moments(self, spec: ParamSpec) -> Moments:
        position, _ = gate_position(spec, self.gate)
        share = 1 / spec.known_axes.split_shape[position]
        value, other = float(self.value), float(self.other)
        mean = share * value + (1 - share) * other
        return Moments(mean, abs(value - other) * math.sqrt(share * (1 - share)))


class PriorProb(AbstractLawInitializer):
    r"""$b = -\ln((1 - \pi)/\pi)$, so that a sigmoid head starts at probability $\pi$.

    **Arguments:**

    - `probability`: $\pi$ in (0, 1); a scalar or one a class.

    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
    """

    probability: ScalarLike = 0.01
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def __check_init__(self) -> None:
        value = self.probability
        if isinstance(value, (int, float)) and not 0 < value < 1:
            raise ValueError(f"PriorProb got {value}; a probability is inside (0, 1).")

    def law(self, spec: ParamSpec) -> ConstantLaw:
        del spec
        value = self.probability
        if isinstance(value, (int, float, np.ndarray)):
            return ConstantLaw(np.log(value) - np.log1p(-np.asarray(value)))
        return ConstantLaw(jnp.log(value) - jnp.log1p(-value))
