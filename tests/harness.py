"""What tests of the whole path share: folders to work in, runs without Prefect, and tables as rows.

Also a command, for runs that need a process of their own:

    python tests/harness.py RAW OUT WORKERS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from flows import settings as configuration
from flows.plan import Selection, Shard
from flows.run import Outcome, run
from flows.settings import Settings
from flows.work import Report, process
from flows.workers import Pool

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "raw"

PROSE = (
    "The harbor board of Port Ellery voted on Tuesday night to spend $2 million on the old breakwater, "
    "after a storm in September tore out forty metres of stone and left the fleet without shelter. "
    "Engineers said that the work would begin before the end of the year if the state agreed to pay half."
)


def settings(raw: Path, out: Path, **others: object) -> Settings:
    """Settings for two folders, one worker, and nothing from the surroundings."""
    return configuration.load(environment={}, flags={"raw": raw, "out": out, "workers": 1, **others})


def inline(shards: Sequence[Shard], chosen: Settings) -> list[Report]:
    """Clean all shards in this process."""
    return [process(shard, chosen) for shard in shards]


def pooled(shards: Sequence[Shard], chosen: Settings) -> list[Report]:
    """Clean all shards in worker processes, as the flow does."""
    with Pool(chosen) as pool, ThreadPoolExecutor(chosen.workers) as threads:
        return list(threads.map(lambda shard: pool.clean(shard, lambda: None), shards))


def ingest(chosen: Settings, selection: Selection | None = None, **others: Any) -> Outcome:
    """One run in this process."""
    return run(chosen, selection or Selection(), inline, **others)


def rows(out: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a published table."""
    found: list[dict[str, Any]] = pq.read_table(out / table).to_pylist()
    return found


def one(out: Path, table: str, **wanted: object) -> dict[str, Any]:
    """The only row of a table with these values."""
    found = [row for row in rows(out, table) if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows of {table} with {wanted}"
    return found[0]


def table_files(out: Path) -> dict[str, str]:
    """Every file of the published tables, and the digest of its bytes."""
    root = (out / "current").resolve()
    return {
        file.relative_to(root).as_posix(): sha256(file.read_bytes()).hexdigest() for file in root.rglob("*.parquet")
    }


def write(root: Path, files: Mapping[str, str | bytes | Sequence[Mapping[str, object]]]) -> Path:
    """Write files below a folder: text, bytes, or records as JSON lines. Return the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_bytes(content.encode())
        else:
            path.write_text("".join(json.dumps(record) + "\n" for record in content), encoding="utf-8")
    return root


if __name__ == "__main__":
    raw, out, workers = sys.argv[1:]
    run(settings(Path(raw), Path(out), workers=int(workers)), Selection(), pooled)
