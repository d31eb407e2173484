"""Wrong calls of everything public: what is raised, and the words that tell why.

Each is evaluated in a process of its own kind, as users have it, with the names of
`SCENE`; `test_wrong_calls.py` compares. A new export needs a row: the suite fails
without one. Where Python itself complains, its words count.
"""

# ruff: noqa: E501

SCENE = """
import equinox as eqx, jax, jax.numpy as jnp, numpy as np
import eqinit as ei
nn = eqx.nn
KEY = jax.random.key(0)
LINEAR = nn.Linear(3, 2, key=KEY)
BARE = nn.Linear(3, 2, use_bias=False, key=KEY)
SKELETON = eqx.filter_eval_shape(nn.Linear, 3, 2, key=KEY)
MLP = nn.MLP(3, 2, 4, 1, key=KEY)
LSTM = nn.LSTMCell(3, 2, key=KEY)
EMBEDDING = nn.Embedding(4, 3, key=KEY)
COMPLEX = nn.Linear(3, 2, dtype=jnp.complex64, key=KEY)

class Raw(eqx.Module):
    w: jax.Array
    b: jax.Array

RAW = Raw(jnp.ones((3, 2)), jnp.ones(3))
PAIR = (nn.Embedding(5, 3, key=KEY), nn.Linear(3, 5, key=KEY))
TIED = nn.Shared(PAIR, lambda m: m[1].weight, lambda m: m[0].weight)
RULES = [ei.Rule(nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())]
"""

