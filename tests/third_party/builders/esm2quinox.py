"""esm2quinox: one stack of blocks for `lax.scan`, the embedding tied by a property."""

import esm2quinox

from ._entry import Entry


MODELS = {
    "esm2": Entry(
        lambda key: esm2quinox.ESM2(
            num_layers=3, embed_size=32, num_heads=4, token_dropout=True, key=key
        ),
        lambda model, key, tokens: model(tokens).logits,
        lambda: tuple(esm2quinox.tokenise(["SPIDERMAN"], length=11, key=None)),
    )
}
