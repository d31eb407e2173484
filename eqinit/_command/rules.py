"""Rules for a command: a TOML or JSON file, and recipes by name."""

import ast
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import recipes
from .._config.config import from_config
from .._nearest import nearest


def rules_of(files: list[str], called: list[str]) -> list[Any]:
    """The rules of files, and behind them those of recipes.

    **Raises:** `ValueError` where there are none.
    """
    rules = [*map(_read, files), *map(_recipe, called)]
    if not rules:
        raise ValueError("no rules: pass `--rules rules.toml` or `--recipe keras`.")
    return rules


def _read(file: str) -> Any:
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"there is no file `{file}` here ({Path.cwd()}).")
    text = path.read_text(encoding="utf-8")
    try:
        config = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ValueError(f"`{file}` cannot be read: {error}.") from error
    rules = config.get("rules") if isinstance(config, Mapping) else config
    if not isinstance(rules, list) or not rules:
        raise ValueError(f"`{file}` has no `[[rules]]`.")
    try:
        return from_config([_whole(rule) for rule in rules])
    except (ValueError, TypeError) as error:
        raise ValueError(f"`{file}`: {error}") from error


def _whole(rule: Any) -> Any:
    """What stands in a list of rules is a rule, whether it says so or not."""
    return {"type": "Rule", **rule} if isinstance(rule, dict) else rule


def _recipe(call: str) -> Any:
    """`keras`, or `gpt2(12)`: a name, and plain values in brackets."""
    try:
        tree = ast.parse(call, mode="eval").body
        function = tree.func if isinstance(tree, ast.Call) else tree
        arguments = tree.args if isinstance(tree, ast.Call) else []
        keywords = tree.keywords if isinstance(tree, ast.Call) else []
        values = [ast.literal_eval(argument) for argument in arguments]
        named = {str(word.arg): ast.literal_eval(word.value) for word in keywords}
        name = function.id if isinstance(function, ast.Name) else call
    except (SyntaxError, ValueError) as error:
        raise ValueError(
            f"`--recipe {call}` is no recipe: write `keras` or `gpt2(num_layers=12)`."
        ) from error
    known = dir(recipes)
    if name not in known:
        raise ValueError(
            f"there is no recipe `{name}`.{nearest(name, known)} `python -m eqinit "
            "recipes` lists them."
        )
    try:
        return getattr(recipes, name)(*values, **named)
    except TypeError as error:
        raise ValueError(f"`--recipe {call}`: {error}") from error
