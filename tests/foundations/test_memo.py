"""Memos know objects by identity, for as long as they live."""

import weakref

from eqinit._memo import Memo


class Thing:
    """Equal to every other one, and without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


def test_equal_objects_are_apart_and_the_same_one_is_worked_out_once():
    memo: Memo[int] = Memo()
    one, other = Thing(), Thing()
    calls: list[int] = []

    def make() -> int:
        calls.append(len(calls))
        return calls[-1]

    assert [memo.once((x,), make) for x in (one, other, one)] == [0, 1, 0]
    assert memo.once((one, other), make) == 2
    assert memo.once((other, one), make) == 3
    assert list(memo.values()) == [0, 1, 2, 3]
    assert len(memo) == 4


def test_equal_is_compared_by_value():
    memo: Memo[str] = Memo()
    thing = Thing()
    memo.put((thing,), "first", equal=(1, "a"))
    assert memo.get((thing,), equal=(1.0, "a")) == "first"
    assert memo.get((thing,), equal=(2, "a")) is None
    assert (thing,) not in memo


def test_objects_of_a_key_live_as_long_as_the_memo():
    # A freed object's id is given to the next one of its size, which would be taken
    # for the first.
    memo: Memo[int] = Memo()
    things = [weakref.ref(_known(memo, i)) for i in range(100)]
    assert all(thing() is not None for thing in things)
    assert len(memo) == 100


def _known(memo: Memo[int], value: int) -> Thing:
    thing = Thing()
    assert memo.once((thing,), lambda: value) == value
    return thing
