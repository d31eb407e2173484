"""A constructor as data: its equations, and the tree that it returns without values."""

import contextlib
import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.tree_util as jtu
import numpy as np
from jax.extend.core import ClosedJaxpr

from .._memo import Memo
from .._typing import Key
from .surroundings import Surroundings


class Untraceable(Exception):
    """Why a constructor has to be run as it is."""


@dataclasses.dataclass(frozen=True)
class Traced:
    """What a constructor computes, and what it returns.

    - `jaxpr`: its equations; the inputs are the key, the outputs the arrays.
    - `skeleton`: the tree that it returned, with a `ShapeDtypeStruct` for every array
        that is computed.
    - `positions`: where these are, as positions in `tree_leaves(skeleton)`.
    """

    jaxpr: ClosedJaxpr
    skeleton: Any
    positions: tuple[int, ...]


def _is_computed(leaf: Any) -> bool:
    return isinstance(leaf, jax.core.Tracer)


def traced(make: Callable[[Key], Any], key: Key) -> Traced:
    """Trace `make(key)` once.

    **Raises:** `Untraceable` where it needs concrete values, has effects, or leaves a
    computed array anywhere but in the leaves of what it returns. All is put back as it
    was before, so that `make` can be run as it is.
    """
    surroundings = Surroundings(make)
    found = _trace(make, key)
    leaks = surroundings.leaks()
    if isinstance(found, Traced) and not leaks:
        return found
    why = found if isinstance(found, str) else _where(found.skeleton)
    del found  # the skeleton may be what holds a tracer
    surroundings.restore()
    leaks.empty_caches()
    raise Untraceable(why)


def _trace(make: Callable[[Key], Any], key: Key) -> Traced | str:
    """What came of tracing, or why nothing did."""
    seen: list[tuple[list[Any], Any]] = []

    def flat(key: Key) -> list[Any]:
        leaves, treedef = jtu.tree_flatten(make(key))
        seen.append((leaves, treedef))
        return [leaf for leaf in leaves if _is_computed(leaf)]

    try:
        jaxpr = jax.make_jaxpr(flat)(key)
    except Exception as error:
        # Whatever it is: if it is no fault of tracing, then running `make` shows it.
        line = str(error).strip().split("\n")[0]
        return f"{type(error).__name__}: {line}"
    if jaxpr.effects:
        return "it has effects (a callback, a debug print)"
    leaves, treedef = seen.pop()
    positions = tuple(i for i, leaf in enumerate(leaves) if _is_computed(leaf))
    for i, aval in zip(positions, jaxpr.out_avals, strict=True):
        leaves[i] = jax.ShapeDtypeStruct(aval.shape, aval.dtype)
    return Traced(jaxpr, jtu.tree_unflatten(treedef, leaves), positions)


def _where(skeleton: Any) -> str:
    """Where a constructor left a tracer, in words."""
    if hidden := _hidden(skeleton):
        return f"a {hidden} of the model holds an array that the constructor computes"
    return "it keeps an array that it computes in a global, a cache or an object"


def _hidden(skeleton: Any) -> str:
    """Where a tracer is left: in a closure, a static field, a plain object; or ''.

    All that a PyTree shows has been replaced, so a tracer that can still be reached
    would outlive its trace, and the model would fail when it is called.
    """
    done: Memo[None] = Memo()
    todo: list[tuple[str, Any]] = [("static field", skeleton)]
    while todo:
        kind, node = todo.pop()
        if type(node) in _MOSTLY or (node,) in done:
            continue
        # By its class: `isinstance` runs code of strangers, which proxies have.
        if issubclass(type(node), jax.core.Tracer):
            return kind
        if issubclass(type(node), _OPAQUE):
            continue
        done.put((node,), None)
        with contextlib.suppress(Exception):  # of strangers, whose code this runs
            todo.extend(_below(kind, node))
    return ""


_OPAQUE = (
    *(str, bytes, int, float, complex, type(None), type, types.ModuleType),
    *(np.ndarray, np.generic, np.dtype, jax.Array, jax.ShapeDtypeStruct),
)
# Most of what a model holds; `isinstance` of an abstract class takes far longer.
_MOSTLY = frozenset({str, int, float, bool, type(None), jax.ShapeDtypeStruct})


def _below(kind: str, node: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, as far as Python shows it."""
    if isinstance(node, dict):
        yield from ((kind, value) for value in node.values())
    elif isinstance(node, (list, tuple, set, frozenset)):
        yield from ((kind, value) for value in node)
    elif isinstance(node, functools.partial):
        held = (node.func, node.args, node.keywords)
        yield from (("partial function", value) for value in held)
    elif isinstance(node, types.MethodType):
        yield "method", node.__self__
    else:
        if isinstance(node, types.FunctionType):
            held = (node.__defaults__, node.__kwdefaults__)
            held += tuple(map(_contents, node.__closure__ or ()))
            yield from (("function", value) for value in held)
        if not isinstance(node, eqx.Module):  # which is slow to say that it has none
            # Of jitted functions too; their wrapped function is an attribute.
            yield kind, getattr(node, "__wrapped__", None)
        yield from ((kind, value) for value in getattr(node, "__dict__", {}).values())


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # an empty cell: a name that is not assigned yet
