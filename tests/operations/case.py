"""What a cell of the table of operations and models says."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax

import eqinit as ei


KEY = jax.random.key(15)

# By role, so that they serve every model.
RULES = (
    ei.Rule(ei.Role("kernel"), ei.LecunNormal(), optional=True),
    ei.Rule(ei.Role("bias"), ei.Zeros(), optional=True),
    ei.Rule(ei.Role("scale"), ei.Ones(), optional=True),
    ei.Rule(ei.Role("embedding"), ei.Normal(0.02), optional=True),
)


class Patient(NamedTuple):
    """A model on the table, how it is called, and whether it loops over something."""

    name: str
    model: Any
    call: Callable[..., Any]
    args: tuple[Any, ...]
    loops: bool = False


class Done(NamedTuple):
    """What an operation made of a model, and its record where it has one."""

    old: Any
    new: Any
    record: Any = None


@dataclasses.dataclass(frozen=True)
class Case:
    """An operation that applies to a model.

    - `where`: the arguments that are this model's.
    - `prepare`: what is done to the model first, so that there is something to do.
    - `by_hand`: from what was done to a model that was made without the operation, and
        computes what the new one is to compute. Without it, that is the old one.
    - `call`, `args`: of the new model, and of that by hand, where they are others.
    - `old_call`, `old_args`: of the old model.
    - `seen`: what of the outputs is compared.
    - `flat`: paths of parameters whose gradient is zero: all of them, and no others.
    """

    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prepare: Callable[[Any], Any] = lambda model: model
    by_hand: Callable[[Done], Any] | None = None
    call: Callable[..., Any] | None = None
    args: tuple[Any, ...] | None = None
    old_call: Callable[..., Any] | None = None
    old_args: tuple[Any, ...] | None = None
    seen: Callable[[Any], Any] = lambda out: out
    flat: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Refused:
    """An operation that does not apply: why, and what it says to whoever tries.

    - `error`: a pattern of its message.
    - `where`, `prepare`: how it is tried.
    """

    why: str
    error: str
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prepare: Callable[[Any], Any] = lambda model: model


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation, how it is called, and what holds of it on each model.

    - `law`: what the new model computes, in a few words.
    - `run`: from a patient and `where` to what was done.
    - `cells`: by the names of models.
    - `by_hand`: as that of a case, for all cells that have none.
    - `becomes`: the model that must come out, to the last bit.
    - `restores`: what `record.undo` gives; `None` where it refuses.
    - `undo`: how far that may be off, in units of an array's largest entry.
    - `promotes`: whether models compute in several dtypes afterwards.
    - `deep`: whether it takes a model of several blocks.
    """

    name: str
    law: str
    run: Callable[..., Done]
    cells: Mapping[str, Case | Refused]
    by_hand: Callable[[Done], Any] | None = None
    becomes: Callable[[Patient, Done], Any] | None = None
    restores: Callable[[Case, Done], Any] | None = None
    undo: float = 0.0
    promotes: bool = False
    deep: bool = False


def before(case: Case, done: Done) -> Any:
    """What `record.undo` gives back of most operations that it takes back."""
    del case
    return done.old


def model_in(tree: Any) -> Any:
    """Of a `(model, state)` tuple the model."""
    return tree[0] if isinstance(tree, tuple) else tree


def at(tree: Any, path: str) -> Any:
    """What stands at a dotted path of a model."""
    node = model_in(tree)
    for name in path.split("."):
        node = node[int(name)] if name.isdigit() else getattr(node, name)
    return node


def put(tree: Any, new: Mapping[str, Any]) -> Any:
    """A model with other things at these paths, by Equinox alone."""
    model, paths = model_in(tree), list(new)
    put_in = eqx.tree_at(lambda m: [at(m, p) for p in paths], model, list(new.values()))
    return (put_in, *tree[1:]) if isinstance(tree, tuple) else put_in


def refused(names: str, why: str, error: str, **where: Any) -> dict[str, Refused]:
    """The same refusal for several models."""
    return {name: Refused(why, error, where) for name in names.split()}
