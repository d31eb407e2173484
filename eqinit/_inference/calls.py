"""A call of a model as a jaxpr of the arrays that are followed."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.tree_util as jtu
import numpy as np

from .._typing import Shape


class TracedCall(NamedTuple):
    """What is walked.

    - `jaxpr`: of the parameters, and then of the other inputs.
    - `leaves`: of the model and the arguments.
    - `others`: positions among them of the other inputs.
    """

    jaxpr: Any
    leaves: list[Any]
    others: tuple[int, ...]


_ARRAYS = (jax.Array, np.ndarray, jax.ShapeDtypeStruct)


def trace_call(
    tree: Any,
    call: Callable[..., Any],
    args: Sequence[Any],
    parameters: Sequence[int],
    is_leaf: Callable[[Any], bool] | None = None,
) -> TracedCall:
    """Trace `call(tree, *args)` on abstract values.

    Concrete arrays of the tree beside the parameters (permutations, masks) stay what
    they are; those that are abstract, and all arrays among `args`, are inputs.

    **Arguments:**

    - `parameters`: positions among the leaves of `tree`.
    - `is_leaf`: what to leave whole in the output, of which arrays alone count.
    """
    leaves, treedef = jtu.tree_flatten((tree, tuple(args)))
    taken, start = set(parameters), len(jtu.tree_leaves(tree))
    others = tuple(
        i
        for i, leaf in enumerate(leaves)
        if isinstance(leaf, _ARRAYS) and i not in taken
        if i >= start or isinstance(leaf, jax.ShapeDtypeStruct)
    )
    inputs = (*parameters, *others)

    def flat(*values: Any) -> list[Any]:
        filled = list(leaves)
        for position, value in zip(inputs, values, strict=True):
            filled[position] = value
        tree, args = jtu.tree_unflatten(treedef, filled)
        outputs = jtu.tree_leaves(call(tree, *args), is_leaf=is_leaf)
        return [x for x in outputs if eqx.is_array(x)]

    shapes = [jax.ShapeDtypeStruct(leaves[i].shape, leaves[i].dtype) for i in inputs]
    try:
        jaxpr = jax.make_jaxpr(flat)(*shapes)
    except Exception:
        check_call(tree, call, args)
        raise
    return TracedCall(jaxpr, leaves, others)


def check_call(model: Any, call: Callable[..., Any], args: Sequence[Any]) -> None:
    """Raise what `call(model, *args)` raises, or what is wrong with `call` itself."""
    try:
        eqx.filter_eval_shape(call, model, *args)
    except Exception as error:
        problem = takes_no_model(call, args)
        if problem is None:
            raise
        raise TypeError(problem) from error


def takes_no_model(call: Callable[..., Any], args: Sequence[Any]) -> str | None:
    """What is wrong with a `call` that runs without the model, if it does."""
    if not _works(call, args):
        return None
    return (
        "`call` is called as `call(model, *args)`, and this one takes the args "
        "alone: the model in it is not the one that is looked at. Pass a function "
        "of the model, such as `lambda model, x: jax.vmap(model)(x)`."
    )


def _works(call: Callable[..., Any], args: Sequence[Any]) -> bool:
    try:
        eqx.filter_eval_shape(call, *args)
    except Exception:
        return False
    return True


def shape_of(leaf: Any) -> Shape:
    return tuple(leaf.shape)
