"""Combinators: what they keep of the scheme inside, and what they refuse."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import compilations, same_bits

import eqinit as ei
from eqinit import ParamSpec, Rule
from eqinit._laws.families import LocScale, LogNormalLaw, UniformLaw
from eqinit._parameters.pieces import position_of, with_sizes, without
from eqinit._parameters.spec import make_spec
from eqinit._schemes.combined.combinator import accept


KEY = jax.random.key(7)
N = ei.Normal(1.0)


def spec(shape: tuple[int, ...] = (6, 8), axes: str | None = "out in", **said: Any):
    return make_spec(shape, np.float32, axes, **said)


def draw(init: ei.AbstractInitializer, parameter: ParamSpec | None = None):
    parameter = spec() if parameter is None else parameter
    init.check(parameter)
    return np.asarray(init.draw(KEY, parameter))


WRAPPERS = [
    ei.Scaled(ei.HeNormal(), 2.0),
    ei.Shifted(ei.HeNormal(), 2.0),
    ei.Clipped(ei.HeNormal(), -1.0, 1.0),
    ei.Stretched(ei.HeNormal()),
    ei.Abs(ei.HeNormal()),
    ei.Rounded(ei.HeNormal(), "float16"),
    ei.Masked(ei.HeNormal(), np.ones(8, bool)),
    ei.Sparse(ei.HeNormal(), density=0.5),
    ei.Normalized(ei.HeNormal()),
    ei.Through(ei.HeNormal(), "tanh"),
    ei.PerGate(f=ei.HeNormal(), other=ei.Zeros()),
    ei.Blocks({"q": ei.HeNormal(), "k": ei.Zeros()}),
    ei.Blocks((ei.HeNormal(), ei.Ones()), 0),
    ei.Mixture((ei.HeNormal(), ei.Zeros())),
]


@pytest.mark.parametrize("init", WRAPPERS, ids=lambda init: type(init).__name__)
def test_roles_are_those_of_the_inside(init: ei.AbstractInitializer):
    assert init.roles == ("kernel",)
    model = eqx.nn.Linear(8, 6, key=KEY)
    with pytest.raises(ValueError, match="made for a kernel"):
        ei.plan(model, [Rule("", init)], layouts={eqx.nn.Linear: LAYOUT})


# With named gates, so that every combinator fits.
LAYOUT = {
    "weight": "(gate out) in",
    "bias": "(gate out)",
    "sizes": {"gate": ("f", "o")},
}


@pytest.mark.parametrize("init", WRAPPERS, ids=lambda init: type(init).__name__)
def test_the_inside_is_checked(init: ei.AbstractInitializer):
    with pytest.raises(ValueError, match=r"needs a fan|needs to know which axes"):
        init.check(make_spec((8, 8), np.float32))


def test_same_key_same_values():
    plain, sparse = draw(N), draw(ei.Sparse(N, density=0.5))
    assert np.array_equal(sparse[sparse != 0], plain[sparse != 0])
    # Nested masks are drawn from keys of their own: a quarter stays, not a half.
    twice = draw(ei.Sparse(ei.Sparse(N, density=0.5), density=0.5), spec((200, 200)))
    share = (twice != 0).mean()
    # Five deviations of a share of 1/4 in 40,000 entries.
    assert abs(share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 40_000)


def test_laws_of_a_kind_stay_laws():
    scaled = ei.Scaled(ei.HeNormal(), 0.5).law(spec())
    assert isinstance(scaled, LocScale)
    assert math.isclose(float(scaled.moments().std), math.sqrt(2 / 8) / 2, rel_tol=1e-6)
    uniform = ei.Shifted(ei.Scaled(ei.Uniform(1.0), 2.0), 1.0).law(spec())
    assert isinstance(uniform, UniformLaw)
    assert (uniform.lower, uniform.upper) == (-1.0, 3.0)
    log_normal = ei.Scaled(ei.LogNormal(1.0, 2.0), 3.0).law(spec())
    assert isinstance(log_normal, LogNormalLaw)
    assert math.isclose(log_normal.moments().mean, 6.0)
    assert math.isclose(log_normal.moments().std, 3.0)
    assert ei.Scaled(ei.Orthogonal(), 2.0).law(spec()) is None
    assert ei.Scaled(N, np.ones((6, 1), np.float32)).law(spec()) is None


def test_scale_by_one_changes_nothing():
    for init in (N, ei.HeNormal(), ei.Uniform(0.1), ei.Orthogonal(), ei.Ones()):
        assert same_bits(*(jnp.asarray(draw(i)) for i in (init, ei.Scaled(init, 1.0))))


def test_gradient_and_sweep_through_a_factor():
    def total(factor: jax.Array) -> jax.Array:
        return ei.Scaled(N, factor).draw(KEY, spec()).sum()

    slope = jax.grad(total)(jnp.float32(3.0))
    # The sum of 48 entries, added in another order.
    assert abs(slope - draw(N).sum()) < 48 * 2**-22 * np.abs(draw(N)).max()
    assert jax.vmap(total)(jnp.ones(3)).shape == (3,)


def test_orders_matter_and_are_yours():
    # spark clips after the mask, so that its zeros become `min_value`.
    clipped_last = ei.Clipped(ei.Sparse(ei.Uniform(0.0, 1.0), density=0.2), 0.3, 0.6)
    assert draw(clipped_last).min() == np.float32(0.3)
    sparse_last = ei.Sparse(ei.Clipped(ei.Uniform(0.0, 1.0), 0.3, 0.6), density=0.2)
    values = draw(sparse_last)
    assert values.min() == 0
    assert values[values != 0].min() >= np.float32(0.3)


def test_density_below_half_precision():
    # spark draws its mask in float16, which has no probability below 2^-10.
    share = (draw(ei.Sparse(ei.Ones(), density=1e-4), spec((1000, 1000))) != 0).mean()
    assert abs(share - 1e-4) < 5 * math.sqrt(1e-4 / 1e6)


@pytest.mark.parametrize("density, kept", [(0.29, 29), (0.07, 7), (0.999, 99), (0, 0)])
def test_exact_shares(density: float, kept: int):
    init = ei.Sparse(ei.Ones(), density=density, per="output")
    assert np.all(draw(init, spec((5, 100))).sum(1) == kept)


def test_connected_outputs_keep_what_a_binomial_does_or_one():
    rows, length, p = 20_000, 4, 0.2
    init, parameter = ei.Sparse(ei.Ones(), p, connected=True), spec((rows, length))
    left = draw(init, parameter).sum(1)
    chance = [math.comb(length, n) * p**n * (1 - p) ** (length - n) for n in range(5)]
    counts = np.maximum(np.arange(5), 1)
    mean = counts @ chance
    variance = counts**2 @ chance - mean**2
    assert left.min() == 1
    # Five standard errors: once in 1.7 million seeds.
    assert abs(left.mean() - mean) < 5 * math.sqrt(variance / rows)
    moments = init.moments(parameter)
    assert moments is not None
    assert moments.mean == pytest.approx(mean / length)


def test_every_line_is_drawn_anew():
    lines = draw(ei.Sparse(ei.Ones(), nonzero=50, per="output"), spec((2, 3, 100)))
    rows = {row.tobytes() for row in lines.reshape(6, 100)}
    assert len(rows) == 6


def test_sparse_in_any_order_of_axes():
    parameter = spec((3, 5, 4), "*kernel in out")  # flax's
    drawn = draw(ei.Sparse(ei.Ones(), nonzero=2, per="output"), parameter)
    assert np.all(drawn.sum((0, 1)) == 2)


def test_empty_rows_stay_zero():
    init = ei.Normalized(ei.Sparse(ei.Ones(), density=0.0), over="in", by="sum")
    assert not draw(init).any()


def test_norms_of_tiny_weights():
    tiny = ei.Constant(np.full((6, 8), 1e-30, np.float32))
    rows = draw(ei.Normalized(tiny, over="in"))
    # Eight squares of 1e-30 are zero in float32.
    assert np.allclose(rows, 1 / math.sqrt(8), rtol=1e-6, atol=0)


def test_half_precision_sums_are_exact():
    init = ei.Normalized(ei.Uniform(0.0, 1.0), over="in", by="sum")
    drawn = init(KEY, (4, 5000), jnp.float16, axes="out in")
    # Each entry is rounded once: the sum is off by 2^-11 of it at the very most.
    assert np.abs(np.asarray(drawn, np.float64).sum(1) - 1).max() < 2**-11


def test_gates_are_parameters_of_their_own():
    cell = eqx.nn.LSTMCell(3, 4, key=KEY)
    init = ei.PerGate(f=ei.Ones(), g=ei.GlorotUniform(), other=ei.Orthogonal())
    made = ei.apply(cell, KEY, [Rule(eqx.nn.LSTMCell, weight_hh=init)])
    i, f, g, o = np.asarray(made.weight_hh).reshape(4, 4, 4)
    assert np.all(f == 1)
    assert 0.5 * math.sqrt(6 / 8) < np.abs(g).max() < math.sqrt(6 / 8)
    for gate in (i, o):
        assert np.allclose(gate @ gate.T, np.eye(4), atol=1e-6)
    # A draw does not depend on what the other gates are given.
    other = ei.PerGate(f=ei.Zeros(), other=ei.Orthogonal())
    again = ei.apply(cell, KEY, [Rule(eqx.nn.LSTMCell, weight_hh=other)])
    assert np.array_equal(np.asarray(again.weight_hh)[12:], np.asarray(o))


def test_gates_of_a_stack():
    sizes = {"gate": ("a", "b")}
    parameter = spec((3, 8, 5), "(gate out) in", sizes=sizes)
    init = ei.PerGate(a=ei.Ones(), b=ei.Orthogonal())
    drawn = draw(init, parameter).reshape(3, 2, 4, 5)
    assert np.all(drawn[:, 0] == 1)
    for layer in drawn[:, 1]:
        assert np.allclose(layer @ layer.T, np.eye(4), atol=1e-6)
    assert not np.array_equal(drawn[0, 1], drawn[1, 1])


def test_blocks_have_fans_of_their_own():
    parameter = spec((12, 8))
    piece = with_sizes(parameter, {0: 3})
    assert (piece.shape, piece.fan_in, piece.fan_out) == ((3, 8), 8, 3)
    bias = spec((12,), "out", fan_in=8.0, fan_out=12.0)
    assert with_sizes(bias, {0: 3}).fan_out == 3
    conv = spec((4, 6, 3), "(group out) in *kernel", sizes={"group": 2, "kernel": 1})
    piece = with_sizes(conv, {position_of(conv, "in"): 2})
    assert (piece.shape, piece.fan_in, piece.fan_out) == ((4, 2, 3), 6, 6)
    assert without(conv, 0).shape == (2, 6, 3)
    assert without(conv, 0).fan_in == conv.fan_in


def test_blocks_by_name_and_by_number():
    blocks = ei.Blocks({"a": ei.Zeros(), "b": ei.Ones()}, "in", sizes=(2, 6))
    assert np.array_equal(draw(blocks), np.repeat([[0, 1]], [2, 6], 1).repeat(6, 0))
    parts = ei.Blocks((ei.Zeros(), ei.Ones()), axis=-1, sizes=(2, 6))
    assert np.array_equal(draw(parts), draw(blocks))
    plain = make_spec((2, 8), np.float32)  # without any axes
    assert np.array_equal(draw(parts, plain), draw(blocks)[:2])
    groups = spec((4, 6), "(group out) in", sizes={"group": 2})
    drawn = draw(ei.Blocks({"a": ei.Zeros(), "b": ei.Ones()}), groups)
    assert np.array_equal(drawn[:, 0], [0, 1, 0, 1])  # in each group


def test_mixture_of_constants():
    drawn = draw(ei.Mixture((ei.Zeros(), ei.Ones()), (1, 3)), spec((100, 100)))
    assert set(np.unique(drawn)) == {0, 1}
    assert abs(drawn.mean() - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 10_000)


class Cube(ei.transforms.AbstractTransform):
    """A user's own transform."""

    def forward(self, raw: jax.Array) -> jax.Array:
        return raw**3

    def inverse(self, effective: jax.Array) -> jax.Array:
        return jnp.cbrt(effective)


