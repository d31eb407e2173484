"""Selectors: printable predicates on sites."""

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax.tree_util as jtu

from .._inference.row import TracedRow
from .._parameters.paths import matches
from .._typing import ROLES
from .walk import Site, model_of


class AbstractSelector(abc.ABC):
    """Says which parameters of a model are meant; composes with `&`, `|` and `~`.

    Subclass it (a frozen dataclass with `matches`) for a predicate of your own.
    """

    @abc.abstractmethod
    def matches(self, site: Site) -> bool:
        """Whether this one parameter is selected."""

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        """`matches` for every site; overridden by selectors that need the model."""
        del model
        return [self.matches(site) for site in sites]

    def __and__(self, other: "SelectorLike") -> "AbstractSelector":
        return And(self, as_selector(other))

    def __or__(self, other: "SelectorLike") -> "AbstractSelector":
        return Or(self, as_selector(other))

    def __invert__(self) -> "AbstractSelector":
        return Not(self)


@dataclasses.dataclass(frozen=True)
class Layer(AbstractSelector):
    """Parameters of every layer of this type (`isinstance`), also inside of it.

    `Layer(eqx.nn.Conv)` selects those of Conv1d, Conv2d and Conv3d;
    `Layer(eqx.nn.MLP)` those of the linear layers that an MLP is made of.

    **Arguments:**

    - `cls`: the layer type.
    """

    cls: type

    def matches(self, site: Site) -> bool:
        return any(isinstance(step.node, self.cls) for step in site.ancestors)

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        # Neighbours have their ancestors in common, as one and the same tuple or two.
        del model
        known: dict[int, bool] = {}
        for site in sites:
            if id(site.ancestors) not in known:
                known[id(site.ancestors)] = self.matches(site)
        return [known[id(site.ancestors)] for site in sites]

    def __repr__(self) -> str:
        return f"Layer({self.cls.__name__})"


@dataclasses.dataclass(frozen=True)
class Path(AbstractSelector):
    r"""Parameters whose path, or the path of a node above them, matches a glob.

    `*` is one segment (or part of one), `**` any number of them; a dot inside a segment
    is written `\.`. `Path("head")` selects everything under `head`.

    **Arguments:**

    - `glob`: such as `"blocks.*.attn.**"` or `"**.bias"`.
    """

    glob: str

    def matches(self, site: Site) -> bool:
        return matches(self.glob, site.path)

    def __repr__(self) -> str:
        return f"Path({self.glob!r})"


@dataclasses.dataclass(frozen=True)
class Role(AbstractSelector):
    """Parameters of one role: `kernel`, `bias`, `scale`, `embedding` or `other`.

    **Arguments:**

    - `name`: the role, as the layer's layout says it.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in ROLES:
            raise ValueError(f"no role {self.name!r}; roles are {list(ROLES)}.")

    def matches(self, site: Site) -> bool:
        return site.spec.role == self.name

    def __repr__(self) -> str:
        return f"Role({self.name!r})"


@dataclasses.dataclass(frozen=True)
class Filter(AbstractSelector):
    """Parameters for which a function of the site returns true.

    **Arguments:**

    - `fn`: from a site (`path`, `layer`, `field`, `index`, `spec`, ...) to a bool.
    """

    fn: Callable[[Site], bool]

    def matches(self, site: Site) -> bool:
        try:
            return bool(self.fn(site))
        except Exception as error:
            raise ValueError(f"{self!r} raised {site.failure(error)}") from error

    def __repr__(self) -> str:
        return f"Filter({_name(self.fn)})"


@dataclasses.dataclass(frozen=True)
class Where(AbstractSelector):
    """Parameters at or under the nodes that a function picks out of the model.

    As `where` of `eqx.tree_at`: `Where(lambda m: m.head)`, or a list of nodes. The
    function sees the model's structure and not its values.

    **Arguments:**

    - `fn`: from the model to a node, or to a list or tuple of nodes.
    """

    fn: Callable[[Any], Any]

    def matches(self, site: Site) -> bool:
        raise TypeError("Where is resolved against a whole model, not a single site.")

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        # Leaves become their positions, so that picking a node says which leaves it
        # has; a function that looks at values finds integers and says so by failing.
        leaves, treedef = jtu.tree_flatten(model)
        indexed = jtu.tree_unflatten(treedef, list(range(len(leaves))))
        try:
            picked = set(jtu.tree_leaves(self.fn(model_of(indexed))))
        except Exception as error:
            raise ValueError(
                f"{self!r} failed on the model: {type(error).__name__}: {error}. "
                "It sees the structure alone (its leaves are placeholders): select by "
                "attribute, as in `Where(lambda m: m.layers[0].weight)`."
            ) from error
        return [site.position in picked for site in sites]

    def __repr__(self) -> str:
        return f"Where({_name(self.fn)})"


@dataclasses.dataclass(frozen=True)
class Residual(AbstractSelector):
    """Kernels whose output is added to a stream that passes them by.

    The last kernel of each residual branch, as a trace has seen it:
    `plan(model, rules, layouts=trace_layouts(model, call, x))`. `site.traced` says
    which branch it is, and of how many.
    """

    def matches(self, site: Site) -> bool:
        return _traced(self, site).residual is not None

    def __repr__(self) -> str:
        return "Residual()"


@dataclasses.dataclass(frozen=True)
class Readout(AbstractSelector):
    """Kernels whose output is the model's, as a trace has seen it."""

    def matches(self, site: Site) -> bool:
        return _traced(self, site).readout

    def __repr__(self) -> str:
        return "Readout()"


