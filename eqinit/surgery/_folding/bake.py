"""Parametrized arrays, made plain."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu

from ..._models.selectors import SelectorLike
from ..._models.site import Site
from ..._models.walk import model_of
from ..._parameters.paths import join, spell
from ..._typing import NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit
from .._origins import Origin, fresh, moved, parameters
from .._record import make_record, returned
from .._selection import select
from .._weights.statistics import state_of, value_of
from .pass_state import PassState


@checked
def bake(
    model: Any,
    selector: SelectorLike = "**",
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Replace parametrized arrays by the plain ones that they stand for.

    `eqx.nn.WeightNorm` becomes the layer in it, and so does `eqx.nn.SpectralNorm`, as
    it is in inference (it is still called with a state, and hands that on). What stands
    in the place of an array, of klax, of paramax, or registered with
    [`eqinit.register_parametrization`][], becomes that array. What was constrained no
    longer is.

    ```python
    model = surgery.bake(model)
    model, state = surgery.bake((model, state))
    ```

    **Arguments:**

    - `model`: a model, or a `(model, state)` tuple; spectral norms need the state.
    - `selector`: which parameters.
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model, or `(model, state)` tuple. What only marks an array, such
    as `NonTrainable`, stays.

    **Raises:** `ValueError` where nothing that is selected is parametrized, or nobody
    has said how.
    """
    sites = [s for s in select(model, selector).sites if s.parametrization is not None]
    state = state_of(model)
    problems = [problem for site in sites if (problem := _problem(site, state))]
    if problems or not sites:
        text = "\n".join(f"- {problem}" for problem in problems)
        raise ValueError(
            f"bake replaces parametrized arrays, and {selector!r} selects "
            + (f"some that it cannot:\n{text}" if problems else "none.")
            + " See `print(eqinit.inspect(model))`."
        )
    new = {site.parametrization.node.path: _plain(site, state) for site in sites}  # pyright: ignore[reportOptionalMemberAccess]
    inner = edit(model_of(model), new)
    changed: Any = inner
    if model_of(model) is not model:
        smaller = None if state is None else state.substate(inner)
        changed = tuple(smaller if part is state else inner for part in model)
    note = check_same("bake", model, changed, call, args, tolerance)
    made = make_record("bake", model, changed, _origins(sites, inner), notes=[note])
    return returned(changed, made, record)


def _problem(site: Site, state: Any) -> str:
    bound = site.parametrization
    assert bound is not None
    if bound.blind and not hasattr(type(bound.node.module), "unwrap"):
        return f"`{site.path}`: {bound.why}"
    if bound.kind is not None and not bound.kind.in_place:
        node = bound.node.module
        if not isinstance(node, (eqx.nn.WeightNorm, eqx.nn.SpectralNorm)):
            return (
                f"`{bound.node.path}` is a layer that transforms `{site.field}` when "
                "it is called: there is no plain layer in it"
            )
        if isinstance(node, eqx.nn.SpectralNorm) and state is None:
            return f"`{bound.node.path}` needs its state: pass `(model, state)`"
    return ""


def _plain(site: Site, state: Any) -> Any:
    """What stands where the parametrization stood."""
    bound = site.parametrization
    assert bound is not None
    node: Any = bound.node.module
    if bound.blind:
        return _unwrapped(node)
    value = bound.value()
    if isinstance(node, eqx.nn.WeightNorm):
        return _with(node.layer, node.weight_name, value)
    if not isinstance(node, eqx.nn.SpectralNorm):
        return value
    u, v = (jnp.asarray(x) for x in value_of(node.uv_index, state))
    largest = u @ value.reshape(value.shape[0], -1) @ v
    return PassState(_with(node.layer, node.weight_name, value / largest))


def _with(layer: Any, field: str, value: Any) -> Any:
    return eqx.tree_at(lambda tree: getattr(tree, field), layer, value)


def _unwrapped(node: Any) -> Any:
    """By its own `unwrap`, inner ones first: what has no known inverse has that."""

    def is_inner(child: Any) -> bool:
        return child is not node and hasattr(type(child), "unwrap")

    def unwrap(child: Any) -> Any:
        return _unwrapped(child) if hasattr(type(child), "unwrap") else child

    return jtu.tree_map(unwrap, node, is_leaf=is_inner).unwrap()


def _origins(sites: list[Site], model: Any) -> dict[str, Origin]:
    """New parameters are what the old ones stood for; others of a layer only moved."""
    found: dict[str, Origin] = {}
    new = parameters(model)
    for site in sites:
        bound = site.parametrization
        assert bound is not None
        at, what = bound.node.path, f"{bound.name} baked"
        if at in new:
            found[at] = fresh(what, site.path)
            continue
        # A layer stays under `layer` where it still hands a state on.
        spectral = isinstance(bound.node.module, eqx.nn.SpectralNorm)
        inside = join(at, "layer")
        for entries, _ in jtu.tree_flatten_with_path(bound.node.module.layer)[0]:
            old = join(inside, spell(entries))
            path = join(inside if spectral else at, spell(entries))
            if path in new:
                found[path] = fresh(what, old) if old == site.path else moved(old)
    return found
