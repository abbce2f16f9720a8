"""The flow that people trigger by hand: clean the files of some days again, then publish once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows import settings as configuration
from flows.ingest import clean, finish, guard_server
from flows.plan import Selection
from flows.run import run

Reprocess = Literal["missing", "changed", "all"]


@flow(name="backfill", task_runner=ThreadPoolTaskRunner(max_workers=64), persist_result=False)  # type: ignore[arg-type]
def backfill(  # noqa: PLR0913, PLR0917 - the form of the deployment has these fields
    since: date,
    until: date,
    reprocess: Reprocess = "missing",
    raw: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    config: Path | None = None,
) -> None:
    """Clean the raw files whose ingest date lies in a range, and publish the new state.

    Args:
        since: The first ingest date.
        until: The last ingest date, included.
        reprocess: `missing` cleans what has no results, `changed` also what was cleaned from other
            bytes or by other rules, `all` everything.
        raw: The folder with the scraped files.
        out: The folder for the output.
        workers: Processes that clean at the same time.
        config: A `copydesk.toml` elsewhere than in the working folder.
    """
    guard_server()
    settings = configuration.load(config, flags={"raw": raw, "out": out, "workers": workers})
    finish(run(settings, Selection(since, until, reprocess), clean), settings)
