"""Scales by width and depth: each distribution has the std that was asked for."""

import math

import numpy as np
from helpers import follows, normal_cdf, truncated_cdf, uniform_cdf, z_of_std

from eqinit import ParamSpec
from eqinit.transformer import SmallInit, Wang

from ._case import Case


# Of a normal truncated at two sigma: sqrt(1 - 4 pdf(2) / (2 cdf(2) - 1)).
_TRUNCATED = 0.8796256610342398


def has(distribution: str, std: float):
    scaled = {
        "normal": (normal_cdf, 1.0),
        "truncated_normal": (truncated_cdf(-2, 2), _TRUNCATED),
        "uniform": (uniform_cdf(-1, 1), 3**-0.5),
    }
    cdf, unit = scaled[distribution]

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert follows(draw * (unit / std), cdf)
        assert abs(z_of_std(draw, std)) < 5

    return gold


_STDS = {"small": math.sqrt(2 / (5 * 48)), "wang": 2 / (12 * math.sqrt(48))}

CASES = [
    *(
        Case(
            f"SmallInit-{distribution}",
            SmallInit(distribution=distribution),
            (40, 48),
            has(distribution, _STDS["small"]),
            axes="out in",
            zero=(40, 0),
        )
        for distribution in ("normal", "truncated_normal", "uniform")
    ),
    *(
        Case(
            f"Wang-{distribution}",
            Wang(12.0, dim=48, distribution=distribution),
            (40, 96),
            has(distribution, _STDS["wang"]),
            axes="out in",
            zero=(40, 0),
        )
        for distribution in ("normal", "truncated_normal", "uniform")
    ),
    Case(
        "SmallInit-embedding",
        SmallInit(dim=48),
        (40, 48),
        has("normal", _STDS["small"]),
        axes="embedding: vocab feature",
    ),
]
