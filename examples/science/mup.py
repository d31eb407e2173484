"""With muP an optimiser's step changes each layer as much at every width.

A step of Adam moves every weight by about its rate, and a layer of N inputs that move
together moves by N times as much: in the standard parametrization the changes of hidden
layers and readout grow with the width, in muP none does.

    python examples/science/mup.py

Yang et al., Tensor programs V, arXiv:2203.03466, section 6 and appendix D.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from claims import Claim, figure, report

import eqinit as ei


WIDTHS, BASE, SEEDS, RATE, BATCH = (128, 256, 512, 1024), 64, 32, 2e-4, 16


def net(width: int) -> eqx.nn.MLP:
    return eqx.nn.MLP(
        *(8, 1, width, 2, jnp.tanh),
        use_bias=False,
        use_final_bias=False,
        key=jax.random.key(0),
    )


def outputs(model: eqx.nn.MLP, x: jax.Array) -> list[jax.Array]:
    seen = []
    for layer in model.layers:
        seen.append(jax.vmap(layer)(x))
        x = jnp.tanh(seen[-1])
    return seen


def changes(width: int, scaled: bool) -> np.ndarray:
    """The root mean square of how far each layer's output moves in one step."""
    base = eqx.filter_eval_shape(net, BASE)
    skeleton = eqx.filter_eval_shape(net, width)
    plain = [ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal())]
    plan = ei.plan(skeleton, ei.recipes.mup(base) if scaled else plain)
    steps = ei.recipes.mup_steps(skeleton, base) if scaled else optax.identity()
    # Without its epsilon Adam does not see the size of a gradient.
    optimizer = optax.chain(optax.adam(RATE, eps=1e-30), steps)

    @eqx.filter_jit
    def moved(key: jax.Array) -> list[jax.Array]:
        a, b = jax.random.split(key)
        model = plan.apply(skeleton, a)
        x = jax.random.normal(b, (BATCH, 8))

        def loss(model: eqx.nn.MLP) -> jax.Array:
            return jnp.mean((outputs(model, x)[-1] - jnp.sin(3 * x[:, :1])) ** 2)

        grads = eqx.filter_grad(loss)(model)
        arrays = eqx.filter(model, eqx.is_inexact_array)
        updates, _ = optimizer.update(grads, optimizer.init(arrays), arrays)
        after = outputs(eqx.apply_updates(model, updates), x)
        pairs = zip(after, outputs(model, x), strict=True)
        return [jnp.sqrt(jnp.mean((new - old) ** 2)) for new, old in pairs]

    keys = jax.random.split(jax.random.key(0), SEEDS)
    return np.asarray([moved(key) for key in keys], np.float64)


def main() -> None:
    layers = ("first layer", "hidden layer", "readout")
    # One step of the hidden layer moves N weights of each unit the same way; the
    # readout, of weights N^(-1/2), adds N of the changes that this makes.
    theory = {"standard": (0.0, 1.0, 1.5), "muP": (0.0, 0.0, 0.0)}
    claims: list[Claim] = []
    with figure("mup", 2) as axes:
        for axis, (name, slopes) in zip(axes, theory.items(), strict=True):
            seen = np.log([changes(width, name == "muP") for width in WIDTHS])
            axis.loglog(WIDTHS, np.exp(seen.mean(1)), "o-", label=layers)
            axis.set(title=name, xlabel="width", ylim=(1e-4, 3))
            axis.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
            axis.set_xticks([], minor=True)
            for i, (layer, slope) in enumerate(zip(layers, slopes, strict=True)):
                fits = np.polyfit(np.log(WIDTHS), seen[:, :, i], 1)[0]
                # Five sigmas, and N^(-1/2): what a finite width leaves.
                error = 5 * fits.std() / math.sqrt(SEEDS) + WIDTHS[0] ** -0.5
                claims.append(Claim(f"{name}: {layer}", slope, fits.mean(), error))
        axes[0].set_ylabel("change of the output in a step")
        axes[1].legend(fontsize=8)
    report(*claims)


if __name__ == "__main__":
    main()
