"""Draw `images/axes.png`: the axes of one weight, followed to what says what they are.

Everything in the picture is read off a trace: the equations, and the digits of the
weight on the axes of each array. Run `python docs/axes.py` after a change.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch, Rectangle

from eqinit import trace_layouts
from eqinit._inference.digits import Digit, split
from eqinit._inference.domain import Meaning
from eqinit._inference.rules import RULES
from eqinit._inference.walker import walk


PICTURE = Path(__file__).parent / "images" / "axes.png"
POSITIONS, HEADS, WIDTH, INPUTS = 5, 2, 4, 8
INK, PAPER, GREY = "#24292f", "#ffffff", "#d0d7de"
# Of axis 0 the parts, heads and features of a head, by stride; and axis 1.
COLOURS = {(0, 8): "#e8a33d", (0, 4): "#4f8fd9", (0, 1): "#6bb38a", (1, 1): "#d9605a"}
SAYS = {
    "dot_general": "x takes the red axis: it is in",
    "split": "cut in three: a gate",
    "reshape": "one axis is three",
}


def call(model: Any, x: Any) -> Any:
    """Queries, keys and values by one matrix, and scores of attention."""
    y = (x @ model["weight"].T).reshape(POSITIONS, 3, HEADS, WIDTH)
    q, k, _ = (part[:, 0] for part in jnp.split(y, 3, axis=1))
    return jnp.einsum("qhd,khd->hqk", q, k)


MODEL = {"weight": jax.ShapeDtypeStruct((3 * HEADS * WIDTH, INPUTS), jnp.float32)}
X = jax.ShapeDtypeStruct((POSITIONS, INPUTS), jnp.float32)


def steps() -> list[tuple[str, list[Any]]]:
    """Each equation with the weight's digits on the axes of what it returns."""
    found: list[tuple[str, list[Any]]] = []

    def watched(name: str) -> Any:
        def rule(domain: Any, eqn: Any, values: Any) -> Any:
            outputs = RULES[name](domain, eqn, values)
            found.append((name, [v.tracks[0].dims for v in outputs if v.tracks]))
            return outputs

        return rule

    jaxpr = jax.make_jaxpr(call)(MODEL, X)
    meaning = Meaning({name: watched(name) for name in RULES})
    walk(meaning, jaxpr, [meaning.parameter(0, (24, 8)), meaning.data(X.shape)])
    return found


def pieces(digits: tuple[Digit, ...]) -> list[tuple[int, str]]:
    """Sizes and colours of the smallest digits that the picture tells apart."""
    done: list[tuple[int, str]] = []
    rest = list(digits)
    while rest:
        digit = rest.pop(0)
        strides = [s for axis, s in COLOURS if axis == digit.axis and s > digit.stride]
        inner = [s for s in strides if s < digit.stride * digit.size]
        halves = split(digit, min(inner) // digit.stride) if inner else None
        if halves is not None:
            rest = [*halves, *rest]
        else:
            done.append((digit.size, COLOURS.get((digit.axis, digit.stride), GREY)))
    return done


def draw_array(ax: Any, left: float, y: float, dims: Any) -> float:
    """An array as a row of axes, each in the colours of its digits."""
    for digits in dims:
        parts = pieces(digits) or [(1, GREY)]
        width = 0.62 * len(parts)
        for i, (size, colour) in enumerate(parts):
            box = Rectangle((left + 0.62 * i, y), 0.62, 0.5, color=colour, lw=0)
            ax.add_patch(box)
            middle = left + 0.62 * (i + 0.5)
            ax.text(middle, y + 0.25, str(size), ha="center", va="center", color=INK)
        style = {"boxstyle": "round,pad=0.02,rounding_size=0.06", "fill": False}
        ax.add_patch(FancyBboxPatch((left, y), width, 0.5, ec=INK, lw=1.4, **style))
        left += width + 0.18
    return left


def draw() -> None:
    weight = [(Digit(0, 24),), (Digit(1, 8),)]
    shown = [("weight", [weight])]
    last: Any = None
    for name, arrays in steps():
        if name in ("dot_general", "reshape", "split", "transpose") and arrays != last:
            shown.append((name, arrays))
        last = arrays
    fig, ax = plt.subplots(figsize=(9.2, 0.72 * len(shown) + 0.9), dpi=150)
    for row, (name, arrays) in enumerate(shown):
        y = -row * 0.95
        ax.text(0, y + 0.25, name, va="center", family="monospace", color=INK)
        left = 2.3
        for dims in arrays:
            left = draw_array(ax, left, y, dims) + 0.3
        scores = name == "dot_general" and row > 2
        says = "queries meet keys: still outputs" if scores else SAYS.get(name, "")
        ax.text(max(left, 8.4), y + 0.25, says, va="center", color=INK, style="italic")
    row = trace_layouts(MODEL, call, X)["weight"]
    text = f"weight is  {row.axes},  fan in {row.fan_in},  fan out {row.fan_out}"
    ax.text(0, -len(shown) * 0.95 + 0.2, text, va="center", weight="bold", color=INK)
    ax.set_xlim(-0.1, 12.6)
    ax.set_ylim(-len(shown) * 0.95 - 0.1, 0.8)
    ax.set_axis_off()
    fig.savefig(PICTURE, facecolor=PAPER, bbox_inches="tight", pad_inches=0.1)


if __name__ == "__main__":
    draw()
