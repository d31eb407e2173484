"""Initialisations that are exact: what they promise holds to rounding, or to the bit.

A net that looks linear is linear; a recurrent net that starts as the identity keeps its
state; a Dirac convolution passes its input on; a kernel made for a pixel shuffle has no
checkerboard; a bilinear kernel reproduces a constant; a network that was made wider
computes what it computed.

    python examples/science/identities.py

Balduzzi et al., arXiv:1702.08591; Le, Jaitly and Hinton, arXiv:1504.00941; Aitken et
al., arXiv:1707.02937; Long et al., arXiv:1411.4038; Chen, Goodfellow and Shlens,
arXiv:1511.05641.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from claims import Claim, figure, report

import eqinit as ei


EPS = 2.0**-24
KEY = jax.random.key(0)


def looks_linear(width: int = 64, depth: int = 20) -> Claim:
    """f(x) + f(y) against f(x + y), for ReLU layers."""
    net = eqx.filter_eval_shape(
        lambda: eqx.nn.MLP(width, width, 2 * width, depth, use_bias=False, key=KEY)
    )
    net = ei.apply(
        net,
        KEY,
        [
            ei.Rule("layers.0", weight=ei.LooksLinear(mirror="out")),
            ei.Rule(f"layers.{depth}", weight=ei.LooksLinear(mirror="in")),
            ei.Rule(eqx.nn.Linear, weight=ei.LooksLinear()),
            ei.Rule(ei.Role("bias"), ei.Zeros(), optional=True),
        ],
    )
    x, y = jax.random.normal(jax.random.key(1), (2, width))
    apart = jnp.abs(net(x) + net(y) - net(x + y)).max()
    # Orthogonal layers: entries of size 1, a rounding of a sum of N terms in each.
    bound = depth * width**0.5 * 8 * EPS
    return Claim("looks linear: f(x) + f(y) - f(x + y)", 0, float(apart), bound)


def irnn(width: int = 32, steps: int = 1000) -> Claim:
    """A state of ReLU units without input, after 1000 steps."""
    recurrent = ei.Identity()(KEY, (width, width), axes="out in")
    start = jax.nn.relu(jax.random.normal(KEY, (width,)))
    end = jax.lax.fori_loop(0, steps, lambda _, h: jax.nn.relu(recurrent @ h), start)
    return Claim(
        f"IRNN: change of the state in {steps} steps", 0, _apart(end, start), 0
    )


def dirac() -> Claim:
    conv = eqx.nn.Conv2d(6, 6, 5, padding="SAME", key=KEY)
    rule = ei.Rule(eqx.nn.Conv, weight=ei.Identity(), bias=ei.Zeros())
    conv = ei.apply(conv, KEY, [rule])
    x = jax.random.normal(KEY, (6, 12, 12))
    return Claim("Dirac: conv(x) - x", 0, _apart(conv(x), x), 0)


def shuffled(y: jax.Array, r: int) -> jax.Array:
    """From (c r r, h, w) to (c, h r, w r), as torch's pixel shuffle."""
    c, h, w = y.shape[0] // r**2, *y.shape[1:]
    return y.reshape(c, r, r, h, w).transpose(0, 3, 1, 4, 2).reshape(c, h * r, w * r)


def enlarged(init: ei.AbstractInitializer, x: jax.Array, r: int) -> jax.Array:
    conv = eqx.nn.Conv2d(1, r**2, 3, padding="SAME", use_bias=False, key=KEY)
    conv = ei.apply(conv, KEY, [ei.Rule(eqx.nn.Conv, weight=init)])
    return shuffled(conv(x), r)


def icnr(x: jax.Array, r: int = 3) -> Claim:
    image = enlarged(ei.ICNR(ei.HeNormal(), r), x, r)
    each = image[:, ::r, ::r]
    nearest = each.repeat(r, axis=1).repeat(r, axis=2)
    return Claim("ICNR: shuffled - nearest neighbour", 0, _apart(image, nearest), 0)


def bilinear(stride: int = 2) -> Claim:
    """A constant image, enlarged: away from the border it is what it was."""
    conv = eqx.nn.ConvTranspose2d(
        *(3, 3, 2 * stride, stride), groups=3, use_bias=False, key=KEY
    )
    conv = ei.apply(conv, KEY, [ei.Rule("**", weight=ei.filters.Bilinear())])
    inner = conv(jnp.ones((3, 8, 8)))[:, stride:-stride, stride:-stride]
    return Claim("bilinear: constant image", 0, _apart(inner, jnp.ones(())), 4 * EPS)


def wider(width: int = 32) -> Claim:
    net = eqx.nn.MLP(4, 3, width, 3, key=KEY)
    net = ei.apply(net, KEY, ei.recipes.keras())
    x = jax.random.normal(KEY, (64, 4))

    def call(net: eqx.nn.MLP, x: jax.Array) -> jax.Array:
        return jax.vmap(net)(x)

    wide = ei.surgery.widen(net, "layers.0", 2 * width, jax.random.key(1), call, x)
    before, after = call(net, x), call(wide, x)
    size = float(jnp.abs(before).max())
    bound = 4 * width**0.5 * EPS * max(size, 1.0)
    return Claim("Net2Net: wider - narrow", 0, _apart(after, before), bound)


def _apart(a: jax.Array, b: jax.Array) -> float:
    return float(jnp.abs(a - b).max())


def main() -> None:
    ramp = np.linspace(-1, 1, 10)
    image = jnp.asarray(ramp[:, None] + np.sin(4 * ramp)[None], jnp.float32)[None]
    with figure("identities", 2) as axes:
        for axis, (name, init) in zip(
            axes,
            {"He": ei.HeNormal(), "ICNR": ei.ICNR(ei.HeNormal(), 3)}.items(),
            strict=True,
        ):
            axis.imshow(enlarged(init, image, 3)[0], cmap="gray")
            axis.set(title=f"{name}, behind a pixel shuffle", xticks=[], yticks=[])
    report(looks_linear(), irnn(), dirac(), icnr(image), bilinear(), wider())


if __name__ == "__main__":
    main()
