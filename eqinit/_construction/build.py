"""`build`: construct and initialise at once, without the constructor's own draws."""

import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

import equinox as eqx
import jax
import jax.tree_util as jtu
import numpy as np

from .._articles import with_article
from .._fill.heap import give_back
from .._fill.kernels import prefetch
from .._fill.request import key_eligible
from .._gc import no_collection
from .._inference.facts import LayoutsLike, layouts_of
from .._models.read import Sites, read
from .._models.shardings import wanted_shardings
from .._parameters.spec import make_spec
from .._planning.plan import Plan, apply_plan, plan, plan_of
from .._planning.resolve import Resolved, resolve
from .._planning.rule import Rule, RulesLike, as_rules
from .._typing import Key, checked
from .run import evaluate
from .trace import Traced, Untraceable, traced


_M = TypeVar("_M")
_log = logging.getLogger("eqinit")

# Bytes of parameters beside which 10 ms for the memory of tracing are well spent.
_LARGE = 1 << 25
# Why a constructor is run as it is.
_TOLD = "is not to be traced (`trace=False`)"


@overload
def build(
    make: Callable[..., _M],
    key: Key,
    rules: RulesLike,
    *,
    layouts: LayoutsLike = None,
    sharding: Any = None,
    strict: bool = False,
    trace: bool = True,
    progress: bool = False,
    return_plan: Literal[False] = False,
) -> _M: ...
@overload
def build(
    make: Callable[..., _M],
    key: Key,
    rules: RulesLike,
    *,
    layouts: LayoutsLike = None,
    sharding: Any = None,
    strict: bool = False,
    trace: bool = True,
    progress: bool = False,
    return_plan: Literal[True],
) -> tuple[_M, Plan]: ...
@checked
def build(
    make: Callable[..., Any],
    key: Key,
    rules: RulesLike,
    *,
    layouts: LayoutsLike = None,
    sharding: Any = None,
    strict: bool = False,
    trace: bool = True,
    progress: bool = False,
    return_plan: bool = False,
) -> Any:
    """Construct a model and initialise it, without drawing any default value.

    ```python
    model = eqinit.build(lambda key: MyModel(64, key=key), key, rules)
    model, state = eqinit.build(eqx.nn.make_with_state(ResNet), key, rules)
    ```

    The result is that of `apply(make(key), key, rules)`, to the last bit. But the
    constructor is traced and not run: of all that it computes, only what the result
    holds is computed, an operation at a time. Parameters that a rule claims are drawn
    once, by eqinit.

    !!! info

        A constructor that cannot be traced (it looks at values, has side effects, hides
        arrays in closures, or keeps them in a global or a cache) is run as it is, and
        what rules claim is drawn again. Whatever tracing changed is put back first. The
        values are the same; the log and the plan's notes say so.

    **Arguments:**

    - `make`: a constructor: `make(key=key)` where it has an argument of this name, and
        `make(key)` otherwise. It may return any PyTree; of a `(model, state)` tuple, as
        from `eqx.nn.make_with_state`, the paths are those of the model.
    - `key`: a typed or raw PRNG key. The constructor gets it as it is.
    - `rules`, `layouts`, `strict`: as in [`eqinit.plan`][]. Parameters that no rule
        claims are what the constructor computes.
    - `sharding`: where to put the parameters: one sharding, a tree prefix of the model,
        or a function of the site. What the constructor computes is moved there.
    - `trace`: `False` runs the constructor as it is from the start.
    - `progress`: show a bar of the bytes drawn (with tqdm).
    - `return_plan`: return `(model, plan)`.

    **Returns:** what `make` returns, initialised.

    **Raises:** `ValueError`, before anything is drawn, with every problem found;
    `TypeError` for a model in place of a constructor.
    """
    if _is_model(make):
        raise TypeError(_no_constructor(make))
    _check_takes_a_key(make)
    construct = functools.partial(_construct, make)
    rules = as_rules(rules)
    if key_eligible(key):
        prefetch(_bases(rules))
    made = _traced(construct, key) if trace else _TOLD
    if isinstance(made, str):
        model = construct(key)
        planned = plan(model, rules, layouts=layouts, strict=strict)
        planned = _noted(planned, made)
        sites = None
    else:
        found = resolve(
            made.skeleton,
            rules,
            layouts_of(layouts),
            strict=strict,
            allow_abstract=True,
        )
        planned = plan_of(found)
        model = _computed(made, found, key)
        sites = _without_values(found.sites)
    model = _placed(model, planned, sharding)
    if sum(row.spec.nbytes for row in planned) >= _LARGE:
        give_back()
    model = apply_plan(planned, model, key, sharding, progress, sites)
    return (model, planned) if return_plan else model


