"""A plan: rules resolved against a model, before a number is drawn."""

import dataclasses
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from .._drawing.draw import draw_rows
from .._drawing.progress import progress_bar
from .._drawing.row import Row
from .._gc import no_collection
from .._inference.facts import LayoutsLike, layouts_of
from .._models.read import Sites, read
from .._models.shardings import new_leaves, wanted_shardings
from .._models.site import Site
from .._models.write import replace_leaves
from .._nearest import nearest
from .._parameters.keys import KEY_SCHEME
from .._tables import AbstractReport, Table
from .._trees import tree_node
from .._typing import Key, checked
from .check import Check
from .resolve import Resolved, resolve
from .rule import RulesLike, as_rules
from .table import plan_table


_M = TypeVar("_M")


@tree_node(["rows"], ["shared", "sources", "notes"])
@dataclasses.dataclass(frozen=True, repr=False)
class Plan(AbstractReport):
    """What every parameter of a model will get: one row per parameter.

    Printing it shows the table. It holds no model: `apply` and `check` take one, which
    must have the same parameters (paths, shapes, dtypes).

    - `rows`: the rows, in tree order.
    - `shared`: paths of the slots that `eqx.nn.Shared` fills from elsewhere, and
        `sources`: from where, as `(slot, source)`, where that is another parameter.
    - `notes`: what else there is to know: arrays that stand at two paths, masks.
    """

    rows: tuple[Row, ...]
    shared: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, path: str) -> Row:
        for row in self.rows:
            if row.path == path:
                return row
        if isinstance(path, int):
            raise KeyError(f"rows are found by path; by number it is `rows[{path}]`.")
        near = nearest(path, [row.path for row in self.rows])
        raise KeyError(f"no parameter `{path}` in this plan.{near} See `print(plan)`.")

    @checked
    def apply(
        self, model: _M, key: Key, *, sharding: Any = None, progress: bool = False
    ) -> _M:
        """Draw every claimed parameter of `model`.

        **Arguments:**

        - `model`: the model that was planned, or one with the same parameters.
        - `key`: a PRNG key; each parameter's own is derived from it and its path.
        - `sharding`: where to put the draws, as in [`eqinit.apply`][].
        - `progress`: show a bar of the bytes drawn (with tqdm).

        **Returns:** a new model; what no rule claims is the same object.
        """
        return apply_plan(self, model, key, sharding, progress)

    @checked
    def check(self, model: Any) -> Check:
        """Compare a model's values with what the plan promises.

        **Arguments:**

        - `model`: a concrete model, as `apply` returned it.

        **Returns:** a [`eqinit.reports.Check`][]: one row per parameter with realised
        and expected mean and std, and z-scores.
        """
        from .judge import check_rows  # loaded for a first check, not a first `apply`

        sites = {site.path: site for site in self.sites_in(model).parameters}
        rows = [row for row in self.rows if row.init is not None]
        values = [np.asarray(_concrete(sites[row.path])) for row in rows]
        return check_rows(rows, values)

    def sites_in(self, model: Any) -> Sites:
        """The sites of a model, which must have the parameters that were planned."""
        found = read(model)
        sites = {site.path: site for site in found.parameters}
        wrong = [_mismatch(row, sites.get(row.path)) for row in self.rows]
        wrong = [problem for problem in wrong if problem]
        if wrong:
            listed = "\n".join(f"- {problem}" for problem in wrong[:12])
            raise ValueError(
                f"this plan was made for another model; {len(wrong)} parameters "
                f"differ:\n{listed}\nMake a new one: `eqinit.plan(model, rules)`."
            )
        specs = {row.path: row.spec for row in self.rows}
        planned = tuple(
            site.with_spec(specs[site.path]) if site.path in specs else site
            for site in found.parameters
        )
        return dataclasses.replace(found, parameters=planned)

    @property
    def key_scheme(self) -> str:
        """Name of the hash that makes a parameter's key of its path.

        With another, one key gives a model other numbers.
        """
        return KEY_SCHEME.decode()

    def _table(self) -> Table[Any]:
        table = plan_table(self.rows, self.shared, dict(self.sources), self.notes)
        facts = {**table.facts, "key_scheme": self.key_scheme}
        first, *notes = table.summary
        lines = [f"{first}; keys: {self.key_scheme}", *notes]
        return dataclasses.replace(table, facts=facts, summary=lines)


@no_collection()
def apply_plan(
    plan: Plan,
    model: _M,
    key: Key,
    sharding: Any,
    progress: bool,
    sites: Sites | None = None,
) -> _M:
    """`plan.apply`, for a caller that may know the model's sites already."""
    found = plan.sites_in(model) if sites is None else sites
    by_path = {site.path: site for site in found.parameters}
    rows = [row for row in plan.rows if row.init is not None]
    claimed = {row.path: by_path[row.path] for row in rows}
    wanted = wanted_shardings(model, claimed, sharding)
    total = sum(row.spec.nbytes for row in rows)
    with progress_bar(progress, total) as report:
        places = [wanted[row.path] for row in rows]
        drawn = draw_rows(rows, key, places, progress=report)
    pairs = list(zip(claimed.values(), drawn, strict=True))
    return replace_leaves(model, new_leaves(pairs, found.states))


def _mismatch(row: Row, site: Site | None) -> str:
    if site is None:
        return f"`{row.path}` is missing"
    if (site.shape, site.drawn_dtype) != (row.spec.shape, row.spec.dtype):
        got, wanted = f"{site.drawn_dtype}{list(site.shape)}", row.spec
        return f"`{row.path}` is {got}, planned {wanted.dtype}{list(wanted.shape)}"
    return ""


def _concrete(site: Site) -> Any:
    if site.is_abstract:
        raise ValueError(
            f"`{site.path}` is abstract: there is no value to check. Check the model "
            "that `plan.apply(model, key)` returns."
        )
    if site.parametrization is None or site.parametrization.kind is None:
        return site.leaf
    return site.parametrization.kind.free(np.asarray(site.parametrization.value()))


@checked
def plan(
    model: Any,
    rules: RulesLike,
    *,
    layouts: LayoutsLike = None,
    strict: bool = False,
) -> Plan:
    """Resolve rules against a model without drawing a number.

    **Arguments:**

    - `model`: any PyTree, concrete or abstract (`eqx.filter_eval_shape`).
    - `rules`: [`eqinit.Rule`][]s or `(selector, initializer)` pairs, tried top to
        bottom; the first that claims a parameter wins.
    - `layouts`: layouts for this call: `{MyLayer: {"w": "in out", "b": "out"}}`. Or
        what a call says ([`eqinit.trace_layouts`][]): its certain rows serve where no
        layout does, and a layout that contradicts one of them is an error.
    - `strict`: raise if a parameter is claimed by no rule.

    **Returns:** a [`eqinit.Plan`][], which prints as a table.

    **Raises:** `ValueError` with every problem of the call: rules that match nothing or
    whose matches are all taken, schemes without the fan that they need, abstract
    parameters that nobody claims.
    """
    return plan_of(resolve(model, as_rules(rules), layouts_of(layouts), strict=strict))


def plan_of(found: Resolved) -> Plan:
    return Plan(found.rows, found.sites.shared, found.sites.sources, found.notes)
