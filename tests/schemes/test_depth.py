"""Depth-aware scales: published tables, and what they are for."""

import math

import numpy as np
import pytest

import eqinit as ei


def digits(*values: float) -> object:
    """Numbers as they stand in print: half a unit of the last of four digits."""
    return pytest.approx(values, rel=5e-4)


def test_published_values():
    # GPT-2 small: 0.02 / sqrt(2 * 12) for the projections of its residual branches.
    assert 0.02 * ei.depth.gpt2(12) == pytest.approx(0.004082, rel=2e-4)
    # BEiT divides the first block's by sqrt(2), the twelfth's by sqrt(24).
    assert (ei.depth.beit(0), ei.depth.beit(11)) == digits(0.7071, 0.2041)
    # Fixup's two cases: basic blocks of two layers, bottlenecks of three. ResNet-110
    # has 54 of the first, ResNet-50 has 16 of the second.
    assert (ei.depth.fixup(54, 2), ei.depth.fixup(16, 3)) == digits(0.1361, 0.5)
    # T-Fixup for its six layers: 0.67 N^(-1/4) in the encoder, (9 N)^(-1/4) behind it.
    t_fixup = (ei.depth.t_fixup(6), ei.depth.t_fixup(6, "decoder"))
    assert t_fixup == digits(0.4281, 0.3689)
    assert [ei.depth.layer_scale(n) for n in (18, 24, 36)] == [0.1, 1e-5, 1e-6]


@pytest.mark.parametrize("n", [1, 6, 100])
def test_deepnorm_bounds_the_update_at_any_depth(n: int):
    """Theorem of the paper: the sum over sublayers of (v^2 + w^2) / alpha^2 is one.

    A layer of an encoder has two sublayers, one of a decoder with cross attention has
    three; v = w = beta.
    """
    for (alpha, beta), sublayers in [
        (ei.depth.deepnorm(encoder=n)[0], 2 * n),
        (ei.depth.deepnorm(decoder=n)[1], 2 * n),
        (ei.depth.deepnorm(n, n)[1], 3 * n),
    ]:
        assert sublayers * 2 * beta**2 / alpha**2 == pytest.approx(1)
    # The encoder of a pair has constants of two digits, 0.81 and 0.87: their product
    # is 1 / sqrt(2), as it is everywhere else, up to their rounding.
    alpha, beta = ei.depth.deepnorm(n, n)[0]
    rounding = 0.005 / 0.81 + 0.005 / 0.87
    assert alpha * beta == pytest.approx(1 / math.sqrt(2), rel=rounding)


def test_deepnorm_of_a_pair():
    # Six and six layers: N^4 M is 7776, whose sixteenth root is 1.7506. The factor of
    # the encoder's beta is 0.87, and not its inverse.
    encoder, decoder = ei.depth.deepnorm(6, 6)
    assert encoder == digits(1.418, 0.4970)
    assert decoder == digits(2.060, 0.3433)
    # Both depths enter, the encoder's four times as much.
    by_encoder = ei.depth.deepnorm(12, 6)[0][0] / encoder[0]
    by_decoder = ei.depth.deepnorm(6, 12)[0][0] / encoder[0]
    assert by_encoder == pytest.approx(by_decoder**4)
    assert ei.depth.deepnorm(decoder=6)[0] is ei.depth.deepnorm(encoder=6)[1] is None


def test_subln_of_the_paper():
    # sqrt(log 2N) for N = 6, the same for a decoder alone, and both for a pair.
    assert ei.depth.subln(encoder=6)[0] == pytest.approx(1.5764, rel=5e-5)
    assert ei.depth.subln(decoder=6)[1] == pytest.approx(1.5764, rel=5e-5)
    assert ei.depth.subln(6, 6) == digits(1.547, 1.700)
    assert ei.depth.subln(decoder=6)[0] is ei.depth.subln(encoder=6)[1] is None


def test_what_cannot_be():
    with pytest.raises(ValueError, match="num_layers=0; it must be a whole number"):
        ei.depth.gpt2(0)
    with pytest.raises(ValueError, match="branch_layers=1; it must be a whole"):
        ei.depth.fixup(4, 1)
    with pytest.raises(ValueError, match="told of no layers"):
        ei.depth.deepnorm()
    with pytest.raises(ValueError, match="told of no layers"):
        ei.depth.subln()


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


@pytest.mark.parametrize("blocks", [2, 8])
def test_gpt2_scale_bounds_the_stream(blocks: int):
    rng = np.random.default_rng(0)
    second = 0.42522  # E gelu(z)^2
    # A branch adds scale^2 E gelu^2: 1 + 2 L 0.425 unscaled, and 1.425 at any depth.
    # Repeated, so that the spread between seeds is measured and not guessed: Student's
    # t with 7 degrees of freedom is beyond 8 once in 11,000. At finite width a branch's
    # input has a variance of its own, and the means are off by terms of 1 / 256.
    for scale, wanted in [
        (1.0, 1 + 2 * blocks * second),
        (ei.depth.gpt2(blocks), 1 + second),
    ]:
        runs = [_stream(blocks, scale, rng) for _ in range(8)]
        error = np.std(runs, ddof=1) / math.sqrt(len(runs))
        assert abs(np.mean(runs) - wanted) < 8 * error + wanted / 256


def test_fixup_updates_do_not_grow_with_depth():
    """One SGD step on a Fixup net moves its output by the same at 4 and 64 blocks."""
    # 256 sums of 256 squares of halves of normals each: E relu^4 / (E relu^2)^2 is 6,
    # so that either mean deviates by sqrt(5) / 256, and five of those between two.
    assert _update(4, 64) == pytest.approx(_update(64, 4), rel=5 * math.sqrt(10) / 256)


def _update(blocks: int, nets: int) -> float:
    """Change of f(x) after one step, to first order: lr times squared gradients.

    With the last layer of every branch at zero only those last layers have gradients,
    and x is the same in front of every branch.
    """
    rng = np.random.default_rng(blocks)
    width = 256
    x = rng.normal(size=width)
    x /= np.sqrt((x**2).mean())
    scale = ei.depth.fixup(blocks) * math.sqrt(2 / width)
    total = 0.0
    for _ in range(blocks * nets):
        hidden = np.maximum(scale * rng.normal(size=(width, width)) @ x, 0)
        total += float(hidden @ hidden) / width
    return total / nets
