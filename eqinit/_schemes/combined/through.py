"""Give the effective value a law, and store what the model computes it from."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from ..._laws.transforms import (
    TRANSFORMS,
    AbstractTransform,
    Transform,
    transform_of,
)
from ..._parameters.spec import ParamSpec
from ..._tables import number
from ..._typing import Array, Key
from ..initializer import AbstractInitializer
from .combinator import AbstractCombinator, real_only


class Through(AbstractCombinator):
    r"""Store the raw value whose *effective* value follows a scheme.

    A layer that computes with $f(\text{raw})$ wants the law on $f(\text{raw})$:
    `Through(HoedtNormal(), "softplus")` draws positive weights and stores
    $f^{-1}$ of them. Fans and axes are those of the parameter.

    **Arguments:**

    - `init`: what the effective value follows.
    - `transform`: `"softplus"`, `"exp"`, `"square"`, `"sigmoid"`, `"tanh"`, `"abs"`,
        `"relu"`, a function such as `jax.nn.softplus` whose inverse is known
        ([`eqinit.transforms.register_inverse`][]), a transform of your own, or a pair
        of functions `(forward, inverse)`.

    **Raises:** `ValueError` where the scheme's law has values that the transform never
    takes (a negative weight through `softplus`); at the draw, where only that tells.
    """

    init: AbstractInitializer
    transform: AbstractTransform

    def __init__(self, init: AbstractInitializer, transform: Any) -> None:
        self.init = init
        self.transform = _as_transform(transform)

    def config_fields(self) -> dict[str, Any]:
        known = [name for name, t in TRANSFORMS.items() if t == self.transform]
        return {"init": self.init, "transform": known[0] if known else self.transform}

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from real_only("Through", spec)
        try:
            law = self.init.law(spec)
            bounds = None if law is None else law.support()
        except TypeError:
            return  # of a traced number
        domain = self.transform.domain
        if bounds is not None and not domain.holds(*bounds):
            low, high = map(number, bounds)
            yield (
                f"Through: {type(self.init).__name__} draws from {low} to {high}, and "
                f"{self.transform.label} takes values in {domain} only. {_REMEDY}"
            )

    def effective(self, raw: Array) -> Array:
        """What the model computes from the stored value."""
        return self.transform.forward(raw)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        raw = self.transform.stored(drawn)
        return eqx.error_if(
            raw,
            jnp.any(jnp.isnan(raw) & ~jnp.isnan(drawn)),
            f"Through: {type(self.init).__name__} drew values that "
            f"{self.transform.label} never takes. {_REMEDY}",
        )


_REMEDY = (
    "Use a scheme whose values are in its range, such as `Abs(...)`, `LogNormal()` or "
    "`HoedtNormal()` for positive ones."
)


def _as_transform(told: Any) -> AbstractTransform:
    if isinstance(told, AbstractTransform):
        return told
    if isinstance(told, str) and told in TRANSFORMS:
        return TRANSFORMS[told]
    if isinstance(told, tuple) and len(told) == 2 and all(map(callable, told)):
        return Transform(*told)
    known = transform_of(told) if callable(told) else None
    if known is not None:
        return known
    raise ValueError(
        f"Through got transform={told!r}; it is one of {list(TRANSFORMS)}, a function "
        "whose inverse is known (`register_inverse(fn, inverse)`), an "
        "`AbstractTransform`, or a pair of functions `(forward, inverse)`."
    )
