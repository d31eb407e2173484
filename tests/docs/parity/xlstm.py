"""What every row of the page about xlstm_jax has to do."""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from helpers import follows, has_std, normal_cdf, truncated_cdf, uniform_cdf

import eqinit as ei

from .page import draw


SMALL, WANG = math.sqrt(2 / (5 * 48)), 2 / (12 * math.sqrt(48))
CDFS = {
    "normal": (normal_cdf, 1.0),
    "truncated_normal": (truncated_cdf(-2, 2), 0.8796256610342398),
    "uniform": (uniform_cdf(-1, 1), 3**-0.5),
}


def std(wanted: float, distribution: str = "normal") -> Callable[[Any], None]:
    cdf, unit = CDFS[distribution]

    def check(init: Any) -> None:
        w = draw(init, (64, 48))
        assert has_std(w, wanted)
        assert follows(w * unit / wanted, cdf)

    return check


def values(wanted: Any) -> Callable[[Any], None]:
    def check(init: Any) -> None:
        w = draw(init, np.shape(wanted), axes="out")
        # Worked out in float64 and rounded once; entries up to 10.
        assert np.abs(w - wanted).max() <= 10 * 2**-24

    return check


def _is(condition: bool) -> None:
    assert condition


def _linspace(init: Any) -> None:
    values(np.linspace(3.0, 6.0, 48))(init)


# -(-5 + 12 x^p) over the units of block 3 of 12.
POWER = 5 - 12 * np.linspace(0, 1, 48) ** (0.3 + 1.3 * 3 / 11)


def of_gates(forget: np.ndarray) -> Callable[[Any], None]:
    """The bias of four heads of 12 units, the forget gate second."""
    wanted = np.zeros((4, 4, 12))
    wanted[:, 1] = forget

    def check(init: Any) -> None:
        w = np.asarray(init(jax.random.key(7), (4, 4, 12)), np.float64)
        assert np.abs(w - wanted).max() <= 10 * 2**-24

    return check


UNITS = 5 - 12 * np.linspace(0, 1, 12) ** (0.3 + 1.3 * 3 / 11)

CHECKS: dict[str, Callable[[Any], None]] = {
    "`InitDistribution`": lambda inits: _is(
        [i.distribution for i in inits] == ["normal", "truncated_normal", "uniform"]
    ),
    "`InitFnName`": lambda inits: _is(
        [type(i) for i in inits]
        == [
            ei.transformer.SmallInit,
            ei.transformer.Wang,
            ei.transformer.Wang,
            ei.Zeros,
        ]
    ),
    "`small_init(dim)`": std(SMALL),
    '`small_init(dim, "truncated_normal")`': std(SMALL, "truncated_normal"),
    '`small_init(dim, "uniform")`': std(SMALL, "uniform"),
    "`wang_init(dim, num_blocks)`": std(WANG),
    '`wang_init(dim, num_blocks, "truncated_normal")`': std(WANG, "truncated_normal"),
    '`wang_init(dim, num_blocks, "uniform")`': std(WANG, "uniform"),
    '`create_common_init_fn("small", dim, num_blocks)`': std(SMALL),
    '`create_common_init_fn("wang", dim, num_blocks)`': std(WANG),
    '`create_common_init_fn("wang2", dim, num_blocks)`': std(WANG / 2),
    '`create_common_init_fn("zeros", dim, num_blocks)`': values(np.zeros(5)),
    "`create_common_init_fn(..., distribution)`": std(WANG / 2, "uniform"),
    '`_dist_from_stddev(stddev, "normal")`': std(0.3),
    '`_dist_from_stddev(stddev, "truncated_normal")`': std(0.3, "truncated_normal"),
    '`_dist_from_stddev(stddev, "uniform")`': std(0.3, "uniform"),
    "`uniform_init(min_val, max_val)`": lambda init: _is(
        follows(draw(init), uniform_cdf(-0.2, 0.5))
    ),
    "`bias_linspace_init(start, end)`": _linspace,
    "`bias_linspace_init(..., axis_name)`": _linspace,
    "`mLSTM` input gate bias, normal": std(0.1),
    "`mLSTM` input gate bias, constant": values(np.full(5, -10.0)),
    "`mLSTM` forget gate bias": _linspace,
    "`sLSTM` forget gate, `powerlaw_blockdependent`": values(POWER),
    "`sLSTM` bias, `powerlaw_blockdependent`": of_gates(UNITS),
    "`sLSTM` bias, `small_init`": of_gates(np.linspace(3, 6, 12)),
    "`sLSTM` bias, recurrent kernel, `standard`": lambda init: _is(
        follows(draw(init), uniform_cdf(-(48**-0.5), 48**-0.5))
    ),
    "`sLSTM` recurrent kernel, `zeros`": values(np.zeros(5)),
    "a whole model": lambda rules: _is(all(isinstance(r, ei.Rule) for r in rules)),
}
