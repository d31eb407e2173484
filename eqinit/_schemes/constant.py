"""Values that are not drawn."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._checks import any_number, entries
from .._laws.families import ConstantLaw
from .._parameters.spec import ParamSpec
from .._typing import ScalarLike
from .checks import broadcasts
from .initializer import AbstractLawInitializer


class Constant(AbstractLawInitializer):
    r"""Every entry is `value`, or `value` broadcast to the parameter.

    `Constant(math.nan)` shows whatever uses a parameter that should not be used before
    something else has set it.

    **Arguments:**

    - `value`: a number, or an array that broadcasts to the parameter's shape.

    **Raises:** `ValueError` where it does not, and where the parameter's dtype cannot
    hold it.
    """

    value: Annotated[ScalarLike, any_number, entries] = 0.0
    whole: ClassVar[bool] = True  # or `problems` says so

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from broadcasts("Constant", "a value", np.shape(self.value), spec)
        if jnp.iscomplexobj(self.value) and not spec.is_complex:
            yield (
                f"Constant has a complex value and the parameter is {spec.dtype}. "
                "Pass its `.real`."
            )
        if jnp.issubdtype(spec.dtype, jnp.integer) and not self._is_whole():
            yield (
                f"Constant has the value {self.value}, which {spec.dtype} cannot hold. "
                "Pass a whole number, or ask for a float."
            )

    def _is_whole(self) -> bool:
        traced = isinstance(self.value, Tracer)
        return traced or bool(np.all(np.equal(np.mod(self.value, 1), 0)))

    def law(self, spec: ParamSpec) -> ConstantLaw:
        del spec
        return ConstantLaw(self.value)


class Zeros(AbstractLawInitializer):
    """Every entry is 0."""

    whole: ClassVar[bool] = True

    def law(self, spec: ParamSpec) -> ConstantLaw:
        del spec
        return ConstantLaw(0.0)


class Ones(AbstractLawInitializer):
    """Every entry is 1."""

    whole: ClassVar[bool] = True

    def law(self, spec: ParamSpec) -> ConstantLaw:
        del spec
        return ConstantLaw(1.0)
