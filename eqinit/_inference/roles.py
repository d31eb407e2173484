"""From readings of axes to roles: kernels first, then what they feed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._typing import RoleName, Shape
from .digits import Cut, Digit, owned, paired
from .domain import Meaning
from .drafts import Draft, read_use
from .reading import finished
from .row import Reading
from .values import Track, Use
from .walker import Place


# A doubt that leaves no doubt about fan_in.
ABOUT_OUTPUTS = "two axes of outputs, or one and a stack of layers"


# What is no kernel and no bias, by where it met data, and what else it could be.
_ALONE: Mapping[str, tuple[RoleName, str]] = {
    "dot": ("scale", "a factor of another parameter"),
    "conv": ("scale", "a factor of another parameter"),
    "mul": ("scale", "a factor of data: a scale, a gate or a table"),
    "concatenate": ("embedding", "joined to data: a token, or a constant input"),
}


class Reader:
    """Reads every use of every parameter.

    - `owners`: of the parameters, by number: the path of the module that holds it.
    - `readings`: by place and parameter.
    """

    def __init__(
        self, meaning: Meaning, shapes: Sequence[Shape], owners: Sequence[str]
    ) -> None:
        self.meaning, self.owners = meaning, owners
        cuts: dict[int, set[Cut]] = {}
        self._places: dict[Place, set[int]] = {}
        for use in meaning.uses.values():
            cuts.setdefault(use.parameter, set()).update(use.track.cuts)
            self._places.setdefault(use.place, set()).add(use.parameter)
        self._drafts = {
            key: read_use(meaning, use, shapes[key[1]], cuts[key[1]])
            for key, use in meaning.uses.items()
        }
        self._settled: dict[Any, bool] = {}
        self.readings: dict[Any, Reading] = {}
        kernels = {key for key, use in meaning.uses.items() if self._is_kernel(use)}
        for key in kernels:
            self.readings[key] = self._kernel(key)
        for key, draft in self._drafts.items():
            if key not in kernels:
                self.readings[key] = self._other(draft)

    def by_parameter(self) -> dict[int, list[Reading]]:
        found: dict[int, list[Reading]] = {}
        for (_, parameter), reading in self.readings.items():
            found.setdefault(parameter, []).append(reading)
        return found

    def _is_kernel(self, use: Use) -> bool:
        draft = self._drafts[use.key]
        factor = use.how in ("dot", "conv") and not draft.has("in")
        return (use.how in ("dot", "conv", "mul") and draft.has("in")) or (
            factor and not self._has_partner(use)
        )

    def _has_partner(self, use: Use) -> bool:
        """Whether it is a factor of another parameter that meets the same data."""
        return len(self._places[use.place]) > 1

    def _kernel(self, key: Any) -> Reading:
        draft = self._drafts[key]
        use = draft.use
        if use.how == "mul" and not draft.has("out"):
            draft.doubts.append("a product that is summed: a scale, or a kernel")
        if not draft.has("out") and self._has_partner(use):
            draft.doubts.append(
                "put together with another parameter first: a summand, or a kernel"
            )
        if use.how == "dot" and not draft.has("out", "gate") and 1 not in draft.shape:
            draft.doubts.append(
                "one output: a kernel, or an array that stands for data"
            )
        if "softmax" in use.track.marks:
            draft.doubts.append("a softmax weighs its rows: a kernel, or a table")
        if draft.fate.scored and use.how == "dot" and 1 in draft.shape:
            draft.doubts.append("a form in two inputs, or queries")
        if draft.fate.attends:
            draft.doubts.append("its outputs weigh positions: a kernel, or queries")
        self._check_sums(draft)
        outs = {p.digit.axis for p in draft.pieces if p.name == "out"}
        if sum(not self._is_out(key, axis) for axis in outs) > 1:
            draft.doubts.append(ABOUT_OUTPUTS)
        return finished(draft, "kernel")

    def _check_sums(self, draft: Draft) -> None:
        """Heads may be summed; experts and members of an ensemble are not inputs."""
        use, fate = draft.use, draft.fate
        if use.how == "mul":
            return
        summed = {p.digit.axis for p in draft.pieces if p.name == "in"}
        summed &= {digit.axis for digit in fate.summed}
        if summed and fate.averaged:
            draft.doubts.append("a mean over slices, or a sum over inputs")
        for axis in summed:
            if not any(self._is_free(*other) for other in self._kin_of(use.key, axis)):
                draft.doubts.append("a sum over slices, or over inputs")

    def _kin_of(self, key: Any, axis: int) -> list[tuple[Any, int]]:
        """Axes of earlier kernels that one of this one runs along."""
        return [
            (other, a)
            for other, fate in self.meaning.fates.items()
            for a, met, b in fate.kin
            if met == key and b == axis
        ]

    def _is_free(self, key: Any, axis: int) -> bool:
        use = self.meaning.uses.get(key)
        return use is not None and any(
            digit.axis == axis and name == "out" for digit, name in use.relations
        )

    def _is_out(self, key: Any, axis: int) -> bool:
        """Whether an axis of outputs is known to be no stack of independent ones."""
        known = (key, axis)
        if known not in self._settled:
            self._settled[known] = False  # while it is being asked
            fate = self.meaning.fates[key]
            together = any(axis in pair for pair in fate.together)
            self._settled[known] = together or any(
                self._is_out(other, b) or self._is_in(other, b)
                for a, other, b in fate.kin
                if a == axis
            )
        return self._settled[known]

    def _is_in(self, key: Any, axis: int) -> bool:
        draft = self._drafts.get(key)
        return (
            draft is not None
            and not draft.fate.averaged
            and any(p.digit.axis == axis and p.name == "in" for p in draft.pieces)
        )

    def _other(self, draft: Draft) -> Reading:
        use = draft.use
        if draft.has("vocab") and self._is_expert(use):
            draft = draft.called(("vocab",), "expert")
        if draft.has("vocab"):
            return self._table(draft)
        if use.how == "add":
            return self._bias(draft)
        role, doubt = _ALONE.get(use.how, ("other", f"stands for data ({use.how})"))
        if use.how != "mul" or not (use.normalised or draft.fate.followed):
            draft.doubts.append(doubt)
        return finished(_features(draft), role)

    def _is_expert(self, use: Use) -> bool:
        """Whether rows picked by data are added to what a picked kernel gives."""
        return use.how == "add" and any(
            self._drafts[t.use.key].has("expert")
            for t in self._feeders(use, use.linear_in)
        )

    def _table(self, draft: Draft) -> Reading:
        rows = [p.digit for p in draft.pieces if p.name == "vocab"]
        if len(draft.shape) != 2 or len(draft.pieces) != 2 or rows[0].axis:
            draft.doubts.append("looked up, and not in rows")
        if draft.fate.weighed:
            draft.doubts.append("its rows are weighed by data: a table, or a kernel")
        if draft.use.how == "mul":
            draft.doubts.append("a factor of data")
        return finished(_features(draft), "embedding")

    def _bias(self, draft: Draft) -> Reading:
        use = draft.use
        if use.normalised:
            return finished(_features(draft), "bias")
        if "weighed" in use.track.marks:
            draft.doubts.append(
                "added to what data scaled: a bias of the kernel, or of a product"
            )
        feeders = list(self._feeders(use, use.linear_in))
        own = [t for t in feeders if self._owned(t, use)]
        named = [self._name_outputs(draft, t) for t in own or feeders]
        if own:
            further = (*use.linear_in, *draft.fate.added)
            own = [t for t in self._feeders(use, further) if self._owned(t, use)]
        if not feeders or not all(named):
            return self._position(draft)
        if not own:
            draft.doubts.append("the kernels that feed it are of other layers")
            return finished(draft, "bias")
        # A state that leaks holds what the same kernel gave in earlier steps as well.
        fans = {t.use.parameter: self.readings[t.use.key] for t in own}
        if any(reading.doubt for reading in fans.values()):
            draft.doubts.append("its fan is that of kernels which are in doubt")
        total = sum(reading.fan_in or 0 for reading in fans.values())
        totals = total, next(iter(fans.values())).fan_out
        return finished(draft, "bias", fans=totals, fed_by=tuple(fans))

    def _position(self, draft: Draft) -> Reading:
        """Added along axes that no kernel gives: a table, or many biases."""
        use = draft.use
        last = any(list(owned(t.dims[-1:])) for t in use.linear_in)
        if last and len(draft.shape) == 2 and all(use.track.dims[-1:]):
            draft.doubts.append("differs along positions: a table, or a bias of each")
            pieces = sorted(draft.pieces, key=lambda p: p.digit.axis)
            names = ("position", "feature")
            draft.pieces = [
                p._replace(name=n) for p, n in zip(pieces, names, strict=False)
            ]
            return finished(draft, "embedding")
        draft.doubts.append("added to data that no kernel gives")
        return finished(_features(draft), "bias")

    def _owned(self, track: Track, use: Use) -> bool:
        return self.owners[track.use.parameter] == self.owners[use.parameter]

    def _feeders(self, use: Use, tracks: Sequence[Track]) -> Iterator[Track]:
        """The kernels that the sum is linear in, but none that lies before another."""
        kernels = [
            t
            for t in {t.of: t for t in tracks if t.use is not use}.values()
            if t.use.key in self.readings and self.readings[t.use.key].role == "kernel"
        ]
        for track in kernels:
            if not any(track.use.bit & other.use.before for other in kernels):
                yield track

    def _name_outputs(self, draft: Draft, feeder: Track) -> bool:
        """Call a bias's digits as the kernel's that they are added to, if there are."""
        use, pieces = draft.use, self._drafts[feeder.use.key].pieces
        pairs = [
            pair
            for mine, theirs in zip(use.track.dims, feeder.dims, strict=True)
            for pair in (paired(mine, theirs) if mine else ()) or ()
        ]
        for mine, theirs in pairs:
            if mine.axis >= 0 and theirs.axis < 0:
                return False
            for piece in pieces:
                inside = _within(piece.digit, theirs, mine)
                if inside is not None:
                    draft.rename(inside, ("each", "out"), piece.name)
        covered = sum(mine.axis >= 0 for mine, _ in pairs)
        return bool(covered) or not use.relations


def _within(piece: Digit, theirs: Digit, mine: Digit) -> Digit | None:
    """The part of `mine` that lies where `piece` lies in `theirs`."""
    if piece.axis != theirs.axis or mine.axis < 0:
        return None
    low, high = max(piece.stride, theirs.stride), piece.stride * piece.of
    high = min(high, theirs.stride * theirs.of)
    if low >= high:
        return None
    return Digit(mine.axis, high // low, mine.stride * (low // theirs.stride))


def _features(draft: Draft) -> Draft:
    return draft.called(("each", "out", "free"), "feature")
