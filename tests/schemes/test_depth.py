"""Depth-aware scales: published tables, and what they are for."""

import math

import numpy as np
import pytest

import eqinit as ei


def test_published_values():
    assert ei.depth.gpt2(12) == pytest.approx(1 / math.sqrt(24))
    assert ei.depth.beit(0) == pytest.approx(1 / math.sqrt(2))
    assert ei.depth.beit(11) == ei.depth.gpt2(12)
    # The paper's two cases: basic blocks of two layers, bottlenecks of three.
    assert ei.depth.fixup(16, 2) == 16**-0.5
    assert ei.depth.fixup(16, 3) == 16**-0.25
    assert ei.depth.t_fixup(6) == pytest.approx(0.67 * 6**-0.25)
    assert ei.depth.t_fixup(6, "decoder") == pytest.approx(54**-0.25)
    assert [ei.depth.layer_scale(n) for n in (18, 24, 36)] == [0.1, 1e-5, 1e-6]


def test_deepnorm_table():
    encoder, decoder = ei.depth.deepnorm(encoder=6)
    assert decoder is None
    assert encoder == pytest.approx(((2 * 6) ** 0.25, (8 * 6) ** -0.25))
    assert ei.depth.deepnorm(decoder=6) == (None, encoder)
    encoder, decoder = ei.depth.deepnorm(6, 6)
    # With N = M, N^4 M to the 1/16 is N^(5/16).
    both = 6 ** (5 / 16)
    assert encoder == pytest.approx((0.81 * both, 0.87 / both))
    assert decoder == pytest.approx(((3 * 6) ** 0.25, (12 * 6) ** -0.25))


def test_subln_table():
    assert ei.depth.subln(encoder=6) == (pytest.approx(math.sqrt(math.log(12))), None)
    encoder, decoder = ei.depth.subln(6, 6)
    assert decoder == pytest.approx(math.sqrt(math.log(18)))
    assert encoder == pytest.approx(math.sqrt(math.log(18) * math.log(12) / 3))


def test_what_cannot_be():
    with pytest.raises(ValueError, match="num_layers=0; it is at least 1"):
        ei.depth.gpt2(0)
    with pytest.raises(ValueError, match="a branch of one layer"):
        ei.depth.fixup(4, 1)


def _stream(blocks: int, scale: float, rng: np.random.Generator) -> float:
    """Variance of a residual stream behind branches `gelu` MLPs with norms in front."""
    width = 256
    x = rng.normal(size=(16, width))
    for _ in range(2 * blocks):
        normed = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
        hidden = normed @ rng.normal(size=(width, width)) / math.sqrt(width)
        phi = (
            hidden * 0.5 * (1 + np.tanh(0.7978845608 * (hidden + 0.044715 * hidden**3)))
        )
        x = x + scale * phi @ rng.normal(size=(width, width)) / math.sqrt(width)
    return float(x.var())


@pytest.mark.parametrize("blocks", [4, 12])
def test_gpt2_scale_bounds_the_stream(blocks: int):
    rng = np.random.default_rng(0)
    second = 0.42522  # E gelu(z)^2
    # A branch adds scale^2 E gelu^2: 1 + 2 L 0.425 unscaled, and 1.425 at any depth.
    # 16 x 256 correlated entries: the spread between seeds is about 2 % a branch's sum.
    assert _stream(blocks, 1.0, rng) == pytest.approx(1 + 2 * blocks * second, rel=0.1)
    scaled = _stream(blocks, ei.depth.gpt2(blocks), rng)
    assert scaled == pytest.approx(1 + second, rel=0.1)


def test_fixup_updates_do_not_grow_with_depth():
    """One SGD step on a Fixup net moves its output by the same at 4 and 64 blocks."""
    assert _update(4) == pytest.approx(_update(64), rel=0.1)


def _update(blocks: int) -> float:
    """Change of f(x) after one step, to first order: lr times squared gradients.

    With the last layer of every branch at zero only those last layers have gradients,
    and x is the same in front of every branch.
    """
    rng = np.random.default_rng(1)
    width = 256
    x = rng.normal(size=width)
    x /= np.sqrt((x**2).mean())
    scale = ei.depth.fixup(blocks) * math.sqrt(2 / width)
    total = 0.0
    for _ in range(blocks):
        hidden = np.maximum(scale * rng.normal(size=(width, width)) @ x, 0)
        total += float(hidden @ hidden) / width
    return total
