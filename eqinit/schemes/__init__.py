"""Schemes: one family a file."""

from .._lazy import attach


# What is exported stands in `__init__.pyi`; a name is imported when it is asked for.
__getattr__, __dir__, __all__ = attach(__name__, __file__)
