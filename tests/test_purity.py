"""The output is a function of the accepted inputs: every history of runs ends in the same bytes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ingest, settings, table_files, write
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flows.plan import Selection

WORDS = [f"word{number}" for number in range(120)]


def chain(step: int) -> str:
    """One of a chain of texts: neighbours are near copies, the ends are not."""
    return " ".join([f"change{step}" if position < step * 12 else word for position, word in enumerate(WORDS)])


def record(identity: int, text: str, url: str | None, fetched: str) -> dict[str, object]:
    return {"id": identity, "text": f"{text}.", "url": url, "fetched_at": fetched}


PAGE = "https://ledger.example/2024/a-long-slug-for-one-story"
CORPUS: dict[str, list[dict[str, object]]] = {
    "2024-10-01/a.jsonl": [record(1, chain(0), None, "2024-10-01"), record(2, chain(2), PAGE, "2024-10-01")],
    "2024-10-01/b.jsonl": [record(3, chain(1), None, "2024-10-01")],
    "2024-10-02/c.jsonl": [
        record(4, chain(3), PAGE, "2024-10-02"),
        record(5, "Of a kind of its own", PAGE, "2024-10-02"),
    ],
    "2024-10-02/d.jsonl": [record(6, chain(1).upper(), None, "2024-10-02"), record(7, chain(4), None, "2024-10-02")],
    "2024-10-03/e.jsonl": [record(8, chain(0), None, "2024-10-03"), record(9, chain(2) + " more", PAGE, "2024-10-03")],
}

BACKFILLS = st.tuples(
    st.integers(1, 3).map(lambda day: date(2024, 10, day)),
    st.integers(1, 3).map(lambda day: date(2024, 10, day)),
    st.sampled_from(["missing", "changed", "all"]),
)


@given(
    order=st.permutations(sorted(CORPUS)),
    sizes=st.lists(st.integers(1, 3), min_size=5, max_size=5),
    backfills=st.lists(st.none() | BACKFILLS, min_size=5, max_size=5),
    rewritten=st.sampled_from(sorted(CORPUS)),
    shard_records=st.sampled_from([1, 1000]),
)
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_history_ends_where_one_run_ends(order, sizes, backfills, rewritten, shard_records):
    with TemporaryDirectory() as folder:
        raw, out = Path(folder, "raw"), Path(folder, "out")
        write(raw, {rewritten: [record(99, "It said something else at first", None, "2024-10-01")]})
        waiting = list(order)
        for size, backfill in zip(sizes, backfills, strict=True):
            batch, waiting = waiting[:size], waiting[size:]
            write(raw, {name: CORPUS[name] for name in batch})
            selection = (
                Selection(min(backfill[:2]), max(backfill[:2]), backfill[2])
                if backfill and (out / "current").exists()
                else None
            )
            ingest(settings(raw, out, shard_records=shard_records), selection)
        write(raw, CORPUS)
        ingest(settings(raw, out))
        ingest(settings(raw, Path(folder, "at once")))
        assert table_files(out) == table_files(Path(folder, "at once"))
        assert digest(out) == digest(Path(folder, "at once"))


def digest(out: Path) -> str:
    """The part of a generation's name that says what is in it."""
    return (out / "current").resolve().name.split("-")[1]
