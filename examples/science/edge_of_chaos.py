"""At the edge of chaos two inputs are told apart after any number of tanh layers.

With weights of variance s_w^2 / N and biases of variance s_b^2 the correlation c of two
inputs follows c -> (s_w^2 E[tanh u tanh v] + s_b^2) / q, (u, v) normal with variance q
and correlation c. In chaos (s_w^2 = 4) it falls to a fixed point within some layers, in
order (s_w^2 = 0.8) it is 1, and at the critical variance it moves slowly. The expected
numbers are by quadrature in numpy, which shares nothing with eqinit's.

    python examples/science/edge_of_chaos.py

Poole et al., arXiv:1606.05340; Schoenholz et al., arXiv:1611.01232; the variance 1.05
for s_b^2 = 2.01e-5 is from Xiao et al., arXiv:1806.05393.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, GREEN, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, NETS, BIAS, START = 512, 20, 64, 0.0025, 0.5
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def fixed_point(weight_var: float, bias_var: float = BIAS) -> float:
    q = 1.0
    for _ in range(10_000):
        q = weight_var * WEIGHTS @ np.tanh(math.sqrt(q) * NODES) ** 2 + bias_var
    return float(q)


def slope(weight_var: float, q: float) -> float:
    """By how much a small difference grows in a layer: 1 at the edge."""
    derivative = 1 - np.tanh(math.sqrt(q) * NODES) ** 2
    return float(weight_var * WEIGHTS @ derivative**2)


def theory(weight_var: float, q: float) -> np.ndarray:
    """The correlation after each layer, for infinitely many units."""
    u, v = math.sqrt(q) * NODES[:, None], math.sqrt(q) * NODES[None]
    correlations = [START]
    for _ in range(LAYERS):
        c = correlations[-1]
        other = np.tanh(c * u + math.sqrt(1 - c**2) * v)
        product = np.tanh(u) * other
        correlations.append(
            min(float(weight_var * WEIGHTS @ product @ WEIGHTS + BIAS) / q, 1.0)
        )
    return np.asarray(correlations)


def measured(weight: ei.AbstractInitializer, q: float, key: jax.Array) -> np.ndarray:
    """The same in nets of WIDTH units: (NETS, LAYERS + 1)."""
    bias = ei.Normal(math.sqrt(BIAS))

    def correlation(h: jax.Array) -> jax.Array:
        return h[0] @ h[1] / jnp.sqrt((h[0] @ h[0]) * (h[1] @ h[1]))

    def layer(h: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, b = jax.random.split(key)
        w = weight(a, (WIDTH, WIDTH), axes="out in")
        h = jnp.tanh(h) @ w.T + bias(b, (1, WIDTH))
        return h, correlation(h)

    @jax.jit
    def net(key: jax.Array) -> jax.Array:
        a, b = jax.random.split(key)
        u, v = jax.random.normal(a, (2, WIDTH))
        h = jnp.stack([u, START * u + math.sqrt(1 - START**2) * v])
        h = h * math.sqrt(q)
        _, rest = jax.lax.scan(layer, h, jax.random.split(b, LAYERS))
        return jnp.concatenate([correlation(h)[None], rest])

    return np.asarray([net(k) for k in jax.random.split(key, NETS)], np.float64)


def main() -> None:
    point = ei.depth.edge_of_chaos("tanh", BIAS)
    edge = ei.depth.EdgeOfChaos("tanh", BIAS)
    cases = {
        "order, 0.8": (0.8, ei.LecunNormal(0.8**0.5, distribution="normal"), GREEN),
        f"edge, {point.weight_var:.3f}": (point.weight_var, edge, BLUE),
        "chaos, 4": (4.0, ei.LecunNormal(2.0, distribution="normal"), ORANGE),
    }
    claims = [
        Claim(
            "critical variance for 2.01e-5 (Xiao et al.)",
            1.05,
            ei.depth.edge_of_chaos("tanh", 2.01e-5).weight_var,
            0.005,  # half of its last digit
        ),
        Claim("q at the edge", fixed_point(point.weight_var), point.q, 1e-6),
        Claim("slope at the edge", 1, slope(point.weight_var, point.q), 1e-6),
    ]
    with figure("edge_of_chaos") as [axis]:
        for i, (name, (variance, init, colour)) in enumerate(cases.items()):
            q = fixed_point(variance)
            expected = theory(variance, q)
            seen = measured(init, q, jax.random.key(i))
            mean, error = seen.mean(0), seen.std(0) / math.sqrt(NETS)
            axis.errorbar(
                *(range(LAYERS + 1), mean, 5 * error),
                fmt=".",
                color=colour,
                label=f"{name}",
            )
            axis.plot(expected, **THEORY)
            # Five sigmas over nets, and L / N for finite width.
            tolerance = 5 * error[-1] + LAYERS / WIDTH
            what = f"{name}: correlation after {LAYERS} layers"
            claims.append(Claim(what, expected[-1], mean[-1], tolerance))
        axis.lines[-1].set_label("theory")
        axis.set(xlabel="layer", ylabel="correlation of two inputs")
        axis.set_xticks(range(0, LAYERS + 1, 5))
        beside = {"fontsize": 8, "loc": "outside right upper"}
        axis.figure.legend(title="weight variance", **beside)
    report(*claims)


if __name__ == "__main__":
    main()
