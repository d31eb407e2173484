"""What one step of SGD does to a Fixup net is the same at 4 and at 64 blocks.

For a stream x of N entries of variance 1, blocks x + B relu(A x) and a readout w x, a
step of rate r changes the output by r times the squared norm of its gradient. With A of
variance 2 / (L N) and B = 0 that is N (1 + |w|^2), of which |w|^2 = 1 on average: 2 N,
for every L. With He's weights for both it is N (3^L + 2 L 3^(L-1)) on average.

    python examples/science/fixup.py

Zhang, Dauphin and Ma, arXiv:1901.09321.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, NETS, DEPTHS = 128, 40, (4, 16, 64)


class Net(eqx.Module):
    blocks: eqx.nn.MLP
    head: eqx.nn.Linear

    def __init__(self, layers: int):
        def block(key: jax.Array) -> eqx.nn.MLP:
            return eqx.nn.MLP(
                *(WIDTH, WIDTH, WIDTH, 1),
                use_bias=False,
                use_final_bias=False,
                key=key,
            )

        # Stacked: one block is compiled, whatever the depth.
        keys = jax.random.split(jax.random.key(0), layers)
        self.blocks = eqx.filter_vmap(block)(keys)
        self.head = eqx.nn.Linear(WIDTH, 1, use_bias=False, key=jax.random.key(0))

    def __call__(self, x: jax.Array) -> jax.Array:
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        def step(x: jax.Array, block: Any) -> tuple[jax.Array, None]:
            return x + eqx.combine(block, static)(x), None

        x, _ = jax.lax.scan(step, x, arrays)
        return self.head(x)[0]


def responses(layers: int, rules: list[ei.Rule], rate: float) -> np.ndarray:
    """The change of f by one step of SGD that pushes it down, over rate and width.

    At a rate of zero the limit of that: the squared norm of the gradient.
    """
    model = eqx.filter_eval_shape(Net, layers)
    plan = ei.plan(model, rules)
    head = ei.LecunNormal(distribution="normal")

    @eqx.filter_jit
    def one(key: jax.Array) -> jax.Array:
        a, b, c = jax.random.split(key, 3)
        # The classifier's own zero would hide the blocks: only it would learn.
        net = eqx.tree_at(
            lambda m: m.head.weight,
            plan.apply(model, a),
            head(b, (1, WIDTH), axes="out in"),
        )
        x = jax.random.normal(c, (WIDTH,))
        x = x / jnp.sqrt(jnp.mean(x**2))
        value, grads = eqx.filter_value_and_grad(lambda m: m(x))(net)
        if not rate:
            return sum(jnp.sum(g**2) for g in jax.tree.leaves(grads)) / WIDTH
        step = jax.tree.map(lambda g: -rate / WIDTH * g, grads)
        after = eqx.apply_updates(net, step)
        return (value - after(x)) / rate

    return np.asarray([one(k) for k in jax.random.split(jax.random.key(1), NETS)])


def main() -> None:
    he = ei.HeNormal(distribution="normal")
    fixup, plain, claims = [], [], []
    for layers in DEPTHS:
        rules = ei.recipes.fixup(
            "blocks.layers.0", "blocks.layers.1", "head", num_layers=layers
        )
        seen = responses(layers, rules, rate=1e-3).astype(np.float64)
        fixup.append((seen.mean(), 5 * seen.std() / math.sqrt(NETS)))
        # The second order of a step of 1e-3 is a thousandth of the first.
        claims.append(
            Claim(f"Fixup, {layers} blocks", 2, seen.mean(), fixup[-1][1] + 2e-3)
        )
        everywhere = [ei.Rule(eqx.nn.Linear, weight=he)]
        logs = np.log(responses(layers, everywhere, rate=0.0).astype(np.float64))
        plain.append((logs.mean(), logs.var()))
    for layers, (mean, variance) in zip(DEPTHS, plain, strict=True):
        # The log of the mean of a log-normal is its mean and half its variance.
        expected = layers * math.log(3) + math.log1p(2 * layers / 3)
        error = 5 * math.sqrt(variance / NETS + variance**2 / 2 / NETS)
        what = f"He, {layers} blocks: ln"
        # What the log-normal leaves out is of the next order in L / N.
        more = variance**2 / 2
        claims.append(Claim(what, expected, mean + variance / 2, error + more))
    with figure("fixup") as [axis]:
        means, errors = np.asarray(fixup).T
        axis.errorbar(DEPTHS, means, errors, fmt="o", color=BLUE, label="Fixup")
        axis.plot(DEPTHS, np.exp([m for m, _ in plain]), "o", color=ORANGE, label="He")
        depths = np.arange(DEPTHS[0], DEPTHS[-1] + 1)
        axis.plot(depths, 2 + 0 * depths, **THEORY)
        grown = 3.0**depths * (1 + 2 * depths / 3)
        axis.plot(depths, grown, **THEORY, label="expected")
        axis.set_yscale("log")
        axis.set(xlabel="residual blocks", ylabel="change of f per rate and width")
        axis.legend(fontsize=8)
    report(*claims)


if __name__ == "__main__":
    main()
