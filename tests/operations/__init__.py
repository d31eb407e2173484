"""Every operation of surgery on every kind of model: what must hold, as data."""

from . import depth, folding, interfaces, low_rank, units, whole
from .case import Operation


OPERATIONS: tuple[Operation, ...] = (
    *units.OPERATIONS,
    *depth.OPERATIONS,
    *low_rank.OPERATIONS,
    *folding.OPERATIONS,
    *interfaces.OPERATIONS,
    *whole.OPERATIONS,
)
