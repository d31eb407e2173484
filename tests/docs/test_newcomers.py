"""What people type who come from elsewhere: it works, or says in our words what to do.

Each attempt was made by hand, by its sound, before looking anything up. None may end in
an error that is not ours, or be something else than it looks like.
"""

# ruff: noqa: E501

import json
import re
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import eqinit as ei


SCENE = """
import equinox as eqx, jax, jax.numpy as jnp, numpy as np
import eqinit as ei
nn = eqx.nn

class CNN(eqx.Module):
    conv: eqx.nn.Conv2d
    norm: eqx.nn.GroupNorm
    fc: eqx.nn.Linear

    def __init__(self, key):
        self.conv = eqx.nn.Conv2d(3, 8, 3, key=key)
        self.norm = eqx.nn.GroupNorm(2, 8)
        self.fc = eqx.nn.Linear(8, 10, key=key)

class Bag(eqx.Module):  # lists of raw arrays
    ws: list[jax.Array]
    bs: list[jax.Array]

class LM(eqx.Module):
    embed: eqx.nn.Embedding
    head: eqx.nn.Linear

    def __call__(self, token):
        return self.head(self.embed(token))

def make_lm():
    pair = LM(nn.Embedding(20, 8, key=key), nn.Linear(8, 20, use_bias=False, key=key))
    return nn.Shared(pair, lambda m: m.head.weight, lambda m: m.embed.weight)

class Drawn(ei.AbstractInitializer):  # a user's own, which returns whole numbers
    def sample(self, key, spec):
        return jnp.ones(spec.shape, int)

key = jax.random.key(0)
x = jnp.ones((5, 4))
mlp = nn.MLP(4, 2, 8, 2, key=key)
cnn = CNN(key)
lstm = nn.LSTMCell(3, 4, key=key)
mha = nn.MultiheadAttention(2, 8, key=key)
emb = nn.Embedding(10, 4, key=key)
pinn = nn.MLP(2, "scalar", 8, 2, activation=jnp.tanh, key=key)
complex_mlp = nn.MLP(2, 1, 8, 1, dtype=jnp.complex64, key=key)
actors = {name: nn.MLP(4, 2, 8, 1, key=key) for name in ("actor", "critic")}
bag = Bag([jnp.ones((8, 4)), jnp.ones((2, 8))], [jnp.zeros(8), jnp.zeros(2)])
lm = make_lm()
stored = {"model.layers.0.weight": np.ones((8, 4))}
def slopes(model, x):
    return jax.vmap(jax.grad(model))(x)
def curvature(model, x):
    return jax.vmap(jax.hessian(model))(x)
rules = [ei.Rule(nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())]
"""

