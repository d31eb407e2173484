"""How a layer is rescaled from what is measured of it: one small class per method.

A layer's output is `u + b` with `u` linear in its kernels and `b` its bias. Every
method maps the mean and variance of `u`, per unit and over samples, to a scale for the
kernels and a new bias.
"""

import abc
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._checks import check_fields
from ..._typing import Finite, Natural, Positive, checked


Units: TypeAlias = Float[Array, " units"]
Loss: TypeAlias = Literal["squared", "sigmoid", "softmax"]


class Measurement(NamedTuple):
    """What is known of one layer when it is called.

    - `mean`, `var`: of `u`, its output without bias, per unit over samples.
    - `bias`: its bias, zeros where it has none.
    """

    mean: Units
    var: Units
    bias: Units


class Change(NamedTuple):
    """What to do about it.

    - `scale`: what multiplies the kernels, for each unit.
    - `bias`: the new bias, for each unit.
    """

    scale: Units
    bias: Units


class AbstractMethod(eqx.Module):
    """A data-dependent initialisation, one layer at a time.

    Subclass it for a method of your own: `change` says what to do with a layer and
    `miss` how far its output is from where it should be, which must be 0 behind
    `change`.
    """

    # Whether `change` scales kernels at all (and then needs data that reach them), by a
    # factor for each unit or one for all, and whether it sets a bias.
    scales: ClassVar[bool] = True
    per_unit: ClassVar[bool] = False
    shifts: ClassVar[bool] = True

    def __check_init__(self) -> None:
        check_fields(self)

    @abc.abstractmethod
    def change(self, layer: Measurement) -> Change:
        """The scale of the kernels and the new bias of one layer."""

    @abc.abstractmethod
    def miss(self, mean: Units, var: Units) -> Float[Array, ""]:
        """How far the mean and variance of a layer's output (with bias) are off."""


def _pooled(mean: Units, var: Units) -> Float[Array, ""]:
    """Variance over all entries, units and samples alike."""
    return jnp.mean(var) + jnp.var(mean)


def _inverse_sqrt(var: Array, target: Any) -> Array:
    """`sqrt(target / var)`, and 1 where there is nothing to scale."""
    return jnp.where(var > 0, jnp.sqrt(target / jnp.where(var > 0, var, 1)), 1)


class LSUV(AbstractMethod):
    r"""Layer-sequential unit variance: one scale per layer, biases as they are.

    $s$ such that the variance of $s u + b$, over all units and samples, is `var`:
    $s = \sqrt{\text{var} / \text{Var}[u]}$ for zero biases, and the root of a
    quadratic for others. It has none where the biases alone vary more.

    Mishkin and Matas, "All you need is a good init", ICLR 2016,
    [arXiv:1511.06422](https://arxiv.org/abs/1511.06422) (which starts from orthogonal
    weights; here the start is whatever the model has).

    **Arguments:**

    - `var`: variance of each layer's output.
    """

    var: Positive = 1.0
    shifts: ClassVar[bool] = False

    def change(self, layer: Measurement) -> Change:
        square = _pooled(layer.mean, layer.var)
        cross = jnp.mean(layer.mean * layer.bias) - jnp.mean(layer.mean) * jnp.mean(
            layer.bias
        )
        lacking = self.var - jnp.var(layer.bias)
        root = jnp.square(cross) + square * lacking
        scale = (jnp.sqrt(jnp.maximum(root, 0)) - cross) / jnp.where(
            square > 0, square, 1
        )
        solvable = (square > 0) & (lacking > 0)
        scale = jnp.where(solvable, scale, 1)
        return Change(jnp.full_like(layer.mean, scale), layer.bias)

    def miss(self, mean: Units, var: Units) -> Float[Array, ""]:
        return jnp.abs(_pooled(mean, var) / self.var - 1)


class ActNorm(AbstractMethod):
    r"""Mean 0 and variance 1 for every unit, by a scale and a bias each.

    $s_i = \sqrt{\text{var} / \text{Var}[u_i]}$, $b_i = -s_i E[u_i]$. The
    initialisation of weight normalisation and of Glow's ActNorm. A unit that does not
    vary keeps its weights.

    Salimans and Kingma, "Weight Normalization", NeurIPS 2016,
    [arXiv:1602.07868](https://arxiv.org/abs/1602.07868); Kingma and Dhariwal, "Glow",
    NeurIPS 2018, [arXiv:1807.03039](https://arxiv.org/abs/1807.03039).

    **Arguments:**

    - `var`: variance of each unit.
    """

    var: Positive = 1.0
    per_unit: ClassVar[bool] = True

    def change(self, layer: Measurement) -> Change:
        scale = _inverse_sqrt(layer.var, self.var)
        return Change(scale, -scale * layer.mean)

    def miss(self, mean: Units, var: Units) -> Float[Array, ""]:
        # Units that do not vary cannot be helped and are not counted.
        off = jnp.where(var > 0, jnp.abs(var / self.var - 1), 0)
        return jnp.maximum(jnp.max(off), jnp.max(jnp.abs(mean)))


