"""Where one parameter of a model lives."""

import abc
import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from .._inference.row import TracedRow
from .._parameters.spec import ParamSpec
from .._typing import Shape
from .ownership import Home
from .parametrized import BoundParametrization
from .place import AbstractPlace, Node


class AbstractSpecs(abc.ABC):
    """What is known of the parameters of one model."""

    @abc.abstractmethod
    def of(self, site: "Site") -> ParamSpec:
        """By its layout, and by a trace for what that lacks."""

    @abc.abstractmethod
    def traced(self, site: "Site") -> TracedRow | None:
        """Its row of a trace."""

    @abc.abstractmethod
    def block(self, site: "Site") -> tuple[int, int] | None:
        """Its block, counted through all stages, and how many there are."""

    @property
    @abc.abstractmethod
    def branches(self) -> int | None:
        """How many residual branches a trace has seen in the model."""


@dataclasses.dataclass(frozen=True, eq=False)
class Site(AbstractPlace):
    """Where one parameter lives.

    - `path`: dotted path of the leaf, such as `blocks.3.attn.query_proj.weight`.
    - `layer`: the module that owns it (`None` at the top of a plain container).
    - `field`: the owner's field that holds it (`weight`), also where that field is a
        tuple or a dict of arrays, or a module that stands for one.
    - `ancestors`: every module above it, outermost first; the last ones stand where the
        owner, which is before them, has an array, if any do.
    - `parametrization`: how its owner keeps it in another form than the one it uses, if
        it does. Then `shape`, `dtype` and `spec` are those of the effective value.
    - `follows`: path of the parametrized one that it is brought into step with.
    - `index`, `count`: position in the innermost sequence of *modules* on the path and
        that sequence's length: block 3 of 12 has `index=3, count=12`. `None` outside
        of any.
    - `block`: position of the block that it is in, and how many there are: as `index`
        and `count`, but through all stages (`stages.1.blocks.0` comes behind the last
        of `stages.0.blocks`), and not of the layers inside of a block.
    - `spec`: shape, dtype, axes, fans and role.
    - `traced`: its row of a trace, where `layouts=` was one.
    """

    leaf: Any
    position: int
    home: Home
    specs: "AbstractSpecs"

    # Of its layout, which may not be asked for before all siblings have been met.
    @functools.cached_property
    def spec(self) -> ParamSpec:
        return self.specs.of(self)

    @property
    def traced(self) -> TracedRow | None:
        return self.specs.traced(self)

    @property
    def block(self) -> tuple[int, int] | None:
        return self.specs.block(self)

    def with_spec(self, spec: ParamSpec) -> "Site":
        """This site, with what a rule says of it."""
        # `copy.copy` takes ten times as long, which shows over 10,000 sites.
        site = object.__new__(Site)
        vars(site).update(vars(self), spec=spec)
        return site

    @property
    def owner(self) -> Node | None:
        """The module that owns it, and where that stands."""
        return self.home.owner

    @property
    def layer(self) -> Any:
        owner = self.home.owner
        return None if owner is None else owner.module

    @property
    def layer_path(self) -> str:
        owner = self.home.owner
        return "" if owner is None else owner.path

    @property
    def field(self) -> str:
        return self.home.field

    @property
    def parametrization(self) -> BoundParametrization | None:
        return self.home.parametrization

    @property
    def follows(self) -> str | None:
        return self.home.follows

    @property
    def in_place(self) -> bool:
        """Whether it is in a module that stands where its owner has an array."""
        return bool(self.ancestors) and self.ancestors[-1] is not self.home.owner

    @property
    def modules(self) -> tuple[Node, ...]:
        return self.ancestors

    @property
    def role(self) -> str:
        return self.spec.role

    @property
    def stack(self) -> Shape:
        return () if self.spec.axes is None else self.spec.axes.stack

    @property
    def shape(self) -> Shape:
        bound = self._seen_through
        return tuple(self.leaf.shape) if bound is None else bound.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        bound = self._seen_through
        return np.dtype(self.leaf.dtype) if bound is None else bound.dtype

    @property
    def _seen_through(self) -> BoundParametrization | None:
        bound = self.home.parametrization
        return None if bound is None or bound.blind else bound

    @property
    def drawn_dtype(self) -> np.dtype[Any]:
        """`dtype` as jax has it: a numpy float64 is drawn as float32 without x64."""
        return np.dtype(jax.dtypes.canonicalize_dtype(self.dtype))

    @property
    def is_abstract(self) -> bool:
        return isinstance(self.leaf, jax.ShapeDtypeStruct)
