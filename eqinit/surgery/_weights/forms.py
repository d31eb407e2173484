"""How layers are stored elsewhere: which arrays make up which parameter, and how.

Written after the documentation of `torch.nn`; and where a kernel is called `kernel`,
that of `flax.linen`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from ..._models.site import Site
from ..._parameters.axes import Axes


class Form(NamedTuple):
    """One way in which a parameter may be stored.

    - `names`: of the arrays, relative to the module that stores them.
    - `load`: from these arrays to the parameter's value. It uses nothing but methods
        that arrays of numpy and of jax share, so that shapes can be worked out first.
    - `how`: what it does, in a few words.
    """

    names: tuple[str, ...]
    load: Callable[..., Any]
    how: str = ""


def as_is(name: str) -> Form:
    return Form((name,), lambda x: x)


def forms_of(site: Site) -> Iterator[Form]:
    """How one parameter may be stored, in the order in which it is tried."""
    if site.parametrization is not None:
        yield from _parametrized(site)
    table = next((FORMS[c] for c in type(site.layer).__mro__ if c in FORMS), _by_layout)
    yield from table(site)


def _linear(site: Site) -> Iterator[Form]:
    yield as_is(site.field)
    if site.field == "weight":
        # flax's attention keeps heads apart: (in, heads, size) and (heads, size, out).
        inputs = site.shape[-1]
        yield Form(("kernel",), lambda x: _matrix(x, inputs), "transposed")
    else:
        yield Form(("bias",), lambda x: x.reshape(-1), "heads joined")


def _matrix(x: Any, inputs: int) -> Any:
    """`(out, in)` of inputs by outputs, either of which may be several axes."""
    split = 1
    while split < x.ndim - 1 and math.prod(x.shape[:split]) < inputs:
        split += 1
    return x.reshape(math.prod(x.shape[:split]), math.prod(x.shape[split:])).T


def _conv(site: Site) -> Iterator[Form]:
    rank = site.layer.num_spatial_dims
    if site.field == "bias":
        stacks, ones = len(site.shape) - rank - 1, (1,) * rank
        yield Form(
            ("bias",), lambda x: x.reshape(*x.shape[:stacks], -1, *ones), "axes added"
        )
        return
    yield as_is("weight")
    yield _hwio(rank)


def _hwio(rank: int) -> Form:
    order = (rank + 1, rank, *range(rank))
    return Form(("kernel",), lambda x: x.transpose(order), "HWIO to OIHW")


def _conv_transpose(site: Site) -> Iterator[Form]:
    rank, groups = site.layer.num_spatial_dims, site.layer.groups
    if site.field == "bias":
        yield from _conv(site)
        return

    def load(x: Any) -> Any:
        # torch's is the kernel of the convolution that it transposes: in by out, and
        # its taps in the other direction.
        at = x.ndim - rank - 2  # behind any stacks
        stacks, (inputs, outputs, *taps) = x.shape[:at], x.shape[at:]
        x = x.reshape(*stacks, groups, inputs // groups, outputs, *taps)
        x = x.swapaxes(at + 1, at + 2)
        x = x.reshape(*stacks, groups * outputs, inputs // groups, *taps)
        return x[(..., *(slice(None, None, -1),) * rank)]

    yield Form(("weight",), load, "in and out swapped, taps reversed")
    yield _hwio(rank)


def _lstm(site: Site) -> Iterator[Form]:
    yield as_is(site.field)
    if site.field == "bias":
        yield Form(("bias_ih", "bias_hh"), lambda a, b: a + b, "two biases added")


def _gru(site: Site) -> Iterator[Form]:
    hidden = site.layer.hidden_size
    yield as_is(site.field)
    if site.field == "bias":
        # The state's bias of the candidate is inside of the reset gate: `bias_n`.
        def load(ih: Any, hh: Any) -> Any:
            outside = np.repeat([1, 1, 0], hidden).astype(hh.dtype)
            return ih + hh * outside.reshape(*(1,) * (hh.ndim - 1), -1)

        yield Form(("bias_ih", "bias_hh"), load, "biases of r and z added")
    if site.field == "bias_n":
        yield Form(
            ("bias_hh",), lambda hh: hh[..., 2 * hidden :], "the state's bias of n"
        )


def _norm(site: Site) -> Iterator[Form]:
    scale = site.field == "weight"
    names = ("weight", "scale", "gamma") if scale else ("bias", "beta")
    yield from map(as_is, names)


def _embedding(site: Site) -> Iterator[Form]:
    del site
    yield from (as_is("weight"), as_is("embedding"))


def _prelu(site: Site) -> Iterator[Form]:
    shape = site.shape
    yield as_is(site.field)
    yield Form(("weight",), lambda x: x.reshape(shape))


def _by_layout(site: Site) -> Iterator[Form]:
    """Of a layer that is not Equinox's: by what its layout says of the axes."""
    axes = site.spec.axes
    order = None if axes is None else torch_order(axes, len(site.shape))
    if order is not None:
        rank = len(order) - 2
        how = "" if order == sorted(order) else "axes moved"
        yield Form(("weight",), lambda x: x.transpose(order), how)
        # From (out, in, *kernel) to where flax has these.
        flax = [(rank + 1, rank, *range(rank))[axis] for axis in order]
        yield Form(("kernel",), lambda x: x.transpose(flax), "axes moved")
    if order is None or site.field != "weight":
        yield as_is(site.field)
    if site.spec.role == "scale":
        yield from map(as_is, ("weight", "scale"))
    elif site.spec.role == "bias":
        yield as_is("bias")
    yield of_a_batch(site.field, len(site.shape))


