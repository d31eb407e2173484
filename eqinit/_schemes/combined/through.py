"""Give the effective value a law, and store what the model computes it from."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key
from ..initializer import AbstractInitializer
from .combinator import AbstractWrapper, real_only


class AbstractTransform(eqx.Module):
    """What a model does to a raw parameter before it uses it, and the way back.

    Subclass it for a transform of your own.
    """

    @abc.abstractmethod
    def forward(self, raw: Array) -> Array:
        """The effective value."""

    @abc.abstractmethod
    def inverse(self, effective: Array) -> Array:
        """A raw value that `forward` takes to `effective`."""


class Softplus(AbstractTransform):
    r"""Effective value $\ln(1 + e^{\text{raw}})$: positive."""

    def forward(self, raw: Array) -> Array:
        return jax.nn.softplus(raw)

    def inverse(self, effective: Array) -> Array:
        # ln(e^x - 1), which overflows for large x and loses everything for small x.
        return effective + jnp.log(-jnp.expm1(-effective))


class Exp(AbstractTransform):
    r"""Effective value $e^{\text{raw}}$: positive."""

    def forward(self, raw: Array) -> Array:
        return jnp.exp(raw)

    def inverse(self, effective: Array) -> Array:
        return jnp.log(effective)


class Square(AbstractTransform):
    r"""Effective value $\text{raw}^2$: non-negative; the raw value is its root."""

    def forward(self, raw: Array) -> Array:
        return raw * raw

    def inverse(self, effective: Array) -> Array:
        return jnp.sqrt(effective)


class Sigmoid(AbstractTransform):
    r"""Effective value $1 / (1 + e^{-\text{raw}})$: between 0 and 1."""

    def forward(self, raw: Array) -> Array:
        return jax.nn.sigmoid(raw)

    def inverse(self, effective: Array) -> Array:
        return jnp.log(effective) - jnp.log1p(-effective)


class Tanh(AbstractTransform):
    r"""Effective value $\tanh(\text{raw})$: between -1 and 1."""

    def forward(self, raw: Array) -> Array:
        return jnp.tanh(raw)

    def inverse(self, effective: Array) -> Array:
        return jnp.arctanh(effective)


class Functions(AbstractTransform):
    """A transform given as two functions."""

    forward_fn: Callable[[Array], Array] = eqx.field(static=True)
    inverse_fn: Callable[[Array], Array] = eqx.field(static=True)

    def forward(self, raw: Array) -> Array:
        return self.forward_fn(raw)

    def inverse(self, effective: Array) -> Array:
        return self.inverse_fn(effective)


TRANSFORMS: dict[str, AbstractTransform] = {
    "softplus": Softplus(),
    "exp": Exp(),
    "square": Square(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
}


class Through(AbstractWrapper):
    r"""Store the raw value whose *effective* value follows a scheme.

    A layer that computes with $f(\text{raw})$ wants the law on $f(\text{raw})$:
    `Through(HoedtNormal(), "softplus")` draws positive weights and stores
    $f^{-1}$ of them. Fans and axes are those of the parameter.

    **Arguments:**

    - `init`: what the effective value follows.
    - `transform`: `"softplus"`, `"exp"`, `"square"`, `"sigmoid"`, `"tanh"`, a transform
        of your own, or a pair of functions `(forward, inverse)`.

    **Raises:** at the draw, where a value is outside of the transform's range (a
    negative weight through `softplus`).
    """

    init: AbstractInitializer
    transform: AbstractTransform

    def __init__(self, init: AbstractInitializer, transform: Any) -> None:
        self.init = init
        self.transform = _as_transform(transform)

    def config_fields(self) -> dict[str, Any]:
        names = {type(t): name for name, t in TRANSFORMS.items()}
        said = names.get(type(self.transform), self.transform)
        return {"init": self.init, "transform": said}

    def check(self, spec: ParamSpec) -> None:
        real_only("Through", spec)
        super().check(spec)

    def effective(self, raw: Array) -> Array:
        """What the model computes from the stored value."""
        return self.transform.forward(raw)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        raw = self.transform.inverse(drawn)
        name = type(self.transform).__name__
        return eqx.error_if(
            raw,
            jnp.any(jnp.isnan(raw) & ~jnp.isnan(drawn)),
            f"Through: {type(self.init).__name__} drew values that {name} never takes. "
            "Use a scheme whose values are in its range, such as "
            "`Abs(...)`, `LogNormal()` or `HoedtNormal()` for positive ones.",
        )


def _as_transform(said: Any) -> AbstractTransform:
    if isinstance(said, AbstractTransform):
        return said
    if isinstance(said, str) and said in TRANSFORMS:
        return TRANSFORMS[said]
    if isinstance(said, tuple) and len(said) == 2 and all(map(callable, said)):
        return Functions(*said)
    raise ValueError(
        f"Through got transform={said!r}; it is one of {list(TRANSFORMS)}, an "
        "`AbstractTransform`, or a pair of functions `(forward, inverse)`."
    )
