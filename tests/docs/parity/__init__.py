"""What each item of a peer's page must do: a check of eqinit's expression for it."""

from collections.abc import Callable
from typing import Any

from . import flax, ivy, klax, spark, xlstm
from .page import draw as draw, rows as rows, value as value


CHECKS: dict[str, dict[str, Callable[[Any], None]]] = {
    "flax": flax.CHECKS,
    "ivy": ivy.CHECKS,
    "klax": klax.CHECKS,
    "spark": spark.CHECKS,
    "xlstm": xlstm.CHECKS,
}