def of_a_batch(name: str, rank: int) -> Form:
    """An array with leading axes of one: a token `(1, 1, d)` that torch broadcasts."""

    def load(x: Any) -> Any:
        shape = x.shape[max(x.ndim - rank, 0) :]
        return x.reshape(shape) if math.prod(shape) == math.prod(x.shape) else x

    return Form((name,), load, "axes of one dropped")


def torch_order(axes: Axes, ndim: int) -> list[int] | None:
    """For each axis of a kernel, which of torch's `(out, in, *kernel)` it is."""
    roles = [{a.name for a in axes.factors if a.dim == dim} for dim in range(ndim)]
    names = [next((r for r in ("out", "in", "kernel") if r in s), "") for s in roles]
    if names.count("out") != 1 or names.count("in") != 1 or "" in names:
        return None
    taps = iter(range(2, ndim))
    return [{"out": 0, "in": 1}[n] if n != "kernel" else next(taps) for n in names]


def _parametrized(site: Site) -> Iterator[Form]:
    """torch's own names for what a weight under weight or spectral norm is made of."""
    node = site.ancestors[-2].module if len(site.ancestors) > 1 else None
    if isinstance(node, eqx.nn.WeightNorm):
        axes = tuple(i for i, n in enumerate(node.g.shape) if n == 1)
        names = (f"{site.field}_g", f"{site.field}_v")
        yield Form(
            names, lambda g, v: v * (g / _norm_over(v, axes)), "length, direction"
        )
    if isinstance(node, eqx.nn.SpectralNorm):
        yield as_is(f"{site.field}_orig")


def _norm_over(v: Any, axes: Sequence[int]) -> Any:
    return (v * v).sum(axis=tuple(axes), keepdims=True) ** 0.5


# From a parameter of a layer of this type to the ways in which it may be stored.
FORMS: dict[type, Callable[[Site], Iterator[Form]]] = {
    eqx.nn.Linear: _linear,
    eqx.nn.Conv: _conv,
    eqx.nn.ConvTranspose: _conv_transpose,
    eqx.nn.LSTMCell: _lstm,
    eqx.nn.GRUCell: _gru,
    eqx.nn.LayerNorm: _norm,
    eqx.nn.RMSNorm: _norm,
    eqx.nn.GroupNorm: _norm,
    eqx.nn.BatchNorm: _norm,
    eqx.nn.Embedding: _embedding,
    eqx.nn.PReLU: _prelu,
}
