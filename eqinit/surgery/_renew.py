"""New values for a model that has been trained, and who needs them."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Float, Shaped

from .._models.selectors import Filter
from .._models.site import Site
from .._planning.plan import plan
from .._typing import Array, FiniteNumber, Key, NonNegativeNumber, checked
from ._selection import select


@checked
def shrink_and_perturb(
    model: Any,
    key: Key,
    rules: Any,
    shrink: FiniteNumber,
    perturb: FiniteNumber,
    *,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> Any:
    r"""Warm restart: $w \leftarrow \lambda w + \gamma w'$ with $w'$ drawn anew.

    What a model has learned is kept in part, and so is its ability to learn on. With
    rules of $\mathcal N(0, 1)$ this is the paper's $\lambda w + \mathcal N(0,
    \gamma^2)$; with the rules that the model was initialised by, every parameter is
    perturbed on its own scale.

    ```python
    model = shrink_and_perturb(model, key, rules, shrink=0.8, perturb=0.2)
    ```

    **Arguments:**

    - `model`: a concrete model.
    - `key`: a PRNG key; $w'$ is what [`eqinit.apply`][] would draw with it.
    - `rules`, `layouts`: as in [`eqinit.apply`][]; what they do not claim stays.
    - `shrink`: $\lambda$.
    - `perturb`: $\gamma$.

    **Returns:** a new model.

    **Raises:** `ValueError` where the rules draw nothing.

    Ash and Adams, On warm-starting neural network training, arXiv:1910.08475.
    """
    planned = plan(model, rules, layouts=layouts)
    paths = {row.path for row in planned if row.status == "set"}
    if not paths:
        raise ValueError(
            "shrink_and_perturb draws new values by `rules`, and they leave every "
            "parameter as it is. Pass those that the model was initialised by, or "
            '`ei.Rule("**", ei.Normal())` for noise alone.'
        )
    ours = Filter(lambda site: site.path in paths)
    old, new = select(model, ours), select(planned.apply(model, key), ours)
    pairs = zip(old.sites, old.get(), new.get(), strict=True)
    return old.set([_mixed(site, a, b, shrink, perturb) for site, a, b in pairs])


def _mixed(
    site: Site, old: Any, new: Any, shrink: FiniteNumber, perturb: FiniteNumber
) -> Array:
    wide = site.spec.draw_dtype  # half precision would round three times
    pairs = ((old, shrink), (new, perturb))
    parts = [jnp.asarray(w, wide) * jnp.asarray(c, wide) for w, c in pairs]
    return (parts[0] + parts[1]).astype(site.dtype)


@checked
def dormant_units(
    outputs: Float[Array, "*samples units"], threshold: NonNegativeNumber = 0.0
) -> Shaped[Array, " units"]:
    r"""Which units of a layer hardly ever do anything.

    Unit $i$ is dormant where $E|h_i| \le \tau \cdot \frac1n \sum_k E|h_k|$.

    **Arguments:**

    - `outputs`: of the layer's activation, on a batch; units on the last axis.
    - `threshold`: $\tau$; 0 for those that are always exactly zero.

    **Returns:** bools of shape `(units,)`.

    Sokar et al., The dormant neuron phenomenon in deep reinforcement learning,
    arXiv:2302.12902.
    """
    size = jnp.abs(outputs).reshape(-1, outputs.shape[-1]).mean(0)
    return size <= jnp.asarray(threshold, size.dtype) * size.mean()
