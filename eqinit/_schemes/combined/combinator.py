"""What combinators share: an inner scheme, its roles, and keys of their own."""

import abc
import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, RoleName
from ..initializer import AbstractInitializer, cast


# Folded into a key before a combinator draws something for itself, so that the inner
# scheme can have the key as it is: `Sparse(Normal())` is `Normal()` with holes.
_OWN = 0x65716E77


def accept(name: str, init: object) -> None:
    """Raise unless `init` is an initializer."""
    if isinstance(init, AbstractInitializer):
        return
    raise TypeError(
        f"{name} wraps an eqinit initializer such as `HeNormal()`; got {init!r}. A "
        "function of jax, flax or klax becomes one with "
        "`eqinit.interop.as_initializer(fn)`."
    )


class AbstractWrapper(AbstractInitializer):
    """A scheme that changes what one other scheme draws.

    Draws happen in float32 or wider, and are cast once at the end. Subclasses implement
    `change`, and `law` or `moments` where these can be known.
    """

    init: eqx.AbstractVar[AbstractInitializer]

    def __check_init__(self) -> None:
        accept(type(self).__name__, self.init)

    @abc.abstractmethod
    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        """The drawn array, changed; of the same shape and dtype."""

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        return self.init.roles

    @property
    def depth(self) -> int:
        """How many combinators are inside: each level has a key of its own."""
        return 1 + getattr(self.init, "depth", 0)

    def own_key(self, key: Key) -> Key:
        return jax.random.fold_in(jax.random.fold_in(key, _OWN), self.depth)

    def key_path(self, path: str) -> str:
        return self.init.key_path(path)

    def check(self, spec: ParamSpec) -> None:
        self.init.check(widened(spec))

    def draw(self, key: Key, spec: ParamSpec) -> Array:
        if spec.size == 0:
            return jnp.zeros(spec.shape, spec.dtype)
        law = self.law(spec)
        if law is not None:
            return cast(law.sample(key, spec.shape, spec.draw_dtype), spec.dtype)
        return _draw(self, key, spec)


@eqx.filter_jit
def _draw(wrapper: AbstractWrapper, key: Key, spec: ParamSpec) -> Array:
    # Compiled as a whole: what a compiler sees together it may round once instead of
    # twice, and an eager draw would differ in the last bit from one under `jit`.
    drawn = wrapper.init.draw(key, widened(spec))
    return cast(wrapper.change(drawn, key, spec), spec.dtype)


def widened(spec: ParamSpec) -> ParamSpec:
    """The same parameter in the dtype that numbers are drawn in."""
    if spec.dtype == spec.draw_dtype:
        return spec
    return dataclasses.replace(spec, dtype=spec.draw_dtype)


def real_only(name: str, spec: ParamSpec) -> None:
    if spec.is_complex:
        raise ValueError(
            f"{name} orders numbers, and the parameter is complex ({spec.dtype})."
        )


def broadcasts(name: str, what: str, shape: tuple[int, ...], spec: ParamSpec) -> None:
    """Raise unless an array of `shape` broadcasts to the parameter."""
    try:
        fits = np.broadcast_shapes(shape, spec.shape) == spec.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} got {what} of shape {shape}, which does not broadcast to the "
            f"parameter's {spec.shape}."
        )


def spread(value: object, like: Array) -> Array:
    """`value` as an array of `like`'s dtype, broadcast to its shape.

    Spelled out, because strict rank and dtype promotion may be switched on.
    """
    return jnp.broadcast_to(jnp.asarray(value, like.dtype), like.shape)
