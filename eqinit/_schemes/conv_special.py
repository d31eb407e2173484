"""Convolution kernels that are filters: interpolation, smoothing, Fourier."""

import abc
import math
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._laws.law import Moments
from .._parameters.pieces import position_of, with_sizes
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, RoleName, Shape
from .checks import choice
from .combined.combinator import AbstractComposite, accept
from .fans import HeNormal
from .initializer import AbstractInitializer, Parts
from .kernels import AbstractConvInitializer, kernel_shape


def triangle(size: int) -> np.ndarray:
    """Linear interpolation in `size` taps: 1 - |x - centre| / factor.

    The factor is (size + 1) // 2; the centre is a tap for odd sizes and lies between
    two for even ones. (Caffe's formula, which mxnet and Paddle copied, goes by whether
    the *factor* is even, and is lopsided for sizes 3 and 6.)
    """
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - np.abs(np.arange(size) - centre) / factor


class AbstractFilter(AbstractConvInitializer):
    """The same filter from each input to the output of the same number."""

    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    @abc.abstractmethod
    def taps(self, size: int) -> np.ndarray:
        """The filter along one axis; in more dimensions it is their product."""

    def kernel(
        self, key: Key, out: int, inputs: int, taps: Shape, dtype: DTypeLike
    ) -> Array:
        del key  # deterministic
        filters = np.eye(out, inputs)
        for size in taps:
            filters = filters[..., None] * self.taps(size)
        return jnp.asarray(filters, dtype)


class Bilinear(AbstractFilter):
    r"""Linear interpolation, for a transposed convolution that upsamples.

    Along each axis of $k$ taps the weight is $1 - |x - c| / f$ with factor
    $f = \lfloor (k + 1)/2 \rfloor$ and centre $c$ in the middle of the taps. With
    stride $f$, a constant image stays constant (up to the border), and each channel
    stays itself. In one dimension linear, in three trilinear.

    Long, Shelhamer and Darrell, Fully convolutional networks, arXiv:1411.4038.
    """

    def taps(self, size: int) -> np.ndarray:
        return triangle(size)


class DownsamplingFilter(AbstractFilter):
    r"""A smoothing filter that sums to one, for a strided convolution that downsamples.

    - `kind="triangle"`: the taps of [`eqinit.Bilinear`][], normalised.
    - `kind="binomial"`: $\binom{k-1}{x} / 2^{k-1}$, such as $[1, 2, 1]/4$.
    - `kind="box"`: $1/k$, an average.

    **Arguments:**

    - `kind`: the filter along one axis; in more dimensions it is their product.
    """

    kind: Literal["triangle", "binomial", "box"] = eqx.field(
        static=True, default="triangle"
    )

    def __check_init__(self) -> None:
        kinds = ("triangle", "binomial", "box")
        choice("DownsamplingFilter", "kind", self.kind, kinds)

    def taps(self, size: int) -> np.ndarray:
        if self.kind == "box":
            weights = np.ones(size)
        elif self.kind == "binomial":
            weights = np.asarray([math.comb(size - 1, x) for x in range(size)], float)
        else:
            weights = triangle(size)
        return weights / weights.sum()


Window: TypeAlias = Literal["hann", "hamming", "blackman", "rectangular"]
_WINDOWS: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "rectangular": (1.0,),
}


