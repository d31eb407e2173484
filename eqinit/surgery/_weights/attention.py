"""How attention is stored elsewhere: projections apart, or joined in one array."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx

from ..._models.site import Site
from .forms import Form, as_is, forms_of


# Names that libraries give to the projections, beside Equinox's own.
_NAMES = {
    "query_proj": ("q_proj", "query", "to_q", "q"),
    "key_proj": ("k_proj", "key", "to_k", "k"),
    "value_proj": ("v_proj", "value", "to_v", "v"),
    "output_proj": ("out_proj", "o_proj", "proj", "c_proj", "out", "to_out.0"),
}
_INPUTS = ("query_proj", "key_proj", "value_proj")
# Names of one array that holds the three of them, in this order.
_JOINED = ("in_proj_{}", "qkv.{}", "c_attn.{}", "to_qkv.{}", "in_proj.{}")


def attention_of(site: Site) -> tuple[str, Any, str] | None:
    """Path and module of the attention that a parameter is a projection of, and which.

    `None` for all others.
    """
    if len(site.ancestors) < 2:
        return None
    above, layer = site.ancestors[-2], site.ancestors[-1]
    if not isinstance(above.module, eqx.nn.MultiheadAttention):
        return None
    if not all(isinstance(getattr(above.module, n), eqx.nn.Linear) for n in _NAMES):
        return None  # one of them is adapted, or in another form: each for itself
    name = layer.path.removeprefix(above.path).removeprefix(".")
    return (above.path, above.module, name) if name in _NAMES else None


def attention_forms(attention: Any, name: str, site: Site) -> Iterator[Form]:
    """Ways in which one projection is stored, relative to the attention's module."""
    field = site.field
    for other in _NAMES[name]:
        for names, load, how in forms_of(site):
            yield Form(tuple(f"{other}.{n}" for n in names), load, how)
    if name in _INPUTS:
        yield as_is(f"{name[0]}_proj_{field}")  # torch's, where sizes differ
        start, stop = _rows(attention, name)
        which = f"{_INPUTS.index(name) + 1} of 3"
        rows = (slice(start, stop), slice(None))[: 2 if field == "weight" else 1]
        for joined in _JOINED:
            yield Form((joined.format(field),), lambda x: x[(..., *rows)], which)


def _rows(attention: Any, name: str) -> tuple[int, int]:
    """Where in the joined array a projection begins and ends."""
    sizes = [getattr(attention, other).weight.shape[-2] for other in _INPUTS]
    at = _INPUTS.index(name)
    return sum(sizes[:at]), sum(sizes[: at + 1])
