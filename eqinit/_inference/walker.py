"""Walk a jaxpr with values of one's own in the place of its arrays.

What a value is, and what a primitive does to it, is a *domain*: a value can say which
axes of which parameter an array shows, or what second moment it has. The walker knows
how jaxprs are put together: calls, scans, loops and branches are entered.
"""

import abc
import collections
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import jax
from jax.extend.core import JaxprEqn, Literal


V = TypeVar("V")

# Where an equation stands: its number in the jaxpr, behind those of the equations that
# this jaxpr is the body of. The same in every round of a loop.
Place: TypeAlias = tuple[int, ...]


class Equation(NamedTuple):
    """One equation, as a rule sees it.

    - `name`, `params`: of its primitive.
    - `inputs`, `outputs`: shapes and dtypes.
    - `place`: where it stands.
    """

    name: str
    params: Mapping[str, Any]
    inputs: tuple[jax.ShapeDtypeStruct, ...]
    outputs: tuple[jax.ShapeDtypeStruct, ...]
    place: Place


class AbstractDomain(abc.ABC, Generic[V]):
    """What values are, and what primitives do to them.

    - `rules`: from the name of a primitive to a function of the domain, the equation
        and its inputs' values, which returns its outputs' values in order.
    - `rounds`: how often the body of a loop is walked at most.
    """

    rules: "Mapping[str, Rule[Any]]"
    rounds: int = 3

    @abc.abstractmethod
    def constant(self, value: Any) -> V:
        """A literal, or an array that the traced function closes over."""

    @abc.abstractmethod
    def unknown(self, eqn: Equation, values: Sequence[V]) -> Sequence[V]:
        """The outputs of a primitive that has no rule."""

    @abc.abstractmethod
    def join(self, one: V, other: V) -> V:
        """What may be either: the outputs of two branches."""

    @abc.abstractmethod
    def row(self, value: V, index: int) -> V:
        """`value[index]`: what a scan hands to its body in one round."""

    @abc.abstractmethod
    def stacked(self, rows: Sequence[V], length: int) -> V:
        """The rows that the rounds of a scan returned, along a new leading axis.

        There are fewer than `length` where not every round was walked.
        """

    def carried(self, before: V, after: V) -> V:
        """What the next round of a loop is given. By default what this one returned."""
        del before
        return after

    def settled(self, before: Sequence[V], after: Sequence[V]) -> bool:
        """Whether further rounds would say nothing new."""
        del before, after
        return False

    def begin_round(self, place: Place, number: int, length: int | None) -> None:
        """Called before each round of the loop at `place`, of `length` rounds."""

    def reused(self, value: V) -> V:
        """A value that more than one equation reads. By default as it is."""
        return value


Rule: TypeAlias = Callable[[Any, Equation, Sequence[V]], Sequence[V]]

# Primitives that run a jaxpr on their inputs as they stand, and where they keep it.
CALLS = {
    **dict.fromkeys(("jit", "pjit", "remat", "remat2", "checkpoint"), "jaxpr"),
    **dict.fromkeys(("closed_call", "core_call", "custom_jvp_call"), "call_jaxpr"),
    **dict.fromkeys(("custom_vjp_call", "custom_lin"), "call_jaxpr"),
}


def walk(
    domain: AbstractDomain[V], jaxpr: Any, values: Sequence[V], place: Place = ()
) -> list[V]:
    """The values of a jaxpr's outputs, from those of its inputs.

    **Arguments:**

    - `domain`: what values are.
    - `jaxpr`: from `jax.make_jaxpr`, or one inside of another.
    - `values`: one for each input.
    - `place`: of the equation whose body this is.
    """
    # The newest jax has one class for a jaxpr, closed or not; older ones have two.
    body = getattr(jaxpr, "jaxpr", jaxpr)
    reads = _reads(body)
    env: dict[Any, V] = {}

    def write(variables: Sequence[Any], values: Sequence[V]) -> None:
        for var, value in zip(variables, values, strict=True):
            env[var] = domain.reused(value) if reads[var] > 1 else value

    def read(atom: Any) -> V:
        return domain.constant(atom.val) if isinstance(atom, Literal) else env[atom]

    write(body.constvars, [domain.constant(c) for c in getattr(jaxpr, "consts", ())])
    write(body.invars, values)
    for number, eqn in enumerate(body.eqns):
        here = (*place, number)
        write(eqn.outvars, _step(domain, eqn, [read(a) for a in eqn.invars], here))
        for var in _done(eqn, reads):
            del env[var]
    return [read(atom) for atom in body.outvars]


