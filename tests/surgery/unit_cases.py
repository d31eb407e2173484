"""Small computations in which it is hard to see which axes run over the same units."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jr.normal(jr.key(seed), shape) / 2


def layers(**shapes: tuple[int, ...]) -> dict[str, jax.Array]:
    return {n: normal(*s, seed=i) for i, (n, s) in enumerate(shapes.items())}


def tell_apart(fn):
    """A model of two kernels, with something in between that tells units apart."""
    model = layers(a=(6, 3), b=(2, 6))
    return model, lambda m, x: m["b"] @ fn(m["a"] @ x), (normal(3, seed=9),)


def _windows(kernel):
    def call(h):
        image = h.reshape(1, 1, 6)
        return jax.lax.conv(image, kernel, (1,), "SAME").ravel()

    return call


# What happens to six units, and none of them may be moved.
TOLD_APART = {
    "positions": lambda h: h + jnp.sin(jnp.arange(6.0)),
    "constants": lambda h: h * jnp.array([1.0, 2.0, 1.0, 3.0, 1.0, 1.0]),
    "backwards": lambda h: h + h[::-1],
    "cumsum": lambda h: jnp.cumsum(h),
    "sort": lambda h: jnp.sort(h) * h,
    "neighbours": lambda h: jnp.concatenate([h[1:] - h[:-1], h[:1]]),
    "fft": lambda h: jnp.fft.rfft(h, 10).real,
    "roll": lambda h: h * jnp.roll(h, 1),
    "window": _windows(jnp.array([[[1.0, 2.0, 0.5]]])),
    "argmax": lambda h: h * jnp.argmax(h).astype(h.dtype),
    "top": lambda h: h * jax.lax.top_k(h, 1)[1].sum().astype(h.dtype),
    "gamma": lambda h: jr.gamma(jr.key(0), jnp.exp(h)),
    "pick": lambda h: h * h[jnp.array([2, 0, 1, 4, 5, 3])],
    "mask": lambda h: h @ jnp.tril(jnp.ones((6, 6))),
}


def _glu():
    model = layers(up=(12, 3), down=(2, 6))

    def call(m, x):
        gate, value = jnp.split(m["up"] @ x, 2)
        return m["down"] @ (jax.nn.silu(gate) * value)

    wanted = {("up", 0, "2 times unit"), ("down", 1, "unit")}
    return model, call, (normal(3),), [wanted]


def _fused():
    """Queries, keys and values of two heads of four, from one kernel."""
    model = layers(qkv=(24, 6), out=(6, 8))

    def call(m, x):
        parts = jnp.split(x @ m["qkv"].T, 3, axis=1)
        q, k, v = (part.reshape(5, 2, 4) for part in parts)
        weights = jax.nn.softmax(jnp.einsum("shd,thd->hst", q, k))
        return jnp.einsum("hst,thd->shd", weights, v).reshape(5, 8) @ m["out"].T

    heads = {("qkv", 0, "3 times unit 4"), ("out", 1, "unit 4")}
    # Those of queries meet those of keys, and not those of values.
    scores = {("qkv", 0, "2 times 2 unit + 2 4")}
    values = {("qkv", 0, "2 times 2 4 + 2 unit"), ("out", 1, "2 unit")}
    return model, call, (normal(5, 6),), [heads, scores, values]


def _grouped_queries():
    """Two heads of keys, three of queries for each of them."""
    model = layers(q=(24, 5), k=(8, 5), v=(8, 5), out=(5, 24))

    def call(m, x):
        q = (x @ m["q"].T).reshape(4, 6, 4)
        k, v = (
            jnp.repeat((x @ m[n].T).reshape(4, 2, 4), 3, axis=1) for n in ("k", "v")
        )
        weights = jax.nn.softmax(jnp.einsum("shd,thd->hst", q, k))
        return jnp.einsum("hst,thd->shd", weights, v).reshape(4, 24) @ m["out"].T

    heads = {("q", 0, "unit 3 4"), ("k", 0, "unit 4"), ("v", 0, "unit 4")}
    heads |= {("out", 1, "unit 3 4")}
    among = {("q", 0, "2 unit 4"), ("out", 1, "2 unit 4")}
    keys = {("q", 0, "2 3 unit"), ("k", 0, "2 unit")}
    values = {("v", 0, "2 unit"), ("out", 1, "2 3 unit")}
    return model, call, (normal(4, 5),), [heads, among, keys, values]


def _skips():
    """As in DenseNet: what was computed before is concatenated."""
    model = layers(a=(4, 3), b=(2, 4), c=(3, 6))

    def call(m, x):
        first = jnp.tanh(m["a"] @ x)
        second = jnp.tanh(m["b"] @ first)
        return m["c"] @ jnp.concatenate([first, second])

    return (
        model,
        call,
        (normal(3),),
        [
            {("a", 0, "unit"), ("b", 1, "unit"), ("c", 1, "unit + 2")},
            {("b", 0, "unit"), ("c", 1, "4 + unit")},
        ],
    )


def _grouped():
    """A convolution of two groups, and a norm over two."""
    model = layers(a=(8, 3, 1), b=(4, 4, 1), gain=(8, 1), c=(2, 4, 1))

    def conv(w, x, groups=1):
        spec = ("NCH", "OIH", "NCH")
        return jax.lax.conv_general_dilated(
            x, w, (1,), "SAME", dimension_numbers=spec, feature_group_count=groups
        )

    def call(m, x):
        h = conv(m["a"], x).reshape(2, 4, 5)
        h = h - h.mean((1, 2), keepdims=True)
        h = h.reshape(1, 8, 5) * m["gain"][None]
        return conv(m["c"], jnp.tanh(conv(m["b"], h, 2)))

    group = {("a", 0, "unit 4"), ("gain", 0, "unit 4"), ("b", 0, "unit 2")}
    group |= {("c", 1, "unit 2")}
    inner = {("a", 0, "2 unit"), ("gain", 0, "2 unit"), ("b", 1, "unit")}
    outer = {("b", 0, "2 unit"), ("c", 1, "2 unit")}
    return model, call, (normal(1, 3, 5),), [group, inner, outer]


def _flattened():
    """An image whose channels come first, and one where they come last."""
    model = layers(a=(4, 3), b=(2, 12), c=(2, 12))

    def call(m, x):
        h = jnp.tanh(m["a"] @ x)
        return m["b"] @ h.ravel() + m["c"] @ h.T.ravel()

    wanted = {("a", 0, "unit"), ("b", 1, "unit 3"), ("c", 1, "3 unit")}
    return model, call, (normal(3, 3),), [wanted]


def _padded():
    """A shortcut that fills new channels with zeros."""
    model = layers(a=(4, 3), b=(6, 4), c=(2, 6))

    def call(m, x):
        h = jnp.tanh(m["a"] @ x)
        return m["c"] @ (jnp.pad(h, (0, 2)) + m["b"] @ h)

    wanted = {("a", 0, "unit"), ("b", 1, "unit")}
    wanted |= {("b", 0, "unit + 2"), ("c", 1, "unit + 2")}
    return model, call, (normal(3),), [wanted]


def _pixels():
    """Channels that become places: blocks of four."""
    model = layers(a=(12, 3), b=(2, 3))

    def call(m, x):
        h = jnp.tanh(m["a"] @ x).reshape(3, 4)
        return m["b"] @ h

    return model, call, (normal(3),), [{("a", 0, "unit 4"), ("b", 1, "unit")}]


def _tied():
    model = layers(embed=(7, 4), mix=(4, 4))

    def call(m, tokens):
        h = m["embed"][tokens]
        return (h + jnp.tanh(h @ m["mix"].T)) @ m["embed"].T

    wanted = {("embed", 1, "unit"), ("mix", 0, "unit"), ("mix", 1, "unit")}
    return model, call, (jnp.array([1, 4, 2]),), [wanted]


def _standardised():
    """Kernels that are normalised when used, and a softmax over units."""
    model = layers(a=(5, 3), g=(5, 1), b=(2, 5))

    def call(m, x):
        a = m["g"] * m["a"] / jnp.linalg.norm(m["a"], axis=1, keepdims=True)
        return m["b"] @ jax.nn.softmax(a @ x)

    wanted = {("a", 0, "unit"), ("g", 0, "unit"), ("b", 1, "unit")}
    return model, call, (normal(3),), [wanted]


def _recurrent():
    cell = eqx.nn.GRUCell(3, 4, key=jr.key(0))
    model = {"cell": cell, "head": normal(2, 4), "start": normal(4, seed=5)}

    def call(m, xs):
        last, _ = jax.lax.scan(lambda h, x: (m["cell"](x, h), None), m["start"], xs)
        return m["head"] @ last

    wanted = {("cell.weight_ih", 0, "3 times unit"), ("cell.weight_hh", 1, "unit")}
    wanted |= {("cell.weight_hh", 0, "3 times unit"), ("cell.bias", 0, "3 times unit")}
    wanted |= {("cell.bias_n", 0, "unit"), ("head", 1, "unit"), ("start", 0, "unit")}
    return model, call, (normal(6, 3),), [wanted]


def _low_rank():
    model = layers(a=(2, 5), b=(6, 2), w=(6, 5), c=(2, 6))

    def call(m, x):
        return m["c"] @ jnp.tanh((m["w"] + 0.5 * m["b"] @ m["a"]) @ x)

    rank = {("a", 0, "unit"), ("b", 1, "unit")}
    units = {("b", 0, "unit"), ("w", 0, "unit"), ("c", 1, "unit")}
    return model, call, (normal(5),), [rank, units]


# Name to a model, its call, its inputs, and the groups that may be moved.
CASES = {
    "glu": _glu,
    "fused": _fused,
    "grouped_queries": _grouped_queries,
    "skips": _skips,
    "grouped": _grouped,
    "flattened": _flattened,
    "padded": _padded,
    "pixels": _pixels,
    "tied": _tied,
    "standardised": _standardised,
    "recurrent": _recurrent,
    "low_rank": _low_rank,
}
