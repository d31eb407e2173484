"""Recognise the draws of `jax.random` in a jaxpr, for the bulk fill."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import JaxprEqn

from .._fill.bases import eligible
from .._fill.request import FillRequest
from .._memo import Memo
from .needed import aval_of
from .on_host import unpack


def _uniform(shape: Any, dtype: Any, low: Any, high: Any) -> Callable[[Any], Any]:
    return lambda key: jax.random.uniform(key, shape, dtype, low, high)


def _normal(shape: Any, dtype: Any) -> Callable[[Any], Any]:
    return lambda key: jax.random.normal(key, shape, dtype)


def _truncated(shape: Any, dtype: Any, low: Any, high: Any) -> Callable[[Any], Any]:
    return lambda key: jax.random.truncated_normal(key, low, high, shape, dtype)


# By the name that the draw has in a jaxpr: a hint where to look, and no more.
_SAMPLERS: dict[str, tuple[str, Callable[..., Callable[[Any], Any]]]] = {
    "_uniform": ("uniform", _uniform),
    "_normal": ("normal", _normal),
    "_truncated_normal": ("truncated_normal", _truncated),
}


class Samplers:
    """Tells which equations are draws that a bulk fill reproduces."""

    def __init__(self) -> None:
        self._known: Memo[bool] = Memo()

    def request(
        self, eqn: JaxprEqn, inputs: Sequence[np.ndarray]
    ) -> FillRequest | None:
        """What to fill, or `None` for whatever is no such draw."""
        name = eqn.params.get("name", "")
        if eqn.primitive.name not in ("jit", "pjit") or name not in _SAMPLERS:
            return None
        key, *bounds = inputs
        aval = aval_of(eqn.outvars[0])
        if key.shape != () or aval.dtype != np.float32 or aval.weak_type:
            return None
        if name != "_uniform" and not _rounds_alike(aval.shape):
            return None
        if not self._is_sampler(name, eqn, bounds):
            return None
        request = FillRequest(
            unpack(key),
            aval.shape,
            _SAMPLERS[name][0],
            params=tuple(float(bound) for bound in bounds),
        )
        return request if eligible(request) else None

    def _is_sampler(self, name: str, eqn: JaxprEqn, bounds: Sequence[Any]) -> bool:
        body = eqn.params["jaxpr"]
        return self._known.once((body,), lambda: body is _body(name, eqn, bounds))


def _body(name: str, eqn: JaxprEqn, bounds: Sequence[np.ndarray]) -> Any:
    """What `jax.random` itself traces to here.

    jax keeps what it has traced, so the same function of the same types has the very
    same body. A function that only shares its name, or a jax that draws in another
    way, has not.
    """
    aval, atoms = aval_of(eqn.outvars[0]), eqn.invars[1:]
    said = [
        bound.item() if aval_of(atom).weak_type else bound
        for bound, atom in zip(bounds, atoms, strict=True)
    ]
    try:
        draw = _SAMPLERS[name][1](aval.shape, aval.dtype, *said)
        (found,) = jax.make_jaxpr(draw)(_key_struct(eqn)).eqns
        return found.params.get("jaxpr")
    except (TypeError, ValueError):
        return None


def _rounds_alike(shape: tuple[int, ...]) -> bool:
    """Whether a draw of this shape has the bits of a flat one, as the fill makes it.

    jax 0.12 unrolls inner loops of 3 to 5 on CPU, and other products go into their
    fused multiply-adds. It does not where the loop around is as short: kernels of
    3 x 3 or 5 x 5, which are common.
    """
    long = [size for size in shape if size != 1]
    return len(long) < 2 or not 3 <= long[-1] <= 5 or long[-2] in (3, 5)


def _key_struct(eqn: JaxprEqn) -> Any:
    return jax.ShapeDtypeStruct((), aval_of(eqn.invars[0]).dtype)
