"""Replace modules, and keep the static fields that repeat their shapes consistent."""

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.tree_util as jtu

from .._models.selectors import AbstractSelector, Layer, Path, Where, as_selector
from .._models.walk import Site, model_of
from .._parameters.paths import join, parent, spell
from .._typing import checked
from ._fields import inconsistent, repeats, replace_fields, wanted


_M = TypeVar("_M")


@checked
def swap(
    model: _M,
    selector: str | type | AbstractSelector | Callable[[Any], Any],
    fn: Callable[[Any], Any],
    *,
    count: int | None = None,
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
    - `fn`: from the old module to the new one.
    - `count`: how many modules are meant; anything else raises.

    **Returns:** a new model; everything else in it is the same object.

    **Raises:** `ValueError` where nothing matches, where `count` is another, or where
    what `fn` returns contradicts itself: a `Linear` whose `in_features` is not its
    weight's, a `Conv` with a bias and `use_bias=False`.
    """
    whole: Any = model
    inner = model_of(whole)
    if inner is not model:
        swapped = swap(inner, selector, fn, count=count)
        whole = tuple(swapped if part is inner else part for part in whole)
        return whole
    chosen = as_selector(selector)
    found = _modules(model, _matcher(model, chosen))
    if not found or (count is not None and count != len(found)):
        raise ValueError(_miscount(model, chosen, found, count))
    new = [fn(node) for _, node in found]
    paths = [path for path, _ in found]
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
    return in_step(_replace(model, dict(zip(paths, new, strict=True)), found))


def _matcher(
    model: Any, selector: AbstractSelector
) -> Callable[[str, eqx.Module], bool]:
    if isinstance(selector, Layer):
        cls = selector.cls
        return lambda path, node: isinstance(node, cls)
    if isinstance(selector, Where):
        paths = _picked(model, selector)
        return lambda path, node: path in paths
    if not isinstance(selector, Path):
        raise TypeError(
            f"{selector!r} selects parameters; `swap` replaces modules: pass a type, a "
            "glob on their paths or a function from the model to a module."
        )
    glob = selector

    def stands_at(path: str, node: Any) -> bool:
        del node
        # A glob reaches everything under a path; a module is meant where it begins.
        above = parent(path)
        under = bool(above) and glob.matches(Site(above, None, 0, (), ""))
        return glob.matches(Site(path, None, 0, (), "")) and not under

    return stands_at


def _picked(model: Any, where: Where) -> set[str]:
    """Paths of the modules that a function picks out of a model."""
    # A copy in which each module is an object of its own, even where the model holds
    # one twice.
    leaves, treedef = jtu.tree_flatten(model)
    copy = jtu.tree_unflatten(treedef, leaves)
    said = where.fn(copy)
    chosen = {id(n) for n in (said if isinstance(said, (list, tuple)) else [said])}
    return {path for path, _ in _modules(copy, lambda _, node: id(node) in chosen)}


def _modules(
    model: Any, chosen: Callable[[str, eqx.Module], bool]
) -> list[tuple[str, eqx.Module]]:
    """The outermost modules that are chosen, with their paths."""
    found: list[tuple[str, eqx.Module]] = []

    def visit(node: Any, path: str) -> None:
        if isinstance(node, eqx.Module) and chosen(path, node):
            found.append((path, node))
            return
        children, _ = jtu.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)
        if len(children) == 1 and not children[0][0]:
            return
        for entries, child in children:
            visit(child, join(path, spell(entries)))

    visit(model, "")
    return found


def _replace(
    model: Any, new: dict[str, Any], found: list[tuple[str, eqx.Module]]
) -> Any:
    # By path and not by identity: one module object may stand at two paths.
    stops = {id(node) for _, node in found}
    leaves, treedef = jtu.tree_flatten_with_path(
        model, is_leaf=lambda x: id(x) in stops
    )
    swapped = [new.get(spell(entries), leaf) for entries, leaf in leaves]
    return jtu.tree_unflatten(treedef, swapped)


def _miscount(
    model: Any,
    selector: AbstractSelector,
    found: list[tuple[str, eqx.Module]],
    count: int | None,
) -> str:
    if found:
        paths = ", ".join(f"`{path}`" for path, _ in found[:8])
        return (
            f"{selector!r} matches {len(found)} modules ({paths}) and `count` "
            f"says {count}. Narrow it by path, or pass `count={len(found)}`."
        )
    names = [path for path, _ in _modules(model, _is_layer)]
    said = selector.glob if isinstance(selector, Path) else ""
    close = difflib.get_close_matches(said, names, n=3, cutoff=0.4) or names[:5]
    listed = ", ".join(f"`{name}`" for name in close) or "none"
    return (
        f"{selector!r} matches no module. There are {listed}; paths are those that "
        "`print(eqinit.inspect(model))` shows, less the field. (Arrays are replaced by "
        "`select(model, ...).set(...)`.)"
    )


def _is_layer(path: str, node: Any) -> bool:
    return bool(path) and any(
        isinstance(getattr(node, field, None), (jax.Array, jax.ShapeDtypeStruct))
        for field in getattr(node, "__dataclass_fields__", ())
    )


def problems_of(node: Any) -> list[str]:
    """Contradictions of a module and of every module in it."""
    inner = _modules(node, lambda path, child: bool(wanted(child)))
    return [
        f"{f'`{path}`: ' if path else ''}{problem}"
        for path, child in inner
        for problem in inconsistent(child)
    ]


def in_step(model: Any) -> Any:
    """A model whose layers repeat in their static fields what the layers in them say.

    Such as the `use_bias` of an MLP, and the `use_query_bias` of attention.
    """
    return jtu.tree_map(
        _repeating,
        model,
        is_leaf=lambda node: isinstance(node, eqx.Module) and bool(repeats(node)),
    )


def _repeating(node: Any) -> Any:
    if not isinstance(node, eqx.Module):
        return node
    changed = {f: v for f, v in repeats(node).items() if getattr(node, f) != v}
    return replace_fields(node, **changed) if changed else node
