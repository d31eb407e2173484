"""One rule per primitive; what is known is computed, and what is not known stays so."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from ..._inference.walker import Equation, Rule
from . import draws, elementwise, lookups, moving, products, reductions
from .domain import SecondMoments
from .values import Known, NotKnown, Unknown, Value, why_of


# From values of which one is random at least, and of none of which nothing is known.
Random: TypeAlias = Callable[[SecondMoments, Equation, Sequence[Any]], Any]


def _guarded(rule: Random) -> Rule[Any]:
    def guarded(
        domain: SecondMoments, eqn: Equation, values: Sequence[Any]
    ) -> Sequence[Value]:
        args = [domain.plain(value) for value in values]
        try:
            if why := why_of(args):
                raise NotKnown(why)
            known = [arg.array for arg in args if isinstance(arg, Known)]
            if len(known) == len(args):
                return _computed(eqn, known)
            result = rule(domain, eqn, args)
        except NotKnown as reason:
            why = str(reason)
            return [Unknown(tuple(out.shape), why) for out in eqn.outputs]
        return result if isinstance(result, list) else [result]

    return guarded


# Primitives that return what they get, and one that `jax.lax` has by another name.
_IDENTITIES = ("name", "copy_p")
_OTHERWISE = {"add_any": "add"}


def _computed(eqn: Equation, arrays: Sequence[np.ndarray]) -> list[Value]:
    """The primitive itself, on arrays that are known."""
    if eqn.name in _IDENTITIES:
        return [Known(array) for array in arrays]
    name = _OTHERWISE.get(eqn.name, eqn.name)
    primitive: Any = getattr(jax.lax, f"{name}_p", None)
    if primitive is None:
        raise NotKnown(f"there is no rule for `{eqn.name}`")
    pairs = zip(arrays, eqn.inputs, strict=True)
    inputs = [jnp.asarray(array, like.dtype) for array, like in pairs]
    outputs = primitive.bind(*inputs, **eqn.params)
    several = outputs if primitive.multiple_results else [outputs]
    return [Known(_wide(np.asarray(out))) for out in several]


def _wide(array: np.ndarray) -> np.ndarray:
    real = jnp.issubdtype(array.dtype, jnp.floating)
    return array.astype(np.float64) if real else array


_ROOMS = (elementwise, lookups, moving, products, reductions)

RULES: Mapping[str, Rule[Any]] = {
    **{name: _guarded(rule) for room in _ROOMS for name, rule in room.RULES.items()},
    **draws.RULES,
    "name": moving.name,
    **dict.fromkeys(("checkpoint", "remat", "remat2"), SecondMoments.checkpoint),
    "iota": lambda domain, eqn, values: _computed(eqn, []),
}
