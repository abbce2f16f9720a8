"""The main job on the committed sample: what goes in, what comes out, and that it is always the same."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import harness
import pyarrow.parquet as pq
import pytest
from harness import PROSE, ingest, one, rows, settings, table_files, write
from warcio.archiveiterator import ArchiveIterator

from cleaners.edits import Edit, apply, revert
from flows import schema
from flows.publish import current, manifest

DOCUMENT_SUFFIXES = {".txt", ".html"}


def records_in(file: Path) -> int:
    """The records of a raw file, counted without the project's readers."""
    if file.suffix in DOCUMENT_SUFFIXES:
        return 1
    if ".warc" in file.suffixes:
        with file.open("rb") as stream:
            return sum(record.rec_type in {"response", "resource", "conversion"} for record in ArchiveIterator(stream))
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rb") as stream:
        return sum(bool(line.strip()) for line in stream.read().split(b"\n"))


def sample_files() -> list[Path]:
    kept = {".txt", ".html", ".jsonl", ".gz"}
    return [file for file in harness.SAMPLE.rglob("*") if file.is_file() and file.suffix in kept]


def test_every_table_has_rows_and_exactly_the_columns_of_the_contract(sample):
    for table, expected in schema.TABLES.items():
        found = pq.ParquetDataset(sample / table)
        assert found.schema.remove_metadata().remove(found.schema.get_field_index("ingest_date")) == expected
        assert found.read().num_rows > 0, table


def test_every_record_of_the_sample_is_an_article_a_duplicate_or_a_reject(sample):
    expected = Counter({file.relative_to(harness.SAMPLE).as_posix(): records_in(file) for file in sample_files()})
    found = Counter(
        row["source_path"] for table in ("articles", "duplicates", "rejects") for row in rows(sample, table)
    )
    assert found == expected


def test_every_file_of_the_sample_is_read_is_a_sidecar_or_is_skipped_with_a_reason(sample):
    said = manifest(current(settings(harness.SAMPLE, sample)))
    read = {entry["path"] for entry in said["inputs"]}
    sidecars = {f"{entry['path']}.meta.json" for entry in said["inputs"] if entry["sidecar_sha256"]}
    skipped = {entry["path"]: entry["reason"] for entry in said["skipped"]}
    there = {file.relative_to(harness.SAMPLE).as_posix() for file in harness.SAMPLE.rglob("*") if file.is_file()}
    assert read | sidecars | skipped.keys() == there
    assert all(skipped.values())


def test_text_and_edits_of_every_article_give_its_source_again(sample):
    edits = rows(sample, "edits")
    for row in (*rows(sample, "articles"), *rows(sample, "duplicates")):
        own = sorted((edit for edit in edits if edit["id"] == row["id"]), key=lambda edit: edit["seq"])
        found = [Edit(edit["start"], edit["old"], edit["new"], tuple(edit["rules"])) for edit in own]
        source = revert(row["text"], found)
        assert apply(source, found) == row["text"]
        if row["source_path"].endswith(".txt") and row["charset"] in {"ascii", "utf-8 (valid)"}:
            assert source.encode() == (harness.SAMPLE / row["source_path"]).read_bytes()


def test_mentions_point_at_their_surface(sample):
    texts = {row["id"]: row["text"] for table in ("articles", "duplicates") for row in rows(sample, table)}
    mentions = rows(sample, "mentions")
    assert all(texts[row["id"]][row["start"] : row["end"]] == row["surface"] for row in mentions)
    assert {row["kind"] for row in mentions} == {"person", "date"}


def test_no_residue_line_of_the_sample_is_left(sample):
    gone = (
        "{HarborLedger.example}", "Recent Comments", "About The Author:", "Share this post:", "You May Also Like:",
        "Sign up for Daily Newsletters", "View original", "Please enter your comment!", "Please enter your name here",
        "Advertisement", "Story continues below advertisement",
    )  # fmt: skip
    lines = {line.strip() for row in rows(sample, "articles") for line in row["text"].split("\n")}
    assert lines.isdisjoint(gone)


def test_the_three_kinds_of_duplicates_are_found_and_look_alikes_are_kept(sample):
    kinds = {(row["source_path"], row["source_record"]): row["duplicate_kind"] for row in rows(sample, "duplicates")}
    assert kinds == {
        ("sample/2024-10-14/articles.jsonl", 1): "revision",
        ("sample/2024-10-14/ferry-talks.txt", 0): "exact",
        ("sample/2024-10-15/inland-dispatch-48213.txt", 0): "near",
    }
    survivors = {row["id"] for row in rows(sample, "articles")}
    assert {row["duplicate_of"] for row in rows(sample, "duplicates")} <= survivors
    kept = {row["source_path"] for row in rows(sample, "articles")}
    assert {"sample/2024-10-14/outlook-port-ellery.txt", "sample/2024-11-16/outlook-cold-brook.txt"} <= kept


def test_headline_byline_and_timestamp_move_from_the_text_to_the_metadata(sample):
    row = one(sample, "articles", source_path="sample/2024-10-14/port-ellery-breakwater.txt")
    assert row["title"] == "Storm-damaged breakwater at Port Ellery to be rebuilt by spring"
    (author,) = row["authors"]
    assert (author["name"], author["organization"]) == ("Jane Roe", "Harbor News Service")
    assert row["published_at"].isoformat() == "2024-10-14T19:15:00+00:00"
    sources = row["title_source"], row["published_precision"], row["published_source"]
    assert sources == ("text", "minute", "text")
    assert row["text"].startswith("PORT ELLERY (HNS) — ")


