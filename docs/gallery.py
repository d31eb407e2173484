"""Writes docs/schemes.md and its pictures: every scheme of the registry, drawn once.

    python docs/gallery.py            # the page, and the pictures that are out of date
    python docs/gallery.py --all      # every picture anew

What docs/gallery.toml adds to the docstrings is what a scheme is for, a line of code,
and the parameter that is drawn. tests/docs/test_gallery.py holds the three together.
"""

import dataclasses
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

import eqinit as ei
from eqinit._citation.citation import Paper, named_in
from eqinit._parameters.spec import ParamSpec, make_spec


DOCS = Path(__file__).parent
PAGE = DOCS / "schemes.md"
PICTURES = DOCS / "images" / "schemes"
NAMES: dict[str, Any] = {"ei": ei, "eqx": eqx, "np": np}

HEAD = """\
<!-- Written by docs/gallery.py from the docstrings and docs/gallery.toml. -->
<style>.md-typeset h2, .md-typeset h3 { clear: both }</style>

# Gallery of schemes

All {count} initializers, by family. Histograms are of one draw, with a line at the
expected mean and a band of one expected standard deviation to either side; heat maps
are of one drawn matrix (or of all taps of a kernel, outputs downwards), blue below zero
and red above. The names lead to all arguments.

"""
IMPORTS = """
```python
import equinox as eqx
import numpy as np

import eqinit as ei
```
"""


def public(space: Any = ei, path: str = "eqinit") -> Iterator[tuple[str, Any]]:
    """Every public name with its path, in whichever namespace."""
    for name in (name for name in dir(space) if not name.startswith("_")):
        value = getattr(space, name)
        if not inspect.ismodule(value):
            yield f"{path}.{name}", value
        elif value.__name__ == f"{path}.{name}":  # not what a test's import hook adds
            yield from public(value, f"{path}.{name}")


def is_scheme(value: Any) -> bool:
    concrete = isinstance(value, type) and not value.__name__.startswith("Abstract")
    return concrete and issubclass(value, ei.AbstractInitializer)


