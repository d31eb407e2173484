"""What a trace says of models that no layout describes, against readings by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from traced_cases import CASES, Case

import eqinit as ei


def traced(case: Case) -> Any:
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return ei.trace_layouts(case.model, case.call, *case.inputs)


BY_NAME = {case.name: case for case in CASES}
every_case = pytest.mark.parametrize("name", BY_NAME)


@every_case
def test_reading_is_that_of_a_reader(name: str):
    case = BY_NAME[name]
    rows = {row.path: row for row in traced(case)}
    assert rows.keys() == case.wanted.keys()
    for path, (status, axes, fan_in) in case.wanted.items():
        row = rows[path]
        assert row.status == status, row
        if axes is not None:
            assert "+".join(sorted(use.axes for use in row.uses)) == axes
            assert row.fan_in == fan_in
        assert bool(row.remark) == (status in ("ambiguous", "unknown"))


@pytest.mark.thorough
@every_case
def test_abstract_models_are_read_alike(name: str):
    case = BY_NAME[name]
    model, inputs = jax.eval_shape(lambda: (case.model, case.inputs))
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        assert ei.trace_layouts(model, case.call, *inputs) == traced(case)


LINEAR = [(case.name, path) for case in CASES for path in case.linear]


@pytest.mark.parametrize(("name", "path"), LINEAR)
def test_fan_in_is_the_number_of_entries_that_an_output_depends_on(
    name: str, path: str
):
    case = BY_NAME[name]
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):

        def output(array: Any) -> Any:
            return case.call(case.model | {path: array}, *case.inputs)

        array = case.model[path]
        slopes = jax.jacobian(output)(array)
        # One that is zero by chance has probability zero: inputs are normal numbers.
        counts = np.count_nonzero(np.asarray(slopes).reshape(-1, array.size), axis=1)
    # At the rim of a filter there are fewer. What later layers mix sees every output,
    # so that only the kernels that come last are counted whole.
    whole = counts.max()
    fan_in = traced(case)[path].fan_in
    if path in ("v", "q", "k") and name.startswith("attention"):
        fan_in *= array.shape[1] * array.shape[2]
    assert whole == fan_in


def test_what_is_done_to_a_parameter_is_named():
    rows = {case.name: traced(case) for case in CASES}
    assert rows["softplus and a mask"]["w"].through == "masked softplus"
    assert rows["rows of unit norm times a length"]["v"].through == "normalised"
    assert rows["a learned temperature"]["t"].through == "exp"
    assert rows["a gated linear unit"]["w"].through == ""


def test_by_hand_is_softplus_too_and_what_has_no_name_says_so():
    def call(model: Any, x: Any) -> Any:
        w = model["w"]
        return jnp.log1p(jnp.exp(w)) @ x + jnp.sin(jnp.exp(model["v"])) @ x

    model = {"w": jnp.ones((6, 8)), "v": jnp.ones((6, 8))}
    rows = ei.trace_layouts(model, call, jnp.ones(8))
    assert rows["w"].through == "softplus"
    assert rows["v"].through == "?"
    assert rows["v"].axes == "out in"


def test_uneven_parts_are_told():
    rows = traced(BY_NAME["outputs in uneven parts"])
    assert rows["w"].parts == (6, 4, 2)
    assert rows["b"].parts == (6, 4, 2)
    assert "6 + 4 + 2" in str(rows)


def test_doubts_name_the_readings():
    """What the same computation could be as well, in the words that are printed."""
    said = {
        (name, path): traced(BY_NAME[name])[path].remark
        for name, path in [
            ("a form in two inputs", "w"),
            ("a form in two inputs", "b"),
            ("queries of two heads and keys of one", "q"),
            ("a product of two matrices added to a third", "a"),
            ("two branches that read a matrix differently", "w"),
            ("a diagonal recurrence by an associative scan", "a"),
            ("all experts, weighed by a router", "v"),
            ("an ensemble that sees the same data", "w"),
        ]
    }
    form = "a form in two inputs, a mixture of experts, or queries with one key"
    factors = (
        "multiplied with another parameter first: a factor of a kernel, or a kernel "
        "and an array that stands for its input, with `in` for `out`; only a sum of "
        "it is used"
    )
    assert list(said.values()) == [
        form,
        "its fan is that of kernels which are in doubt",
        form,
        factors,
        "used as `in out` and as `out in`",
        "used as `scale: feature` in several forms: sigmoid, ?",
        "summed over what a softmax weighed: inputs, or experts",
        "two axes of outputs, or one and a stack of layers",
    ]


def test_what_hides_a_parameter_is_named():
    assert traced(BY_NAME["a callback"])["w"].remark == "goes through pure_callback"
    assert traced(BY_NAME["a kernel written in Pallas"])["w"].remark == (
        "goes through pallas_call"
    )


def test_without_data_there_is_nothing_to_read():
    case = BY_NAME["a gated linear unit"]
    with pytest.raises(ValueError, match="got no array among the arguments"):
        ei.trace_layouts(case.model, lambda m: m["w"].T @ jnp.ones(8))


def test_it_prints_and_is_data():
    rows = traced(BY_NAME["a gated linear unit"])
    assert "in (gate=2 out)" in str(rows)
    assert "2 parameters: 2 certain" in str(rows)
    assert rows.to_dict()["rows"][1]["axes"] == "in (gate=2 out)"
    assert [row.path for row in rows.certain] == ["b", "w"]
    assert rows["b"].fed_by == ("w",)
    with pytest.raises(KeyError, match="no parameter `x` in this trace"):
        rows["x"]
