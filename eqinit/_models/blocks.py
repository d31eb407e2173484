"""Which block of a model a parameter is in, all stages counted through."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .._layouts.known.equinox import of_kind
from .._parameters.paths import below, split
from .place import AbstractPlace
from .site import Site


# Sequences of these stand side by side in a block, and not one behind the other.
_BESIDE = ("expert", "branch", "head", "adapter")
_LAYERS = of_kind("dense", "conv", "norm", "embedding")
_NUMBER = re.compile(r"\d+")


class Element(NamedTuple):
    """An element of a sequence of modules.

    - `path`, `sequence`: its own, and that of what it is an element of.
    """

    path: str
    sequence: str

    @property
    def stage(self) -> str:
        """Its path without numbers: the same for the blocks of all stages."""
        return _NUMBER.sub("#", self.path)


class Blocks:
    """The blocks of one model.

    Parameters may be in sequences within sequences: a stage of a model, a block of the
    stage, a layer of the block's MLP. A *block* is the innermost element that has
    several kernels, and is alone in its sequence or has another of its kind beside it.
    (A list of an attention and an MLP is one block.) Experts are not counted.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        inside: dict[Element, list[Site]] = {}
        for site in sites:
            for element in elements(site):
                inside.setdefault(element, []).append(site)
        kinds = {element: _kind(element, them) for element, them in inside.items()}
        among: dict[str, Counter[Hashable]] = {}
        for element, kind in kinds.items():
            among.setdefault(element.sequence, Counter())[kind] += 1
        self._stages: dict[str, dict[Element, int]] = {}
        for element, them in inside.items():
            beside = among[element.sequence]
            alike = beside.total() == 1 or _has_like(kinds[element], beside)
            if alike and sum(map(is_matrix, them)) > 1:
                stage = self._stages.setdefault(element.stage, {})
                stage[element] = len(stage)

    def of(self, site: Site) -> tuple[int, int] | None:
        """The position of its block and the number of blocks; `None` outside of any.

        Where nothing on its path is a block: those of its outermost sequence, unless
        that is one of plain layers.
        """
        around = elements(site)
        for element in reversed(around):
            blocks = self._stages.get(element.stage, {})
            if element in blocks:
                return blocks[element], len(blocks)
        plain = isinstance(site.layer, _LAYERS)
        if not around or (plain and around[0].path == site.layer_path):
            return None
        return site.indices[0]


def is_matrix(site: Site) -> bool:
    """Whether it is a kernel, or may be one of a layer that nobody has registered."""
    unknown = site.spec.axes is None and len(site.shape) > 1
    return site.role == "kernel" or unknown


def elements(place: AbstractPlace) -> list[Element]:
    """The elements of sequences on a path, outermost first, but for experts."""
    found: list[Element] = []
    segments = split(place.path)
    wanted = [str(index) for index, _ in place.indices]
    for n, segment in enumerate(segments):
        if wanted and segment == wanted[0]:
            wanted.pop(0)
            above = segments[:n]
            beside = bool(above) and any(word in above[-1].lower() for word in _BESIDE)
            if not beside:
                found.append(Element(".".join([*above, segment]), ".".join(above)))
    return found


def _has_like(kind: Hashable, beside: Counter[Hashable]) -> bool:
    """Whether another element of the sequence is of its kind, or has more of the same.

    The first block of a list of dicts may lack a kernel that the others have.
    """
    if beside[kind] > 1 or not isinstance(kind, frozenset):
        return beside[kind] > 1
    others = (other for other in beside if isinstance(other, frozenset))
    return any(kind < other or other < kind for other in others if kind and other)


def _kind(element: Element, inside: Sequence[Site]) -> Hashable:
    """The class of an element; of a list or a dict, the paths of the kernels in it: the
    first block may have a norm more.
    """
    nodes = (node for node in inside[0].ancestors if node.path == element.path)
    kernels = filter(is_matrix, inside)
    names = frozenset(below(site.path, element.path) for site in kernels)
    return next((type(node.module) for node in nodes), names)
