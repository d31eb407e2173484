"""Heads of hypernetworks: the variance of what they generate."""

import numpy as np
from helpers import has_std

from eqinit import HyperfanIn, HyperfanOut, ParamSpec

from ._case import Case


_EMBEDDING = 25
_VARIANCE = 0.04


def generates(variance: float):
    """Outputs are sums of 25 products with embeddings of variance 0.04."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert has_std(draw, (variance / (_EMBEDDING * _VARIANCE)) ** 0.5)

    return gold


def nothing(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert not draw.any()


def _case(name: str, init: object, gold: object) -> Case:
    return Case(name, init, (80, _EMBEDDING), gold, axes="out in", zero=(80, 0))  # pyright: ignore


CASES = [
    # A main layer of 10 inputs and 40 outputs, with ReLU: 2 / n_in without a bias.
    _case(
        "HyperfanIn",
        HyperfanIn(10, 40, use_bias=False, embedding_var=_VARIANCE),
        generates(2 / 10),
    ),
    _case(
        "HyperfanIn-half",
        HyperfanIn(10, 40, embedding_var=_VARIANCE),
        generates(1 / 10),
    ),
    _case(
        "HyperfanIn-bias",
        HyperfanIn(10, 40, "bias", embedding_var=_VARIANCE, distribution="normal"),
        generates(1.0),
    ),
    _case(
        "HyperfanOut",
        HyperfanOut(10, 40, activation="linear", embedding_var=_VARIANCE),
        generates(1 / 40),
    ),
    _case(
        "HyperfanOut-bias",
        HyperfanOut(10, 40, "bias", embedding_var=_VARIANCE),
        generates(2 * 3 / 4),
    ),
    _case("HyperfanOut-none", HyperfanOut(40, 10, "bias"), nothing),
]
