"""Values that are not drawn."""

import numpy as np

from eqinit import Constant, Ones, ParamSpec, Zeros

from ._case import COMPLEX, FLOATS, Case


def equals(value):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        wanted = np.broadcast_to(np.asarray(value, draw.dtype), spec.shape)
        assert np.array_equal(draw, wanted)

    return gold


_ROW = np.array([0.5, -1.0, 2.0, 0.25], np.float32)

CASES = [
    Case("Zeros", Zeros(), (3, 4), equals(0.0), zero=(0, 4)),
    Case("Ones", Ones(), (3, 4), equals(1.0), zero=(3, 0)),
    Case("Constant", Constant(2.5), (3, 4), equals(2.5), zero=(0,)),
    Case("Constant-array", Constant(_ROW), (3, 4), equals(_ROW), zero=(0, 4)),
    Case("Constant-0d", Constant(-1.5), (), equals(-1.5)),
]

assert (*FLOATS, *COMPLEX) == CASES[0].dtypes
