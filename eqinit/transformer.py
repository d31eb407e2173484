"""Schemes made for transformers: small starts, depth, and attention's own matrices."""

from ._schemes.mimetic import Mimetic as Mimetic
from ._schemes.transformer import SmallInit as SmallInit, Wang as Wang
