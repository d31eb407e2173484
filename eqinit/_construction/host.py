"""The first half of a run: what numpy can do, and the draws that follow from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.extend.core import JaxprEqn, Literal

from .._fill.fill import fill
from .._fill.request import FillRequest
from .._parameters.keys import is_tracing
from .needed import Program, Step, aval_of
from .on_host import on_host, run_on_host
from .samplers import Samplers


def host_half(
    program: Program, known: Mapping[Any, Any]
) -> tuple[dict[Any, Any], list[Step]]:
    """Run what can be run on numpy arrays.

    **Arguments:**

    - `program`: the steps.
    - `known`: values by variable, of what the program is given.

    **Returns:** all values that are known now, and the steps that are left.
    """
    values, left = dict(known), list[Step]()
    draws: dict[Any, FillRequest] = {}
    samplers = None if is_tracing() else Samplers()
    for step in program.steps:
        inputs = _inputs(step.eqn, values)
        if inputs is None:
            left.append(step)
        elif on_host(step.eqn):
            outputs = run_on_host(step.eqn, inputs)
            values.update(zip(step.eqn.outvars, outputs, strict=True))
        elif samplers and (request := samplers.request(step.eqn, inputs)):
            draws[step.eqn.outvars[0]] = request
        else:
            left.append(step)
    # In bulk: one compiled kernel for draws of all shapes.
    filled = fill(list(draws.values())) if draws else []
    values.update(zip(draws, filled, strict=True))
    return values, left


def _inputs(eqn: JaxprEqn, values: Mapping[Any, Any]) -> list[np.ndarray] | None:
    """What goes into an equation, if all of it is numpy's."""
    inputs: list[np.ndarray] = []
    for atom in eqn.invars:
        if isinstance(atom, Literal):
            value = np.asarray(atom.val, aval_of(atom).dtype)
        else:
            value = values.get(atom)
        if not isinstance(value, np.ndarray):
            return None
        inputs.append(value)
    return inputs
