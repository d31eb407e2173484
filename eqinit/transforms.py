"""Transforms that keep a parameter in a set, such as softplus, and their inverses.

`Through(scheme, "softplus")` gives the effective value a law. What is registered here
can stand in it, and is undone where a module keeps a parameter in that form.
"""

from ._laws.transforms import (
    AbstractTransform as AbstractTransform,
    Domain as Domain,
    register_inverse as register_inverse,
)
