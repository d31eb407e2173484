"""`a` and `an`, as English has them."""

import pytest

from eqinit._articles import kind_of, with_article


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            "an MLP",
            "an LSTMCell",
            "an RMSNorm",
            "an Embedding",
            "an int",
            "an embedding",
        ),
        *("an AvgPool2d", "an Orthogonal", "an SLSTM", "an Upsample"),
        *("a Linear", "a GRUCell", "a LayerNorm", "a Shared", "a MultiheadAttention"),
        *("a Uniform", "a PRNGKey", "a str", "a list", "a bias", "a NoneType"),
    ],
)
def test_articles(wanted: str):
    assert with_article(wanted.split()[1]) == wanted


def test_kinds():
    assert (kind_of(1), kind_of([])) == ("an int", "a list")
