"""Names of stored arrays: read in one spelling, and rewritten by patterns."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from ..._articles import kind_of


# From pattern to pattern, `None` to leave something out; or from name to name.
Rename: TypeAlias = Mapping[str, str | None] | Callable[[str], str | None]

# torch's parametrizations store parts of a weight under names of their own.
_PARTS = (
    (r"parametrizations\.(\w+)\.original0$", r"\1_g"),  # weight norm: length
    (r"parametrizations\.(\w+)\.original1$", r"\1_v"),  # and direction
    (r"parametrizations\.(\w+)\.original$", r"\1_orig"),  # spectral norm
    (r"parametrizations\.(\w+)\.0\._(u|v)$", r"\1_\2"),
)
# A recurrent layer of torch holds its cells side by side.
_CELL = re.compile(r"(?:(.*)\.)?((?:weight|bias)_(?:ih|hh))_l(\d+)(_reverse)?$")


def flat(source: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Dotted name to array; nested mappings, such as flax's, are flattened."""
    found: dict[str, Any] = {}
    for key, value in source.items():
        name = f"{above}.{key}" if above else str(key)
        found |= flat(value, name) if isinstance(value, Mapping) else {name: value}
    return found


def canonical(names: Mapping[str, Any]) -> dict[str, str]:
    """Stored name to one spelling: `lstm.weight_ih_l0` is `weight_ih` of cell `lstm`.

    Where a recurrent layer has several cells these are `lstm.0`, `lstm.1`, and
    `lstm.0_reverse` of the other direction.
    """
    cells: dict[str, set[str]] = {}
    for name in names:
        if (found := _CELL.match(name)) is not None:
            cells.setdefault(found[1] or "", set()).add(found[3] + (found[4] or ""))

    def spelled(name: str) -> str:
        for pattern, text in _PARTS:
            name = re.sub(pattern, text, name)
        if (found := _CELL.match(name)) is None:
            return name
        layer, field, cell = found[1] or "", found[2], found[3] + (found[4] or "")
        single = cells.get(layer) == {"0"}
        return ".".join(filter(None, (layer, "" if single else cell, field)))

    return {name: spelled(name) for name in names}


def renamed(names: Mapping[str, str], rename: Rename | None) -> dict[str, str | None]:
    """The names, by stored name, after renaming; `None` for those that are left out.

    **Raises:** `ValueError` for a pattern that matches nothing, and where two names
    become one.
    """
    if rename is None:
        new: dict[str, str | None] = dict(names)
    elif callable(rename):
        new = {stored: rename(name) for stored, name in names.items()}
    else:
        new = _by_patterns(names, rename)
    by_name: dict[str, list[str]] = {}
    for stored, name in new.items():
        if name is not None:
            by_name.setdefault(name, []).append(stored)
    if twice := {n: stored for n, stored in by_name.items() if len(stored) > 1}:
        name, stored = next(iter(twice.items()))
        raise ValueError(
            f"{len(twice)} names stand for two arrays each: `{name}` for {stored}. "
            "Change `rename=`, in which `None` leaves one out."
        )
    return new


def _by_patterns(
    names: Mapping[str, str], rename: Mapping[str, str | None]
) -> dict[str, str | None]:
    new: dict[str, str | None] = dict(names)
    for pattern, text in rename.items():
        rewrite = rewriter(pattern, text)
        after = {s: n if n is None else rewrite(n) for s, n in new.items()}
        if after == new and not any(matches(pattern, n) for n in new.values()):
            close = ", ".join(f"`{n}`" for n in list(filter(None, new.values()))[:3])
            raise ValueError(
                f"the pattern `{pattern}` of `rename=` matches none of {len(names)} "
                f"names, such as {close}. It is matched from the start of a name, "
                "segment by segment; `**` stands for any number of segments."
            )
        new = after
    return new


def matches(pattern: str, name: str | None) -> bool:
    """Whether a name begins with what the pattern stands for."""
    return name is not None and _compiled(pattern).match(name) is not None


def rewriter(
    pattern: str, text: str | None, argument: str = "`rename=`"
) -> Callable[[str], str | None]:
    """Replace what a pattern matches at the start of a name; the rest stays."""
    compiled = _compiled(pattern)
    stars = sum(len(re.findall(r"\*\*|\*", part)) for part in pattern.split("."))
    wanted = 0 if text is None else len(re.findall(r"\*\*|\*", text))
    if wanted > stars:
        raise ValueError(
            f"{argument} maps `{pattern}` to `{text}`, which has {wanted} stars for "
            f"{stars}: those of the two patterns belong together in order."
        )

    def rewrite(name: str) -> str | None:
        found = compiled.match(name)
        if found is None:
            return name
        if text is None:
            return None
        kept = iter([group or "" for group in found.groups()])
        new = re.sub(r"\*\*|\*", lambda _: next(kept).rstrip("."), text)
        rest = name[found.end() :].lstrip(".")
        return ".".join(part for part in (*new.split("."), rest) if part)

    return rewrite


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.split(".")
    text = ""
    for i, part in enumerate(parts):
        if part == "**":
            text += r"((?:[^.]+\.)*)" if i < len(parts) - 1 else r"(.*)"
            continue
        text += re.escape(part).replace(r"\*", r"([^.]*)")
        text += r"\." if i < len(parts) - 1 else r"(?=\.|$)"
    return re.compile(text)


def as_numpy(name: str, value: Any) -> np.ndarray:
    """The array, from numpy, jax, or whatever numpy can read."""
    try:
        array = np.asarray(value)
    except TypeError as error:
        raise TypeError(
            f"numpy cannot read `{name}`, {kind_of(value)}: {error} Of torch, "
            "pass `{k: v.detach().cpu().float().numpy() for k, v in state.items()}`."
        ) from error
    if array.dtype == object:
        raise TypeError(f"`{name}` is {kind_of(value)} and no array.")
    return array
