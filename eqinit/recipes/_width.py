"""The maximal update parametrization: one learning rate for every width."""

import math
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu

from .._inference.facts import LayoutsLike, layouts_of
from .._models.read import read
from .._models.selectors import Role
from .._models.site import Site
from .._parameters.spec import ParamSpec
from .._planning.rule import Rule
from .._schemes.fans import LecunNormal
from .._typing import Number, checked
from ._parts import recipe


class _Base:
    """The specs of a base model, by path."""

    def __init__(self, base: Any, layouts: LayoutsLike, name: str) -> None:
        if base is None:
            raise ValueError(
                f"{name} needs a base model: the same model with smaller widths, which "
                "may be abstract, `eqx.filter_eval_shape(make, width)`. Widths alone "
                "do not say which axes grow."
            )
        sites = read(base, layouts_of(layouts)).parameters
        self.specs = {site.path: site.spec for site in sites}

    def of(self, path: str) -> ParamSpec:
        small = self.specs.get(path)
        if small is None:
            raise ValueError(
                f"mup: the base model has no `{path}`. It must be the same model with "
                "smaller widths: the same layers, fewer features."
            )
        return small

    def growth(self, path: str, spec: ParamSpec) -> tuple[float, float]:
        """By how much fan_in and fan_out have grown over the base model's."""
        small = self.of(path)
        if None in (spec.fan_in, spec.fan_out, small.fan_in, small.fan_out):
            return 1.0, 1.0
        return spec.fan_in / small.fan_in, spec.fan_out / small.fan_out  # pyright: ignore

    def size(self, path: str, spec: ParamSpec) -> float:
        """By how much an array has grown, of which one axis does."""
        return math.prod(spec.shape) / max(math.prod(self.of(path).shape), 1)


@checked
def mup(
    base: Any,
    gain: Number = 1.0,
    *,
    layouts: LayoutsLike = None,
) -> list[Rule]:
    r"""Kernels for the maximal update parametrization, relative to a base model.

    Kernels are LeCun normal: variance $g^2 / n_\text{in}$. A readout, whose inputs have
    grown over the base model's by $m$ and whose outputs have not, has that over $m$. At
    the base model's own widths it is LeCun normal throughout.

    !!! warning
        The initialisation is half of it: the steps of the optimiser are scaled by
        [`eqinit.recipes.mup_steps`][], and the model divides its attention scores by
        the width of a head and not by its root. There is no multiplier for the output:
        what the reference package does by dividing the readout's output by $m$ is in
        the readout's variance and in the size of its steps.

    **Arguments:**

    - `base`: the same model with base widths, concrete or abstract.
    - `gain`: $g$, multiplies the standard deviation.
    - `layouts`: as in [`eqinit.plan`][].

    **Returns:** rules for all kernels.

    **Raises:** `ValueError` without a base model, and for a kernel that it does not
    have.

    Yang et al., Tensor programs V: Tuning large neural networks via zero-shot
    hyperparameter transfer, arXiv:2203.03466.
    """
    known = _Base(base, layouts, "mup")

    def kernel(site: Site) -> LecunNormal:
        grown_in, grown_out = known.growth(site.path, site.spec)
        readout = grown_in != 1 and grown_out == 1
        return LecunNormal(gain * grown_in**-0.5 if readout else gain)

    return recipe("mup", [Rule(Role("kernel"), kernel)], whole=False)


@checked
def mup_scales(
    model: Any,
    base: Any,
    optimizer: Literal["adam", "sgd"] = "adam",
    *,
    layouts: LayoutsLike = None,
) -> Any:
    r"""By how much to multiply an optimiser's steps, parameter by parameter.

    | | kernels | biases, scales of norms, embeddings |
    |-|-|-|
    | `"adam"` | $1 / m_\text{in}$ | 1 |
    | `"sgd"` | $m_\text{out} / m_\text{in}$ | $m_\text{out}$ |

    where a kernel's fan_in and fan_out are $m_\text{in}$ and $m_\text{out}$ times those
    in the base model (1 for the inputs and the outputs of the whole model). Those of
    Adam are for all optimisers whose steps do not depend on the gradient's size.

    **Arguments:**

    - `model`: the model.
    - `base`, `layouts`: as in [`eqinit.recipes.mup`][].
    - `optimizer`: `"adam"` or `"sgd"` (with or without momentum).

    **Returns:** the model's tree with a float at every parameter and `None` elsewhere.

    Yang et al., Tensor programs V, arXiv:2203.03466, table 3.
    """
    known = _Base(base, layouts, "mup_scales")
    leaves, treedef = jtu.tree_flatten(model)
    scales: list[float | None] = [None] * len(leaves)
    for site in read(model, layouts_of(layouts)).parameters:
        scales[site.position] = _scale(known, site.path, site.spec, optimizer)
    return jtu.tree_unflatten(treedef, scales)


def _scale(known: _Base, path: str, spec: ParamSpec, optimizer: str) -> float:
    if spec.role == "kernel":
        grown_in, grown_out = known.growth(path, spec)
        return 1 / grown_in if optimizer == "adam" else grown_out / grown_in
    return 1.0 if optimizer == "adam" else known.size(path, spec)


@checked
def mup_steps(
    model: Any,
    base: Any,
    optimizer: Literal["adam", "sgd"] = "adam",
    *,
    layouts: LayoutsLike = None,
) -> Any:
    r"""[`eqinit.recipes.mup_scales`][] as a transformation for optax.

    ```python
    optax.chain(optax.adam(1e-3), recipes.mup_steps(model, base))
    ```

    Weight decay that is to stay what it is at every width goes behind it:
    `optax.chain(optax.scale_by_adam(), mup_steps(...), optax.add_decayed_weights(0.1),
    optax.scale_by_learning_rate(1e-3))`.

    **Arguments:**

    - `model`: the model, or the tree of its arrays that is trained.
    - `base`, `optimizer`, `layouts`: as in [`eqinit.recipes.mup_scales`][].

    **Returns:** an `optax.GradientTransformation` without a state.

    **Raises:** `ImportError` without optax.

    Yang et al., Tensor programs V, arXiv:2203.03466.
    """
    try:
        import optax
    except ImportError as error:
        raise ImportError("mup_steps needs optax: `pip install optax`.") from error
    scales = jtu.tree_leaves(mup_scales(model, base, optimizer, layouts=layouts))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        del params
        leaves, treedef = jtu.tree_flatten(updates)
        leaves = iter(_scaled(leaves, scales))
        return jtu.tree_unflatten(treedef, leaves), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _scaled(leaves: list[Any], scales: list[float]) -> list[Any]:
    """The arrays among these, each times its scale; they stand in the model's order."""
    arrays = [i for i, leaf in enumerate(leaves) if eqx.is_inexact_array(leaf)]
    if len(arrays) != len(scales):
        raise ValueError(
            f"mup_steps is for a model of {len(scales)} parameters, and got "
            f"{len(arrays)} updates. Make it for the tree that is trained, "
            "`mup_steps(eqx.filter(model, eqx.is_inexact_array), base)`."
        )
    done = list(leaves)
    for i, scale in zip(arrays, scales, strict=True):
        done[i] = leaves[i] * jnp.asarray(scale, leaves[i].dtype)
    return done
