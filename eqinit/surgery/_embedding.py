"""Another vocabulary: embeddings and the heads that belong to them, resized."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._models.read import read
from .._models.selectors import SelectorLike
from .._parameters.paths import join, parent
from .._typing import Array, Key, Natural, NonNegativeNumber, checked
from ._edit import edit, layer, layers, node_at
from ._fields import replace_fields, width_field
from ._origins import Origin, mapped
from ._record import make_record, returned


@checked
def resize_embedding(
    model: Any,
    selector: SelectorLike,
    size: Natural,
    key: Key,
    *,
    heads: Sequence[str] = (),
    spread: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Give a model a larger or a smaller vocabulary.

    New rows are drawn from $\mathcal N(\mu, c\,\Sigma)$ with the mean and the
    covariance of the old ones. A new token then gets about the mean of the old logits,
    which with $c = 0$ raises the partition function by a factor of at most
    $1 + m / n$ for $m$ new tokens beside $n$ old ones. Rows near zero can have larger
    logits than all others, and take over.

    ```python
    model = surgery.resize_embedding(model, "embed", 50_304, key, heads=["head"])
    ```

    Of a smaller vocabulary the first rows stay.

    **Arguments:**

    - `model`: any model.
    - `selector`: the `eqx.nn.Embedding`s.
    - `size`: the new number of rows.
    - `key`: a PRNG key.
    - `heads`: paths of the `Linear`s whose outputs are logits over the vocabulary. A
        head that `eqx.nn.Shared` fills with the embedding itself follows unasked.
    - `spread`: $c$.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model; logits of old tokens are what they were.

    **Raises:** `ValueError` for a size below one, or a head whose outputs are not as
    many as the embedding has rows.

    Hewitt, Initializing new word embeddings for pretrained language models, 2021.
    """
    tables = layers(model, selector, (eqx.nn.Embedding,))
    outputs = {path: layer(model, path, (eqx.nn.Linear,)) for path in heads}
    outputs |= _tied_heads(model, tables)
    _check_sizes(size, tables, outputs)
    new: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    keys = iter(jax.random.split(key, 2 * (len(tables) + len(outputs))))
    for path, old in (tables | outputs).items():
        axis = "vocab" if path in tables else "out"
        fields: dict[str, Any] = {width_field(old, axis): size}
        for field, draw in (("weight", next(keys)), ("bias", next(keys))):
            rows: Any = getattr(old, field, None)
            if eqx.is_array(rows):
                fields[field] = _resized(rows, size, draw, spread)
                origins[join(path, field)] = _origin(join(path, field), rows, size)
        new[path] = replace_fields(old, **fields)
    changed = edit(model, new)
    made = make_record("resize_embedding", model, changed, origins)
    return returned(changed, made, record)


def _tied_heads(model: Any, tables: dict[str, Any]) -> dict[str, Any]:
    """The `Linear`s whose weight `eqx.nn.Shared` takes from one of these tables."""
    weights = {join(path, "weight") for path in tables}
    slots = [slot for slot, source in read(model).sources if source in weights]
    paths = [parent(slot) for slot in slots]
    heads = {path: node_at(model, path) for path in paths}
    return {p: node for p, node in heads.items() if isinstance(node, eqx.nn.Linear)}


def _check_sizes(size: int, tables: dict[str, Any], outputs: dict[str, Any]) -> None:
    sizes = {p: getattr(node, width_field(node, "vocab")) for p, node in tables.items()}
    sizes |= {p: getattr(node, width_field(node, "out")) for p, node in outputs.items()}
    if size < 1 or len(set(sizes.values())) > 1:
        raise ValueError(
            f"resize_embedding got size={size} for {sizes}: it takes embeddings and "
            "heads of one vocabulary, and a size of at least 1. Call it once for each "
            "vocabulary."
        )


def _resized(rows: Array, size: Natural, key: Key, spread: NonNegativeNumber) -> Array:
    old = rows.shape[0]
    if size <= old:
        return rows[:size]
    flat = jnp.asarray(rows, jnp.promote_types(rows.dtype, jnp.float32))
    drawn = _gaussian(flat.reshape(old, -1), size - old, key, spread)
    more = drawn.reshape(size - old, *rows.shape[1:]).astype(rows.dtype)
    return jnp.concatenate([rows, more])


def _gaussian(
    rows: Float[Array, "old width"], count: int, key: Key, spread: NonNegativeNumber
) -> Float[Array, "new width"]:
    """Rows with the mean of the old ones, and `spread` times their covariance."""
    mean = rows.mean(0, keepdims=True)
    # R of a QR has R^T R = (E - mu)^T (E - mu), also where that has no Cholesky factor.
    root = jnp.linalg.qr(rows - mean, mode="r")
    normal = jax.random.normal(key, (count, root.shape[0]), rows.dtype)
    scale = jnp.asarray((float(spread) / rows.shape[0]) ** 0.5, rows.dtype)
    return mean + scale * (normal @ root)


def _origin(path: str, rows: Array, size: Natural) -> Origin:
    old, what = rows.shape[0], f"{rows.shape[0]} -> {size} tokens"

    def follow(moment: Array) -> Array:
        pads = [(0, max(size - old, 0)), *[(0, 0)] * (moment.ndim - 1)]
        return jnp.pad(moment[:size], pads)

    return mapped(path, what, follow)
