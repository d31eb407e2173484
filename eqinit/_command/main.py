"""The commands: `plan`, `inspect`, `probe`, `schemes`, `recipes`.

Exit status: 0; 1 where rules, a model or a name are wrong, such as a rule that no
parameter is left for; 2 for a command line that cannot be read.
"""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import jax

from .._apply import apply
from .._models.inspection import inspect
from .._planning.plan import plan_of
from .._planning.resolve import resolve
from .._planning.rule import as_rules
from .._tables import AbstractReport
from ..signal._probe.probe import probe
from .inputs import input_of
from .listing import listed, recipe_functions, schemes
from .models import model_of, named, skeleton_of
from .rules import rules_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads it has seen enough, as `head` has. Python would complain of it
        # once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # as of what the signal SIGPIPE ends
    except (ValueError, TypeError) as error:
        # What eqinit itself refuses is explained in the text.
        if not _is_ours(error):
            raise
        print(f"eqinit: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _is_ours(error: BaseException) -> bool:
    """Whether eqinit raised it, and not a file that it was told to run."""
    trace, name = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    return name.partition(".")[0] == "eqinit"


def _plan(given: argparse.Namespace) -> None:
    rules = as_rules(rules_of(given.rules, given.recipe))
    model = skeleton_of(given.model)
    # A parameter that no rule claims keeps what the constructor gives it.
    found = resolve(model, rules, {}, strict=given.strict, allow_abstract=True)
    _show(plan_of(found), given)


def _inspect(given: argparse.Namespace) -> None:
    _show(inspect(skeleton_of(given.model)), given)


def _probe(given: argparse.Namespace) -> None:
    keys = jax.random.split(jax.random.key(given.seed), 2 + len(given.input))
    model = model_of(given.model, keys[0])
    if given.rules or given.recipe:
        model = apply(model, keys[1], rules_of(given.rules, given.recipe))
    call = named(given.call) if given.call else _over_a_batch
    pairs = zip(given.input, keys[2:], strict=True)
    inputs = [input_of(text, key) for text, key in pairs]
    try:
        report = probe(model, call, *inputs)
    except Exception as error:
        if given.call or _is_ours(error):
            raise
        raise ValueError(
            f"the model cannot be called, under `jax.vmap`, with {given.input}: "
            f"{type(error).__name__}: {error} Pass another `--input`, or a `--call`."
        ) from error
    _show(report, given)


def _over_a_batch(model: Any, *inputs: Any) -> Any:
    return jax.vmap(model)(*inputs)


def _schemes(given: argparse.Namespace) -> None:
    _print(listed("scheme", schemes(), given.name))


def _recipes(given: argparse.Namespace) -> None:
    _print(listed("recipe", recipe_functions(), given.name))


def _show(report: AbstractReport, given: argparse.Namespace) -> None:
    if given.json:
        print(json.dumps(report.to_dict(), indent=1))  # noqa: T201
    else:
        _print(report.unfolded() if given.unfolded else str(report))


def _print(text: str) -> None:
    """With colours where a terminal and `rich` are there, and plain elsewhere."""
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        from rich.console import Console  # pyright: ignore[reportMissingImports]

        Console().print(text, markup=False, soft_wrap=True)
    else:
        print(text)  # noqa: T201


_MODEL = "FILE:NAME or MODULE:NAME of a model, or of a function of a key that makes one"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eqinit",
        description="Plans, inspections and probes of a model in a file.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plan = commands.add_parser("plan", help="what rules give every parameter")
    looked = commands.add_parser("inspect", help="every array, and what is known of it")
    probed = commands.add_parser("probe", help="what layers do to signal and gradient")
    for command, run in ((plan, _plan), (looked, _inspect), (probed, _probe)):
        _add_model(command)
        command.set_defaults(run=run)
    for command in (plan, probed):
        _add_rules(command)
    plan.add_argument(
        "--strict", action="store_true", help="refuse parameters that no rule claims"
    )
    _add_inputs(probed)
    for name, run in (("schemes", _schemes), ("recipes", _recipes)):
        command = commands.add_parser(name, help=f"all {name}, or one explained")
        command.add_argument("name", nargs="?", metavar="NAME")
        command.set_defaults(run=run)
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="FILE:NAME", help=_MODEL)
    command.add_argument("--json", action="store_true", help="rows as data")
    command.add_argument(
        "--unfolded", action="store_true", help="a line for every repeated layer"
    )


def _add_rules(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--rules", action="append", default=[], metavar="FILE", help="TOML or JSON"
    )
    command.add_argument(
        "--recipe",
        action="append",
        default=[],
        metavar="CALL",
        help="such as 'gpt2(12)'; stands behind the rules of files",
    )


def _add_inputs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="SHAPE",
        help="such as 8,32 or 'i32[8,16]<100', the batch first; once per argument",
    )
    command.add_argument(
        "--call",
        metavar="FILE:NAME",
        help="a function of the model and the inputs; by default jax.vmap of the model",
    )
    command.add_argument("--seed", type=int, default=0, help="of model, rules, input")
