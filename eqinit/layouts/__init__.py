"""Layouts: facts about layer types."""

from . import _equinox as _equinox  # registers the layers of equinox.nn
from ._layout import Layout as Layout
from ._registry import (
    call_layouts as call_layouts,
    layout_of as layout_of,
    register_layout as register_layout,
)
