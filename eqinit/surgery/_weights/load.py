"""Weights from elsewhere, by name, shape, order and axes."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._models.read import read
from ..._models.selectors import Filter, SelectorLike
from ..._models.site import Site
from ..._models.walk import model_of
from ..._parameters.paths import join, matches, parent, split
from ..._typing import checked
from .._edit import edit
from .._origins import fresh
from .._record import make_record, returned
from .._selection import select
from .match import Matched, WeightMatch, match_weights
from .names import Rename, as_numpy, canonical, flat, renamed
from .order import in_order
from .statistics import Statistics, with_statistics
from .targets import Target, targets_of, torch_path


@checked
def load_weights(
    model: Any,
    state_dict: Mapping[str, Any],
    *,
    rename: Any = None,
    keep: SelectorLike | None = None,
    by_order: bool = False,
    transposed: Sequence[str] = (),
    strict: bool = True,
    dry_run: bool = False,
    record: bool = False,
) -> Any:
    """Load the weights of another library, torch's before all, into a model.

    ```python
    weights = {k: v.numpy() for k, v in torch_model.state_dict().items()}
    print(surgery.load_weights(model, weights, dry_run=True))
    model = surgery.load_weights(model, weights, rename={"encoder.layer": "blocks"})
    model, state = surgery.load_weights((model, state), weights)
    ```

    Names are matched first: those of the model's own paths, and of what the same
    modules are called in torch. Of each layer it is known how torch stores it: kernels
    of transposed convolutions are swapped and turned, the two biases of an LSTM are
    added and those of a GRU sorted, an attention's `in_proj_weight` is split in three,
    biases of convolutions get their axes, the weight of weight norm its length and
    direction, and running statistics go to the `eqx.nn.State`. Where a kernel is called
    `kernel`, it is flax's, inputs before outputs.

    **Arguments:**

    - `model`: a model, with values or without (`eqx.filter_eval_shape`), or a
        `(model, state)` tuple.
    - `state_dict`: names to arrays; nested mappings are flattened.
    - `rename`: from patterns of stored names to those of the model, applied in order.
        A pattern is matched from the start of a name, segment by segment; `*` stands
        for a segment or a part of one and `**` for any number of them, and the rest of
        the name stays: `{"layer*": "stages.*", "**.self_attn": "**.attn"}`. `None`
        leaves an array out. Or a function from name to name.
    - `keep`: parameters that stay as they are, such as tables that torch computes.
    - `by_order`: pair what names leave over by order, layer by layer, if every shape
        fits. Look at the `dry_run`: two layers of one shape may be in another order.
    - `transposed`: patterns of stored names whose arrays are to be transposed first,
        such as those of GPT-2's `Conv1D`. Where these are square no shape tells.
    - `strict`: whether what is left over on either side is an error.
    - `dry_run`: return the match and load nothing.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model, with the structure, dtypes and shardings of the old one; a
    [`eqinit.surgery.WeightMatch`][] of a dry run.

    **Raises:** `ValueError` with all that is left over or does not fit.
    """
    arrays = {name: as_numpy(name, value) for name, value in flat(state_dict).items()}
    arrays = _transposed(arrays, transposed)
    matched = _matched(model, arrays, rename, keep, by_order)
    if dry_run:
        return matched.match
    _check(matched.match, strict)
    if arrays and not matched.ways:
        raise ValueError(_nothing_fits(arrays, matched.match.unfilled))
    changed = _filled(model, matched, arrays)
    origins = {
        target.path: fresh(_told(keys, way.form.how))
        for target, way, keys in matched.ways
        if isinstance(target.source, Site)
    }
    notes = [f"not loaded: {name}" for name, _ in matched.match.unused]
    made = make_record("load_weights", model, changed, origins, notes=notes)
    return returned(changed, made, record)


def _told(keys: tuple[str, ...], how: str) -> str:
    return f"from {' + '.join(keys)}{f' ({how})' if how else ''}"


def _transposed(
    arrays: Mapping[str, np.ndarray], patterns: Sequence[str]
) -> dict[str, np.ndarray]:
    hits = {p: [name for name in arrays if matches(p, name)] for p in patterns}
    if idle := [pattern for pattern, names in hits.items() if not names]:
        raise ValueError(
            f"the pattern `{idle[0]}` of `transposed=` matches no stored name. `*` is "
            "a segment of it or a part of one, `**` any number of segments."
        )
    turned = {name for names in hits.values() for name in names}
    return {n: a.T if n in turned and a.ndim > 1 else a for n, a in arrays.items()}


def _matched(
    model: Any,
    arrays: Mapping[str, np.ndarray],
    rename: Rename | None,
    keep: SelectorLike | None,
    by_order: bool,
) -> Matched:
    inner = model_of(model)
    sites = select(model, "**").sites  # with their specs
    found = dataclasses.replace(read(model), parameters=sites)
    kept = set() if keep is None else set(select(model, keep).paths)
    targets = [t for t in targets_of(model, found) if t.path not in kept]

    def torch_name(slot: str) -> str:
        return join(torch_path(inner, parent(slot)), split(slot)[-1])

    names = renamed(canonical(arrays), rename)
    matched = match_weights(targets, arrays, names, found, torch_name)
    if not by_order or matched.match.complete:
        return matched
    names = in_order(targets, matched, names)
    return match_weights(targets, arrays, names, found, torch_name)


def _check(match: WeightMatch, strict: bool) -> None:
    if not match.problems and (match.complete or not strict):
        return
    lines = [f"- {problem}" for problem in match.problems]
    if strict:
        lines += [f"- nothing is stored for `{path}`" for path in match.unfilled]
        lines += [f"- `{name}` {list(s)} is of no use" for name, s in match.unused]
    shown = "\n".join(
        lines[:20] + [f"- and {len(lines) - 20} more"] * (len(lines) > 20)
    )
    raise ValueError(
        f"the stored weights are not those of this model:\n{shown}\nLook at "
        "`load_weights(..., dry_run=True)`. Say which names belong together with "
        "`rename={stored: model}` (`None` leaves an array out), keep parameters with "
        "`keep=`, or pass `strict=False` to load what fits."
    )


def _nothing_fits(names: Iterable[str], paths: Sequence[str]) -> str:
    """With `strict=False`, a model that is unchanged would be taken for loaded."""
    stored = ", ".join(f"`{name}`" for name in sorted(names)[:3])
    wanted = ", ".join(f"`{path}`" for path in paths[:3]) or "none"
    return (
        f"nothing that is stored goes into this model: there are {stored}, and wanted "
        f"are {wanted}. Say which names belong together with "
        '`rename={stored: model}`, such as `rename={"model": ""}`; '
        "`load_weights(..., dry_run=True)` shows what it does."
    )


def _filled(model: Any, matched: Matched, arrays: Mapping[str, np.ndarray]) -> Any:
    values: dict[str, Any] = {}
    late: list[tuple[Statistics, dict[str, Any]]] = []
    for target, way, keys in matched.ways:
        loaded = way.form.load(*(arrays[key] for key in keys))
        if isinstance(target.source, Site):
            values[target.path] = _cast(target, target.source, loaded)
        else:
            late.append((target.source, loaded))
    if values:
        chosen = select(model, Filter(lambda site: site.path in values))
        model = chosen.set({path: values[path] for path in chosen.paths})
    return with_statistics(model, late, edit)


def _cast(target: Target, site: Site, value: np.ndarray) -> Any:
    to_complex = jnp.issubdtype(site.dtype, jnp.complexfloating)
    if np.iscomplexobj(value) and not to_complex:
        raise ValueError(
            f"`{target.path}` is {site.dtype}, and what is stored is {value.dtype}. "
            "Keep its real and imaginary parts in two parameters, or make it complex."
        )
    return np.asarray(value).astype(site.dtype)
