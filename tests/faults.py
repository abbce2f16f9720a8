"""Workers with a fault, for tests of what happens then. A worker process has to be able to import them."""

from __future__ import annotations

import os
import signal

from cleaners.model import Origin
from flows import work, workers
from flows.work import Given


def spin() -> None:
    """Stands for a pattern that never comes back: for ever in C code."""
    any(iter(int, 1))


def die() -> None:
    """Stands for the out-of-memory killer."""
    os.kill(os.getpid(), signal.SIGKILL)


def failing(record: int, fault):
    """`process`, with a fault when it begins that record; one that was given up does it no harm."""

    def faulty(shard, chosen, given: Given, watch) -> work.Report:
        class Faulty:
            end = staticmethod(watch.end)

            @staticmethod
            def begin(origin: Origin) -> None:
                watch.begin(origin)
                if origin.record == record and given.reject(origin) is None:
                    fault()

        return work.process(shard, chosen, given, Faulty())

    return faulty


# The processes, pipes and signals are real; only what a worker does with a record is not.
def serve_endless(pipe, chosen) -> None:
    workers.process = failing(2, spin)
    workers._serve(pipe, chosen)


def serve_killed(pipe, chosen) -> None:
    workers.process = failing(3, die)
    workers._serve(pipe, chosen)