def _reads(body: Any) -> collections.Counter[Any]:
    """How many equations read each variable; what is returned is read once more."""
    atoms = itertools.chain(*(set(_variables(eqn.invars)) for eqn in body.eqns))
    return collections.Counter(itertools.chain(atoms, set(_variables(body.outvars))))


def _done(eqn: JaxprEqn, reads: collections.Counter[Any]) -> Iterator[Any]:
    """Variables that nothing reads from here on, so that memory stays small."""
    for var in set(_variables(eqn.invars)):
        reads[var] -= 1
        if not reads[var]:
            yield var


def _variables(atoms: Sequence[Any]) -> Iterator[Any]:
    return (atom for atom in atoms if not isinstance(atom, Literal))


def _step(
    domain: AbstractDomain[V], eqn: JaxprEqn, values: Sequence[V], place: Place
) -> Sequence[V]:
    name = eqn.primitive.name
    if name in domain.rules:
        return domain.rules[name](domain, _equation(eqn, place), values)
    if name in CALLS:
        return walk(domain, eqn.params[CALLS[name]], values, place)
    if name in _LOOPS:
        return _LOOPS[name](domain, eqn, values, place)
    return domain.unknown(_equation(eqn, place), values)


def _equation(eqn: JaxprEqn, place: Place) -> Equation:
    inputs = tuple(atom.aval for atom in eqn.invars)
    outputs = tuple(var.aval for var in eqn.outvars)
    return Equation(eqn.primitive.name, eqn.params, inputs, outputs, place)  # pyright: ignore[reportArgumentType]


def _cond(
    domain: AbstractDomain[V], eqn: JaxprEqn, values: Sequence[V], place: Place
) -> Sequence[V]:
    branches = eqn.params["branches"]
    outs = [
        walk(domain, branch, values[1:], (*place, number))
        for number, branch in enumerate(branches)
    ]
    first, *rest = outs
    for other in rest:
        first = [domain.join(a, b) for a, b in zip(first, other, strict=True)]
    return first


def _scan(
    domain: AbstractDomain[V], eqn: JaxprEqn, values: Sequence[V], place: Place
) -> Sequence[V]:
    jaxpr, length = eqn.params["jaxpr"], eqn.params["length"]
    consts, carries = _scan_counts(eqn, getattr(jaxpr, "jaxpr", jaxpr))
    fixed, carry = list(values[:consts]), list(values[consts : consts + carries])
    rows: list[list[V]] = []
    for number in range(max(1, min(length, domain.rounds))):
        domain.begin_round(place, number, length)
        index = length - 1 - number if eqn.params["reverse"] else number
        sliced = [domain.row(xs, index) for xs in values[consts + carries :]]
        outs = walk(domain, jaxpr, [*fixed, *carry, *sliced], place)
        rows.append(outs[carries:])
        carry, settled = _carried(domain, carry, outs[:carries])
        if settled:
            break
    if eqn.params["reverse"]:
        rows.reverse()
    stacks = [domain.stacked(ys, length) for ys in zip(*rows, strict=True)]
    return carry + stacks


def _scan_counts(eqn: JaxprEqn, body: Any) -> tuple[int, int]:
    """How many inputs are constant and how many carried.

    By rank, as versions of jax say it differently: what is scanned over, or stacked,
    has one axis more outside than inside.
    """

    def same(outer: Sequence[Any], inner: Sequence[Any]) -> int:
        pairs = zip(outer, inner, strict=True)
        return sum(a.aval.ndim == b.aval.ndim for a, b in pairs)

    carries = same(eqn.outvars, body.outvars)
    return same(eqn.invars, body.invars) - carries, carries


def _while(
    domain: AbstractDomain[V], eqn: JaxprEqn, values: Sequence[V], place: Place
) -> Sequence[V]:
    tests, consts = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    fixed, carry = list(values[tests : tests + consts]), list(values[tests + consts :])
    for number in range(domain.rounds):
        domain.begin_round(place, number, None)
        test = [*values[:tests], *carry]
        walk(domain, eqn.params["cond_jaxpr"], test, (*place, 0))
        body = eqn.params["body_jaxpr"]
        outs = walk(domain, body, [*fixed, *carry], (*place, 1))
        carry, settled = _carried(domain, carry, outs)
        if settled:
            break
    return carry


def _carried(
    domain: AbstractDomain[V], before: list[V], after: Sequence[V]
) -> tuple[list[V], bool]:
    pairs = zip(before, after, strict=True)
    carry = [domain.carried(a, b) for a, b in pairs]
    return carry, domain.settled(before, carry)


_LOOPS: dict[str, Callable[..., Sequence[Any]]] = {
    "cond": _cond,
    "scan": _scan,
    "while": _while,
}
