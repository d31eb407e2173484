"""Work in forks of this process, which has loaded what is slow to load."""

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any


# A task gets the number of its worker, below `jobs`, and leaves its result in files.
Task = Callable[[int], None]


def run_all(tasks: list[Task], jobs: int, limit: int) -> Iterator[tuple[int, int]]:
    """Each task in a process of its own, `jobs` at a time.

    Yields the index of each task that ended and its status: 0, or negative if it was
    ended by a signal, such as that of the end of its `limit` of seconds.
    """
    free, running = list(range(jobs)), dict[int, tuple[int, int]]()
    waiting = iter(enumerate(tasks))
    while True:
        while free and (following := next(waiting, None)) is not None:
            index, task = following
            worker = free.pop()
            running[_begin(task, worker, limit)] = (index, worker)
        if not running:
            return
        process, status = os.wait()
        index, worker = running.pop(process)
        free.append(worker)
        yield index, os.waitstatus_to_exitcode(status)


def _begin(task: Task, worker: int, limit: int) -> int:
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status: Any = 1
    errors = os.fdopen(os.dup(2), "w")  # the task may turn its own away
    try:
        # Of work: others may keep the machine busy. And of waiting, for good.
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 60))
        signal.alarm(10 * limit)
        task(worker)
        status = 0
    except BaseException:
        traceback.print_exc(file=errors)
        errors.flush()
    finally:
        sys.stdout.flush()
        os._exit(status)  # none of what the parent would do at its end
