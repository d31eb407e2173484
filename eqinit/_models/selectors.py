"""Selectors: printable predicates on places in a model."""

import abc
import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import equinox as eqx

from .._articles import kind_of
from .._checks import check_fields
from .._parameters.paths import Glob, matches
from .._typing import ROLES
from .picked import pick
from .place import AbstractPlace, Node


class AbstractSelector(abc.ABC):
    """Says which parameters of a model are meant; composes with `&`, `|` and `~`.

    Subclass it (a frozen dataclass with `matches`) for a predicate of your own.
    """

    def __init__(self, *args: Any, **fields: Any) -> None:
        if args or fields:
            name = type(self).__name__
            raise TypeError(
                f"{name}() takes no arguments, as {name} is no dataclass. "
                "`@dataclasses.dataclass(frozen=True)` above the class gives it a "
                "constructor for its fields."
            )

    def __post_init__(self) -> None:
        check_fields(self)

    @abc.abstractmethod
    def matches(self, place: AbstractPlace) -> bool:
        """Whether this one parameter (an [`eqinit.Site`][]) is selected.

        Where layers are asked for, as [`eqinit.probe`][] does, it is the place of one:
        with `path`, `layer`, `field` and `index`, and without a spec.
        """

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        """`matches` for each of them; overridden by selectors that need the model."""
        del model
        return [self.matches(place) for place in places]

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
    `Layer(eqx.nn.MLP)` those of the linear layers that an MLP is made of. Several types
    are `Layer((A, B))` or `Layer(A | B)`.

    **Arguments:**

    - `cls`: the layer type, or several.
    """

    cls: type | types.UnionType | tuple[type, ...]

    def __post_init__(self) -> None:
        # Printed, compared and written down in one form.
        known: Any = self.cls if isinstance(self.cls, tuple) else (self.cls,)
        known = tuple(cls for one in known for cls in typing.get_args(one) or (one,))
        if not known or not all(isinstance(cls, type) for cls in known):
            raise TypeError(
                f"Layer takes a class, or several as `(A, B)` or `A | B`; got "
                f"{self.cls!r}."
            )
        object.__setattr__(self, "cls", known if len(known) > 1 else known[0])

    @property
    def classes(self) -> tuple[type, ...]:
        """The layer types; a layer may be any of them."""
        cls: Any = self.cls
        return cls if isinstance(cls, tuple) else (cls,)

    def matches(self, place: AbstractPlace) -> bool:
        return any(isinstance(node.module, self.classes) for node in place.modules)

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        del model
        classes = self.classes
        # Asked once for each class: `isinstance` of an abstract one takes far longer.
        known: dict[type, bool] = {}

        def hit(node: Node) -> bool:
            cls = type(node.module)
            if cls not in known:
                known[cls] = isinstance(node.module, classes)
            return known[cls]

        return [any(map(hit, place.modules)) for place in places]

    def __repr__(self) -> str:
        return f"Layer({' | '.join(cls.__name__ for cls in self.classes)})"


@dataclasses.dataclass(frozen=True)
class Path(AbstractSelector):
    r"""Parameters whose path, or the path of a node above them, matches a glob.

    `*` is one segment (or part of one), `**` any number of them; a dot inside a segment
    is written `\.`. `Path("head")` selects everything under `head`.

    **Arguments:**

    - `glob`: such as `"blocks.*.attn.**"` or `"**.bias"`.
    """

    glob: Glob

    def matches(self, place: AbstractPlace) -> bool:
        return self.reaches(place.path)

    def reaches(self, path: str) -> bool:
        """Whether a path, or that of a node above it, matches."""
        return matches(self.glob, path)

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

    def matches(self, place: AbstractPlace) -> bool:
        return place.role == self.name

    def __repr__(self) -> str:
        return f"Role({self.name!r})"


@dataclasses.dataclass(frozen=True)
class Filter(AbstractSelector):
    """Parameters for which a function of the site returns true.

    **Arguments:**

    - `fn`: from a site (`path`, `layer`, `field`, `index`, `spec`, ...) to a bool.
    """

    fn: Callable[[Any], bool]

    def matches(self, place: AbstractPlace) -> bool:
        return place.is_meant(self.fn, self)

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

    def matches(self, place: AbstractPlace) -> bool:
        raise TypeError("Where is resolved against a whole model, not a single site.")

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        try:
            picked = pick(model, self.fn)
        except Exception as error:
            raise ValueError(
                f"{self!r} failed on the model: {type(error).__name__}: {error}. "
                "It sees the structure alone (its leaves are placeholders): select by "
                "attribute, as in `Where(lambda m: m.layers[0].weight)`."
            ) from error
        return [picked.holds(place) for place in places]

    def __repr__(self) -> str:
        return f"Where({_name(self.fn)})"


@dataclasses.dataclass(frozen=True)
class And(AbstractSelector):
    """Both; written `a & b`."""

    left: AbstractSelector
    right: AbstractSelector

    def matches(self, place: AbstractPlace) -> bool:
        return self.left.matches(place) and self.right.matches(place)

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        pairs = zip(
            self.left.mask(model, places), self.right.mask(model, places), strict=True
        )
        return [a and b for a, b in pairs]

    def __repr__(self) -> str:
        return f"({self.left!r} & {self.right!r})"


@dataclasses.dataclass(frozen=True)
class Or(AbstractSelector):
    """Either; written `a | b`."""

    left: AbstractSelector
    right: AbstractSelector

    def matches(self, place: AbstractPlace) -> bool:
        return self.left.matches(place) or self.right.matches(place)

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        pairs = zip(
            self.left.mask(model, places), self.right.mask(model, places), strict=True
        )
        return [a or b for a, b in pairs]

    def __repr__(self) -> str:
        return f"({self.left!r} | {self.right!r})"


@dataclasses.dataclass(frozen=True)
class Not(AbstractSelector):
    """The others; written `~a`."""

    inner: AbstractSelector

    def matches(self, place: AbstractPlace) -> bool:
        return not self.inner.matches(place)

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        return [not hit for hit in self.inner.mask(model, places)]

    def __repr__(self) -> str:
        return f"~{self.inner!r}"


SelectorLike: TypeAlias = (
    AbstractSelector
    | str
    | type
    | types.UnionType
    | tuple[type, ...]
    | Callable[[Any], Any]
)


def as_selector(said: SelectorLike) -> AbstractSelector:
    """A string is a path glob, types (`A | B`, `(A, B)`) layers, a function `Where`."""
    if isinstance(said, AbstractSelector):
        return said
    if isinstance(said, str):
        return Path(said)
    if isinstance(said, (type, types.UnionType, tuple)):
        return Layer(said)
    layer = isinstance(said, eqx.Module)  # of which many are callable
    if callable(said) and not layer:
        return Where(said)
    found = f"{kind_of(said)}, itself and not where it is" if layer else repr(said)
    raise TypeError(
        "a selector is a path glob, a layer type, a function of the model or a "
        f"selector such as Role('bias'); got {found}. Several are one with `|`, as in "
        '`Conv2d | Linear` or `Path("a") | Path("b")`.'
    )


def _name(fn: Callable[..., Any]) -> str:
    code, name = getattr(fn, "__code__", None), getattr(fn, "__name__", repr(fn))
    line = f" at line {code.co_firstlineno}" if name == "<lambda>" and code else ""
    return name + line
