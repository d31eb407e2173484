"""`forecast`: what a plan will do to signals and gradients, before it is drawn."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.tree_util as jtu
import numpy as np

from ..._inference.walker import walk
from ..._layouts.registry import call_layouts
from ..._models.selectors import SelectorLike
from ..._planning.plan import Plan
from ..._typing import checked
from .._taps.dry_run import some_called
from .._taps.layers import parameter_layers, tap_points
from .domain import SecondMoments
from .inputs import gradient, inputs
from .layer_forecast import layer_forecasts
from .report import Forecast
from .rules import RULES
from .trace import trace
from .values import Known, Value


@checked
def forecast(
    plan: Plan,
    model: Any,
    call: Callable[..., Any],
    *args: Any,
    select: SelectorLike | None = None,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> Forecast:
    r"""Say what [`eqinit.probe`][] would measure, before a number is drawn.

    ```python
    plan = eqinit.plan(model, rules)
    print(eqinit.signal.forecast(plan, model, lambda m, x: jax.vmap(m)(x), x))
    ```

    Second moments are followed through the computation, forward and backward. Of every
    array it is known on which axes two of its entries must agree to have how much in
    common: so the variance of a mean over positions, of a sum weighted by attention,
    and of a padded convolution follows. Activations are functions of a Gaussian, at a
    scale that differs between samples and draws. It is what to expect on average over
    draws: a single one deviates, the more the deeper and the narrower the model.

    Where a rule is missing (a sort, a loop that ends where its values say so) nothing
    is known from there on, and the rows and the summary say why.

    **Arguments:**

    - `plan`: what each parameter will be; one that no rule claims is what it is.
    - `model`: the model that was planned, concrete or abstract.
    - `call`: a function of the model and `args`, as for [`eqinit.probe`][].
    - `*args`: its further arguments. Of an array of numbers its moments are taken: how
        alike samples, positions and channels are. One that is abstract (a
        `jax.ShapeDtypeStruct`) is taken to be standard normal.
    - `select`: which layers, as for [`eqinit.probe`][].
    - `layouts`: layouts for this call, as in [`eqinit.plan`][].

    **Returns:** a [`eqinit.signal.Forecast`][].

    **Raises:** `ValueError` where the plan is of another model, `select` matches no
    layer, or no selected layer is called.

    Poole, Lahiri, Raghu, Sohl-Dickstein and Ganguli, "Exponential expressivity in deep
    neural networks through transient chaos", NeurIPS 2016,
    [arXiv:1606.05340](https://arxiv.org/abs/1606.05340); Yang and Schoenholz, "Mean
    field residual networks", NeurIPS 2017,
    [arXiv:1712.08969](https://arxiv.org/abs/1712.08969); Hanin and Rolnick, "How to
    start training: the effect of initialization and architecture", NeurIPS 2018,
    [arXiv:1803.01719](https://arxiv.org/abs/1803.01719).
    """
    sites = plan.sites_in(model).parameters
    known = call_layouts(layouts)
    points = tap_points(model, select, known)
    context = parameter_layers(model, known)
    layers, missing = some_called(model, call, args, points, context)
    traced = trace(model, call, args, layers)
    of_model = len(jtu.tree_leaves(model))
    rows = {row.path: row for row in plan.rows}
    values: list[Value] = [Known(numbers) for numbers in traced.slots]
    values += inputs(sites, rows, traced.leaves, traced.positions, of_model)
    values += [gradient(out.shape) for out in traced.gradients]
    domain = SecondMoments(RULES)
    # A function that is not always finite, such as `1 / relu(x)`, ends in a row.
    with np.errstate(all="ignore"):
        walk(domain, traced.jaxpr, values)
    return Forecast(layer_forecasts(domain.records, layers, traced.why), tuple(missing))
