"""Workers with a fault, for tests of what happens then. A worker process has to be able to import them."""

from __future__ import annotations

import os
import signal

from cleaners.model import Origin
from flows import work, workers
from flows.work import Given


def endless(shard, chosen, given: Given, before) -> work.Report:
    """Stands for a pattern that never comes back: spins at record 2, in C code, for ever."""

    def spinning(origin: Origin) -> None:
        before(origin)
        if origin.record == 2 and given.reject(origin) is None:
            any(iter(int, 1))

    return work.process(shard, chosen, given, spinning)


def killed(shard, chosen, given: Given, before) -> work.Report:
    """Stands for the out-of-memory killer at record 3."""

    def struck(origin: Origin) -> None:
        before(origin)
        if origin.record == 3 and given.reject(origin) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return work.process(shard, chosen, given, struck)


# The processes, pipes and signals are real; only what a worker does with a record is not.
def serve_endless(pipe, chosen) -> None:
    workers.process = endless
    workers._serve(pipe, chosen)


def serve_killed(pipe, chosen) -> None:
    workers.process = killed
    workers._serve(pipe, chosen)
