"""`copydesk status` and the dry run of a backfill: what is there, and what would be done, day by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from rich.table import Table

from flows import publish, schema
from flows.plan import WANTED, Plan, Selection
from flows.settings import Settings


def status(settings: Settings) -> Iterator[str | Table]:
    """The published generation: its counts day by day, its rejects by reason, what it left out.

    Raises:
        publish.PublishError: if nothing is published.
    """
    generation = publish.current(settings)
    if generation is None:
        raise publish.PublishError(f"nothing is published in {settings.out} yet; run `copydesk ingest`")
    manifest = publish.manifest(generation)
    yield f"generation {generation.name}, {len(publish.generations(settings))} kept, in {settings.out}"
    table = Table("day", "read", *schema.TABLES, box=None)
    for day, count in (*manifest["counts"].items(), ("total", manifest["totals"])):
        table.add_row(day, *(str(count[name]) for name in ("read", *schema.TABLES)))
    yield table
    for reason, count in sorted(reject_reasons(generation).items()):
        yield f"rejected {count}: {reason}"
    gone = sum(entry["gone"] for entry in manifest["inputs"])
    yield f"{len(manifest['inputs'])} raw files accepted, {gone} of them gone since, {len(manifest['skipped'])} skipped"


def reject_reasons(generation: Path) -> Counter[str]:
    """How many records of a generation were rejected for which reason."""
    return Counter(pq.read_table(generation / "rejects", columns=["reason"])["reason"].to_pylist())


def dry_run(plan: Plan, selection: Selection) -> Iterator[str | Table]:
    """What a backfill would do: a line for each day in the range that has files."""
    days = defaultdict[str, Counter[str]](Counter)
    for entry in plan.inputs:
        if selection.since <= entry.ingest_date <= selection.until:
            days[entry.ingest_date.isoformat()][plan.statuses[entry.path]] += 1
    table = Table("day", "files", "status", "action", box=None)
    for day, counts in sorted(days.items()):
        chosen = sum(count for name, count in counts.items() if name in WANTED[selection.reprocess])
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        table.add_row(day, str(counts.total()), said, f"clean {chosen}" if chosen else "nothing")
    yield table
    yield f"{len(plan.selected)} files in {len(plan.shards)} shards would be cleaned; nothing was written"
