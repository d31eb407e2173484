"""Recipes against what the reference libraries draw, parameter by parameter.

The scripts of `tests/references` wrote the tables, with the libraries themselves.
"""

import functools
import math
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from mirror import Row, mirror, reference

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)
Rules = Callable[[], list[ei.Rule]]
DOCS = Path(__file__).parents[2] / "docs" / "api" / "recipes.md"
LIBRARIES = ("torch", "timm", "transformers", "xlstm", "fla")


def ends(*names: str) -> Any:
    """Layers by the ends of their paths."""
    first, *rest = [ei.Path(f"**.{name}") for name in names]
    return functools.reduce(lambda a, b: a | b, rest, first)


def with_gammas(value: float) -> list[ei.Rule]:
    scales = ei.Rule(ei.Path("**.lambda*"), ei.Constant(value))
    return [scales, *recipes.plain_normal()]


def with_experts() -> list[ei.Rule]:
    """Arrays of all experts, which have no layout here."""
    stacked = ei.Rule(ends("experts", "gate"), ei.Normal(0.02))
    return [stacked, *recipes.llama()]


TORCH: dict[str, Rules] = {
    name: recipes.torch_default for name in reference("torch")["models"]
}
TORCH["transformer"] = recipes.vaswani

MLP = ends("fc1", "fc2")
TIMM: dict[str, Rules] = {
    "vit": recipes.vit_timm,
    "vit_jax": lambda: recipes.vit_jax("head", MLP),
    "vit_jax_nlhb": lambda: recipes.vit_jax("head", MLP, prior=True),
    "vit_moco": lambda: recipes.vit_moco("**.qkv"),
    "deit": recipes.vit_timm,
    "deit3": lambda: recipes.vit_timm(layer_scale=1e-6),
    "beit": recipes.beit,
    "eva": recipes.beit,
    "cait": lambda: recipes.cait(24),
    "mixer": lambda: recipes.mixer("head", MLP),
    "mixer_nlhb": lambda: recipes.mixer("head", MLP, prior=True),
    "swin": recipes.swin,
    "convnext": recipes.convnext,
    "resnet": lambda: recipes.resnet("layer*.*.bn2"),
    "resnet_nonzero": recipes.resnet,
    "resnext": lambda: recipes.resnet("layer*.*.bn3"),
    "efficientnet": recipes.efficientnet,
    "mobilenetv3": recipes.efficientnet,
    "regnet": lambda: recipes.regnet("s*.b*.conv3.bn"),
    "nfnet": lambda: recipes.nfnet("**.conv3_gain"),
    "nfnet_skipinit": recipes.nfnet,
    "beitv2": lambda: recipes.beit(layer_scale=1e-5),
    "swinv2": lambda: recipes.swin(last_norms=ends("norm1", "norm2")),
    "convnextv2": recipes.convnext,
    "repvgg": recipes.regnet,
}

TRANSFORMERS: dict[str, Rules] = {
    "gpt2": lambda: recipes.gpt2(3),
    "bert": recipes.bert,
    "roberta": recipes.bert,
    "distilbert": recipes.bert,
    "llama": recipes.llama,
    "mistral": recipes.llama,
    "qwen2": recipes.llama,
    "olmo": recipes.plain_normal,
    "gpt_neox": recipes.plain_normal,
    "opt": recipes.llama,
    "t5": lambda: recipes.t5(32, 8, ends("q")),
    "mamba": recipes.mamba,
    "mamba2": recipes.mamba2,
    "rwkv": recipes.rwkv4,
    "vit": recipes.plain_normal,
    "deit": recipes.plain_normal,
    "beit": lambda: with_gammas(0.1),
    "dinov2": lambda: with_gammas(1.0),
    "xlstm": lambda: recipes.xlstm(
        2, 32, ends("igate_preact"), ends("fgate_preact"), ends("out_proj", "proj_down")
    ),
    "wav2vec2": recipes.wav2vec2,
    "hubert": recipes.wav2vec2,
    "bloom": recipes.plain_normal,
    "gptj": recipes.plain_normal,
    "gpt_bigcode": lambda: recipes.gpt2(3),
    "gemma": recipes.llama,
    "mixtral": with_experts,
    "electra": recipes.bert,
    "umt5": lambda: recipes.t5(32, 8, ends("q")),
    "whisper": recipes.plain_normal,
    "segformer": recipes.plain_normal,
    "resnet": recipes.resnet,
}

