"""One rule per primitive."""

from collections.abc import Mapping
from typing import Any

from . import (
    convolution,
    entries,
    joins,
    lookups,
    moves,
    products,
    ragged,
    reductions,
    slices,
)
from .walker import Rule


_ROOMS = (
    *(convolution, entries, joins, lookups),
    *(moves, products, ragged, reductions, slices),
)

RULES: Mapping[str, Rule[Any]] = {
    name: rule for room in _ROOMS for name, rule in room.RULES.items()
}
