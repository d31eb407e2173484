"""Which equations of a jaxpr are needed for some of its outputs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from jax.extend.core import JaxprEqn, Literal, jaxprs_in_params


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One equation that is needed, if only in part.

    - `wanted`: which of its outputs are needed.
    - `body`: for a call of which only some outputs are needed, the steps inside that
        these need. Running all of it would draw what nobody wants.
    - `inputs`: the variables that have to be there.
    """

    eqn: JaxprEqn
    wanted: tuple[bool, ...]
    inputs: tuple[Any, ...]
    body: "Program | None" = None

    @property
    def outputs(self) -> list[Any]:
        pairs = zip(self.eqn.outvars, self.wanted, strict=True)
        return [var for var, wanted in pairs if wanted]

    @property
    def whole(self) -> bool:
        """Whether the equation can be run as it stands."""
        return all(self.wanted) or not has_body(self.eqn)


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """The steps that lead to the wanted outputs of a jaxpr, in order."""

    jaxpr: Any
    consts: Sequence[Any]
    steps: tuple[Step, ...]
    outputs: tuple[Any, ...]
    live: frozenset[Any]

    def given(self, args: Sequence[Any]) -> dict[Any, Any]:
        """Values by variable of what it is called with; no step needs a `None`."""
        jaxpr = self.jaxpr
        named = [
            *zip(jaxpr.constvars, self.consts, strict=True),
            *zip(jaxpr.invars, args, strict=True),
        ]
        return {var: value for var, value in named if value is not None}


def has_body(eqn: JaxprEqn) -> bool:
    return any(True for _ in jaxprs_in_params(eqn.params))


def program(jaxpr: Any, consts: Sequence[Any], wanted: Sequence[bool]) -> Program:
    """Walk backwards from the wanted outputs."""
    pairs = zip(jaxpr.outvars, wanted, strict=True)
    outputs = tuple(var for var, want in pairs if want)
    live = set(_variables(outputs))
    steps: list[Step] = []
    for eqn in reversed(jaxpr.eqns):
        mask = tuple(var in live for var in eqn.outvars)
        if any(mask):
            steps.append(_step(eqn, mask))
            live.update(steps[-1].inputs)
    return Program(jaxpr, consts, tuple(reversed(steps)), outputs, frozenset(live))


def _step(eqn: JaxprEqn, mask: tuple[bool, ...]) -> Step:
    if all(mask) or not _is_plain_call(eqn):
        return Step(eqn, mask, tuple(_variables(eqn.invars)))
    inner = eqn.params["jaxpr"]
    # The newest jax has one class for a jaxpr, closed or not; older ones have two.
    body = program(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), mask)
    pairs = zip(eqn.invars, body.jaxpr.invars, strict=True)
    needed = [outer for outer, inner in pairs if inner in body.live]
    return Step(eqn, mask, tuple(_variables(needed)), body)


def aval_of(atom: Any) -> Any:
    """Shape and dtype of a variable or a literal (jax's types do not say so)."""
    return atom.aval


def _variables(atoms: Sequence[Any]) -> list[Any]:
    return [atom for atom in atoms if not isinstance(atom, Literal)]


def _is_plain_call(eqn: JaxprEqn) -> bool:
    """A `jit` that says nothing of where its values go: its body can be run instead."""
    if eqn.primitive.name not in ("jit", "pjit"):
        return False
    said = (*eqn.params["in_shardings"], *eqn.params["out_shardings"])
    return all(type(sharding).__name__ == "UnspecifiedValue" for sharding in said)
