"""The flow that people schedule: clean what is new or changed, publish the new state.

One task per shard. The task waits in a thread while a worker process cleans; the worker
knows nothing of Prefect, and can be killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from multiprocessing import active_children
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.futures import as_completed
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings
from prefect.task_runners import ThreadPoolTaskRunner

from flows import settings as configuration
from flows.plan import Selection, Shard
from flows.progress import Display, display
from flows.publish import accepted_inputs
from flows.run import BugError, Outcome, run, summary
from flows.settings import Settings, SettingsError
from flows.terminal import inert_line
from flows.work import Report
from flows.workers import Pool


@task(name="clean-shard", task_run_name="clean {shard.ingest_date} {shard.key}", cache_policy=NO_CACHE)
def clean_shard(shard: Shard, pool: Pool, shown: Display) -> Report:
    """Have one shard cleaned by the next free worker."""
    report = pool.clean(shard, shown.record)
    shown.shard()
    return report


def clean(shards: Sequence[Shard], settings: Settings) -> Iterable[Report]:
    """Have all shards cleaned, as many at a time as there are workers."""
    if not shards:
        return ()
    with Pool(settings) as pool, display(len(shards)) as shown:
        futures = [clean_shard.submit(shard, pool, shown) for shard in shards]
        return [future.result() for future in as_completed(futures)]


def check_server() -> None:
    """Find out whether the server that Prefect is told to use answers; without one it starts its own.

    Raises:
        SettingsError: if it does not.
    """
    address = get_current_settings().api.url
    if address:
        with get_client(sync_client=True) as client:
            if problem := client.api_healthcheck():
                reason = " ".join(str(problem).split()) or type(problem).__name__
                raise SettingsError(
                    f"no Prefect server answers at {address} ({reason}); start it with `prefect server start`, "
                    "or unset PREFECT_API_URL to run without one"
                )


def stop_when_told() -> None:
    """Have a one-shot run end at once on Ctrl-C or SIGTERM, like a run that is killed: nothing half-published.

    Left to itself, Prefect first tells a server that is gone as well, and waits for it for a minute.
    """
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, _frame: object) -> None:
    sys.stderr.write("copydesk: stopped; what is published is whole, and the next run goes on from here\n")
    sys.stderr.flush()
    for process in active_children():
        process.kill()
    for server in SubprocessASGIServer._instances.values():  # noqa: SLF001 - it offers no list, and `stop` may wait
        if server.server_process is not None:
            server.server_process.kill()
    os._exit(128 + number)


GUARD = """
import os, signal, sys
sys.stdin.read()  # ends when the run does, however that ends
for number in sys.argv[1:]:
    try:
        os.kill(int(number), signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


def guard_server() -> None:
    """Have Prefect's temporary server end with this process, even if that is killed: nobody else would stop it."""
    servers = [server.server_process for server in SubprocessASGIServer._instances.values()]  # noqa: SLF001 - it offers no list
    numbers = [str(process.pid) for process in servers if process is not None]
    if numbers:
        command = [sys.executable, "-c", GUARD, *numbers]
        _GUARDS.append(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))  # noqa: S603 - our own


_GUARDS: list[subprocess.Popen[bytes]] = []
"""Kept, so that their standard input stays open as long as this process lives."""


def finish(outcome: Outcome, settings: Settings) -> None:
    """Say what happened; turn the run red for errors that are ours.

    Raises:
        BugError: if any record met an error of ours. What could be published was.
    """
    for line in summary(outcome, settings):
        print(inert_line(line))  # noqa: T201 - the log of a flow is what it prints
    if outcome.bugs:
        raise BugError(f"{len(outcome.bugs)} records met an error of copydesk, for one {outcome.bugs[0]}")


@flow(name="ingest", task_runner=ThreadPoolTaskRunner(max_workers=64), persist_result=False)  # type: ignore[arg-type]
def ingest(
    raw: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    config: Path | None = None,
    prune: bool = False,  # noqa: FBT001, FBT002 - a check box in the form of the deployment
) -> None:
    """Clean every raw file that is new or changed, and publish the new state.

    Args:
        raw: The folder with the scraped files.
        out: The folder for the output.
        workers: Processes that clean at the same time.
        config: A `copydesk.toml` elsewhere than in the working folder.
        prune: Forget the rows of raw files that have vanished.
    """
    guard_server()
    settings = configuration.load(config, flags={"raw": raw, "out": out, "workers": workers})
    vanished = frozenset(path for path in accepted_inputs(settings)) if prune else frozenset()
    finish(run(settings, Selection(), clean, prune=vanished), settings)
