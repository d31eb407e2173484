"""What a trace says of every parameter: as data, as a table, as lines to paste."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from .._parameters.paths import below, parent
from .._tables import AbstractReport, Column, Table, count
from .lines import register_lines
from .row import TracedRow


@dataclasses.dataclass(frozen=True, repr=False)
class TracedLayouts(AbstractReport):
    """What a call says of every parameter of a model; prints as a table.

    - `rows`: one [`eqinit.reports.TracedRow`][] a parameter, in tree order.
    - `gates`: whether a plan sees the parts of fused projections, see `with_gates`.
    """

    rows: tuple[TracedRow, ...]
    gates: bool = False

    def __iter__(self) -> Iterator[TracedRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, path: str) -> TracedRow:
        for row in self.rows:
            if row.path == path:
                return row
        raise KeyError(f"no parameter `{path}` in this trace; see `print(traced)`.")

    @property
    def certain(self) -> tuple[TracedRow, ...]:
        """The rows that can be read in one way only."""
        return tuple(row for row in self.rows if row.status == "certain")

    def with_gates(self) -> "TracedLayouts":
        """The same for a plan that sees the parts of fused projections apart.

        An `eqx.nn.Linear` whose output is cut into queries, keys and values is
        `(gate=3 out) in`, and not `out in` as its layout says: Glorot's fan out is that
        of a part, and `Orthogonal` makes three matrices. Its draws are others, which
        is why one has to ask for it.
        """
        return dataclasses.replace(self, gates=True)

    @property
    def contradictions(self) -> tuple[TracedRow, ...]:
        """The rows that their layouts contradict."""
        return tuple(row for row in self.rows if row.contradiction)

    def verify(self) -> None:
        """Raise if a layout contradicts the computation.

        **Raises:** `ValueError` with every such parameter, and both readings.
        """
        wrong = [f"{row.path}: {row.contradiction}" for row in self.contradictions]
        if wrong:
            listed = "\n".join(f"- {text}" for text in wrong[:30])
            more = f"\n- ... and {len(wrong) - 30} more" if wrong[30:] else ""
            raise ValueError(
                f"{len(wrong)} layouts contradict the computation:\n{listed}{more}"
            )

    def register_lines(self) -> str:
        """Lines to paste: `register_layout` for the classes that have no layout.

        A field is said where all instances of its class agree and are certain; others
        are comments.

        **Returns:** Python source; empty where every class has a layout.
        """
        return register_lines(self.rows)

    def _table(self) -> Table[TracedRow]:
        words = ("certain", "ambiguous", "unknown", "unused")
        counts = {w: sum(row.status == w for row in self.rows) for w in words}
        said = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
        return Table(
            self.rows, _COLUMNS, [f"{len(self.rows)} parameters: {said}"], _data
        )


def _data(row: TracedRow) -> dict[str, Any]:
    return dataclasses.asdict(row)


def _array(row: TracedRow) -> str:
    return f"{row.dtype}[{','.join(map(str, row.shape))}]"


def _fed_by(row: TracedRow) -> str:
    """As seen from the bias's own layer."""
    layer = parent(row.path)
    return ", ".join(below(path, layer) or path for path in row.fed_by)


def _residual(row: TracedRow) -> str:
    return "" if row.residual is None else f"{row.residual}/{row.residual_count}"


def _then(row: TracedRow) -> str:
    words = [row.activation or ""]
    words += ["normalised"] if row.normalised else []
    words += ["readout"] if row.readout else []
    return ", ".join(word for word in words if word not in ("", "identity"))


_COLUMNS: Sequence[Column[TracedRow]] = (
    Column("parameter", lambda row: row.path),
    Column("array", _array),
    Column("status", lambda row: row.status),
    Column("role", lambda row: row.role or ""),
    Column("axes", lambda row: (row.axes or "").rpartition(":")[2].strip()),
    Column("fan in", lambda row: count(row.fan_in)),
    Column("fan out", lambda row: count(row.fan_out)),
    Column("fed by", _fed_by, quiet=True),
    Column("parts", lambda row: " + ".join(map(str, row.parts)), quiet=True),
    Column("through", lambda row: row.through, quiet=True),
    Column("then", _then, quiet=True),
    Column("residual", _residual, quiet=True),
    Column("remark", lambda row: row.remark, quiet=True),
)
