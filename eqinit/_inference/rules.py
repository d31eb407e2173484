"""One rule per primitive."""

from collections.abc import Mapping
from typing import Any

from . import arithmetic, meeting, shaping
from .walker import Rule


RULES: Mapping[str, Rule[Any]] = {
    **arithmetic.RULES,
    **meeting.RULES,
    **shaping.RULES,
}
