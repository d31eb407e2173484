"""Other libraries' words for our arguments: an error says ours."""

import functools
import inspect
from collections.abc import Iterable

from .._nearest import nearest


# One word for one idea, and what else it is called. A word may stand for several ideas;
# a scheme has at most one of them.
_OTHERS: dict[str, str] = {
    "std": "stddev std_dev standard_deviation sigma scale modulus",
    "scale": "stddev std sigma gamma",
    "mean": "loc location mu average",
    "loc": "mean mu median location",
    "lower": "low minval min_val min_value minimum min a r_min",
    "upper": "high maxval max_val max_value maximum max b r_max bound limit",
    "gain": "scale multiplier factor tau",
    "factor": "scale gain multiplier",
    "offset": "shift loc bias",
    "target": "scale norm value",
    "negative_slope": "alpha slope leak a",
    "activation": "fn phi nonlinearity act fun func relu",
    "num_layers": "depth layers n_layers num_blocks blocks n_blocks",
    "dim": "width d_model model_dim size features",
    "density": "sparsity p keep connectivity",
    "distribution": "dist base law",
    "mode": "fan fan_mode",
    "value": "constant fill fill_value val bias",
    "other": "rest default",
    "probability": "prior prior_prob pi p prob",
    "frequencies": "prior priors counts weights probabilities",
    "start": "low lower begin first",
    "stop": "high upper end last",
    "axis": "dim over",
    "over": "axis axes norm_axes dim",
    "by": "norm ord order",
    "spectral_radius": "rho radius",
    "w0": "omega omega_0 omega0 frequency",
    "lengthscale": "sigma scale length_scale ell",
    "df": "nu dof degrees_of_freedom",
    "shape": "k concentration alpha",
    "stored": "stores transform which",
    "part": "which side kind",
    "var": "variance",
    "init": "initializer inner",
    "inits": "initializers",
    "algorithm": "method",
}


@functools.cache
def _arguments(cls: type) -> tuple[str, ...] | None:
    """Names that a class takes; `None` where it takes any."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return tuple(p.name for p in parameters)


@functools.cache
def _by_keyword(cls: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that may stand by position, and those that have to be said."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
    return tuple(p.name for p in parameters if p.name not in named), named


def check_order(cls: type, given: int) -> None:
    """Raise a `TypeError` where an argument stands by position that has to be said.

    Libraries differ in what comes first: torch's normal is `(mean, std)`.
    """
    placed, named = _by_keyword(cls)
    if named and given > len(placed):
        name = cls.__name__
        said = [*placed, *(f"{word}=..." for word in named)]
        raise TypeError(
            f"{name} got {given} arguments by position and takes {len(placed)}; the "
            f"others are said by name: `{name}({', '.join(said)})`."
        )


def check_words(cls: type, words: Iterable[str]) -> None:
    """Raise a `TypeError` that says our words where a class is given other ones."""
    takes = _arguments(cls)
    unknown = [] if takes is None else [word for word in words if word not in takes]
    if takes and unknown:
        problems = "\n".join(_problem(cls.__name__, word, takes) for word in unknown)
        raise TypeError(problems)


def _problem(name: str, word: str, takes: tuple[str, ...]) -> str:
    ours = [own for own in takes if word in _OTHERS.get(own, "").split()]
    if ours:
        said = f"here it is called `{ours[0]}`: `{name}({ours[0]}=...)`"
        said += ", and is one minus that" if word == "sparsity" else ""
        return f"{name} has no argument `{word}`; {said}."
    return f"{name} has no argument `{word}`; it takes {', '.join(takes)}." + nearest(
        word, takes
    )
