"""Every operation on every kind of model: one law each, and the same of all."""

import jax
import pytest
from operations import OPERATIONS
from operations.case import Case, Operation
from operations.laws import hold, refuses
from operations.models import OURS, ours


pytestmark = pytest.mark.thorough

CELLS = [
    pytest.param(operation, name, id=f"{operation.name}-{name}")
    for operation in OPERATIONS
    for name in OURS
]


@pytest.mark.parametrize("operation, name", CELLS)
def test_cell(operation: Operation, name: str):
    cell = operation.cells[name]
    promotion = "standard" if operation.promotes else "strict"
    with jax.numpy_dtype_promotion(promotion):
        (hold if isinstance(cell, Case) else refuses)(
            operation, ours(name, operation.deep), cell
        )