# Public name to its wrong calls: (code, class of the error, words of its text).
WRONG: dict[str, list[tuple[str, str, str]]] = {
    "Abs": [
        (
            "ei.Abs(3)",
            "TypeError",
            "Abs wraps an eqinit initializer such as `HeNormal()`; got 3. A function of jax, flax or",
        ),
        (
            "ei.Abs()",
            "TypeError",
            "Abs.__init__() missing 1 required positional argument: 'init'",
        ),
    ],
    "AbstractCombinator": [
        (
            "ei.AbstractCombinator()",
            "TypeError",
            "Can't instantiate abstract class AbstractCombinator",
        ),
    ],
    "AbstractConvInitializer": [
        (
            "ei.AbstractConvInitializer()",
            "TypeError",
            "Can't instantiate abstract class AbstractConvInitializer",
        ),
    ],
    "AbstractInitializer": [
        (
            "ei.AbstractInitializer()",
            "TypeError",
            "Can't instantiate abstract class AbstractInitializer",
        ),
    ],
    "AbstractLaw": [
        (
            "ei.AbstractLaw()",
            "TypeError",
            "Can't instantiate abstract class AbstractLaw",
        ),
    ],
    "AbstractLawInitializer": [
        (
            "ei.AbstractLawInitializer()",
            "TypeError",
            "Can't instantiate abstract class AbstractLawInitializer",
        ),
    ],
    "AbstractMatrixInitializer": [
        (
            "ei.AbstractMatrixInitializer()",
            "TypeError",
            "Can't instantiate abstract class AbstractMatrixInitializer",
        ),
    ],
    "AbstractSelector": [
        (
            "ei.AbstractSelector()",
            "TypeError",
            "Can't instantiate abstract class AbstractSelector",
        ),
    ],
    "transforms.AbstractTransform": [
        (
            "ei.transforms.AbstractTransform()",
            "TypeError",
            "Can't instantiate abstract class AbstractTransform",
        ),
    ],
    "filters.Bilinear": [
        (
            "ei.filters.Bilinear(2)",
            "TypeError",
            "Bilinear.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "Blocks": [
        (
            "ei.Blocks({})",
            "ValueError",
            "Blocks got no initializer; pass one for each part.",
        ),
        (
            'ei.Blocks({"q": 3})',
            "TypeError",
            "Blocks wraps an eqinit initializer such as `HeNormal()`; got 3. A function of jax, flax",
        ),
        (
            'ei.Blocks({"q": ei.Zeros(), "k": ei.Zeros()}, sizes=(1, 1))(KEY, (3, 4), axes="out in")',
            "ValueError",
            "Blocks has 2 pieces of sizes [1, 1] along 'out', which has 3 entries. Say",
        ),
        (
            'ei.Blocks({"q": ei.Zeros(), "k": ei.Zeros()})(KEY, (3, 4), axes="out in")',
            "ValueError",
            "Blocks has 2 pieces of equal parts along 'out', which has 3 entries. Say `sizes=(...)`,",
        ),
        (
            'ei.Blocks({"q": ei.Zeros()}, axis="depth")(KEY, (3, 4), axes="out in")',
            "ValueError",
            "axes `out in` of (3, 4) have no `depth`; they have ['in', 'out'].",
        ),
        (
            "ei.Blocks(())",
            "ValueError",
            "Blocks got no initializer; pass one for each part.",
        ),
    ],
    "Rounded": [
        (
            'ei.Rounded(ei.Normal(), "float31")',
            "TypeError",
            "data type 'float31' not understood",
        ),
        (
            "ei.Rounded(ei.Normal())",
            "TypeError",
            "Rounded.__init__() missing 1 required positional argument: 'dtype'",
        ),
        (
            "ei.Rounded(ei.Normal(), None)",
            "ValueError",
            'Rounded got dtype=None; it must be a dtype of numbers, such as `"bfloat16"`.',
        ),
        (
            "ei.Rounded(ei.Normal(), {})",
            "ValueError",
            'Rounded got dtype={} (dict); it must be a dtype of numbers, such as `"bfloat16"`.',
        ),
        (
            "ei.Rounded(ei.Normal(), np.float32(3))",
            "ValueError",
            'Rounded got dtype=3.0 (float32); it must be a dtype of numbers, such as `"bfloat16"`.',
        ),
        (
            'ei.Rounded(ei.Normal(), "datetime64[s]")',
            "ValueError",
            "Rounded got dtype='datetime64[s]' (str); it must be a dtype of numbers, such as",
        ),
        (
            "ei.Rounded(ei.Normal(), bool)",
            "ValueError",
            "Rounded got dtype=<class 'bool'> (type); it must be a dtype of numbers, such as",
        ),
        (
            "ei.Rounded(ei.Normal(), str)",
            "ValueError",
            "Rounded got dtype=<class 'str'> (type); it must be a dtype of numbers, such as",
        ),
    ],
    "Cauchy": [
        (
            "ei.Cauchy(1e38)(KEY, (3,))",
            "ValueError",
            "Cauchy draws values up to 4.194e+44, and float32 holds -3.403e+38 to 3.403e+38",
        ),
        (
            'ei.plan(LINEAR, [("weight", ei.Scaled(ei.Cauchy(1.0), 1e33))])',
            "ValueError",
            "Scaled draws values up to 4.194e+39, and float32 holds",
        ),
        (
            "ei.Cauchy(-1.0)",
            "ValueError",
            "Cauchy got scale=-1.0; it must be a finite number >= 0, such as `Cauchy(scale=0.01)`.",
        ),
        (
            'ei.Cauchy(float("inf"))',
            "ValueError",
            "Cauchy got scale=inf; it must be a finite number >= 0, such as `Cauchy(scale=0.01)`.",
        ),
    ],
    "reports.Check": [
        (
            "ei.reports.Check()",
            "TypeError",
            "Check.__init__() missing 1 required positional argument: 'rows'",
        ),
    ],
    "Chrono": [
        (
            "ei.Chrono(1.0)",
            "ValueError",
            "Chrono got t_max=1.0 and t_min=1.0; t_max must be above 1 + t_min, in steps (the length",
        ),
        (
            "ei.Chrono(-3.0)",
            "ValueError",
            "Chrono got t_max=-3.0; it must be a finite number > 0.",
        ),
        (
            "ei.Chrono(10.0, 20.0)",
            "ValueError",
            "Chrono got t_max=10.0 and t_min=20.0; t_max must be above 1 + t_min, in steps (the",
        ),
        (
            'ei.Chrono(10.0)(KEY, (8,), axes="out")',
            "ValueError",
            "no gate `z` in axes `out`: it has no named gates. Name them where the layout is said:",
        ),
    ],
    "ClassPrior": [
        (
            "ei.ClassPrior(jnp.array([0.5, -0.5]))",
            "ValueError",
            "ClassPrior got frequencies=[-0.5  0.5] (float32[2]); it must be a finite number > 0 or",
        ),
        (
            "ei.ClassPrior(jnp.ones(3))(KEY, (4,))",
            "ValueError",
            "ClassPrior has 3 frequencies and the bias is (4,): pass one per class.",
        ),
        (
            'ei.ClassPrior("even")',
            "ValueError",
            "ClassPrior got frequencies='even' (str); it must be a finite number > 0 or None.",
        ),
    ],
    "Clipped": [
        (
            "ei.Clipped(ei.Normal(), 1.0, -1.0)",
            "ValueError",
            "Clipped got lower=1.0 and upper=-1.0; `lower` must be at most `upper`.",
        ),
        (
            'ei.Clipped("normal", -1.0, 1.0)',
            "TypeError",
            "Clipped wraps an eqinit initializer such as `HeNormal()`; got 'normal'. A function of",
        ),
        (
            'ei.Clipped(ei.Normal(), float("nan"))',
            "ValueError",
            "Clipped got lower=nan; it must be a number or None.",
        ),
        (
            "ei.Clipped(ei.Normal(), 10**400)",
            "ValueError",
            "Clipped got lower=100000000000000000...0000000000000000000; it must be a number or None.",
        ),
        (
            "ei.Clipped(ei.Normal(), np.zeros(2))(KEY, (3, 2))",
            "ValueError",
            "Clipped got lower=[0.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "Constant": [
        (
            'ei.Constant("one")',
            "ValueError",
            "Constant got value='one' (str); it must be a number, such as `Constant(value=0.0)`.",
        ),
        (
            "ei.Constant(None)",
            "ValueError",
            "Constant got value=None; it must be a number, such as `Constant(value=0.0)`.",
        ),
        (
            "ei.Constant(jnp.ones(7))(KEY, (3,))",
            "ValueError",
            "Constant got a value of shape (7,), which does not broadcast to the parameter's (3,).",
        ),
        (
            "ei.Constant(1j)(KEY, (3,))",
            "ValueError",
            "Constant has a complex value and the parameter is float32. Pass its `.real`.",
        ),
        (
            "ei.Constant(True)",
            "ValueError",
            "Constant got value=True (bool); it must be a number, such as `Constant(value=0.0)`.",
        ),
        (
            "ei.Constant(10**400)",
            "ValueError",
            "Constant got value=100000000000000000...0000000000000000000; it must be a number, such as",
        ),
        (
            "ei.Constant(300)(KEY, (3, 2), jnp.int8)",
            "ValueError",
            "Constant draws values up to 300, and int8 holds -128 to 127. Let it draw smaller ones, or",
        ),
        (
            "ei.Constant(-1)(KEY, (3, 2), jnp.uint8)",
            "ValueError",
            "Constant draws values up to -1, and uint8 holds 0 to 255. Let it draw smaller ones, or",
        ),
        (
            "ei.Constant(1e39)(KEY, (3,))",
            "ValueError",
            "Constant draws values up to 1e+39, and float32 holds -3.403e+38 to 3.403e+38. Let it draw",
        ),
        (
            "ei.Constant(np.array([1e39, 1.0, 1.0]))(KEY, (3,))",
            "ValueError",
            "Constant draws values up to 1e+39, and float32 holds -3.403e+38 to 3.403e+38. Let it draw",
        ),
        (
            "ei.Constant(1e39 + 1j)(KEY, (3,), jnp.complex64)",
            "ValueError",
            "Constant draws values up to 1e+39, and complex64 holds -3.403e+38 to 3.403e+38. Let it",
        ),
        (
            "ei.Constant(1e6)(KEY, (3,), jnp.float16)",
            "ValueError",
            "Constant draws values up to 1e+06, and float16 holds -6.55e+04 to 6.55e+04. Let it draw",
        ),
    ],
    "ConvolutionOrthogonal": [
        (
            'ei.ConvolutionOrthogonal(float("nan"))',
            "ValueError",
            "ConvolutionOrthogonal got gain=nan; it must be a finite number >= 0, such as",
        ),
    ],
    "matrices.DCT": [
        (
            'ei.matrices.DCT(float("nan"))',
            "ValueError",
            "DCT got gain=nan; it must be a finite number >= 0, such as `DCT(gain=1.0)`.",
        ),
        (
            "ei.matrices.DCT()(KEY, (3,))",
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
    ],
    "DeltaOrthogonal": [
        (
            'ei.DeltaOrthogonal("one")',
            "ValueError",
            "DeltaOrthogonal got gain='one' (str); it must be a finite number >= 0, such as",
        ),
        (
            "ei.DeltaOrthogonal()(KEY, (2, 4, 3))",
            "ValueError",
            'this scheme needs to know which axes of (2, 4, 3) are in and out: pass `axes="out in"`',
        ),
    ],
    "DiscreteUniform": [
        (
            "ei.DiscreteUniform(2, 2)",
            "ValueError",
            "DiscreteUniform got lower=2 and upper=2; `lower` must be below `upper`.",
        ),
        (
            "ei.DiscreteUniform(3, 1)",
            "ValueError",
            "DiscreteUniform got lower=3 and upper=1; `lower` must be below `upper`.",
        ),
        (
            "ei.DiscreteUniform(0.5, 2)",
            "ValueError",
            "DiscreteUniform got lower=0.5; it must be a whole number of 32 bits, such as",
        ),
        (
            "ei.DiscreteUniform(0, 1000)(KEY, (3, 2), jnp.int8)",
            "ValueError",
            "DiscreteUniform(0, 1000) does not fit int8, which holds -128 to 127. Use a wider dtype.",
        ),
        (
            "ei.DiscreteUniform(0, 1000)(KEY, (3, 2), jnp.float8_e4m3fn)",
            "ValueError",
            "DiscreteUniform draws values up to 788.2, and float8_e4m3fn holds -448 to 448. Let it",
        ),
    ],
    "transforms.Domain": [
        (
            "ei.transforms.Domain(1, 0)",
            "ValueError",
            "Domain got lower=1 and upper=0; `lower` must be below `upper`.",
        ),
        (
            'ei.transforms.Domain("a", 3)',
            "ValueError",
            "Domain got lower='a' (str); it must be a number, such as `Domain(lower=-inf)`.",
        ),
        (
            'ei.transforms.Domain(0.0, float("nan"))',
            "ValueError",
            "Domain got upper=nan; it must be a number, such as `Domain(upper=inf)`.",
        ),
        (
            'ei.transforms.Domain(0.0, 1.0, "yes")',
            "ValueError",
            "Domain got closed='yes' (str); it must be a bool, such as `Domain(closed=True)`.",
        ),
    ],
    "filters.DownsamplingFilter": [
        (
            'ei.filters.DownsamplingFilter("gauss")',
            "ValueError",
            "DownsamplingFilter got kind='gauss' (str); it must be one of ['triangle', 'binomial',",
        ),
    ],
    "depth.EdgeOfChaos": [
        (
            'ei.depth.EdgeOfChaos("tanh", -1.0)',
            "ValueError",
            "EdgeOfChaos got bias_var=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.depth.EdgeOfChaos("relu", 0.1)(KEY, (3, 4), axes="out in")',
            "ValueError",
            "edge_of_chaos: with activation 'relu' and bias_var=0.1 there is none; homogeneous",
        ),
    ],
    "Exponential": [
        (
            "ei.Exponential(3e37)(KEY, (3,))",
            "ValueError",
            "Exponential draws values up to 4.783e+38, and float32 holds",
        ),
        (
            "ei.Exponential(-1.0)",
            "ValueError",
            "Exponential got mean=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.Exponential(float("nan"))',
            "ValueError",
            "Exponential got mean=nan; it must be a finite number >= 0, such as",
        ),
    ],
    "FanUniform": [
        (
            "ei.FanUniform(-1.0)",
            "ValueError",
            "FanUniform got numerator=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.FanUniform(mode="fan")',
            "ValueError",
            "FanUniform got mode='fan' (str); it must be one of ['fan_in', 'fan_out', 'fan_avg',",
        ),
        (
            "ei.FanUniform(gain=-1.0)",
            "ValueError",
            "FanUniform got gain=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.FanUniform(power=float("nan"))',
            "ValueError",
            "FanUniform got power=nan; it must be a finite number, such as `FanUniform(power=0.5)`.",
        ),
        (
            "ei.FanUniform()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "Filter": [
        (
            'ei.plan(LINEAR, [(ei.Filter(lambda site: "weight"), ei.Normal())])',
            "ValueError",
            "returned a str for `weight`, and not whether that is meant: True or False",
        ),
        (
            "ei.plan(LINEAR, [(ei.Filter(lambda: True), ei.Zeros())])",
            "ValueError",
            "Filter(",
        ),
        ("ei.Filter(3)", "ValueError", "Filter got fn=3; it must be a function."),
        (
            'ei.Filter("weight")',
            "ValueError",
            "Filter got fn='weight' (str); it must be a function.",
        ),
    ],
    "ForActivation": [
        (
            "ei.ForActivation()",
            "TypeError",
            "ForActivation.__init__() missing 1 required positional argument: 'init'",
        ),
        (
            'ei.ForActivation("relu")',
            "TypeError",
            "ForActivation wraps an eqinit initializer such as `HeNormal()`; got 'relu'. A function",
        ),
    ],
    "ForgetGateBias": [
        (
            'ei.ForgetGateBias("one")',
            "ValueError",
            "ForgetGateBias got value='one' (str); it must be a finite number, such as",
        ),
        (
            "ei.ForgetGateBias()(KEY, (8,))",
            "ValueError",
            "this scheme needs to know what the axis of (8,) means: a layout says it, such as",
        ),
    ],
    "FourierFeatures": [
        (
            'ei.FourierFeatures("gauss")',
            "ValueError",
            "FourierFeatures got kernel='gauss' (str); it must be one of ['rbf', 'matern',",
        ),
        (
            "ei.FourierFeatures(lengthscale=-1.0)",
            "ValueError",
            "FourierFeatures got lengthscale=-1.0; it must be a finite number > 0, such as",
        ),
        (
            'ei.FourierFeatures("matern", nu=-1.0)',
            "ValueError",
            "FourierFeatures got nu=-1.0; it must be a finite number > 0, such as",
        ),
        (
            "ei.FourierFeatures()(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            'ei.FourierFeatures(lengthscale=np.ones(2))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "FourierFeatures got lengthscale=[1.] (float64[2]); a draw needs one number. `jax.vmap`",
        ),
    ],
    "Gamma": [
        (
            "ei.Gamma(2.0, 3e37)(KEY, (3,))",
            "ValueError",
            "Gamma draws values up to 3.454e+38, and float32 holds",
        ),
        (
            "ei.Gamma(0.0)",
            "ValueError",
            "Gamma got shape=0.0; it must be a finite number > 0, such as `Gamma(shape=1.0)`.",
        ),
        (
            "ei.Gamma(-1.0)",
            "ValueError",
            "Gamma got shape=-1.0; it must be a finite number > 0, such as `Gamma(shape=1.0)`.",
        ),
        (
            "ei.Gamma(1.0, -1.0)",
            "ValueError",
            "Gamma got mean=-1.0; it must be a finite number >= 0, such as `Gamma(mean=1.0)`.",
        ),
    ],
    "GlorotNormal": [
        (
            "ei.GlorotNormal(gain=-1.0)",
            "ValueError",
            "GlorotNormal got gain=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            "ei.GlorotNormal(negative_slope=0.1)",
            "TypeError",
            "GlorotNormal has no argument `negative_slope`; it takes gain, mode, distribution.",
        ),
    ],
    "GlorotUniform": [
        (
            'ei.GlorotUniform(mode="fan_both")',
            "ValueError",
            "GlorotUniform got mode='fan_both' (str); it must be one of ['fan_in', 'fan_out',",
        ),
        (
            "ei.GlorotUniform()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_avg needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "matrices.Hadamard": [
        (
            'ei.matrices.Hadamard(random="yes")',
            "ValueError",
            "Hadamard got random='yes' (str); it must be a bool, such as `Hadamard(random=True)`.",
        ),
        (
            'ei.matrices.Hadamard()(KEY, (3, 3), axes="out in")',
            "ValueError",
            "Hadamard needs a power of two, and max(in, out) is 3. Use `DCT()`, which exists for",
        ),
    ],
    "HalfNormal": [
        (
            "ei.HalfNormal(-1.0)",
            "ValueError",
            "HalfNormal got scale=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.HalfNormal("wide")',
            "ValueError",
            "HalfNormal got scale='wide' (str); it must be a finite number >= 0, such as",
        ),
    ],
    "HeNormal": [
        (
            "ei.HeNormal()(KEY, (6,), fan_in=True)",
            "ValueError",
            "HeNormal got fan_in=True (bool); it must be a finite number > 0",
        ),
        (
            "ei.HeNormal()(KEY, (6,), fan_in=0)",
            "ValueError",
            "HeNormal got fan_in=0; it must be a finite number > 0",
        ),
        (
            "ei.HeNormal()(KEY, (6,), fan_in=1e-320)",
            "ValueError",
            "it must be a finite number > 0",
        ),
        (
            "ei.HeNormal()(KEY, (6,), fan_in=10**400)",
            "ValueError",
            "it must be a finite number > 0",
        ),
        (
            'ei.HeNormal(gain=3e38)(KEY, (6, 4), axes="out in")',
            "ValueError",
            "its mean would be nan and its std inf",
        ),
        (
            "ei.HeNormal(gain=-2.0)",
            "ValueError",
            "HeNormal got gain=-2.0; it must be a finite number >= 0, such as `HeNormal(gain=1.0)`.",
        ),
        (
            'ei.HeNormal(mode="fan")',
            "ValueError",
            "HeNormal got mode='fan' (str); it must be one of ['fan_in', 'fan_out', 'fan_avg',",
        ),
        (
            'ei.HeNormal(distribution="gauss")',
            "ValueError",
            "HeNormal got distribution='gauss' (str); it must be one of ['truncated_normal',",
        ),
        (
            'ei.HeNormal(negative_slope=float("nan"))',
            "ValueError",
            "HeNormal got negative_slope=nan; it must be a finite number, such as",
        ),
        (
            'ei.HeNormal("relu")',
            "ValueError",
            "HeNormal got gain='relu' (str); it must be a finite number >= 0, such as",
        ),
        (
            "ei.HeNormal(a=0.1)",
            "TypeError",
            "HeNormal has no argument `a`; here it is called `negative_slope`:",
        ),
        (
            "ei.HeNormal()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
        (
            'ei.HeNormal()(KEY, (3, 4), axes=("out", "in"))',
            "TypeCheckError",
            "parameter 'axes'",
        ),
        (
            'ei.HeNormal()(KEY, (3, 4), fan_in="all")',
            "ValueError",
            "HeNormal got fan_in='all' (str); it must be a finite number > 0",
        ),
        (
            'ei.HeNormal(mode="fan_out")(KEY, (3, 4), fan_in=4)',
            "ValueError",
            "a scheme scaled by fan_out needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
        (
            'ei.HeNormal()(KEY, (4,), axes="vocab")',
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (4,) has none (axes",
        ),
        (
            'ei.HeNormal(gain=jnp.ones(2))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "HeNormal got gain=[1.] (float32[2]); a draw needs one number. `jax.vmap` over the",
        ),
        (
            'ei.HeNormal(negative_slope=np.zeros(0))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "HeNormal got negative_slope=[] (float64[0]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "HeUniform": [
        (
            'ei.HeUniform(gain=float("inf"))',
            "ValueError",
            "HeUniform got gain=inf; it must be a finite number >= 0, such as `HeUniform(gain=1.0)`.",
        ),
        (
            "ei.HeUniform(mode=1)",
            "ValueError",
            "HeUniform got mode=1; it must be one of ['fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg',",
        ),
    ],
    "HoedtBias": [
        (
            "ei.HoedtBias(corr=0.0)",
            "ValueError",
            "HoedtBias got corr=0.0; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.HoedtBias(bias_noise=-0.1)",
            "ValueError",
            "HoedtBias got bias_noise=-0.1; it must be a number in [0, 1), such as",
        ),
        (
            "ei.HoedtBias()(KEY, (3,))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3,) has none (its",
        ),
    ],
    "HoedtMatched": [
        (
            "ei.HoedtMatched(corr=2.0)",
            "ValueError",
            "HoedtMatched got corr=2.0; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.HoedtMatched()(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
    ],
    "HoedtNormal": [
        (
            "ei.HoedtNormal(corr=1.0)",
            "ValueError",
            "HoedtNormal got corr=1.0; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.HoedtNormal(corr=-0.5)",
            "ValueError",
            "HoedtNormal got corr=-0.5; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.HoedtNormal(var=-1.0)",
            "ValueError",
            "HoedtNormal got var=-1.0; it must be a finite number > 0, such as",
        ),
        (
            "ei.HoedtNormal(bias_noise=1.0)",
            "ValueError",
            "HoedtNormal got bias_noise=1.0; it must be a number in [0, 1), such as",
        ),
        (
            'ei.HoedtNormal(alpha="leaky")',
            "TypeError",
            "HoedtNormal has no argument `alpha`; here it is called `negative_slope`:",
        ),
        (
            "ei.HoedtNormal()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
        (
            'ei.HoedtNormal(var=np.ones(2))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "HoedtNormal got var=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "HyperfanIn": [
        (
            "ei.HyperfanIn(3)",
            "TypeError",
            "HyperfanIn.__init__() missing 1 required positional argument: 'fan_out'",
        ),
        (
            "ei.HyperfanIn(0, 4)",
            "ValueError",
            "HyperfanIn got fan_in=0; it must be a finite number > 0.",
        ),
        (
            'ei.HyperfanIn(3, 4, "scale")',
            "ValueError",
            "HyperfanIn got target='scale' (str); it must be one of ['weight', 'bias'], such as",
        ),
        (
            "ei.HyperfanIn(3, 4, variance=-1.0)",
            "TypeError",
            "HyperfanIn has no argument `variance`; it takes fan_in, fan_out, target, activation,",
        ),
    ],
    "HyperfanOut": [
        (
            "ei.HyperfanOut(3, -4)",
            "ValueError",
            "HyperfanOut got fan_out=-4; it must be a finite number > 0.",
        ),
        (
            'ei.HyperfanOut(3, 4, distribution="gauss")',
            "ValueError",
            "HyperfanOut got distribution='gauss' (str); it must be one of ['truncated_normal',",
        ),
    ],
    "ICNR": [
        (
            "ei.ICNR(ei.HeNormal(), 0)",
            "ValueError",
            "ICNR got upscale=0; it must be a whole number >= 1, such as `ICNR(upscale=2)`.",
        ),
        (
            'ei.ICNR(factor="two")',
            "TypeError",
            "ICNR has no argument `factor`; it takes init, upscale, order.",
        ),
        (
            'ei.ICNR(factor=2)(KEY, (6, 3, 3, 3), axes="out in *kernel")',
            "TypeError",
            "ICNR has no argument `factor`; it takes init, upscale, order.",
        ),
        (
            'ei.ICNR(order="rows first")',
            "ValueError",
            "ICNR got order='rows first' (str); it must be one of ['channel first', 'pixel first'],",
        ),
    ],
    "IDInit": [
        (
            'ei.IDInit("one")',
            "ValueError",
            "IDInit got gain='one' (str); it must be a finite number, such as `IDInit(gain=1.0)`.",
        ),
        (
            "ei.IDInit()(KEY, (3, 3))",
            "ValueError",
            'this scheme needs to know which axes of (3, 3) are in and out: pass `axes="out in"` (or',
        ),
    ],
    "Identity": [
        (
            'ei.Identity(float("nan"))',
            "ValueError",
            "Identity got gain=nan; it must be a finite number, such as `Identity(gain=1.0)`.",
        ),
        (
            'ei.Identity("one")',
            "ValueError",
            "Identity got gain='one' (str); it must be a finite number, such as `Identity(gain=1.0)`.",
        ),
        (
            "ei.Identity()(KEY, (3,))",
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
        (
            "ei.Identity()(KEY, (3, 3))",
            "ValueError",
            'this scheme needs to know which axes of (3, 3) are in and out: pass `axes="out in"` (or',
        ),
        (
            'ei.Identity(1e6)(KEY, (3, 3), jnp.float16, axes="out in")',
            "ValueError",
            "Identity draws values up to 8.047e+05, and float16 holds -6.55e+04 to 6.55e+04. Let it",
        ),
        (
            'ei.Identity(np.ones(3))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "Identity got gain=[1.] (float64[3]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "reports.Inspection": [
        (
            "ei.reports.Inspection()",
            "TypeError",
            "Inspection.__init__() missing 1 required positional argument: 'rows'",
        ),
    ],
    "KaimingNormal": [
        (
            "ei.KaimingNormal(gain=-1.0)",
            "ValueError",
            "HeNormal got gain=-1.0; it must be a finite number >= 0, such as `HeNormal(gain=1.0)`.",
        ),
    ],
    "KaimingUniform": [
        (
            'ei.KaimingUniform(negative_slope="leaky")',
            "ValueError",
            "HeUniform got negative_slope='leaky' (str); it must be a finite number, such as",
        ),
    ],
    "Keep": [
        ("ei.Keep()(KEY, (3,))", "TypeError", "'Keep' object is not callable"),
    ],
    "Laplace": [
        (
            "ei.Laplace(5e37)(KEY, (3,))",
            "ValueError",
            "Laplace draws values up to 5.882e+38, and float32 holds",
        ),
        (
            "ei.Laplace(-1.0)",
            "ValueError",
            "Laplace got std=-1.0; it must be a finite number >= 0, such as `Laplace(std=0.01)`.",
        ),
        (
            'ei.Laplace(float("nan"))',
            "ValueError",
            "Laplace got std=nan; it must be a finite number >= 0, such as `Laplace(std=0.01)`.",
        ),
    ],
    "Layer": [
        (
            "ei.Layer()",
            "TypeError",
            "Layer.__init__() missing 1 required positional argument: 'cls'",
        ),
    ],
    "reports.LeafRow": [
        (
            'ei.reports.LeafRow("weight")',
            "TypeError",
            "LeafRow.__init__() missing 8 required positional arguments: 'shape', 'dtype', 'owner',",
        ),
    ],
    "LecunNormal": [
        (
            "ei.LecunNormal(gain=-0.5)",
            "ValueError",
            "LecunNormal got gain=-0.5; it must be a finite number >= 0, such as",
        ),
        (
            "ei.LecunNormal()(KEY, (3,))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3,) has none (its",
        ),
    ],
    "LecunUniform": [
        (
            'ei.LecunUniform(mode="in")',
            "ValueError",
            "LecunUniform got mode='in' (str); it must be one of ['fan_in', 'fan_out', 'fan_avg',",
        ),
    ],
    "Linspace": [
        (
            "ei.Linspace(0.0)",
            "TypeError",
            "Linspace.__init__() missing 1 required positional argument: 'stop'",
        ),
        (
            "ei.Linspace(0.0, 1.0, log=True)",
            "ValueError",
            "Linspace got log=True, start=0.0 and stop=1.0; both ends must be > 0, or the logarithms",
        ),
        (
            'ei.Linspace(0.0, 1.0, power="two")',
            "ValueError",
            "Linspace got power='two' (str); it must be a finite number > 0, such as",
        ),
        (
            'ei.Linspace(0.0, float("nan"))',
            "ValueError",
            "Linspace got stop=nan; it must be a finite number.",
        ),
    ],
    "LogNormal": [
        (
            'ei.LogNormal()(KEY, (3,), "complex64")',
            "ValueError",
            "LogNormal is positive, and the parameter is complex.",
        ),
        (
            "ei.LogNormal(-1.0)",
            "ValueError",
            "LogNormal got std=-1.0; it must be a finite number >= 0, such as `LogNormal(std=1.0)`.",
        ),
        (
            "ei.LogNormal(1.0, -1.0)",
            "ValueError",
            "LogNormal got mean=-1.0; it must be a finite number > 0, such as `LogNormal(mean=1.0)`.",
        ),
        (
            'ei.LogNormal(1.0, float("nan"))',
            "ValueError",
            "LogNormal got mean=nan; it must be a finite number > 0, such as `LogNormal(mean=1.0)`.",
        ),
    ],
    "Logistic": [
        (
            "ei.Logistic(4e37)(KEY, (3,))",
            "ValueError",
            "Logistic draws values up to 3.516e+38, and float32 holds",
        ),
        (
            "ei.Logistic(-1.0)",
            "ValueError",
            "Logistic got std=-1.0; it must be a finite number >= 0, such as `Logistic(std=0.01)`.",
        ),
        (
            'ei.Logistic("wide")',
            "ValueError",
            "Logistic got std='wide' (str); it must be a finite number >= 0, such as",
        ),
    ],
    "LooksLinear": [
        (
            'ei.LooksLinear("orthogonal")',
            "TypeError",
            "LooksLinear wraps an eqinit initializer such as `HeNormal()`; got 'orthogonal'. A",
        ),
        (
            'ei.LooksLinear(mirror="all")',
            "ValueError",
            "LooksLinear got mirror='all' (str); it must be one of ['both', 'out', 'in'], such as",
        ),
        (
            'ei.LooksLinear()(KEY, (3, 4), axes="out in")',
            "ValueError",
            "LooksLinear halves `out`, which has 3 entries here. Use an even width, or",
        ),
    ],
    "Masked": [
        (
            "ei.Masked(ei.Normal(), jnp.ones(7))(KEY, (3,))",
            "ValueError",
            "Masked got mask=[1.] (float32[7]); it must be True, False or an array of these.",
        ),
        (
            "ei.Masked(ei.Normal())",
            "TypeError",
            "Masked.__init__() missing 1 required positional argument: 'mask'",
        ),
        (
            'ei.Masked("normal", jnp.ones(3))',
            "TypeError",
            "Masked wraps an eqinit initializer such as `HeNormal()`; got 'normal'. A function of",
        ),
        (
            "ei.Masked(ei.Normal(), np.ones(3))",
            "ValueError",
            "Masked got mask=[1.] (float64[3]); it must be True, False or an array of these.",
        ),
    ],
    "transformer.Mimetic": [
        (
            'ei.transformer.Mimetic("queries")',
            "ValueError",
            "Mimetic got part='queries' (str); it must be one of ['query', 'key', 'value', 'output'].",
        ),
        (
            'ei.transformer.Mimetic("query", heads=0)',
            "ValueError",
            "Mimetic got heads=0; it must be a whole number >= 1, such as `Mimetic(heads=1)`.",
        ),
        (
            'ei.transformer.Mimetic("query", heads=5)(KEY, (24, 24), axes="out in")',
            "ValueError",
            "Mimetic has 5 heads and a query weight of 24 x 24 (out x in): the 24 inner features",
        ),
        (
            'ei.transformer.Mimetic("query", alpha="big")',
            "ValueError",
            "Mimetic got alpha='big' (str); it must be a finite number or None.",
        ),
        (
            'ei.transformer.Mimetic("query", alpha=np.ones(2))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "Mimetic got alpha=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "Mixture": [
        (
            "ei.Mixture({ei.Normal(): 1})",
            "TypeError",
            "Mixture takes a list of initializers, and their weights beside it",
        ),
        (
            "ei.Mixture(ei.Normal())",
            "TypeError",
            "Mixture takes a list of initializers",
        ),
        (
            "ei.Mixture(())",
            "ValueError",
            "Mixture got 0 initializers and weights []; pass one weight each, not all 0.",
        ),
        (
            "ei.Mixture((ei.Normal(), ei.Zeros()), (1,))",
            "ValueError",
            "Mixture got 2 initializers and weights [1]; pass one weight each, not all 0.",
        ),
        (
            "ei.Mixture((ei.Normal(), ei.Zeros()), (1, -1))",
            "ValueError",
            "Mixture got weights=(1, -1) (tuple); it must be a sequence, each of it a finite number",
        ),
        (
            "ei.Mixture((ei.Normal(), ei.Zeros()), (0, 0))",
            "ValueError",
            "Mixture got 2 initializers and weights [0, 0]; pass one weight each, not all 0.",
        ),
        (
            'ei.Mixture("normal")',
            "TypeError",
            "Mixture takes a list of initializers",
        ),
    ],
    "Moments": [
        (
            "ei.Moments(1.0)",
            "TypeError",
            "Moments.__new__() missing 1 required positional argument: 'std'",
        ),
    ],
    "matrices.NPRNN": [
        (
            "ei.matrices.NPRNN(1.0)",
            "TypeError",
            "NPRNN.__init__() takes 1 positional argument but 2 were given",
        ),
        (
            'ei.matrices.NPRNN()(KEY, (3, 4), axes="out in")',
            "ValueError",
            "NPRNN is for recurrent kernels, which are square, and this matrix is (3, 4).",
        ),
    ],
    "Normal": [
        (
            "ei.Normal(np.ma.masked)",
            "ValueError",
            "it must be a finite number >= 0",
        ),
        (
            "ei.Normal(np.timedelta64(1))",
            "ValueError",
            "it must be a finite number >= 0",
        ),
        (
            "ei.Normal()(KEY, (6, -4))",
            "ValueError",
            "Normal got shape=(6, -4) (tuple); it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Normal()(KEY, (6.0, 4))",
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Normal()(KEY, (True, 4))",
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            'ei.Normal()(KEY, "64")',
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Normal()(KEY, (2**40, 2**40))",
            "ValueError",
            "of less than 2**63 entries in all",
        ),
        (
            'ei.Normal()(KEY, (6, 4), "float64")',
            "ValueError",
            "jax makes no arrays of float64 as it is set",
        ),
        (
            'ei.Normal()(KEY, (6, 4), axes="output in")',
            "ValueError",
            "axes `output in` have `output`. Did you mean `out`?",
        ),
        (
            "ei.Normal(-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
        (
            'ei.Normal(float("nan"))',
            "ValueError",
            "Normal got std=nan; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
        (
            'ei.Normal(float("inf"))',
            "ValueError",
            "Normal got std=inf; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
        (
            'ei.Normal("wide")',
            "ValueError",
            "Normal got std='wide' (str); it must be a finite number >= 0, such as",
        ),
        (
            "ei.Normal(None)",
            "ValueError",
            "Normal got std=None; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
        (
            'ei.Normal(mean=float("nan"))',
            "ValueError",
            "Normal got mean=nan; it must be a finite number, such as `Normal(mean=0.0)`.",
        ),
        (
            "ei.Normal(sigma=1.0)",
            "TypeError",
            "Normal has no argument `sigma`; here it is called `std`: `Normal(std=...)`.",
        ),
        (
            "ei.Normal()(KEY, 3)",
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Normal()(KEY, (3.0,))",
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Normal()(KEY, (-3,))",
            "ValueError",
            "Normal got shape=(-3,) (tuple); it must be a tuple of whole numbers >= 0",
        ),
        ("ei.Normal()(0, (3,))", "TypeCheckError", "parameter 'key'"),
        ("ei.Normal()(KEY)", "TypeError", "missing a required argument: 'shape'"),
        (
            'ei.Normal()(KEY, (3,), "float31")',
            "TypeError",
            "data type 'float31' not understood",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="(a b) in")',
            "ValueError",
            "axes `(a b) in`: the sizes of ['a', 'b'] are all unknown; say all but one, such as",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="(a=3 b) in")',
            "ValueError",
            "axes `(a=3 b) in`: an axis of length 4 does not split into {'a': 3, 'b': None}.",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="out in more")',
            "ValueError",
            "axes `out in more` name 3 axes, but the shape is (4, 6).",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="out in-put")',
            "ValueError",
            "axes `out in-put` has `-`, which is no name. Write one token per axis, such as `out in",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="() in")',
            "ValueError",
            "axes `() in` has unbalanced or empty brackets. Write one token per axis, such as `out in",
        ),
        (
            'ei.Normal()(KEY, (4, 6), axes="(out *in)")',
            "ValueError",
            "axes `(out *in)` has a starred name inside brackets. Write one token per axis, such as",
        ),
        (
            "ei.Normal()(KEY, (3, 2), jnp.int32)",
            "ValueError",
            "Normal draws numbers with a fraction, which int32 cannot hold. Ask for a float.",
        ),
        (
            "ei.Normal()(KEY, (3, 2), bool)",
            "ValueError",
            "Normal draws numbers with a fraction, which bool cannot hold. Ask for a float.",
        ),
        (
            "ei.Normal()(KEY, (3, 2), str)",
            "ValueError",
            "Normal draws numbers with a fraction, which <U0 cannot hold. Ask for a float.",
        ),
        (
            "ei.Normal()(KEY, (3, 2), object)",
            "ValueError",
            "Normal draws numbers with a fraction, which object cannot hold. Ask for a float.",
        ),
        (
            "ei.Normal(np.ones(2))(KEY, (3, 2))",
            "ValueError",
            "Normal got std=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
        (
            "ei.Normal(mean=jnp.zeros(2))(KEY, (3, 2))",
            "ValueError",
            "Normal got mean=[0.] (float32[2]); a draw needs one number. `jax.vmap` over the",
        ),
        (
            "ei.Normal(1e6)(KEY, (3,), jnp.float16)",
            "ValueError",
            "Normal draws values up to 5.42e+06, and float16 holds -6.55e+04 to 6.55e+04. Let it draw",
        ),
        (
            'ei.Normal(3e4)(KEY, (3,), "float16")',
            "ValueError",
            "Normal draws values up to 1.626e+05, and float16 holds -6.55e+04 to 6.55e+04. Let it draw",
        ),
        (
            "ei.Normal(1000.0)(KEY, (3,), jnp.float8_e4m3fn)",
            "ValueError",
            "Normal draws values up to 5420, and float8_e4m3fn holds -448 to 448. Let it draw smaller",
        ),
        (
            "ei.Normal(10**400)",
            "ValueError",
            "Normal got std=100000000000000000...0000000000000000000; it must be a finite number >= 0,",
        ),
    ],
    "Normalized": [
        (
            'ei.Normalized(ei.Normal(), "in")(KEY, (3, 4))',
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            "ei.Normalized(ei.Normal(), 7)(KEY, (3, 4))",
            "ValueError",
            "Normalized sums over axes [7], and the parameter's shape is (3, 4).",
        ),
        (
            'ei.Normalized(ei.Normal(), by="l3")',
            "ValueError",
            "Normalized got by='l3' (str); it must be one of ['l2', 'l1', 'max', 'sum'].",
        ),
        (
            'ei.Normalized(ei.Normal(), "depth")(KEY, (3, 4), axes="out in")',
            "ValueError",
            "axes `out in` of (3, 4) have no `depth`; they have ['in', 'out'].",
        ),
        (
            "ei.Normalized(ei.Normal(), target=np.ones(3))(KEY, (3, 2))",
            "ValueError",
            "Normalized got target=[1.] (float64[3]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "Ones": [
        (
            "ei.Ones(2.0)",
            "TypeError",
            "Ones.__init__() takes 1 positional argument but 2 were given",
        ),
        (
            'ei.Ones()(KEY, "three")',
            "ValueError",
            "it must be a tuple of whole numbers >= 0",
        ),
        (
            "ei.Ones()(KEY, (3, 2), bool)",
            "ValueError",
            "Ones draws whole numbers, which bool cannot hold. Ask for a float.",
        ),
    ],
    "Orthogonal": [
        (
            'ei.Orthogonal(float("nan"))',
            "ValueError",
            "Orthogonal got gain=nan; it must be a finite number >= 0, such as",
        ),
        (
            'ei.Orthogonal(keeps="length")',
            "ValueError",
            "Orthogonal got keeps='length' (str); it must be one of ['norm', 'entries', 'rms'], such",
        ),
        (
            'ei.Orthogonal(algorithm="svd")',
            "ValueError",
            "Orthogonal got algorithm='svd' (str); it must be one of ['qr', 'householder'], such as",
        ),
        (
            'ei.Orthogonal(special="yes")',
            "ValueError",
            "Orthogonal got special='yes' (str); it must be a bool, such as",
        ),
        (
            "ei.Orthogonal()(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            'ei.Orthogonal()(KEY, (3,), axes="out")',
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
        (
            'ei.Orthogonal(1e6)(KEY, (3, 3), jnp.float16, axes="out in")',
            "ValueError",
            "Orthogonal draws values up to 5.774e+05, and float16 holds -6.55e+04 to 6.55e+04. Let it",
        ),
        (
            'ei.Orthogonal(np.ones(2))(KEY, (3, 3), axes="out in")',
            "ValueError",
            "Orthogonal got gain=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "ParamSpec": [
        (
            "ei.ParamSpec((3,))",
            "TypeError",
            "ParamSpec.__init__() missing 1 required positional argument: 'dtype'",
        ),
        (
            'ei.ParamSpec((3,), np.dtype("float32")).fan("fan_in")',
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3,) has none (its",
        ),
    ],
    "Path": [
        (
            'ei.Path("x" * 10**6)',
            "ValueError",
            "of at most 10,000 characters",
        ),
        (
            "ei.Path()",
            "TypeError",
            "Path.__init__() missing 1 required positional argument: 'glob'",
        ),
        (
            'ei.Path("weight") & 3',
            "TypeError",
            "a selector is a path glob, a layer type, a function of the model or a selector such as",
        ),
        (
            "ei.Path(3)",
            "ValueError",
            "Path got glob=3; it must be a path or a glob, without empty segments",
        ),
        (
            'ei.Path("a..b")',
            "ValueError",
            "Path got glob='a..b' (str); it must be a path or a glob, without empty segments",
        ),
        (
            'ei.Path(".a")',
            "ValueError",
            "Path got glob='.a' (str); it must be a path or a glob, without empty segments",
        ),
        (
            'ei.Path("a.")',
            "ValueError",
            "Path got glob='a.' (str); it must be a path or a glob, without empty segments",
        ),
        (
            'ei.Path("a\\\\")',
            "ValueError",
            "Path got glob='a\\\\' (str); it must be a path or a glob, without empty segments",
        ),
        (
            "ei.Path(None)",
            "ValueError",
            "Path got glob=None; it must be a path or a glob, without empty segments",
        ),
    ],
    "PerGate": [
        (
            "ei.PerGate()",
            "ValueError",
            "PerGate got no initializer; name gates, as in `PerGate(f=Ones(), other=Zeros())`.",
        ),
        (
            "ei.PerGate(f=3)",
            "TypeError",
            "PerGate wraps an eqinit initializer such as `HeNormal()`; got 3. A function of jax,",
        ),
        (
            'ei.PerGate(f=ei.Zeros())(KEY, (8,), axes="out")',
            "ValueError",
            "axes `out` of (8,) have no named gates. Name them where the layout is said:",
        ),
        (
            'ei.plan(LSTM, [("bias", ei.PerGate(z=ei.Zeros(), other=ei.Zeros()))])',
            "ValueError",
            "bias, of LSTMCell (rule Path('bias')): PerGate sets ['z'], and the gates here are ['i',",
        ),
        (
            'ei.plan(LSTM, [("bias", ei.PerGate(f=ei.Zeros()))])',
            "ValueError",
            "bias, of LSTMCell (rule Path('bias')): PerGate sets ['f'], and the gates here are ['i',",
        ),
    ],
    "PerSlice": [
        (
            'ei.PerSlice(ei.Normal(1.0), (1.0, 1e38), axis="head")(KEY, (2, 3), axes="head out")',
            "ValueError",
            "PerSlice draws values up to 5.42e+38, and float32 holds",
        ),
        (
            'ei.PerSlice(ei.Normal(), "half")',
            "ValueError",
            "PerSlice got factors='half' (str); it must be a finite number or a sequence, each of it",
        ),
        (
            "ei.PerSlice(ei.Normal(), [1.0, 2.0])(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            "ei.PerSlice(ei.Normal(), [1.0, 2.0], axis=5)(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            "ei.PerSlice(ei.Normal(), lambda i: i)(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            'ei.PerSlice(ei.Normal(), [1.0], axis="head")(KEY, (3, 4), axes="out in")',
            "ValueError",
            "PerSlice(axis='head'): axes `out in` have no independent axis of this name.",
        ),
    ],
    "Phase": [
        (
            "ei.Phase(-1.0)",
            "ValueError",
            "Phase got std=-1.0; it must be a finite number >= 0, such as `Phase(std=1.0)`.",
        ),
        (
            "ei.Phase()(KEY, (3,), jnp.float32)",
            "ValueError",
            "RandomPhase draws complex numbers, and the parameter is real. Its real counterpart is",
        ),
    ],
    "Plan": [
        (
            'ei.plan(LINEAR, [])["wieght"]',
            "KeyError",
            "'no parameter `wieght` in this plan. Did you mean `weight`? See `print(plan)`.'",
        ),
        (
            'ei.plan(LINEAR, []).apply(LINEAR, "key")',
            "TypeCheckError",
            "parameter 'key'",
        ),
        (
            'ei.plan(LINEAR, [("**", ei.Zeros())]).apply(MLP, KEY)',
            "ValueError",
            "this plan was made for another model; 2 parameters differ:",
        ),
        (
            'ei.plan(LINEAR, [("**", ei.Zeros())]).check(MLP)',
            "ValueError",
            "this plan was made for another model; 2 parameters differ:",
        ),
        (
            'ei.plan(LINEAR, [("**", ei.Zeros())]).check(SKELETON)',
            "ValueError",
            "`weight` is abstract: there is no value to check. Check the model that",
        ),
        (
            'ei.plan(LINEAR, [("**", ei.Zeros())]).apply(LINEAR, KEY, progress=2)',
            "TypeCheckError",
            "parameter 'progress'",
        ),
    ],
    "PriorProb": [
        (
            "ei.PriorProb(1.0)",
            "ValueError",
            "PriorProb got probability=1.0; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.PriorProb(0.0)",
            "ValueError",
            "PriorProb got probability=0.0; it must be a number inside (0, 1), such as",
        ),
        (
            "ei.PriorProb(-0.1)",
            "ValueError",
            "PriorProb got probability=-0.1; it must be a number inside (0, 1), such as",
        ),
        (
            'ei.PriorProb("rare")',
            "ValueError",
            "PriorProb got probability='rare' (str); it must be a number inside (0, 1), such as",
        ),
        (
            "ei.PriorProb(np.full(2, 0.5))(KEY, (3,))",
            "ValueError",
            "PriorProb got a probability of shape (2,), which does not broadcast to the parameter's",
        ),
        (
            "ei.PriorProb(np.zeros(0))(KEY, (3,))",
            "ValueError",
            "PriorProb got a probability of shape (0,), which does not broadcast to the parameter's",
        ),
    ],
    "Rademacher": [
        (
            "ei.Rademacher(-1.0)",
            "ValueError",
            "Rademacher got std=-1.0; it must be a finite number >= 0, such as `Rademacher(std=1.0)`.",
        ),
        (
            "ei.Rademacher(None)",
            "ValueError",
            "Rademacher got std=None; it must be a finite number >= 0, such as `Rademacher(std=1.0)`.",
        ),
        (
            "ei.Rademacher()(KEY, (3, 2), jnp.int8)",
            "ValueError",
            "Rademacher draws numbers with a fraction, which int8 cannot hold. Ask for a float.",
        ),
    ],
    "depth.RandomWalk": [
        (
            "ei.depth.RandomWalk()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "Readout": [
        (
            'ei.Readout("scheme")',
            "TypeError",
            "Readout.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "Stretched": [
        (
            "ei.Stretched(ei.Normal(), -3e38, 3e38)",
            "ValueError",
            "Stretched got lower=-3e+38 and upper=3e+38, further apart than any float32 is large",
        ),
        (
            "ei.Stretched(ei.Normal(), 1.0, 0.0)",
            "ValueError",
            "Stretched got lower=1.0 and upper=0.0; `lower` must be below `upper`.",
        ),
        (
            "ei.Stretched(ei.Normal(), 0.0, np.ones(2))(KEY, (3, 2))",
            "ValueError",
            "Stretched got upper=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "matrices.Reservoir": [
        (
            "ei.matrices.Reservoir(-1.0)",
            "ValueError",
            "Reservoir got spectral_radius=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            "ei.matrices.Reservoir(density=0.0)",
            "ValueError",
            "Reservoir got density=0.0; it must be a number in (0, 1], such as",
        ),
        (
            "ei.matrices.Reservoir(density=2.0)",
            "ValueError",
            "Reservoir got density=2.0; it must be a number in (0, 1], such as",
        ),
        (
            'ei.matrices.Reservoir()(KEY, (3, 4), axes="out in")',
            "ValueError",
            "Reservoir is for recurrent kernels, which are square, and this matrix is (3, 4).",
        ),
    ],
    "Residual": [
        (
            'ei.Residual("scheme")',
            "TypeError",
            "Residual.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "Role": [
        (
            'ei.Role("weight")',
            "ValueError",
            "no role 'weight'; roles are ['kernel', 'bias', 'scale', 'embedding', 'other'].",
        ),
        (
            "ei.Role(3)",
            "ValueError",
            "no role 3; roles are ['kernel', 'bias', 'scale', 'embedding', 'other'].",
        ),
    ],
    "reports.Row": [
        (
            'ei.reports.Row("weight")',
            "TypeError",
            "Row.__init__() missing 3 required positional arguments: 'spec', 'init', and 'rule'",
        ),
    ],
    "Rule": [
        (
            'ei.plan(nn.Conv2d(3, 4, 3, key=KEY), [ei.Rule("weight", ei.HeNormal(), axes="out in *kernal")])',
            "ValueError",
            "axes `out in *kernal` have `kernal`. Did you mean `kernel`?",
        ),
        (
            'ei.plan(LINEAR, [ei.Rule("weight", ei.HeNormal(), axes="Out in")])',
            "ValueError",
            "axes `Out in` have `Out`. Did you mean `out`?",
        ),
        (
            'ei.Rule("**")',
            "TypeError",
            "Rule(Path('**')) takes one initializer for everything it selects, `Rule(selector,",
        ),
        (
            "ei.Rule()",
            "TypeError",
            "Rule.__init__() missing 1 required positional argument: 'selector'",
        ),
        (
            "ei.Rule(3, ei.Zeros())",
            "TypeError",
            "a selector is a path glob, a layer type, a function of the model or a selector such as",
        ),
        (
            "ei.Rule(None, ei.Zeros())",
            "TypeError",
            "a selector is a path glob, a layer type, a function of the model or a selector such as",
        ),
        (
            'ei.Rule("**", ei.Zeros(), weight=ei.Zeros())',
            "TypeError",
            "Rule(Path('**')) takes one initializer for everything it selects, `Rule(selector,",
        ),
        (
            'ei.Rule("**", w=ei.Zeros(), b=ei.Zeros(), axes="out in")',
            "TypeError",
            "Rule(Path('**')) sets ['b', 'w'] and got one `axes` for all. Say them by field:",
        ),
        (
            'ei.Rule("**", ei.HeNormal)',
            "TypeError",
            "got the class HeNormal; an initializer is an instance: `HeNormal()`.",
        ),
        (
            'ei.Rule("**", weight="he")',
            "TypeError",
            "an initializer is an eqinit scheme such as `HeNormal()`, a function `(key, shape,",
        ),
        (
            'ei.Rule("**", ei.Zeros(), fan_in="all")',
            "ValueError",
            "Rule(Path('**')) got fan_in=all; a fan is a number of connections, finite and > 0.",
        ),
        (
            'ei.Rule("**", ei.Zeros(), fan_in=-1)',
            "ValueError",
            "Rule(Path('**')) got fan_in=-1; a fan is a number of connections, finite and > 0.",
        ),
        (
            'ei.Rule("**", ei.Zeros(), fan_out=0)',
            "ValueError",
            "Rule(Path('**')) got fan_out=0; a fan is a number of connections, finite and > 0.",
        ),
        (
            'ei.Rule("**", ei.Zeros(), ei.Zeros())',
            "TypeError",
            "Rule.__init__() takes from 2 to 3 positional arguments but 4 were given",
        ),
        (
            'ei.Rule("a..b", ei.Zeros())',
            "ValueError",
            "Path got glob='a..b' (str); it must be a path or a glob, without empty segments",
        ),
        (
            'ei.Rule("weight", ei.Zeros(), optional=1)',
            "ValueError",
            "Rule got optional=1; it must be a bool.",
        ),
        (
            'ei.Rule("weight", ei.Zeros(), axes=3)',
            "TypeError",
            "Rule(Path('weight')) got axes=3; a notation is a text, such as `\"out in\"`.",
        ),
        (
            'ei.Rule("weight", ei.Zeros(), axes="out in)")',
            "ValueError",
            "axes `out in)` has unbalanced brackets. Write one token per axis, such as `out in",
        ),
        (
            'ei.Rule("weight", ei.Zeros(), axes={"weight": 3})',
            "TypeError",
            "Rule(Path('weight')) got axes={'weight': 3}; a notation is a text, such as `\"out in\"`.",
        ),
        (
            'ei.Rule("weight", ei.Zeros(), axes={"weight": "(out in"})',
            "ValueError",
            "axes `(out in` has unbalanced or empty brackets. Write one token per axis, such as `out in",
        ),
    ],
    "filters.STFT": [
        (
            'ei.filters.STFT("phase")',
            "ValueError",
            "STFT got part='phase' (str); it must be one of ['real', 'imag'], such as",
        ),
        (
            'ei.filters.STFT(window="window")',
            "ValueError",
            "STFT got window='window', of which scipy says: ",
        ),
        (
            'ei.filters.STFT(scaling="power")',
            "ValueError",
            "STFT got scaling='power' (str); it must be one of ['density', 'spectrum', 'none'], such",
        ),
        (
            'ei.filters.STFT()(KEY, (3,), axes="out")',
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
    ],
    "Scaled": [
        (
            "ei.Scaled(ei.Normal())",
            "TypeError",
            "Scaled.__init__() missing 1 required positional argument: 'factor'",
        ),
        (
            'ei.Scaled("normal", 2.0)',
            "TypeError",
            "Scaled wraps an eqinit initializer such as `HeNormal()`; got 'normal'. A function of",
        ),
        (
            'ei.Scaled(ei.Normal(), "twice")',
            "ValueError",
            "Scaled got factor='twice' (str); it must be a finite number.",
        ),
        (
            "ei.Scaled(ei.Normal(), jnp.ones(7))(KEY, (3,))",
            "ValueError",
            "Scaled got a factor of shape (7,), which does not broadcast to the parameter's (3,).",
        ),
        (
            "ei.Scaled(ei.Normal(1.0), 1e6)(KEY, (3,), jnp.float16)",
            "ValueError",
            "Scaled draws values up to 5.42e+06, and float16 holds -6.55e+04 to 6.55e+04. Let it draw",
        ),
    ],
    "Shifted": [
        (
            'ei.Shifted(ei.Normal(), "up")',
            "ValueError",
            "Shifted got offset='up' (str); it must be a finite number.",
        ),
        (
            "ei.Shifted(ei.Normal(), jnp.ones(7))(KEY, (3,))",
            "ValueError",
            "Shifted got an offset of shape (7,), which does not broadcast to the parameter's (3,).",
        ),
    ],
    "Siren": [
        (
            'ei.Siren(w0=1e-45)(KEY, (6, 4), axes="out in")',
            "ValueError",
            "its mean would be nan and its std inf",
        ),
        (
            "ei.Siren(0.0)",
            "ValueError",
            "Siren got w0=0.0; it must be a finite number > 0, such as `Siren(w0=30.0)`.",
        ),
        (
            "ei.Siren(-30.0)",
            "ValueError",
            "Siren got w0=-30.0; it must be a finite number > 0, such as `Siren(w0=30.0)`.",
        ),
        (
            'ei.Siren(first="yes")',
            "ValueError",
            "Siren got first='yes' (str); it must be a bool, such as `Siren(first=False)`.",
        ),
        (
            "ei.Siren()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "Site": [
        (
            'ei.Site("weight")',
            "TypeError",
            "Site.__init__() missing 6 required positional arguments: 'ancestors', 'indices',",
        ),
    ],
    "transformer.SmallInit": [
        (
            "ei.transformer.SmallInit(0)",
            "ValueError",
            "SmallInit got dim=0; it must be a whole number >= 1 or None.",
        ),
        (
            'ei.transformer.SmallInit("wide")',
            "ValueError",
            "SmallInit got dim='wide' (str); it must be a whole number >= 1 or None.",
        ),
        (
            'ei.transformer.SmallInit(3, "gauss")',
            "ValueError",
            "SmallInit got distribution='gauss' (str); it must be one of ['truncated_normal',",
        ),
        (
            "ei.transformer.SmallInit()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "Sparse": [
        (
            "ei.Sparse(ei.Normal())",
            "ValueError",
            "Sparse takes either a share or a number: `Sparse(init, density=0.1)` or `Sparse(init,",
        ),
        (
            "ei.Sparse(ei.Normal(), density=1.5)",
            "ValueError",
            "Sparse got density=1.5; it must be a number in [0, 1] or None.",
        ),
        (
            "ei.Sparse(ei.Normal(), density=-0.5)",
            "ValueError",
            "Sparse got density=-0.5; it must be a number in [0, 1] or None.",
        ),
        (
            "ei.Sparse(ei.Normal(), density=0.5, nonzero=3)",
            "ValueError",
            "Sparse takes either a share or a number: `Sparse(init, density=0.1)` or `Sparse(init,",
        ),
        (
            "ei.Sparse(ei.Normal(), nonzero=-1)",
            "ValueError",
            "Sparse got nonzero=-1; it must be a whole number >= 0 or None.",
        ),
        (
            "ei.Sparse(ei.Normal(), nonzero=3)",
            "ValueError",
            'Sparse got nonzero=3 and per=\'entry\'; a number goes with per="output", "input" or',
        ),
        (
            'ei.Sparse(ei.Normal(), density=0.5, per="row")',
            "ValueError",
            "Sparse got per='row' (str); it must be one of ['entry', 'output', 'input', 'matrix'],",
        ),
        (
            'ei.Sparse(ei.Normal(), nonzero=9, per="output")(KEY, (3, 4), axes="out in")',
            "ValueError",
            "Sparse keeps 9 entries per output, and the parameter of shape (3, 4) has only 4.",
        ),
        (
            'ei.Sparse(ei.Normal(), nonzero=2, per="output")(KEY, (3, 4))',
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
        (
            "ei.Sparse(ei.Normal(), density=np.zeros(0))",
            "ValueError",
            "Sparse got density=[] (float64[0]); it must be a plain number, since it decides what is",
        ),
        (
            "ei.Sparse(ei.Normal(), density=np.float32([0.5]))",
            "ValueError",
            "Sparse got density=[0.5] (float32[1]); it must be a plain number, since it decides what",
        ),
    ],
    "matrices.Spectral": [
        (
            "ei.matrices.Spectral(-1.0)",
            "ValueError",
            "Spectral got gain=-1.0; it must be a finite number >= 0, such as `Spectral(gain=1.0)`.",
        ),
        (
            "ei.matrices.Spectral()(KEY, (3, 4))",
            "ValueError",
            'this scheme needs to know which axes of (3, 4) are in and out: pass `axes="out in"` (or',
        ),
    ],
    "matrices.SpectralNormal": [
        (
            'ei.matrices.SpectralNormal(float("nan"))',
            "ValueError",
            "SpectralNormal got gain=nan; it must be a finite number >= 0, such as",
        ),
        (
            "ei.matrices.SpectralNormal()(KEY, (3,))",
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
    ],
    "matrices.Spectrum": [
        (
            'ei.matrices.Spectrum(power="one")',
            "ValueError",
            "Spectrum got power='one' (str); it must be a finite number, such as",
        ),
        (
            'ei.matrices.Spectrum(values=[1.0, 2.0])(KEY, (3, 3), axes="out in")',
            "ValueError",
            "Spectrum got 2 values, and a matrix of shape (3, 3) has 3 singular values.",
        ),
        (
            'ei.matrices.Spectrum(values="all")',
            "ValueError",
            "Spectrum got values='all' (str); it must be a sequence, each of it a finite number >= 0",
        ),
        (
            "ei.matrices.Spectrum(values=[-1.0])",
            "ValueError",
            "Spectrum got values=(-1.0,) (tuple); it must be a sequence, each of it a finite number",
        ),
    ],
    "StudentT": [
        (
            "ei.StudentT(0.2, scale=1.0)(KEY, (3,))",
            "ValueError",
            "StudentT draws values up to inf, and float32 holds -3.403e+38 to 3.403e+38",
        ),
        (
            "ei.StudentT(0.0)",
            "ValueError",
            "StudentT got df=0.0; it must be a finite number > 0, such as `StudentT(df=5.0)`.",
        ),
        (
            "ei.StudentT(-1.0)",
            "ValueError",
            "StudentT got df=-1.0; it must be a finite number > 0, such as `StudentT(df=5.0)`.",
        ),
        (
            "ei.StudentT(1.5, std=1.0)",
            "ValueError",
            "StudentT got df=1.5, and no variance exists from 2 down; give its scale instead:",
        ),
        (
            "ei.StudentT(5.0, std=1.0, scale=1.0)",
            "ValueError",
            "StudentT takes either `std` or `scale`: `StudentT(5.0, std=0.02)` or `StudentT(1.5,",
        ),
        (
            "ei.StudentT(5.0, std=-1.0)",
            "ValueError",
            "StudentT got std=-1.0; it must be a finite number >= 0 or None.",
        ),
    ],
    "Ternary": [
        (
            "ei.Ternary(-1.0)",
            "ValueError",
            "Ternary got std=-1.0; it must be a finite number >= 0, such as `Ternary(std=1.0)`.",
        ),
        (
            "ei.Ternary(1.0, 0.0)",
            "ValueError",
            "Ternary got density=0.0; it must be a number in (0, 1], such as",
        ),
        (
            "ei.Ternary(1.0, 1.5)",
            "ValueError",
            "Ternary got density=1.5; it must be a number in (0, 1], such as",
        ),
    ],
    "Through": [
        (
            'ei.Through(ei.Normal(), "cube")',
            "ValueError",
            "Through got transform='cube'; it is one of ['softplus', 'exp', 'square', 'sigmoid',",
        ),
        (
            "ei.Through(ei.Normal(), 3)",
            "ValueError",
            "Through got transform=3; it is one of ['softplus', 'exp', 'square', 'sigmoid', 'tanh',",
        ),
        (
            'ei.Through(ei.Normal(), "softplus")(KEY, (3,))',
            "ValueError",
            "Through: Normal draws from -inf to inf, and softplus takes values in (0, inf) only. Use",
        ),
        (
            'ei.Through("normal", "exp")',
            "TypeError",
            "Through wraps an eqinit initializer such as `HeNormal()`; got 'normal'. A function of",
        ),
    ],
    "TorchDefault": [
        (
            "ei.TorchDefault(1.0)",
            "TypeError",
            "TorchDefault.__init__() takes 1 positional argument but 2 were given",
        ),
        (
            "ei.TorchDefault()(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "reports.TracedLayouts": [
        (
            "ei.reports.TracedLayouts()",
            "TypeError",
            "TracedLayouts.__init__() missing 1 required positional argument: 'rows'",
        ),
    ],
    "reports.TracedRow": [
        (
            "ei.reports.TracedRow()",
            "TypeError",
            "TracedRow.__init__() missing 4 required positional arguments: 'path', 'shape', 'dtype',",
        ),
    ],
    "TruncatedNormal": [
        (
            "ei.TruncatedNormal(-1.0)",
            "ValueError",
            "TruncatedNormal got std=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            "ei.TruncatedNormal(1.0, lower=2.0, upper=1.0)",
            "ValueError",
            "TruncatedNormal got lower=2.0 and upper=1.0, which leave nothing to draw within 4",
        ),
        (
            "ei.TruncatedNormal(1.0, lower=1.0, upper=1.0)",
            "ValueError",
            "TruncatedNormal got lower=1.0 and upper=1.0, which leave nothing to draw within 4",
        ),
        (
            'ei.TruncatedNormal(1.0, lower="low")',
            "ValueError",
            "TruncatedNormal got lower='low' (str); it must be a number, such as",
        ),
        (
            'ei.TruncatedNormal(lower=float("nan"))',
            "ValueError",
            "TruncatedNormal got lower=nan; it must be a number, such as `TruncatedNormal(lower=-2.0)`.",
        ),
        (
            'ei.TruncatedNormal(upper=float("nan"))',
            "ValueError",
            "TruncatedNormal got upper=nan; it must be a number, such as `TruncatedNormal(upper=2.0)`.",
        ),
    ],
    "Uniform": [
        (
            "ei.Uniform(-1e38, 3e38)(KEY, (6, 4))",
            "ValueError",
            "draws values from -1e+38 to 3e+38, further apart than any float32 is large",
        ),
        (
            'ei.plan(LINEAR, [("weight", ei.Uniform(-3e38, 3e38))])',
            "ValueError",
            "further apart than any float32 is large",
        ),
        (
            "ei.Uniform()",
            "ValueError",
            "Uniform takes a bound, two bounds or `std`: `Uniform(0.1)`, `Uniform(0.0, 1.0)` or",
        ),
        (
            "ei.Uniform(1.0, -1.0)",
            "ValueError",
            "Uniform got lower=1.0 and upper=-1.0; `lower` must be at most `upper`.",
        ),
        (
            "ei.Uniform(1.0, std=1.0)",
            "ValueError",
            "Uniform takes a bound, two bounds or `std`: `Uniform(0.1)`, `Uniform(0.0, 1.0)` or",
        ),
        (
            "ei.Uniform(std=-1.0)",
            "ValueError",
            "Uniform got std=-1.0; it must be a finite number >= 0 or None.",
        ),
        (
            'ei.Uniform(float("inf"))',
            "ValueError",
            "Uniform got lower=inf; it must be a finite number or None.",
        ),
        (
            'ei.Uniform("wide")',
            "ValueError",
            "Uniform got lower='wide' (str); it must be a finite number or None.",
        ),
        (
            "ei.Uniform(-1.0)",
            "ValueError",
            "Uniform got lower=1.0 and upper=-1.0; `lower` must be at most `upper`.",
        ),
        (
            'ei.Uniform(float("nan"), 1.0)',
            "ValueError",
            "Uniform got lower=nan; it must be a finite number or None.",
        ),
        (
            "ei.Uniform(1e6)(KEY, (3,), jnp.float16)",
            "ValueError",
            "Uniform draws values up to 1e+06, and float16 holds -6.55e+04 to 6.55e+04. Let it draw",
        ),
        (
            "ei.Uniform(np.zeros(2), np.ones(2))(KEY, (3, 2))",
            "ValueError",
            "Uniform got lower=[0.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
        (
            "ei.Uniform(-500.0, 440.0)(KEY, (3,), jnp.float8_e4m3fn)",
            "ValueError",
            "Uniform draws values up to -500, and float8_e4m3fn holds -448 to 448. Let it draw smaller",
        ),
    ],
    "UniformGate": [
        (
            'ei.UniformGate()(KEY, (8,), axes="out")',
            "ValueError",
            "no gate `z` in axes `out`: it has no named gates. Name them where the layout is said:",
        ),
    ],
    "matrices.Unitary": [
        (
            'ei.matrices.Unitary("uniform")',
            "ValueError",
            "Unitary got angles='uniform' (str); it must be one of ['henaff', 'cayley'], such as",
        ),
        (
            'ei.matrices.Unitary(stores="angles")',
            "TypeError",
            "Unitary has no argument `stores`; here it is called `stored`: `Unitary(stored=...)`.",
        ),
        (
            'ei.matrices.Unitary()(KEY, (3, 4), axes="out in")',
            "ValueError",
            "Unitary is for recurrent kernels, which are square, and this matrix is (3, 4).",
        ),
    ],
    "VarianceScaling": [
        (
            "ei.VarianceScaling(-1.0)",
            "ValueError",
            "VarianceScaling got scale=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.VarianceScaling(1.0, "fan")',
            "ValueError",
            "VarianceScaling got mode='fan' (str); it must be one of ['fan_in', 'fan_out',",
        ),
        (
            'ei.VarianceScaling(1.0, "fan_in", "gauss")',
            "ValueError",
            "VarianceScaling got distribution='gauss' (str); it must be one of ['truncated_normal',",
        ),
        (
            'ei.VarianceScaling(float("nan"))',
            "ValueError",
            "VarianceScaling got scale=nan; it must be a finite number >= 0, such as",
        ),
    ],
    "transformer.Wang": [
        (
            "ei.transformer.Wang()",
            "TypeError",
            "Wang.__init__() missing 1 required positional argument: 'num_layers'",
        ),
        (
            "ei.transformer.Wang(0)",
            "ValueError",
            "Wang got num_layers=0; it must be a finite number > 0.",
        ),
        (
            "ei.transformer.Wang(2, 0)",
            "ValueError",
            "Wang got dim=0; it must be a whole number >= 1 or None.",
        ),
        (
            "ei.transformer.Wang(2)(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
    ],
    "Where": [
        (
            "ei.Where(lambda m: m.weight).matches(None)",
            "TypeError",
            "Where is resolved against a whole model, not a single site.",
        ),
        ("ei.Where(3)", "ValueError", "Where got fn=3; it must be a function."),
        (
            'ei.Where("weight")',
            "ValueError",
            "Where got fn='weight' (str); it must be a function.",
        ),
    ],
    "XavierNormal": [
        (
            'ei.XavierNormal(gain=float("nan"))',
            "ValueError",
            "GlorotNormal got gain=nan; it must be a finite number >= 0, such as",
        ),
    ],
    "XavierUniform": [
        (
            'ei.XavierUniform(distribution="gauss")',
            "ValueError",
            "GlorotUniform got distribution='gauss' (str); it must be one of ['truncated_normal',",
        ),
    ],
    "ZerO": [
        (
            'ei.ZerO(float("inf"))',
            "ValueError",
            "ZerO got gain=inf; it must be a finite number, such as `ZerO(gain=1.0)`.",
        ),
        (
            'ei.ZerO()(KEY, (3,), axes="out")',
            "ValueError",
            "this scheme draws matrices, and an array of shape (3,) is none. Use a scheme for",
        ),
    ],
    "Zeros": [
        (
            "ei.Zeros(1.0)",
            "TypeError",
            "Zeros.__init__() takes 1 positional argument but 2 were given",
        ),
        ("ei.Zeros()(KEY)", "TypeError", "missing a required argument: 'shape'"),
        (
            "ei.Zeros()(KEY, (3, 2), bool)",
            "ValueError",
            "Zeros draws whole numbers, which bool cannot hold. Ask for a float.",
        ),
    ],
    "apply": [
        ("ei.apply(LINEAR, 0, [])", "TypeCheckError", "parameter 'key'"),
        ("ei.apply(LINEAR, jnp.zeros(2), [])", "TypeCheckError", "parameter 'key'"),
        (
            "ei.apply(LINEAR, jax.random.split(KEY), [])",
            "TypeCheckError",
            "parameter 'key'",
        ),
        (
            'ei.apply(LINEAR, KEY, [], strict="yes")',
            "TypeCheckError",
            "parameter 'strict'",
        ),
        (
            "ei.apply(LINEAR, KEY, [], layouts=[1])",
            "TypeCheckError",
            "parameter 'layouts'",
        ),
        (
            'ei.apply(LINEAR, KEY, [], progress="bar")',
            "TypeCheckError",
            "parameter 'progress'",
        ),
        ("ei.apply(LINEAR, KEY)", "TypeError", "missing a required argument: 'rules'"),
        (
            "ei.apply(LINEAR, KEY, [ei.Zeros()])",
            "TypeError",
            "got the initializer Zeros() where rules are wanted: say what it is for, as in",
        ),
        (
            'ei.apply(LINEAR, KEY, [("weight", ei.Zeros(), 1)])',
            "TypeError",
            "a pair is `(selector, initializer)`; got 3 things, ('weight', Zeros(), 1).",
        ),
        (
            'ei.apply(LINEAR, KEY, ["weight"])',
            "TypeError",
            "got 'weight' where rules are wanted: that says which parameters. Say what they get as",
        ),
        (
            "ei.apply(LINEAR, KEY, 3)",
            "TypeError",
            "rules are a list of `Rule(selector, ...)`s, of pairs `(selector, initializer)` and of",
        ),
        (
            'ei.apply(LINEAR, KEY, [("wieght", ei.Zeros())])',
            "ValueError",
            "rule Path('wieght'): it matches nothing. Did you mean `weight`?",
        ),
        (
            "ei.apply(LINEAR, KEY, [(nn.Conv, ei.Zeros())])",
            "ValueError",
            "rule Layer(Conv): it matches nothing. The layers with parameters here are ['Linear'].",
        ),
        (
            'ei.apply(LINEAR, KEY, [("**", ei.HeNormal())])',
            "ValueError",
            "bias (rule Path('**')): HeNormal is made for a kernel, and this is a bias. Say which",
        ),
        (
            'ei.apply(LINEAR, KEY, [("bias", ei.Zeros())], strict=True)',
            "ValueError",
            "1 parameter is claimed by no rule, and `strict=True`:",
        ),
        (
            'ei.apply(SKELETON, KEY, [("weight", ei.Zeros())])',
            "ValueError",
            "1 parameter is abstract and no rule gives them a value:",
        ),
        (
            'ei.apply(LINEAR, KEY, [("weight", ei.Zeros())], sharding="gpu")',
            "ValueError",
            "`sharding` gives `weight` a str; it takes one `jax.sharding.Sharding`, a function from",
        ),
        (
            'ei.apply(LINEAR, KEY, [("weight", ei.Zeros())], sharding=[1, 2, 3])',
            "ValueError",
            "`sharding` is no tree prefix of the model: pytree structure error: different types at",
        ),
        (
            'ei.apply(LINEAR, KEY, [("**", ei.Zeros()), ("weight", ei.Ones())])',
            "ValueError",
            "rule Path('weight'): all 1 parameters that it selects are taken by earlier rules (the",
        ),
        (
            'ei.apply(TIED, KEY, [("pytree.1.weight", ei.Zeros())])',
            "ValueError",
            "rule Path('pytree.1.weight'): it matches nothing. `pytree.1.weight` is the shared copy",
        ),
    ],
    "auto": [
        (
            "ei.auto(LINEAR, KEY, lambda m: m(jnp.ones(3)))",
            "ValueError",
            "trace_layouts got no array among the arguments of `call`",
        ),
        ("ei.auto(LINEAR, KEY, 3)", "TypeCheckError", "parameter 'call'"),
    ],
    "bases.AbstractBase": [
        (
            "ei.bases.AbstractBase()",
            "TypeError",
            "Can't instantiate abstract class AbstractBase",
        ),
    ],
    "bases.RandomPhase": [
        (
            "ei.bases.RandomPhase(1.0)",
            "TypeError",
            "RandomPhase.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.RandomSign": [
        (
            "ei.bases.RandomSign(1.0)",
            "TypeError",
            "RandomSign.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.RandomTernary": [
        (
            "ei.bases.RandomTernary(0.0)",
            "ValueError",
            "RandomTernary got density=0.0; it must be in (0, 1].",
        ),
    ],
    "bases.StandardCauchy": [
        (
            "ei.bases.StandardCauchy(1.0)",
            "TypeError",
            "StandardCauchy.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.StandardHalfNormal": [
        (
            "ei.bases.StandardHalfNormal(1.0)",
            "TypeError",
            "StandardHalfNormal.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.StandardLaplace": [
        (
            "ei.bases.StandardLaplace(1.0)",
            "TypeError",
            "StandardLaplace.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.StandardLogistic": [
        (
            "ei.bases.StandardLogistic(1.0)",
            "TypeError",
            "StandardLogistic.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.StandardNormal": [
        (
            "ei.bases.StandardNormal(1.0)",
            "TypeError",
            "StandardNormal.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.StandardStudentT": [
        (
            "ei.bases.StandardStudentT(0.0)",
            "ValueError",
            "StandardStudentT got df=0.0; it must be positive.",
        ),
    ],
    "bases.SymmetricUniform": [
        (
            "ei.bases.SymmetricUniform(1.0)",
            "TypeError",
            "SymmetricUniform.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.TruncatedStandardNormal": [
        (
            "ei.bases.TruncatedStandardNormal(0.0, 1.0, 2.0)",
            "TypeError",
            "TruncatedStandardNormal.__init__() takes from 1 to 3 positional arguments but 4 were",
        ),
    ],
    "bases.UnitExponential": [
        (
            "ei.bases.UnitExponential(1.0)",
            "TypeError",
            "UnitExponential.__init__() takes 1 positional argument but 2 were given",
        ),
    ],
    "bases.UnitGamma": [
        (
            "ei.bases.UnitGamma(0.0)",
            "ValueError",
            "UnitGamma got shape=0.0; it must be positive.",
        ),
    ],
    "bibtex": [
        (
            'ei.bibtex(style="plain")',
            "TypeError",
            "bibtex() got an unexpected keyword argument 'style'",
        ),
    ],
    "build": [
        (
            "ei.build(LINEAR, KEY, [])",
            "TypeError",
            "got a Linear that is made already, and `build` makes one: pass its constructor,",
        ),
        ('ei.build("Linear", KEY, [])', "TypeCheckError", "parameter 'make'"),
        (
            "ei.build(lambda key: nn.Linear(3, 2, key=key), 0, [])",
            "TypeCheckError",
            "parameter 'key'",
        ),
        ("ei.build(lambda: 1, KEY, [])", "TypeError", ""),
        (
            'ei.build(lambda key: nn.Linear(3, 2, key=key), KEY, [("wieght", ei.Zeros())])',
            "ValueError",
            "rule Path('wieght'): it matches nothing. Did you mean `weight`?",
        ),
        (
            "ei.build(lambda key: nn.Linear(3, 2, key=key), KEY, [], strict=True)",
            "ValueError",
            "2 parameters are claimed by no rule, and `strict=True`:",
        ),
        (
            'ei.build(lambda key: nn.Linear(3, 2, key=key), KEY, [], return_plan="yes")',
            "TypeCheckError",
            "parameter 'return_plan'",
        ),
        (
            'ei.build(lambda key: nn.Linear(3, 2, key=key), KEY, [("**", ei.HeNormal())])',
            "ValueError",
            "bias (rule Path('**')): HeNormal is made for a kernel, and this is a bias. Say which",
        ),
    ],
    "calibrate": [
        ("ei.calibrate(MLP, 3)", "TypeCheckError", "parameter 'call'"),
        (
            'ei.calibrate(MLP, lambda m, x: jax.vmap(m)(x), jnp.ones((2, 3)), method="lsuv")',
            "TypeCheckError",
            "parameter 'method'",
        ),
        (
            'ei.calibrate(MLP, lambda m, x: jax.vmap(m)(x), jnp.ones((2, 3)), select="wieght")',
            "ValueError",
            "`select='wieght'` matches no layer. Layers of this model:",
        ),
        (
            "ei.calibrate(LINEAR, lambda m, x: jax.vmap(m)(x), jnp.ones((4, 3)), tol=-1.0)",
            "ValueError",
            "calibrate got tol=-1.0; it must be a finite number >= 0, such as `calibrate(tol=0.01)`.",
        ),
        (
            "ei.calibrate(LINEAR, lambda m, x: jax.vmap(m)(x), jnp.ones((4, 3)), max_passes=0)",
            "ValueError",
            "calibrate got max_passes=0; it must be a whole number >= 1, such as",
        ),
    ],
    "citation": [
        (
            'ei.citation(style="plain")',
            "TypeError",
            "citation() got an unexpected keyword argument 'style'",
        ),
    ],
    "configurable": [
        (
            "ei.configurable(Raw, fields=3, build=None, more=1)",
            "TypeError",
            "configurable() got an unexpected keyword argument 'more'",
        ),
    ],
    "depth.critical": [
        (
            "ei.depth.critical()",
            "TypeError",
            "missing a required argument: 'activation'",
        ),
        (
            'ei.depth.critical("tanh", distribution="gauss")',
            "TypeCheckError",
            "parameter 'distribution'",
        ),
    ],
    "depth.beit": [
        (
            "ei.depth.beit(-1)",
            "ValueError",
            "beit got index=-1; it must be a whole number >= 0.",
        ),
        (
            "ei.depth.beit(0.5)",
            "ValueError",
            "beit got index=0.5; it must be a whole number >= 0.",
        ),
    ],
    "depth.deepnorm": [
        (
            "ei.depth.deepnorm()",
            "ValueError",
            "deepnorm was told of no layers; pass how many there are: `deepnorm(encoder=12)`,",
        ),
        (
            "ei.depth.deepnorm(0)",
            "ValueError",
            "deepnorm got encoder=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "depth.dt_fixup": [
        (
            "ei.depth.dt_fixup(0, 1.0)",
            "ValueError",
            "dt_fixup got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            "ei.depth.dt_fixup(4, -1.0)",
            "ValueError",
            "dt_fixup got largest=-1.0; it must be a finite number >= 0.",
        ),
    ],
    "depth.fixup": [
        (
            "ei.depth.fixup(0)",
            "ValueError",
            "fixup got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            "ei.depth.fixup(4, 1)",
            "ValueError",
            "fixup got branch_layers=1; it must be a whole number >= 2, such as",
        ),
    ],
    "depth.gpt2": [
        (
            "ei.depth.gpt2(0)",
            "ValueError",
            "gpt2 got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            "ei.depth.gpt2(12, 0)",
            "ValueError",
            "gpt2 got branches=0; it must be a whole number >= 1, such as `gpt2(branches=2)`.",
        ),
        (
            'ei.depth.gpt2("deep")',
            "ValueError",
            "gpt2 got num_layers='deep' (str); it must be a whole number >= 1.",
        ),
    ],
    "depth.layer_scale": [
        (
            "ei.depth.layer_scale(0)",
            "ValueError",
            "layer_scale got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            'ei.depth.layer_scale("deep")',
            "ValueError",
            "layer_scale got num_layers='deep' (str); it must be a whole number >= 1.",
        ),
    ],
    "depth.subln": [
        (
            "ei.depth.subln()",
            "ValueError",
            "subln was told of no layers; pass how many there are: `subln(encoder=12)`,",
        ),
        (
            "ei.depth.subln(decoder=0)",
            "ValueError",
            "subln got decoder=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "depth.t_fixup": [
        (
            "ei.depth.t_fixup(0)",
            "ValueError",
            "t_fixup got num_layers=0; it must be a whole number >= 1.",
        ),
        ('ei.depth.t_fixup(6, "head")', "TypeCheckError", "parameter 'part'"),
    ],
    "depth.edge_of_chaos": [
        (
            'ei.depth.edge_of_chaos("gauss")',
            "ValueError",
            "no activation 'gauss' in jax.nn or jax.numpy. Write its name as there (\"relu\",",
        ),
        (
            'ei.depth.edge_of_chaos("tanh", -1.0)',
            "ValueError",
            "edge_of_chaos got bias_var=-1.0; it must be a finite number >= 0, such as",
        ),
        (
            'ei.depth.edge_of_chaos("relu", 0.1)',
            "ValueError",
            "edge_of_chaos: with activation 'relu' and bias_var=0.1 there is none; homogeneous",
        ),
    ],
    "from_config": [
        ("ei.from_config()", "TypeError", "missing a required argument: 'config'"),
    ],
    "gain": [
        (
            "ei.gain(lambda x: x[:3])",
            "ValueError",
            "an activation takes an array and returns one of that shape",
        ),
        (
            'ei.gain("gauss")',
            "ValueError",
            "no activation 'gauss' in jax.nn or jax.numpy. Write its name as there (\"relu\",",
        ),
        ("ei.gain(3)", "TypeCheckError", "parameter 'activation'"),
        ("ei.gain(lambda x: 0 * x)", "ValueError", "gain got "),
        ('ei.gain("relu", centred="yes")', "TypeCheckError", "parameter 'centred'"),
    ],
    "hoedt": [
        (
            'ei.hoedt(corr="half")',
            "ValueError",
            "hoedt got corr='half' (str); it must be a number inside (0, 1), such as",
        ),
        (
            "ei.hoedt(corr=1.0)",
            "ValueError",
            "hoedt got corr=1.0; it must be a number inside (0, 1), such as `hoedt(corr=0.5)`.",
        ),
        ('ei.hoedt(matched="yes")', "TypeCheckError", "parameter 'matched'"),
        ("ei.hoedt(activation=3)", "TypeCheckError", "parameter 'activation'"),
    ],
    "inspect": [
        ("ei.inspect(LINEAR, layouts=3)", "TypeCheckError", "parameter 'layouts'"),
        ("ei.inspect()", "TypeError", "missing a required argument: 'model'"),
    ],
    "interop.as_initializer": [
        (
            'ei.interop.as_initializer("he")',
            "TypeError",
            "an initializer is an eqinit scheme such as `HeNormal()`, a function `(key, shape,",
        ),
        (
            "ei.interop.as_initializer(ei.HeNormal)",
            "TypeError",
            "got the class HeNormal; an initializer is an instance: `HeNormal()`.",
        ),
        (
            "ei.interop.as_initializer(jax.nn.initializers.he_normal)",
            "TypeError",
            "`he_normal` is not an initializer: it has no arguments `key, shape`. If it makes one,",
        ),
    ],
    "interop.to_jax": [
        ('ei.interop.to_jax("he")', "TypeCheckError", "parameter 'init'"),
        (
            "ei.interop.to_jax(ei.HeNormal(), axes=3)",
            "TypeCheckError",
            "parameter 'axes'",
        ),
        (
            "ei.interop.to_jax(ei.HeNormal(), axes=None)(KEY, (3, 4))",
            "ValueError",
            "a scheme scaled by fan_in needs a fan, and this parameter of shape (3, 4) has none (its",
        ),
        (
            "ei.interop.to_jax(ei.HeNormal(), fan_in=-1)",
            "ValueError",
            "to_jax got fan_in=-1; it must be a finite number > 0 or None.",
        ),
        (
            'ei.interop.to_jax(ei.HeNormal(), fan_out=float("nan"))',
            "ValueError",
            "to_jax got fan_out=nan; it must be a finite number > 0 or None.",
        ),
    ],
    "interop.to_klax": [
        ('ei.interop.to_klax("he")', "TypeCheckError", "parameter 'init'"),
        ("ei.interop.to_klax(ei.Normal(), 3)", "TypeCheckError", "parameter 'axes'"),
    ],
    "interop.torch_gain": [
        (
            'ei.interop.torch_gain("gelu")',
            "ValueError",
            "torch_gain knows no 'gelu'; torch has ['conv', 'conv1d',",
        ),
        (
            'ei.interop.torch_gain("leaky_relu", True)',
            "ValueError",
            "torch_gain got negative_slope=True (bool); it must be a finite number or None.",
        ),
        (
            'ei.interop.torch_gain("relu", 0.1)',
            "ValueError",
            "torch_gain got a negative_slope for 'relu'; only \"leaky_relu\" has one.",
        ),
        (
            'ei.interop.torch_gain("leaky_relu", float("inf"))',
            "ValueError",
            "torch_gain got negative_slope=inf; it must be a finite number or None.",
        ),
    ],
    "plan": [
        ("ei.plan(LINEAR)", "TypeError", "missing a required argument: 'rules'"),
        ("ei.plan(LINEAR, [], strict=1)", "TypeCheckError", "parameter 'strict'"),
        (
            'ei.plan(LINEAR, [], layouts={"Linear": {}})',
            "TypeCheckError",
            "parameter 'layouts'",
        ),
        (
            'ei.plan(LINEAR, [], layouts={nn.Linear: "out in"})',
            "TypeCheckError",
            "parameter 'layouts'",
        ),
        (
            'ei.plan(LINEAR, [], layouts={nn.Linear: {"weight": "out in extra"}})',
            "ValueError",
            "2 problems, and nothing was drawn:",
        ),
        (
            'ei.plan(LINEAR, [], layouts={nn.Linear: {"wieght": "out in"}})',
            "ValueError",
            "layout of Linear: Linear has no field `wieght`. Did you mean `weight`?",
        ),
        (
            'ei.plan(LINEAR, [("weight", ei.HeNormal)])',
            "TypeError",
            "got the class HeNormal; an initializer is an instance: `HeNormal()`.",
        ),
        (
            'ei.plan(LINEAR, [("weight", "he")])',
            "TypeError",
            "an initializer is an eqinit scheme such as `HeNormal()`, a function `(key, shape,",
        ),
        (
            'ei.plan(LINEAR, [("weight", lambda site: "he")])',
            "ValueError",
            "weight, of Linear (rule Path('weight')): an initializer is an eqinit scheme such as",
        ),
        (
            'ei.plan(LINEAR, [("weight", lambda site: 1 / 0)])',
            "ValueError",
            "weight, of Linear (rule Path('weight')): the rule's function raised ZeroDivisionError",
        ),
        ('ei.plan(LINEAR, [("weight", lambda: ei.Zeros())])', "TypeError", "`"),
        (
            'ei.plan(LINEAR, [ei.Rule("**", wieght=ei.Zeros())])',
            "ValueError",
            "rule Path('**'): nothing that it selects has a field `wieght`; the fields with",
        ),
        (
            'ei.plan(LINEAR, [ei.Rule("**", in_features=ei.Zeros())])',
            "ValueError",
            "rule Path('**'): it sets ['in_features'], and what it selects has only ['bias',",
        ),
        (
            'ei.plan(LINEAR, [ei.Rule("weight", ei.HeNormal(), axes="out in in")])',
            "ValueError",
            "weight, of Linear (rule Path('weight')): axes `out in in` name 3 axes, but the shape is",
        ),
        (
            'ei.plan(LINEAR, [("bias", ei.Orthogonal())])',
            "ValueError",
            "bias, of Linear (rule Path('bias')): this scheme draws matrices, and an array of shape",
        ),
        (
            'ei.plan(LINEAR, [("bias", ei.ForgetGateBias())])',
            "ValueError",
            "bias, of Linear (rule Path('bias')): no gate `f` in axes `out`: it has no named gates.",
        ),
        (
            'ei.plan(LSTM, [("bias", ei.ForgetGateBias(gate="z"))])',
            "ValueError",
            "bias, of LSTMCell (rule Path('bias')): no gate `z` in axes `(gate out) <- weight_ih +",
        ),
        (
            'ei.plan(EMBEDDING, [("weight", ei.HeNormal())])',
            "ValueError",
            "weight, of Embedding (rule Path('weight')): a scheme scaled by fan_in needs a fan, and",
        ),
        (
            'ei.plan(RAW, [("w", ei.HeNormal())])',
            "ValueError",
            "w, of Raw (rule Path('w')): a scheme scaled by fan_in needs a fan, and this parameter of",
        ),
        (
            'ei.plan(LINEAR, [("weight", ei.Constant(jnp.ones(7)))])',
            "ValueError",
            "weight, of Linear (rule Path('weight')): Constant got a value of shape (7,), which does",
        ),
        (
            'ei.plan(COMPLEX, [("weight", ei.LogNormal())])',
            "ValueError",
            "weight, of Linear (rule Path('weight')): LogNormal is positive, and the parameter is",
        ),
        (
            'ei.plan(LINEAR, [("weight", jax.nn.initializers.he_normal)])',
            "TypeError",
            "`he_normal` is not an initializer: it has no arguments `key, shape`. If it makes one,",
        ),
        (
            'ei.plan(LINEAR, [("bias", jax.nn.initializers.he_normal())])',
            "ValueError",
            "bias, of Linear (rule Path('bias')): variance_scaling(truncated_normal, fan_in, 2.0)",
        ),
    ],
    "probe": [
        ("ei.probe(MLP, 3)", "TypeCheckError", "parameter 'call'"),
        ("ei.probe(MLP, lambda m, x: m(x))", "TypeError", ""),
        (
            "ei.probe(MLP, lambda m, x: jax.vmap(m)(x), jnp.ones((2, 7)))",
            "TypeError",
            "dot_general requires contracting dimensions to have the same shape, got (3,) and (7,).",
        ),
        (
            "ei.probe(MLP, lambda m, x: jax.vmap(m)(x), jnp.ones((2, 3)), key=0)",
            "TypeCheckError",
            "parameter 'key'",
        ),
        (
            'ei.probe(MLP, lambda m, x: jax.vmap(m)(x), jnp.ones((2, 3)), select="wieght")',
            "ValueError",
            "`select='wieght'` matches no layer. Layers of this model:",
        ),
    ],
    "recipes.CoordinateCheck": [
        (
            "ei.recipes.CoordinateCheck()",
            "TypeError",
            "CoordinateCheck.__init__() missing 2 required positional arguments: 'widths' and",
        ),
    ],
    "recipes.Coordinates": [
        (
            "ei.recipes.Coordinates()",
            "TypeError",
            "Coordinates.__init__() missing 4 required positional arguments: 'path', 'before',",
        ),
    ],
    "recipes.beit": [
        (
            "ei.recipes.beit(std=-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.bert": [
        ('ei.recipes.bert("small")', "TypeCheckError", "parameter 'std'"),
    ],
    "recipes.cait": [
        (
            "ei.recipes.cait(0)",
            "ValueError",
            "cait got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            "ei.plan(MLP, ei.recipes.cait(12))",
            "ValueError",
            "recipes.cait found no LayerScale. By name it is `gamma`,",
        ),
    ],
    "recipes.convnext": [
        (
            "ei.recipes.convnext(std=-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.dcgan": [
        (
            "ei.recipes.dcgan(-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.ddpm": [
        (
            "ei.plan(MLP, ei.recipes.ddpm())",
            "ValueError",
            "recipes.ddpm found no ends of residual branches.",
        ),
    ],
    "recipes.deepnet": [
        (
            "ei.plan(MLP, ei.recipes.deepnet())",
            "ValueError",
            "deepnet was not told how many blocks there are: pass `num_layers=...`, or",
        ),
        (
            "ei.recipes.deepnet(0)",
            "ValueError",
            "deepnet got encoder=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "recipes.detection_head": [
        (
            'ei.recipes.detection_head("head", 2.0)',
            "ValueError",
            "PriorProb got probability=2.0; it must be a number inside (0, 1), such as",
        ),
        ("ei.recipes.detection_head(3)", "TypeCheckError", "parameter 'head'"),
    ],
    "recipes.dit": [
        ("ei.recipes.dit(3)", "TypeCheckError", "parameter 'modulation'"),
    ],
    "recipes.dt_fixup": [
        (
            "ei.recipes.dt_fixup(-2.0)",
            "ValueError",
            "dt_fixup got largest=-2.0; it must be a finite number >= 0.",
        ),
        (
            "ei.plan(MLP, ei.recipes.dt_fixup(3.0))",
            "ValueError",
            "dt_fixup was not told how many blocks there are: pass `num_layers=...`, or",
        ),
    ],
    "recipes.e3nn": [
        (
            "ei.recipes.e3nn(3)",
            "TypeCheckError",
            "parameter 'weights'",
        ),
    ],
    "recipes.efficientnet": [
        ("ei.recipes.efficientnet(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.finer": [
        (
            'ei.recipes.finer("first", -1.0)',
            "ValueError",
            "Siren got w0=-1.0; it must be a finite number > 0, such as `Siren(w0=30.0)`.",
        ),
        ("ei.recipes.finer()", "TypeError", "missing a required argument: 'first'"),
    ],
    "recipes.fixup": [
        (
            'ei.recipes.fixup("a", "b", "c", 0)',
            "ValueError",
            "fixup got num_layers=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "recipes.flax": [
        ("ei.recipes.flax(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.flow": [
        (
            "ei.recipes.flow()",
            "TypeError",
            "missing a required argument: 'last'",
        ),
    ],
    "recipes.fno": [
        (
            "ei.recipes.fno(0)",
            "ValueError",
            "fno got channels=0; it must be a whole number >= 1",
        ),
    ],
    "recipes.gat": [
        (
            "ei.plan(MLP, ei.recipes.gat())",
            "ValueError",
            "matches nothing",
        ),
    ],
    "recipes.gcn": [
        (
            "ei.recipes.gcn(1)",
            "TypeError",
            "too many positional arguments",
        ),
    ],
    "recipes.gpt2": [
        (
            "ei.recipes.gpt2(0)",
            "ValueError",
            "gpt2 got num_layers=0; it must be a whole number >= 1 or None.",
        ),
        (
            "ei.recipes.gpt2(12, std=-1.0)",
            "ValueError",
            "Normal got std=-0.2041241452319315; it must be a finite number >= 0, such as",
        ),
    ],
    "recipes.gru": [
        ("ei.recipes.gru(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.gru_chrono": [
        (
            "ei.recipes.gru_chrono(-1.0)",
            "ValueError",
            "Chrono got t_max=-1.0; it must be a finite number > 0.",
        ),
    ],
    "recipes.hypernet": [
        (
            "ei.recipes.hypernet(3)",
            "TypeCheckError",
            "parameter 'weights'",
        ),
        (
            'ei.recipes.hypernet({"head": (0, 3)})',
            "ValueError",
            "HyperfanIn got fan_in=0; it must be a finite number > 0",
        ),
    ],
    "recipes.icnn": [
        (
            'ei.recipes.icnn("convex", corr=1.0)',
            "ValueError",
            "hoedt got corr=1.0; it must be a number inside (0, 1), such as `hoedt(corr=0.5)`.",
        ),
        ("ei.recipes.icnn(3)", "TypeCheckError", "parameter 'convex'"),
    ],
    "recipes.kan": [
        (
            "ei.plan(MLP, ei.recipes.kan())",
            "ValueError",
            "matches nothing",
        ),
    ],
    "recipes.keras": [
        ("ei.recipes.keras(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.llama": [
        ('ei.recipes.llama("small")', "TypeCheckError", "parameter 'std'"),
    ],
    "recipes.lora": [
        ("ei.recipes.lora(3)", "TypeCheckError", "parameter 'a'"),
    ],
    "recipes.lru": [
        (
            "ei.recipes.lru(0.9, 0.5)",
            "ValueError",
            "LruRing got r_min=0.9 and r_max=0.5",
        ),
    ],
    "recipes.lstm": [
        ('ei.recipes.lstm("one")', "TypeCheckError", "parameter 'forget'"),
    ],
    "recipes.lstm_chrono": [
        (
            "ei.recipes.lstm_chrono(1.0)",
            "ValueError",
            "Chrono got t_max=1.0 and t_min=1.0; t_max must be above 1 + t_min, in steps (the length",
        ),
    ],
    "recipes.mamba": [
        ("ei.recipes.mamba(3)", "TypeCheckError", "parameter 'a_log'"),
    ],
    "recipes.mamba2": [
        ("ei.recipes.mamba2(3)", "TypeCheckError", "parameter 'a_log'"),
    ],
    "recipes.mimetic": [
        ("ei.recipes.mimetic(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.mixer": [
        ("ei.recipes.mixer(3)", "TypeCheckError", "parameter 'head'"),
    ],
    "recipes.mup": [
        (
            "ei.recipes.mup(None)",
            "ValueError",
            "mup needs a base model: the same model with smaller widths, which may be",
        ),
        (
            "ei.plan(LINEAR, ei.recipes.mup(MLP))",
            "ValueError",
            "weight, of Linear (rule Role('kernel')): the rule's function raised ValueError on",
        ),
    ],
    "recipes.mup_coordinate_check": [
        (
            "ei.recipes.mup_coordinate_check(None, None, None)",
            "TypeCheckError",
            "parameter 'make'",
        ),
        (
            "ei.recipes.mup_coordinate_check(len, len, len, widths=[8])",
            "ValueError",
            "mup_coordinate_check got widths=(8,); a slope takes two at least, such as",
        ),
    ],
    "recipes.mup_scales": [
        (
            "ei.recipes.mup_scales(LINEAR, MLP)",
            "ValueError",
            "mup: the base model has no `weight`. It must be the same model with smaller widths: the",
        ),
        (
            "ei.recipes.mup_scales(LINEAR, None)",
            "ValueError",
            "mup_scales needs a base model: the same model with smaller widths, which may be",
        ),
        (
            'ei.recipes.mup_scales(LINEAR, LINEAR, "lion")',
            "TypeCheckError",
            "parameter 'optimizer'",
        ),
    ],
    "recipes.mup_steps": [
        (
            "ei.recipes.mup_steps(LINEAR, None)",
            "ValueError",
            "mup_scales needs a base model: the same model with smaller widths, which may be",
        ),
    ],
    "recipes.nan": [
        ("ei.recipes.nan(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.neox": [
        (
            "ei.recipes.neox(0, 4)",
            "ValueError",
            "neox got num_layers=0; it must be a whole number >= 1.",
        ),
        ("ei.recipes.neox(2)", "TypeError", "missing a required argument: 'dim'"),
    ],
    "recipes.neural_ode": [
        (
            'ei.recipes.neural_ode("field", -1.0)',
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0",
        ),
    ],
    "recipes.olmo": [
        ("ei.recipes.olmo(3)", "TypeCheckError", "parameter 'residual'"),
    ],
    "recipes.nfnet": [
        ("ei.recipes.nfnet(3)", "TypeCheckError", "parameter 'last'"),
    ],
    "recipes.plain_normal": [
        (
            "ei.recipes.plain_normal(-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.regnet": [
        ("ei.recipes.regnet(3)", "TypeCheckError", "parameter 'last_norms'"),
    ],
    "recipes.resnet": [
        ("ei.recipes.resnet(3)", "TypeCheckError", "parameter 'last_norms'"),
    ],
    "recipes.rl_ddpg": [
        (
            'ei.recipes.rl_ddpg("last", -1.0)',
            "ValueError",
            "Uniform got lower=1.0 and upper=-1.0; `lower` must be at most `upper`.",
        ),
    ],
    "recipes.rl_ppo": [
        (
            'ei.recipes.rl_ppo("policy")',
            "TypeError",
            "missing a required argument: 'value'",
        ),
    ],
    "recipes.rwkv": [
        (
            "ei.recipes.rwkv(0)",
            "ValueError",
            "rwkv got num_layers=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "recipes.rwkv4": [
        ("ei.recipes.rwkv4(3)", "TypeCheckError", "parameter 'head'"),
    ],
    "recipes.rwkv7": [
        (
            "ei.recipes.rwkv7(1)",
            "ValueError",
            "rwkv7 got head_size=1; it must be a whole number >= 2, such as `rwkv7(head_size=64)`.",
        ),
        (
            "ei.plan(MLP, ei.recipes.rwkv7())",
            "ValueError",
            "rule Path('**.x_r'): it matches nothing.",
        ),
        (
            "ei.recipes.rwkv7(kernel='normal')",
            "TypeCheckError",
            "parameter 'kernel'",
        ),
    ],
    "recipes.s4d": [
        ("ei.recipes.s4d(3)", "TypeCheckError", "parameter 'log_real'"),
    ],
    "recipes.s5": [
        (
            "ei.recipes.s5(0)",
            "ValueError",
            "s5 got blocks=0; it must be a whole number >= 1,",
        ),
        (
            'ei.plan({"Lambda_re": jnp.ones(3), "Lambda_im": jnp.ones(3), "B": jnp.ones((3, 2, 2)), "C": jnp.ones((2, 3, 2)), "D": jnp.ones(2), "log_step": jnp.ones(3)}, ei.recipes.s5(2))',
            "ValueError",
            "has shape (3,), which 2 HiPPO blocks do not divide",
        ),
    ],
    "recipes.selu_net": [
        ("ei.recipes.selu_net(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.siren": [
        (
            'ei.recipes.siren("first", 0.0)',
            "ValueError",
            "Siren got w0=0.0; it must be a finite number > 0, such as `Siren(w0=30.0)`.",
        ),
    ],
    "recipes.stylegan": [
        (
            "ei.recipes.stylegan(lr_multiplier=0.0)",
            "ValueError",
            "stylegan got lr_multiplier=0.0; it must be a finite number > 0",
        ),
    ],
    "recipes.subln": [
        (
            "ei.plan(MLP, ei.recipes.subln())",
            "ValueError",
            "subln was not told how many blocks there are: pass `num_layers=...`, or",
        ),
    ],
    "recipes.swin": [
        (
            "ei.recipes.swin(-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.t5": [
        (
            "ei.recipes.t5(0, 4)",
            "ValueError",
            "t5 got dim=0; it must be a whole number >= 1.",
        ),
        ("ei.recipes.t5(4)", "TypeError", "missing a required argument: 'head_dim'"),
    ],
    "recipes.t_fixup": [
        (
            "ei.recipes.t_fixup(0)",
            "ValueError",
            "t_fixup got num_layers=0; it must be a whole number >= 1 or None.",
        ),
        ('ei.recipes.t_fixup(6, "head")', "TypeCheckError", "parameter 'part'"),
    ],
    "recipes.torch_default": [
        ("ei.recipes.torch_default(1.0)", "TypeError", "too many positional arguments"),
    ],
    "recipes.vaswani": [
        ("ei.recipes.vaswani(3)", "TypeCheckError", "parameter 'attention'"),
    ],
    "recipes.vit_jax": [
        ("ei.recipes.vit_jax()", "TypeError", "missing a required argument: 'head'"),
        (
            'ei.recipes.vit_jax("head", prior="yes")',
            "TypeCheckError",
            "parameter 'prior'",
        ),
    ],
    "recipes.vit_moco": [
        ("ei.recipes.vit_moco(3)", "TypeCheckError", "parameter 'packed'"),
    ],
    "recipes.vit_timm": [
        (
            "ei.recipes.vit_timm(-1.0)",
            "ValueError",
            "Normal got std=-1.0; it must be a finite number >= 0, such as `Normal(std=0.01)`.",
        ),
    ],
    "recipes.wav2vec2": [
        (
            "ei.plan(MLP, ei.recipes.wav2vec2())",
            "ValueError",
            "recipes.wav2vec2 found no convolution for positions. By name it is",
        ),
        (
            "ei.recipes.wav2vec2('a')",
            "TypeCheckError",
            "parameter 'std'",
        ),
    ],
    "recipes.xlstm": [
        (
            "ei.recipes.xlstm(0, 4)",
            "ValueError",
            "xlstm got num_layers=0; it must be a whole number >= 1.",
        ),
        (
            "ei.recipes.xlstm(2, 0)",
            "ValueError",
            "xlstm got dim=0; it must be a whole number >= 1.",
        ),
    ],
    "recipes.zeros": [
        ("ei.recipes.zeros(1.0)", "TypeError", "too many positional arguments"),
    ],
    "transforms.register_inverse": [
        (
            "ei.transforms.register_inverse(3, jnp.log)",
            "TypeCheckError",
            "parameter 'fn'",
        ),
        (
            "ei.transforms.register_inverse(jnp.exp)",
            "TypeError",
            "missing a required argument: 'inverse'",
        ),
        (
            "ei.transforms.register_inverse(jnp.exp, 3)",
            "TypeCheckError",
            "parameter 'inverse'",
        ),
        (
            "ei.transforms.register_inverse(jnp.exp, jnp.log, domain=(1, 0))",
            "ValueError",
            "Domain got lower=1 and upper=0; `lower` must be below `upper`.",
        ),
        (
            "ei.transforms.register_inverse(jnp.sin, jnp.arcsin, domain=(1, 0))",
            "ValueError",
            "Domain got lower=1 and upper=0; `lower` must be below `upper`.",
        ),
        (
            'ei.transforms.register_inverse(jnp.sin, jnp.arcsin, domain=(float("nan"), 1))',
            "ValueError",
            "Domain got lower=nan; it must be a number, such as `Domain(lower=-inf)`.",
        ),
    ],
    "register_layout": [
        (
            'ei.register_layout(Raw, w="ouput in")',
            "ValueError",
            "axes `ouput in` have `ouput`. Did you mean `out`?",
        ),
        (
            'ei.register_layout(Raw, w="outputs in")',
            "ValueError",
            "Did you mean `out`?",
        ),
        (
            'ei.register_layout("Linear", weight="out in")',
            "TypeCheckError",
            "parameter 'cls'",
        ),
        (
            "ei.register_layout(Raw, w=3)",
            "ValueError",
            'layout of Raw: `w=3` is no notation such as `w="out in"`. The size of a name that is',
        ),
        (
            'ei.register_layout(Raw, w="(out in")',
            "ValueError",
            "layout of Raw: `w`: axes `(out in` has unbalanced or empty brackets. Write one token per",
        ),
        (
            'ei.register_layout(Raw, w="out in", gate=("i", "f"))',
            "ValueError",
            "layout of Raw: `gate=('i', 'f')` is no notation such as `gate=\"out in\"`. The size of a",
        ),
        (
            'ei.register_layout(Raw, w="out in", b="out <- v")',
            "ValueError",
            "layout of Raw: `b` is fed by `v`, which has no notation. There are ['b', 'w'].",
        ),
        (
            'ei.register_layout(Raw, w="*a *b")',
            "ValueError",
            "layout of Raw: `w`: axes `*a *b` has 2 starred names; one at most.",
        ),
        (
            'ei.register_layout(Raw, w="kernels: out in")',
            "ValueError",
            "layout of Raw: `w`: axes `kernels: out in`: no role `kernels`; roles are ['kernel',",
        ),
        (
            'ei.register_layout(Raw, w="out in", stride=2)',
            "TypeCheckError",
            "parameter 'stride'",
        ),
        (
            'ei.register_layout(Raw, w="out in", default_fan=3)',
            "TypeCheckError",
            "parameter 'default_fan'",
        ),
        (
            'ei.register_layout(Raw, w="out in", unit_axis=0.5)',
            "TypeCheckError",
            "parameter 'unit_axis'",
        ),
    ],
    "register_parametrization": [
        (
            'ei.register_parametrization("Raw", field="w")',
            "TypeCheckError",
            "parameter 'cls'",
        ),
        ("ei.register_parametrization(Raw)", "TypeError", "argument: 'field'"),
        (
            'ei.register_parametrization(Raw, field="v")',
            "ValueError",
            "register_parametrization: Raw has no field `v`. There are ['b', 'w'].",
        ),
        (
            'ei.register_parametrization(Raw, field="w", forward=3)',
            "TypeCheckError",
            "parameter 'forward'",
        ),
        (
            'ei.register_parametrization(Raw, field="w", domain="positive")',
            "TypeCheckError",
            "parameter 'domain'",
        ),
        (
            'ei.register_parametrization(Raw, field="w", domain=(1, 0))',
            "ValueError",
            "Domain got lower=1 and upper=0; `lower` must be below `upper`.",
        ),
    ],
    "select": [
        (
            'ei.select(LINEAR, "weight").set(1j)',
            "ValueError",
            "`set` got 1j (complex) for `weight`, and float32 has no such number",
        ),
        (
            'ei.select(LINEAR, "**").set(True)',
            "ValueError",
            "`set` got True (bool) for `weight`",
        ),
        (
            'ei.select(LINEAR, "**").set(1e39)',
            "ValueError",
            "`set` got 1e+39 for `weight`, and float32 has no such number",
        ),
        (
            'ei.select(LINEAR, "**").set(10**400)',
            "ValueError",
            "for `weight`, and float32 has no such number",
        ),
        (
            'ei.select(LINEAR, "**").set(jnp.complex64(1j))',
            "ValueError",
            "and float32 has no such number",
        ),
        (
            "ei.select(LINEAR, 3)",
            "TypeError",
            "a selector is a path glob, a layer type, a function of the model or a selector such as",
        ),
        (
            "ei.select(LINEAR, None)",
            "TypeError",
            "a selector is a path glob, a layer type, a function of the model or a selector such as",
        ),
        (
            'ei.select(LINEAR, "wieght")',
            "ValueError",
            "Path('wieght') matches nothing. Did you mean `weight`? (Pass `optional=True` to allow",
        ),
        (
            "ei.select(LINEAR, nn.Conv)",
            "ValueError",
            "Layer(Conv) matches nothing. The layers with parameters here are ['Linear']. (Pass",
        ),
        (
            'ei.select(LINEAR, "**", optional=1)',
            "TypeCheckError",
            "parameter 'optional'",
        ),
        ("ei.select(LINEAR, lambda m: 3)", "ValueError", "Where("),
        (
            'ei.select(LINEAR, ei.Role("weight"))',
            "ValueError",
            "no role 'weight'; roles are ['kernel', 'bias', 'scale', 'embedding', 'other'].",
        ),
    ],
    "signal.AbstractMethod": [
        (
            "ei.signal.AbstractMethod()",
            "TypeError",
            "Can't instantiate abstract class AbstractMethod",
        ),
    ],
    "signal.ActNorm": [
        (
            "ei.signal.ActNorm(size=1.0)",
            "TypeError",
            "ActNorm.__init__() got an unexpected keyword argument 'size'",
        ),
        (
            "ei.signal.ActNorm(0.0)",
            "ValueError",
            "ActNorm got var=0.0; it must be a finite number > 0, such as `ActNorm(var=1.0)`.",
        ),
    ],
    "signal.CalibratedLayer": [
        (
            "ei.signal.CalibratedLayer()",
            "TypeError",
            "CalibratedLayer.__init__() missing 5 required positional arguments: 'path', 'before',",
        ),
    ],
    "signal.Calibration": [
        (
            "ei.signal.Calibration()",
            "TypeError",
            "Calibration.__init__() missing 3 required positional arguments: 'rows', 'passes', and",
        ),
    ],
    "signal.Change": [
        (
            "ei.signal.Change()",
            "TypeError",
            "Change.__new__() missing 2 required positional arguments: 'scale' and 'bias'",
        ),
    ],
    "signal.JacobianSpectrum": [
        (
            "ei.signal.JacobianSpectrum()",
            "TypeError",
            "JacobianSpectrum.__init__() missing 4 required positional arguments: 'values',",
        ),
    ],
    "signal.LSUV": [
        (
            "ei.signal.LSUV(size=1.0)",
            "TypeError",
            "LSUV.__init__() got an unexpected keyword argument 'size'",
        ),
        (
            "ei.signal.LSUV(-1)",
            "ValueError",
            "LSUV got var=-1; it must be a finite number > 0, such as `LSUV(var=1.0)`.",
        ),
        (
            'ei.signal.LSUV(float("nan"))',
            "ValueError",
            "LSUV got var=nan; it must be a finite number > 0, such as `LSUV(var=1.0)`.",
        ),
        (
            'ei.signal.LSUV("one")',
            "ValueError",
            "LSUV got var='one' (str); it must be a finite number > 0, such as `LSUV(var=1.0)`.",
        ),
    ],
    "signal.LayerSignal": [
        (
            "ei.signal.LayerSignal()",
            "TypeError",
            "LayerSignal.__init__() missing 19 required positional arguments: 'path', 'layer',",
        ),
    ],
    "signal.Measurement": [
        (
            "ei.signal.Measurement()",
            "TypeError",
            "Measurement.__new__() missing 3 required positional arguments: 'mean', 'var', and 'bias'",
        ),
    ],
    "signal.OutputBias": [
        (
            "ei.signal.OutputBias()",
            "TypeError",
            "OutputBias.__init__() missing 1 required positional argument: 'target'",
        ),
    ],
    "signal.Report": [
        (
            "ei.signal.Report()",
            "TypeError",
            "Report.__init__() missing 2 required positional arguments: 'readings' and 'layers'",
        ),
    ],
    "signal.ScaleShift": [
        (
            "ei.signal.ScaleShift(size=1.0)",
            "TypeError",
            "ScaleShift.__init__() got an unexpected keyword argument 'size'",
        ),
        (
            'ei.signal.ScaleShift(1.0, float("inf"))',
            "ValueError",
            "ScaleShift got mean=inf; it must be a finite number, such as `ScaleShift(mean=0.0)`.",
        ),
        (
            "ei.signal.ScaleShift(-1.0)",
            "ValueError",
            "ScaleShift got var=-1.0; it must be a finite number > 0, such as `ScaleShift(var=1.0)`.",
        ),
    ],
    "signal.SkippedLayer": [
        (
            "ei.signal.SkippedLayer()",
            "TypeError",
            "SkippedLayer.__init__() missing 3 required positional arguments: 'path', 'kind', and",
        ),
    ],
    "signal.Forecast": [
        (
            "ei.signal.Forecast()",
            "TypeError",
            "Forecast.__init__() missing 1 required positional argument: 'rows'",
        ),
    ],
    "signal.LayerForecast": [
        (
            "ei.signal.LayerForecast()",
            "TypeError",
            "LayerForecast.__init__() missing 11 required positional arguments: 'path', 'layer',",
        ),
    ],
    "signal.forecast": [
        (
            "ei.signal.forecast(3, LINEAR, lambda m, x: m(x), jnp.ones(3))",
            "TypeCheckError",
            "parameter 'plan'",
        ),
        (
            "ei.signal.forecast(ei.plan(LINEAR, []), 3, lambda m, x: x, jnp.ones(3))",
            "ValueError",
            "this plan was made for another model; 2 parameters differ",
        ),
        (
            "ei.signal.forecast(ei.plan(LINEAR, []), LINEAR, lambda m, x: x, jnp.ones(3))",
            "ValueError",
            "`call` calls none of the 1 selected layers",
        ),
        (
            "ei.signal.forecast(ei.plan(LINEAR, []), LINEAR, LINEAR, jnp.ones(3))",
            "TypeError",
            "`call` is called as `call(model, *args)`",
        ),
    ],
    "signal.jacobian_spectrum": [
        (
            "ei.signal.jacobian_spectrum(3, jnp.ones(3))",
            "TypeCheckError",
            "parameter 'fn'",
        ),
        (
            'ei.signal.jacobian_spectrum(lambda x: x, "x")',
            "TypeError",
            "data type 'x' not understood",
        ),
        (
            "ei.signal.jacobian_spectrum(LINEAR, jnp.ones(3), count=0)",
            "ValueError",
            "jacobian_spectrum got count=0; it must be a whole number >= 1, such as",
        ),
        (
            "ei.signal.jacobian_spectrum(LINEAR, jnp.ones(3), probes=-1)",
            "ValueError",
            "jacobian_spectrum got probes=-1; it must be a whole number >= 1, such as",
        ),
    ],
    "signal.label_bias": [
        (
            'ei.signal.label_bias(jnp.ones((4, 2)), "hinge")',
            "TypeCheckError",
            "parameter 'loss'",
        ),
        (
            'ei.signal.label_bias("labels")',
            "TypeError",
            "Value 'labels' with dtype <U6 is not a valid JAX array type. Only arrays of numeric",
        ),
        (
            'ei.signal.label_bias(jnp.arange(3), "softmax", classes=0)',
            "ValueError",
            "label_bias got classes=0; it must be a whole number >= 1 or None.",
        ),
    ],
    "signal.plot_reports": [
        ("ei.signal.plot_reports(3)", "TypeError", "'int' object is not iterable"),
        (
            "ei.signal.plot_reports({})",
            "ValueError",
            "plot_reports got no report; pass one, `plot_reports(probe(model, call, x))`, or a dict of",
        ),
    ],
    "ssm.Hippo": [
        (
            'ei.ssm.Hippo("laplace")',
            "ValueError",
            "Hippo got measure='laplace' (str); it must be one of ['legs', 'legt', 'lagt',",
        ),
        (
            'ei.ssm.Hippo(part="C")',
            "ValueError",
            "Hippo got part='C' (str); it must be one of ['A', 'B'], such as `Hippo(part='A')`.",
        ),
        (
            "ei.ssm.Hippo()(KEY, (3, 4))",
            "ValueError",
            "Hippo(part='A') is square, and the parameter is (3, 4); the state stands on its last",
        ),
    ],
    "ssm.LogDt": [
        (
            "ei.ssm.LogDt(0.1, 0.001)",
            "ValueError",
            "LogDt got lower=0.1 and upper=0.001; `lower` must be at most `upper`.",
        ),
        (
            "ei.ssm.LogDt(-1.0, 1.0)",
            "ValueError",
            "LogDt got lower=-1.0; it must be a finite number > 0, such as `LogDt(lower=0.001)`.",
        ),
        (
            'ei.ssm.LogDt(stored="exp")',
            "ValueError",
            "LogDt got stored='exp' (str); it must be one of ['plain', 'log', 'softplus'], such as",
        ),
        (
            "ei.ssm.LogDt(np.full(2, 0.1))(KEY, (2,))",
            "ValueError",
            "LogDt got lower=[0.1] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
        (
            "ei.ssm.LogDt(floor=-1.0)",
            "ValueError",
            "LogDt got floor=-1.0; it must be a finite number >= 0, such as `LogDt(floor=0.0)`.",
        ),
    ],
    "ssm.LruRing": [
        (
            'ei.ssm.LruRing("nu_log", 0.9, 0.5)',
            "ValueError",
            "LruRing got r_min=0.9 and r_max=0.5; `r_min` must be below `r_max`.",
        ),
        (
            'ei.ssm.LruRing("nu")',
            "ValueError",
            "LruRing got part='nu' (str); it must be one of ['nu_log', 'theta_log', 'gamma_log'].",
        ),
        (
            'ei.ssm.LruRing("nu_log", r_max=np.full(2, 0.5))(KEY, (2,))',
            "ValueError",
            "LruRing got r_max=[0.5] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "ssm.S4D": [
        (
            'ei.ssm.S4D("cubic")',
            "ValueError",
            "S4D got kind='cubic' (str); it must be one of ['lin', 'inv', 'quad', 'legs', 'real'],",
        ),
        (
            'ei.ssm.S4D(part="phase")',
            "TypeError",
            "S4D has no argument `part`; it takes kind, stored.",
        ),
        (
            "ei.ssm.S4D()(KEY, (4,))",
            "ValueError",
            "S4D has complex values and the parameter is float32 [4]: ask for one part of them, or",
        ),
    ],
    "ssm.S4Dplr": [
        (
            'ei.ssm.S4Dplr("P")',
            "ValueError",
            "S4Dplr got part='P' (str); it must be one of ['eigenvalues', 'low_rank', 'input'], such",
        ),
        (
            'ei.ssm.S4Dplr(part="phase")',
            "ValueError",
            "S4Dplr got part='phase' (str); it must be one of ['eigenvalues', 'low_rank', 'input'],",
        ),
    ],
    "ssm.S5": [
        (
            'ei.ssm.S5("A")',
            "ValueError",
            "S5 got part='A' (str); it must be one of ['B', 'C'].",
        ),
        (
            'ei.ssm.S5("B", 0)',
            "ValueError",
            "S5 got blocks=0; it must be a whole number >= 1, such as `S5(blocks=1)`.",
        ),
        (
            'ei.ssm.S5("B", 3)(KEY, (4, 4), axes="out in")',
            "ValueError",
            "S5 has complex values and the parameter is float32 with axes `out in`: give it",
        ),
    ],
    "ssm.UniformRate": [
        (
            "ei.ssm.UniformRate(16.0, 1.0)",
            "ValueError",
            "UniformRate got lower=16.0 and upper=1.0; `lower` must be at most `upper`.",
        ),
        (
            'ei.ssm.UniformRate(stored="exp")',
            "ValueError",
            "UniformRate got stored='exp' (str); it must be one of ['plain', 'log', 'softplus'],",
        ),
        (
            "ei.ssm.UniformRate(-1.0, 1.0)",
            "ValueError",
            "UniformRate got lower=-1.0; it must be a finite number > 0, such as",
        ),
        (
            "ei.ssm.UniformRate(16, 1)",
            "ValueError",
            "UniformRate got lower=16 and upper=1; `lower` must be at most `upper`.",
        ),
        (
            "ei.ssm.UniformRate(np.ones(2))(KEY, (2,))",
            "ValueError",
            "UniformRate got lower=[1.] (float64[2]); a draw needs one number. `jax.vmap` over the",
        ),
    ],
    "ssm.diagonal": [
        ('ei.ssm.diagonal("cubic", 4)', "TypeCheckError", "parameter 'kind'"),
        (
            'ei.ssm.diagonal("lin", 0)',
            "ValueError",
            "diagonal got size=0; it must be a whole number >= 1.",
        ),
    ],
    "ssm.dplr": [
        (
            "ei.ssm.dplr(0)",
            "ValueError",
            "dplr got size=0; it must be a whole number >= 1.",
        ),
        (
            "ei.ssm.dplr(3, half=True)",
            "ValueError",
            "dplr got half=True and size=3; pairs need it even.",
        ),
    ],
    "ssm.hippo": [
        ('ei.ssm.hippo("laplace", 4)', "TypeCheckError", "parameter 'measure'"),
        (
            'ei.ssm.hippo("legs", 0)',
            "ValueError",
            "hippo got size=0; it must be a whole number >= 1.",
        ),
        (
            'ei.ssm.hippo("legs", 2.5)',
            "ValueError",
            "hippo got size=2.5; it must be a whole number >= 1.",
        ),
    ],
    "ssm.lru_ring": [
        (
            "ei.ssm.lru_ring(0.9, 0.5)",
            "ValueError",
            "LruRing got r_min=0.9 and r_max=0.5; `r_min` must be below `r_max`.",
        ),
        (
            'ei.ssm.lru_ring("low")',
            "ValueError",
            "lru_ring got r_min='low' (str); it must be a number in [0, 1], such as",
        ),
    ],
    "suggest_layouts": [
        (
            "ei.suggest_layouts(LINEAR, layouts=3)",
            "TypeCheckError",
            "parameter 'layouts'",
        ),
    ],
    "surgery.FusedAttention": [
        (
            "ei.surgery.FusedAttention()",
            "TypeError",
            "FusedAttention.__init__() missing 2 required positional arguments: 'qkv_proj' and",
        ),
    ],
    "surgery.LoRA": [
        (
            "ei.surgery.LoRA()",
            "TypeError",
            "LoRA.__init__() missing 7 required positional arguments: 'layer', 'lora_a', 'lora_b',",
        ),
    ],
    "surgery.MatchRow": [
        (
            "ei.surgery.MatchRow()",
            "TypeError",
            "MatchRow.__init__() missing 4 required positional arguments: 'path', 'shape', 'names',",
        ),
    ],
    "surgery.Record": [
        (
            "ei.surgery.Record()",
            "TypeError",
            "Record.__init__() missing 4 required positional arguments: 'operation', 'rows',",
        ),
    ],
    "surgery.RecordRow": [
        (
            "ei.surgery.RecordRow()",
            "TypeError",
            "RecordRow.__init__() missing 4 required positional arguments: 'path', 'what', 'before',",
        ),
    ],
    "surgery.Selection": [
        (
            'ei.select(LINEAR, "weight").set(jnp.ones(3))',
            "ValueError",
            "1 values do not fit:",
        ),
        (
            'ei.select(LINEAR, "weight").set(jnp.ones((2, 3), jnp.int32))',
            "ValueError",
            "1 values do not fit:",
        ),
        (
            'ei.select(LINEAR, "weight").set(np.ones((2, 3)))',
            "ValueError",
            "1 values do not fit:",
        ),
        (
            'ei.select(LINEAR, "**").set([jnp.ones((2, 3))])',
            "ValueError",
            "Path('**') selects 2 parameters and got 1 values; pass one each, in the order of",
        ),
        (
            'ei.select(LINEAR, "weight").set("zero")',
            "ValueError",
            "1 values do not fit:",
        ),
        ('ei.select(LINEAR, "weight").map(3)', "TypeCheckError", "parameter 'fn'"),
        (
            'ei.select(LINEAR, "weight").map(lambda w: w[0])',
            "ValueError",
            "1 values do not fit:",
        ),
        (
            'ei.select(LINEAR, "weight").map(lambda w: None)',
            "ValueError",
            "1 values do not fit:",
        ),
        (
            'ei.select(SKELETON, "weight").map(lambda w: w * 2)',
            "TypeError",
            "unsupported operand type(s) for *: 'ShapeDtypeStruct' and 'int'",
        ),
    ],
    "surgery.WeightMatch": [
        (
            "ei.surgery.WeightMatch()",
            "TypeError",
            "WeightMatch.__init__() missing 2 required positional arguments: 'rows' and 'unused'",
        ),
    ],
    "surgery.bake": [
        ("ei.surgery.bake()", "TypeError", "missing a required argument: 'model'"),
    ],
    "surgery.cast": [
        (
            "ei.surgery.cast(LINEAR)",
            "TypeError",
            "missing a required argument: 'selector'",
        ),
        (
            'ei.surgery.cast(LINEAR, "float31")',
            "TypeError",
            "missing a required argument: 'dtype'",
        ),
    ],
    "surgery.change_in_channels": [
        (
            "ei.surgery.change_in_channels(LINEAR)",
            "TypeError",
            "missing a required argument: 'path'",
        ),
        (
            'ei.surgery.change_in_channels(LINEAR, "", 0)',
            "ValueError",
            "change_in_channels got channels=0; it must be a whole number >= 1.",
        ),
    ],
    "surgery.dormant_units": [
        ('ei.surgery.dormant_units("none")', "TypeCheckError", "parameter 'outputs'"),
        (
            'ei.surgery.dormant_units(jnp.ones((3, 4)), "low")',
            "ValueError",
            "dormant_units got threshold='low' (str); it must be a finite number >= 0, such as",
        ),
        (
            "ei.surgery.dormant_units(jnp.ones((3, 4)), -1.0)",
            "ValueError",
            "dormant_units got threshold=-1.0; it must be a finite number >= 0, such as",
        ),
    ],
    "surgery.factorize": [
        (
            "ei.surgery.factorize(LINEAR)",
            "TypeError",
            "missing a required argument: 'selector'",
        ),
        (
            "ei.surgery.factorize(LINEAR, nn.Linear, rank=0)",
            "ValueError",
            "factorize got rank=0; it must be a whole number >= 1 or None.",
        ),
        (
            'ei.surgery.factorize(LINEAR, nn.Linear, error=float("nan"))',
            "ValueError",
            "factorize got error=nan; it must be a finite number >= 0 or None.",
        ),
        (
            "ei.surgery.factorize(LINEAR, nn.Linear, rank=True)",
            "ValueError",
            "factorize got rank=True (bool); it must be a whole number >= 1 or None.",
        ),
    ],
    "surgery.fold_batch_norm": [
        (
            "ei.surgery.fold_batch_norm()",
            "TypeError",
            "missing a required argument: 'model'",
        ),
    ],
    "surgery.fold_scale": [
        (
            "ei.surgery.fold_scale(LINEAR)",
            "TypeError",
            "missing a required argument: 'readers'",
        ),
        (
            'ei.surgery.fold_scale(MLP, "layers.0", tolerance=float("nan"))',
            "ValueError",
            "fold_scale got tolerance=nan; it must be a finite number >= 0, such as",
        ),
    ],
    "surgery.fuse_qkv": [
        (
            "ei.surgery.fuse_qkv(LINEAR)",
            "ValueError",
            "Layer(MultiheadAttention) matches nothing. The layers with parameters here are",
        ),
    ],
    "surgery.interpolate_positions": [
        (
            "ei.surgery.interpolate_positions(LINEAR)",
            "TypeError",
            "missing a required argument: 'selector'",
        ),
        (
            'ei.surgery.interpolate_positions(EMBEDDING, "weight", 0)',
            "ValueError",
            "interpolate_positions got size=0; it must be a whole number >= 1 or a Sequence.",
        ),
        (
            'ei.surgery.interpolate_positions(EMBEDDING, "weight", 8, prefix=-1)',
            "ValueError",
            "interpolate_positions got prefix=-1; it must be a whole number >= 0, such as",
        ),
    ],
    "surgery.load_weights": [
        (
            "ei.surgery.load_weights(LINEAR)",
            "TypeError",
            "missing a required argument: 'state_dict'",
        ),
        (
            "ei.surgery.load_weights(LINEAR, 3)",
            "TypeCheckError",
            "parameter 'state_dict'",
        ),
    ],
    "surgery.lora": [
        (
            "ei.surgery.lora(LINEAR)",
            "TypeError",
            "missing a required argument: 'selector'",
        ),
        (
            'ei.surgery.lora([LINEAR], KEY, "0", rank=0)',
            "TypeError",
            "multiple values for argument 'rank'",
        ),
        (
            'ei.surgery.lora(LINEAR, "**", 0, KEY)',
            "ValueError",
            "lora got rank=0; it must be a whole number >= 1.",
        ),
        (
            'ei.surgery.lora(LINEAR, "**", 1, KEY, alpha=float("nan"))',
            "ValueError",
            "lora got alpha=nan; it must be a finite number or None.",
        ),
    ],
    "surgery.lora_parameters": [
        (
            "ei.surgery.lora_parameters()",
            "TypeError",
            "missing a required argument: 'model'",
        ),
    ],
    "surgery.merge_branches": [
        (
            "ei.surgery.merge_branches([nn.Conv1d(2, 2, 3, stride=s, key=KEY) for s in (1, 2)])",
            "ValueError",
            "these branches are not one convolution:",
        ),
        (
            "ei.surgery.merge_branches([eqx.nn.Identity()])",
            "ValueError",
            "merge_branches got no convolution; pass at least one",
        ),
        (
            "ei.surgery.merge_branches()",
            "TypeError",
            "missing a required argument: 'branches'",
        ),
    ],
    "surgery.merge_lora": [
        (
            "ei.surgery.merge_lora()",
            "TypeError",
            "missing a required argument: 'model'",
        ),
    ],
    "surgery.net2deeper": [
        (
            "ei.surgery.net2deeper(MLP, 9)",
            "ValueError",
            "net2deeper got index=9, which is not a hidden `Linear` among ['Linear', 'Linear']. Pass",
        ),
        (
            "ei.surgery.net2deeper(LINEAR, 0)",
            "TypeError",
            "net2deeper got a Linear; it takes an `eqx.nn.MLP` or an `eqx.nn.Sequential`:",
        ),
        (
            'ei.surgery.net2deeper(MLP, "first")',
            "ValueError",
            "net2deeper got index='first' (str); it must be a whole number.",
        ),
    ],
    "surgery.Stack": [
        (
            "ei.surgery.Stack()",
            "TypeError",
            "Stack.__init__() missing 2 required positional arguments: 'blocks' and 'length'",
        ),
    ],
    "surgery.grow": [
        (
            'ei.surgery.grow(MLP, "layers.9", 2)',
            "ValueError",
            "there is nothing at `layers.9` in this MLP. Paths are those of",
        ),
        (
            'ei.surgery.grow(MLP, "layers", 0)',
            "ValueError",
            "grow got count=0 for the 2 blocks of `layers`; `remove` makes fewer of them.",
        ),
    ],
    "surgery.insert": [
        (
            'ei.surgery.insert(MLP, "nothing", 0, zero=["layers.1"])',
            "ValueError",
            "there is nothing at `nothing` in this MLP. Paths are those of",
        ),
    ],
    "surgery.remove": [
        (
            'ei.surgery.remove(MLP, "layers", 9)',
            "IndexError",
            "remove got index=9 for the 2 blocks of `layers`; pass one from 0 to 1.",
        ),
    ],
    "surgery.stack_blocks": [
        (
            'ei.surgery.stack_blocks(MLP, "layers")',
            "ValueError",
            "blocks 0 and 1 cannot be stacked: they differ in static fields, or in the",
        ),
    ],
    "surgery.unstack_blocks": [
        (
            'ei.surgery.unstack_blocks(MLP, "layers")',
            "TypeError",
            "`layers` is a list of blocks already; unstack_blocks takes a stack.",
        ),
    ],
    "surgery.UnitGroup": [
        (
            "ei.surgery.UnitGroup()",
            "TypeError",
            "missing 4 required positional arguments: 'members', 'size', 'frozen', and 'summed'",
        ),
    ],
    "surgery.UnitGroups": [
        (
            'ei.surgery.unit_groups(MLP, lambda m, x: m(x), jnp.ones(3)).of("layers.0.weight")',
            "TypeError",
            "missing a required argument: 'axis'",
        ),
    ],
    "surgery.UnitMember": [
        (
            "ei.surgery.UnitMember()",
            "TypeError",
            "missing 5 required positional arguments",
        ),
    ],
    "surgery.unit_groups": [
        (
            "ei.surgery.unit_groups(MLP)",
            "TypeError",
            "missing a required argument: 'call'",
        ),
    ],
    "surgery.widen": [
        (
            'ei.surgery.widen(MLP, "layers.0", 2, KEY, lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "widen got units=2 and noise=0.1 for the 4 units of `layers.0.weight[0]`: it takes more",
        ),
        (
            'ei.surgery.widen(MLP, "layers.0", 9, KEY, lambda m, x: m(x), jnp.ones(3), noise=-1.0)',
            "ValueError",
            "widen got noise=-1.0; it must be a finite number >= 0, such as `widen(noise=0.1)`.",
        ),
        (
            'ei.surgery.widen(MLP, "layers.1", 9, KEY, lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "widen got `layers.1`, whose units have to stay: the axis is an output of the call.",
        ),
        (
            'ei.surgery.widen(MLP, "layers.0", "nine", KEY, lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "widen got units='nine' (str); it must be a whole number >= 1.",
        ),
    ],
    "surgery.prune": [
        (
            'ei.surgery.prune(MLP, "layers.0", [4], lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "prune got keep=[4] for the 4 units of `layers.0.weight[0]`: it takes different numbers",
        ),
    ],
    "surgery.permute": [
        (
            'ei.surgery.permute(MLP, "layers.0", [0, 1], lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "permute got order=[0, 1], which is no order of the 4 units of `layers.0.weight[0]`.",
        ),
    ],
    "surgery.match": [
        (
            "ei.surgery.match(MLP, LINEAR, lambda m, x: m(x), jnp.ones(3))",
            "ValueError",
            "match got two models that differ in their parameters:",
        ),
    ],
    "surgery.merge": [
        (
            "ei.surgery.merge([MLP, MLP], [0.5, 0.6])",
            "ValueError",
            "merge got weights=[0.5, 0.6] for 2 models: it takes one each, which add up to 1",
        ),
        (
            "ei.surgery.merge([])",
            "ValueError",
            "merge got no models; pass two of them or more.",
        ),
    ],
    "surgery.transplant": [
        (
            "ei.surgery.transplant(MLP, LINEAR)",
            "ValueError",
            "transplant cannot fill 4 parameters:",
        ),
    ],
    "surgery.unit_scores": [
        (
            'ei.surgery.unit_scores(MLP, "layers.0", lambda m, x: m(x), jnp.ones(3), gradient=LINEAR)',
            "ValueError",
            "unit_scores wants a gradient of `layers.0.weight`, of shape [4, 3], and got none.",
        ),
    ],
    "surgery.new_head": [
        (
            "ei.surgery.new_head(LINEAR)",
            "TypeError",
            "missing a required argument: 'path'",
        ),
        (
            'ei.surgery.new_head(LINEAR, "", 0, KEY)',
            "ValueError",
            "new_head got outputs=0; it must be a whole number >= 1.",
        ),
    ],
    "surgery.recycle": [
        (
            'ei.surgery.recycle(MLP, KEY, RULES, "layers.0", jnp.zeros(7, bool), lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "recycle got bool[7] for the 4 units of `layers.0.weight[0]`: it takes a bool for each",
        ),
        (
            'ei.surgery.recycle(MLP, KEY, RULES, "layers.9", jnp.zeros(4, bool), lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "there is nothing at `layers.9` in this MLP. Paths are those of",
        ),
        (
            'ei.surgery.recycle(MLP, 0, RULES, "layers.0", jnp.zeros(4, bool), lambda m, x: m(x), jnp.ones(3))',
            "TypeCheckError",
            "parameter 'key'",
        ),
        (
            'ei.surgery.recycle(MLP, KEY, RULES, "layers.0", True, lambda m, x: m(x), jnp.ones(3))',
            "ValueError",
            "recycle got bool[] for the 4 units of `layers.0.weight[0]`: it takes a bool for each",
        ),
    ],
    "surgery.resize_embedding": [
        (
            "ei.surgery.resize_embedding(LINEAR)",
            "TypeError",
            "missing a required argument: 'selector'",
        ),
        (
            'ei.surgery.resize_embedding(EMBEDDING, "", 0, KEY)',
            "ValueError",
            "resize_embedding got size=0; it must be a whole number >= 1.",
        ),
    ],
    "surgery.save_weights": [
        (
            "ei.surgery.save_weights()",
            "TypeError",
            "missing a required argument: 'model'",
        ),
    ],
    "surgery.shrink_and_perturb": [
        (
            "ei.surgery.shrink_and_perturb(LINEAR, 0, RULES, 0.5, 0.1)",
            "TypeCheckError",
            "parameter 'key'",
        ),
        (
            'ei.surgery.shrink_and_perturb(LINEAR, KEY, RULES, "half", 0.1)',
            "ValueError",
            "shrink_and_perturb got shrink='half' (str); it must be a finite number.",
        ),
        (
            'ei.surgery.shrink_and_perturb(LINEAR, KEY, [("wieght", ei.Zeros())], 0.5, 0.1)',
            "ValueError",
            "rule Path('wieght'): it matches nothing. Did you mean `weight`?",
        ),
        (
            'ei.surgery.shrink_and_perturb(LINEAR, KEY, RULES, float("nan"), 0.1)',
            "ValueError",
            "shrink_and_perturb got shrink=nan; it must be a finite number.",
        ),
    ],
    "surgery.split_qkv": [
        (
            "ei.surgery.split_qkv(LINEAR)",
            "ValueError",
            "Layer(FusedAttention) matches nothing. The layers with parameters here are ['Linear'].",
        ),
    ],
    "surgery.with_bias": [
        (
            "ei.surgery.with_bias(3)",
            "TypeError",
            "int has no `use_bias` that is known here. Build the layer anew with its own",
        ),
        (
            'ei.surgery.with_bias(BARE, "one")',
            "ValueError",
            "with_bias got value='one' (str); it must be a finite number, such as",
        ),
        (
            "ei.surgery.with_bias(BARE, jnp.ones(7))",
            "ValueError",
            "Incompatible types for broadcasting: input type=float32[7] and requested type=float32[2]",
        ),
        (
            'ei.surgery.with_bias(BARE, float("nan"))',
            "ValueError",
            "with_bias got value=nan; it must be a finite number, such as `with_bias(value=0.0)`.",
        ),
    ],
    "surgery.without_bias": [
        (
            "ei.surgery.without_bias(3)",
            "TypeError",
            "int has no `use_bias` that is known here. Build the layer anew with its own",
        ),
        (
            "ei.surgery.without_bias(jnp.ones(3))",
            "TypeError",
            "ArrayImpl has no `use_bias` that is known here. Build the layer anew with its own",
        ),
    ],
    "swap": [
        (
            'ei.swap(LINEAR, "wieght", lambda x: x)',
            "ValueError",
            "Path('wieght') matches no module. There are none. Paths are those that",
        ),
        ('ei.swap([LINEAR], "0", 3)', "TypeCheckError", "parameter 'fn'"),
        (
            "ei.swap([LINEAR], nn.Conv, lambda x: x)",
            "ValueError",
            "Layer(Conv) matches no module. There are `0`. Paths are those that",
        ),
        (
            'ei.swap([LINEAR], "0", lambda x: x, count=2)',
            "ValueError",
            "Path('0') matches 1 modules (`0`) and `count` says 2. Narrow it by path, or pass",
        ),
        (
            'ei.swap([LINEAR], "0", lambda x: x, count="one")',
            "ValueError",
            "swap got count='one' (str); it must be a whole number >= 1 or None.",
        ),
        (
            'ei.swap([LINEAR], "0", lambda x: 1 / 0)',
            "ZeroDivisionError",
            "division by zero",
        ),
        (
            'ei.swap(MLP, "layers.0", lambda layer: 3)',
            "ValueError",
            "`fn` returned int for `layers.0`, where a module stood. Return a module, such as",
        ),
        (
            'ei.swap(MLP, "layers.0", lambda layer: None)',
            "ValueError",
            "`fn` returned NoneType for `layers.0`, where a module stood. Return a module, such as",
        ),
        (
            'ei.swap(MLP, "layers.0", lambda layer: layer.weight)',
            "ValueError",
            "`fn` returned ArrayImpl for `layers.0`, where a module stood. Return a module, such as",
        ),
        (
            'ei.swap(MLP, "layers.0", lambda layer: "linear")',
            "ValueError",
            "`fn` returned str for `layers.0`, where a module stood. Return a module, such as",
        ),
    ],
    "to_config": [
        ("ei.to_config(lambda site: None)", "ValueError", "config: "),
        ("ei.to_config(LINEAR)", "ValueError", "config: Linear("),
        ("ei.to_config(ei.Filter(lambda site: True))", "ValueError", "config.fn: "),
    ],
    "trace_layouts": [
        ("ei.trace_layouts()", "TypeError", "missing a required argument: 'model'"),
        (
            "ei.trace_layouts(LINEAR)",
            "TypeError",
            "missing a required argument: 'call'",
        ),
        ("ei.trace_layouts(LINEAR, 3)", "TypeCheckError", "parameter 'call'"),
    ],
}
