"""Layouts: facts about layer types."""

from . import (
    _equinox as _equinox,  # registers the layers of equinox.nn
    _reparametrised as _reparametrised,  # and its weight normalisations
)
from ._inverses import register_inverse as register_inverse
from ._layout import Layout as Layout
from ._registry import (
    call_layouts as call_layouts,
    layout_of as layout_of,
    register_layout as register_layout,
)
from ._wrapper import Wrapper as Wrapper, register_wrapper as register_wrapper
