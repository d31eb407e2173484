"""The five models of Equinox's own layers, and three that nobody here wrote."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from small_models import MODELS as SMALL

from .case import KEY, Patient


# Name to what it is.
OURS = {
    "mlp": "MLP",
    "cnn": "CNN",
    "transformer": "transformer",
    "scanned": "scan",
    "lstm": "LSTM",
}
# Name to what it is, and the package without which it is skipped.
THEIRS = {
    "bert": ("eqx-zoo", "eqx_zoo"),
    "resnet": ("PDEquinox", "pdequinox"),
    "klax": ("klax", "klax"),
}


def ours(name: str, deep: bool) -> Patient:
    make, call, inputs = SMALL[name]
    # Of most that is asked, one block tells as much as two, in half of the time.
    shallow = name == "transformer" and not deep
    return Patient(
        name,
        make(1) if shallow else make(),
        call,
        (inputs(),),
        name in ("scanned", "lstm"),
    )


def theirs(name: str, deep: bool) -> Patient:
    make = {"bert": bert, "resnet": resnet, "klax": klax_mlp}[name]
    model, inputs = make(2) if name == "bert" and deep else make()
    return Patient(name, model, called, (inputs,))


def called(model: Any, x: jax.Array) -> Any:
    return model(x)


@functools.cache
def bert(layers: int = 1) -> tuple[Any, jax.Array]:
    from eqx_zoo import Encoder, EncoderConfig

    config = EncoderConfig(
        architecture="BertModel",
        vocab_size=11,
        hidden_size=8,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=6,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
    )
    return scattered(Encoder(config, key=KEY)), jnp.array([3, 1, 7, 9, 2, 4])


@functools.cache
def resnet() -> tuple[Any, jax.Array]:
    from pdequinox import arch

    model = arch.ClassicResNet(1, 3, 2, hidden_channels=4, num_blocks=2, key=KEY)
    return model, jnp.sin(jnp.arange(24.0)).reshape(3, 8)


@functools.cache
def klax_mlp() -> tuple[Any, jax.Array]:
    import klax

    return scattered(klax.nn.MLP(3, 2, [6, 6], key=KEY)), jnp.array([0.5, -1.0, 2.0])


def scattered(model: Any) -> Any:
    """Norms and biases start at ones and zeros, under which mistakes do not show."""

    def noisy(leaf: Any) -> Any:
        flat = getattr(leaf, "ndim", 0) == 1 and jnp.issubdtype(
            leaf.dtype, jnp.floating
        )
        noise = (
            jax.random.normal(jax.random.fold_in(KEY, leaf.size), leaf.shape)
            if flat
            else 0
        )
        return leaf + 0.1 * noise if flat else leaf

    return jax.tree.map(noisy, model)
