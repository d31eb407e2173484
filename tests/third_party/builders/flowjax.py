"""flowjax: masks, weight norm and positive scales by paramax; layers under `vmap`."""

import jax.numpy as jnp
from flowjax import flows
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal

from eqinit import Filter, Keep, Rule

from ._entry import Entry, image


def _base():
    return Normal(jnp.zeros(3))


def _blind(site) -> bool:
    return site.parametrization is not None and site.parametrization.blind


# Functions made inside of functions: nobody can say their inverses.
UNKNOWN = (Rule(Filter(_blind), Keep()),)


def _log_prob(model, key, point):
    del key
    return model.log_prob(point)


def _maf(key):
    spline = RationalQuadraticSpline(knots=4, interval=3)
    return flows.masked_autoregressive_flow(
        key, base_dist=_base(), transformer=spline, flow_layers=4, nn_width=16
    )


MODELS = {
    "maf_rqs": Entry(_maf, _log_prob, image(3)),
    "bnaf": Entry(
        lambda key: flows.block_neural_autoregressive_flow(
            key, base_dist=_base(), flow_layers=2, nn_block_dim=4
        ),
        _log_prob,
        image(3),
        UNKNOWN,
    ),
    "coupling": Entry(
        lambda key: flows.coupling_flow(
            key, base_dist=_base(), flow_layers=3, nn_width=16
        ),
        _log_prob,
        image(3),
    ),
    "planar": Entry(
        lambda key: flows.planar_flow(
            key, base_dist=_base(), flow_layers=3, width_size=8, depth=1
        ),
        _log_prob,
        image(3),
    ),
    "triangular_spline": Entry(
        lambda key: flows.triangular_spline_flow(key, base_dist=_base(), flow_layers=3),
        _log_prob,
        image(3),
        UNKNOWN,
    ),
}