class ScaleShift(AbstractMethod):
    r"""Variance 1 for every layer, mean 0 for every unit: one scale, a bias per unit.

    $s = \sqrt{\text{var} / \overline{\text{Var}[u_i]}}$ with the variance over
    samples and its mean over units, $b_i = -s E[u_i]$. A positive scale and a shift
    keep non-negative weights non-negative, so this is the one for input-convex networks
    (where weights cannot be centred and the bias has to do it): the data-dependent form
    of [`eqinit.hoedt`][], which is exact for a single layer only.

    After Hoedt and Klambauer, "Principled Weight Initialisation for Input-Convex Neural
    Networks", NeurIPS 2023, [arXiv:2312.12474](https://arxiv.org/abs/2312.12474).

    **Arguments:**

    - `var`: variance of each layer's output.
    - `mean`: of each unit.
    """

    var: Positive = 1.0
    mean: Finite = 0.0

    def change(self, layer: Measurement) -> Change:
        scale = _inverse_sqrt(jnp.mean(layer.var), self.var)
        scale = jnp.full_like(layer.mean, scale)
        return Change(scale, jnp.asarray(self.mean - scale * layer.mean))

    def miss(self, mean: Units, var: Units) -> Float[Array, ""]:
        off = jnp.abs(jnp.mean(var) / self.var - 1)
        return jnp.maximum(off, jnp.max(jnp.abs(mean - self.mean)))


class OutputBias(AbstractMethod):
    r"""The bias with which the output starts at the statistics of the labels.

    $b_i = t_i - E[u_i]$: the mean output over the batch becomes `target`, so that the
    first steps are not spent on learning the mean. Weights stay as they are. Use it on
    the last layer, `select="head"`, with a target from [`eqinit.signal.label_bias`][].

    **Arguments:**

    - `target`: of each output unit, shape `(units,)`.
    """

    target: Float[Array, " units"]
    scales: ClassVar[bool] = False

    def change(self, layer: Measurement) -> Change:
        if self.target.shape != layer.mean.shape:
            raise ValueError(
                f"OutputBias has a target of shape {self.target.shape}, and the layer "
                f"has {len(layer.mean)} units. Select the layer that returns the "
                'model\'s output, as in `select="head"`.'
            )
        wide = self.target.astype(layer.mean.dtype)
        return Change(jnp.ones_like(layer.mean), wide - layer.mean)

    def miss(self, mean: Units, var: Units) -> Float[Array, ""]:
        del var
        return jnp.max(jnp.abs(mean - self.target.astype(mean.dtype)))


@checked
def label_bias(
    labels: Any, loss: Loss = "squared", *, classes: Natural | None = None
) -> Float[Array, " units"]:
    r"""The output that a model without inputs would learn, for an output layer's bias.

    - `squared`: the mean of the labels.
    - `sigmoid`: log-odds, $\log(p / (1 - p))$ of the mean label $p$.
    - `softmax`: log-frequencies of the classes.

    Counts are smoothed by half an example (Jeffreys' prior), so that a class that does
    not occur gets a low output and not $-\infty$.

    **Arguments:**

    - `labels`: shape `(samples,)` or `(samples, units)`; for `softmax` whole numbers
        `(samples,)`, or one-hot `(samples, classes)`.
    - `loss`: which loss the model is trained with.
    - `classes`: how many classes there are, for labels that are whole numbers.

    **Returns:** shape `(units,)`.

    **Raises:** `ValueError` for class numbers without `classes`.
    """
    array = jnp.asarray(labels)
    if loss == "softmax" and array.ndim == 1:
        if classes is None:
            raise ValueError("class numbers do not say how many there are: `classes=`.")
        array = jax.nn.one_hot(array, classes)
    array = array.astype(jax.dtypes.canonicalize_dtype(float))
    array = array.reshape(len(array), int(np.prod(array.shape[1:], dtype=int)))
    if loss == "squared":
        return jnp.mean(array, axis=0)
    count = jnp.sum(array, axis=0) + 0.5
    if loss == "sigmoid":
        return jnp.log(count / (len(array) + 1 - count))
    return jnp.log(count / jnp.sum(count))
