"""The maximal update parametrization: one learning rate for every width."""

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu

from .._inference.facts import LayoutsLike, layouts_of
from .._models.read import read
from .._models.selectors import Role, SelectorLike, as_selector
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.fans import LecunNormal
from .._typing import Number, checked
from ._base import Base
from ._branches import RESIDUAL, ends
from ._parts import recipe
from ._selectors import Ends, Of


_NEITHER = (
    "mup finds no ends of residual branches, whose size `depth=` is about. Pass "
    "`layouts=eqinit.trace_layouts(model, call, x)`, which sees them, or say which "
    "they are: `residual=...`."
)


@checked
def mup(
    base: Any,
    gain: Number = 1.0,
    *,
    depth: Number | None = None,
    residual: SelectorLike | None = None,
    layouts: LayoutsLike = None,
) -> list[Rule]:
    r"""Kernels for the maximal update parametrization, relative to a base model.

    Kernels are LeCun normal: variance $g^2 / n_\text{in}$. A readout, whose inputs have
    grown over the base model's by $m$ and whose outputs have not, has that over $m$. At
    the base model's own widths it is LeCun normal throughout. With `depth`, $\alpha$,
    the base model may have fewer blocks as well, and the last kernel of a residual
    branch is $m_L^{-\alpha}$ times as large in a model of $m_L$ times as many.

    !!! warning
        The initialisation is half of it: the steps of the optimiser are scaled by
        [`eqinit.recipes.mup_steps`][], and the model divides its attention scores by
        the width of a head and not by its root. There are no multipliers in the model:
        what the reference package does by dividing the readout's output by $m$, and
        CompleteP by multiplying a branch by $m_L^{-\alpha}$, is in the variance of the
        weights and in the size of their steps.

    **Arguments:**

    - `base`: the same model with base widths, concrete or abstract.
    - `gain`: $g$, multiplies the standard deviation.
    - `depth`: $\alpha$; 1 is CompleteP, and 1/2 what it argues against. Without, the
        base model has as many blocks.
    - `residual`: the last layers of residual branches, as in [`eqinit.recipes.gpt2`][].
    - `layouts`: as in [`eqinit.plan`][].

    **Returns:** rules for all kernels.

    **Raises:** `ValueError` without a base model, and for a kernel that it does not
    have.

    Yang et al., Tensor programs V: Tuning large neural networks via zero-shot
    hyperparameter transfer, arXiv:2203.03466; Dey et al., Don't be lazy: CompleteP
    enables compute-efficient deep transformers, arXiv:2505.01618.
    """
    known = Base(base, layouts, "mup", depth is not None)

    def kernel(site: Site) -> LecunNormal:
        grown_in, grown_out = known.growth(site)
        readout = grown_in != 1 and grown_out == 1
        return LecunNormal(gain * grown_in**-0.5 if readout else gain)

    def last(site: Site) -> LecunNormal:
        return LecunNormal(gain * known.depth(site) ** -float(depth or 0))

    rules = [Rule(Role("kernel"), kernel)]
    if depth is not None:
        rules = [*_last_kernels(residual, last), *rules]
    return recipe("mup", rules, whole=False)


def _last_kernels(residual: SelectorLike | None, weight: Any) -> list[Rule]:
    if residual is None:
        return ends(None, weight)
    return [Rule(as_selector(residual) & Of("kernel"), weight)]


@checked
def mup_scales(
    model: Any,
    base: Any,
    optimizer: Literal["adam", "sgd"] = "adam",
    *,
    depth: Number | None = None,
    residual: SelectorLike | None = None,
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

    With `depth`, $\alpha$, those of Adam are multiplied by $m_L^{\alpha - 1}$ inside of
    blocks, and by $1 / m_L$ in the last layer of a branch. Adam's `eps` is to be small:
    CompleteP divides it by $m_\text{in} m_L^\alpha$.

    **Arguments:**

    - `model`: the model.
    - `base`, `depth`, `residual`, `layouts`: as in [`eqinit.recipes.mup`][].
    - `optimizer`: `"adam"` or `"sgd"` (with or without momentum).

    **Returns:** the model's tree with a float at every parameter and `None` elsewhere.

    **Raises:** `ValueError` for `"sgd"` with `depth`, of which the paper says nothing,
    and where there are no ends of branches.

    Yang et al., Tensor programs V, arXiv:2203.03466, table 3; Dey et al., Don't be
    lazy, arXiv:2505.01618, table 1.
    """
    if depth is not None and optimizer != "adam":
        raise ValueError(
            f"mup_scales got depth={depth} with optimizer={optimizer!r}: steps for "
            'deeper models are known of Adam alone, `optimizer="adam"`.'
        )
    known = Base(base, layouts, "mup_scales", depth is not None)
    sites = read(model, layouts_of(layouts)).parameters
    last = set[str]() if depth is None else _last_layers(model, sites, residual)
    leaves, treedef = jtu.tree_flatten(model)
    scales: list[float | None] = [None] * len(leaves)
    for site in sites:
        scale = _scale(known, site, optimizer)
        if depth is not None:
            at_end = (site.layer_path or site.path) in last
            scale *= known.depth(site) ** (-1.0 if at_end else float(depth) - 1.0)
        scales[site.position] = scale
    return jtu.tree_unflatten(treedef, scales)


def _last_layers(
    model: Any, sites: Sequence[Site], residual: SelectorLike | None
) -> set[str]:
    """Paths of the layers, with their biases, that residual branches end with."""
    selector = Ends(RESIDUAL) if residual is None else as_selector(residual)
    hits = selector.mask(model, sites)
    found = {s.layer_path or s.path for s, hit in zip(sites, hits, strict=True) if hit}
    if not found:
        raise ValueError(_NEITHER)
    return found


def _scale(known: Base, site: Site, optimizer: str) -> float:
    if site.spec.role == "kernel":
        grown_in, grown_out = known.growth(site)
        return 1 / grown_in if optimizer == "adam" else grown_out / grown_in
    return 1.0 if optimizer == "adam" else known.size(site)


@checked
def mup_steps(
    model: Any,
    base: Any,
    optimizer: Literal["adam", "sgd"] = "adam",
    *,
    depth: Number | None = None,
    residual: SelectorLike | None = None,
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
    - `base`, `optimizer`, `depth`, `residual`, `layouts`: as in
        [`eqinit.recipes.mup_scales`][].

    **Returns:** an `optax.GradientTransformation` without a state.

    **Raises:** `ImportError` without optax.

    Yang et al., Tensor programs V, arXiv:2203.03466.
    """
    try:
        import optax
    except ImportError as error:
        raise ImportError("mup_steps needs optax: `pip install optax`.") from error
    options: dict[str, Any] = {"depth": depth, "residual": residual}
    told = mup_scales(model, base, optimizer, **options, layouts=layouts)
    scales = jtu.tree_leaves(told)

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
