"""That an operation changed the model and not what it computes."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from .._typing import NonNegativeNumber
from ._calls import called, called_after, listed


_ROUNDING = 1e-6  # of float32, over a few layers


def check_same(
    operation: str,
    before: Any,
    after: Any,
    call: Callable[..., Any] | None,
    args: Sequence[Any],
    tolerance: NonNegativeNumber,
    *,
    fix: str = "",
    off: str = "",
) -> str | None:
    """How far the outputs of two models are apart, as a note for the record.

    `None` where there is no `call`, or where values are not known, as under `jit`.

    **Arguments:**

    - `fix`: what to do where the model after does not run any more.
    - `off`: what to do where it returns something else.

    **Raises:** `ValueError` where they are further apart than `tolerance`, in units of
    the largest output, or where `call` does not run.
    """
    if call is None:
        return None
    wanted = called(operation, call, before, args)
    got = called_after(operation, call, after, args, fix)
    pairs = _outputs(operation, wanted, got)
    if any(isinstance(leaf, Tracer) for pair in pairs for leaf in pair):
        return None
    gap = max((_gap(a, b) for a, b in pairs), default=0.0)
    if not gap <= tolerance:
        raise ValueError(
            f"`{operation}` was to leave what `call` returns as it is, and would "
            f"change it by {gap:.2g} of its size, where {tolerance:g} is allowed. "
            "Either the model does something with these parameters that was not taken "
            "into account, or it rounds more than that: then pass `tolerance=`."
            + (f" {off}" if off else "")
        )
    # Below that it is rounding, which differs between machines.
    apart = f"less than {_ROUNDING:g}" if 0 < gap < _ROUNDING else f"{gap:.1g}"
    return f"outputs of `call` differ by {apart} of their size"


def check_runs(
    operation: str,
    before: Any,
    after: Any,
    call: Callable[..., Any] | None,
    args: Sequence[Any],
    fix: str,
) -> None:
    """That `call` runs on both models, and returns the same but for numbers."""
    if call is None:
        return
    traced = functools.partial(eqx.filter_eval_shape, call)
    old = called(operation, traced, before, args)
    new = called_after(operation, traced, after, args, fix)
    was, now = listed(old), listed(new)
    if was != now:
        raise ValueError(
            f"`{operation}` would make a model of which `call` returns {now}, where it "
            f"returned {was}. {fix}"
        )


def _outputs(operation: str, one: Any, other: Any) -> list[tuple[Any, Any]]:
    a, b = (
        jtu.tree_leaves(eqx.filter(out, eqx.is_inexact_array)) for out in (one, other)
    )
    if not a or [x.shape for x in a] != [x.shape for x in b]:
        raise ValueError(
            f"`{operation}` compares what `call` returns before and after, and got "
            f"floating-point arrays of shapes {[x.shape for x in a]} and "
            f"{[x.shape for x in b]}. Let `call` return the model's outputs."
        )
    return list(zip(a, b, strict=True))


def _gap(a: Any, b: Any) -> float:
    a, b = (np.asarray(x).astype(np.complex128) for x in (a, b))
    size = float(np.abs(a).max(initial=0.0))
    gap = float(np.abs(a - b).max(initial=0.0))
    return gap / size if size > 0 else gap