# By their own names: an alias (`XavierNormal`) is another path to the same class.
SCHEMES: dict[str, tuple[str, Any]] = {
    value.__name__: (path, value)
    for path, value in public()
    if is_scheme(value) and path.endswith(f".{value.__name__}")
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One scheme of the gallery: fields as docs/gallery.toml explains them."""

    name: str
    use: str
    line: str
    shape: tuple[int, ...] = (96, 128)
    axes: str | None = "out in"
    sizes: dict[str, Any] = dataclasses.field(default_factory=dict)
    fan_in: float | None = None
    dtype: str = "float32"
    view: str | None = None

    @property
    def path(self) -> str:
        return SCHEMES[self.name][0]

    @property
    def cls(self) -> type:
        return SCHEMES[self.name][1]

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.cls) or ""

    @property
    def init(self) -> Any:
        """The scheme in the line of code."""
        rule = eval(self.line, dict(NAMES))
        inits = [rule.init, *rule.fields.values()]
        return next(i for i in inits if isinstance(i, self.cls))

    @property
    def spec(self) -> ParamSpec:
        sizes = {
            k: v if isinstance(v, int) else tuple(v) for k, v in self.sizes.items()
        }
        shape, dtype = tuple(self.shape), np.dtype(self.dtype)
        return make_spec(shape, dtype, self.axes, sizes=sizes, fan_in=self.fan_in)

    @property
    def picture(self) -> Path | None:
        return None if self.view == "none" else PICTURES / f"{self.name}.png"

    @property
    def drawn_from(self) -> str:
        """What a picture shows, kept in it: a picture with another text is stale."""
        shown = f"{self.dtype}{list(self.shape)} {self.axes} {self.view or ''}"
        return f"{self.line} {shown}".strip()


@dataclasses.dataclass(frozen=True)
class Family:
    """A heading of the gallery."""

    title: str
    about: str
    entries: tuple[Entry, ...]


def families() -> list[Family]:
    table = tomllib.loads((DOCS / "gallery.toml").read_text(encoding="utf-8"))
    return [_family(title, dict(said)) for title, said in table.items()]


def _family(title: str, said: dict[str, Any]) -> Family:
    about = said.pop("about").strip()
    return Family(title, about, tuple(Entry(name, **e) for name, e in said.items()))


# The page.


def _paragraphs(doc: str) -> list[str]:
    return doc.partition("**Arguments:**")[0].strip().split("\n\n")


def law(doc: str) -> str:
    """The first sentence, and the first formula where that has none."""
    first, *others = _paragraphs(doc)
    start = next((i for i, p in enumerate(others) if "$" in p), len(others))
    found = [first] if "$" in first else [first, *others[start : start + 1]]
    # A sentence that runs on into a formula or a list of its own is taken to its end.
    rest = others if "$" in first else others[start + 1 :]
    for paragraph in rest:
        if found[-1][-1] in ".)$":
            break
        found.append(paragraph)
    return "\n\n".join(found)


def reference(paper: Paper) -> str:
    authors = re.split(r" and ", paper.authors)
    names = [author.partition(",")[0] for author in authors]
    short = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    where = paper.where
    if where.startswith("arXiv:"):
        where = f"[{where}](https://arxiv.org/abs/{where.removeprefix('arXiv:')})"
    return f"{short}, *{paper.title}*, {where}"


def shown(entry: Entry) -> str:
    """The parameter of the picture, and what is expected of its entries."""
    init, spec = entry.init, entry.spec
    law = init.law(spec)
    moments = init.moments(spec)
    size = ", ".join(map(str, spec.shape))
    axes = f", axes `{entry.axes}`" if entry.axes else ""
    text = f"Shown: `{entry.dtype}[{size}]`{axes}"
    if law is not None and law.constant is not None:
        return f"{text}; the same for every key."
    if moments is None or not np.isfinite(moments.std):
        return f"{text}."
    return f"{text}; expected mean {moments.mean:.3g}, std {moments.std:.3g}."


def section(entry: Entry) -> Iterator[str]:
    yield f"\n### {entry.name}\n\n"
    if entry.picture is not None:
        where = entry.picture.relative_to(DOCS).as_posix()
        yield f"![A draw of {entry.name}]({where}){{ align=right width=200 }}\n\n"
    yield f"{law(entry.doc)}\n\n"
    yield f"For {entry.use}. All arguments: [`{entry.path}`][].\n\n"
    yield f"```python\n{entry.line}\n```\n\n"
    papers = [reference(paper) for paper in named_in(entry.doc)]
    about = [] if entry.picture is None else [shown(entry)]
    if papers or about:
        yield " ".join([*about, *(f"{paper}." for paper in papers)]) + "\n"


def render() -> str:
    found = families()
    count = sum(len(family.entries) for family in found)
    pieces = [HEAD.replace("{count}", str(count))]
    for family in found:
        names = ", ".join(f"[{e.name}](#{e.name.lower()})" for e in family.entries)
        pieces.append(f"- **{family.title}:** {names}\n")
    pieces.append(IMPORTS)
    for family in found:
        pieces.append(f"\n## {family.title}\n\n{family.about}\n")
        for entry in family.entries:
            pieces.extend(section(entry))
    return "".join(pieces)


# The pictures.


def draw(entry: Entry) -> np.ndarray:
    spec = entry.spec
    entry.init.check(spec)
    return np.asarray(entry.init.draw(jax.random.key(0), spec))


def kind(entry: Entry, values: np.ndarray) -> str:
    if np.iscomplexobj(values):
        return "plane"
    if entry.view is not None:
        return entry.view
    law = entry.init.law(entry.spec)
    fixed = law is not None and law.constant is not None
    if values.ndim == 1 and (fixed or values.size < 100):
        return "dots"
    matrices = isinstance(entry.init, ei.AbstractMatrixInitializer)
    convs = isinstance(entry.init, ei.AbstractConvInitializer)
    return "map" if fixed or matrices or convs else "histogram"


def tiles(values: np.ndarray) -> np.ndarray:
    """Kernels `(out, in, *taps)` side by side, with a blank line between them."""
    if values.ndim < 4:
        return values.reshape(-1, values.shape[-1])
    out, ins, high, wide = values.shape
    padded = np.pad(values, [(0, 0), (0, 0), (0, 1), (0, 1)], constant_values=np.nan)
    grid = padded.transpose(0, 2, 1, 3).reshape(out * (high + 1), ins * (wide + 1))
    return grid[:-1, :-1]


def plot(entry: Entry) -> None:
    """Draw one picture into its file."""
    from matplotlib.figure import Figure

    values = draw(entry)
    figure = Figure(figsize=(2.4, 1.5), dpi=100)
    axes = figure.add_axes((0.08, 0.2, 0.84, 0.72))
    {"plane": _plane, "dots": _dots, "map": _map, "histogram": _histogram}[
        kind(entry, values)
    ](axes, values, entry)
    axes.tick_params(labelsize=7, length=2, pad=1)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    assert entry.picture is not None
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(entry.picture, metadata={"Description": entry.drawn_from})


def _histogram(axes: Any, values: np.ndarray, entry: Entry) -> None:
    flat = values.ravel()
    moments = entry.init.moments(entry.spec)
    known = moments is not None and np.isfinite(moments.std)
    # A heavy tail would leave nothing to see of the rest.
    law = entry.init.law(entry.spec)
    share = 0.002 if known or law is None else 0.03
    low, high = np.quantile(flat, [share, 1 - share])
    edge = 0.04 * (high - low)
    # An odd number: a law of a few values has one of its bars in the middle.
    axes.hist(flat, bins=41, range=(low - edge, high + edge), color="#7986cb")
    if moments is not None and known:
        axes.axvspan(
            moments.mean - moments.std,
            moments.mean + moments.std,
            color="#ffb300",
            alpha=0.25,
            lw=0,
            zorder=0,
        )
        axes.axvline(moments.mean, color="#d84315", lw=1)
    axes.set_xlim(low - edge, high + edge)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=5)


def _map(axes: Any, values: np.ndarray, entry: Entry) -> None:
    del entry
    picture = tiles(values)
    limit = np.nanmax(np.abs(picture))
    axes.set_facecolor("#e0e0e0")
    axes.imshow(
        picture,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_position((0.04, 0.05, 0.92, 0.9))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)


def _dots(axes: Any, values: np.ndarray, entry: Entry) -> None:
    del entry
    axes.plot(values, ".", color="#3f51b5", ms=4)
    axes.axhline(0, color="#bdbdbd", lw=0.8, zorder=0)
    axes.set_position((0.16, 0.18, 0.8, 0.76))
    axes.locator_params(nbins=4)


def _plane(axes: Any, values: np.ndarray, entry: Entry) -> None:
    del entry
    flat = values.ravel()
    axes.plot(flat.real, flat.imag, ".", color="#3f51b5", ms=4)
    axes.set_position((0.2, 0.18, 0.76, 0.76))
    axes.locator_params(nbins=4)
    if np.ptp(flat.real) > 0.2 * np.ptp(flat.imag):
        axes.set_aspect("equal")


def described(path: Path) -> str | None:
    """What a picture says of itself: the `Description` of a PNG file."""
    from PIL import Image

    if not path.exists():
        return None
    with Image.open(path) as image:
        return image.info.get("Description")


def stale(entry: Entry) -> bool:
    path = entry.picture
    return path is not None and described(path) != entry.drawn_from


def main() -> None:
    entries = [entry for family in families() for entry in family.entries]
    for entry in entries:
        if entry.picture is not None and ("--all" in sys.argv or stale(entry)):
            plot(entry)
            print(entry.picture.name)
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
