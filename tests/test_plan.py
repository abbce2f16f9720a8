"""Planning: which day a file belongs to, what has to be done, and what one new file touches."""

from __future__ import annotations

import json
import os
from datetime import date

import pytest
from harness import PROSE, ingest, rows, settings, write
from hypothesis import given
from hypothesis import strategies as st

from flows.plan import Input, Part, PlanError, Selection, _shards, make_plan, scan
from flows.publish import PublishError, accepted_inputs


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2024-11-15/a.txt", "2024-11-15"),
        ("site/2024/11/15/a.txt", "2024-11-15"),
        ("date=2024-11-15/a.txt", "2024-11-15"),
        ("dt=2024-11-15/site/a.txt", "2024-11-15"),
        ("2024-13-45/2024-11-15/a.txt", "2024-11-15"),
    ],
)
def test_a_date_in_the_path_is_the_ingest_date(raw, out, path, day):
    write(raw, {path: PROSE})
    found = scan(settings(raw, out))[0][path]
    assert (found.ingest_date.isoformat(), found.dated_by) == (day, "path")


def test_a_date_in_a_file_name_may_be_what_the_article_is_about(raw, out):
    write(raw, {"2001-09-11-remembered.txt": PROSE})
    os.utime(raw / "2001-09-11-remembered.txt", (1_700_000_000, 1_700_000_000))
    found = scan(settings(raw, out))[0]["2001-09-11-remembered.txt"]
    assert (found.ingest_date, found.dated_by) == (date(2023, 11, 14), "mtime")


def test_sidecar_first_record_and_modification_time_follow_in_that_order(raw, out):
    write(
        raw,
        {
            "a.txt": PROSE,
            "a.txt.meta.json": json.dumps({"fetched_at": "2024-10-01T23:30:00-05:00"}),
            "b.jsonl": [{"text": PROSE, "fetched_at": "2024-10-03T00:00:00Z"}],
        },
    )
    found = scan(settings(raw, out))[0]
    assert (found["a.txt"].ingest_date, found["a.txt"].dated_by) == (date(2024, 10, 2), "sidecar")
    assert (found["b.jsonl"].ingest_date, found["b.jsonl"].dated_by) == (date(2024, 10, 3), "record")


def test_every_entry_is_taken_or_skipped_with_a_reason(raw, out):
    write(raw, {".hidden/x.txt": "x", ".x.txt": "x", "a.xyz": "x", "b.txt.meta.json": "{}", "ok.txt": PROSE})
    (raw / "loop").symlink_to(raw)
    (raw / "away.txt").symlink_to("/etc/hostname")
    os.mkfifo(raw / "pipe.txt")
    found, skipped = scan(settings(raw, out))
    assert set(found) == {"ok.txt"}
    assert {entry.path: entry.reason for entry in skipped} == {
        ".hidden": "hidden",
        ".x.txt": "hidden",
        "a.xyz": "no reader for this kind of file",
        "b.txt.meta.json": "sidecar of no file",
        "loop": "link to a folder",
        "away.txt": "link",
        "pipe.txt": "not a file",
    }


def test_a_file_name_that_is_not_utf_8_is_read_and_named(raw, out):
    (raw / "2024-10-01").mkdir()
    with open(os.fsencode(raw / "2024-10-01") + b"/caf\xe9\n.txt", "wb") as stream:  # noqa: PTH123 - a name of bytes
        stream.write(PROSE.encode())
    ingest(settings(raw, out))
    assert rows(out, "articles")[0]["source_path"] == "2024-10-01/caf\\xe9\n.txt"


def inputs(names: set[str]) -> list[Input]:
    return [
        Input(name, "00", 10, date(2024, 10, 1), "path", None, "", (Part(0, 0, -1, name),)) for name in sorted(names)
    ]


@given(st.sets(st.text("abcdef", min_size=3, max_size=6), min_size=40, max_size=60), st.text("xyz", min_size=4))
def test_one_more_small_file_touches_one_shard(names, one_more):
    chosen = settings("raw", "out", shard_records=10)
    before = {shard.key for shard in _shards(inputs(names), "f", chosen)}
    after = {shard.key: len(shard.members) for shard in _shards(inputs(names | {one_more}), "f", chosen)}
    fresh = {key: count for key, count in after.items() if key not in before}
    assert sum(fresh.values()) <= 11


@given(st.sets(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=60), st.randoms())
def test_shards_do_not_depend_on_the_order_of_files(names, random):
    chosen = settings("raw", "out", shard_records=7)
    shuffled = inputs(names)
    random.shuffle(shuffled)
    assert [s.key for s in _shards(shuffled, "f", chosen)] == [s.key for s in _shards(inputs(names), "f", chosen)]
    assert sum(len(shard.members) for shard in _shards(shuffled, "f", chosen)) == len(names)


def statuses(chosen, fingerprint: str, selection: Selection) -> tuple[dict[str, str], set[str]]:
    plan = make_plan(chosen, fingerprint, accepted_inputs(chosen), selection, frozenset())
    return dict(plan.statuses), set(plan.selected)


