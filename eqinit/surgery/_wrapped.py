"""Parameters that are kept in another form, told to operations on plain arrays."""

from collections.abc import Iterable
from typing import Any

from .._articles import kind_of, with_article
from .._models.read import read
from .._models.site import Site


def wrapped_in(site: Site) -> str:
    """What a parameter is kept in, such as `a WeightNorm`; empty where it is plain."""
    if site.parametrization is not None:
        return with_article(site.parametrization.name)
    return kind_of(site.ancestors[-1].module) if site.in_place else ""


def how_to_unwrap(sites: Iterable[Site]) -> str:
    """The call after which all of these are plain arrays."""
    found = [site for site in sites if wrapped_in(site)]
    if any(site.parametrization is not None for site in found):
        return "Make them plain first: `surgery.bake(model)`."
    # What only marks an array, such as one that is not trained, `bake` leaves.
    marks = " and ".join(sorted({wrapped_in(site) for site in found}))
    return f"Take {marks} off first, by its own `unwrap`."


def check_plain(model: Any, paths: Iterable[str]) -> None:
    """That the layers at these paths hold plain arrays.

    **Raises:** `TypeError` where they do not.
    """
    chosen = set(paths)
    found = [s for s in read(model).parameters if s.layer_path in chosen]
    if wrong := [site for site in found if wrapped_in(site)]:
        listed = "\n".join(f"- `{s.path}`, in {wrapped_in(s)}" for s in wrong)
        raise TypeError(
            "this operation takes layers with plain arrays, and some are kept in "
            f"another form:\n{listed}\n{how_to_unwrap(wrong)}"
        )


def wrapped_among(model: Any, paths: Iterable[str]) -> str:
    """What to do if an operation is not right for wrapped parameters among these."""
    chosen = set(paths)
    found = [s for s in read(model).parameters if s.path in chosen]
    wrong = [s for s in found if s.parametrization is not None]
    if not wrong:
        return ""
    return (
        f"`{wrong[0].path}` is kept in {wrapped_in(wrong[0])}, and a share of it need "
        f"not be one of what it stands for. {how_to_unwrap(wrong)}"
    )
