"""The one table of schemes: every concrete initializer has at least one case."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from eqinit import AbstractInitializer, ParamSpec
from eqinit._parameters.spec import make_spec


FLOATS = ("float16", "bfloat16", "float32")
COMPLEX = ("complex64",)


@dataclasses.dataclass(frozen=True)
class Case:
    """One scheme on one parameter, and its gold property.

    - `name`: unique; shown by pytest.
    - `init`: the initializer.
    - `shape`, `axes`, `sizes`, `fan_in`, `fan_out`, `role`: the parameter.
    - `gold`: asserts what the literature says of a float32 draw (a numpy array); exact
      algebra, or moments with a derived tolerance.
    - `dtypes`: every dtype that the scheme serves, besides float64 and complex128 that
      the contract adds under x64.
    - `zero`: a zero-size variant of `shape` that the scheme must serve, or `None`.
    - `adds`: how many numbers are added up for an entry, where XLA picks another order
        as soon as the draw is mapped; 0 if it does not.
    """

    name: str
    init: AbstractInitializer
    shape: tuple[int, ...]
    gold: Callable[[np.ndarray, ParamSpec], None]
    axes: str | None = None
    sizes: dict[str, Any] = dataclasses.field(default_factory=dict)
    fan_in: float | None = None
    fan_out: float | None = None
    role: Any = None
    dtypes: tuple[str, ...] = (*FLOATS, *COMPLEX)
    zero: tuple[int, ...] | None = None
    adds: int = 0

    def spec(
        self, dtype: Any = "float32", shape: tuple[int, ...] | None = None
    ) -> ParamSpec:
        import jax.numpy as jnp

        return make_spec(
            self.shape if shape is None else shape,
            jnp.dtype(dtype),
            self.axes,
            sizes=self.sizes,
            fan_in=self.fan_in,
            fan_out=self.fan_out,
            role=self.role,
        )
