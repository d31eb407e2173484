"""What a trace says of every parameter: rows, as data and as a table."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from .._parameters.paths import below, parent
from .._tables import AbstractReport, Column, Table, count
from .._typing import Number, Shape
from .reading import Factors, Reading


@dataclasses.dataclass(frozen=True)
class TracedRow:
    """What the computation says of one parameter.

    - `path`, `shape`, `dtype`: of the leaf.
    - `status`: `certain`; `ambiguous`, where it may be read in several ways (`remark`
        says which); `unknown`, where an operation hides it (`remark` names it); or
        `unused` in the call.
    - `role`, `axes`, `fan_in`, `fan_out`: as in a layout; `None` where its uses differ.
    - `fed_by`: the kernels whose inputs add up in this bias.
    - `through`: what the model does to it before it uses it: `masked`, `normalised`, or
        a function such as `softplus` (`?` for one without a name).
    - `uses`: one reading for each way in which it is used.
    - `parts`: the sizes of the parts that its outputs are cut into, where they differ.
    - `activation`: of a kernel, the function that its output goes through next
        (`identity` for none), or those of its parts, as `"sigmoid, tanh"`.
    - `residual`, `residual_count`: of a kernel whose output is added to a stream that
        passes it by: which such sum it is, from 1, and how many there are.
    - `normalised`: whether a normalisation follows, so that its scale does not matter.
    - `readout`: whether its output is the model's.
    """

    path: str
    shape: Shape
    dtype: str
    status: str
    role: str | None = None
    axes: str | None = None
    fan_in: Number | None = None
    fan_out: Number | None = None
    fed_by: tuple[str, ...] = ()
    through: str = ""
    uses: tuple[Reading, ...] = ()
    parts: Shape = ()
    activation: str | None = None
    residual: int | None = None
    residual_count: int | None = None
    normalised: bool = False
    readout: bool = False
    remark: str = ""

    @property
    def factors(self) -> tuple[Factors, ...]:
        """Every axis as named factors, where all uses agree."""
        return self.uses[0].factors if self.axes is not None else ()


@dataclasses.dataclass(frozen=True, repr=False)
class TracedLayouts(AbstractReport):
    """What a call says of every parameter of a model; prints as a table.

    - `rows`: one [`eqinit.TracedRow`][] a parameter, in tree order.
    """

    rows: tuple[TracedRow, ...]

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
    Column("through", lambda row: row.through, quiet=True),
    Column("then", _then, quiet=True),
    Column("residual", _residual, quiet=True),
    Column("remark", lambda row: row.remark, quiet=True),
)
