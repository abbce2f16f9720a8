"""Generations: whole states behind one link, whatever is killed, locked, full or read at the same time."""

from __future__ import annotations

import fcntl
import os
import threading
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from harness import PROSE, ingest, inline, one, rows, settings, table_files, write

from flows import publish, schema
from flows.plan import PlanError, Selection
from flows.run import run
from flows.verify import verify


def day(number: int) -> dict[str, str]:
    return {f"2024-10-{number:02}/a.txt": f"{PROSE}\n\nThis is what happened on day {number}."}


def test_a_reader_in_a_loop_sees_whole_states_only(raw, out):
    write(raw, day(1))
    ingest(settings(raw, out, near_threshold=1.0))
    seen, stop = list[tuple[int, int]](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            root = (out / "current").resolve()
            articles, edits = (pq.read_table(root / table) for table in ("articles", "edits"))
            seen.append((articles.num_rows, len(set(edits["id"].to_pylist()))))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2, 8):
        write(raw, day(number))
        ingest(settings(raw, out, near_threshold=1.0))
    stop.set()
    reader.join()
    assert {articles for articles, _ in seen} <= set(range(1, 8))
    assert seen == sorted(seen)


def test_leftovers_of_a_killed_run_are_swept_and_change_nothing(raw, out):
    write(raw, day(1))
    ingest(settings(raw, out))
    before = table_files(out)
    write(out, {".generations/.tmp-77/articles/half.parquet": b"PAR1", ".shards/.tmp-ab-77": b"PAR1"})
    (out / ".tmp-current").symlink_to("nowhere")
    ingest(settings(raw, out))
    assert table_files(out) == before
    assert not list(out.rglob(".tmp-*"))


def test_a_second_run_on_the_same_output_says_who_holds_it(raw, out):
    write(raw, day(1))
    with publish.locked(settings(raw, out)), pytest.raises(publish.LockedError, match=f"process {os.getpid()} on"):
        ingest(settings(raw, out))


def test_the_lock_of_a_dead_process_holds_nobody(raw, out):
    write(raw, day(1))
    write(out, {".lock": "process 1 on elsewhere\n"})
    ingest(settings(raw, out))
    with (out / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("reprocess", ["changed-files", "all"])
def test_a_damaged_table_file_is_written_again(raw, out, reprocess):
    write(raw, day(1) | day(2))
    ingest(settings(raw, out))
    before = table_files(out)
    damaged = next(file for file in sorted((out / "articles").resolve().rglob("*.parquet")))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data if reprocess == "all" else data + b"x")
    outcome = ingest(settings(raw, out), Selection(reprocess=reprocess))
    assert outcome.published.is_new
    assert table_files(out) == before
    assert list(verify(settings(raw, out))) == []


def test_counts_that_do_not_add_up_publish_nothing(raw, out, monkeypatch):
    write(raw, day(1))
    ingest(settings(raw, out))
    before = table_files(out)
    write(raw, day(2))
    monkeypatch.setattr(
        publish, "_tables", lambda *_: {name: kind.empty_table() for name, kind in schema.TABLES.items()}
    )
    with pytest.raises(publish.PublishError, match="do not add up"):
        ingest(settings(raw, out))
    assert table_files(out) == before


def test_a_build_that_breaks_off_leaves_the_published_state(raw, out, monkeypatch):
    write(raw, day(1))
    ingest(settings(raw, out))
    before = table_files(out)
    write(raw, day(2))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publish, "_commit", full)
        with pytest.raises(publish.PublishError, match="No space left on device; nothing was published"):
            ingest(settings(raw, out))
    assert table_files(out) == before
    ingest(settings(raw, out))
    assert len(rows(out, "articles")) + len(rows(out, "duplicates")) == 2


def test_only_old_and_superfluous_generations_are_removed(raw, out):
    for number in range(1, 5):
        write(raw, day(number))
        ingest(settings(raw, out, keep_generations=2))
    chosen = settings(raw, out, keep_generations=2)
    assert len(publish.generations(chosen)) == 4
    for generation in publish.generations(chosen):
        os.utime(generation, (0, 0))
    write(raw, day(5))
    ingest(chosen)
    assert len(publish.generations(chosen)) == 2
    assert publish.current(chosen) == publish.generations(chosen)[-1].resolve()


