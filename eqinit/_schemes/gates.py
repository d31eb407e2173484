"""Biases of gates and output heads."""

import abc
import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import entries, inside, known, positive
from .._laws.families import ConstantLaw
from .._laws.transforms import logit
from .._parameters.spec import ParamSpec
from .._typing import (
    Array,
    DTypeLike,
    Finite,
    Key,
    Positive,
    RoleName,
    ScalarLike,
    Shape,
)
from .checks import broadcasts
from .initializer import AbstractInitializer, AbstractLawInitializer


def gate_position(spec: ParamSpec, label: str) -> tuple[int, int]:
    """(axis of `split_shape`, index along it) of the gate called `label`."""
    axes = spec.known_axes
    for position, factor in enumerate(axes.factors, len(axes.stack)):
        if label in factor.labels:
            return position, factor.labels.index(label)
    gates = [name for factor in axes.factors for name in factor.labels]
    have = f"its gates are {gates}" if gates else "it has no named gates"
    raise ValueError(
        f"no gate `{label}` in axes `{axes.text}`: {have}. Name them where the layout "
        'is said: `register_layout(Cell, bias="(gate out)", '
        'sizes={"gate": ("i", "f", "o")})`.'
    )


def in_gate(spec: ParamSpec, label: str) -> np.ndarray:
    """True where an entry of `split_shape` belongs to the gate called `label`."""
    position, index = gate_position(spec, label)
    shape = spec.known_axes.split_shape
    own = np.arange(shape[position]) == index
    own = own.reshape([-1 if i == position else 1 for i in range(len(shape))])
    return np.broadcast_to(own, shape)


class ForgetGateBias(AbstractLawInitializer):
    r"""`value` in the forget gate, `other` in every other gate.

    The gate is found by name through the layout, so packed biases of any order work.
    On a cell with two biases (torch's) each would get `value`; Equinox has one.

    **Arguments:**

    - `value`: bias of the forget gate.
    - `other`: bias of the other gates.
    - `gate`: the gate's name in the layout; `"f"` for an LSTM.

    Gers et al., Learning to forget, 2000; Jozefowicz et al., ICML 2015.
    """

    value: Finite = 1.0
    other: Finite = 0.0
    gate: str = eqx.field(static=True, default="f")
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def law(self, spec: ParamSpec) -> ConstantLaw:
        own = in_gate(spec, self.gate).reshape(spec.shape)
        if not own.size:
            return ConstantLaw(0.0)  # the moments of nothing would be a warning
        traced = isinstance(self.value, jax.Array) or isinstance(self.other, jax.Array)
        xp = jnp if traced else np
        return ConstantLaw(xp.where(own, self.value, self.other))


