"""What every report of layers does with its rows: finds one, and sums them up."""

import textwrap
from collections.abc import Sequence
from typing import TypeVar

from ..._tables import WIDTH
from .drift import Named, Scales, trends


_Row = TypeVar("_Row", bound=Named)


def row_at(rows: Sequence[_Row], path: str, report: str) -> _Row:
    """The row of a layer, or of one of its outputs.

    **Raises:** `KeyError` with the paths that there are.
    """
    for row in rows:
        if path in (row.path, f"{row.path}{row.output}"):
            return row
    raise KeyError(
        f"no row `{path}` in this {report}; it has {[r.path for r in rows]}."
    )


def summed_up(
    rows: Sequence[Scales], missing: Sequence[str], notes: Sequence[str] = ()
) -> str:
    """How signal and gradient develop, notes, and what was not called."""
    forward, backward = trends(rows)
    lines = [f"signal    {forward}", f"gradient  {backward}", *notes]
    if missing:
        lines.append(f"not called: {', '.join(missing)}")
    indent = " " * len("gradient  ")
    return "\n".join(textwrap.fill(x, WIDTH, subsequent_indent=indent) for x in lines)
