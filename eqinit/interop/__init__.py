"""Initializers of other libraries, in rules and out of them."""

from ._config import (
    configurable as configurable,
    from_config as from_config,
    to_config as to_config,
)
from ._foreign import (
    Foreign as Foreign,
    as_initializer as as_initializer,
    is_site_function as is_site_function,
)
from ._outward import to_jax as to_jax, to_klax as to_klax