class AbstractTimescaleBias(AbstractInitializer):
    """A random bias a unit in the gate that keeps the state, its negative elsewhere.

    `keep` is the gate that keeps the state when it is open, `write` the one that lets
    new input in and gets the negative of the same numbers. By default an LSTM's `f` and
    `i`, or a GRU's `z`, as the layout names them; the other gates get zero.

    A subclass says what the unit's bias is, given how many units there are.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    # Methods rather than abstract fields: those would come first in the signature that
    # type checkers read off.
    @abc.abstractmethod
    def gates(self) -> tuple[str | None, str | None]:
        """The names of the gates that keep and that write, where they were said."""

    @abc.abstractmethod
    def unit(self, key: Key, shape: Shape, units: int, dtype: DTypeLike) -> Array:
        """One bias a unit, an array of `shape`."""

    def signs(self, spec: ParamSpec) -> np.ndarray:
        """+1 in the keeping gate, -1 in the writing gate, 0 elsewhere."""
        keep, write = self.gates()
        if keep is None and write is None:
            keep, write = _default_gates(spec)
        sign = np.zeros(spec.known_axes.split_shape)
        for gate, value in ((keep, 1.0), (write, -1.0)):
            if gate is not None:
                sign = sign + value * in_gate(spec, gate)
        return sign

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        self.signs(spec)
        yield from ()

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        signs = self.signs(spec)
        gates = gate_position(spec, self._any_gate(spec))[0]
        # One draw per unit, whichever gates use it.
        shape = tuple(1 if i == gates else n for i, n in enumerate(signs.shape))
        units = math.prod(spec.known_axes.sizes("out"))
        bias = self.unit(key, shape, units, spec.draw_dtype)
        filled = jnp.asarray(signs, spec.draw_dtype) * bias
        return filled.reshape(spec.shape)

    def _any_gate(self, spec: ParamSpec) -> str:
        return next(f.labels[0] for f in spec.known_axes.factors if f.labels)


def _default_gates(spec: ParamSpec) -> tuple[str, str | None]:
    labels = {name for factor in spec.known_axes.factors for name in factor.labels}
    if "f" not in labels:
        return "z", None
    return "f", "i" if "i" in labels else None


class Chrono(AbstractTimescaleBias):
    r"""Gate biases for memories of up to `t_max` steps, spread over the units.

    $b_\text{keep} = \ln u$ with $u \sim U(t_\text{min}, t_\text{max} - 1)$ and
    $b_\text{write} = -b_\text{keep}$, so that a unit forgets over
    $1 / (1 - \sigma(b)) = 1 + u$ steps. In an LSTM these are the gates `f` and `i`; in
    Equinox's GRU, where $z$ near 1 keeps the state, $z$ alone.

    **Arguments:**

    - `t_max`: longest time to remember, in steps; above 1 + `t_min`.
    - `t_min`: shortest time less one, in steps.
    - `keep`, `write`: names of the gates in the layout, where they are not `f` and `i`
        or `z`. For a GRU whose gate *replaces* the state, `write="z"`.

    Tallec and Ollivier, Can recurrent neural networks warp time?, arXiv:1804.11188.
    """

    t_max: Positive
    t_min: Positive = 1.0
    keep: str | None = eqx.field(static=True, default=None)
    write: str | None = eqx.field(static=True, default=None)

    def conflicts(self) -> Iterator[str]:
        times = (self.t_min, self.t_max)
        if known(*times) and not np.all(np.greater(self.t_max, np.add(self.t_min, 1))):
            yield (
                f"Chrono got t_max={self.t_max} and t_min={self.t_min}; t_max must be "
                "above 1 + t_min, in steps (the length of the sequences)."
            )

    def gates(self) -> tuple[str | None, str | None]:
        return self.keep, self.write

    def unit(self, key: Key, shape: Shape, units: int, dtype: DTypeLike) -> Array:
        del units
        low, high = (jnp.asarray(t, dtype) for t in (self.t_min, self.t_max))
        share = jax.random.uniform(key, shape, dtype)
        return jnp.log(low + share * (high - 1 - low))


class UniformGate(AbstractTimescaleBias):
    r"""Gate biases for which the *opened share* of the gates is uniform.

    $b = \operatorname{logit}(u)$ with $u \sim U(1/n, 1 - 1/n)$ for $n$ units, and its
    negative in the writing (or refining) gate: timescales of a power law, with no
    horizon to choose.

    **Arguments:**

    - `keep`, `write`: names of the gates, as in [`eqinit.Chrono`][].

    Gu et al., Improving the gating mechanism of recurrent neural networks,
    arXiv:1910.09890.
    """

    keep: str | None = eqx.field(static=True, default=None)
    write: str | None = eqx.field(static=True, default=None)

    def gates(self) -> tuple[str | None, str | None]:
        return self.keep, self.write

    def unit(self, key: Key, shape: Shape, units: int, dtype: DTypeLike) -> Array:
        # One or two units have no interval: their gate is half open.
        margin = 1 / max(units, 2)
        share = jax.random.uniform(key, shape, dtype, margin, max(1 - margin, margin))
        return logit(share)


class PriorProb(AbstractLawInitializer):
    r"""$b = -\ln((1 - \pi)/\pi)$, so that a sigmoid head starts at probability $\pi$.

    **Arguments:**

    - `probability`: $\pi$ in (0, 1); a scalar or one per class.

    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
    """

    probability: Annotated[ScalarLike, inside, entries] = 0.01
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        shape = np.shape(self.probability)
        yield from broadcasts("PriorProb", "a probability", shape, spec)

    def law(self, spec: ParamSpec) -> ConstantLaw:
        del spec
        return ConstantLaw(logit(self.probability))


Frequencies: TypeAlias = Annotated[ScalarLike, positive, entries]


def _listed(frequencies: Any) -> Any:
    """A list or tuple of numbers as an array; all else as it is."""
    several = isinstance(frequencies, list | tuple)
    return np.asarray(frequencies) if several else frequencies


class ClassPrior(AbstractLawInitializer):
    r"""$b_c = \ln p_c$, so that a softmax head starts at the class frequencies.

    **Arguments:**

    - `frequencies`: one positive number per class, probabilities or counts (they are
        normalised), in an array or a list. `None` gives every one of the $C$ outputs
        $-\ln C$.

    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
    """

    frequencies: Frequencies | None = eqx.field(converter=_listed, default=None)
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def conflicts(self) -> Iterator[str]:
        if self.frequencies is not None and np.ndim(self.frequencies) != 1:
            yield (
                f"ClassPrior got frequencies of shape {np.shape(self.frequencies)}; it "
                "takes one number per class, `ClassPrior(np.bincount(labels) + 1)`."
            )

    def law(self, spec: ParamSpec) -> ConstantLaw:
        classes = spec.shape[-1] if spec.shape else 1
        weights = self.frequencies
        if weights is None:
            return ConstantLaw(-math.log(max(classes, 1)))
        if np.shape(weights) != (classes,):
            raise ValueError(
                f"ClassPrior has {np.shape(weights)[0]} frequencies and the bias is "
                f"{spec.shape}: pass one per class."
            )
        if isinstance(weights, jax.Array):
            return ConstantLaw(jnp.log(weights / weights.sum()))
        weights = np.asarray(weights, np.float64)
        return ConstantLaw(np.log(weights / weights.sum()))
