"""Several models as one: soups, interpolation, moving averages."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import jax.tree_util as jtu

from .._models.walk import is_parameter
from .._parameters.paths import spell
from .._typing import FiniteNumber, checked
from ._origins import described, differences


@checked
def merge(models: Sequence[Any], weights: Sequence[FiniteNumber] | None = None) -> Any:
    r"""The weighted mean of models, parameter by parameter: $\sum_i \lambda_i w_i$.

    ```python
    soup = surgery.merge([first, second, third])
    halfway = surgery.merge([first, second], [0.5, 0.5])
    average = surgery.merge([average, model], [0.999, 0.001])  # after each step
    ```

    Models that were fine-tuned from one can be merged as they are. Those that were
    trained apart have their units in different orders: [`eqinit.surgery.match`][]
    first.

    **Arguments:**

    - `models`: of one structure, or `(model, state)` tuples, of which running
        statistics are merged as well.
    - `weights`: $\lambda$, which add up to one; by default all alike. One that is
        negative extrapolates.

    **Returns:** a model. Means are taken in float32 or wider, and cast to the dtypes of
    the first model, whose other leaves it keeps. It can be traced.

    **Raises:** `ValueError` where models differ in structure, shapes or dtypes.

    Wortsman et al., Model soups: Averaging weights of multiple fine-tuned models
    improves accuracy without increasing inference time, arXiv:2203.05482.
    """
    if not models:
        raise ValueError("merge got no models; pass two of them or more.")
    shares = [1 / len(models)] * len(models) if weights is None else list(weights)
    if len(shares) != len(models) or abs(math.fsum(shares) - 1) > 1e-6:
        raise ValueError(
            f"merge got weights={shares} for {len(models)} models: it takes one each, "
            f"which add up to 1, such as {[round(1 / len(models), 3)] * len(models)}."
        )
    pairs, treedef = jtu.tree_flatten_with_path(models[0])
    for number, other in enumerate(models[1:], 1):
        _check_alike(models[0], other, number)
    columns = zip(*(jtu.tree_leaves(model) for model in models), strict=True)
    leaves = [
        _mean(column, shares) if is_parameter(leaf) else leaf
        for (_, leaf), column in zip(pairs, columns, strict=True)
    ]
    return jtu.tree_unflatten(treedef, leaves)


def _mean(arrays: Sequence[Any], shares: Sequence[float]) -> Any:
    dtype = arrays[0].dtype
    wide = dtype if dtype.itemsize >= 4 else jnp.float32
    pairs = zip(arrays, shares, strict=True)
    total = sum(jnp.asarray(a, wide) * jnp.asarray(c, wide) for a, c in pairs)
    return jnp.asarray(total, dtype)


def _check_alike(first: Any, other: Any, number: int) -> None:
    ones, others = (_described(model) for model in (first, other))
    if wrong := differences(ones, others):
        listed = "\n".join(wrong)
        raise ValueError(
            f"merge got models 0 and {number} that differ in their parameters:\n"
            f"{listed}\nPass models of one structure."
        )


def _described(model: Any) -> dict[str, str]:
    pairs, _ = jtu.tree_flatten_with_path(model)
    return {
        spell(path): described(leaf) if is_parameter(leaf) else type(leaf).__name__
        for path, leaf in pairs
    }
