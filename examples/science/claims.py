"""What each script of this folder ends with: a figure, expected against measured."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib


matplotlib.use("Agg")
import matplotlib.pyplot as plt


GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
# Theory is drawn in black and dashed, what is measured in these.
BLUE, ORANGE, GREEN, GREY = "#4f8fd9", "#e8a33d", "#2f9e62", "#8c8c8c"
THEORY = {"color": "black", "linestyle": "--", "linewidth": 1}


class Claim(NamedTuple):
    """A number that theory gives, and the one that was measured."""

    what: str
    expected: float
    measured: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return abs(self.measured - self.expected) <= self.tolerance


def report(*claims: Claim) -> None:
    """Print a line for each; leave with status 1 if one does not hold."""
    for c in claims:
        word = "holds" if c.holds else "FAILS"
        print(
            f"{c.what:<44} expected {c.expected:>10.4g}   measured {c.measured:>10.4g}"
            f"   within {c.tolerance:.2g}   {word}"
        )
    if not all(claim.holds for claim in claims):
        sys.exit(1)


@contextlib.contextmanager
def figure(name: str, panels: int = 1) -> Iterator[list[Any]]:
    """Axes to draw on; saved in docs/gallery, or in the folder that is passed."""
    drawn, axes = plt.subplots(
        1, panels, figsize=(4.5 * panels, 3.2), layout="constrained", squeeze=False
    )
    yield list(axes[0])
    for axis in axes[0]:
        axis.grid(alpha=0.3)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else GALLERY
    drawn.savefig(folder / f"{name}.png", dpi=100)
    plt.close(drawn)
