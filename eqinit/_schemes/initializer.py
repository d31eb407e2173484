"""The interface of every scheme, and the three kinds that most schemes are."""

import abc
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import arrays, check_fields
from .._laws import exact
from .._laws.law import AbstractLaw, Moments
from .._parameters.spec import ParamSpec, make_spec
from .._parameters.views import View, matrices
from .._typing import AnyShape, Array, DTypeLike, Key, PositiveNumber, RoleName, checked
from .ranges import misfits
from .words import check_order, check_words


_I = TypeVar("_I", bound="AbstractInitializer")


class AbstractInitializer(eqx.Module):
    """A scheme: told what a parameter *is*, it answers with an array.

    Subclass this for a scheme that is neither independent entry by entry
    ([`eqinit.AbstractLawInitializer`][]) nor matrix by matrix
    ([`eqinit.AbstractMatrixInitializer`][]). Implement `sample`; say `moments` if they
    are known, and in `problems` whatever cannot be served.

    Dynamic fields (gains, scales) may be arrays, traced or not; whatever decides a
    shape or a branch is a static field.
    """

    def __new__(cls: type[_I], *args: Any, **kwargs: Any) -> _I:
        check_order(cls, len(args))
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
    # Whether it draws whole numbers, which integer arrays can hold; `sample` may return
    # integers then.
    whole: ClassVar[bool] = False
    # Whether `sample` is compiled as one program. Not so where it calls what is.
    compiled: ClassVar[bool] = True

    @abc.abstractmethod
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        """Draw `spec.shape` numbers in `spec.draw_dtype`, or whole ones if `whole`.

        `draw` calls it, and does the rest: it is never asked for an empty array, and
        casts nothing. It is compiled, with the scheme's floats as arguments.
        """

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        """Why this scheme cannot serve `spec`, a text for each reason.

        What else is asked in there may raise a `ValueError`, which counts as one.
        """
        del spec
        yield from ()

    def moments(self, spec: ParamSpec) -> Moments | None:
        """Expected mean and standard deviation of the entries, if known."""
        del spec
        return None

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        """The law of every entry, where entries are independent and alike."""
        del spec
        return None

    def view(self, spec: ParamSpec) -> object:
        """How the array is read; raises a `ValueError` if it cannot be."""
        del spec
        return None

    def parts(self, spec: ParamSpec) -> "Parts":
        """The schemes that this one is made of, and what each of them draws."""
        del spec
        return ()

    def key_path(self, path: str) -> str:
        """The path whose key this draw takes: its own.

        Linked schemes, whose draws have to agree (the two factors of one matrix), take
        the path of the layer that holds both, and so the same key.
        """
        return path

    @final
    def check(self, spec: ParamSpec) -> None:
        """Raise a `ValueError` if this scheme cannot serve `spec`."""
        texts: dict[str, None] = {}  # in order, each once
        law = None
        try:
            for text in _problems(self, spec):
                texts[text] = None
            law = self.law(spec)  # raises where a fan is missing
        except ValueError as error:
            texts[str(error)] = None
        texts |= dict.fromkeys(() if texts else misfits(self, spec, law))
        if texts:
            raise ValueError("\n".join(texts))

    @final
    def draw(self, key: Key, spec: ParamSpec) -> Array:
        """Draw the parameter: an array of `spec.shape` and `spec.dtype`.

        The same bits eagerly and under `jit`.
        """
        if spec.size == 0:
            return jnp.zeros(spec.shape, spec.dtype)
        if self.compiled:
            return cast(exact.whole(_sampled, self, key, spec), spec.dtype)
        return cast(_sampled(self, key, spec), spec.dtype)

    @checked
    def __call__(
        self,
        key: Key,
        shape: AnyShape,
        dtype: DTypeLike = None,
        *,
        axes: str | None = None,
        fan_in: PositiveNumber | None = None,
        fan_out: PositiveNumber | None = None,
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
        dtype = _held(float if dtype is None else dtype)
        shape = tuple(map(int, shape))
        spec = make_spec(shape, dtype, axes, fan_in=fan_in, fan_out=fan_out)
        self.check(spec)
        return self.draw(key, spec)


def _held(dtype: DTypeLike) -> np.dtype[Any]:
    """A dtype, as jax has it: Python's `float` is its default one."""
    if dtype in (float, complex):
        return jax.dtypes.canonicalize_dtype(dtype)
    given = jnp.dtype(dtype)
    if given in (np.float64, np.complex128) and not jax.config.jax_enable_x64:  # pyright: ignore
        raise ValueError(
            f"jax makes no arrays of {given} as it is set. Say "
            '`jax.config.update("jax_enable_x64", True)` first, or ask for another '
            "dtype."
        )
    return given


# (scheme, what it draws) of every scheme inside of another.
Parts: TypeAlias = Sequence[tuple[AbstractInitializer, ParamSpec]]


class BrokenPromise(ValueError):
    """What a scheme drew is not what was asked for."""


def _sampled(init: AbstractInitializer, key: Key, spec: ParamSpec) -> Array:
    """What `sample` returns, which a user's own may get wrong."""
    sample: Any = init.sample(key, spec)
    if isinstance(sample, (jax.Array, np.ndarray)) and sample.shape == spec.shape:
        whole = init.whole and jnp.issubdtype(sample.dtype, jnp.integer)
        if whole or sample.dtype == spec.draw_dtype:
            return jnp.asarray(sample)
    shape, dtype = np.shape(sample), getattr(sample, "dtype", None)
    raise BrokenPromise(
        f"{type(init).__name__} drew {dtype}{list(shape)}; its `sample(key, spec)` "
        f"must return an array of `spec.shape` in `spec.draw_dtype`, here "
        f"{spec.draw_dtype}{list(spec.shape)}."
    )


def _problems(init: AbstractInitializer, spec: ParamSpec) -> Iterator[str]:
    yield from (wrong := [*arrays(init)])
    if wrong:  # nothing else can be asked of it
        return
    yield from init.problems(spec)
    init.view(spec)
    for part, own in init.parts(spec):
        yield from _problems(part, own)
        part.law(own)


class AbstractLawInitializer(AbstractInitializer):
    """A scheme whose entries are independent and alike: `law(spec)` says it all."""

    # The law is: its numbers are worked out in Python and enter as arguments, one
    # compile per (base, shape) whatever the gain.
    compiled: ClassVar[bool] = False

    @abc.abstractmethod
    def law(self, spec: ParamSpec) -> AbstractLaw:
        """The law of every entry of this parameter."""

    @final
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        return self.law(spec).sample(key, spec.shape, spec.draw_dtype)

    def moments(self, spec: ParamSpec) -> Moments | None:
        return self.law(spec).moments(spec.is_complex)


class AbstractMatrixInitializer(AbstractInitializer):
    """A scheme that acts on matrices (out, in * taps), per stack, gate, group, head.

    Subclasses implement `matrix`; this class finds the matrices in the array, gives
    each a key of its own, and puts them back.
    """

    @abc.abstractmethod
    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        """Draw one matrix of shape `(rows, cols)`: outputs by inputs times taps."""

    @final
    def view(self, spec: ParamSpec) -> View:
        return matrices(spec)

    @final
    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = self.view(spec)
        rows, cols = view.inner

        def one(key: Key) -> Array:
            return self.matrix(key, rows, cols, spec.draw_dtype)

        return view.restore(draw_slices(one, key, view.count), spec.shape)


def draw_slices(draw: Any, key: Key, count: int) -> Array:
    """`draw` once per slice, each with a key of its own; a lone slice keeps `key`.

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
