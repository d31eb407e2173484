"""`apply`: rules to values in one call."""

from typing import Any, TypeVar

from ._inference.facts import LayoutsLike, layouts_of
from ._planning.plan import apply_plan, plan_of
from ._planning.resolve import resolve
from ._planning.rule import RulesLike, as_rules
from ._typing import Key, checked


_M = TypeVar("_M")


@checked
def apply(
    model: _M,
    key: Key,
    rules: RulesLike,
    *,
    layouts: LayoutsLike = None,
    sharding: Any = None,
    strict: bool = False,
    progress: bool = False,
) -> _M:
    """Give every parameter that a rule claims its initial value.

    ```python
    model = eqinit.apply(model, key, [
        Rule(eqx.nn.Conv, weight=HeNormal(), bias=Zeros()),
        Rule(eqx.nn.Linear, weight=LecunNormal(), bias=Zeros()),
    ])
    ```

    A parameter's draw depends on `key`, on its path and on its own spec: neither other
    layers nor other rules change it. Works under `jit`, `vmap` and `grad`, on abstract
    models and on stacked layers.

    **Arguments:**

    - `model`: any PyTree with parameters; concrete, or abstract from
        `eqx.filter_eval_shape`, whose parameters are then made.
    - `key`: a typed or raw PRNG key.
    - `rules`, `layouts`, `strict`: as in [`eqinit.plan`][].
    - `sharding`: where to put the draws: one sharding, a tree prefix of the model with
        shardings at its leaves, or a function of the site. Each device draws its own
        shard alone. By default each parameter stays where it is.
    - `progress`: show a bar of the bytes drawn (with tqdm).

    **Returns:** a new model with the same structure, shapes, dtypes, static fields and
    shardings; leaves that no rule claims are the same objects.

    **Raises:** `ValueError`, before anything is drawn, with every problem found.
    """
    found = resolve(model, as_rules(rules), layouts_of(layouts), strict=strict)
    return apply_plan(plan_of(found), model, key, sharding, progress, found.sites)
