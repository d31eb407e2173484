"""Layers as products of two smaller ones."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..._models.selectors import SelectorLike
from ..._parameters.paths import join
from ..._typing import Array, Natural, NonNegativeNumber, checked
from .._edit import edit, layers, node_at
from .._fields import replace_fields
from .._origins import Origin, fresh, moved
from .._record import make_record, returned


@checked
def factorize(
    model: Any,
    selector: SelectorLike,
    *,
    rank: Natural | None = None,
    error: NonNegativeNumber | None = None,
    record: bool = False,
) -> Any:
    r"""Replace layers by two thinner ones in sequence: $W \approx B A$.

    The best such product by the singular value decomposition $W = U S V^T$, with
    $A = \sqrt{S_r} V_r^T$ and $B = U_r \sqrt{S_r}$. A convolution becomes one with $r$
    channels and a pointwise one behind it.

    ```python
    model = surgery.factorize(model, "blocks.*.up", error=0.1)
    ```

    **Arguments:**

    - `model`: any model.
    - `selector`: `Linear`s, and convolutions of one group.
    - `rank`: $r$, for all of them.
    - `error`: or the largest $\lVert W - BA \rVert / \lVert W \rVert$ (Frobenius) that
        is allowed; each layer gets the smallest rank that meets it.
    - `record`: also return the [`eqinit.surgery.Record`][], which lists rank and error
        of each layer; `undo` multiplies the factors.

    **Returns:** a new model, with an `eqx.nn.Sequential` in the place of each layer.

    **Raises:** `ValueError` unless one of `rank` and `error` is given.

    Denton et al., Exploiting linear structure within convolutional networks for
    efficient evaluation, arXiv:1404.0736.
    """
    if (rank is None) == (error is None):
        raise ValueError(
            f"factorize got rank={rank} and error={error}; pass one of them: a rank of "
            "at least 1, or an error such as 0.1."
        )
    chosen = layers(model, selector, (eqx.nn.Linear, eqx.nn.Conv))
    if grouped := [p for p, old in chosen.items() if getattr(old, "groups", 1) != 1]:
        raise ValueError(
            f"factorize takes convolutions of one group, and `{grouped[0]}` has "
            f"{chosen[grouped[0]].groups}. Select the others."
        )
    factors = {path: _factors(old.weight, rank, error) for path, old in chosen.items()}
    new = {path: _in_sequence(chosen[path], pair) for path, pair in factors.items()}
    changed = edit(model, new)
    origins: dict[str, Origin] = {}
    for path, pair in factors.items():
        origins |= _origins(path, pair, chosen[path].bias is not None)
    paths = tuple(chosen)
    made = make_record(
        "factorize", model, changed, origins, inverse=lambda m: _multiplied(m, paths)
    )
    return returned(changed, made, record)


class _Factors(NamedTuple):
    a: Array
    b: Array
    error: float


def _factors(weight: Array, rank: Natural | None, error: float | None) -> _Factors:
    wide = jnp.asarray(weight, jnp.promote_types(weight.dtype, jnp.float32))
    matrix = wide.reshape(weight.shape[0], -1)
    u, s, vt = jnp.linalg.svd(matrix, full_matrices=False)
    # What is left of the norm behind each rank, from the smallest value up.
    squares = np.square(np.asarray(s, np.float64))
    left = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
    errors = np.sqrt(left / max(left[0], np.finfo(np.float64).tiny))
    if error is not None:
        rank = max(1, int(np.argmax(errors <= error)))
    assert rank is not None
    rank = min(rank, len(s))
    root = jnp.sqrt(s[:rank])
    a, b = root[:, None] * vt[:rank], u[:, :rank] * root[None]
    return _Factors(a.astype(weight.dtype), b.astype(weight.dtype), float(errors[rank]))


def _in_sequence(layer: Any, pair: _Factors) -> eqx.nn.Sequential:
    rank = pair.a.shape[0]
    a = pair.a.reshape(rank, *layer.weight.shape[1:])
    first = {"weight": a, "bias": None, "use_bias": False}
    if isinstance(layer, eqx.nn.Linear):
        thin = replace_fields(layer, **first, out_features=rank)
        wide = replace_fields(layer, weight=pair.b, in_features=rank)
        return eqx.nn.Sequential([thin, wide])
    ones = (1,) * layer.num_spatial_dims
    thin = replace_fields(layer, **first, out_channels=rank)
    wide = replace_fields(
        layer,
        weight=pair.b.reshape(*pair.b.shape, *ones),
        in_channels=rank,
        kernel_size=ones,
        stride=ones,
        dilation=ones,
        padding=tuple((0, 0) for _ in ones),
    )
    return eqx.nn.Sequential([thin, wide])


def _origins(path: str, pair: _Factors, bias: bool) -> dict[str, Origin]:
    what = f"rank {pair.a.shape[0]}, error {pair.error:.2g}"
    old = join(path, "weight")
    found = {join(path, "layers", str(i), "weight"): fresh(what, old) for i in (0, 1)}
    if bias:
        found[join(path, "layers.1.bias")] = moved(join(path, "bias"))
    return found


def _multiplied(model: Any, paths: tuple[str, ...]) -> Any:
    """The layers again, with the products of their factors."""
    new: dict[str, Any] = {}
    for path in paths:
        thin, wide = node_at(model, path).layers
        a, b = thin.weight, wide.weight
        product = b.reshape(b.shape[:2]) @ a.reshape(a.shape[0], -1)
        fields = {"weight": product.reshape(b.shape[0], *a.shape[1:])}
        fields |= {"bias": wide.bias, "use_bias": wide.use_bias}
        size = "out_features" if isinstance(thin, eqx.nn.Linear) else "out_channels"
        new[path] = replace_fields(thin, **fields, **{size: getattr(wide, size)})
    return edit(model, new)
