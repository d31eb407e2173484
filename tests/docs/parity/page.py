"""A parity page as rows: what the peer has, and the value of eqinit's expression."""

import re
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import eqinit as ei


PAGES = Path(__file__).parents[3] / "docs" / "parity"


def rows(peer: str) -> dict[str, str]:
    """Item of the peer to eqinit's expression, as the page's one table has them."""
    page = (PAGES / f"{peer}.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in page.splitlines():
        if not line.startswith("| ") or line.startswith(f"| {_title(page)} |"):
            continue
        item, expression = (cell.strip() for cell in line.split(" | ")[:2])
        item = item.removeprefix("| ")
        assert item not in found, item
        found[item] = re.fullmatch(r"`(.+)`", expression)[1]  # pyright: ignore
    return found


def _title(page: str) -> str:
    header = next(line for line in page.splitlines() if line.startswith("| "))
    return header.split("|")[1].strip()


def value(expression: str) -> Any:
    names = {"ei": ei, "eqx": eqx, "jax": jax, "jnp": jnp}
    return eval(expression, names | {"key": jax.random.key(0)})


def draw(init: Any, shape: tuple[int, ...] = (64, 32), **said: Any) -> np.ndarray:
    said = said or {"axes": "out in"}
    return np.asarray(init(jax.random.key(7), shape, **said), np.float64)