def _is_model(make: Any) -> bool:
    """Whether this is a model: a module with parameters, and no wrapped function."""
    module = isinstance(make, eqx.Module) and not isinstance(make, eqx.Partial)
    wraps = getattr(make, "__wrapped__", None) is not None
    return module and not wraps and bool(read(make).parameters)


def _no_constructor(model: Any) -> str:
    name = type(model).__name__
    return (
        f"got {with_article(name)} that is made already, and `build` makes one: pass "
        "its constructor, "
        f"`eqinit.build(lambda key: {name}(..., key=key), key, rules)`. "
        "A model that there is gets its values from `eqinit.apply(model, key, rules)`."
    )


@no_collection()
def _traced(construct: Callable[[Key], Any], key: Key) -> Traced | str:
    """The constructor traced, or why it is not, in words."""
    try:
        return traced(construct, key)
    except Untraceable as why:
        return f"cannot be traced ({why})"


def _construct(make: Callable[..., Any], key: Key) -> Any:
    return make(key=key) if _takes_key_by_name(make) else make(key)


def _check_takes_a_key(make: Callable[..., Any]) -> None:
    by_name = _takes_key_by_name(make)
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):
        return
    given: dict[str, Any] = {"key": None} if by_name else {}
    try:
        signature.bind(*(() if by_name else (None,)), **given)
    except TypeError as error:
        name = getattr(make, "__name__", type(make).__name__)
        called = f"{name}({'key=key' if by_name else 'key'})"
        made = "MyModel" if name == "<lambda>" else name
        raise TypeError(
            f"`make` is called with a key and nothing else, `{called}`: {error}. Pass "
            f"a function that says the rest, as in `lambda key: {made}(..., key=key)`."
        ) from None


def _takes_key_by_name(make: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return False
    named = parameters.get("key")
    return named is not None and named.kind is not named.POSITIONAL_ONLY


def _bases(rules: Sequence[Rule]) -> set[str]:
    """What rules will draw from, most likely: it compiles while `make` is traced."""
    spec = make_spec((2, 2), np.float32, "out in")
    bases: set[str] = set()
    for init in (init for rule in rules for init in (rule.init, *rule.fields.values())):
        try:
            law = init.law(spec)
        except (AttributeError, TypeError, ValueError):
            continue  # a function of the site, or a scheme for another role
        bulk = None if law is None else law.bulk()
        bases |= set() if bulk is None else {bulk.kernel}
    return bases


def _computed(made: Traced, found: Resolved, key: Key) -> Any:
    """What the constructor returns, with the parameters that rules claim left out."""
    ours = {row.path for row in found.rows if row.status != "kept"}
    sites = found.sites.parameters
    claimed = {site.position for site in sites if site.path in ours}
    theirs = [i for i in made.positions if i not in claimed]
    leaves, treedef = jtu.tree_flatten(made.skeleton)
    for i, value in zip(theirs, evaluate(made, theirs, key), strict=True):
        leaves[i] = value
    return jtu.tree_unflatten(treedef, leaves)


def _without_values(sites: Sites) -> Sites | None:
    """The sites of the skeleton, where they do for the model.

    Not where a parametrization or a state says what to do with a value: those of the
    skeleton have none.
    """
    plain = all(
        s.parametrization is None and s.follows is None for s in sites.parameters
    )
    return sites if plain and not sites.states else None


def _placed(model: Any, planned: Plan, sharding: Any) -> Any:
    """The model with its kept parameters where the caller wants them."""
    if sharding is None:
        return model
    kept = {row.path for row in planned if row.status == "kept"}
    sites = {s.path: s for s in read(model).parameters if s.path in kept}
    places = wanted_shardings(model, sites, sharding)
    leaves, treedef = jtu.tree_flatten(model)
    for path, site in sites.items():
        leaves[site.position] = jax.device_put(site.leaf, places[path])
    return jtu.tree_unflatten(treedef, leaves)


def _noted(planned: Plan, why: str) -> Plan:
    note = (
        f"the constructor {why}, so it was run as it is: it drew its own values first, "
        "and those that rules claim were then replaced."
    )
    _log.log(
        logging.INFO if why == _TOLD else logging.WARNING, "eqinit.build: %s", note
    )
    return dataclasses.replace(planned, notes=(*planned.notes, note))
