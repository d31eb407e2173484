"""Research code that is type-checked from end to end, initialisation included.

jaxtyping annotates shapes, beartype checks them when a function runs, and pyright
checks the rest before anything runs. The same annotations hold for eqinit: rules,
selectors and initializers have types of their own, a user's initializer is checked like
the library's, and an error names the rule and the path.

    python examples/typed_research.py

Takes a few seconds. In a package, jaxtyping's import hook checks every function without
a decorator: put this into the `__init__.py` of the package, before its other imports.

    from jaxtyping import install_import_hook

    with install_import_hook("my_package", "beartype.beartype"):
        from . import model, train
"""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from beartype import beartype
from jaxtyping import Array, Float, jaxtyped

import eqinit as ei
from eqinit.typing import Key, RulesLike, SelectorLike


M = TypeVar("M", bound=eqx.Module)
typed = jaxtyped(typechecker=beartype)


@typed
class Attention(eqx.Module):
    """One head: all of its shapes are in its annotations."""

    query: Float[Array, "dim width"]
    key: Float[Array, "dim width"]
    value: Float[Array, "dim width"]

    @typed
    def __call__(self, x: Float[Array, "tokens width"]) -> Float[Array, "tokens dim"]:
        scores = (x @ self.query.T) @ (x @ self.key.T).T
        weights = jax.nn.softmax(scores / self.query.shape[0] ** 0.5)
        return weights @ (x @ self.value.T)


ei.register_layout(Attention, query="out in", key="out in", value="out in")


class Sphere(ei.AbstractMatrixInitializer):
    """Rows of unit length: an initializer of our own, with its shapes in its types."""

    @typed
    def matrix(
        self, key: Key, rows: int, cols: int, dtype: jnp.dtype
    ) -> Float[Array, "{rows} {cols}"]:
        normal = jax.random.normal(key, (rows, cols), dtype)
        return normal / jnp.linalg.norm(normal, axis=1, keepdims=True)


class Transposed(ei.AbstractMatrixInitializer):
    """A mistake: inputs by outputs. On a square matrix nobody would see it."""

    @typed
    def matrix(
        self, key: Key, rows: int, cols: int, dtype: jnp.dtype
    ) -> Float[Array, "{rows} {cols}"]:
        return jax.random.normal(key, (cols, rows), dtype)


@typed
def set_up(model: M, key: Key, rules: RulesLike, kept: SelectorLike) -> M:
    """Initialise all of a model but what is kept: `M` in, the same `M` out."""
    return ei.apply(model, key, [ei.Rule(kept, ei.Keep()), rules])


def main() -> None:
    zeros = jnp.zeros((4, 16))
    model = Attention(zeros, zeros, zeros)
    rules = [ei.Rule(Attention, query=Sphere(), key=Sphere())]
    # pyright knows that this is an `Attention`, and refuses `model.qeury`.
    model = set_up(model, jax.random.key(0), rules, "value")
    print("rows of the query:", jnp.linalg.norm(model.query, axis=1))

    for wrong in (
        [ei.Rule(Attention, query=Transposed())],
        [ei.Rule("query", zeros.T)],
    ):
        try:
            set_up(model, jax.random.key(0), wrong, "value")
        except (TypeError, ValueError) as error:
            first = str(error).partition("\n")[0]
            notes = [n for n in getattr(error, "__notes__", []) if "eqinit" in n]
            print("", f"{type(error).__name__}: {first}", *notes, sep="\n")


if __name__ == "__main__":
    main()