def _traced(selector: AbstractSelector, site: Site) -> TracedRow:
    if site.traced is not None:
        return site.traced
    raise ValueError(
        f"{selector!r} is read off a call of the model: pass "
        "`layouts=eqinit.trace_layouts(model, call, x)`."
    )


@dataclasses.dataclass(frozen=True)
class And(AbstractSelector):
    """Both; written `a & b`."""

    left: AbstractSelector
    right: AbstractSelector

    def matches(self, site: Site) -> bool:
        return self.left.matches(site) and self.right.matches(site)

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        pairs = zip(
            self.left.mask(model, sites), self.right.mask(model, sites), strict=True
        )
        return [a and b for a, b in pairs]

    def __repr__(self) -> str:
        return f"({self.left!r} & {self.right!r})"


@dataclasses.dataclass(frozen=True)
class Or(AbstractSelector):
    """Either; written `a | b`."""

    left: AbstractSelector
    right: AbstractSelector

    def matches(self, site: Site) -> bool:
        return self.left.matches(site) or self.right.matches(site)

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        pairs = zip(
            self.left.mask(model, sites), self.right.mask(model, sites), strict=True
        )
        return [a or b for a, b in pairs]

    def __repr__(self) -> str:
        return f"({self.left!r} | {self.right!r})"


@dataclasses.dataclass(frozen=True)
class Not(AbstractSelector):
    """The others; written `~a`."""

    inner: AbstractSelector

    def matches(self, site: Site) -> bool:
        return not self.inner.matches(site)

    def mask(self, model: Any, sites: Sequence[Site]) -> list[bool]:
        return [not hit for hit in self.inner.mask(model, sites)]

    def __repr__(self) -> str:
        return f"~{self.inner!r}"


SelectorLike: TypeAlias = AbstractSelector | str | type | Callable[[Any], Any]


def as_selector(said: SelectorLike) -> AbstractSelector:
    """A string is a path glob, a type a layer, a function a `Where`."""
    if isinstance(said, AbstractSelector):
        return said
    if isinstance(said, str):
        return Path(said)
    if isinstance(said, type):
        return Layer(said)
    if callable(said):
        return Where(said)
    raise TypeError(
        f"a selector is a path glob, a layer type, a function of the model or a "
        f"selector such as Role('bias'); got {said!r}."
    )


def _name(fn: Callable[..., Any]) -> str:
    code = getattr(fn, "__code__", None)
    name = getattr(fn, "__name__", repr(fn))
    return (
        f"{name} at line {code.co_firstlineno}" if name == "<lambda>" and code else name
    )
