"""klax 0.2: kernels are `(in, out)`, whatever the static fields look like."""

from typing import Any

import jax.numpy as jnp

from ..._laws.transforms import Domain, Transform, same
from ..parametrizations import Parametrize, elementwise
from .parameterize import parameterize
from .symmetric import mirrored


_SIZE = {"size": lambda m: len(m.shape)}


def _projected(raw: Any) -> Any:
    return jnp.maximum(raw, 0)


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
    # `unwrap` is the identity, and `apply` projects: after each update, and in
    # `klax.finalize` whenever the model is called. A negative draw would give a net
    # half of whose weights are zero.
    "NonNegative": lambda node: elementwise(
        "parameter", Transform(_projected, same, Domain(lower=0.0))
    ),
    "Symmetric": lambda node: mirrored("parameter", 1.0),
    "SkewSymmetric": lambda node: mirrored("parameter", -1.0),
}
