"""What a rule says of parameters that are to stay as they are."""

import equinox as eqx


class Keep(eqx.Module):
    """Leave a parameter as it is, and keep later rules away from it.

    `Rule("encoder", Keep())` in front of the others is for a pretrained part. It is no
    scheme: there is nothing to draw, to scale or to mix.
    """
