"""Surgery: models changed as values, in one pass."""

from ._biases import with_bias as with_bias, without_bias as without_bias
from ._cast import cast as cast
from ._channels import change_in_channels as change_in_channels
from ._depth.arrange import grow as grow, insert as insert, remove as remove
from ._depth.sequence import Stack as Stack
from ._depth.stack import stack_blocks as stack_blocks, unstack_blocks as unstack_blocks
from ._embedding import resize_embedding as resize_embedding
from ._folding.bake import bake as bake
from ._folding.batch_norm import fold_batch_norm as fold_batch_norm
from ._folding.branches import merge_branches as merge_branches
from ._folding.fused_attention import FusedAttention as FusedAttention
from ._folding.pass_state import PassState as PassState
from ._folding.qkv import fuse_qkv as fuse_qkv, split_qkv as split_qkv
from ._folding.scale import fold_scale as fold_scale
from ._head import new_head as new_head
from ._low_rank.adapted import LoRA as LoRA
from ._low_rank.factorize import factorize as factorize
from ._low_rank.lora import lora as lora
from ._low_rank.merge import (
    lora_parameters as lora_parameters,
    merge_lora as merge_lora,
)
from ._merge import merge as merge
from ._net2net import net2deeper as net2deeper
from ._positions import interpolate_positions as interpolate_positions
from ._record import Record as Record, RecordRow as RecordRow
from ._renew import (
    dormant_units as dormant_units,
    shrink_and_perturb as shrink_and_perturb,
)
from ._selection import Selection as Selection
from ._transplant import transplant as transplant
from ._units.groups import (
    UnitGroup as UnitGroup,
    UnitGroups as UnitGroups,
    UnitMember as UnitMember,
    unit_groups as unit_groups,
)
from ._units.match import match as match
from ._units.prune import permute as permute, prune as prune, unit_scores as unit_scores
from ._units.recycle import recycle as recycle
from ._units.widen import widen as widen
from ._weights.load import load_weights as load_weights
from ._weights.match import MatchRow as MatchRow, WeightMatch as WeightMatch
from ._weights.save import save_weights as save_weights