# What is typed, and words of what it says.
REFUSED = [
    # Calls: order, and what is left out.
    ("ei.apply(mlp, lambda layer: ei.HeNormal())", "missing.*'rules'.*apply(model, key"),
    ("ei.apply(mlp, rules, key)", "'key' got a list of Rules.*apply(model, key, rules"),
    ("ei.apply(mlp, 0, rules)", "'key' got 0 (int).*`jax.random.key(0)`"),
    ("ei.apply(mlp, None, rules)", "'key' got None.*`jax.random.key(0)`"),
    ("ei.apply(mlp, np.random.default_rng(0), rules)", "Generator.*jax.random.key(0)"),
    ("ei.apply(mlp, jax.random.split(key, 3), rules)", "key<fry>[3].*a single PRNG key"),
    ("ei.apply(nn.MLP, key, rules)", "got the class MLP.*build(lambda key: MLP("),
    ("ei.build(mlp, key, rules)", "an MLP that is made already"),
    ("ei.probe(mlp, x)", "'call' got f32[5,4].*lambda model, x: jax.vmap(model)(x)"),
    ("ei.calibrate(mlp, x, lambda m, x: m(x))", "'call' got f32[5,4]"),
    ("ei.auto(mlp, key)", "missing.*'call'.*auto(model, key, call, *args)"),
    ("ei.surgery.new_head(cnn, 'fc', 3)", "missing.*'key'.*outputs, key"),
    ("ei.gain('leaky_relu', 0.2)", "too many positional.*gain(activation, *, centred"),
    # Schemes: other libraries' words and orders.
    ("ei.Normal(0.0, 0.02)", "2 arguments by position and takes 1.*mean=..."),
    ("ei.TruncatedNormal(0.0, 0.02, -2, 2)", "takes 1.*lower=..., upper=..."),
    ("ei.Normal(stddev=0.02)", "here it is called `std`"),
    ("ei.Uniform(low=-1, high=1)", "here it is called `lower`.*called `upper`"),
    ("ei.KaimingUniform(a=5**0.5)", "here it is called `negative_slope`"),
    ("ei.HeNormal(nonlinearity='relu')", "takes gain, negative_slope, mode"),
    ("ei.GlorotUniform(seed=42)", "no argument `seed`; it takes gain"),
    ("ei.Orthogonal(gain='relu')", "must be a finite number"),
    ("ei.HeNormal(mode='fanin')", "one of ['fan_in', 'fan_out'"),
    ("ei.Scaled(0.5, ei.HeNormal())", "wraps an eqinit initializer.*got 0.5"),
    ("ei.HeNormal()(key, (3, 4))", "needs a fan.*axes=\"out in\""),
    ("ei.Normal(1.0)(key, 5)", "got shape=5.*a tuple of whole numbers"),
    ("ei.KaimingNorm", "Did you mean `KaimingNormal`"),
    ("ei.xavier_uniform()", "Did you mean `XavierUniform`"),
    ("ei.S4D()", "It is `eqinit.ssm.S4D`"),
    # Rules: what stands for an initializer.
    ("ei.Rule(nn.Linear, weight='he_normal')", "from_config('he_normal')"),
    ("ei.Rule(nn.Linear, weight=ei.HeNormal)", "got the class HeNormal"),
    ("ei.Rule(nn.Linear, weight=jax.nn.initializers.he_normal)", "call it: `he_normal()`"),
    ("ei.Rule(nn.Linear, weight=np.random.randn)", "has no arguments `key, shape`"),
    ("ei.Rule(nn.Linear, weight=ei.HeNormal(), bias=None)", "`Keep()` leaves"),
    ("ei.Rule(nn.Linear, ei.hoedt())", "Rule(selector, **"),
    ("ei.Rule('layers.0', ei.Keep)", "got the class Keep"),
    ("ei.Rule(nn.Linear, weight=ei.Zeros(), axes=('out', 'in'))", "a notation is a text"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, weight=lambda w: 2 * w)])", "raised TypeError on"),
    ("ei.plan(mlp, [('layers.0.weight', lambda key, shape, dtype: jnp.ones(shape, int))])",
     "asked for float32 and returned int32"),
    ("ei.apply(mlp, key, [('layers.0.weight', Drawn())])", "Drawn drew int32[8, 4]"),
    # Rules: what they are for.
    ("ei.plan(mlp, ei.recipes.keras)", "call it, `keras()`"),
    ("ei.plan(mlp, 'he_normal')", "where rules are wanted"),
    ("ei.plan(mlp, ei.HeNormal())", "got the initializer HeNormal() where rules"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, ei.HeNormal())])", "made for a kernel.*is a bias"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, wieght=ei.Ones())])", "Did you mean `weight`"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, wieght=ei.Ones(), optional=True)])",
     "Did you mean `weight`"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, weight=ei.Ones(), bais=0.0, optional=True)])",
     "Did you mean `bias`"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, kernel=ei.HeNormal())])", "['bias', 'weight']"),
    ("ei.plan(lstm, [ei.Rule(nn.LSTMCell, bias_ih=ei.Zeros())])", "Did you mean `bias`"),
    ("ei.plan(mha, [ei.Rule(nn.MultiheadAttention, query_proj=ei.Zeros())])",
     "a module: `Rule(Linear, weight=...)`"),
    ("ei.plan(emb, [ei.Rule(nn.Embedding, weight=ei.GlorotUniform())])", "needs a fan"),
    ("ei.plan(cnn, [ei.Rule('conv', weight=ei.HeNormal(), axes='out in')])",
     "leave 2 axes.*Name every axis"),
    ("ei.plan({'w': x}, [('w', ei.HeNormal())])", "its layout is unknown"),
    ("ei.plan(mlp, [ei.Rule(ei.Role('weight'), ei.HeNormal())])", "no role 'weight'"),
    # Selections and surgery.
    ("ei.select(mlp, 'layers[0].weight')", "Did you mean `layers.0.weight`"),
    ("ei.select(mlp, 'layers/0/weight')", "Did you mean `layers.0.weight`"),
    ("ei.select(cnn, [nn.Conv2d, nn.Linear])", "`Conv2d | Linear`"),
    ("ei.select(mlp, 'layers.0.weight').set(jnp.zeros((4, 8)))", "wanted float32[8, 4]"),
    ("ei.swap(mlp, jax.nn.relu, jax.nn.gelu)", "eqx.tree_at(lambda m: m.activation"),
    ("ei.swap(mlp, nn.Linear, nn.Linear(8, 8, key=key))", "one Linear for 3 places"),
    ("ei.register_layout('MyLayer', weight='out in')", "'cls' got 'MyLayer'"),
    # A layer where a place is wanted, and a model where a function of it is.
    ("ei.swap(cnn, cnn.fc, nn.Identity())", "a function of the model.*got a Linear, itself"),
    ("ei.apply(actors, key, ei.recipes.rl_ppo(actors['actor'], actors['critic']))",
     "a path glob.*got an MLP"),
    ("ei.plan(pinn, ei.recipes.siren(first=pinn.layers[0]))", "a path glob.*got a Linear"),
    ("ei.auto(mlp, key, mlp, x[0])", "called as `call(model, *args)`.*lambda model, x:"),
    ("ei.trace_layouts(mlp, jax.vmap(mlp), x)", "called as `call(model, *args)`"),
    ("ei.probe(pinn, curvature, jnp.ones((3, 2)))", "differentiates.*jacrev(jacrev(f))"),
    ("ei.swap(cnn, nn.GroupNorm, lambda: nn.Identity())", "with the old module.*lambda old:"),
    # Gains by name.
    ("ei.Orthogonal(gain='tanh')", "Orthogonal(gain=eqinit.gain('tanh'))"),
    ("ei.gain('LeakyReLU')", "Did you mean 'leaky_relu'"),
    ("ei.gain(pinn)", "takes an array.*the function that follows a layer"),
    ("ei.apply(complex_mlp, key, [ei.Rule(nn.Linear, weight=ei.Normal(0.1j))])",
     "must be a finite number"),
    ("ei.apply(mlp, key, [ei.Rule(nn.Linear, weight=ei.Constant(1j))])", "its `.real`"),
    # Lists of arrays, shared arrays, functions of the site.
    ("ei.plan(bag, [ei.Rule(Bag, ws=ei.HeNormal())])", "register_layout(Bag, ws=\"out in\")"),
    ("ei.plan(bag, [('weights', ei.Zeros())])", "`ws.0`"),
    ("ei.plan(lm, [ei.Rule('**.head', weight=ei.Zeros())])", "shared copy.*set its source"),
    ("ei.plan(emb, [ei.Rule(nn.Embedding, weight=lambda site: ei.Normal(site.fan_in**-0.5))])",
     "It is `site.spec.fan_in`"),
    ("ei.plan(emb, [ei.Rule('**', lambda site: ei.Normal(site.spec.fan_in**-0.5))])",
     "`site.spec.fan_in` is None"),
    ("ei.surgery.lora(mlp, ['q_proj', 'v_proj'], 2, key)", "several are one with `|`"),
    # Constructors, plans and rows.
    ("ei.build(nn.MLP, key, rules)", "'in_size'.*lambda key: MLP(..., key=key)"),
    ("ei.build(lambda: mlp, key, rules)", "called with a key and nothing else"),
    ("ei.plan(mlp, [nn.Linear, ei.Zeros()])", "got Linear where rules.*[(Linear, Zeros())]"),
    # Checkpoints and configs.
    ("ei.surgery.load_weights(mlp, stored, strict=False)", "nothing that is stored.*rename"),
    ("ei.surgery.load_weights(mlp, 'model.pth')", "'state_dict' got 'model.pth'"),
    ("ei.from_config('rules.toml')", "no file is opened.*tomllib.loads(text)"),
    ("ei.from_config(open)", "plain data.*tomllib.loads(text)"),
    ("ei.from_config([{'selector': 'head', 'init': 'zeros'}])", "\"type\": \"Rule\""),
    ("ei.plan(mlp, {'rules': [{'selector': 'layers.0', 'init': 'zeros'}]})",
     "`eqinit.from_config` reads these"),
    ("ei.from_config({'type': 'Rule', 'selector': {'type': 'Layer', 'cls': 'nn.Linaer'}, 'init': 'zeros'})",
     "no layer type `nn.Linaer`"),
]  # fmt: skip

