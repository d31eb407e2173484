"""The models that every operation is tried on: small, and of every kind."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import eqinit as ei


nn = eqx.nn


@functools.cache
def mlp(width: int = 8, depth: int = 2) -> nn.MLP:
    return nn.MLP(3, 2, width, depth, key=jr.key(0))


class CNN(eqx.Module):
    """Two convolutions with batch norm, a depthwise one between, a flattened head."""

    conv1: nn.Conv2d
    norm1: nn.BatchNorm
    depthwise: nn.Conv2d
    conv2: nn.Conv2d
    norm2: nn.BatchNorm
    head: nn.Linear

    def __init__(self, key: jax.Array, channels: int = 6):
        keys = jr.split(key, 4)
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1, key=keys[0])
        self.norm1 = nn.BatchNorm(channels, "batch", mode="batch")
        self.depthwise = nn.Conv2d(
            channels, channels, 3, padding=1, groups=channels, key=keys[1]
        )
        self.conv2 = nn.Conv2d(channels, 4, 3, stride=2, use_bias=False, key=keys[2])
        self.norm2 = nn.BatchNorm(4, "batch", mode="ema")
        self.head = nn.Linear(4 * 2 * 2, 5, key=keys[3])

    def __call__(self, x: jax.Array, state: nn.State) -> tuple[jax.Array, nn.State]:
        x, state = self.norm1(self.conv1(x), state)
        x = jax.nn.relu(self.depthwise(jax.nn.relu(x)))
        x, state = self.norm2(self.conv2(x), state)
        return self.head(jax.nn.relu(x).ravel()), state


@functools.cache
def cnn() -> tuple[CNN, nn.State]:
    """In inference mode, with statistics and gains that are not those of the start."""
    model, state = nn.make_with_state(CNN)(jr.key(0))
    rng = np.random.default_rng(3)
    for norm in (model.norm1, model.norm2):
        index = norm.batch_state_index or norm.ema_state_index
        mean, variance = rng.normal(0.5, 1.0, (2, norm.input_size)).astype(np.float32)
        state = state.set(index, (jnp.asarray(mean), jnp.asarray(variance**2 + 0.1)))
    state = state.set(model.norm1.batch_counter, jnp.array(7))
    state = state.set(model.norm2.ema_first_time_index, jnp.array(False))
    model = randomised(model, ("norm1", "norm2"))
    return nn.inference_mode(model), state


def call_cnn(tree: tuple[CNN, nn.State], x: jax.Array) -> jax.Array:
    model, state = tree
    return jax.vmap(lambda one: model(one, state)[0])(x)


class Block(eqx.Module):
    """Of a pre-norm transformer."""

    norm1: nn.LayerNorm
    attn: nn.MultiheadAttention
    norm2: nn.RMSNorm
    up: nn.Linear
    down: nn.Linear

    def __init__(self, width: int, heads: int, hidden: int, key: jax.Array):
        keys = jr.split(key, 3)
        self.norm1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(
            heads, width, use_query_bias=True, use_output_bias=True, key=keys[0]
        )
        self.norm2 = nn.RMSNorm(width)
        self.up = nn.Linear(width, hidden, key=keys[1])
        self.down = nn.Linear(hidden, width, key=keys[2])

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.vmap(self.norm1)(x)
        x = x + self.attn(y, y, y)
        y = jax.vmap(self.norm2)(x)
        return x + jax.vmap(lambda one: self.down(jax.nn.gelu(self.up(one))))(y)


class Transformer(eqx.Module):
    embed: nn.Embedding
    positions: jax.Array
    blocks: list[Block]
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self, key: jax.Array, width: int = 8, blocks: int = 2):
        keys = jr.split(key, blocks + 3)
        self.embed = nn.Embedding(7, width, key=keys[0])
        self.positions = jr.normal(keys[1], (6, width))
        self.blocks = [Block(width, 2, 12, key) for key in keys[3:]]
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 7, use_bias=False, key=keys[2])

    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = jax.vmap(self.embed)(tokens) + self.positions[: len(tokens)]
        for block in self.blocks:
            x = block(x)
        return jax.vmap(lambda one: self.head(self.norm(one)))(x)


@functools.cache
def transformer(blocks: int = 2) -> Transformer:
    model = Transformer(jr.key(0), blocks=blocks)
    return randomised(model, ("norm", *(f"blocks.{i}" for i in range(blocks))))


class Scanned(eqx.Module):
    """Blocks as one stack, which is scanned over."""

    embed: nn.Linear
    blocks: Block
    head: nn.Linear

    def __init__(self, key: jax.Array, blocks: int = 3):
        keys = jr.split(key, 3)
        self.embed = nn.Linear(3, 8, key=keys[0])
        make = eqx.filter_vmap(lambda key: Block(8, 2, 12, key))
        self.blocks = make(jr.split(keys[1], blocks))
        self.head = nn.Linear(8, 2, key=keys[2])

    def __call__(self, x: jax.Array) -> jax.Array:
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        def step(x: jax.Array, block: Block) -> tuple[jax.Array, None]:
            return eqx.combine(block, static)(x), None

        x, _ = jax.lax.scan(step, jax.vmap(self.embed)(x), arrays)
        return jax.vmap(self.head)(x)


@functools.cache
def scanned(blocks: int = 3) -> Scanned:
    return randomised(Scanned(jr.key(0), blocks), ("blocks",))


class Recurrent(eqx.Module):
    cell: nn.LSTMCell
    head: nn.Linear

    def __init__(self, key: jax.Array, hidden: int = 6):
        keys = jr.split(key)
        self.cell = nn.LSTMCell(3, hidden, key=keys[0])
        self.head = nn.Linear(hidden, 2, key=keys[1])

    def __call__(self, x: jax.Array) -> jax.Array:
        zero = jnp.zeros(self.cell.hidden_size, x.dtype)
        (h, _), _ = jax.lax.scan(
            lambda state, one: (self.cell(one, state), None), (zero, zero), x
        )
        return self.head(h)


@functools.cache
def lstm() -> Recurrent:
    return Recurrent(jr.key(0))


def randomised(model, under: tuple[str, ...]):
    """Norms and biases start at ones and zeros, under which mistakes do not show."""
    rng = np.random.default_rng(7)

    def value(site: ei.Site) -> np.ndarray:
        mean = 1.0 if site.spec.role == "scale" else 0.0
        return rng.normal(mean, 0.3, site.shape).astype(np.float32)

    for path in under:
        norms = ei.Path(path) & (ei.Role("scale") | ei.Role("bias"))
        chosen = ei.select(model, norms)
        model = chosen.set([value(site) for site in chosen.sites])
    return model


def call(model, x):
    return jax.vmap(model)(x)


# Name to (model, call, input).
MODELS = {
    "mlp": (mlp, call, lambda: jr.normal(jr.key(9), (4, 3))),
    "cnn": (cnn, call_cnn, lambda: jr.normal(jr.key(9), (4, 3, 5, 5))),
    "transformer": (transformer, call, lambda: jr.randint(jr.key(9), (2, 6), 0, 7)),
    "scanned": (scanned, call, lambda: jr.normal(jr.key(9), (2, 4, 3))),
    "lstm": (lstm, call, lambda: jr.normal(jr.key(9), (2, 5, 3))),
}


def assert_same_outputs(wanted, got, tolerance: float = 1e-5) -> None:
    wanted, got = np.asarray(wanted), np.asarray(got)
    assert wanted.shape == got.shape
    size = np.abs(wanted).max()
    assert size > 1e-3  # or everything would be the same
    assert np.abs(got - wanted).max() <= tolerance * size


def assert_sound(tree, call, *args) -> None:
    """Fields agree with arrays, and the model traces under `jit` and `grad`."""
    assert_consistent(tree)
    params, rest = eqx.partition(tree, eqx.is_inexact_array)
    jax.eval_shape(jax.jit(gradient(rest, call)), params, *args)


def assert_learns(tree, call, *args) -> None:
    """Compiled, gradients are finite and none is zero."""
    params, rest = eqx.partition(tree, eqx.is_inexact_array)
    grads = jax.jit(gradient(rest, call))(params, *args)
    model = grads[0] if isinstance(grads, tuple) else grads
    for path, grad in jax.tree_util.tree_flatten_with_path(model)[0]:
        assert bool(jnp.isfinite(grad).all()), path
        assert float(jnp.abs(grad).max()) > 0, path


def gradient(rest, call):
    def loss(params, *args):
        out = call(eqx.combine(params, rest), *args)
        weights = jnp.cos(jnp.arange(out.size, dtype=out.dtype)).reshape(out.shape)
        return (out * weights).sum()

    return jax.grad(loss)


def assert_consistent(model) -> None:
    from eqinit.surgery._swap import problems_of

    assert problems_of(model) == []
