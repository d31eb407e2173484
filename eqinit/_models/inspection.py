"""Look at a model: every array leaf, who owns it, what is known of it and what not."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.tree_util as jtu
import numpy as np

from .._inference.facts import LayoutsLike, layouts_of
from .._inference.lines import register_lines
from .._inference.trace import trace_layouts
from .._parameters.paths import spell
from .._tables import AbstractReport, Column, Table, short_dtype
from .._typing import checked
from .guesses import Setting, guess_notation, guess_role
from .read import read
from .site import Site
from .walk import is_parameter


@dataclasses.dataclass(frozen=True)
class LeafRow:
    """One array of a model.

    - `path`, `shape`, `dtype`: where it is and what it is.
    - `owner`, `field`: the class that owns it and the field that holds it.
    - `role`: from the layout, or a guess from its name and shape.
    - `axes`: the notation of its layout; `None` where nobody has said it.
    - `remark`: parametrizations, ties, and why it is no parameter.
    - `is_parameter`: whether a rule can claim it.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    owner: str
    field: str
    role: str
    axes: str | None
    remark: str
    is_parameter: bool

    @property
    def unknown(self) -> bool:
        """Whether it is a parameter whose layout is still to be said."""
        return self.is_parameter and self.axes is None


@dataclasses.dataclass(frozen=True, repr=False)
class Inspection(AbstractReport):
    """Every array leaf of a model, in tree order; prints as a table.

    - `rows`: one [`eqinit.reports.LeafRow`][] per array.
    """

    rows: tuple[LeafRow, ...]

    def __iter__(self) -> Iterator[LeafRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def unknown(self) -> tuple[LeafRow, ...]:
        """The parameters whose layout is still to be said."""
        return tuple(row for row in self.rows if row.unknown)

    def _table(self) -> Table[LeafRow]:
        parameters = sum(row.is_parameter for row in self.rows)
        summary = (
            f"{len(self.rows)} arrays, {parameters} of them parameters; "
            f"{len(self.unknown)} with unknown layout"
        )
        return Table(self.rows, _COLUMNS, [summary], dataclasses.asdict)


def _array(row: LeafRow) -> str:
    return f"{row.dtype}[{','.join(map(str, row.shape))}]"


_COLUMNS: Sequence[Column[LeafRow]] = (
    Column("leaf", lambda row: row.path),
    Column("array", _array),
    Column("owner", lambda row: row.owner),
    Column("field", lambda row: row.field),
    Column("role", lambda row: row.role + ("?" if row.unknown else "")),
    Column("axes", lambda row: "unknown" if row.unknown else row.axes or ""),
    Column("remark", lambda row: row.remark, quiet=True),
)


@checked
def inspect(model: Any, *, layouts: LayoutsLike = None) -> Inspection:
    """List every array of a model: owner, role, layout, or that its layout is unknown.

    What is guessed (from names and shapes, with a question mark) is for the reader
    alone: rules never act on it.

    **Arguments:**

    - `model`: any PyTree, concrete or abstract.
    - `layouts`: layouts for this call, as in [`eqinit.plan`][].

    **Returns:** an [`eqinit.reports.Inspection`][], which prints as a table.
    """
    found = read(model, layouts_of(layouts))
    sites = {site.position: site for site in found.parameters}
    twins = {p: group for group in found.aliases for p in group}
    fills: dict[str, list[str]] = {}
    for slot, source in found.sources:
        fills.setdefault(source, []).append(slot)
    leaves = jtu.tree_flatten_with_path(model)[0]
    return Inspection(
        tuple(
            _parameter(sites[i], twins, fills)
            if i in sites
            else _other(spell(path), leaf)
            for i, (path, leaf) in enumerate(leaves)
            if isinstance(leaf, _ARRAYS)
        )
    )


# Numbers of numpy's own as well: they have a dtype and look like parameters.
_ARRAYS = (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)


# By path: the paths at which the same array stands, or that `eqx.nn.Shared` fills.
_Ties: TypeAlias = Mapping[str, Sequence[str]]


def _parameter(site: Site, twins: _Ties, fills: _Ties) -> LeafRow:
    known = site.spec.axes
    follows = site.follows is not None
    role = guess_role(site.field, site.shape) if known is None else site.spec.role
    return LeafRow(
        site.path,
        site.shape,
        short_dtype(site.dtype),
        "" if site.layer is None else type(site.layer).__name__,
        site.field,
        "" if follows else role,
        "" if follows else None if known is None else known.text,
        "; ".join(_remarks(site, twins, fills)),
        True,
    )


def _remarks(site: Site, twins: _Ties, fills: _Ties) -> Iterator[str]:
    if site.follows is not None:
        yield f"follows {site.follows}"
    if site.parametrization is not None:
        yield f"through {site.parametrization.name}" + (
            " (unknown)" if site.parametrization.blind else ""
        )
    others = [path for path in twins.get(site.path, ()) if path != site.path]
    if others:
        yield f"same array as {', '.join(others)}: `eqx.nn.Shared` ties them"
    if site.path in fills:
        yield f"shared with {', '.join(fills[site.path])}"
    if isinstance(site.leaf, np.ndarray):
        yield "numpy"


def _other(path: str, leaf: Any) -> LeafRow:
    why = "state" if is_parameter(leaf) else "not a parameter: no inexact numbers"
    if isinstance(leaf, np.inexact):
        why = "not a parameter: a number of numpy's; `jnp.asarray` makes it an array"
    shape, dtype = tuple(leaf.shape), short_dtype(leaf.dtype)
    return LeafRow(path, shape, dtype, "", "", "", None, why, False)


@checked
def suggest_layouts(
    model: Any,
    call: Callable[..., Any] | None = None,
    *args: Any,
    layouts: LayoutsLike = None,
) -> str:
    """Lines to paste that say the layouts which are still unknown.

    With a call of the model they are facts, read off what it computes. Without one they
    are *guesses*, from names, shapes and fields such as `in_features`: the orientation
    of a square kernel cannot be seen at all, so read every line against the layer's own
    code.

    **Arguments:**

    - `model`, `layouts`: as in [`eqinit.inspect`][].
    - `call`, `*args`: a call of the model, as in [`eqinit.trace_layouts`][].

    **Returns:** Python source; empty where everything is known.
    """
    if call is not None:
        return register_lines(trace_layouts(model, call, *args).rows)
    sites = read(model, layouts_of(layouts)).parameters
    surroundings = _Surroundings(sites)
    unknown: dict[type, dict[str, tuple[Site, Setting]]] = {}
    loose: list[Site] = []
    for site in sites:
        if site.spec.axes is not None or site.follows is not None:
            continue
        if site.layer is None:
            loose.append(site)
        else:
            fields = unknown.setdefault(type(site.layer), {})
            found = (site, surroundings.of(site))
            # The fewest axes of all that are met: more of them are stacks.
            best = fields.get(site.field, found)
            fields[site.field] = min(best, found, key=lambda pair: _own_rank(*pair))
    parts = [_registered(unknown)] if unknown else []
    return "\n".join([*parts, *([_by_rules(loose)] if loose else [])])


def _by_rules(loose: Sequence[Site]) -> str:
    """Arrays of no module, such as those of a dict: a layout has nothing to be of."""
    head = "# Guesses for arrays that no module owns, to be checked: rules give axes.\n"
    return head + "".join(map(_rule_line, loose))


def _rule_line(site: Site) -> str:
    guess = guess_notation(site)
    size = ",".join(map(str, site.shape))
    axes = f', axes="{guess.notation}"' if guess.notation else ""
    array = f"{short_dtype(site.dtype)}[{size}]"
    return f"# Rule({site.path!r}, ...{axes})  # {array}; {guess.why}\n"


def _registered(unknown: Mapping[type, dict[str, tuple[Site, Setting]]]) -> str:
    head = "# Guesses from names and shapes: check each against the layer's own code.\n"
    names = ["from eqinit import register_layout", *filter(None, map(_import, unknown))]
    said = [_suggestion(cls, fields) for cls, fields in unknown.items()]
    return head + "\n".join(names) + "\n\n" + "\n".join(said)


def _own_rank(site: Site, setting: Setting) -> int:
    return len(site.shape) - len(setting.stack)


class _Surroundings:
    """What stands beside the arrays of a model, by the path of their layer."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._stacks: dict[str, set[tuple[int, ...]]] = {}
        self._ranks: dict[tuple[str, str], set[int]] = {}
        self._kernels: set[str] = set()
        for site in sites:
            axes, layer = site.spec.axes, site.layer_path
            self._ranks.setdefault((layer, site.field), set()).add(len(site.shape))
            role = site.spec.role
            if axes is None:
                role = guess_role(site.field, site.shape)
            else:
                for step in site.ancestors:
                    self._stacks.setdefault(step.path, set()).add(axes.stack)
            if role == "kernel":
                self._kernels.add(layer)

    def of(self, site: Site) -> Setting:
        layer = site.layer_path
        stacks = self._stacks.get(layer, set())
        return Setting(
            next(iter(stacks)) if len(stacks) == 1 else (),
            layer in self._kernels,
            frozenset(self._ranks[layer, site.field]),
        )


def _import(cls: type) -> str:
    local = "<locals>" in cls.__qualname__ or cls.__module__ == "__main__"
    root = cls.__qualname__.partition(".")[0]
    return "" if local else f"from {cls.__module__} import {root}"


def _suggestion(cls: type, fields: Mapping[str, tuple[Site, Setting]]) -> str:
    name = cls.__qualname__.rpartition("<locals>.")[2]
    guesses = {field: guess_notation(*found) for field, found in fields.items()}
    said = [f'{field}="{g.notation}"' for field, g in guesses.items() if g.notation]
    lines = [f"register_layout({name}, {', '.join(said)})"] if said else [f"# {name}"]
    for field, guess in guesses.items():
        site, _ = fields[field]
        size = ",".join(str(n) for n in site.shape)
        shape = f"{short_dtype(site.dtype)}[{size}]"
        lines.append(f"#   {field}: {shape} at {site.path}; {guess.why}")
    return "\n".join(lines) + "\n"
