"""Initializers of other libraries, used as they are."""

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._parameters.spec import ParamSpec
from .._parameters.views import in_jax_order
from .._typing import Array, Key, Shape
from .initializer import AbstractInitializer, draw_slices


# What a function is made of, to the first one made so.
_LIKES: dict[Any, Any] = {}


def _one_of_its_like(fn: Any) -> Any:
    """The first function that was made of the same code and values, or this one.

    `jax.nn.initializers.he_normal()` makes a new function on every call, and each would
    be compiled anew: programs are told apart by the functions that are static in them.
    """
    if len(_LIKES) >= 1024:
        _LIKES.clear()
    try:
        made_of = _made_of(fn)
        first = _LIKES.setdefault(made_of, fn)
        # A variable that it closes over may have been set to something else since.
        return first if _made_of(first) == made_of else fn
    except (TypeError, ValueError, RecursionError):
        return fn  # made of an array, which has no hash, of nothing yet, or of itself


def _made_of(value: Any) -> Any:
    if isinstance(value, functools.partial):
        named = sorted(value.keywords.items())
        return (functools.partial, *map(_made_of, (value.func, value.args, named)))
    if isinstance(value, list | tuple):
        return (type(value), *map(_made_of, value))
    if not isinstance(value, types.FunctionType):
        # 1, 1.0 and True are equal, as 0.0 and -0.0 are.
        numbers = isinstance(value, int | float | complex)
        return (type(value), repr(value) if numbers else value)
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    defaults = value.__defaults__, sorted((value.__kwdefaults__ or {}).items())
    return (value.__code__, id(value.__globals__), _made_of(cells), _made_of(defaults))


class Foreign(AbstractInitializer):
    """An initializer of jax, flax, haiku's functions or klax, handed what it expects.

    Functions `(key, shape, dtype)` are made for kernels stored as
    `(*kernel, in, out)`: they are called with the parameter's shape in that order, and
    the draw is moved back. Independent axes (stacks, heads, gates, groups) are drawn
    slice by slice, since such a function would count them as a receptive field.
    Functions with a parameter `fan_in`, klax's protocol, are handed the fan as well.
    Biases and scales are handed over as the vectors that they are to those libraries:
    a fan-based function then refuses the bias `(out, 1, 1)` of a convolution, which it
    would take for a kernel.

    **Arguments:**

    - `fn`: the function.
    - `takes_fan`: whether it follows klax's protocol `(key, shape, fan_in, dtype)`.
    """

    fn: Callable[..., Any] = eqx.field(static=True, converter=_one_of_its_like)
    takes_fan: bool = eqx.field(static=True, default=False)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if self.takes_fan:
            spec.fan("fan_in")
        # Without entries, the fans of such functions divide by zero.
        trouble = _trial(self, spec) if spec.size else None
        if trouble is not None:
            yield trouble

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = in_jax_order(spec)

        def one(key: Key) -> Array:
            return self._call(key, view.inner, spec)

        return view.restore(draw_slices(one, key, view.count), spec.shape)

    def _call(self, key: Key, shape: Shape, spec: ParamSpec) -> Array:
        dtype = spec.draw_dtype
        if self.takes_fan:
            fan = spec.fan("fan_in")
            drawn = self.fn(key, shape, int(fan) if fan == int(fan) else fan, dtype)
        elif _takes_dtype(self.fn):
            drawn = self.fn(key, shape, dtype)
        else:
            drawn = self.fn(key, shape)
        drawn = jnp.asarray(drawn)
        if jnp.issubdtype(dtype, jnp.inexact) > jnp.issubdtype(
            drawn.dtype, jnp.inexact
        ):
            raise ValueError(
                f"{_name(self.fn)} was asked for {dtype} and returned {drawn.dtype}. "
                "Let it return `.astype(dtype)` where that is meant."
            )
        if drawn.shape != shape:
            raise ValueError(
                f"{_name(self.fn)} was asked for an array of shape {shape} and "
                f"returned {drawn.shape}."
            )
        return drawn

    def __repr__(self) -> str:
        return f"Foreign({_name(self.fn)})"