def test_records_around_broken_ones_are_kept(sample):
    reasons = {(row["source_path"][18:], row["source_record"]): row["reason"] for row in rows(sample, "rejects")}
    assert reasons == {
        ("articles.jsonl", 3): "invalid-json",
        ("articles.jsonl", 5): "invalid-utf-8",
        ("articles.jsonl", 7): "no-text",
        ("photo-4471.txt", 0): "undecodable",
        ("account-consent.html", 0): "no-article",
        ("crawl.warc.gz", 4): "http-status",
        ("crawl.warc.gz", 5): "media-type",
        ("harborledger-front.txt", 0): "empty",
        ("sidebar.txt", 0): "all-residue",
    }


def test_a_second_run_publishes_nothing_new_and_says_so(sample, copydesk):
    before = table_files(sample), (sample / "current").readlink()
    done = copydesk("ingest", "--out", sample)
    assert done.returncode == 0
    assert "nothing new" in done.stdout
    assert (table_files(sample), (sample / "current").readlink()) == before


@pytest.mark.parametrize(
    ("workers", "surroundings"),
    [
        (1, {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "LC_ALL": "C"}),
        (2, {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"}),
    ],
)
def test_clock_zone_hash_seed_and_workers_do_not_change_a_byte(sample, tmp_path, workers, surroundings):
    write(tmp_path, {"site/sitecustomize.py": "import time_machine\ntime_machine.travel('2031-05-06').start()\n"})
    environment = os.environ | surroundings | {"PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, harness.__file__, harness.SAMPLE, tmp_path / "out", str(workers)]
    subprocess.run(list(map(str, command)), env=environment, check=True, timeout=300)
    assert table_files(tmp_path / "out") == table_files(sample)


def test_how_files_are_grouped_into_shards_never_shows(sample, tmp_path):
    chosen = settings(harness.SAMPLE, tmp_path / "out", shard_records=2, shard_bytes=2000)
    assert len(ingest(chosen).reports) > 10
    assert table_files(tmp_path / "out") == table_files(sample)


def test_several_runs_end_where_one_run_ends(raw, out, tmp_path):
    files = {f"2024-10-{day:02}/{name}.txt": f"{PROSE}\n\nNo {day} {name}." for day in (1, 2, 3) for name in "ab"}
    for name in sorted(files, reverse=True):
        write(raw, {name: files[name]})
        ingest(settings(raw, out))
    ingest(settings(raw, tmp_path / "at once"))
    assert table_files(out) == table_files(tmp_path / "at once")


def test_one_new_file_writes_only_the_days_it_touches(raw, out):
    write(raw, {f"2024-10-0{day}/a.txt": f"{PROSE}\n\nThis is the text of day number {day}." for day in (1, 2)})
    ingest(settings(raw, out))
    write(
        raw,
        {"2024-10-02/b.txt": "A quite different story about a lighthouse keeper, who turned one hundred on Monday."},
    )
    outcome = ingest(settings(raw, out))
    assert outcome.published.partitions == ("2024-10-02",)
    kept = list((out / "current" / "articles" / "ingest_date=2024-10-01").resolve().iterdir())
    assert [file.stat().st_nlink for file in kept] == [2]


def test_an_appended_jsonl_file_has_only_its_tail_cleaned(raw, out):
    records = [{"id": number, "text": f"{PROSE} This is record number {number} of them all."} for number in range(25)]
    write(raw, {"2024-10-01/news.jsonl": records[:20]})
    chosen = settings(raw, out, shard_records=5)
    assert len(ingest(chosen).reports) == 4
    write(raw, {"2024-10-01/news.jsonl": records})
    assert [report.records for report in ingest(chosen).reports] == [5]
    assert len(rows(out, "articles")) + len(rows(out, "duplicates")) == 25


def test_a_changed_sidecar_changes_the_article(raw, out):
    write(raw, {"2024-10-01/a.txt": PROSE, "2024-10-01/a.txt.meta.json": json.dumps({"title": "One"})})
    ingest(settings(raw, out))
    write(raw, {"2024-10-01/a.txt.meta.json": json.dumps({"title": "Two", "desk": "metro"})})
    ingest(settings(raw, out))
    row = one(out, "articles")
    assert (row["title"], row["title_source"], row["source_metadata"]) == ("Two", "sidecar", '{"desk": "metro"}')


def test_a_sidecar_that_is_not_json_costs_the_article_nothing_but_a_flag(raw, out):
    write(raw, {"2024-10-01/a.txt": PROSE, "2024-10-01/a.txt.meta.json": "{oops"})
    ingest(settings(raw, out))
    assert one(out, "articles")["flags"] == ["sidecar-invalid"]


def test_vanished_files_keep_their_rows_until_they_are_pruned(raw, out):
    write(raw, {f"2024-10-01/{number}.txt": f"{PROSE} Number {number}." for number in range(30)})
    ingest(settings(raw, out, near_threshold=1.0))
    (raw / "2024-10-01/7.txt").unlink()
    outcome = ingest(settings(raw, out, near_threshold=1.0))
    assert outcome.plan.count()["gone"] == 1
    assert len(rows(out, "articles")) == 30
    ingest(settings(raw, out, near_threshold=1.0), prune=frozenset({"2024-10-01/7.txt"}))
    assert len(rows(out, "articles")) == 29


def test_article_offsets_count_code_points(raw, out):
    write(raw, {"2024-10-01/a.txt": f"🎈🎈 {PROSE}\n\nShare this post:\n"})
    ingest(settings(raw, out))
    edit = one(out, "edits", family="share")
    source = (raw / "2024-10-01/a.txt").read_bytes().decode()
    assert source[edit["start"] : edit["end"]] == edit["old"] == "Share this post:\n"
