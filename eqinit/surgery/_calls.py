"""The call that a model is judged by, and what to say where it does not run."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.tree_util as jtu

from .._articles import with_article
from .._inference.calls import takes_no_model
from .._models.walk import model_of, nodes_of
from ..signal._taps.tap import AbstractTap, Run, attach_all, is_callable, own_arrays
from ._origins import described


def called(operation: str, call: Callable[..., Any], model: Any, args: Any) -> Any:
    """`call(model, *args)`, on the model that an operation was given.

    **Raises:** `ValueError` or `TypeError` where it does not run.
    """
    try:
        return call(model, *args)
    except Exception as error:  # whatever the code of a model raises
        raise not_callable(operation, call, model, args, error) from error


def not_callable(
    operation: str,
    call: Callable[..., Any],
    model: Any,
    args: Sequence[Any],
    error: Exception,
) -> Exception:
    """What to raise where a model does not run as it is."""
    if (problem := takes_no_model(call, args)) is not None:
        return TypeError(problem)
    return ValueError(
        f"`{operation}` calls the model as `call(model, *args)`, and that does not run "
        f"on the model as it is: {trouble(call, model, args, error)} Pass `args` that "
        "`call` takes behind the model."
    )


def called_after(
    operation: str, call: Callable[..., Any], model: Any, args: Any, fix: str
) -> Any:
    """`call(model, *args)`, on the model that an operation has made."""
    try:
        return call(model, *args)
    except Exception as error:
        raise ValueError(
            f"`{operation}` would make a model that `call` does not run on, so it "
            f"changed nothing: {trouble(call, model, args, error)} "
            + (fix or "Leave `call` out to see the model that it would make.")
        ) from error


def in_short(error: Exception) -> str:
    """The class and the first line of an error, as a sentence."""
    first = (str(error).strip() or "without a word").splitlines()[0].rstrip(".")
    return f"{type(error).__name__}, {first}."


def trouble(
    call: Callable[..., Any], model: Any, args: Sequence[Any], error: Exception
) -> str:
    """What an error says, and which layer was given what when it was raised."""
    watch = _Watch()
    try:
        eqx.filter_eval_shape(call, _watched(model, watch), *args)
    except Exception as again:
        # Other code may run under a trace, and other errors be raised.
        if in_short(again) == in_short(error) and watch.at:
            return f"{watch.at}: {in_short(error)}"
    return in_short(error)


def _watched(model: Any, watch: "_Watch") -> Any:
    inner = model_of(model)
    points = [node for node in nodes_of(inner) if is_callable(node.module)]
    taps = {node.keys: _Tap(node.path or "the model", watch) for node in points}
    tapped = attach_all(inner, taps)
    if inner is model:
        return tapped
    return tuple(tapped if part is inner else part for part in model)


class _Watch:
    """What is seen of a call; equal only to itself.

    - `last`: what the layer returned that was called last.
    - `at`: the layer in which the call ended.
    """

    def __init__(self) -> None:
        self.last = ""
        self.at = ""


class _Tap(AbstractTap):
    path: str = eqx.field(static=True)
    watch: _Watch = eqx.field(static=True)

    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        before = self.watch.last
        try:
            out = run(layer, *args, **kwargs)
        except Exception:
            # The innermost is the first that hears of it.
            self.watch.at = self.watch.at or self._told(layer, args, before)
            raise
        self.watch.last = f"`{self.path}` returned {listed(out)}"
        return out

    def _told(self, layer: eqx.Module, args: tuple[Any, ...], before: str) -> str:
        held = ", ".join(described(array) for array in own_arrays(layer))
        kind = with_article(type(layer).__name__) + (f" with {held}" if held else "")
        since = f" after {before}" if before else ""
        return f"`{self.path}` ({kind}) is given {listed(args)}{since}"


def listed(tree: Any) -> str:
    """Dtypes and shapes of the arrays in a tree, in order."""
    arrays = [leaf for leaf in jtu.tree_leaves(tree) if hasattr(leaf, "dtype")]
    return ", ".join(described(array) for array in arrays) or "no arrays"