def test_parquet_files_are_written_as_the_contract_says(sample):
    file = next((sample / "articles").resolve().rglob("*.parquet"))
    read = pq.ParquetFile(file)
    group = read.metadata.row_group(0)
    columns = {group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert columns["id"].has_column_index
    assert columns["id"].statistics.min is not None
    assert columns["text"].statistics is None
    assert "PLAIN_DICTIONARY" in columns["language"].encodings or "RLE_DICTIONARY" in columns["language"].encodings
    assert not {"PLAIN_DICTIONARY", "RLE_DICTIONARY"} & set(columns["text"].encodings)
    assert [sorting.column_index for sorting in group.sorting_columns] == [0]
    assert read.schema_arrow.metadata[b"copydesk.schema_version"] == str(schema.VERSION).encode()
    assert len(read.schema_arrow.metadata[b"copydesk.cleaning_fingerprint"]) == 32


def test_rows_are_sorted_by_id_in_every_file(sample):
    for table in ("articles", "duplicates", "edits", "mentions"):
        for file in (sample / table).resolve().rglob("*.parquet"):
            found = pq.read_table(file, columns=list(schema.SORTED_BY[table]), partitioning=None).to_pylist()
            keys = [tuple(row.values()) for row in found]
            assert keys == sorted(keys)


def test_every_table_has_a_file_for_every_day(sample):
    root = (sample / "current").resolve()
    days = {table: {folder.name for folder in (root / table).iterdir()} for table in schema.TABLES}
    assert len({frozenset(found) for found in days.values()}) == 1
    assert all(
        len(list(folder.glob("part-*.parquet"))) == 1 for table in schema.TABLES for folder in (root / table).iterdir()
    )


def test_row_groups_do_not_depend_on_how_the_rows_came(raw, out, tmp_path, monkeypatch):
    records = [{"text": f"{PROSE} Number {number}."} for number in range(40)]
    write(raw, {"2024-10-01/a.jsonl": records})
    monkeypatch.setattr(publish, "ROW_GROUP", 7)
    ingest(settings(raw, out))
    monkeypatch.setattr(publish, "PASS_ROWS", 9)
    ingest(settings(raw, tmp_path / "passes", shard_records=3))
    assert table_files(out) == table_files(tmp_path / "passes")
    file = next((out / "duplicates").resolve().rglob("*.parquet"))
    sizes = [pq.ParquetFile(file).metadata.row_group(n).num_rows for n in range(pq.ParquetFile(file).num_row_groups)]
    assert set(sizes[:-1]) == {7}


def test_most_files_vanishing_stops_the_run(raw, out):
    write(raw, day(1) | day(2))
    ingest(settings(raw, out))
    (raw / "2024-10-01/a.txt").unlink()
    with pytest.raises(PlanError, match="is the right folder mounted"):
        ingest(settings(raw, out))


def test_run_ids_times_and_hosts_stand_in_runs_only(sample):
    run = next((sample / "runs").glob("*.json")).read_text()
    assert '"host"' in run
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert today in run
    assert today not in (sample / "current" / "manifest.json").read_text()


def test_an_article_that_becomes_a_duplicate_moves_between_the_tables(raw, out):
    late, early = "2024-10-02/late.txt", "2024-10-01/early.txt"
    write(raw, {late: PROSE})
    ingest(settings(raw, out))
    first = one(out, "articles")["id"]
    write(raw, {early: PROSE, f"{early}.meta.json": '{"published_at": "2024-09-30"}'})
    ingest(settings(raw, out))
    assert one(out, "articles")["source_path"] == early
    duplicate = one(out, "duplicates")
    assert (duplicate["id"], duplicate["duplicate_kind"], duplicate["similarity"]) == (first, "exact", 1.0)


def test_what_a_retry_healed_is_published(raw, out, tmp_path):
    write(raw, {"2024-10-01/a.txt": PROSE, "2024-10-02/b.txt": "Another story, " + PROSE})
    away = raw / "2024-10-01/a.txt"

    def clean(shards, chosen):
        hidden = away.rename(tmp_path / "hidden")
        reports = inline(shards, chosen)
        hidden.rename(away)
        return reports

    run(settings(raw, out), Selection(), clean)
    assert one(out, "rejects")["reason"] == "unreadable"
    ingest(settings(raw, out))
    ingest(settings(raw, tmp_path / "fresh"))
    assert table_files(out) == table_files(tmp_path / "fresh")


def test_a_sidecar_that_changes_between_plan_and_read_is_not_believed(raw, out):
    said = {"2024-10-01/a.txt.meta.json": '{"title": "First"}'}
    write(raw, {"2024-10-01/a.txt": PROSE} | said)

    def clean(shards, chosen):
        write(raw, {"2024-10-01/a.txt.meta.json": '{"title": "Second"}'})
        return inline(shards, chosen)

    run(settings(raw, out), Selection(), clean)
    assert one(out, "rejects")["reason"] == "changed-while-read"
    write(raw, said)
    ingest(settings(raw, out))
    assert one(out, "articles")["title"] == "First"


def test_a_lost_link_is_made_again_and_loses_nothing(raw, out):
    write(raw, {f"2024-10-01/{number}.txt": f"{PROSE} Number {number}." for number in range(30)})
    ingest(settings(raw, out, near_threshold=1.0))
    (raw / "2024-10-01/7.txt").unlink()
    before = table_files(out)
    for name in ("current", "edits"):
        (out / name).unlink()
    ingest(settings(raw, out, near_threshold=1.0))
    assert table_files(out) == before
    assert (out / "edits").is_dir()


def test_a_folder_in_the_way_of_a_table_stops_the_run_before_it_publishes(raw, out):
    write(raw, day(1))
    (out / "articles").mkdir(parents=True)
    with pytest.raises(publish.PublishError, match="in the way of the link"):
        ingest(settings(raw, out))
    assert not (out / "current").exists()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"inputs": [{}]}', "null"])
def test_a_damaged_manifest_is_one_line_and_no_traceback(raw, out, text):
    write(raw, day(1))
    ingest(settings(raw, out))
    (out / "current" / "manifest.json").write_text(text)
    with pytest.raises(publish.PublishError, match=r"manifest.json is damaged"):
        ingest(settings(raw, out))
    assert any("is damaged" in finding for finding in verify(settings(raw, out)))


def test_temporary_files_of_others_are_not_ours_to_remove(raw, out):
    write(raw, day(1))
    write(out, {".tmp-mine/precious.txt": "x"})
    ingest(settings(raw, out))
    assert (out / ".tmp-mine/precious.txt").exists()


def test_rejects_are_in_the_order_that_is_declared_however_many(raw, out, monkeypatch):
    monkeypatch.setattr(publish, "PASS_ROWS", 10)
    write(raw, {"2024-10-01/a.jsonl": "no json\n" * 55, "2024-10-01/b.jsonl": "nor here\n" * 20})
    ingest(settings(raw, out))
    keys = [(row["source_path"], row["source_record"]) for row in rows(out, "rejects")]
    assert keys == sorted(keys)
    assert len(keys) == 75
