"""Surgery: models changed as values, in one pass."""

from .._lazy import attach


__getattr__, __dir__, __all__ = attach(__name__, __file__)
