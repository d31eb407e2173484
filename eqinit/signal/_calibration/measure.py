"""The traced pass: every layer measured on what the corrected ones before it return."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ..._typing import Key
from .._probe.passes import default_dtype, scalarise
from .._taps.tap import attach_all
from .adjust import Adjust, Row, Ruler
from .calibration import SkippedLayer
from .methods import AbstractMethod
from .target import Target


class Run(NamedTuple):
    """What stays the same from pass to pass: how the model is called, and corrected."""

    call: Callable[..., Any]
    args: tuple[Any, ...]
    method: AbstractMethod


def measure(model: Any, run: Run, targets: Sequence[Target]) -> list[np.ndarray]:
    """One pass: `(*stack, rows, units)` for each layer, as `Row` lists.

    **Raises:** `ValueError` inside of a transformation.
    """
    key = jax.random.key(0)
    tables = _pass(model, run.call, run.args, tuple(targets), run.method, key)
    if any(isinstance(table, Tracer) for table in tables):
        raise ValueError(
            "calibrate decides by the numbers that it measures and cannot be traced: "
            "call it outside of `jit`, `vmap` and `grad` (it compiles its own pass)."
        )
    return [np.asarray(table) for table in tables]


@eqx.filter_jit
def _pass(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    targets: tuple[Target, ...],
    method: AbstractMethod,
    key: Key,
) -> list[Array]:
    ruler = Ruler(method)

    def objective(slots: list[Array]) -> Array:
        pairs = zip(targets, slots, strict=True)
        taps = {t.keys: Adjust(slot, ruler, t.bias, t.axis) for t, slot in pairs}
        return scalarise(call(attach_all(model, taps), *args), key)

    dtype = default_dtype()
    slots = [jnp.zeros((*t.stack, len(Row), t.units), dtype) for t in targets]
    return jax.grad(objective)(slots)


def misused(
    targets: Sequence[Target], tables: Sequence[np.ndarray]
) -> list[SkippedLayer]:
    """Layers of which a pass says that one correction cannot serve them."""
    pairs = zip(targets, tables, strict=True)
    return [
        SkippedLayer(target.path, target.kind, why)
        for target, table in pairs
        if (why := _misuse(table[..., Row.USES, :]))
    ]


def _misuse(uses: np.ndarray) -> str:
    if uses.max() > 1:
        return (
            f"used {uses.max():.0f} times in sequence (steps with shared weights, or a "
            "loop over the batch instead of `jax.vmap`): one correction cannot serve "
            "different inputs"
        )
    if uses.min() < 1:
        return (
            "its output does not reach that of `call` by a path that carries gradients"
        )
    return ""
