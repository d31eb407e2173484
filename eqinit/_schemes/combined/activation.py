"""A gain for the function that a kernel's output goes through."""

from collections.abc import Iterator

import equinox as eqx

from ..._laws.gains import Activation, gain, named
from ..._laws.law import AbstractLaw, Moments
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key
from ..initializer import AbstractInitializer
from .affine import Scaled
from .combinator import AbstractCombinator


# Of these the next layer sees numbers as large as without them.
_NONE = ("identity", "softmax")


class ForActivation(AbstractCombinator):
    r"""Another scheme times the gain of the activation that follows it.

    `ForActivation(LecunNormal())` has variance $g^2 / n_\text{in}$ with
    $g = 1/\sqrt{E[\phi(z)^2]}$ of the function $\phi$ that the kernel's output meets:
    $\sqrt 2$ for ReLU, 1.59 for tanh, 1 for none. Which one that is, a trace says:
    `plan(model, rules, layouts=trace_layouts(model, call, x))`.

    **Arguments:**

    - `init`: the scheme for a kernel that no activation follows, such as
        `LecunNormal()` or `Orthogonal()`.
    - `activation`: the function, or its name in `jax.nn`, where no trace has seen one.

    **Raises:** `ValueError` where there is neither, and where the parts of a fused
    kernel meet different functions.

    He et al., Delving deep into rectifiers, arXiv:1502.01852.
    """

    init: AbstractInitializer
    activation: Activation | None = eqx.field(
        static=True, default=None, converter=named
    )

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        met = spec.activation
        if met is None and self.activation is None:
            yield (
                "ForActivation needs to know which function the output goes through: "
                "pass `layouts=eqinit.trace_layouts(model, call, x)`, or say it, as in "
                '`ForActivation(LecunNormal(), "relu")`.'
            )
        elif met is not None and not set(met).isdisjoint(",|?"):
            yield (
                f"ForActivation: the output goes through `{met}`, which has no single "
                "gain. Say one, as in `Scaled(LecunNormal(), 1.4)`, or one per part "
                "with `PerGate(...)`."
            )

    def _scaled(self, spec: ParamSpec) -> Scaled:
        met = spec.activation if spec.activation is not None else self.activation
        if met is None or met in _NONE:
            return Scaled(self.init, 1.0)
        return Scaled(self.init, gain(met))

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        return self._scaled(spec).law(spec)

    def moments(self, spec: ParamSpec) -> Moments | None:
        return self._scaled(spec).moments(spec)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        return self._scaled(spec).change(drawn, key, spec)
