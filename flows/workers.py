"""Worker processes that can be killed: by the kernel, for a record that never ends.

A worker is a process with one pipe. Before each record it tells where it is and winds up a
timer of CPU seconds; when that runs out, the kernel ends the process, in the middle of a C
call if need be. The record is tried once more, then it becomes a reject, and the others of
its shard are cleaned as if it had not been there.
"""

from __future__ import annotations

import io
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import LifoQueue
from typing import Self

from cleaners.model import Origin, Reject
from flows.plan import Shard
from flows.settings import Settings
from flows.work import Given, Report, Watch, bug, process

TRIES = 2
"""How often a record may take its worker down before it is given up."""


class WorkError(RuntimeError):
    """A shard could not be worked on; the message says why."""


class Worker:
    """One process that cleans shards, started again when it dies."""

    def __init__(self, settings: Settings) -> None:
        """Start the process."""
        self._settings, self._closed = settings, False
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # a forked child would inherit threads and locks of the orchestrator
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, self._settings), daemon=True)
        self._process.start()
        there.close()

    def clean(self, shard: Shard, on_record: Callable[[], None] = lambda: None) -> Report:
        """Have `shard` processed; `on_record` is called once for each record begun.

        Raises:
            WorkError: if the worker cannot write, or dies before it reaches a record.
        """
        given, deaths = Given(), Counter[Origin]()
        while True:
            outcome = self._attempt(shard, given, on_record)
            if isinstance(outcome, Report):
                return outcome
            if given.reject(outcome.origin):
                raise WorkError(f"{outcome.origin.path}, record {outcome.origin.record}: {outcome.detail}, again")
            deaths[outcome.origin] += 1
            if deaths[outcome.origin] >= TRIES:
                given = replace(given, up=(*given.up, outcome))

    def close(self) -> None:
        """End the process; a thread that waits for it meets a `WorkError`."""
        self._closed = True
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _attempt(self, shard: Shard, given: Given, on_record: Callable[[], None]) -> Report | Reject:
        """The report of the shard, or the reject for the record at which the worker died."""
        at: Origin | None = None
        try:
            self._pipe.send((shard, given))
            while isinstance(message := self._pipe.recv(), Origin):
                at = message
                on_record()
        except (EOFError, OSError):
            return self._buried(at, shard)
        if isinstance(message, Report):
            return message
        raise WorkError(str(message))

    def _buried(self, at: Origin | None, shard: Shard) -> Reject:
        if self._closed:
            raise WorkError("the run was stopped")
        self._process.join()
        code = self._process.exitcode or 0
        self._pipe.close()
        self._start()
        if at is None:
            raise WorkError(f"a worker ended with {_spoken(code)} before it read a record of {shard.members[0].path}")
        if code == -signal.SIGPROF:
            detail = f"took more than {self._settings.record_seconds} CPU seconds (setting record_seconds)"
            return Reject(at, "work", "too-slow", detail, environmental=True)
        return Reject(at, "work", "worker-died", f"the worker ended with {_spoken(code)}", environmental=True)


def _spoken(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class _Timer:
    """Tells the parent where the worker is, and has the kernel end it if a record takes too long."""

    def __init__(self, pipe: Connection, seconds: int) -> None:
        self._pipe, self._seconds = pipe, seconds

    def begin(self, origin: Origin) -> None:
        """Wind the timer up."""
        self._pipe.send(origin)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def end(self) -> None:
        """Stop it: reading the next record is not this one's fault."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def _serve(pipe: Connection, settings: Settings) -> None:
    """The life of a worker: shards in, where it is and reports out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to act on
    sys.stderr = io.StringIO()  # libraries print what pages say; a failure of ours goes through the pipe
    while True:
        try:
            shard, given = pipe.recv()
            pipe.send(_answer(shard, settings, given, _Timer(pipe, settings.record_seconds)))
        except (EOFError, OSError):  # the parent is gone
            return


def _answer(shard: Shard, settings: Settings, given: Given, watch: Watch) -> Report | str:
    try:
        return process(shard, settings, given, watch)
    except BrokenPipeError:
        raise  # of the pipe to the parent, not of the output
    except OSError as error:
        return f"cannot write to {settings.out}: {error.strerror or error}"
    except Exception as error:  # noqa: BLE001 - the run stops, and says this
        return f"{shard.members[0].path} cannot be worked on: {bug(Origin('', 0), error).detail}"
    finally:
        watch.end()


class Pool:
    """Some workers, each started when it is first needed, lent to one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Make room for as many workers as the settings say."""
        self._settings, self._closed = settings, False
        self._workers: list[Worker] = []
        self._free = LifoQueue[Worker | None]()
        for _ in range(settings.workers):
            self._free.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._closed = True  # an interrupted run has threads that still wait for a worker
        for worker in self._workers:
            worker.close()

    def clean(self, shard: Shard, on_record: Callable[[], None]) -> Report:
        """As `Worker.clean`, by the next worker that is free."""
        worker = self._free.get()
        try:
            if self._closed:
                raise WorkError("the run was stopped")
            if worker is None:
                worker = Worker(self._settings)
                self._workers.append(worker)
            return worker.clean(shard, on_record)
        finally:
            self._free.put(worker)
