"""`probe`: every layer's output and gradient, measured in one backward pass."""

from collections.abc import Callable, Mapping
from typing import Any

import jax

from ..._layouts.registry import call_layouts
from ..._models.selectors import SelectorLike
from ..._typing import Key, checked
from .._taps.dry_run import some_called
from .._taps.layers import parameter_layers, tap_points
from .passes import run_passes
from .report import Report


@checked
def probe(
    model: Any,
    call: Callable[..., Any],
    *args: Any,
    select: SelectorLike | None = None,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
    key: Key | None = None,
) -> Report:
    r"""Measure what every layer of a model does to the signal and to its gradient.

    ```python
    report = eqinit.probe(model, lambda m, x: jax.vmap(m)(x), x)
    print(report)
    ```

    One backward pass, compiled once for a given `call`; the model is not changed. It
    sees through `jit`, `vmap`, `scan` over stacked layers and `checkpoint`. A second
    pass is made where float32 would not hold a variance, four more where one layer is
    used several times in sequence (a recurrent cell), for the exact maximum.

    !!! info

        A layer is seen on its way back from the output: one whose output does not
        reach it (behind `stop_gradient`, or an `argmax`) has `count` 0.

    **Arguments:**

    - `model`: a model; any PyTree that holds `eqx.Module`s with a `__call__`.
    - `call`: a function of the model and `args`, called as `call(model, *args)`. If it
        returns one real scalar, that is the loss whose gradient is measured. If it
        returns anything else (outputs, in any PyTree), each output is given a gradient
        drawn from $N(0, 1)$, so that `grad_std` is the gain from a layer to the output.
    - `*args`: its further arguments, such as a batch.
    - `select`: which layers, as a selector: a layer type, a path glob, or a
        composition of them. By default every layer that holds parameters of its own.
        A type means layers *of* that type and not also what is inside of them.
    - `layouts`: layouts for this call, as in [`eqinit.plan`][]; they say which axis of
        a layer's output counts its units.
    - `key`: for the gradients drawn from $N(0, 1)$; a fixed one by default.

    **Returns:** a [`eqinit.signal.Report`][].

    **Raises:** `ValueError` where `select` matches no layer, no selected layer is
    called, or the call returns no floating-point number; `TypeError` for a `call` that
    does not take the model.
    """
    known = call_layouts(layouts)
    layers = tap_points(model, select, known)
    context = parameter_layers(model, known)
    called, missing = some_called(model, call, args, layers, context)
    key = jax.random.key(0) if key is None else key
    readings = run_passes(model, call, args, tuple(called), key)
    return Report(readings, tuple(called), tuple(missing))
