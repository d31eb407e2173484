"""Low-rank adapters in a model: found, selected, and merged with what they adapt."""

from collections.abc import Iterable
from typing import Any, TypeVar

import jax.tree_util as jtu

from ..._models.selectors import Filter
from ..._models.walk import model_of
from ..._parameters.paths import join, spell
from ..._typing import checked
from .._edit import edit, node_at
from .._origins import Origin, fresh, moved
from .._record import make_record, returned
from .._selection import Selection, select
from .adapted import LoRA


_M = TypeVar("_M")


def without_adapters(node: Any, path: str) -> tuple[str, str]:
    """Path from the layer itself; and the field of the kernel, for a factor of it."""
    while isinstance(node, LoRA):
        inner = path.removeprefix("layer.")
        if inner == path:
            return path, node.field
        node, path = node.layer, inner
    return path, ""


def adapters(model: Any) -> list[tuple[str, LoRA]]:
    """The outermost adapters, with their paths."""
    pairs, _ = jtu.tree_flatten_with_path(
        model_of(model), is_leaf=lambda node: isinstance(node, LoRA)
    )
    return [(spell(p), node) for p, node in pairs if isinstance(node, LoRA)]


def merged_at(model: Any, paths: Iterable[str]) -> Any:
    """The model with the adapters at these paths merged, and no others."""
    return edit(model, {path: node_at(model, path).merged() for path in paths})


@checked
def lora_parameters(model: _M) -> Selection[_M]:
    """The parameters of all adapters of a model, as a selection.

    ```python
    trained, frozen = eqx.partition(model, surgery.lora_parameters(model).mask())
    ```

    **Arguments:**

    - `model`: a model that went through [`eqinit.surgery.lora`][].

    **Returns:** a [`eqinit.surgery.Selection`][]; `mask()` is for `eqx.partition` and
    for optax, and `get` and `set` are for saving adapters apart from the model.
    """
    fields = ("lora_a", "lora_b", "magnitude")
    return select(
        model, Filter(lambda s: isinstance(s.layer, LoRA) and s.field in fields)
    )


@checked
def merge_lora(model: Any, *, record: bool = False) -> Any:
    """Replace every adapted layer by the layer itself, with the corrected kernel.

    **Arguments:**

    - `model`: a model that went through [`eqinit.surgery.lora`][].
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a model with the structure that it had before.

    **Raises:** `ValueError` where there is no adapter.
    """
    found = adapters(model)
    if not found:
        raise ValueError(
            "merge_lora found no adapter in this model. `surgery.lora(model, selector, "
            "rank, key)` makes some."
        )
    changed = merged_at(model, [path for path, _ in found])
    origins: dict[str, Origin] = {}
    for path, node in found:
        for entries, _ in jtu.tree_flatten_with_path(node)[0]:
            inner, factor_of = without_adapters(node, spell(entries))
            old, new = join(path, spell(entries)), join(path, inner)
            if not factor_of:
                merged = inner in _fields(node)
                origins[new] = fresh("merged", old) if merged else moved(old)
    made = make_record("merge_lora", model, changed, origins)
    return returned(changed, made, record)


def _fields(node: Any) -> set[str]:
    fields: set[str] = set()
    while isinstance(node, LoRA):
        fields.add(node.field)
        node = node.layer
    return fields
