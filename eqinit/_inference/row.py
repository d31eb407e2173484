"""What a trace says of one parameter."""

import dataclasses
from typing import TypeAlias

from .._typing import Number, RoleName, Shape


# The named factors of one axis, the slowest first: `(("gate", 3), ("out", 8))`.
Factors: TypeAlias = tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Reading:
    """What one use says.

    - `role`, `axes`: in the notation of layouts.
    - `fan_in`, `fan_out`: connections.
    - `fed_by`: numbers of the kernels that feed a bias.
    - `how`: the operation.
    - `through`: what is done to the parameter first.
    - `parts`: sizes of the parts that its outputs are cut into, where they differ.
    - `doubt`: why this may be read otherwise; empty where it may not.
    - `factors`: of every axis, stacks included.
    """

    role: RoleName
    axes: str
    fan_in: Number | None
    fan_out: Number | None
    fed_by: tuple[int, ...] = ()
    how: str = ""
    through: str = ""
    parts: tuple[int, ...] = ()
    doubt: str = ""
    factors: tuple[Factors, ...] = ()


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
    - `owner`, `field`: its class, as `module:Class`, and the field.
    - `layout`: what its layout says, if there is one.
    - `contradiction`: how that differs from a certain row; empty if it does not.
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
    owner: str = ""
    field: str = ""
    layout: str | None = None
    contradiction: str = ""

    @property
    def factors(self) -> tuple[Factors, ...]:
        """Every axis as named factors, where all uses agree."""
        return self.uses[0].factors if self.axes is not None else ()

    @property
    def function(self) -> str:
        """The function that it goes through, without masks and norms; maybe none."""
        words = self.through.split()
        return " ".join(word for word in words if word not in ("masked", "normalised"))

    @property
    def gated(self) -> bool:
        """Whether its outputs are cut into equal parts that are used apart."""
        return any(name == "gate" for axis in self.factors for name, _ in axis)
