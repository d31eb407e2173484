"""What combinators share: an inner scheme, its roles, and keys of their own."""

import abc
import dataclasses
from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol, final, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._laws import exact
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, RoleName
from ..initializer import AbstractInitializer, Parts


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


class AbstractComposite(AbstractInitializer):
    """A scheme made of schemes: each draws a part, and `join` makes one of them.

    Parts are drawn in float32 or wider, each by its own `draw`; `join` is compiled.
    """

    compiled: ClassVar[bool] = False

    @abc.abstractmethod
    def parts(self, spec: ParamSpec) -> Parts:
        """(scheme, what it draws) of every part."""

    @abc.abstractmethod
    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        """The parameter, of `spec.shape` and in `spec.draw_dtype`, out of its parts."""

    def part_key(self, key: Key, index: int) -> Key:
        """The key of a part."""
        return jax.random.fold_in(key, index)

    def joiner(self, spec: ParamSpec) -> "Joiner":
        """What joins: this scheme, or what needs fewer compilations for its numbers."""
        del spec
        return self

    @final
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        law = self.law(spec)
        if law is not None:
            return law.sample(key, spec.shape, spec.draw_dtype)
        drawn = [
            init.draw(self.part_key(key, i), widened(part))
            for i, (init, part) in enumerate(self.parts(spec))
        ]
        return exact.whole(_join, self.joiner(spec), drawn, key, spec)


@runtime_checkable
class Joiner(Protocol):
    """Whatever makes one parameter of parts."""

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array: ...


def _join(composite: Joiner, drawn: list[Array], key: Key, spec: ParamSpec) -> Array:
    return composite.join(drawn, key, spec)


class AbstractCombinator(AbstractComposite):
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
        return own_key(key, self.depth)

    def key_path(self, path: str) -> str:
        return self.init.key_path(path)

    @final
    def part_key(self, key: Key, index: int) -> Key:
        del index
        return key

    @final
    def parts(self, spec: ParamSpec) -> Parts:
        return [(self.init, spec)]

    @final
    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        return self.change(drawn[0], key, spec)


def own_key(key: Key, depth: int) -> Key:
    """The key of what a combinator draws itself, so deep."""
    return jax.random.fold_in(jax.random.fold_in(key, _OWN), depth)


def common_roles(inits: Sequence[AbstractInitializer]) -> tuple[RoleName, ...]:
    """What every scheme is made for; one for any role (zeros) does not narrow."""
    made_for = [set(init.roles) for init in inits if init.roles]
    common = set[RoleName].intersection(*made_for) if made_for else set()
    return tuple(sorted(common))


def widened(spec: ParamSpec) -> ParamSpec:
    """The same parameter in the dtype that numbers are drawn in."""
    if spec.dtype == spec.draw_dtype:
        return spec
    return dataclasses.replace(spec, dtype=spec.draw_dtype)


def real_only(name: str, spec: ParamSpec) -> Iterator[str]:
    if spec.is_complex:
        yield f"{name} orders numbers, and the parameter is complex ({spec.dtype})."


def spread(value: object, like: Array) -> Array:
    """`value` as an array of `like`'s dtype, broadcast to its shape.

    Spelled out, because strict rank and dtype promotion may be switched on.
    """
    return jnp.broadcast_to(jnp.asarray(value, like.dtype), like.shape)