XLSTM: dict[str, Rules] = {"xlstm": lambda: recipes.xlstm(4, 32)}
FLA: dict[str, Rules] = {"rwkv7": lambda: recipes.rwkv7(16)}

RULES = {
    "torch": TORCH,
    "timm": TIMM,
    "transformers": TRANSFORMERS,
    "xlstm": XLSTM,
    "fla": FLA,
}

# Where a recipe differs on purpose: patterns of names, by model. docs/api/recipes.md
# says why.
DIFFERENT: dict[tuple[str, str], tuple[str, ...]] = {
    ("torch", "transformer"): ("*.linear?.bias",),
    ("timm", "vit_moco"): ("patch_embed.proj.*",),
    ("transformers", "mamba"): ("*.conv1d.bias", "*.in_proj.weight", "*.x_proj.weight"),
    ("transformers", "mamba2"): (
        "*.conv1d.bias",
        "*.in_proj.weight",
        "lm_head.weight",
        "*.A_log",
    ),
    ("transformers", "rwkv"): (
        "*.embeddings.weight",
        "*.time_first",
        "*.attention.key.weight",
        "*.receptance.weight",
        "*.output.weight",
        "*.feed_forward.value.weight",
    ),
    ("transformers", "deit"): ("*_token", "*.position_embeddings"),
    ("transformers", "beit"): ("*.cls_token",),
    ("transformers", "dinov2"): ("*.mask_token",),
    ("transformers", "xlstm"): (
        "*.igate_preact.bias",
        "*.ogate_preact.weight",
        "*.proj_up_gate.weight",
        "*.proj_down.weight",
    ),
    ("timm", "repvgg"): ("*.bn.weight", "*.bn.bias"),
    ("transformers", "wav2vec2"): ("*.pos_conv_embed.conv.weight",),
    ("transformers", "hubert"): (
        "*.pos_conv_embed.conv.weight",
        "*.feature_projection.projection.*",
        "*.conv_layers.?.conv.bias",
    ),
    ("transformers", "gemma"): ("*norm.weight",),
    ("transformers", "whisper"): ("model.encoder.embed_positions.weight",),
    ("xlstm", "xlstm"): ("*norm.weight",),
}

CASES = [
    pytest.param(library, model, id=f"{library}-{model}")
    for library in LIBRARIES
    for model in RULES[library]
]


def test_every_model_of_the_tables_is_compared():
    for library in LIBRARIES:
        assert set(reference(library)["models"]) == set(RULES[library])


