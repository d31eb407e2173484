"""Bulk fill: one kernel a base distribution, compiled once, draws leaves of all shapes.

It rests on a property of jax's default generator: with partitionable threefry, element
`i` of a draw depends on the key and on `i` alone. So any block of any leaf can be drawn
by itself, and comes out as `jax.random` would have drawn it, to the last bit.
"""

from ._draw import affine as affine, draw as draw
from ._fill import fill as fill
from ._host import empty_aligned as empty_aligned
from ._kernels import prefetch as prefetch
from ._put import Putter as Putter
from ._request import (
    FillRequest as FillRequest,
    eligible as eligible,
    key_eligible as key_eligible,
    reference as reference,
)