# What is typed, and what has to hold of it.
WORKS = [
    ("ei.plan(mlp, ei.Rule(nn.Linear, weight=ei.HeNormal()))", "len(it) == 6"),
    ("ei.plan(mlp, {nn.Linear: {'weight': ei.HeNormal(), 'bias': 0.0}})",
     "it['layers.0.bias'].status == 'set'"),
    ("ei.plan(mlp, [(nn.Linear, ei.hoedt())])", "it['layers.0.bias'].status == 'set'"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, weight=lambda site: ei.Normal(1 / site.shape[1]))])",
     "it['layers.0.weight'].std == 0.25"),
    ("ei.plan(mlp, [ei.Rule(nn.Linear, weight=jax.random.normal)])",
     "it['layers.0.weight'].status == 'set'"),
    ("ei.apply(mlp, key, [('layers.0.weight', lambda key, shape: jnp.ones(shape))])",
     "(it.layers[0].weight == 1).all()"),
    ("ei.apply(mlp, key, [ei.Rule('layers.0', weight=np.ones((8, 4)))])",
     "(it.layers[0].weight == 1).all()"),
    ("ei.apply(mlp, jax.random.PRNGKey(0), [('layers.0.weight', 0.5)])",
     "(it.layers[0].weight == 0.5).all()"),
    ("ei.select(cnn, nn.Conv2d | nn.Linear)", "it.count == 4"),
    ("ei.select(mlp, lambda m: [layer.weight for layer in m.layers])", "it.count == 3"),
    ("ei.swap(cnn, nn.GroupNorm, nn.Identity())", "isinstance(it.norm, nn.Identity)"),
    ("ei.swap(cnn, 'fc', nn.Linear(8, 3, key=key))", "it.fc.weight.shape == (3, 8)"),
    ("ei.plan(mlp, rules).check(mlp)", "not it"),
    ("ei.Normal(mean=0, std=0.02)", "it == ei.Normal(0.02)"),
    ("ei.KaimingNormal()", "it == ei.HeNormal()"),
    ("ei.from_config('he_normal')", "it == ei.HeNormal()"),
    ("ei.probe(pinn, slopes, jnp.ones((3, 2)))", "it.rows[0].grad_std > 0"),
    ("ei.plan(bag, [('ws', ei.HeNormal())], layouts={Bag: {'ws': 'out in', 'bs': 'out'}})",
     "it['bs.1'].spec.fan_in == it['ws.1'].spec.fan_in == 8"),
    ("eqx.filter_vmap(ei.apply, in_axes=(None, 0, None))(mlp, jax.random.split(key, 3), rules)",
     "it.layers[0].weight.shape == (3, 8, 4)"),
    ("ei.apply(complex_mlp, key, [ei.Rule(nn.Linear, weight=ei.Orthogonal(), bias=0)])",
     "jnp.iscomplexobj(it.layers[0].weight)"),
    ("ei.apply(actors, key, ei.recipes.rl_ppo('actor', 'critic'))",
     "jnp.abs(it['actor'].layers[1].weight).max() < 0.02"),
    ("ei.surgery.load_weights(mlp, stored, rename={'model': ''}, strict=False)",
     "(it.layers[0].weight == 1).all()"),
    ("ei.plan(lm, [ei.Rule(nn.Embedding, weight=ei.Normal(0.02))])", "len(it.shared) == 1"),
    ("ei.select(cnn, ~ei.Path('fc')).mask()", "it.conv.weight and not it.fc.weight"),
]  # fmt: skip


