"""Functions of other libraries, as rules take them."""

import jax

from eqinit._schemes.foreign import as_initializer

from ._case import Case
from .fans import scaled


CASES = [
    Case(
        "Foreign",
        as_initializer(jax.nn.initializers.he_normal()),
        (30, 90),
        scaled(2 / 90, "truncated_normal"),
        axes="out in",
        dtypes=("float16", "bfloat16", "float32"),
        zero=(0, 90),
    ),
]
