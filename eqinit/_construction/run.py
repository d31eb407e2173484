"""Run the steps of a program, each as cheaply as its exact value allows."""

import contextlib
from collections.abc import Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal

from .._fill.fill import fill
from .._fill.request import FillRequest
from .._parameters.keys import is_tracing
from .._typing import Key
from .needed import Program, Step, aval_of, program
from .on_host import is_key, is_threefry, on_host, pack, run_on_host, unpack
from .samplers import Samplers
from .trace import Traced


def evaluate(traced: Traced, positions: Sequence[int], key: Key) -> list[Any]:
    """The leaves at these positions, as the constructor computes them.

    **Arguments:**

    - `traced`: the constructor.
    - `positions`: some of `traced.positions`.
    - `key`: the key that it was traced with.

    **Returns:** one array a position, in tree order.
    """
    wanted = set(positions)
    mask = [position in wanted for position in traced.positions]
    needed = program(traced.jaxpr.jaxpr, traced.jaxpr.consts, mask)
    return _Run(needed).results([key])


class _Run:
    """The values of one run, by variable.

    First everything that numpy can do, and the draws that follow from it; these are
    filled in bulk. Then the rest, an operation at a time.
    """

    def __init__(self, needed: Program) -> None:
        self.program = needed
        self.values: dict[Any, Any] = {}

    def results(self, args: Sequence[Any]) -> list[Any]:
        jaxpr = self.program.jaxpr
        self.values.update(zip(jaxpr.constvars, self.program.consts, strict=True))
        for var, arg in zip(jaxpr.invars, args, strict=True):
            if arg is not None:  # what no step needs
                self.values[var] = _to_host(arg, var.aval)
        for step, dead in self._last_uses(self._run_host()):
            self._run_step(step)
            for var in dead:
                del self.values[var]
        return self._finish()

    def _run_host(self) -> list[Step]:
        """Run what numpy can, and return what is left."""
        left: list[Step] = []
        draws: dict[Any, FillRequest] = {}
        samplers = None if is_tracing() else Samplers()
        for step in self.program.steps:
            inputs = self._host_inputs(step.eqn)
            if inputs is None:
                left.append(step)
            elif on_host(step.eqn):
                outputs = run_on_host(step.eqn, inputs)
                self.values.update(zip(step.eqn.outvars, outputs, strict=True))
            elif samplers and (request := samplers.request(step.eqn, inputs)):
                draws[step.eqn.outvars[0]] = request
            else:
                left.append(step)
        filled = fill(list(draws.values())) if draws else []
        self.values.update(zip(draws, filled, strict=True))
        return left

    def _host_inputs(self, eqn: JaxprEqn) -> list[np.ndarray] | None:
        inputs: list[np.ndarray] = []
        for atom in eqn.invars:
            if isinstance(atom, Literal):
                value = np.asarray(atom.val, aval_of(atom).dtype)
            else:
                value = self.values.get(atom)
            if not isinstance(value, np.ndarray):
                return None
            inputs.append(value)
        return inputs

    def _last_uses(self, steps: list[Step]) -> list[tuple[Step, list[Any]]]:
        """Each step with the variables that nothing after it needs."""
        seen = {var for var in self.program.outputs if not isinstance(var, Literal)}
        pairs: list[tuple[Step, list[Any]]] = []
        for step in reversed(steps):
            held = dict.fromkeys([*step.inputs, *step.outputs])
            pairs.append((step, [var for var in held if var not in seen]))
            seen.update(held)
        return pairs[::-1]

    def _run_step(self, step: Step) -> None:
        if step.whole:
            outputs = _bind(step.eqn, [self._device(a) for a in step.eqn.invars])
            named = zip(step.eqn.outvars, outputs, strict=True)
            wanted = set(step.outputs)
            self.values.update((var, out) for var, out in named if var in wanted)
            return
        inputs = [self._device(var) for var in step.inputs]
        outputs = jax.jit(lambda *values: _partly(step, values))(*inputs)
        self.values.update(zip(step.outputs, outputs, strict=True))

    def _device(self, atom: Any) -> Any:
        if isinstance(atom, Literal):
            return atom.val
        value = self.values[atom]
        return _to_device(value, atom.aval) if isinstance(value, np.ndarray) else value

    def _finish(self) -> list[Any]:
        results = [self._result(atom) for atom in self.program.outputs]
        host = [i for i, value in enumerate(results) if isinstance(value, np.ndarray)]
        # Copied, as jax may take over the memory that it is given, and two leaves that
        # share a buffer cannot be donated. One call for all: one a leaf costs 10 us.
        moved = jax.device_put([np.array(results[i]) for i in host])
        for i, value in zip(host, moved, strict=True):
            results[i] = value
        return results

    def _result(self, atom: Any) -> Any:
        value = atom.val if isinstance(atom, Literal) else self.values[atom]
        if isinstance(atom, Literal) and aval_of(atom).weak_type:
            return jnp.asarray(np.asarray(value).item())
        if is_key(atom.aval):
            return _to_device(value, atom.aval)
        if isinstance(value, jax.Array):
            return value
        return np.asarray(value, aval_of(atom).dtype)


def _to_host(arg: Any, aval: Any) -> Any:
    """A concrete threefry key as numpy; anything else as it is."""
    if isinstance(arg, jax.core.Tracer) or is_tracing():
        return arg
    if not is_key(aval):
        return np.asarray(arg)
    return pack(np.asarray(jax.random.key_data(arg))) if is_threefry(aval) else arg


def _to_device(value: Any, aval: Any) -> Any:
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


def _partly(step: Step, values: Sequence[Any]) -> list[Any]:
    """Under `jit`: the wanted outputs alone, so that the compiler drops the others."""
    known = dict(zip(step.inputs, values, strict=True))
    atoms = step.eqn.invars
    inputs = [a.val if isinstance(a, Literal) else known.get(a) for a in atoms]
    if step.body is not None:
        return _Run(step.body).results(inputs)
    outputs = _bind(step.eqn, inputs)
    return [out for out, wanted in zip(outputs, step.wanted, strict=True) if wanted]
