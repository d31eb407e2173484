"""The second half of a run: what numpy cannot do, an operation at a time."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal

from .needed import Program, Step
from .on_host import is_key, unpack


def device_half(
    steps: Sequence[Step], known: Mapping[Any, Any], outputs: Sequence[Any]
) -> dict[Any, Any]:
    """Run the steps in order; what nothing needs any more is dropped at once.

    **Arguments:**

    - `steps`: what is left to run.
    - `known`: values by variable, numpy's or jax's.
    - `outputs`: variables whose values are wanted.

    **Returns:** values by variable, among them those of `outputs`.
    """
    values = dict(known)
    for step, dead in _last_uses(steps, outputs):
        values.update(_run(step, values))
        for var in dead:
            del values[var]
    return values


def _last_uses(
    steps: Sequence[Step], outputs: Sequence[Any]
) -> list[tuple[Step, list[Any]]]:
    """Each step with the variables that nothing after it needs."""
    needed = {var for var in outputs if not isinstance(var, Literal)}
    pairs: list[tuple[Step, list[Any]]] = []
    for step in reversed(steps):
        held = dict.fromkeys([*step.inputs, *step.outputs])
        pairs.append((step, [var for var in held if var not in needed]))
        needed.update(held)
    return pairs[::-1]


def _run(step: Step, values: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The variables that a step gives values, with these."""
    if step.whole:
        outputs = _bind(step.eqn, [_value(a, values) for a in step.eqn.invars])
        wanted = set(step.outputs)
        named = zip(step.eqn.outvars, outputs, strict=True)
        return ((var, out) for var, out in named if var in wanted)
    inputs = [_value(var, values) for var in step.inputs]
    outputs = jax.jit(lambda *inputs: _partly(step, inputs))(*inputs)
    return zip(step.outputs, outputs, strict=True)


def _value(atom: Any, values: Mapping[Any, Any]) -> Any:
    return atom.val if isinstance(atom, Literal) else to_device(values[atom], atom.aval)


def to_device(value: Any, aval: Any) -> Any:
    """A numpy array as jax has it, keys as keys; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    if is_key(aval):
        return jax.random.wrap_key_data(jnp.asarray(unpack(value)), impl="threefry2x32")
    return jnp.asarray(value)


def _bind(eqn: JaxprEqn, inputs: Sequence[Any]) -> Sequence[Any]:
    """Run one equation as jax would have run it when the constructor was called."""
    bound = eqn.primitive.get_bind_params(eqn.params)
    # Older versions of jax return the functions among the parameters apart.
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    context = getattr(eqn.ctx, "manager", contextlib.nullcontext())
    with context:
        outputs = eqn.primitive.bind(*functions, *inputs, **params)
    return outputs if eqn.primitive.multiple_results else [outputs]


def _partly(step: Step, inputs: Sequence[Any]) -> list[Any]:
    """Under `jit`: the wanted outputs alone, so that the compiler drops the others."""
    known = dict(zip(step.inputs, inputs, strict=True))
    atoms = step.eqn.invars
    given = [a.val if isinstance(a, Literal) else known.get(a) for a in atoms]
    if step.body is not None:
        return _run_body(step.body, given)
    outputs = _bind(step.eqn, given)
    return [out for out, wanted in zip(outputs, step.wanted, strict=True) if wanted]


def _run_body(body: Program, given: Sequence[Any]) -> list[Any]:
    values = device_half(body.steps, body.given(given), body.outputs)
    return [_value(atom, values) for atom in body.outputs]
