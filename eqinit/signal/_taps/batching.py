"""Statistics that see through `vmap`."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array


def through_vmap(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A statistic that reduces over mapped axes as over any other axis of samples.

    Under `vmap` a function sees one example. The result of this one sees them all: its
    `custom_vmap` rule is handed the whole mapped array, and returns one answer for all
    of them instead of one each. Nothing needs a name, so it works in code that calls
    `jax.vmap` wherever it likes.

    **Arguments:**

    - `fn`: a function `(lead, marker, *arrays)`. The first `lead` axes of `marker` and
        `arrays` are members of an ensemble, each with an answer of its own; in front of
        the last axis of `arrays` are any number of axes of samples.

    **Returns:** a function `(marker, *arrays)`. A mapped axis that `marker` has as well
    is one of members, any other one of samples.
    """
    return _mapped(fn, 0)


@functools.cache
def _mapped(fn: Callable[..., Any], lead: int) -> Callable[..., Any]:
    reduced: Any = custom_vmap(functools.partial(fn, lead))

    @reduced.def_vmap
    def rule(size: int, mapped: list[bool], *values: Array) -> tuple[Any, Any]:
        marker, *arrays = (
            a if is_mapped or i == 0 else jnp.broadcast_to(a, (size, *a.shape))
            for i, (a, is_mapped) in enumerate(zip(values, mapped, strict=True))
        )
        if mapped[0]:
            out = _mapped(fn, lead + 1)(marker, *arrays)
        else:
            # One more axis of samples, behind the members.
            out = reduced(marker, *(jnp.moveaxis(a, 0, lead) for a in arrays))
        return out, jax.tree.map(lambda _: mapped[0], out)

    return reduced
