"""What an operation changed, as a value: it prints, it moves an optimiser's state."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._tables import AbstractReport, Column, Table
from .._typing import checked
from ._moments import follow
from ._origins import Lineage, Origin, described, parameters, skeleton


@dataclasses.dataclass(frozen=True)
class RecordRow:
    """One parameter that an operation changed.

    - `path`: where it is in the new model, or was in the old one.
    - `what`: what was done.
    - `before`, `after`: dtype and shape, such as `f32[8,3]`; empty where there is none.
    """

    path: str
    what: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Record(AbstractReport):
    """What one operation changed. Printing it shows a table, one row per parameter.

    - `operation`: its name.
    - `rows`: the parameters that were changed, in tree order; then those that are gone.
    - `notes`: what else there is to know, such as how far outputs were off.
    - `lineage`: how old and new parameters belong together.
    """

    operation: str
    rows: tuple[RecordRow, ...]
    notes: tuple[str, ...]
    lineage: Lineage
    inverse: Callable[[Any], Any] | None = None

    @checked
    def apply_to(self, opt_state: Any, fresh: Any = None) -> Any:
        """An optimiser's state for the new model, from its state for the old one.

        ```python
        model, record = surgery.prune(model, ..., record=True)
        opt_state = record.apply_to(opt_state)
        ```

        Every part of the state that has the structure of the parameters (momentum,
        second moments, those of `optax.multi_transform` and `optax.masked`) is taken
        along: moments are widened, pruned, permuted, split and joined as gradients are,
        those of parameters that are gone are dropped, and new parameters start at zero.
        Step counts stay.

        **Arguments:**

        - `opt_state`: any PyTree, made by `init` of an optimiser for
            `eqx.filter(model, eqx.is_inexact_array)`.
        - `fresh`: what `optimiser.init` returns for the new model. It says which
            optimiser has which parameter where labels of `optax.multi_transform` are
            new; without it a new parameter goes where its neighbour is.

        **Returns:** the state; it has the structure of `fresh`.

        **Raises:** `ValueError` where no part of the state belongs to the model before,
        or where a moment has another shape than its parameter and would have to change.
        """
        return follow(self.lineage, opt_state, fresh)

    @checked
    def undo(self, model: Any) -> Any:
        """Take the operation back, on the model as it is now.

        **Arguments:**

        - `model`: the new model, trained on or not.

        **Returns:** a model with the structure of the old one.

        **Raises:** `ValueError` where the operation has no inverse.
        """
        if self.inverse is None:
            raise ValueError(
                f"`{self.operation}` cannot be taken back: what it dropped is in no "
                "record. Keep the old model where it will be wanted."
            )
        return self.inverse(model)

    def _table(self) -> Table[RecordRow]:
        kept = len(parameters(self.lineage.after))
        kept -= sum(1 for row in self.rows if row.after)
        plural = "" if len(self.rows) == 1 else "s"
        changed = f"{len(self.rows)} parameter{plural} changed, {kept} as before"
        summary = [f"{self.operation}: {changed}", *self.notes]
        facts = {"operation": self.operation, "kept": kept, "notes": list(self.notes)}
        return Table(self.rows, _COLUMNS, summary, dataclasses.asdict, facts)


_COLUMNS: Sequence[Column[RecordRow]] = (
    Column("parameter", lambda row: row.path),
    Column("what", lambda row: row.what),
    Column("before", lambda row: row.before),
    Column("after", lambda row: row.after),
)


def make_record(
    operation: str,
    before: Any,
    after: Any,
    origins: Mapping[str, Origin],
    *,
    gone: Mapping[str, str] = {},
    notes: Iterable[str | None] = (),
    inverse: Callable[[Any], Any] | None = None,
) -> Record:
    """The record of an operation.

    **Arguments:**

    - `before`, `after`: the models, or `(model, state)` tuples.
    - `origins`: by new path, of every parameter that is not the old one of that path.
    - `gone`: by old path, why a parameter is no more.
    - `notes`: `None`s are left out.
    - `inverse`: from the new model to one like the old.
    """
    lineage = Lineage(operation, skeleton(before), skeleton(after), dict(origins))
    old, new = parameters(before), parameters(after)
    rows = [_row(path, origins[path], old, new) for path in new if path in origins]
    rows += [
        RecordRow(path, gone.get(path, "dropped"), described(old[path]), "")
        for path in lineage.gone()
    ]
    said = tuple(note for note in notes if note is not None)
    return Record(operation, tuple(rows), said, lineage, inverse)


def _row(
    path: str, origin: Origin, old: Mapping[str, Any], new: Mapping[str, Any]
) -> RecordRow:
    sources = origin.sources or ((path,) if path in old else ())
    before = " + ".join(described(old[source]) for source in sources)
    return RecordRow(path, origin.what, before, described(new[path]))


def returned(model: Any, made: Record, record: bool) -> Any:
    """What an operation returns: the model, and its record where that is asked for."""
    return (model, made) if record else model
