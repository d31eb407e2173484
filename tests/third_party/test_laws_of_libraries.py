"""Every operation on models that nobody here wrote: the laws of `operations`."""

import importlib.util

import jax
import pytest
from operations import OPERATIONS
from operations.case import Case, Operation
from operations.laws import hold, refuses
from operations.models import THEIRS, theirs


pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]


def cells():
    for name, (_, library) in THEIRS.items():
        missing = importlib.util.find_spec(library) is None
        marks = [pytest.mark.skip(reason=f"{library} is not installed")] * missing
        for operation in OPERATIONS:
            if name in operation.cells:
                yield pytest.param(
                    operation, name, marks=marks, id=f"{operation.name}-{name}"
                )


@pytest.mark.parametrize("operation, name", list(cells()))
def test_cell(operation: Operation, name: str):
    cell = operation.cells[name]
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        (hold if isinstance(cell, Case) else refuses)(
            operation, theirs(name, operation.deep), cell
        )
