"""The papers that docstrings name: authors and titles."""

from .elsewhere import OTHERS as OTHERS
from .since_2020 import SINCE_2020
from .until_2019 import UNTIL_2019


# By arXiv number. Long author lists end in "others".
ARXIV: dict[str, tuple[str, str]] = UNTIL_2019 | SINCE_2020