@pytest.mark.parametrize(
    "transform", ["softplus", "exp", "square", "sigmoid", "tanh", Cube()]
)
def test_through_and_back(transform: Any):
    init = ei.Through(ei.Uniform(0.05, 0.95), transform)
    effective = init.effective(init.draw(KEY, spec()))
    wanted = draw(ei.Uniform(0.05, 0.95))
    # Inverse and forward round once or twice each, with slopes below 20 here.
    assert np.abs(np.asarray(effective) - wanted).max() < 20 * 4 * 2**-24


def test_through_softplus_far_out():
    for value in (1e-30, 1e-6, 100.0, 1e30):
        raw = ei.Through(ei.Constant(value), "softplus")(KEY, ())
        again = np.logaddexp(float(raw), 0)
        # The raw value -69 is known to 2^-18; far out, raw and effective are equal.
        assert abs(again / value - 1) < 2**-17


def test_through_refuses_what_is_out_of_range():
    # Where no law tells, the draw does: out of a trace as Equinox's own error.
    init = ei.Through(ei.Orthogonal(), "softplus")
    with pytest.raises(RuntimeError, match="softplus never takes"):
        jax.block_until_ready(init(KEY, (8, 8), axes="out in"))


def test_functions_as_a_transform():
    init = ei.Through(ei.Ones(), (lambda x: x / 2, lambda x: 2 * x))
    assert np.all(draw(init) == 2)


