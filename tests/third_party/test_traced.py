"""Layouts of third-party models, against what the models compute."""

import importlib
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import pytest
from test_libraries import LIBRARIES, entries, names

import eqinit
from eqinit._models.read import read
from eqinit._parameters.paths import matches


KEY = jax.random.key(0)

# Built and traced in a second or so each; the others with `--runslow`.
QUICK = (
    *("klax-ficnn", "klax-mlp_nonneg", "klax-picnn", "pdequinox-resnet1d"),
    *("pdequinox-ensemble", "flowjax-coupling", "eqx_zoo-qwen3_moe", "eqx_zoo-bert"),
    *("jaxonmodels-vit", "equimo-vit", "equimo-text"),
)

# Kernels and biases that layouts know and that a trace cannot read for certain.
IN_DOUBT = {
    # Shared data under `vmap`: the stack could as well be one more axis of outputs.
    "pdequinox-ensemble": ("layers.0.*",),
    # The head is the table of the tokens, by a property.
    "esm2quinox-esm2": ("logit_head.linear2.weight",),
    # Small nets of constants: the logarithm of a length, and a grid of coordinates
    # which is an array of floats, as parameters are.
    "equimo-tabpfn": (
        "**.softmax_scaling.**",
        "feature_encoder.blocks.blocks.0.attn1.attn.q_proj.weight",
    ),
    "jaxonmodels-swin_v2_t": ("**.attn.cpb_mlp_*",),
    # One number for each position, and a softmax over these: as of a learned query.
    "equimo-partialformer": ("**.mmsa.attn_proj1.*",),
}


def traced_entries() -> Iterator[Any]:
    for entry in entries():
        slow = [] if entry.id in QUICK else [pytest.mark.slow]
        yield pytest.param(*entry.values, marks=[*entry.marks, *slow], id=entry.id)


def skeleton(make: Any) -> Any:
    try:
        return eqx.filter_eval_shape(make, KEY)
    except Exception:  # a constructor that looks at values
        return make(KEY)


@pytest.mark.filterwarnings("ignore")  # some libraries warn
@pytest.mark.parametrize(("library", "name"), list(traced_entries()))
def test_kernels_and_biases_are_what_their_layouts_say(library: str, name: str):
    entry = importlib.import_module(f"builders.{library}").MODELS[name]
    if entry.call is None:
        pytest.skip("its own forward pass fails")
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        model = skeleton(entry.make)
        traced = eqinit.trace_layouts(model, entry.call, KEY, *entry.inputs())
    traced.verify()
    doubt = IN_DOUBT.get(f"{library}-{name}", ())
    sites = {site.path: site for site in read(model).parameters}
    compared = 0
    for row in traced:
        spec = sites[row.path].spec
        known = spec.role in ("kernel", "bias") and spec.fan_in is not None
        if not known or row.status == "unused":
            continue
        if row.status == "certain":
            assert (row.role, row.fan_in) == (spec.role, spec.fan_in), row
            compared += 1
        else:
            assert any(matches(glob, row.path) for glob in doubt), row
    assert compared or not any(site.spec.fan_in for site in sites.values())


def test_models_in_the_lists_above_are_models():
    known = {f"{library}-{name}" for library in LIBRARIES for name in names(library)}
    assert {*QUICK, *IN_DOUBT} <= known