def _takes_dtype(fn: Callable[..., Any]) -> bool:
    """Whether three arguments fit: `lambda key, shape: ...` takes two."""
    try:
        inspect.signature(fn).bind(None, (), None)
    except TypeError:
        return False
    except ValueError:  # has no signature
        return True
    return True


@functools.lru_cache(maxsize=1024)
def _trial(init: Foreign, spec: ParamSpec) -> str | None:
    """Trace a draw, so that what cannot be drawn is found while planning."""
    try:
        key = jax.eval_shape(lambda: jax.random.key(0))
        jax.eval_shape(lambda key: init.draw(key, spec), key)
    except Exception as error:
        return (
            f"{_name(init.fn)} cannot draw this {spec.role} of shape {spec.shape} "
            f"({type(error).__name__}: {error}). Say another initializer by field: "
            "`Rule(..., weight=..., bias=Zeros())`."
        )
    return None


def _name(fn: Callable[..., Any]) -> str:
    """`variance_scaling(truncated_normal, fan_in, 2.0)` for jax's `he_normal()`.

    jax's initializers are closures, all called `init`: the maker's name and what it was
    given say more, and no address.
    """
    name = getattr(fn, "__qualname__", None) or type(fn).__name__
    name, _, last = name.rpartition(".<locals>.")
    if last != "init" or not name:
        return last
    held = inspect.getclosurevars(fn).nonlocals.values()
    said = [str(value) for value in held if isinstance(value, (str, float))]
    return f"{name.split('.')[-1]}({', '.join(said)})"


def _required(fn: Callable[..., Any]) -> list[str] | None:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def is_site_function(said: Any) -> bool:
    """Whether this is `lambda site: ...`: one argument, no initializer."""
    if isinstance(said, AbstractInitializer) or not callable(said):
        return False
    required = _required(said)
    # `jax.random.normal(key, shape=())` needs its key alone, and is no site's function.
    return required is not None and len(required) == 1 and required != ["key"]


def as_initializer(init: Any) -> AbstractInitializer:
    """Take an initializer of any library for what it is.

    A rule does so by itself; combinators take schemes only.

    **Arguments:**

    - `init`: a scheme, which is returned as it is; a function `(key, shape, dtype)` as
        in `jax.nn.initializers` and flax, which is handed the parameter in the axis
        order of those; or one that follows klax's protocol
        `(key, shape, fan_in, dtype)`.

    **Returns:** a scheme.

    **Raises:** `TypeError` for what is none: a class, a function without `key, shape`.
    """
    if isinstance(init, AbstractInitializer):
        return init
    if isinstance(init, type) and issubclass(init, AbstractInitializer):
        raise TypeError(
            f"got the class {init.__name__}; an initializer is an instance: "
            f"`{init.__name__}()`."
        )
    if callable(init) and not isinstance(init, type):
        required = _required(init)
        if required is None or len(required) >= 2 or required == ["key"]:
            return Foreign(init, "fan_in" in (required or ()))
        factory = _name(init)
        raise TypeError(
            f"`{factory}` is not an initializer: it has no arguments `key, shape`. If "
            f"it makes one, call it: `{factory}()`."
        )
    raise TypeError(
        f"an initializer is an eqinit scheme such as `HeNormal()`, a function "
        f"`(key, shape, dtype)`, or a function of the site; got "
        f"{_cut(repr(init))}.{_hint(init)}"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _hint(init: Any) -> str:
    """What was meant by something that is no initializer."""
    if isinstance(init, str):
        return f" `eqinit.from_config({init!r})` knows names."
    if isinstance(init, dict):
        return " Initializers by field are spread: `Rule(selector, **initializers)`."
    if init is None:
        return " `Keep()` leaves a parameter as it is."
    return ""
