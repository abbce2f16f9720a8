"""Workers that die: of a record that never ends, or of a signal. The neighbours are kept."""

from __future__ import annotations

import faults
import pytest
from harness import PROSE, pooled, rows, settings, write

from flows import work, workers
from flows.plan import Selection
from flows.run import run

RECORDS = [{"text": f"{PROSE} Record {number}."} for number in range(5)]


@pytest.mark.parametrize(
    ("target", "record", "reason"), [(faults.serve_endless, 2, "too-slow"), (faults.serve_killed, 3, "worker-died")]
)
def test_a_record_that_takes_its_worker_down_twice_is_rejected_alone(raw, out, monkeypatch, target, record, reason):
    monkeypatch.setattr(workers, "_serve", target)
    write(raw, {"2024-10-01/news.jsonl": RECORDS})
    chosen = settings(raw, out, record_seconds=1, near_threshold=1.0)
    outcome = run(chosen, Selection(), pooled)
    assert [(row["source_record"], row["reason"], row["environmental"]) for row in rows(out, "rejects")] == [
        (record, reason, True)
    ]
    assert {row["source_record"] for row in rows(out, "articles")} == set(range(5)) - {record}
    assert outcome.bugs == ()


def test_what_failed_for_its_surroundings_is_tried_again_by_the_next_run(raw, out, monkeypatch):
    monkeypatch.setattr(workers, "_serve", faults.serve_killed)
    write(raw, {"2024-10-01/news.jsonl": RECORDS})
    chosen = settings(raw, out, near_threshold=1.0)
    run(chosen, Selection(), pooled)
    monkeypatch.undo()
    assert run(chosen, Selection(), pooled).plan.count() == {"missing": 1}
    assert rows(out, "rejects") == []
    assert len(rows(out, "articles")) == 5
    assert run(chosen, Selection(), pooled).plan.count() == {"done": 1}


def test_an_error_of_ours_is_a_reject_that_turns_the_run_red(raw, out, monkeypatch):
    def faulty(raw_record, known):
        if raw_record.origin.record == 1:
            raise ZeroDivisionError("one of ours")
        return refine(raw_record, known)

    refine = work.refine
    monkeypatch.setattr(work, "refine", faulty)
    write(raw, {"2024-10-01/news.jsonl": RECORDS})
    from harness import ingest  # noqa: PLC0415 - runs in this process, where the fault is

    outcome = ingest(settings(raw, out, near_threshold=1.0))
    assert [row["reason"] for row in rows(out, "rejects")] == ["internal-error"]
    assert "ZeroDivisionError: one of ours (test_workers.py:" in outcome.bugs[0]
    assert len(rows(out, "articles")) == 4


def test_an_output_that_cannot_be_written_stops_the_run_with_one_line(raw, out):
    write(raw, {"2024-10-01/news.jsonl": RECORDS})
    write(out, {".shards": "a file where the folder should be"})
    with pytest.raises(workers.WorkError, match=r"cannot write to .*: File exists"):
        run(settings(raw, out), Selection(), pooled)
    assert not (out / "current").exists()
