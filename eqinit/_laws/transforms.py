"""Functions between what is stored and what is used: forward, inverse, domain."""

import abc
import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from wadler_lindig import TextDoc

from .._checks import check_fields, number, ordered
from .._registry import Registry, agree
from .._typing import Array, Number, checked


@dataclasses.dataclass(frozen=True)
class Domain:
    """The numbers from `lower` to `upper`.

    - `lower`, `upper`: the bounds.
    - `closed`: whether these two are among them, where they are finite.
    - `zero`: whether an array may be all zeros.
    """

    lower: Annotated[Number, number] = -math.inf
    upper: Annotated[Number, number] = math.inf
    closed: bool = True
    zero: bool = True

    def __post_init__(self) -> None:
        check_fields(
            self, lambda: ordered("Domain", lower=self.lower, upper=self.upper)
        )

    def holds(self, low: Any, high: Any) -> Any:
        """Whether arrays of values from `low` to `high`, maybe traced, are inside."""
        inside = (self.lower <= low) & (high <= self.upper)
        # A law's own bounds are met with probability zero, a constant's are not.
        touches = (low == high) & ((low == self.lower) | (high == self.upper))
        zero = (low == 0) & (high == 0)
        refused = (touches & (not self.closed)) | (zero & (not self.zero))
        return inside & (refused ^ True)  # `~` of a Python bool is a number

    def inward(self, value: Array) -> Array:
        """The value, with entries on an open bound moved to the next number inside.

        A uniform draw is exactly zero once in 2^23 entries, and the logarithm of zero
        is no number to train.
        """
        if self.closed:
            return value
        for bound, towards in ((self.lower, self.upper), (self.upper, self.lower)):
            if math.isfinite(bound):
                next_ = _next(bound, towards, value.dtype)
                value = jnp.where(value == bound, next_, value)
        return value

    def __str__(self) -> str:
        low = "[" if self.closed and math.isfinite(self.lower) else "("
        high = "]" if self.closed and math.isfinite(self.upper) else ")"
        less = "" if self.zero else " less zero"
        return f"{low}{self.lower:g}, {self.upper:g}{high}{less}"


def _next(bound: Number, towards: Number, dtype: Any) -> np.ndarray:
    # What is subnormal is flushed to zero.
    tiny = math.copysign(np.finfo(dtype).tiny, towards)
    near = np.nextafter(np.asarray(bound, dtype), np.asarray(towards, dtype))
    return np.asarray(near if bound else tiny, dtype)


EVERYTHING = Domain()


class AbstractTransform(eqx.Module):
    """What a model does to a raw parameter before it uses it, and the way back.

    Subclass it for a transform of your own. Where not every number is an effective
    value, let `domain` say which are: a plan then refuses schemes that draw others.
    """

    @abc.abstractmethod
    def forward(self, raw: Array) -> Array:
        """The effective value."""

    @abc.abstractmethod
    def inverse(self, effective: Array) -> Array:
        """A raw value that `forward` takes to `effective`."""

    @property
    def domain(self) -> Domain:
        """The effective values that there can be."""
        return EVERYTHING

    def stored(self, effective: Array) -> Array:
        """`inverse`, finite where a value is on an open bound of the domain."""
        return self.inverse(self.domain.inward(effective))

    @property
    def label(self) -> str:
        """What an error calls it."""
        return type(self).__name__


class Transform(AbstractTransform):
    """A transform that is made of two functions."""

    forward_fn: Callable[[Any], Any] = eqx.field(static=True)
    inverse_fn: Callable[[Any], Any] = eqx.field(static=True)
    values: Domain = eqx.field(static=True, default=EVERYTHING)

    def forward(self, raw: Array) -> Array:
        return self.forward_fn(raw)

    def inverse(self, effective: Array) -> Array:
        return self.inverse_fn(effective)

    @property
    def domain(self) -> Domain:
        return self.values

    @property
    def label(self) -> str:
        return getattr(self.forward_fn, "__name__", repr(self.forward_fn))

    def difference(self, other: "Transform") -> str:
        """In words, where this one is another; nothing where the two are alike."""
        for name in ("forward", "inverse"):
            fn, known = (getattr(t, f"{name}_fn") for t in (self, other))
            if not agree(fn, known):
                return f"`{name}` is {fn!r} and was {known!r}"
        if self.domain != other.domain:
            return f"`domain` is {self.domain} and was {other.domain}"
        return ""

    def __pdoc__(self, **kwargs: Any) -> TextDoc:
        del kwargs  # a function prints as its address, and this one has a name
        return TextDoc(self.label)


