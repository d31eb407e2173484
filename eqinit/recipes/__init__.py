"""Recipes: rules for whole models, as papers and frameworks have them.

Each function returns a list of [`eqinit.Rule`][]s. The first rule that claims a
parameter wins, so rules of your own go in front: `[my_rule, *recipes.gpt2(12)]`.

A recipe says what it lacks. Where a part that it makes no sense without is not there,
the plan raises, as it does where a selector that you pass matches nothing; what else
it did not find, and what a recipe for a whole model leaves as it is, is in the plan's
notes. `layouts=trace_layouts(model, call, x)` lets it see parts without a known name.
"""

from ._branch_gains import (
    deepnet as deepnet,
    dt_fixup as dt_fixup,
    subln as subln,
    t_fixup as t_fixup,
)
from ._convolutional import (
    convnext as convnext,
    dcgan as dcgan,
    detection_head as detection_head,
    efficientnet as efficientnet,
    fixup as fixup,
    nfnet as nfnet,
    regnet as regnet,
    resnet as resnet,
)
from ._coordinates import (
    CoordinateCheck as CoordinateCheck,
    Coordinates as Coordinates,
    mup_coordinate_check as mup_coordinate_check,
)
from ._defaults import (
    flax as flax,
    keras as keras,
    nan as nan,
    torch_default as torch_default,
    zeros as zeros,
)
from ._feedforward import (
    finer as finer,
    icnn as icnn,
    rl_ddpg as rl_ddpg,
    rl_ppo as rl_ppo,
    selu_net as selu_net,
    siren as siren,
)
from ._generative import (
    ddpm as ddpm,
    flow as flow,
    hypernet as hypernet,
    stylegan as stylegan,
)
from ._language import lora as lora, olmo as olmo, t5 as t5
from ._recurrent import (
    gru as gru,
    gru_chrono as gru_chrono,
    lstm as lstm,
    lstm_chrono as lstm_chrono,
    mamba as mamba,
    mamba2 as mamba2,
    s4d as s4d,
)
from ._rwkv import rwkv as rwkv, rwkv4 as rwkv4
from ._rwkv7 import rwkv7 as rwkv7
from ._speech import wav2vec2 as wav2vec2
from ._state_spaces import lru as lru, s5 as s5
from ._structured import (
    e3nn as e3nn,
    fno as fno,
    gat as gat,
    gcn as gcn,
    kan as kan,
    neural_ode as neural_ode,
)
from ._transformer import (
    bert as bert,
    gpt2 as gpt2,
    llama as llama,
    mimetic as mimetic,
    neox as neox,
    plain_normal as plain_normal,
    vaswani as vaswani,
)
from ._vision import (
    beit as beit,
    cait as cait,
    dit as dit,
    mixer as mixer,
    swin as swin,
    vit_jax as vit_jax,
    vit_moco as vit_moco,
    vit_timm as vit_timm,
)
from ._width import mup as mup, mup_scales as mup_scales, mup_steps as mup_steps
from ._xlstm import xlstm as xlstm


def __dir__() -> list[str]:
    """The recipes, without the modules that they stand in."""
    public = [name for name in globals() if not name.startswith("_")]
    return [name for name in public if callable(globals()[name])]
