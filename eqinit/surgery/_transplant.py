"""Weights selected from a larger model."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._models.read import read
from .._models.selectors import SelectorLike
from .._models.site import Site
from .._models.write import replace_leaves
from .._nearest import nearest
from .._parameters.paths import below, join, parent
from .._typing import Array, Shape, checked
from ._low_rank.adapted import LoRA
from ._origins import described, fresh
from ._record import make_record, returned
from ._selection import select
from ._states import states_selected
from ._weights.statistics import state_of


@checked
def transplant(
    model: Any,
    source: Any,
    *,
    how: Literal["even", "first"] = "even",
    layers: Mapping[str, str] = {},
    keep: SelectorLike | None = None,
    record: bool = False,
) -> Any:
    r"""Start a model with weights selected from a larger one.

    Along every axis of every parameter so many entries are taken as there is room for:
    evenly spaced, $\lfloor i\, n / m \rfloor$ for the $i$-th of $m$ out of $n$, or the
    first. Axes of one feature dimension are of one length, so the same units are taken
    everywhere. Gates, groups and heads of attention are selected, and within each of
    them its entries.

    ```python
    model = surgery.transplant(small, large)  # of 12 blocks the first 6
    model = surgery.transplant(small, large, layers={"blocks.1": "blocks.2"})
    ```

    **Arguments:**

    - `model`: what is started, or a `(model, state)` tuple; its values do not matter,
        and its sizes do.
    - `source`: a larger model of the same kind, with values. Of two tuples the running
        statistics are selected as well. Keys of random numbers stay.
    - `how`: which entries are taken. The paper found evenly spaced ones to be best.
    - `layers`: from paths in `model` to paths in `source`, for what is below them. By
        default they are the same.
    - `keep`: parameters of `model` that stay as they are, such as a new head, and with
        them the states of their layers.
    - `record`: also return the [`eqinit.surgery.Record`][]; moments start at zero.

    **Returns:** a model, of the structure, shapes and dtypes of `model`.

    **Raises:** `ValueError` where a parameter has no counterpart, or a smaller one.

    Xu et al., Initializing models with larger ones, arXiv:2311.18823.
    """
    sites, larger = read(model).parameters, read(source).parameters
    stays: set[str] = set() if keep is None else set(select(model, keep).paths)
    wanted = [site for site in sites if site.path not in stays]
    pairs, wrong = _paired(wanted, {site.path: site for site in larger}, layers)
    state, more = states_selected(
        model,
        source,
        functools.partial(_source_path, layers=layers),
        stays,
        functools.partial(_cut, how=how),
    )
    if wrong or more:
        raise ValueError(_what_is_wrong(wrong, more))
    values = {pair.to.position: _selected(pair, how) for pair in pairs}
    changed = replace_leaves(model, values)
    if state is not None:
        old = state_of(changed)
        changed = tuple(state if part is old else part for part in changed)
    origins = {pair.to.path: fresh(f"from {pair.of.path}") for pair in pairs}
    made = make_record("transplant", model, changed, origins)
    return returned(changed, made, record)


def _cut(array: Array, shape: Shape, how: str) -> Array:
    for axis, room in enumerate(shape):
        array = jnp.take(array, _places(room, array.shape[axis], how), axis)
    return array


def _places(room: int, size: int, how: str) -> Any:
    places = np.arange(room)
    return places * size // max(room, 1) if how == "even" else places


class _Pair(NamedTuple):
    """Where a parameter comes from: `to` is filled with a selection `of` another.

    - `sizes`, `room`: of each axis the lengths of its factors, there and here.
    """

    to: Site
    of: Site
    sizes: list[Shape]
    room: list[Shape]


def _paired(
    sites: Sequence[Site], larger: Mapping[str, Site], layers: Mapping[str, str]
) -> tuple[list[_Pair], list[str]]:
    """Every parameter with its counterpart, and what is wrong."""
    pairs: list[_Pair] = []
    wrong = [
        f"`layers` has `{path}`, and there is nothing below it in the model"
        for path in layers
        if all(below(site.path, path) is None for site in sites)
    ]
    for site in sites:
        path = _source_path(site.path, layers)
        other = larger.get(path)
        if other is None:
            near = nearest(path, list(larger))
            wrong.append(f"`{site.path}`: the source has no `{path}`.{near}")
        elif problem := _problem(pair := _Pair(site, other, *_factors(site, other))):
            wrong.append(problem)
        else:
            pairs.append(pair)
    return pairs, wrong


def _what_is_wrong(parameters: Sequence[str], states: Sequence[str]) -> str:
    problems, what = [*parameters, *states], "arrays" if states else "parameters"
    listed = "\n".join(f"- {text}" for text in problems[:8])
    return (
        f"transplant cannot fill {len(problems)} {what}:\n{listed}\nSay where "
        "layers are with `layers={path: path in source}`, and keep what has no "
        "counterpart with `keep=`."
    )


def _source_path(path: str, layers: Mapping[str, str]) -> str:
    """The longest of the paths in `layers` that it is below counts."""
    for above in sorted(layers, key=len, reverse=True):
        rest = below(path, above)
        if rest is not None:
            return join(layers[above], rest)
    return path


def _factors(site: Site, other: Site) -> tuple[list[Shape], list[Shape]]:
    """The factors of each axis, where both parameters have the same ones."""
    here, there = _by_axis(site), _by_axis(other)
    if [len(sizes) for sizes in here] != [len(sizes) for sizes in there]:
        here, there = ([(n,) for n in s.leaf.shape] for s in (site, other))
    return there, here


def _by_axis(site: Site) -> list[Shape]:
    shape = tuple(site.leaf.shape)
    factors = () if site.spec.axes is None else site.spec.axes.factors
    found: list[Shape] = []
    for i, length in enumerate(shape):
        sizes = tuple(f.size for f in factors if f.dim == i)
        fits = int(np.prod(sizes)) == length and bool(sizes)
        found.append(sizes if fits else (length,))
    return _with_heads(site, found)


def _with_heads(site: Site, sizes: list[Shape]) -> list[Shape]:
    """Of a projection of attention, the axis that is heads and entries of a head."""
    above = [node for node in site.ancestors if node.path == parent(site.layer_path)]
    if not above or not isinstance(above[0].module, eqx.nn.MultiheadAttention):
        return sizes
    output = site.layer_path.endswith("output_proj")
    back = 1 if output or site.field == "bias" else 2
    if output and site.field == "bias":
        return sizes
    heads, axis = above[0].module.num_heads, len(sizes) - back
    length = int(np.prod(sizes[axis]))
    split = [*sizes]
    split[axis] = (heads, length // heads)
    return split


def _problem(pair: _Pair) -> str | None:
    above = [type(node.module) for node in pair.to.ancestors]
    if LoRA in above and eqx.nn.MultiheadAttention in above:
        return f"`{pair.to.path}` is under an adapter: `surgery.merge_lora` first"
    old, new = pair.of.leaf, pair.to.leaf
    if isinstance(old, jax.ShapeDtypeStruct):
        return f"`{pair.of.path}` of the source has a shape and no values"
    flat = [list(itertools.chain(*sizes)) for sizes in (pair.sizes, pair.room)]
    if len(flat[0]) == len(flat[1]) and all(n >= m for n, m in zip(*flat, strict=True)):
        return None
    return f"`{pair.to.path}` is {described(new)}, which is not in {described(old)}"


def _selected(pair: _Pair, how: str) -> Array:
    array, factors = jnp.asarray(pair.of.leaf), list(itertools.chain(*pair.sizes))
    array = array.reshape(factors)
    for axis, room in enumerate(itertools.chain(*pair.room)):
        array = jnp.take(array, _places(room, factors[axis], how), axis=axis)
    return array.reshape(pair.to.leaf.shape).astype(pair.to.leaf.dtype)
