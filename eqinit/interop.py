"""Other libraries: their initializers in our rules, and ours in their layers."""

from ._laws.gains import torch_gain as torch_gain
from ._schemes.foreign import as_initializer as as_initializer
from ._schemes.outward import to_jax as to_jax, to_klax as to_klax
