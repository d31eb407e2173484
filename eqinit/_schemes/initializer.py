"""The interface of every scheme, and the three kinds that most schemes are."""

import abc
import math
from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import check_fields
from .._laws.law import AbstractLaw, Moments
from .._parameters.spec import ParamSpec, make_spec
from .._typing import Array, DTypeLike, Key, Number, RoleName, Shape, checked
from .words import check_words


_I = TypeVar("_I", bound="AbstractInitializer")


class AbstractInitializer(eqx.Module):
    """A scheme: told what a parameter *is*, it answers with an array.

    Subclass this for a scheme that is neither independent entry by entry
    ([`eqinit.AbstractLawInitializer`][]) nor matrix by matrix
    ([`eqinit.AbstractMatrixInitializer`][]). Implement `draw`; say `moments` if they
    are known, and raise from `check` whatever cannot be served.

    Dynamic fields (gains, scales) may be arrays, traced or not; whatever decides a
    shape or a branch is a static field.
    """

    def __new__(cls: type[_I], *args: Any, **kwargs: Any) -> _I:
        del args
        check_words(cls, kwargs)
        return eqx.Module.__new__(cls)

    def __check_init__(self) -> None:
        check_fields(self, self.conflicts)

    def conflicts(self) -> Iterable[str]:
        """What is wrong with arguments that are right one by one; asked once, early."""
        return ()

    # The roles that a scheme is made for. A positional rule that reaches any other
    # role raises; a keyword rule means what it says.
    roles: ClassVar[tuple[RoleName, ...]] = ()

    @abc.abstractmethod
    def draw(self, key: Key, spec: ParamSpec) -> Array:
        """Draw the parameter: an array of `spec.shape` and `spec.dtype`."""

    def moments(self, spec: ParamSpec) -> Moments | None:
        """Expected mean and standard deviation of the entries, if known."""
        del spec
        return None

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        """The law of every entry, where entries are independent and alike."""
        del spec
        return None

    def check(self, spec: ParamSpec) -> None:
        """Raise a `ValueError` if this scheme cannot serve `spec`."""
        del spec

    def key_path(self, path: str) -> str:
        """The path whose key this draw takes: its own.

        Linked schemes, whose draws have to agree (the two factors of one matrix), take
        the path of the layer that holds both, and so the same key.
        """
        return path

    @checked
    def __call__(
        self,
        key: Key,
        shape: Shape,
        dtype: DTypeLike = None,
        *,
        axes: str | None = None,
        fan_in: Number | None = None,
        fan_out: Number | None = None,
    ) -> Array:
        """Draw one array outside of any model.

        **Arguments:**

        - `key`: a typed or raw PRNG key.
        - `shape`: of the array.
        - `dtype`: of the array; the default float if left out.
        - `axes`: what its axes mean, such as `"out in *kernel"`.
        - `fan_in`, `fan_out`: connections, where no axes say them (biases).

        **Returns:** an array of `shape` and `dtype`.

        **Raises:** `ValueError` where the scheme needs axes or a fan and got neither.
        """
        if dtype is None:
            dtype = jax.dtypes.canonicalize_dtype(float)
        spec = make_spec(shape, dtype, axes, fan_in=fan_in, fan_out=fan_out)
        self.check(spec)
        return self.draw(key, spec)


class AbstractLawInitializer(AbstractInitializer):
    """A scheme whose entries are independent and alike: `law(spec)` says it all."""

    @abc.abstractmethod
    def law(self, spec: ParamSpec) -> AbstractLaw:
        """The law of every entry of this parameter."""

    def draw(self, key: Key, spec: ParamSpec) -> Array:
        if spec.size == 0:
            return jnp.zeros(spec.shape, spec.dtype)
        sample = self.law(spec).sample(key, spec.shape, spec.draw_dtype)
        return cast(sample, spec.dtype)

    def moments(self, spec: ParamSpec) -> Moments | None:
        return self.law(spec).moments(spec.is_complex)

    def check(self, spec: ParamSpec) -> None:
        self.law(spec)  # raises where a fan is missing


class AbstractMatrixInitializer(AbstractInitializer):
    """A scheme that acts on matrices (out, in * taps), one a stack, gate, group, head.

    Subclasses implement `matrix`; this class finds the matrices in the array, gives
    each a key of its own, and puts them back.
    """

    @abc.abstractmethod
    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        """Draw one matrix of shape `(rows, cols)`: outputs by inputs times taps."""

    def check(self, spec: ParamSpec) -> None:
        MatrixView.of(spec)

    def draw(self, key: Key, spec: ParamSpec) -> Array:
        view = MatrixView.of(spec)
        if spec.size == 0:
            return jnp.zeros(spec.shape, spec.dtype)

        def one(key: Key) -> Array:
            return self.matrix(key, view.rows, view.cols, spec.draw_dtype)

        matrices = draw_slices(one, key, view.count)
        return cast(view.restore(matrices, spec.shape), spec.dtype)


class MatrixView(eqx.Module):
    """How an array is read as `count` matrices of shape `(rows, cols)`."""

    count: int
    rows: int
    cols: int
    split_shape: Shape
    order: tuple[int, ...]

    @staticmethod
    def of(spec: ParamSpec) -> "MatrixView":
        axes = spec.known_axes
        batch = axes.independent()
        outs = axes.positions("out")
        ins = axes.positions("in", "kernel", "pair")
        if not outs or not ins:
            raise ValueError(
                f"this scheme draws matrices, and axes `{axes.text}` of {spec.shape} "
                'lack `in` or `out`. Give it a kernel, or say `axes="out in"`.'
            )
        sizes = axes.split_shape
        count, rows, cols = (math.prod(sizes[i] for i in g) for g in (batch, outs, ins))
        return MatrixView(count, rows, cols, sizes, batch + outs + ins)

    def restore(self, matrices: Array, shape: Shape) -> Array:
        """Put `(count, rows, cols)` back into the array's own axis order."""
        ordered = matrices.reshape([self.split_shape[i] for i in self.order])
        back = [self.order.index(i) for i in range(len(self.order))]
        return ordered.transpose(back).reshape(shape)

    def matrices(self, array: Any) -> Any:
        """The inverse: `(count, rows, cols)` read out of a numpy or jax array."""
        split = array.reshape(self.split_shape).transpose(self.order)
        return split.reshape(self.count, self.rows, self.cols)


def draw_slices(draw: Any, key: Key, count: int) -> Array:
    """`draw` once a slice, each slice with a key of its own; a lone slice keeps `key`.

    A loop rather than a `vmap`: the batched draws of rbg keys differ from single ones,
    and one decomposition at a time needs the least memory.
    """
    if count == 1:
        return draw(key)[None]
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(count))
    return jax.lax.map(draw, keys)


def cast(array: Array, dtype: DTypeLike) -> Array:
    """Cast draws to the leaf's dtype: strongly typed, real and complex alike."""
    if jnp.issubdtype(dtype, jnp.complexfloating) or not jnp.iscomplexobj(array):
        return jax.lax.convert_element_type(array, np.dtype(dtype))
    raise ValueError(f"a complex draw does not fit a parameter of dtype {dtype}.")