def test_combinators_in_a_model():
    model = eqx.nn.MLP(4, 2, 8, 2, key=KEY)
    rules = [
        Rule(ei.Role("bias"), ei.Shifted(ei.Normal(0.01), 1.0)),
        Rule("layers.0", weight=ei.Sparse(ei.HeNormal(), nonzero=2, per="output")),
        Rule(eqx.nn.Linear, weight=ei.Scaled(ei.HeNormal(), 0.5)),
    ]
    plan = ei.plan(model, rules)
    made = plan.apply(model, KEY)
    assert np.all((np.asarray(made.layers[0].weight) != 0).sum(1) == 2)
    check = plan.check(made)
    assert check.ok
    assert check.skipped == ()  # all their moments are known
    inside = eqx.filter_jit(lambda m, k: ei.apply(m, k, rules))(model, KEY)
    assert eqx.tree_equal(made, inside)


def test_nan_is_not_a_number():
    drawn = ei.Constant(np.nan)(KEY, (2, 3), jnp.bfloat16)
    assert np.isnan(np.asarray(drawn, np.float32)).all()
    with pytest.raises(ValueError, match="the value nan, which int32 cannot hold"):
        ei.Constant(np.nan)(KEY, (2,), jnp.int32)
    with pytest.raises(ValueError, match=r"the value 2\.5, which int8 cannot hold"):
        ei.Constant(2.5)(KEY, (2,), jnp.int8)
    assert np.all(np.asarray(ei.Constant(2.0)(KEY, (2,), jnp.int8)) == 2)


