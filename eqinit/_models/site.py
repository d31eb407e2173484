"""Where one parameter of a model lives."""

import dataclasses
from typing import Any

import jax
import numpy as np

from .._inference.row import TracedRow
from .._parameters.spec import ParamSpec
from .._typing import Shape
from .parametrized import BoundParametrization, Step


_NOBODY = Step("", None)
_NO_SPEC = ParamSpec((), np.dtype(np.float32))


@dataclasses.dataclass(frozen=True, eq=False)
class Site:
    """Where one parameter lives.

    - `path`: dotted path of the leaf, such as `blocks.3.attn.query_proj.weight`.
    - `layer`: the module that owns it (`None` at the top of a plain container).
    - `field`: the owner's field that holds it (`weight`), also where that field is a
        tuple or a dict of arrays, or a module that stands for one.
    - `ancestors`: every module above it, outermost first; the last ones stand where the
        owner, which is before them, has an array (as many as `stand_ins` says).
    - `parametrization`: how its owner keeps it in another form than the one it uses, if
        it does. Then `shape`, `dtype` and `spec` are those of the effective value.
    - `follows`: path of the parametrized one that it is brought into step with.
    - `index`, `count`: position in the innermost sequence of *modules* on the path and
        that sequence's length: block 3 of 12 has `index=3, count=12`. `None` outside
        of any.
    - `spec`: shape, dtype, axes, fans and role, once the layout is known.
    - `traced`: its row of a trace, where `layouts=` was one.
    """

    path: str
    leaf: Any
    position: int
    ancestors: tuple[Step, ...]
    field: str
    indices: tuple[tuple[int, int], ...] = ()
    spec: ParamSpec = _NO_SPEC
    stand_ins: int = 0
    parametrization: BoundParametrization | None = None
    follows: str | None = None
    traced: TracedRow | None = None

    @property
    def owner(self) -> Step:
        """The module that owns it, and where that stands."""
        steps = self.ancestors
        return steps[-1 - self.stand_ins] if len(steps) > self.stand_ins else _NOBODY

    @property
    def in_place(self) -> bool:
        """Whether it is in a module that stands where its owner has an array."""
        return self.stand_ins > 0

    @property
    def layer(self) -> Any:
        return self.owner.node

    @property
    def layer_path(self) -> str:
        return self.owner.path

    @property
    def shape(self) -> Shape:
        bound = self.parametrization
        return tuple(self.leaf.shape) if bound is None or bound.blind else bound.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        bound = self.parametrization
        return (
            np.dtype(self.leaf.dtype) if bound is None or bound.blind else bound.dtype
        )

    @property
    def drawn_dtype(self) -> np.dtype[Any]:
        """`dtype` as jax has it: a numpy float64 is drawn as float32 without x64."""
        return np.dtype(jax.dtypes.canonicalize_dtype(self.dtype))

    def with_spec(self, spec: ParamSpec, traced: TracedRow | None = None) -> "Site":
        # `dataclasses.replace` takes ten times as long, which shows over 10,000 sites.
        return Site(
            self.path,
            self.leaf,
            self.position,
            self.ancestors,
            self.field,
            self.indices,
            spec,
            self.stand_ins,
            self.parametrization,
            self.follows,
            traced,
        )

    @property
    def index(self) -> int | None:
        return self.indices[-1][0] if self.indices else None

    @property
    def count(self) -> int | None:
        return self.indices[-1][1] if self.indices else None

    def failure(self, error: Exception) -> str:
        """What happened when a function of the site was called with this one."""
        text = f"{type(error).__name__} on `{self.path}`: {error}."
        if self.index is not None or "NoneType" not in str(error):
            return text
        text += " `site.index` is None where no list or tuple of modules is above."
        stack = self.spec.axes.stack if self.spec.axes is not None else ()
        if not stack:
            return text
        return (
            f"{text} Here {stack[0]} layers are stacked in one array: "
            "`PerSlice(Normal(0.02), lambda i, n: ...)` gives each a factor of its own."
        )

    @property
    def is_abstract(self) -> bool:
        return isinstance(self.leaf, jax.ShapeDtypeStruct)
