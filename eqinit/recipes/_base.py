"""A base model: what a larger one has grown from, in width and in depth."""

import math
from typing import Any

from .._inference.facts import LayoutsLike, layouts_of
from .._models.read import read
from .._models.site import Site
from .._parameters.paths import split


class Base:
    """The parameters of a base model, by path.

    With `deeper`, it may have fewer blocks: a block of the larger model is compared
    with the first one in its place.
    """

    def __init__(
        self, base: Any, layouts: LayoutsLike, name: str, deeper: bool = False
    ) -> None:
        if base is None:
            raise ValueError(
                f"{name} needs a base model: the same model with smaller widths, which "
                "may be abstract, `eqx.filter_eval_shape(make, width)`. Widths alone "
                "do not say which axes grow."
            )
        sites = read(base, layouts_of(layouts)).parameters
        self.sites = {site.path: site for site in sites}
        self.deeper = deeper

    def of(self, path: str) -> Site:
        names = [path, *(_first_instead(path) if self.deeper else ())]
        small = next((self.sites[name] for name in names if name in self.sites), None)
        if small is not None:
            return small
        fewer = " Fewer blocks are for `depth=1.0`." if not self.deeper else ""
        raise ValueError(
            f"mup: the base model has no `{path}`. It must be the same model with "
            f"smaller widths: the same layers, fewer features.{fewer}"
        )

    def growth(self, site: Site) -> tuple[float, float]:
        """By how much fan_in and fan_out have grown over the base model's."""
        spec, small = site.spec, self.of(site.path).spec
        if None in (spec.fan_in, spec.fan_out, small.fan_in, small.fan_out):
            return 1.0, 1.0
        return spec.fan_in / small.fan_in, spec.fan_out / small.fan_out  # pyright: ignore

    def size(self, site: Site) -> float:
        """By how much an array has grown, of which one axis does."""
        large, small = _slice(site), _slice(self.of(site.path))
        return math.prod(large) / max(math.prod(small), 1)

    def depth(self, site: Site) -> float:
        """By how much the number of blocks has grown; 1 for what is in none."""
        return _blocks(site) / _blocks(self.of(site.path))


def _blocks(site: Site) -> int:
    if site.block is not None:
        return site.block[1]
    return math.prod(site.stack)


def _slice(site: Site) -> tuple[int, ...]:
    return tuple(site.shape[len(site.stack) :])


def _first_instead(path: str) -> list[str]:
    """The path with zero in the place of one of its numbers, from the outermost."""
    segments = split(path)
    places = [i for i, segment in enumerate(segments) if segment.isdigit()]
    return [".".join([*segments[:i], "0", *segments[i + 1 :]]) for i in places]
