"""What is wrong with how a public function was called, in two lines."""

import functools
import inspect
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import TypeCheckError

from ._articles import kind_of


# Of what users get wrong most; of other types the annotation is shown.
_WANTED = {
    "key": "a single PRNG key, such as `jax.random.key(0)`",
    "shape": "a tuple of integers, such as `(4, 3)`",
    "call": "a function that runs the model, as in "
    "`lambda model, x: jax.vmap(model)(x)`",
    "selector": "a path glob, a layer type, a function of the model, or a selector "
    "such as `Role('bias')`; several are one with `|`, as in `Path('a') | Path('b')`",
    "make": "a function from a key to a model, as in `lambda key: MyModel(key=key)`",
}


@functools.cache
def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(fn)


def bound(fn: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> None:
    """Raise a `TypeError` that says how `fn` is called, if it is called otherwise."""
    try:
        _signature(fn).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{_name(fn)}: {error}.\n{_usage(fn)}") from None


def said(
    fn: Callable[..., Any],
    args: Any,
    kwargs: Mapping[str, Any],
    error: TypeCheckError,
) -> TypeCheckError | None:
    """The same error without the model, or None where it is not about this call."""
    whose = rf"parameters of \S*{re.escape(fn.__qualname__)}\."
    which = re.search(r"typechecking parameter '(\w+)'", str(error))
    if which is None or not re.search(whose, str(error).partition("\n")[0]):
        return None
    name = which[1]
    given = _signature(fn).bind(*args, **kwargs).arguments.get(name)
    expected = re.search(r"Expected type: (.+)", str(error))
    text = expected[1].rstrip(".") if expected else "something else"
    plain = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    wanted = _WANTED.get(name, f"`{plain}`")
    return TypeCheckError(
        f"{_name(fn)}: parameter '{name}' got {_shown(given)}, and wants {wanted}.\n"
        f"{_usage(fn)}"
    )


def _usage(fn: Callable[..., Any]) -> str:
    """How it is called: names and defaults, no types."""
    shown = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in _signature(fn).parameters.items()
        if name != "self"
    ]
    return f"It is called `{_name(fn)}{inspect.Signature(shown)}`."


def _name(fn: Callable[..., Any]) -> str:
    """A scheme is called by itself, `scheme(key, shape)`."""
    return "scheme" if fn.__name__ == "__call__" else fn.__name__


def _shown(value: Any) -> str:
    """A value in a few words: of models and arrays no numbers."""
    if isinstance(value, jax.Array | np.ndarray):
        return eqx.tree_pformat(value)
    if isinstance(value, eqx.Module):
        return kind_of(value)
    if isinstance(value, Sequence) and any(isinstance(v, eqx.Module) for v in value):
        return f"{kind_of(value)} of {type(value[0]).__name__}s"
    return f"{reprlib.repr(value)} ({type(value).__name__})"
