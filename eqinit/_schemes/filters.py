"""Convolution kernels that are filters: interpolation, smoothing, Fourier."""

import abc
import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, FiniteNumber, Key, RoleName, Shape
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

    - `kind="triangle"`: the taps of [`eqinit.filters.Bilinear`][], normalised.
    - `kind="binomial"`: $\binom{k-1}{x} / 2^{k-1}$, such as $[1, 2, 1]/4$.
    - `kind="box"`: $1/k$, an average.

    **Arguments:**

    - `kind`: the filter along one axis, as above; in more dimensions it is their
        product.
    """

    kind: Literal["triangle", "binomial", "box"] = eqx.field(
        static=True, default="triangle"
    )

    def taps(self, size: int) -> np.ndarray:
        if self.kind == "box":
            weights = np.ones(size)
        elif self.kind == "binomial":
            weights = np.asarray([math.comb(size - 1, x) for x in range(size)], float)
        else:
            weights = triangle(size)
        return weights / weights.sum()


# A name, a name with its parameters as scipy has it, or the values themselves.
Window: TypeAlias = str | tuple[str | FiniteNumber, ...]
_WINDOWS: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "rectangular": (1.0,),
}


def _hashable(window: Any) -> Any:
    """Values of an array, or of a list, as a tuple; what they are is checked later."""
    words = isinstance(window, list | tuple) and str in map(type, window)
    values = window if isinstance(window, str) or words else np.asarray(window).tolist()
    return tuple(values) if isinstance(values, list | tuple) else values


def _scipy_window(window: Window, size: int, periodic: bool) -> np.ndarray:
    # Importing it takes longer than importing eqinit.
    from scipy.signal import get_window

    return np.asarray(get_window(window, size, fftbins=periodic), np.float64)


class STFT(AbstractConvInitializer):
    r"""Fourier kernels: output $f$ of a one-dimensional convolution is the real (or
    imaginary) part of frequency $f$ of the windowed frame.

    $$W_{f,t} = \cos(-2\pi t f / F)\; w_t / s, \qquad F = 2 (\text{out} - 1)$$

    with sine for the imaginary part, a window $w$, and $s = \sqrt{\sum w^2}$
    (`"density"`) or $\sum |w|$ (`"spectrum"`). For kernels with one input channel; the
    same as in keras.

    **Arguments:**

    - `part`: `"real"` or `"imag"`.
    - `window`: `"hann"`, `"hamming"`, `"blackman"` or `"rectangular"`, any other of
        `scipy.signal.get_window`, with its parameters if it has some, such as
        `("tukey", 0.5)`, or the values themselves, one a tap.
    - `scaling`: `"density"`, `"spectrum"` or `"none"`.
    - `periodic`: windows for spectral analysis, with a period of $k$ taps, instead of
        symmetric ones.
    """

    part: Literal["real", "imag"] = eqx.field(static=True, default="real")
    window: Window = eqx.field(static=True, default="hann", converter=_hashable)
    scaling: Literal["density", "spectrum", "none"] = eqx.field(
        static=True, default="density"
    )
    periodic: bool = eqx.field(static=True, default=False)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    @property
    def values(self) -> tuple[float, ...] | None:
        """The window, where it was given as numbers."""
        numbers = [v for v in self.window if not isinstance(v, str)]
        return tuple(numbers) if len(numbers) == len(self.window) else None

    def conflicts(self) -> Iterator[str]:
        if self.window in _WINDOWS or self.values is not None:
            return
        try:
            _scipy_window(self.window, 8, self.periodic)
        except (ValueError, TypeError) as error:
            yield (
                f"STFT got window={self.window!r}, of which scipy says: {error} Give "
                f"it one of {list(_WINDOWS)}, a window of `scipy.signal.get_window` "
                'such as `STFT(window=("tukey", 0.5))`, or its values.'
            )

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        out, inputs, taps = kernel_shape(spec)
        if self.values is not None and taps[-1:] != (len(self.values),):
            yield (
                f"STFT got a window of {len(self.values)} values, and this kernel has "
                f"taps {taps}."
            )
        if len(taps) != 1 or inputs != 1 or out < 2:
            yield (
                "STFT is for one-dimensional convolutions from one channel to two or "
                f"more frequencies; this kernel has {inputs} inputs, {out} outputs and "
                f"taps {taps}."
            )

    def window_of(self, size: int) -> np.ndarray:
        """The window of a kernel with that many taps."""
        if self.values is not None:
            return np.asarray(self.values, np.float64)
        if self.window not in _WINDOWS:
            return _scipy_window(self.window, size, self.periodic)
        return self._cosines(_WINDOWS[str(self.window)], size)

    def _cosines(self, factors: tuple[float, ...], size: int) -> np.ndarray:
        """A sum of cosines over one period."""
        period = max(size if self.periodic else size - 1, 1)
        phase = 2 * math.pi * np.arange(size) / period
        terms = enumerate(factors)
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
        wave = np.cos(angle) if self.part == "real" else np.sin(angle)
        # Computed in float64: in float32 the angles of long frames are off by degrees.
        return jnp.asarray((wave * window / scale)[:, None, :], dtype)
