"""What plans, checks, inspections and traces return, for annotations.

Nobody makes these by hand: `plan` gives a `Plan` of `Row`s, `plan.check` a `Check`,
`inspect` an `Inspection` of `LeafRow`s, `trace_layouts` a `TracedLayouts` of
`TracedRow`s.
"""

from ._inference.row import TracedRow as TracedRow
from ._inference.rows import TracedLayouts as TracedLayouts
from ._models.inspection import Inspection as Inspection, LeafRow as LeafRow
from ._planning.check import Check as Check
from ._planning.resolve import Row as Row
