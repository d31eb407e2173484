"""Facts from the computation: follow a call, and say what each parameter is."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.tree_util as jtu

from .._models.read import read
from .._models.site import Site
from .._tables import short_dtype
from .._typing import Shape, checked
from .afterwards import Afterwards
from .calls import shape_of, trace_call
from .domain import Meaning
from .facts import contradiction
from .roles import Reader
from .row import Reading, TracedRow
from .rows import TracedLayouts
from .rules import RULES
from .values import Kind, Value, constant
from .walker import walk


@checked
def trace_layouts(model: Any, call: Callable[..., Any], *args: Any) -> TracedLayouts:
    """Read off a call of the model what its parameters are.

    The call is traced on abstract values (nothing is computed), and every parameter is
    followed to the operations in which it meets data. There its axes say what they are:
    those that are contracted are `in`, those that are left are `out`. No layout is
    needed, and no name is looked at.

    ```python
    traced = eqinit.trace_layouts(model, lambda model, x: jax.vmap(model)(x), x)
    print(traced)
    ```

    **Arguments:**

    - `model`: any PyTree, concrete or abstract.
    - `call`: a function of the model and `*args`, such as a forward pass or a loss.
    - `*args`: its inputs, concrete or abstract (`jax.ShapeDtypeStruct`). Every array
        that is data has to be among them: one that `call` makes itself is a constant.

    **Returns:** an [`eqinit.reports.TracedLayouts`][], which prints as a table.

    **Raises:** `ValueError` if no array is among `*args`, and whatever `call` raises.
    """
    sites = read(model).parameters
    meaning = _follow(model, sites, call, args)
    reader = Reader(meaning, [_shape(s) for s in sites], [s.layer_path for s in sites])
    after = Afterwards(meaning, reader)
    readings = reader.by_parameter()
    rows = [
        _row(site, n, sites, _distinct(readings.get(n, ())), after)
        for n, site in enumerate(sites)
    ]
    pairs = zip(sites, rows, strict=True)
    return TracedLayouts(tuple(_beside_layout(site, row) for site, row in pairs))


def _shape(site: Site) -> Shape:
    return shape_of(site.leaf)


def _follow(
    model: Any, sites: Sequence[Site], call: Callable[..., Any], args: Sequence[Any]
) -> Meaning:
    """Trace the call, and walk what it does."""
    traced = trace_call(model, call, args, [site.position for site in sites])
    start = len(jtu.tree_leaves(model))
    meaning = Meaning(RULES)
    values = [meaning.parameter(n, _shape(site)) for n, site in enumerate(sites)]
    values += [_input(meaning, traced.leaves[i], i < start) for i in traced.others]
    if not any(value.kind == Kind.DATA for value in values):
        raise ValueError(_NO_DATA)
    _returned(meaning, walk(meaning, traced.jaxpr, values))
    return meaning


_NO_DATA = (
    "trace_layouts got no array among the arguments of `call`: what `call` makes "
    "itself is a constant, and a parameter that meets constants alone says nothing. "
    "Pass the inputs, `trace_layouts(model, lambda model, x: model(x), x)`; abstract "
    "ones, `jax.ShapeDtypeStruct(shape, dtype)`, will do."
)


def _input(meaning: Meaning, leaf: Any, of_model: bool) -> Value:
    shape = shape_of(leaf)
    if of_model:
        return constant(shape, None, ("buffer",))
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return constant(shape)
    return meaning.data(shape)


def _returned(meaning: Meaning, outputs: Sequence[Value]) -> None:
    for out in outputs:
        if out.kind == Kind.PARAMETER:
            meaning.as_data(out, (), "returned")
            continue
        meaning.note_curve(out)
        for track in out.tracks:
            meaning.end(track)
            meaning.fate(track).returned = True


def _row(
    site: Site,
    number: int,
    sites: Sequence[Site],
    uses: tuple[Reading, ...],
    after: Afterwards,
) -> TracedRow:
    what = site.path, _shape(site), short_dtype(site.leaf.dtype)
    lost = after.meaning.lost.get(number)
    if lost is not None:
        return TracedRow(*what, "unknown", uses=uses, remark=f"goes through {lost}")
    if len(uses) == 0:
        return TracedRow(*what, "unused")
    if len(uses) > 1:
        return TracedRow(*what, "ambiguous", uses=uses, remark=_several(uses))
    use = uses[0]
    return TracedRow(
        *what,
        "ambiguous" if use.doubt else "certain",
        use.role,
        use.axes,
        use.fan_in,
        use.fan_out,
        tuple(sites[n].path for n in use.fed_by),
        use.through,
        uses,
        use.parts,
        **(after.of(number) if use.role == "kernel" else {}),
        remark=use.doubt,
    )


def _several(uses: Sequence[Reading]) -> str:
    """How they differ: in their axes, or in what is done to the parameter first."""
    said = [f"`{use.axes}`" for use in uses]
    if len(set(said)) == 1:
        forms = dict.fromkeys(use.through or "as it is" for use in uses)
        if len(forms) > 1:
            return f"used as {said[0]} in several forms: {', '.join(forms)}"
    return "used as " + " and as ".join(said)


def _beside_layout(site: Site, row: TracedRow) -> TracedRow:
    """The row with whose it is, and what the layout of that says."""
    cls, spec = type(site.layer), site.spec
    row = dataclasses.replace(
        row,
        owner="" if site.layer is None else f"{cls.__module__}:{cls.__qualname__}",
        field=site.field,
        layout=None if spec.axes is None else spec.axes.text,
    )
    wrong = "" if site.follows is not None else contradiction(spec, row)
    return dataclasses.replace(row, contradiction=wrong)


def _distinct(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Each way of use once; sums of a parameter (a penalty) only if that is all."""
    whole = [r for r in readings if "only a sum of it is used" not in r.doubt]
    alike: dict[Any, list[Reading]] = {}
    for reading in whole or readings:
        fan = None if reading.role == "bias" else reading.fan_in
        same = reading.role, _without_gates(reading), fan, reading.through
        alike.setdefault(same, []).append(reading)
    return tuple(_one(group) for group in alike.values())


def _one(readings: Sequence[Reading]) -> Reading:
    """The reading that holds for all of these uses, with the doubts of each."""

    def rank(reading: Reading) -> tuple[int, int]:
        # What one use cuts into gates and another does not has none; and the first
        # step of an unrolled net adds a bias to less than the later ones.
        return len(reading.axes), -len(reading.fed_by)

    doubts = dict.fromkeys(reading.doubt for reading in readings if reading.doubt)
    return dataclasses.replace(min(readings, key=rank), doubt="; ".join(doubts))


def _without_gates(reading: Reading) -> Any:
    axes = [["out" if n == "gate" else n for n, _ in axis] for axis in reading.factors]
    return tuple(tuple(name for name, _ in itertools.groupby(a)) for a in axes)
