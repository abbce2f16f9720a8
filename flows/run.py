"""One run, from raw files to a published generation; what ingest and backfill have in common.

Prefect is not needed to understand this page, nor to run it: `clean` is handed in.
"""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.knowledge import cleaning_fingerprint
from flows.plan import Plan, PlanError, Selection, Shard, make_plan
from flows.publish import Published, PublishError, accepted_inputs, locked, publish
from flows.settings import Settings
from flows.work import Report

SHOWN = 20
"""Days and skipped entries that a summary names."""

Clean = Callable[[Sequence[Shard], Settings], Iterable[Report]]
"""Has shards cleaned, and returns what came of them, in any order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    run_id: str
    plan: Plan
    reports: tuple[Report, ...]
    published: Published

    @property
    def bugs(self) -> tuple[str, ...]:
        """Errors that are ours, one line each; any of them turns the run red."""
        return tuple(bug for report in self.reports for bug in report.bugs)

    @property
    def rejects(self) -> Counter[str]:
        """Rejects of this run, by reason."""
        return sum((report.rejects for report in self.reports), Counter[str]())


class BugError(RuntimeError):
    """The run published what it could, but some records met an error that is ours."""


def run(settings: Settings, selection: Selection, clean: Clean, *, prune: frozenset[str] | None = None) -> Outcome:
    """Plan, clean, deduplicate, publish; leave a record of the run in `runs/`.

    Raises:
        PlanError, LockedError, PublishError, SettingsError, WorkError: nothing was published.
    """
    started = datetime.now(UTC)
    with locked(settings):
        plan = make(settings, selection, prune or frozenset())
        reports = tuple(clean(plan.shards, settings))
        published = publish(plan, settings)
        outcome = Outcome(f"{started:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", plan, reports, published)
        try:
            _record(outcome, settings, started)
        except OSError as error:
            where = settings.out / "runs"
            raise PublishError(
                f"published {published.generation}, but cannot write to {where}: {error.strerror}"
            ) from error
    return outcome


def make(settings: Settings, selection: Selection, prune: frozenset[str]) -> Plan:
    """The plan for a run over the current state of the folders."""
    plan = make_plan(settings, cleaning_fingerprint(settings), accepted_inputs(settings), selection, prune)
    if not plan.inputs:
        example = f"; for one {plan.skipped[0].path}: {plan.skipped[0].reason}" if plan.skipped else ""
        raise PlanError(f"nothing in {settings.raw} was taken: {len(plan.skipped)} entries skipped{example}")
    return plan


def summary(outcome: Outcome, settings: Settings) -> list[str]:
    """What a person wants to know, a line each."""
    plan, published = outcome.plan, outcome.published
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(plan.count().items()))
    lines = [f"raw files: {statuses or 'none'}; {len(plan.skipped)} entries skipped"]
    lines += [f"  skipped {entry.path}: {entry.reason}" for entry in plan.skipped[:SHOWN]]
    if (more := len(plan.skipped) - SHOWN) > 0:
        lines.append(f"  … and {more} more; all of them stand in {settings.out / 'current' / 'manifest.json'}")
    cleaned = sum(report.records for report in outcome.reports)
    lines.append(f"cleaned now: {cleaned} records in {len(outcome.reports)} shards")
    lines += [f"  rejected {count}: {reason}" for reason, count in sorted(outcome.rejects.items())]
    if stale := plan.count()["stale"]:
        lines.append(
            f"  {stale} files were cleaned by other rules; `copydesk backfill --reprocess changed` redoes them"
        )
    by_mtime = sum(entry.dated_by == "mtime" for entry in plan.inputs)
    if by_mtime:
        lines.append(f"  {by_mtime} files are dated by their modification time only; put them into date folders")
    return lines + _published_lines(published, settings) + [f"error: {bug}" for bug in outcome.bugs]


def _published_lines(published: Published, settings: Settings) -> list[str]:
    totals = ", ".join(f"{count} {table}" for table, count in published.counts.items())
    if not published.is_new:
        return [f"nothing new: {published.generation} stays the current generation ({totals})"]
    return [
        f"published {published.generation}: {totals}",
        f"  days written: {', '.join(published.partitions[:SHOWN]) or 'none'}{_more(published.partitions)}",
        f"  read it: {settings.out / 'articles'} (and duplicates, edits, mentions, overlaps, rejects)",
    ]


def _more(days: Sequence[str]) -> str:
    return f" … and {len(days) - SHOWN} more" if len(days) > SHOWN else ""


def _record(outcome: Outcome, settings: Settings, started: datetime) -> None:
    """Write `runs/<run-id>.json`: everything about a run that has no place in the tables."""
    folder = settings.out / "runs"
    folder.mkdir(exist_ok=True)
    said = {
        "run_id": outcome.run_id,
        "started": started.isoformat(),
        "finished": datetime.now(UTC).isoformat(),
        "host": platform.node(),
        "prefect_flow_run": os.environ.get("PREFECT__FLOW_RUN_ID"),
        "files": dict(outcome.plan.count()),
        "shards": len(outcome.reports),
        "records": sum(report.records for report in outcome.reports),
        "rejects": dict(outcome.rejects),
        "bugs": list(outcome.bugs),
        "generation": outcome.published.generation,
        "new": outcome.published.is_new,
        "days": list(outcome.published.partitions),
        "totals": dict(outcome.published.counts),
    }
    _written(folder / f"{outcome.run_id}.json", json.dumps(said, indent=1) + "\n")


def _written(path: Path, text: str) -> None:
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
