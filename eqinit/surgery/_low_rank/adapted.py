"""A layer with a low-rank correction of one of its kernels."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._layouts.registry import register_layout
from ..._typing import Array
from .._fields import replace_fields


class LoRA(eqx.Module):
    r"""A layer whose kernel is $W + s\,BA$, or with a magnitude
    $m \cdot (W + s\,BA) / \lVert W + s\,BA \rVert$, row by row.

    Made by [`eqinit.surgery.lora`][], and called as the layer is. Fields of the layer
    that are no arrays, such as `hidden_size`, can be read off it as well.

    - `layer`: the layer; its kernel is meant to be frozen.
    - `lora_a`: $A$, of shape `(*stacks, rank, in)`.
    - `lora_b`: $B$, of shape `(*stacks, out, rank)`.
    - `magnitude`: $m$, of shape `(*stacks, out)`, or `None`.
    - `field`: of the kernel.
    - `scale`: $s$.
    - `axes`: those of the kernel, outputs first.
    """

    layer: Any
    lora_a: Array
    lora_b: Array
    magnitude: Array | None
    field: str = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    axes: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer returns, with the corrected kernel."""
        layer = self.layer
        if self.magnitude is not None or type(layer) not in _CHEAP or len(args) != 1:
            return self.merged()(*args, **kwargs)
        return layer(*args, **kwargs) + _CHEAP[type(layer)](self, args[0])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "layer":
            raise AttributeError(name)
        value = getattr(self.layer, name)
        if eqx.is_array(value):
            raise AttributeError(
                f"`{name}` of the {type(self.layer).__name__} in this LoRA may not be "
                "what is used: see `.merged()` or `.layer`."
            )
        return value

    def merged(self) -> Any:
        """The layer itself, with the corrected kernel."""
        inner = self.layer.merged() if isinstance(self.layer, LoRA) else self.layer
        kernel = getattr(inner, self.field)
        matrix = as_matrix(kernel, self.axes) + self.change()
        if self.magnitude is not None:
            # Of the length itself no gradient is taken (section 4.3 of DoRA).
            length = jax.lax.stop_gradient(row_lengths(matrix))
            matrix = matrix * (self.magnitude / length)[..., None]
        return replace_fields(
            inner, **{self.field: as_kernel(matrix, kernel.shape, self.axes)}
        )

    def change(self) -> Array:
        """$s BA$."""
        return jnp.asarray(self.scale, self.lora_b.dtype) * (self.lora_b @ self.lora_a)


def _linear(lora: LoRA, x: Array) -> Array:
    scalar_in = lora.layer.in_features == "scalar"
    x = jnp.broadcast_to(x, (1,)) if scalar_in else x
    y = jnp.asarray(lora.scale, lora.lora_b.dtype) * (lora.lora_b @ (lora.lora_a @ x))
    return jnp.squeeze(y) if lora.layer.out_features == "scalar" else y


def _embedding(lora: LoRA, x: Array) -> Array:
    return jnp.asarray(lora.scale, lora.lora_b.dtype) * (lora.lora_b[x] @ lora.lora_a)


# Layers that need not make the whole kernel to be called.
_CHEAP = {eqx.nn.Linear: _linear, eqx.nn.Embedding: _embedding}


def as_matrix(kernel: Array, axes: tuple[int, ...]) -> Array:
    """`(*stacks, out, everything else)`."""
    stacks = kernel.ndim - len(axes)
    turned = kernel.transpose(*range(stacks), *(stacks + axis for axis in axes))
    shape = turned.shape
    # Not -1, which a zero-size axis would leave undecided.
    return turned.reshape(*shape[: stacks + 1], math.prod(shape[stacks + 1 :]))


def as_kernel(matrix: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """What `as_matrix` turned into a matrix, for a kernel of this shape."""
    stacks = len(shape) - len(axes)
    turned = matrix.reshape(*shape[:stacks], *(shape[stacks + axis] for axis in axes))
    back = sorted(range(len(axes)), key=lambda i: axes[i])
    return turned.transpose(*range(stacks), *(stacks + i for i in back))


def row_lengths(matrix: Array) -> Array:
    length = jnp.sqrt(jnp.sum(jnp.square(matrix), axis=-1))
    return jnp.where(length == 0, jnp.ones_like(length), length)


register_layout(LoRA, lora_a="out in", lora_b="out in", magnitude="scale: feature")
