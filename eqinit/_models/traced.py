"""Selectors that are answered by a trace."""

import dataclasses

from .._inference.row import TracedRow
from .place import AbstractPlace
from .selectors import AbstractSelector


@dataclasses.dataclass(frozen=True)
class Residual(AbstractSelector):
    """Kernels whose output is added to a stream that passes them by.

    The last kernel of each residual branch, as a trace has seen it:
    `plan(model, rules, layouts=trace_layouts(model, call, x))`. `site.traced` says
    which branch it is, and of how many.
    """

    def matches(self, place: AbstractPlace) -> bool:
        return _traced(self, place).residual is not None

    def __repr__(self) -> str:
        return "Residual()"


@dataclasses.dataclass(frozen=True)
class Readout(AbstractSelector):
    """Kernels whose output is the model's, as a trace has seen it."""

    def matches(self, place: AbstractPlace) -> bool:
        return _traced(self, place).readout

    def __repr__(self) -> str:
        return "Readout()"


def _traced(selector: AbstractSelector, place: AbstractPlace) -> TracedRow:
    if place.traced is not None:
        return place.traced
    raise ValueError(
        f"{selector!r} is read off a call of the model: pass "
        "`layouts=eqinit.trace_layouts(model, call, x)`."
    )
