"""pdequinox: copies of convolutions, spectral weights, an ensemble by stacking."""

import equinox as eqx
import jax
import pdequinox
from pdequinox import arch

from ._entry import Entry, image


def _call(model, key, field):
    del key
    return model(field)


def _ensemble(key):
    keys = jax.random.split(key, 4)
    return pdequinox.combine_to_ensemble(
        [arch.ConvNet(1, 3, 2, depth=2, key=k) for k in keys]
    )


def _call_ensemble(model, key, field):
    del key
    return eqx.filter_vmap(lambda member: member(field))(model)


MODELS = {
    "fno2d": Entry(
        lambda key: arch.ClassicFNO(
            2, 3, 2, hidden_channels=12, num_modes=4, num_blocks=3, key=key
        ),
        _call,
        image(3, 16, 16),
    ),
    "modern_unet2d": Entry(
        lambda key: arch.ModernUNet(2, 3, 2, hidden_channels=8, num_levels=2, key=key),
        _call,
        image(3, 16, 16),
    ),
    "classic_unet1d": Entry(
        lambda key: arch.ClassicUNet(
            1, 3, 2, hidden_channels=8, num_levels=2, boundary_mode="dirichlet", key=key
        ),
        _call,
        image(3, 16),
    ),
    "resnet1d": Entry(
        lambda key: arch.ClassicResNet(1, 3, 2, key=key), _call, image(3, 16)
    ),
    "dilated1d": Entry(
        lambda key: arch.DilatedResNet(1, 3, 2, key=key), _call, image(3, 16)
    ),
    "mlp": Entry(
        lambda key: arch.MLP(1, 3, 2, num_points=16, key=key), _call, image(3, 16)
    ),
    "convnet_neumann": Entry(
        lambda key: arch.ConvNet(1, 3, 2, boundary_mode="neumann", depth=3, key=key),
        _call,
        image(3, 16),
    ),
    "ensemble": Entry(_ensemble, _call_ensemble, image(3, 16)),
}
