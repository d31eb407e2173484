"""`a` or `an`, in front of names that a program knows and its author does not."""

import re


# Spelled letter by letter, as MLP and LSTMCell begin, these start with a vowel.
_LETTERS = re.compile(r"[AEFHILMNORSX](?![a-z])")
_VOWELS = re.compile(r"[AEIOaeio]|[Uu](?!ni)")


def with_article(name: str) -> str:
    """`an MLP`, `a Linear`, `an Embedding`."""
    spelled = _LETTERS if name[:2].isupper() else _VOWELS
    return f"{'an' if spelled.match(name) else 'a'} {name}"


def kind_of(value: object) -> str:
    """`an MLP`, of a value of that type."""
    return with_article(type(value).__name__)