def same(value: Any) -> Any:
    return value


def _numpy_of(value: Any) -> Any:
    # Python numbers and numpy arrays stay what they are, in float64.
    return jnp if isinstance(value, jax.Array) else np


def inverse_softplus(value: Any) -> Any:
    """x with ln(1 + e^x) = value."""
    # ln(e^value - 1) overflows for large values and loses everything for small ones.
    xp = _numpy_of(value)
    return value + xp.log(-xp.expm1(-value))


def logit(value: Any) -> Any:
    """x with 1 / (1 + e^-x) = value."""
    xp = _numpy_of(value)
    return xp.log(value) - xp.log1p(-value)


def _log(value: Any) -> Any:
    return _numpy_of(value).log(value)


def _arctanh(value: Any) -> Any:
    return _numpy_of(value).arctanh(value)


def _sqrt(value: Any) -> Any:
    return _numpy_of(value).sqrt(value)


_POSITIVE = Domain(0.0, math.inf, closed=False)
_NON_NEGATIVE = Domain(0.0, math.inf)

TRANSFORMS: dict[str, Transform] = {
    "softplus": Transform(jax.nn.softplus, inverse_softplus, _POSITIVE),
    "exp": Transform(jnp.exp, _log, _POSITIVE),
    "square": Transform(jnp.square, _sqrt, _NON_NEGATIVE),
    "sigmoid": Transform(jax.nn.sigmoid, logit, Domain(0.0, 1.0, closed=False)),
    "tanh": Transform(jnp.tanh, _arctanh, Domain(-1.0, 1.0, closed=False)),
    "abs": Transform(jnp.abs, same, _NON_NEGATIVE),
    "relu": Transform(jax.nn.relu, same, _NON_NEGATIVE),
}

# By identity: `jax.nn.softplus` is one object, whoever imports it.
_BY_FUNCTION: Registry[Callable[..., Any], Transform] = Registry(
    {transform.forward_fn: transform for transform in TRANSFORMS.values()}.get
)


def transform_of(fn: Callable[..., Any]) -> Transform | None:
    """The transform that applies `fn`, where its inverse is known."""
    try:
        return _BY_FUNCTION.get(fn)
    except TypeError:  # a module with arrays, which has no hash
        return None


@checked
def register_inverse(
    fn: Callable[..., Any],
    inverse: Callable[[Any], Any],
    *,
    domain: tuple[Number, Number] = (-math.inf, math.inf),
    closed: bool = False,
    override: bool = False,
) -> None:
    """Say once what undoes a function that models apply to what they store.

    klax's and paramax's `Parameterize(fn, array)`, [`eqinit.Through`][] and
    [`eqinit.register_parametrization`][] know it from then on. `exp`, `softplus`,
    `sigmoid`, `tanh`, `square`, `abs` and `relu` are known.

    **Arguments:**

    - `fn`: the function, by identity.
    - `inverse`: from an effective value to the argument of `fn`.
    - `domain`: the least and the largest value of `fn`.
    - `closed`: whether these two can be reached.
    - `override`: replace an inverse that is known.

    **Raises:** `ValueError` where another inverse is known.
    """
    transform = Transform(fn, inverse, Domain(*domain, closed=closed))
    _BY_FUNCTION.add(
        fn,
        transform,
        call=f"register_inverse({transform.label})",
        override=override,
        differs=transform.difference,
    )