RUN = """
import json, sys
read = json.load(open(sys.argv[1]))
scene = {"__name__": "scene"}
exec(read["scene"], scene)
found = {}
for typed in read["refused"]:
    try:
        eval(typed, scene)
    except Exception as error:
        found[typed] = [type(error).__name__, str(error)]
    else:
        found[typed] = ["nothing", ""]
for typed, holds in read["works"]:
    found[typed] = bool(eval(holds, scene | {"it": eval(typed, scene)}))
json.dump(found, open(sys.argv[1], "w"))
"""


def wrong(words: str, raised: list[str]) -> str:
    """What is wrong with an error: not our words, or a screen of text."""
    kind, text = raised
    pattern = ".*".join(map(re.escape, words.split(".*")))
    if kind not in ("TypeError", "TypeCheckError", "ValueError", "AttributeError"):
        return f"raised {kind}: {text}"
    if not re.search(pattern, text, re.DOTALL):
        return f"says {text}"
    # jaxtyping's own messages begin with the whole model.
    long = len(text) > 1200 or "Type-check error" in text
    return f"is {len(text)} long: {text}" if long else ""


@pytest.mark.thorough
def test_attempts_of_newcomers(tmp_path: Path):
    """In a process of its own: here every function of ours is checked by a hook."""
    file = tmp_path / "found.json"
    typed = [code for code, _ in REFUSED]
    given = {"scene": SCENE, "refused": typed, "works": WORKS}
    file.write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text("utf-8"))
    bad = {code: wrong(words, found[code]) for code, words in REFUSED}
    assert {code: text for code, text in bad.items() if text} == {}
    assert [code for code, _ in WORKS if not found[code]] == []
    assert len(found) > 110


def test_a_call_in_the_wrong_order_says_the_right_one():
    """Some that cost nothing, with every test."""
    skeleton = eqx.filter_eval_shape(eqx.nn.Linear, 4, 2, key=jax.random.key(0))
    scene = {"ei": ei, "jax": jax, "np": np, "mlp": skeleton, "key": jax.random.key(0)}
    scene["rules"] = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())]
    for typed, words in REFUSED[:6]:
        with pytest.raises(TypeError, match=r"apply\(model, key, rules") as caught:
            eval(typed, scene)
        raised = [type(caught.value).__name__, str(caught.value)]
        assert wrong(words, raised) == ""
