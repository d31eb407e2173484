"""What each script of this folder ends with: expected against measured."""

import sys
from typing import NamedTuple


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
