"""pdequinox: copies of convolutions, spectral weights, an ensemble by stacking."""

import jax
import jax.numpy as jnp
import pdequinox
from pdequinox import arch

from ._entry import Entry


def _on(*shape):
    def call(model, key):
        del key
        return model(
            jnp.linspace(-1, 1, 3 * shape[-1] ** len(shape)).reshape(3, *shape)
        )

    return call


def _ensemble(key):
    keys = jax.random.split(key, 4)
    return pdequinox.combine_to_ensemble(
        [arch.ConvNet(1, 3, 2, depth=2, key=k) for k in keys]
    )


def _call_ensemble(model, key):
    import equinox as eqx

    del key
    return eqx.filter_vmap(lambda member: member(jnp.ones((3, 16))))(model)


MODELS = {
    "fno2d": Entry(
        lambda key: arch.ClassicFNO(
            2, 3, 2, hidden_channels=12, num_modes=4, num_blocks=3, key=key
        ),
        _on(16, 16),
    ),
    "modern_unet2d": Entry(
        lambda key: arch.ModernUNet(2, 3, 2, hidden_channels=8, num_levels=2, key=key),
        _on(16, 16),
    ),
    "classic_unet1d": Entry(
        lambda key: arch.ClassicUNet(
            1, 3, 2, hidden_channels=8, num_levels=2, boundary_mode="dirichlet", key=key
        ),
        _on(16),
    ),
    "resnet1d": Entry(lambda key: arch.ClassicResNet(1, 3, 2, key=key), _on(16)),
    "dilated1d": Entry(lambda key: arch.DilatedResNet(1, 3, 2, key=key), _on(16)),
    "mlp": Entry(lambda key: arch.MLP(1, 3, 2, num_points=16, key=key), _on(16)),
    "convnet_neumann": Entry(
        lambda key: arch.ConvNet(1, 3, 2, boundary_mode="neumann", depth=3, key=key),
        _on(16),
    ),
    "ensemble": Entry(_ensemble, _call_ensemble),
}
