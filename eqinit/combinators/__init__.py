"""Combinators: schemes made of other schemes."""

from ._affine import (
    Abs as Abs,
    Cast as Cast,
    Clipped as Clipped,
    Rescaled as Rescaled,
    Scaled as Scaled,
    Shifted as Shifted,
)
from ._masks import Masked as Masked, Sparse as Sparse
from ._mixture import Mixture as Mixture
from ._normalized import Normalized as Normalized
from ._pieces import position_of as position_of, with_sizes as with_sizes
from ._split import Blocks as Blocks, Concatenated as Concatenated, PerGate as PerGate
from ._through import AbstractTransform as AbstractTransform, Through as Through
from ._wrapper import AbstractWrapper as AbstractWrapper, accept as accept
