"""What names leave over, paired by order."""

from collections.abc import Mapping, Sequence

from ..._parameters.paths import join
from .match import Matched
from .targets import Target


def in_order(
    targets: Sequence[Target], matched: Matched, names: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Names under which the left-over layers of both sides belong together.

    **Raises:** `ValueError` where there are not as many on either side.
    """
    unused = {key for key, _ in matched.match.unused}
    stored = _modules([n for key, n in names.items() if key in unused and n])
    filled = {target.path for target, _, _ in matched.ways}
    units = list(dict.fromkeys(t.unit for t in targets if t.path not in filled))
    if len(stored) != len(units):
        raise ValueError(
            f"`by_order` pairs layers one to one, and names leave {len(stored)} stored "
            f"ones ({_few(stored)}) for {len(units)} of the model ({_few(units)}). Say "
            "some of them with `rename=`, or keep some with `keep=`."
        )
    pairs = dict(zip(stored, units, strict=True))
    new = dict(names)
    for key in unused:
        name = names[key] or ""
        module = _module_of(name, stored)
        new[key] = join(pairs[module], name.removeprefix(module).removeprefix("."))
    return new


def _modules(names: Sequence[str]) -> list[str]:
    """Modules in order; an attention's output projection is part of it."""
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    attentions = {
        name.rpartition(".")[0]
        for name in names
        if name.rpartition(".")[2] in ("in_proj_weight", "q_proj_weight")
    }
    parts = {join(module, "out_proj") for module in attentions}
    return [module for module in modules if module not in parts]


def _module_of(name: str, modules: Sequence[str]) -> str:
    above = name.rpartition(".")[0]
    return above if above in modules else above.rpartition(".")[0]


def _few(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in list(names)[:4]) or "none"
