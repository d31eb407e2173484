"""Places in a model: what selectors are asked about. Its modules, at theirs."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .._articles import kind_of
from .._inference.row import TracedRow
from .._layouts.parametrizations import Parametrization
from .._parameters.spec import ParamSpec
from .._typing import Shape


@dataclasses.dataclass(frozen=True, eq=False)
class AbstractPlace(abc.ABC):
    """What selectors are asked about: a parameter, or a layer as a whole.

    - `path`: dotted, such as `blocks.3.attn.query_proj.weight`.
    - `ancestors`: every module above it, outermost first.
    - `indices`: of each sequence of *modules* on the path, position and length.
    """

    path: str
    ancestors: tuple["Node", ...]
    indices: tuple[tuple[int, int], ...]

    @property
    @abc.abstractmethod
    def layer(self) -> Any:
        """The module that it is, or that owns it."""

    @property
    @abc.abstractmethod
    def field(self) -> str:
        """The field that holds it."""

    @property
    @abc.abstractmethod
    def modules(self) -> tuple["Node", ...]:
        """Those of which one has to be of the type that `Layer` asks for."""

    @property
    @abc.abstractmethod
    def role(self) -> str:
        """What `Role` asks for."""

    @property
    @abc.abstractmethod
    def traced(self) -> TracedRow | None:
        """What a trace has seen of it, where one was passed."""

    @property
    @abc.abstractmethod
    def stack(self) -> Shape:
        """Along which leading axes it is many in one."""

    @property
    def index(self) -> int | None:
        return self.indices[-1][0] if self.indices else None

    @property
    def count(self) -> int | None:
        return self.indices[-1][1] if self.indices else None

    def is_meant(self, fn: Callable[[Any], Any], by: Any) -> bool:
        """What the predicate of a selector says of this place; `None` is no."""
        try:
            answer = fn(self)
        except Exception as error:
            raise ValueError(f"{by!r} raised {self.failure(error)}") from error
        # A word, a layer or an array is as good as true to Python.
        if answer is not None and not isinstance(answer, bool | int | np.bool_):
            raise ValueError(
                f"{by!r} returned {kind_of(answer)} for `{self.path}`, and not "
                "whether that is meant: True or False."
            )
        return bool(answer)

    def failure(self, error: Exception) -> str:
        """What happened when a function of the place was called with this one."""
        text = f"{type(error).__name__} on `{self.path}`: {error}."
        asked = getattr(error, "name", None) if getattr(error, "obj", 0) is self else ""
        if asked in ParamSpec.__annotations__:
            return f"{text} It is `site.spec.{asked}`."
        spec = getattr(self, "spec", None)
        if isinstance(spec, ParamSpec) and spec.fan_in is None:
            fan = "`site.spec.fan_in` is None: this has no fan, or no layout says one."
            text += f" {fan}" if "NoneType" in str(error) else ""
        if self.index is not None or "NoneType" not in str(error):
            return text
        text += " `site.index` is None where no list or tuple of modules is above."
        if not self.stack:
            return text
        return (
            f"{text} Here {self.stack[0]} layers are stacked in one array: "
            "`PerSlice(Normal(0.02), lambda i, n: ...)` gives each a factor of its own."
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Node(AbstractPlace):
    """One module of a model.

    - `keys`: jax's own path.
    - `start`: position of its first leaf among those of the model.
    - `slot`: the field of the module above that it is in.
    - `parametrization`: how it keeps an array in another form, where that is known.
    - `in_place`: whether it stands where the module above has an array.
    - `plain`: whether nothing of this kind is to be said of it and of those above.
    """

    module: Any
    keys: tuple[Any, ...]
    start: int
    slot: str
    parametrization: Parametrization | None
    in_place: bool
    plain: bool

    @property
    def layer(self) -> Any:
        return self.module

    @property
    def field(self) -> str:
        return self.slot

    @property
    def modules(self) -> tuple["Node", ...]:
        # `Layer(Block)` means the blocks, and not the layers inside of them as well.
        return (self,)

    @property
    def role(self) -> str:
        raise TypeError(
            f"layers have no role: `{self.path}` is {kind_of(self.module)}. "
            "Select it by type, by path or by a function."
        )

    @property
    def traced(self) -> None:
        return None

    @property
    def stack(self) -> Shape:
        return ()

    @property
    def opaque(self) -> bool:
        """Whether it changes what is in it in a way that nobody has said."""
        kept = self.parametrization
        return self.in_place and not (kept is not None and kept.transparent)
