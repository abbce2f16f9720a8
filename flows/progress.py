"""How a run shows itself: bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10
"""Seconds between two lines in a log."""


class Display(Protocol):
    """What a run tells about itself while it works."""

    def record(self) -> None:
        """A record was begun. Called from several threads."""

    def shard(self) -> None:
        """A shard was finished. Called from several threads."""


@contextmanager
def display(shards: int) -> Iterator[Display]:
    """A display for a run that has so many shards to clean."""
    if not shards:
        yield _Silent()
    elif sys.stderr.isatty():
        columns = (TextColumn("cleaning"), BarColumn(), MofNCompleteColumn(), TextColumn("shards"),
                   TextColumn("{task.fields[records]} records"), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield _Bar(progress, shards)
    else:
        yield _Lines(shards)


class _Silent:
    def record(self) -> None:
        """Say nothing."""

    def shard(self) -> None:
        """Say nothing."""


class _Bar:
    def __init__(self, progress: Progress, shards: int) -> None:
        self._progress, self._records, self._lock = progress, 0, Lock()
        self._task = progress.add_task("cleaning", total=shards, records=0)

    def record(self) -> None:
        """Count a record."""
        with self._lock:
            self._records += 1
            self._progress.update(self._task, records=self._records)

    def shard(self) -> None:
        """Move the bar on."""
        self._progress.advance(self._task)


class _Lines:
    def __init__(self, shards: int) -> None:
        self._shards, self._done, self._records = shards, 0, 0
        self._lock, self._said = Lock(), time.monotonic()

    def record(self) -> None:
        """Count a record; say how far it is once in a while."""
        with self._lock:
            self._records += 1
            if time.monotonic() - self._said > LINE_SECONDS:
                self._say()

    def shard(self) -> None:
        """Count a shard; the last one is always told."""
        with self._lock:
            self._done += 1
            if self._done == self._shards:
                self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        print(
            f"cleaned {self._records} records, {self._done} of {self._shards} shards",
            file=sys.stderr,
            flush=True,
        )
