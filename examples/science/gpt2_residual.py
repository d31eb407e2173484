"""GPT-2's 1 / sqrt(2 L) keeps the residual stream as it is at any depth.

With one scale for all layers the stream's variance grows in proportion to the number of
branches, L; with GPT-2's its growth is the same at 6 and at 24 layers.

    python examples/science/gpt2_residual.py

Radford et al., Language models are unsupervised multitask learners, 2019.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, NETS = 64, 12


class Block(eqx.Module):
    norm: eqx.nn.LayerNorm
    mlp: eqx.nn.MLP

    def __init__(self, key: jax.Array):
        self.norm = eqx.nn.LayerNorm(WIDTH)
        self.mlp = eqx.nn.MLP(WIDTH, WIDTH, 4 * WIDTH, 1, jax.nn.gelu, key=key)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.mlp(self.norm(x))


class Stream(eqx.Module):
    blocks: list[Block]

    def __init__(self, layers: int):
        keys = jax.random.split(jax.random.key(0), layers)
        self.blocks = [Block(key) for key in keys]

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


def growth(layers: int, scaled: bool) -> tuple[float, float]:
    """What is added to the stream's mean square of 1: mean over nets, its error."""
    model = Stream(layers)
    one = jax.ShapeDtypeStruct((WIDTH,), jnp.float32)
    traced = ei.trace_layouts(model, lambda m, x: m(x), one)
    # A std at which a branch adds about as much as there is.
    recipes = ei.recipes
    rules = recipes.gpt2(std=0.125) if scaled else recipes.plain_normal(0.125)
    plan = ei.plan(model, rules, layouts=traced)
    x = jax.random.normal(jax.random.key(1), (32, WIDTH))

    @jax.jit
    def added(key: jax.Array) -> jax.Array:
        y = jax.vmap(plan.apply(model, key))(x)
        return jnp.mean(y**2) / jnp.mean(x**2) - 1

    keys = jax.random.split(jax.random.key(2), NETS)
    found = np.asarray([added(key) for key in keys], np.float64)
    return float(found.mean()), float(found.std() / NETS**0.5)


def main() -> None:
    plain = [growth(layers, False) for layers in (4, 16)]
    scaled = [growth(layers, True) for layers in (4, 16)]

    def ratio(pair: list[tuple[float, float]]) -> tuple[float, float]:
        (a, da), (b, db) = pair
        return b / a, 5 * b / a * ((da / a) ** 2 + (db / b) ** 2) ** 0.5

    with figure("gpt2_residual") as [axis]:
        for pairs, colour, name in (
            (plain, ORANGE, "one scale"),
            (scaled, BLUE, "GPT-2's"),
        ):
            means, spread = np.asarray(pairs).T
            axis.errorbar((4, 16), means, 5 * spread, fmt="o", color=colour, label=name)
        axis.loglog([4, 16], [plain[0][0], 4 * plain[0][0]], **THEORY)
        kept = [scaled[0][0]] * 2
        axis.loglog([4, 16], kept, **THEORY, label="expected from 4 blocks")
        axis.set(xlabel="blocks", ylabel="growth of the stream's mean square")
        axis.set_xticks([4, 16], ["4", "16"])
        axis.set_xticks([], minor=True)
        axis.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axis.set_yticks([], minor=True)
        axis.set_ylim(1, 50)
        axis.legend(fontsize=8)
    (grown, error), (kept, small) = ratio(plain), ratio(scaled)
    report(
        Claim("one scale: growth at 16 over that at 4", 4, grown, error),
        Claim("GPT-2's: the same ratio", 1, kept, small),
    )


if __name__ == "__main__":
    main()
