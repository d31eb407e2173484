"""From readings of axes to roles: kernels first, then what they feed."""

from collections.abc import Iterator, Sequence
from typing import Any

from .._typing import Shape
from .digits import Cut, Digit, owned, paired
from .domain import Meaning
from .drafts import Draft, read_use
from .reading import finished
from .row import Reading
from .values import Fate, Track, Use
from .walker import Place


# A doubt that leaves no doubt about fan_in.
ABOUT_OUTPUTS = "two axes of outputs, or one and a stack of layers"


class Reader:
    """Reads every use of every parameter.

    - `shapes`, `owners`: of the parameters, by number: an owner is the path of the
        module that holds it.
    - `readings`: by place and parameter.
    """

    def __init__(
        self, meaning: Meaning, shapes: Sequence[Shape], owners: Sequence[str]
    ) -> None:
        self.meaning, self.shapes, self.owners = meaning, shapes, owners
        cuts: dict[int, set[Cut]] = {}
        self._places: dict[Place, set[int]] = {}
        for use in meaning.uses.values():
            cuts.setdefault(use.parameter, set()).update(use.cuts)
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
        for key, use in meaning.uses.items():
            if key not in kernels:
                self.readings[key] = self._other(use)

    def by_parameter(self) -> dict[int, list[Reading]]:
        found: dict[int, list[Reading]] = {}
        for (_, parameter), reading in self.readings.items():
            found.setdefault(parameter, []).append(reading)
        return found

    def _is_kernel(self, use: Use) -> bool:
        draft, _ = self._drafts[use.key]
        factor = use.how in ("dot", "conv") and not draft.has("in")
        return (use.how in ("dot", "conv", "mul") and draft.has("in")) or (
            factor and not self._has_partner(use)
        )

    def _has_partner(self, use: Use) -> bool:
        """Whether it is a factor of another parameter that meets the same data."""
        return len(self._places[use.place]) > 1

    def _kernel(self, key: Any) -> Reading:
        use, shape = self.meaning.uses[key], self.shapes[key[1]]
        draft, fate = self._drafts[key]
        if use.how == "mul" and not draft.has("out"):
            draft.doubts.append("a product that is summed: a scale, or a kernel")
        if not draft.has("out") and self._has_partner(use):
            draft.doubts.append(
                "put together with another parameter first: a summand, or a kernel"
            )
        if use.how == "dot" and not draft.has("out", "gate") and 1 not in shape:
            draft.doubts.append(
                "one output: a kernel, or an array that stands for data"
            )
        if fate.attends:
            draft.doubts.append("its outputs weigh positions: a kernel, or queries")
        self._check_sums(key, draft, fate)
        outs = {p.digit.axis for p in draft.pieces if p.name == "out"}
        if sum(not self._is_out(key, axis) for axis in outs) > 1:
            draft.doubts.append(ABOUT_OUTPUTS)
        return finished(use, draft, shape, "kernel")

    def _check_sums(self, key: Any, draft: Draft, fate: Fate) -> None:
        """Heads may be summed; experts and members of an ensemble are not inputs."""
        if self.meaning.uses[key].how == "mul":
            return
        summed = {p.digit.axis for p in draft.pieces if p.name == "in"}
        summed &= {digit.axis for digit in fate.summed}
        if summed and fate.averaged:
            draft.doubts.append("a mean over slices, or a sum over inputs")
        for axis in summed:
            kin = [(other, b) for other, b in self._kin_of(key, axis)]
            if not any(self._is_free(other, b) for other, b in kin):
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
        draft, fate = self._drafts.get(key, (Draft([]), Fate()))
        return not fate.averaged and any(
            p.digit.axis == axis and p.name == "in" for p in draft.pieces
        )

    def _other(self, use: Use) -> Reading:
        draft, fate = self._drafts[use.key]
        shape = self.shapes[use.parameter]
        if draft.has("vocab") and not self._is_expert(use):
            return self._table(use, draft, fate, shape)
        if use.how in ("dot", "conv"):
            draft.doubts.append("a factor of another parameter")
            return finished(use, _features(draft), shape, "scale")
        if use.how == "mul":
            if not use.normalised and not fate.followed:
                draft.doubts.append("a factor of data: a scale, a gate or a table")
            return finished(use, _features(draft), shape, "scale")
        if use.how == "add":
            return self._bias(use, draft, shape)
        if use.how == "concatenate":
            draft.doubts.append("joined to data: a token, or a constant input")
            return finished(use, _features(draft), shape, "embedding")
        draft.doubts.append(f"stands for data ({use.how})")
        return finished(use, _features(draft), shape, "other")

    def _is_expert(self, use: Use) -> bool:
        """Whether rows picked by data are added to what a picked kernel gives."""
        feeders = [t.use.key for t in self._feeders(use, use.linear_in)]
        if use.how != "add" or not any(
            self._drafts[key][0].has("expert") for key in feeders
        ):
            return False
        draft, _ = self._drafts[use.key]
        draft.pieces = [
            p._replace(name="expert") if p.name == "vocab" else p for p in draft.pieces
        ]
        return True

    def _table(self, use: Use, draft: Draft, fate: Fate, shape: Shape) -> Reading:
        draft = _features(draft)
        rows = [p.digit for p in draft.pieces if p.name == "vocab"]
        if len(shape) != 2 or len(draft.pieces) != 2 or rows[0].axis:
            draft.doubts.append("looked up, and not in rows")
        if fate.weighed:
            draft.doubts.append("its rows are weighed by data: a table, or a kernel")
        if use.how == "mul":
            draft.doubts.append("a factor of data")
        return finished(use, draft, shape, "embedding")

    def _bias(self, use: Use, draft: Draft, shape: Shape) -> Reading:
        if use.normalised:
            return finished(use, _features(draft), shape, "bias")
        if "weighed" in use.marks:
            draft.doubts.append(
                "added to what data scaled: a bias of the kernel, or of a product"
            )
        feeders = list(self._feeders(use, use.linear_in))
        own = [t for t in feeders if self._owned(t, use)]
        named = [self._name_outputs(use, draft, t) for t in own or feeders]
        if own:
            further = (*use.linear_in, *self._drafts[use.key][1].added)
            own = [t for t in self._feeders(use, further) if self._owned(t, use)]
        if not feeders or not all(named):
            return self._position(use, draft, shape)
        if not own:
            draft.doubts.append("the kernels that feed it are of other layers")
            return finished(use, draft, shape, "bias")
        # A state that leaks holds what the same kernel gave in earlier steps as well.
        fans = {t.use.parameter: self.readings[t.use.key] for t in own}
        if any(reading.doubt for reading in fans.values()):
            draft.doubts.append("its fan is that of kernels which are in doubt")
        total = sum(reading.fan_in or 0 for reading in fans.values())
        return finished(
            use,
            draft,
            shape,
            "bias",
            fans=(total, next(iter(fans.values())).fan_out),
            fed_by=tuple(fans),
        )

    def _position(self, use: Use, draft: Draft, shape: Shape) -> Reading:
        """Added along axes that no kernel gives: a table, or many biases."""
        last = any(list(owned(t.dims[-1:])) for t in use.linear_in)
        if last and len(shape) == 2 and all(use.dims[-1:]):
            draft.doubts.append("differs along positions: a table, or a bias of each")
            pieces = sorted(draft.pieces, key=lambda p: p.digit.axis)
            names = ("position", "feature")
            draft.pieces = [
                p._replace(name=n) for p, n in zip(pieces, names, strict=False)
            ]
            return finished(use, draft, shape, "embedding")
        draft.doubts.append("added to data that no kernel gives")
        return finished(use, _features(draft), shape, "bias")

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

    def _name_outputs(self, use: Use, draft: Draft, feeder: Track) -> bool:
        """Call a bias's digits as the kernel's that they are added to, if there are."""
        pieces = self._drafts[feeder.use.key][0].pieces
        pairs = [
            pair
            for mine, theirs in zip(use.dims, feeder.dims, strict=True)
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
    pieces = [
        p._replace(name="feature") if p.name in ("each", "out", "free") else p
        for p in draft.pieces
    ]
    return Draft(pieces, draft.parts, draft.doubts)
