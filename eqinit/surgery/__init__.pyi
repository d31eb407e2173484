"""Surgery: models changed as values, in one pass."""

from ._biases import with_bias as with_bias, without_bias as without_bias
from ._net2net import net2deeper as net2deeper, net2wider as net2wider
from ._renew import (
    dormant_units as dormant_units,
    recycle as recycle,
    shrink_and_perturb as shrink_and_perturb,
)
from ._selection import Selection as Selection
