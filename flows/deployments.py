"""Ingest and backfill as two deployments, served to Prefect from one process until it is told to stop.

Each run of a deployment is a process of its own, which the serving process starts in its own
working folder. It imports the flow by the name of its module, so no folder has to hold the code,
and it gets its folders as absolute paths.

SIGTERM and Ctrl-C cancel a run that is under way (it has published nothing; the next run goes on
from there), leave the schedule active, and end `serve` with exit code 0.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from zoneinfo import available_timezones

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron, Schedule
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType

from flows.backfill import backfill
from flows.ingest import check_server, ingest
from flows.settings import Settings, SettingsError

# A run that took its turn beside another of the same output would only find the folder locked
# and fail. So it waits: of several serving processes on the server ...
ONE_RUN = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
# ... and within this process here, where an ingest and a backfill wait for each other as well.
RUNS_AT_A_TIME = 1

START_A_SERVER = (
    "start one with `prefect server start`, then set PREFECT_API_URL to its address, "
    "for example http://127.0.0.1:4200/api"
)


def serve(settings: Settings, cron: str | None, timezone: str, config: Path | None) -> None:
    """Serve `ingest/ingest`, on the schedule if there is one, and `backfill/backfill`, until told to stop.

    Raises:
        SettingsError: for a schedule that is none, or when no Prefect server answers.
    """
    schedule = _schedule(cron, timezone)
    server = _find_server()
    # What a run prints belongs into its log on the server; the processes of the runs inherit this.
    os.environ.setdefault("PREFECT_LOGGING_LOG_PRINTS", "true")
    # A schedule that is paused at shutdown stays paused after the next start.
    runner = Runner(pause_on_shutdown=False, limit=RUNS_AT_A_TIME)
    for deployment in _deployments(settings, schedule, config):
        runner.add_deployment(deployment)
    when = f"at {cron!r}, {timezone}" if cron else "on demand"
    ready = f"serving ingest/ingest ({when}) and backfill/backfill (on demand) to {server}"
    print(ready, flush=True)  # noqa: T201 - whoever started it waits for this line
    asyncio.run(_until_told(runner))


async def _until_told(runner: Runner) -> None:
    """Run what is due until SIGTERM or Ctrl-C; then cancel what runs, and wait for its end.

    `prefect.serve` would kill the run and leave it `Running` on the server for ever, where it
    holds up the next one until the server takes its turn away from it, minutes later.
    """
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    # The runner sets up its own handler, which never awaits `astop`; the event loop still calls ours.
    runner.handle_sigterm = lambda *_: None  # type: ignore[method-assign]
    serving, waiting = asyncio.create_task(runner.start()), asyncio.create_task(told.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not told.is_set():
        waiting.cancel()
    elif runner.started:
        await runner.astop()
    else:
        serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def _deployments(settings: Settings, schedule: Schedule | None, config: Path | None) -> list[RunnerDeployment]:
    parameters = _parameters(settings, config)
    return [
        RunnerDeployment.from_flow(
            flow,
            flow.name,
            schedules=schedules,
            parameters=parameters,
            concurrency_limit=ONE_RUN,
            entrypoint_type=EntrypointType.MODULE_PATH,  # a file path would hold in this working folder only
        )
        for flow, schedules in ((ingest, [schedule] if schedule else []), (backfill, []))
    ]


def _parameters(settings: Settings, config: Path | None) -> dict[str, str | int | None]:
    """What both flows are given, as JSON can say it."""
    return {
        "raw": str(settings.raw.absolute()),
        "out": str(settings.out.absolute()),
        "workers": settings.workers,
        "config": str(config.absolute()) if config else None,
    }


def _schedule(cron: str | None, timezone: str) -> Schedule | None:
    """The schedule, if it is one that fires: the server would stumble over "0 0 31 2 *" for ever."""
    if timezone not in available_timezones():
        raise SettingsError(f"--timezone: {timezone!r} is not a time zone like Europe/Paris")
    if cron is None:
        return None
    try:
        asyncio.run(CronSchedule(cron=cron, timezone=timezone).get_dates(1))
    except ValueError as error:
        example = '"15 * * * *" (minute, hour, day, month, weekday)'
        raise SettingsError(
            f"--cron: {cron!r} is not a cron expression that ever comes round, like {example}"
        ) from error
    return Cron(cron, timezone=timezone)


def _find_server() -> str:
    """The address of the server, which answers.

    Without an address Prefect starts a temporary server. That one has no scheduler: the schedule
    would be accepted and never fire. And nobody else knows where to find it.

    Raises:
        SettingsError: saying what to start.
    """
    address = get_current_settings().api.url
    if not address:
        raise SettingsError(f"PREFECT_API_URL is not set: there is no Prefect server to serve to; {START_A_SERVER}")
    check_server()
    return address