@pytest.mark.parametrize(
    "init, parameter, message",
    [
        (ei.Scaled(N, np.ones(3, np.float32)), spec(), r"factor of shape \(3,\)"),
        (ei.Shifted(N, np.ones(3, np.float32)), spec(), r"offset of shape \(3,\)"),
        (ei.Masked(N, np.ones((9, 9), bool)), spec(), r"mask of shape \(9, 9\)"),
        (ei.Sparse(N, nonzero=9, per="output"), spec(), "keeps 9 entries per output"),
        (ei.Sparse(N, nonzero=2, per="input"), make_spec((3,), "float32"), "is none"),
        (ei.Normalized(N, over="kernel"), spec(), "have no `kernel`"),
        (ei.Normalized(N, over=2), spec(), r"axes \[2\]"),
        (ei.Normalized(N, over=("in", 0)), spec(), "name the axes or number them"),
        (ei.PerGate(f=N), spec(), "no named gates"),
        (
            ei.PerGate(z=N),
            spec((6, 8), "(gate out) in", sizes={"gate": ("f", "o")}),
            r"\['z'\] are unknown and \['f', 'o'\] get nothing",
        ),
        (ei.Blocks({"a": N, "b": N}, sizes=(2, 5)), spec(), r"add up to 6"),
        (
            ei.Blocks({"a": N, "b": N, "c": N, "d": N}),
            spec(),
            "4 pieces of equal",
        ),
        (ei.Blocks((N, N), axis=2), spec(), "splits axis 2"),
        (
            ei.Blocks((N, N), 0),
            spec((6, 8), "(gate out) in", sizes={"gate": 2}),
            "has several parts",
        ),
        (ei.Clipped(N), make_spec((2,), "complex64"), "orders numbers"),
        (ei.Through(N, "exp"), make_spec((2,), "complex64"), "orders numbers"),
        (
            ei.Rounded(N, "float16"),
            make_spec((2,), "complex64"),
            "both have to be",
        ),
        (ei.LooksLinear(), spec((5, 8)), "halves `out`, which has 5"),
        (
            ei.ICNR(N),
            spec((6, 2, 3, 3), "out in *kernel"),
            "copies each kernel 4",
        ),
        (ei.matrices.Hadamard(), spec((6, 7)), r"max\(in, out\) is 7"),
        (ei.matrices.Unitary(), spec(), r"square, and this matrix is \(6, 8\)"),
        (ei.filters.STFT(), spec((6, 2, 3), "out in *kernel"), "has 2 inputs"),
        (ei.matrices.Spectrum(values=(1, 2)), spec(), "got 2 values"),
        (ei.Laplace(), make_spec((2,), "complex64"), "law of real numbers"),
        (ei.Phase(), make_spec((2,), "float32"), "the parameter is real"),
        (
            ei.HeNormal(distribution=ei.bases.StandardCauchy()),
            spec(),
            "no variance to scale",
        ),
        (ei.HeNormal(distribution=ei.bases.StandardStudentT(2)), spec(), "use df > 2"),
        (ei.DiscreteUniform(0, 200), make_spec((2,), "int8"), "does not fit int8"),
    ],
)
def test_what_does_not_fit(
    init: ei.AbstractInitializer, parameter: ParamSpec, message: str
):
    with pytest.raises(ValueError, match=message):
        init.check(parameter)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: ei.Sparse(N), "either a share or a number"),
        (lambda: ei.Sparse(N, density=0.5, nonzero=3), "either a share or a number"),
        (lambda: ei.Sparse(N, density=1.5), "density=1.5"),
        (lambda: ei.Sparse(N, nonzero=3), "per='entry'"),
        (
            lambda: ei.Sparse(N, density=0.5, per="input", connected=True),
            "connected=True",
        ),
        (lambda: ei.Clipped(N, 2.0, 1.0), "`lower` must be at most `upper`"),
        (lambda: ei.Mixture((N, N), (1.0,)), "2 initializers and weights"),
        (lambda: ei.Mixture((N, N), (1.0, -1.0)), "each of it a finite number >= 0"),
        (lambda: ei.PerGate(), "PerGate got no initializer"),
        (lambda: ei.Through(N, "cosine"), "transform='cosine'"),
        (lambda: ei.StudentT(3.0, std=1.0, scale=1.0), "either `std` or `scale`"),
        (lambda: ei.StudentT(2.0, std=1.0), "give its scale instead"),
        (lambda: ei.Ternary(density=0.0), "density=0.0"),
        (lambda: ei.matrices.Reservoir(density=0.0), "density=0.0"),
        (lambda: ei.DiscreteUniform(2, 2), "`lower` must be below `upper`"),
    ],
)
def test_what_makes_no_sense(make: Any, message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_only_initializers_are_wrapped():
    with pytest.raises(TypeError, match=r"eqinit\.interop\.as_initializer"):
        accept("Scaled", jax.nn.initializers.zeros)
    wrapped = ei.Scaled(ei.interop.as_initializer(jax.nn.initializers.ones), 3.0)
    assert np.all(draw(wrapped) == 3)


@pytest.mark.parametrize("options", [{}, {"per": "output"}, {"connected": True}])
def test_another_density_is_not_compiled_anew(options: Any):
    def drawing(density: float) -> Any:
        init = ei.Sparse(N, density=density, corrected=True, **options)
        return lambda: init(KEY, (13, 20), axes="out in")

    assert compilations(drawing(0.5)) > 0
    assert compilations(drawing(0.25)) == 0
    share = (np.asarray(drawing(0.25)()) != 0).mean()
    # 260 entries: five deviations of a share of a quarter.
    assert abs(share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 260)
