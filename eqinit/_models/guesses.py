"""Guesses from names and shapes, for a reader to check: no rule acts on them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from .._typing import Shape
from .site import Site


class Guess(NamedTuple):
    """A notation (or none) and what it is based on."""

    notation: str | None
    why: str


_BUFFERS = tuple(
    "table freq mask running rope rotation index buffer period mean var inv_ cache "
    "knots".split()
)
# State-space dynamics and the like: they look like kernels, and are none.
_DYNAMICS = tuple("log dt_ _dt tau lambda eigen omega theta decay".split())
_TOKENS = tuple(
    "emb token quer position prompt register codebook vocab wte wpe".split()
)
_SCALES = ("scale", "gamma", "gain", "norm", "alpha")
_BIASES = ("bias", "beta", "shift", "offset")


def guess_role(field: str, shape: Shape) -> str:
    """What an array called `field` probably is; `buffer` for what is no parameter."""
    name = field.lower()

    def says(words: Iterable[str]) -> bool:
        return any(word in name for word in words)

    if says(_BIASES) or name in ("b", "c") or name.startswith(("b_", "b1", "b2")):
        return "bias"
    if says(_BUFFERS):
        return "buffer"
    if says(_DYNAMICS):
        return "other"
    if says(_TOKENS):
        return "embedding"
    if says(_SCALES) or (len(shape) == 1 and name in ("weight", "w", "g")):
        return "scale"
    return "kernel" if len(shape) >= 2 else "other"


_IN = tuple(
    "in_features in_size input_size in_channels in_dim input_dim d_in dim_in n_in nin "
    "idim in_".split()
)
_OUT = tuple(
    "out_features out_size output_size out_channels out_dim output_dim d_out dim_out "
    "n_out nout hidden_size hdim odim out_".split()
)


class Setting(NamedTuple):
    """What is known around an array of unknown layout.

    - `stack`: the axes that the known layers beside it are stacked along.
    - `kernels`: whether its layer has an array that looks like a kernel.
    - `ranks`: the numbers of axes of the arrays in its field, where that holds many.
    """

    stack: Shape = ()
    kernels: bool = True
    ranks: frozenset[int] = frozenset()


def guess_notation(site: Site, setting: Setting = Setting()) -> Guess:
    """A notation for an array of unknown layout, where its name suggests one."""
    if len(setting.ranks) > 1:
        return Guess(None, "arrays of several ranks: `Rule(path, ..., axes=...)` each")
    depth = len(setting.stack)
    if not depth or site.shape[:depth] != setting.stack:
        return _guess(site, site.shape, setting.kernels)
    found = _guess(site, site.shape[depth:], setting.kernels)
    sizes = " x ".join(map(str, setting.stack))
    return Guess(found.notation, f"behind a stack of {sizes}; {found.why}")


def _guess(site: Site, shape: Shape, kernels: bool) -> Guess:
    role, ndim = guess_role(site.field, shape), len(shape)
    if role == "kernel":
        return _kernel(site, shape)
    if role == "bias" and ndim == 1:
        return Guess("out" if kernels else "bias: feature", "by its name")
    if role == "scale" and ndim == 1:
        return Guess("scale: feature", "by its name")
    if role == "embedding" and ndim in (1, 2):
        axes = "vocab feature" if ndim == 2 else "feature"
        return Guess(f"embedding: {axes}", "by its name")
    if role == "buffer":
        return Guess(None, "looks like a buffer: leave it unclaimed")
    return Guess(None, "no guess")


def _kernel(site: Site, shape: Shape) -> Guess:
    sizes = _size(site.layer, _IN), _size(site.layer, _OUT)
    fan_in, fan_out = sizes
    named = "by its sizes: in {} and out {}".format(*sizes)
    taps = " *kernel" if len(shape) > 2 else ""
    spectral = _is_complex(site) and len(shape) > 2
    if fan_in != fan_out and None not in sizes and not spectral:
        if shape[:2] == (fan_out, fan_in):
            return Guess(f"out in{taps}", named)
        if shape[:2] == (fan_in, fan_out) and len(shape) == 2:
            return Guess("in out", named)
        if shape[-2:] == (fan_in, fan_out):
            return Guess("*kernel in out", named)
    if len(shape) == 2:
        return Guess("out in", "which axis is which cannot be seen: `in out`?")
    return Guess(None, f"no guess; such as {_example(site)}")


def _is_complex(site: Site) -> bool:
    return site.dtype.kind == "c"


def _example(site: Site) -> str:
    if _is_complex(site):
        each = "if each mode has a matrix of its own"
        return f'"in out *mode" with sizes={{"mode": 2}}, {each}'
    said = f"{type(site.layer).__name__} {site.field}".lower()
    name = "expert" if "expert" in said or "moe" in said else "head"
    return f'"{name} out in" or "({name}=8 out) in"'


def _size(layer: Any, names: Iterable[str]) -> int | None:
    values = [getattr(layer, name, None) for name in names]
    return next((v for v in values if isinstance(v, int)), None)