class STFT(AbstractConvInitializer):
    r"""Fourier kernels: output $f$ of a one-dimensional convolution is the real (or
    imaginary) part of frequency $f$ of the windowed frame.

    $$W_{f,t} = \cos(-2\pi t f / F)\; w_t / s, \qquad F = 2 (\text{out} - 1)$$

    with sine for the imaginary part, a window $w$, and $s = \sqrt{\sum w^2}$
    (`"density"`) or $\sum |w|$ (`"spectrum"`). For kernels with one input channel; the
    same as in keras.

    **Arguments:**

    - `side`: `"real"` or `"imag"`.
    - `window`: `"hann"`, `"hamming"`, `"blackman"` or `"rectangular"`.
    - `scaling`: `"density"`, `"spectrum"` or `"none"`.
    - `periodic`: windows for spectral analysis, with a period of $k$ taps, instead of
        symmetric ones.
    """

    side: Literal["real", "imag"] = eqx.field(static=True, default="real")
    window: Window = eqx.field(static=True, default="hann")
    scaling: Literal["density", "spectrum", "none"] = eqx.field(
        static=True, default="density"
    )
    periodic: bool = eqx.field(static=True, default=False)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def __check_init__(self) -> None:
        choice("STFT", "side", self.side, ("real", "imag"))
        choice("STFT", "window", self.window, tuple(_WINDOWS))
        choice("STFT", "scaling", self.scaling, ("density", "spectrum", "none"))

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        out, inputs, taps = kernel_shape(spec)
        if len(taps) != 1 or inputs != 1 or out < 2:
            yield (
                "STFT is for one-dimensional convolutions from one channel to two or "
                f"more frequencies; this kernel has {inputs} inputs, {out} outputs and "
                f"taps {taps}."
            )

    def window_of(self, size: int) -> np.ndarray:
        """The window: a sum of cosines over one period."""
        period = max(size if self.periodic else size - 1, 1)
        phase = 2 * math.pi * np.arange(size) / period
        terms = enumerate(_WINDOWS[self.window])
        return sum(
            ((-1) ** k * a * np.cos(k * phase) for k, a in terms), np.zeros(size)
        )

    def kernel(
        self, key: Key, out: int, inputs: int, taps: Shape, dtype: DTypeLike
    ) -> Array:
        del key, inputs  # deterministic, and one channel
        (size,) = taps
        window = self.window_of(size)
        scale = {
            "density": math.sqrt(float((window**2).sum())),
            "spectrum": float(np.abs(window).sum()),
            "none": 1.0,
        }[self.scaling]
        frequency = np.arange(out)[:, None] / (2 * (out - 1))
        angle = -2 * math.pi * frequency * np.arange(size)[None, :]
        wave = np.cos(angle) if self.side == "real" else np.sin(angle)
        # Computed in float64: in float32 the angles of long frames are off by degrees.
        return jnp.asarray((wave * window / scale)[:, None, :], dtype)


class ICNR(AbstractComposite):
    r"""For a convolution before a pixel shuffle: no checkerboard at initialisation.

    The kernel of one sub-pixel is drawn and copied to all $r^d$ of them, so that
    shuffling the output equals enlarging (nearest neighbour) that of a convolution with
    the drawn kernel.

    **Arguments:**

    - `init`: what draws that kernel; its fan_out is that of the small convolution.
    - `factor`: the enlargement $r$ along each axis.
    - `order`: how the shuffle counts output channels: `"channel first"` for torch's
        $c\,r^d + i$, `"pixel first"` for TensorFlow's $i\,C + c$.

    Aitken et al., Checkerboard artifact free sub-pixel convolution, arXiv:1707.02937.
    """

    init: AbstractInitializer = HeNormal()
    factor: int = eqx.field(static=True, default=2)
    order: Literal["channel first", "pixel first"] = eqx.field(
        static=True, default="channel first"
    )

    def __check_init__(self) -> None:
        accept("ICNR", self.init)
        choice("ICNR", "order", self.order, ("channel first", "pixel first"))

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        return self.init.roles

    def parts(self, spec: ParamSpec) -> Parts:
        return [(self.init, self._small(spec))]

    def part_key(self, key: Key, index: int) -> Key:
        del index
        return key

    def _copies(self, spec: ParamSpec) -> int:
        return self.factor ** len(spec.known_axes.sizes("kernel"))

    def _small(self, spec: ParamSpec) -> ParamSpec:
        position, copies = position_of(spec, "out"), self._copies(spec)
        out = spec.known_axes.split_shape[position]
        groups = math.prod(spec.known_axes.sizes("group"))
        if out % copies or (groups > 1 and self.order == "pixel first"):
            raise ValueError(
                f"ICNR({self.factor}) copies each kernel {copies} times, and this "
                f"convolution has {out} outputs a group in {groups} groups. Outputs "
                'have to divide, and `order="pixel first"` takes no groups.'
            )
        return with_sizes(spec, {position: out // copies})

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        del key
        small, position = self._small(spec), position_of(spec, "out")
        kernel = drawn[0].reshape(small.known_axes.split_shape)
        copies = self._copies(spec)
        if self.order == "channel first":
            copied = jnp.repeat(kernel, copies, axis=position)
        else:
            copied = jnp.concatenate([kernel] * copies, axis=position)
        return copied.reshape(spec.shape)

    def moments(self, spec: ParamSpec) -> Moments | None:
        return self.init.moments(self._small(spec))
