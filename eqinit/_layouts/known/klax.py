"""klax 0.2: kernels are `(in, out)`, whatever the static fields look like."""

from typing import Any

from ..._laws.transforms import Domain, Transform, same
from ..parametrizations import Parametrize, elementwise
from .parameterize import parameterize
from .symmetric import mirrored


_SIZE = {"size": lambda m: len(m.shape)}

LAYOUTS: dict[str, dict[str, Any]] = {
    "Linear": dict(weight="in out", bias="out"),
    "InputSplitLinear": dict(weights="in out", bias="out <- weights"),
    "ConstantMatrix": dict(array="other: *size", sizes=_SIZE),
    "ConstantSkewSymmetricMatrix": dict(array="other: *size", sizes=_SIZE),
    "ConstantSPDMatrix": dict(b_matrix="other: *size", sizes=_SIZE),
}

PARAMETRIZATIONS: dict[str, Parametrize] = {
    "Parameterize": parameterize,
    "NonTrainable": lambda node: elementwise("tree", transparent=True),
    # `unwrap` is the identity and `apply` projects after each update: a negative draw
    # gives a net that is not convex, and half of whose weights the first update zeroes.
    "NonNegative": lambda node: elementwise(
        "parameter", Transform(same, same, Domain(lower=0.0))
    ),
    "Symmetric": lambda node: mirrored("parameter", 1.0),
    "SkewSymmetric": lambda node: mirrored("parameter", -1.0),
}
