"""Parallel convolutions whose outputs are added, as one convolution."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..._articles import kind_of
from ..._typing import Array, checked
from .._fields import replace_fields
from .batch_norm import affine, scaled_outputs


@checked
def merge_branches(branches: Sequence[Any], state: Any = None) -> Any:
    r"""One convolution for several in parallel, whose outputs are added.

    A smaller kernel is the middle of a larger one with zeros around it, and the
    identity is a kernel with a one in its middle. That is what a RepVGG block becomes
    when it has been trained.

    ```python
    def deploy(block):
        return surgery.merge_branches(
            [(block.conv3, block.norm3), (block.conv1, block.norm1), block.norm0], state
        )

    model = eqinit.swap(model, RepBlock, deploy)
    ```

    **Arguments:**

    - `branches`: convolutions of one stride, dilation and number of groups; pairs of
        one and the `eqx.nn.BatchNorm` behind it; a `BatchNorm` or an `eqx.nn.Identity`
        alone. The first convolution of the largest kernel says the padding.
    - `state`: the `eqx.nn.State` of the batch norms, which are folded as they are in
        inference.

    **Returns:** a convolution with a bias.

    **Raises:** `ValueError` where the branches do not make one convolution: strides
    differ, paddings do not align, or the identity has other channels.

    Ding et al., RepVGG: Making VGG-style ConvNets great again, arXiv:2101.03697.
    """
    convs = [_first(branch) for branch in branches]
    convs = [conv for conv in convs if isinstance(conv, eqx.nn.Conv)]
    if not convs:
        raise ValueError(
            "merge_branches got no convolution; pass at least one, alone or in a pair "
            "with the batch norm behind it."
        )
    largest = max(convs, key=lambda conv: np.prod(conv.kernel_size))
    plain = [_plain(branch, largest, state) for branch in branches]
    if problems := [text for conv in plain if (text := _problem(conv, largest))]:
        listed = "\n".join(f"- {text}" for text in problems)
        raise ValueError(
            f"these branches are not one convolution:\n{listed}\nThe largest has a "
            f"kernel of {largest.kernel_size}, stride {largest.stride} and padding "
            f"{largest.padding}."
        )
    weight = sum(_padded(conv, largest) for conv in plain)
    bias = sum(_bias(conv) for conv in plain)
    dtype = largest.weight.dtype
    return replace_fields(
        largest, weight=_cast(weight, dtype), bias=_cast(bias, dtype), use_bias=True
    )


def _cast(value: Any, dtype: Any) -> Array:
    return jnp.asarray(value).astype(dtype)


def _first(branch: Any) -> Any:
    return branch[0] if isinstance(branch, (tuple, list)) else branch


def _plain(branch: Any, like: Any, state: Any) -> Any:
    """A branch as one convolution without a norm, in float32 or wider."""
    if isinstance(branch, (tuple, list)):
        conv, norm = branch
        return _normed(_plain(conv, like, state), norm, state)
    if isinstance(branch, eqx.nn.BatchNorm):
        return _normed(_identity(like, branch.input_size), branch, state)
    if isinstance(branch, eqx.nn.Identity):
        return _identity(like, like.out_channels)
    return branch


def _normed(conv: Any, norm: Any, state: Any) -> Any:
    if not isinstance(norm, eqx.nn.BatchNorm) or state is None:
        raise ValueError(
            f"merge_branches got a pair with {kind_of(norm)} and "
            f"state={'None' if state is None else '...'}: a pair is a convolution and "
            "an `eqx.nn.BatchNorm`, whose statistics are in the state."
        )
    scale, shift = affine("the batch norm of a branch", norm, state)
    return scaled_outputs(conv, scale, shift)


def _identity(like: Any, channels: int) -> Any:
    """A pointwise convolution that returns what it gets."""
    per_group = like.weight.shape[1]
    ones = (1,) * like.num_spatial_dims
    kernel = np.zeros((channels, per_group), np.float32)
    kernel[np.arange(channels), np.arange(channels) % per_group] = 1
    return replace_fields(
        like,
        weight=jnp.asarray(kernel.reshape(channels, per_group, *ones)),
        bias=None,
        use_bias=False,
        out_channels=channels,
        in_channels=per_group * like.groups,
        kernel_size=ones,
        stride=ones,
        padding=tuple((0, 0) for _ in ones),
    )


def _problem(conv: Any, like: Any) -> str:
    name = f"{kind_of(conv)} with a kernel of {getattr(conv, 'kernel_size', ())}"
    same = ("stride", "dilation", "groups", "in_channels", "out_channels")
    for field in same:
        got, wanted = getattr(conv, field, None), getattr(like, field)
        if got != wanted:
            return f"{name} has {field.replace('_', ' ')} {got}, and not {wanted}"
    if conv.padding_mode != like.padding_mode:
        return f"{name} pads with {conv.padding_mode}, and not with {like.padding_mode}"
    if isinstance(conv.padding, str) or isinstance(like.padding, str):
        alike = conv.padding == like.padding
        return (
            ""
            if alike and conv.kernel_size == like.kernel_size
            else (f"{name} has its padding in words: give it in numbers")
        )
    return "" if _margins(conv, like) is not None else f"{name} is not in its middle"


def _margins(conv: Any, like: Any) -> list[tuple[int, int]] | None:
    """Zeros before and behind each axis of the kernel, or `None` where it is off."""
    margins: list[tuple[int, int]] = []
    for k, big, d, own, pads in zip(
        conv.kernel_size,
        like.kernel_size,
        like.dilation,
        conv.padding,
        like.padding,
        strict=True,
    ):
        # The first tap of the larger kernel is (pads - own) entries further out.
        steps, rest = divmod(pads[0] - own[0], d)
        after = big - k - steps
        if rest or steps < 0 or after < 0 or pads[1] - own[1] != after * d:
            return None
        margins.append((steps, after))
    return margins


def _padded(conv: Any, like: Any) -> Array:
    margins = _margins(conv, like) if not isinstance(conv.padding, str) else None
    weight = conv.weight.astype(jnp.promote_types(conv.weight.dtype, jnp.float32))
    return jnp.pad(weight, [(0, 0), (0, 0), *(margins or [(0, 0)] * (weight.ndim - 2))])


def _bias(conv: Any) -> Array:
    if conv.bias is None:
        return jnp.zeros(
            (conv.out_channels, *(1,) * conv.num_spatial_dims), jnp.float32
        )
    return conv.bias.astype(jnp.promote_types(conv.bias.dtype, jnp.float32))
