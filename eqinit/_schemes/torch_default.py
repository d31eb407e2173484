"""What torch and Equinox give a layer that nobody initialises."""

import math
from typing import ClassVar

import numpy as np

from .._laws.law import UniformLaw
from .._parameters.spec import ParamSpec
from .._typing import RoleName
from .initializer import AbstractLawInitializer


class TorchDefault(AbstractLawInitializer):
    r"""Uniform $U(-1/\sqrt{n}, 1/\sqrt{n})$ for kernels and biases alike.

    $n$ is the layer's fan_in; recurrent cells use their hidden size for every
    parameter, as their constructors do. With the key that the constructor would have
    used, float32 values are Equinox's own, bit for bit. (A complex parameter gets
    $E|w|^2 = 1/(3n)$ as a real one does; Equinox's constructor gives it twice that.)

    Torch writes this as `kaiming_uniform_(a=sqrt(5))`.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "bias")

    def law(self, spec: ParamSpec) -> UniformLaw:
        fan = spec.default_fan if spec.default_fan is not None else spec.fan("fan_in")
        limit = np.asarray(1 / math.sqrt(fan or 1.0), spec.real_dtype)[()]
        return UniformLaw(-limit, limit)
