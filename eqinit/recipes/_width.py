"""The maximal update parametrisation: one learning rate for every width."""

from collections.abc import Mapping
from typing import Any

import jax.tree_util as jtu

from .._models.read import read
from .._models.selectors import Role
from .._models.site import Site
from .._parameters.spec import ParamSpec
from .._planning.plan import plan
from .._planning.rule import Rule
from .._schemes.fans import LecunNormal
from .._typing import Number, checked


class _Base:
    """The specs of a base model, by path."""

    def __init__(self, base: Any, layouts: Any) -> None:
        rows = plan(base, [], layouts=layouts)
        self.specs = {row.path: row.spec for row in rows}

    def growth(self, path: str, spec: ParamSpec) -> tuple[float, float]:
        """By how much fan_in and fan_out have grown over the base model's."""
        small = self.specs.get(path)
        if small is None:
            raise ValueError(
                f"mup: the base model has no `{path}`. It must be the same model with "
                "smaller widths: the same layers, fewer features."
            )
        if None in (spec.fan_in, spec.fan_out, small.fan_in, small.fan_out):
            return 1.0, 1.0
        return spec.fan_in / small.fan_in, spec.fan_out / small.fan_out  # pyright: ignore


@checked
def mup(
    base: Any,
    gain: Number = 1.0,
    *,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> list[Rule]:
    r"""Kernels for the maximal update parametrisation, relative to a base model.

    Kernels are LeCun normal: variance $g^2 / n_\text{in}$. A readout, whose inputs have
    grown over the base model's by $m$ and whose outputs have not, has that over $m$. At
    the base model's own widths it is LeCun normal throughout.

    !!! warning
        The initialisation is half of it: scale Adam's steps by
        [`eqinit.recipes.mup_adam_scales`][], and attention scores by $1/d$ rather than
        $1/\sqrt d$.

    **Arguments:**

    - `base`: the same model with base widths, concrete or abstract.
    - `gain`: $g$, multiplies the standard deviation.
    - `layouts`: as in [`eqinit.plan`][].

    **Returns:** rules for all kernels.

    **Raises:** `ValueError` for a kernel that the base model does not have.

    Yang et al., Tensor programs V: Tuning large neural networks via zero-shot
    hyperparameter transfer, arXiv:2203.03466.
    """
    known = _Base(base, layouts)

    def kernel(site: Site) -> LecunNormal:
        grown_in, grown_out = known.growth(site.path, site.spec)
        readout = grown_in != 1 and grown_out == 1
        return LecunNormal(gain * grown_in**-0.5 if readout else gain)

    return [Rule(Role("kernel"), kernel)]


@checked
def mup_adam_scales(
    model: Any,
    base: Any,
    *,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> Any:
    r"""By how much to multiply Adam's steps, parameter by parameter.

    $1/m$ for kernels whose fan_in has grown by $m$ over the base model's, 1 for input
    layers, biases and all else.

    **Arguments:**

    - `model`: the model.
    - `base`, `layouts`: as in [`eqinit.recipes.mup`][].

    **Returns:** the model's tree with a float at every parameter and `None` elsewhere.

    Yang et al., Tensor programs V, arXiv:2203.03466.
    """
    known = _Base(base, layouts)
    rows = {row.path: row.spec for row in plan(model, [], layouts=layouts)}
    leaves, treedef = jtu.tree_flatten(model)
    scales: list[float | None] = [None] * len(leaves)
    for site in read(model).parameters:
        spec = rows[site.path]
        kernel = spec.role == "kernel"
        grown = known.growth(site.path, spec)[0] if kernel else 1.0
        scales[site.position] = 1 / grown
    return jtu.tree_unflatten(treedef, scales)
