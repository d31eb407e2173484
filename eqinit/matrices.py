"""Matrices of a given structure or spectrum.

Fixed transforms, and random matrices whose singular values or eigenvalues are chosen:
those of recurrent networks and reservoirs among them. `Orthogonal` is at the top.
"""

from ._schemes.orthogonal import Spectrum as Spectrum
from ._schemes.recurrent import (
    NPRNN as NPRNN,
    Reservoir as Reservoir,
    Unitary as Unitary,
)
from ._schemes.spectral import Spectral as Spectral, SpectralNormal as SpectralNormal
from ._schemes.structured import DCT as DCT, Hadamard as Hadamard
