"""Ctrl-C at random moments of everything, each in a process that has done nothing yet.

`interrupts.py MOMENTS SEED` prints what each of them left behind, as JSON. A moment is
a line of eqinit, drawn evenly from all that run; a signal arrives there. So imports,
first plans, compilations and draws are all interrupted, and a moment can be had again.
"""

import gc
import hashlib
import importlib.util
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import equinox as eqx
import jax
import numpy as np


nn = eqx.nn
# Found and not imported, which may be interrupted too.
_SPEC = importlib.util.find_spec("eqinit")
PACKAGE = str(Path(str(_SPEC and _SPEC.origin)).parent) + os.sep


class Mine(eqx.Module):
    """A layer that only we know."""

    w: Any


def everything() -> Iterator[Any]:
    """What is drawn, computed and said by nearly all that there is."""
    import eqinit as ei

    key = jax.random.key(0)
    rules = [
        ei.Rule(nn.Linear, weight=ei.HeNormal(), bias=ei.Uniform(-0.1, 0.2)),
        ei.Rule(nn.Conv, weight=ei.Orthogonal(), bias=ei.Zeros()),
        ei.Rule(nn.LSTMCell, weight_ih=ei.TruncatedNormal(0.1)),
        ei.Rule(nn.LayerNorm, weight=ei.Ones()),
    ]

    def make(key: Any) -> Any:
        a, b, c = jax.random.split(key, 3)
        cell = nn.LSTMCell(3, 2, key=c)
        layers = (nn.Conv1d(2, 2, 3, key=a), nn.Linear(3, 2, key=b), nn.LayerNorm(3))
        return (*layers, cell)

    model = make(key)
    plan = ei.plan(model, rules)
    yield str(plan)
    drawn = plan.apply(model, key)
    yield drawn
    yield str(plan.check(drawn))
    yield ei.build(make, key, rules)
    yield jax.jit(lambda k: ei.apply(model[1], k, rules[:1]))(key)
    ei.register_layout(Mine, w="out in")
    yield ei.apply(Mine(np.ones((3, 2), np.float32)), key, [("w", ei.LecunNormal())])
    yield ei.from_config(ei.to_config(rules[0].fields["weight"]))
    mlp = nn.MLP(3, 2, 4, 1, key=key)
    yield str(ei.probe(mlp, call, jax.numpy.ones((4, 3))))


def call(model: Any, x: Any) -> Any:
    return jax.vmap(model)(x)


def digest() -> str:
    """Of every bit that `everything` gives."""
    total = hashlib.sha256()
    for result in everything():
        for leaf in jax.tree_util.tree_leaves(result):
            is_array = eqx.is_array(leaf)
            total.update(
                np.asarray(leaf).tobytes() if is_array else repr(leaf).encode()
            )
    return total.hexdigest()


def settings() -> dict[str, str]:
    """What a process has of everybody's."""
    threads = [t.name for t in threading.enumerate() if not t.daemon]
    pools = [name for name in threads if "ThreadPoolExecutor" in name]  # they end alone
    return {
        "jax": repr(sorted(jax.config.values.items())),
        "collector": repr((gc.isenabled(), gc.get_threshold())),
        "threads": repr(sorted(set(threads) - set(pools))),
        "signals": repr(signal.getsignal(signal.SIGINT)),
        "recursion": repr(sys.getrecursionlimit()),
        "tracing": repr(isinstance(jax.numpy.ones(1), jax.core.Tracer)),
    }


class Lines:
    """Counts the lines of eqinit that run, and sends a signal at one of them."""

    def __init__(self, moment: int | None) -> None:
        self.count, self._moment = 0, moment
        self._package = PACKAGE

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._package):
            return None
        return self._line

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            if self.count == self._moment:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
            self.count += 1
        return self._line


def traced(moment: int | None) -> tuple[int, str]:
    """How many lines ran, and how it ended."""
    lines = Lines(moment)
    sys.settrace(lines)
    try:
        ended = digest()
    except KeyboardInterrupt as interrupt:
        ended, last = "interrupted", interrupt.__traceback__
        while last is not None:
            file = last.tb_frame.f_code.co_filename
            if file.startswith(PACKAGE):
                where = f"{file.removeprefix(PACKAGE)}:{last.tb_lineno}"
                ended = f"interrupted at {where}"
            last = last.tb_next
    finally:
        sys.settrace(None)
    return lines.count, ended


def after(moment: int | None) -> dict[str, Any]:
    """What an interrupt leaves: settings before and afterwards, and the next result."""
    before = settings()
    count, ended = traced(moment)
    now = settings()
    changed = {name: now[name] for name in now if now[name] != before[name]}
    return {"lines": count, "ended": ended, "changed": changed, "digest": digest()}


def in_a_fork(moment: int | None) -> dict[str, Any]:
    """`after` in a process of its own, which must come to an end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            told = json.dumps(after(moment))
        except BaseException as error:
            told = json.dumps({"ended": f"broken: {type(error).__name__}: {error}"})
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        told = stream.read()
    os.waitpid(child, 0)
    return {"moment": moment, **json.loads(told or '{"ended": "it hangs"}')}


def main(moments: int, seed: int) -> None:
    whole = in_a_fork(None)
    rng, lines = random.Random(seed), whole["lines"]
    chosen = [int(lines * (i + rng.random()) / moments) for i in range(moments)]
    json.dump([whole, *(in_a_fork(moment) for moment in chosen)], sys.stdout)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
