"""Uniform within 1/sqrt(fan_in)."""

import math

from helpers import uniform_cdf

from eqinit import TorchDefault

from ._case import Case
from .distributions import inside, law


_B = 1 / math.sqrt(50)

CASES = [
    Case(
        "TorchDefault",
        TorchDefault(),
        (30, 50),
        inside(-_B, _B, law(uniform_cdf(-_B, _B))),
        axes="out in",
        zero=(30, 0),
    ),
    Case(
        "TorchDefault-bias",
        TorchDefault(),
        (900,),
        inside(-_B, _B, law(uniform_cdf(-_B, _B))),
        axes="out",
        fan_in=50,
        zero=(0,),
    ),
]