def density(unit: Any) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights for expectations under a unit law."""
    low, high = (max(-12.0, min(12.0, float(end))) for end in unit.support)
    z = np.linspace(low, high, 200_001)
    flat = type(unit).__name__ == "SymmetricUniform"
    weights = np.ones_like(z) if flat else np.exp(-(z**2) / 2)
    return z, weights / weights.sum()


@functools.cache
def kurtosis_of(unit: Any) -> tuple[float, float]:
    """The kurtosis of a centred unit law, and the error of a sample's times sqrt(n).

    By the delta method, with moments m_k of the standardised law, the variance of a
    sample's kurtosis is (m_8 - 4 m_4 m_6 + 4 m_4^3 - m_4^2) / n: 24 / n for a normal.
    """
    z, weights = density(unit)
    z = z / math.sqrt((weights * z**2).sum())
    fourth, sixth, eighth = ((weights * z**k).sum() for k in (4, 6, 8))
    variance = eighth - 4 * fourth * sixth + 4 * fourth**3 - fourth**2
    return fourth, math.sqrt(variance)


def complaint(theirs: Row, ours: Any, draws: int) -> str | None:
    """What is wrong with a row of our plan, by one of a table."""
    if ours.init is None:
        return "is kept"
    if "values" in theirs:
        return wrong_constant(theirs["values"], ours)
    if not ours.std:
        return f"is {ours.mean}, theirs has std {theirs['std']}"
    size = math.prod(theirs["shape"])
    if "padding" in theirs:
        size -= theirs["shape"][-1]
    return wrong_law(theirs, ours, size * draws)


def wrong_constant(values: Any, ours: Any) -> str | None:
    """Rounded to six digits in the tables."""
    if isinstance(values, float):
        same = ours.std == 0 and math.isclose(ours.mean, values, rel_tol=1e-5)
        return None if same else f"has mean {ours.mean}, std {ours.std}, not {values}"
    drawn = np.asarray(ours.init.draw(KEY, ours.spec)).ravel()
    same = np.allclose(drawn, values, rtol=2e-5, atol=1e-6)
    return None if same else f"is {drawn[:4]}, theirs {values[:4]}"


def wrong_law(theirs: Row, ours: Any, count: int) -> str | None:
    """Errors are relative to the std of the law. Five of one fails once in two million
    comparisons, of which there are some thousands.
    """
    mean, std = ours.mean, ours.std
    if abs(theirs["mean"] - mean) > 5 * std / math.sqrt(count):
        return f"has mean {mean}, theirs {theirs['mean']}"
    # That of a sample's std is sqrt((kurtosis - 1) / 4n).
    error = math.sqrt((theirs["kurtosis"] - 1) / (4 * count))
    if abs(theirs["std"] / std - 1) > 5 * error:
        return f"has std {std:.6g}, theirs {theirs['std']:.6g}"
    law = ours.init.law(ours.spec) if hasattr(ours.init, "law") else None
    if law is None or law.unit is None:
        return None
    return wrong_shape(theirs, law, count)


def wrong_shape(theirs: Row, law: Any, count: int) -> str | None:
    """Kurtosis, and bounds where there are any."""
    kurtosis, error = kurtosis_of(law.unit)
    # The kurtosis of a few normals is far from normal itself.
    if count > 10_000 and abs(theirs["kurtosis"] - kurtosis) > 5 * error / count**0.5:
        return f"has kurtosis {kurtosis:.4g}, theirs {theirs['kurtosis']:.4g}"
    low, high = law.support()
    if max(-low, high) < theirs["largest"] * (1 - 1e-5):
        return f"ends at {high:.6g}, theirs is up to {theirs['largest']:.6g}"
    return None


@functools.cache
def complaints(library: str, model: str) -> dict[str, str]:
    """What is wrong with a recipe, by the names of the reference."""
    rows = reference(library)["models"][model]
    tree, names = mirror(rows)
    plan = ei.plan(tree, RULES[library][model]())
    found: dict[str, str] = {}
    for theirs, row in rows.items():
        for ours in names[theirs]:
            if wrong := complaint(row, plan[ours], reference(library)["draws"]):
                found[theirs] = wrong
    return found


@pytest.mark.first_case
@pytest.mark.parametrize(("library", "model"), CASES)
def test_recipe_is_its_reference(library: str, model: str):
    known = DIFFERENT.get((library, model), ())
    found = complaints(library, model)
    new = {
        name: wrong
        for name, wrong in found.items()
        if not any(fnmatchcase(name, pattern) for pattern in known)
    }
    assert new == {}
    for pattern in known:  # and what is said to differ does
        assert any(fnmatchcase(name, pattern) for name in found), pattern


def table_of_the_docs() -> str:
    lines = ["| recipe | reference | parameters that agree |", "|-|-|-|"]
    agreed: dict[tuple[str, str], list[str]] = {}
    for library in LIBRARIES:
        for model, rules in RULES[library].items():
            count = len(reference(library)["models"][model])
            same = count - len(complaints(library, model))
            name = rules()[-1].part.recipe  # pyright: ignore
            shown = f"{model} {same}" + ("" if same == count else f" of {count}")
            agreed.setdefault((name, library), []).append(shown)
    for (name, library), models in sorted(agreed.items()):
        lines.append(f"| `{name}` | {library} | {', '.join(models)} |")
    return "\n".join(lines)


@pytest.mark.thorough
def test_docs_say_what_agrees_with_what():
    text = DOCS.read_text()
    assert table_of_the_docs() in text
    text = " ".join(text.split())
    for library in (*LIBRARIES, "mup"):
        version, _, _ = reference(library)["versions"][library].partition("+")
        assert f"{library} {version}" in text