def test_each_mode_processes_what_it_says(raw, out):
    write(raw, {f"2024-10-0{day}/a.txt": f"{PROSE} Day {day}." for day in (1, 2, 3)})
    chosen = settings(raw, out)
    fingerprint = ingest(chosen).plan.inputs[0].fingerprint
    write(raw, {"2024-10-01/a.txt": "changed " + PROSE, "2024-10-02/new.txt": PROSE})
    expected = {"2024-10-01/a.txt": "changed", "2024-10-02/a.txt": "done", "2024-10-02/new.txt": "new",
                "2024-10-03/a.txt": "done"}  # fmt: skip
    assert statuses(chosen, fingerprint, Selection()) == (expected, {"2024-10-01/a.txt", "2024-10-02/new.txt"})
    october = {"since": date(2024, 10, 1), "until": date(2024, 10, 2)}
    assert statuses(chosen, fingerprint, Selection(**october, reprocess="missing"))[1] == {"2024-10-02/new.txt"}
    assert statuses(chosen, fingerprint, Selection(**october, reprocess="all"))[1] == set(expected) - {
        "2024-10-03/a.txt"
    }
    stale, selected = statuses(chosen, "another", Selection(**october, reprocess="changed"))
    assert (stale["2024-10-02/a.txt"], selected) == ("stale", set(expected) - {"2024-10-03/a.txt"})
    assert statuses(chosen, "another", Selection())[1] == {"2024-10-01/a.txt", "2024-10-02/new.txt"}


def test_stale_files_keep_their_rows_until_a_backfill_redoes_them(raw, out):
    write(raw, {"2024-10-01/a.txt": PROSE + "\n\nShare this post:\n", "2024-10-02/b.txt": "Unlike it. " + PROSE[::-1]})
    ingest(settings(raw, out))
    before = {row["source_path"]: row["cleaning_fingerprint"] for row in rows(out, "articles")}
    other = settings(raw, out, short_words=26)
    assert ingest(other).plan.count() == {"stale": 2}
    assert {row["source_path"]: row["cleaning_fingerprint"] for row in rows(out, "articles")} == before
    ingest(other, Selection(date(2024, 10, 1), date(2024, 10, 1), "changed"))
    after = {row["source_path"]: row["cleaning_fingerprint"] for row in rows(out, "articles")}
    assert after["2024-10-01/a.txt"] != before["2024-10-01/a.txt"]
    assert after["2024-10-02/b.txt"] == before["2024-10-02/b.txt"]


def test_lost_shards_are_made_again(raw, out):
    write(raw, {"2024-10-01/a.txt": PROSE})
    ingest(settings(raw, out))
    for shard in (out / ".shards").iterdir():
        shard.unlink()
    outcome = ingest(settings(raw, out))
    assert outcome.plan.count() == {"missing": 1}
    assert not outcome.published.is_new


def test_a_folder_in_which_nothing_can_be_read_says_so(raw, out):
    write(raw, {"a.xyz": "x"})
    with pytest.raises(PlanError, match=r"nothing in .* was taken: 1 entries skipped; for one a.xyz: no reader"):
        ingest(settings(raw, out))
    assert not (out / "current").exists()


@pytest.mark.parametrize(
    "fetched", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "31 February", "99999-01-01"]
)
def test_a_fetch_time_out_of_this_world_dates_nothing(raw, out, fetched):
    write(raw, {"a.txt": PROSE, "a.txt.meta.json": json.dumps({"fetched_at": fetched, "authors": [[["x"]]]})})
    assert scan(settings(raw, out))[0]["a.txt"].dated_by == "mtime"


def test_a_sidecar_of_a_skipped_file_is_listed_too(raw, out):
    write(raw, {"a.jpg": "x", "a.jpg.meta.json": "{}", "ok.txt": PROSE})
    reasons = {entry.path: entry.reason for entry in scan(settings(raw, out))[1]}
    assert reasons["a.jpg.meta.json"] == "sidecar of a skipped file"


def test_the_longest_file_name_is_read(raw, out):
    write(raw, {"2024-10-01/" + "n" * 251 + ".txt": PROSE})
    ingest(settings(raw, out))
    assert len(rows(out, "articles")) == 1


def test_a_damaged_shard_is_made_again(raw, out):
    write(raw, {"2024-10-01/a.txt": PROSE})
    ingest(settings(raw, out))
    for shard in (out / ".shards").iterdir():
        shard.write_bytes(b"PAR1")
    with pytest.raises(PublishError, match=r"a file in .*shards is damaged"):
        ingest(settings(raw, out))
    assert not ingest(settings(raw, out), Selection(reprocess="all")).published.is_new


def test_an_output_inside_the_raw_folder_is_refused(raw):
    write(raw, {"2024-10-01/a.txt": PROSE})
    for out in (raw, raw / "out"):
        with pytest.raises(PlanError, match="is inside the raw folder"):
            scan(settings(raw, out))
