"""Replace modules, and keep the static fields that repeat their shapes consistent."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax.tree_util as jtu
import numpy as np

from .._models.place import Node
from .._models.selectors import (
    AbstractSelector,
    Layer,
    Path,
    SelectorLike,
    Where,
    as_selector,
)
from .._models.walk import children_of, is_parameter, model_of, nodes_of
from .._models.write import rewrite
from .._nearest import nearest
from .._parameters.paths import parent
from .._typing import Natural, checked
from ._fields import inconsistent, repeats, replace_fields, wanted


_M = TypeVar("_M")


@checked
def swap(
    model: _M,
    selector: SelectorLike,
    fn: Callable[[Any], Any] | eqx.Module,
    *,
    count: Natural | None = None,
) -> _M:
    """Replace modules of a model.

    ```python
    model = swap(model, "head", lambda old: eqx.nn.Linear(old.in_features, 10, key=key))
    model = swap(model, eqx.nn.Linear, lambda layer: LoRA(layer, rank=4), count=24)
    ```

    An optimiser's state was made for the old model: make it anew
    (`optimiser.init(eqx.filter(model, eqx.is_inexact_array))`).

    **Arguments:**

    - `model`: any PyTree. Of a `(model, state)` tuple the paths are those of the model;
        the state stays.
    - `selector`: a type (every module that is one, outermost first), a glob on the
        paths of modules, `"blocks.*.attn"`, or a function from the model to a module of
        it, or to a list of them, `lambda model: model.head`.
    - `fn`: from the old module to the new one, or the new one itself.
    - `count`: how many modules are meant; anything else raises.

    **Returns:** a new model; everything else in it is the same object.

    **Raises:** `ValueError` where nothing matches, where `count` is another, where `fn`
    returns no module, or where what it returns contradicts itself: a `Linear` whose
    `in_features` is not its weight's, a `Conv` with a bias and `use_bias=False`.
    """
    whole: Any = model
    inner = model_of(whole)
    if inner is not model:
        swapped = swap(inner, selector, fn, count=count)
        whole = tuple(swapped if part is inner else part for part in whole)
        return whole
    _check_no_function(model, selector)
    chosen = as_selector(selector)
    found = _matches(model, chosen)
    if not found or (count is not None and count != len(found)):
        raise ValueError(_miscount(model, chosen, found, count))
    new = [_new(fn, node, len(found)) for node in found]
    paths = [node.path for node in found]
    if lost := [p for p, node in zip(paths, new, strict=True) if _is_value(node)]:
        example = new[paths.index(lost[0])]
        raise ValueError(
            f"`fn` returned {type(example).__name__} for `{lost[0]}`, where a module "
            "stood. Return a module, such as `eqx.nn.Identity()`, which does nothing."
        )
    wrong = [
        f"- `{path}` (a {type(node).__name__}): {problem}"
        for path, node in zip(paths, new, strict=True)
        for problem in problems_of(node)
    ]
    if wrong:
        listed = "\n".join(wrong)
        raise ValueError(
            f"what `fn` returned contradicts itself:\n{listed}\nBuild the layer anew "
            "with its own constructor, or change it with `with_bias` and "
            "`without_bias`, which set the flags as well."
        )
    # By path and not by identity: one module object may stand at two paths.
    changes = {
        node.keys: functools.partial(_instead, by)
        for node, by in zip(found, new, strict=True)
    }
    return in_step(rewrite(model, changes))


def _new(fn: Any, node: Node, places: int) -> Any:
    """What `fn` makes of a module, or `fn` if it is one: a layer is callable too."""
    if not isinstance(fn, eqx.Module):
        _check_takes_one(fn)
        return fn(node.module)
    if places > 1 and any(map(is_parameter, jtu.tree_leaves(fn))):
        name = type(fn).__name__
        raise ValueError(
            f"got one {name} for {places} places, which would start with the same "
            f"values. Make one for each: `lambda old: {name}(...)`, or say which place "
            "is meant with a glob or `count=1`."
        )
    return fn


def _check_takes_one(fn: Callable[..., Any]) -> None:
    """`fn` is called with the old module; what has no signature says it itself."""
    try:
        inspect.signature(fn).bind(object())
    except ValueError:
        return
    except TypeError as error:
        name = getattr(fn, "__name__", repr(fn))
        raise TypeError(
            f"swap calls {name} with the old module, as `fn(old)`: {error}. Write a "
            "function of that, such as `lambda old: eqx.nn.Linear(old.in_features, "
            "10, key=key)`."
        ) from None


def _check_no_function(model: Any, selector: Any) -> None:
    """An activation is no module but a leaf of the model, and is replaced as such."""
    leaves = jtu.tree_leaves_with_path(model) if callable(selector) else []
    held = [f"m{jtu.keystr(path)}" for path, leaf in leaves if leaf is selector]
    if held:
        name = getattr(selector, "__name__", repr(selector))
        where = held[0] if len(held) == 1 else f"({', '.join(held)})"
        new = "new" if len(held) == 1 else f"({', '.join(['new'] * len(held))})"
        raise TypeError(
            f"{name} is a function that the model holds, and `swap` replaces modules. "
            f"Write `eqx.tree_at(lambda m: {where}, model, {new})`."
        )


def _is_value(new: Any) -> bool:
    """Whether this is no module, nor a function, nor a container of these."""
    values = bool | int | float | complex | str | bytes | np.generic
    return new is None or isinstance(new, values) or eqx.is_array_like(new)


def _instead(new: Any, old: Any) -> Any:
    del old
    return new


def _matches(model: Any, selector: AbstractSelector) -> list[Node]:
    """The outermost modules that a selector chooses."""
    if not isinstance(selector, Layer | Path | Where):
        raise TypeError(
            f"{selector!r} selects parameters; `swap` replaces modules: pass a type, a "
            "glob on their paths or a function from the model to a module."
        )
    nodes = nodes_of(model)
    mask = selector.mask(model, nodes)
    chosen = [node for node, hit in zip(nodes, mask, strict=True) if hit]
    if isinstance(selector, Path):
        # A glob reaches everything under a path; a module is meant where it begins.
        above = {node: parent(node.path) for node in chosen}
        chosen = [n for n in chosen if not (above[n] and selector.reaches(above[n]))]
    return _outermost(chosen)


def _outermost(nodes: Sequence[Node]) -> list[Node]:
    chosen = set(nodes)
    return [node for node in nodes if chosen.isdisjoint(node.ancestors)]


def _miscount(
    model: Any,
    selector: AbstractSelector,
    found: Sequence[Node],
    count: int | None,
) -> str:
    if found:
        paths = ", ".join(f"`{node.path}`" for node in found[:8])
        return (
            f"{selector!r} matches {len(found)} modules ({paths}) and `count` "
            f"says {count}. Narrow it by path, or pass `count={len(found)}`."
        )
    layers = _outermost([n for n in nodes_of(model) if n.path and _has_arrays(n)])
    names = [node.path for node in layers]
    some = ", ".join(f"`{name}`" for name in names[:5]) or "none"
    near = nearest(selector.glob, names) if isinstance(selector, Path) else ""
    return (
        f"{selector!r} matches no module.{near or f' There are {some}.'} Paths are "
        "those that `print(eqinit.inspect(model))` shows, without the field. (Arrays "
        "are replaced by `select(model, ...).set(...)`.)"
    )


def _has_arrays(node: Node) -> bool:
    return any(is_parameter(child) for _, child in children_of(node.module) or ())


def problems_of(node: Any) -> list[str]:
    """Contradictions of a module and of every module in it."""
    known = _outermost([n for n in nodes_of(node) if wanted(n.module)])
    return [
        f"{f'`{inner.path}`: ' if inner.path else ''}{problem}"
        for inner in known
        for problem in inconsistent(inner.module)
    ]


def in_step(model: Any) -> Any:
    """A model whose layers repeat in their static fields what the layers in them say.

    Such as the `use_bias` of an MLP, and the `use_query_bias` of attention.
    """
    changes = {
        node.keys: _repeating for node in nodes_of(model) if repeats(node.module)
    }
    return rewrite(model, changes)


def _repeating(node: Any) -> Any:
    changed = {f: v for f, v in repeats(node).items() if getattr(node, f) != v}
    return replace_fields(node, **changed) if changed else node
