"""One flipped byte anywhere makes `verify` fail, each with a message of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import harness
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from harness import settings

from flows.verify import verify


@pytest.fixture
def copy(sample: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The sample and its output, to be damaged."""
    shutil.copytree(sample, tmp_path / "processed", symlinks=True)
    shutil.copytree(harness.SAMPLE, tmp_path / "raw")
    return tmp_path / "raw", tmp_path / "processed"


def findings(folders: tuple[Path, Path]) -> list[str]:
    return list(verify(settings(*folders)))


def table_file(out: Path, table: str) -> Path:
    """A file of a table that has rows."""
    return next(file for file in sorted((out / table).resolve().rglob("*.parquet")) if pq.read_metadata(file).num_rows)


def rewrite(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = pq.ParquetFile(file).read()
    pq.write_table(change(table).cast(table.schema), file)


def with_first(table: pa.Table, column: str, value: object) -> pa.Table:
    values = [value, *table[column].to_pylist()[1:]]
    place = table.schema.get_field_index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


def test_an_untouched_output_has_no_findings(copy):
    assert findings(copy) == []


def test_a_byte_flipped_in_a_raw_file_is_found(copy):
    raw, _ = copy
    file = raw / "sample/2024-10-14/ferry-talks.txt"
    data = bytearray(file.read_bytes())
    data[300] ^= 1
    file.write_bytes(data)
    found = findings(copy)
    assert any(line.startswith("raw file: sample/2024-10-14/ferry-talks.txt is not what was read") for line in found)


def test_a_changed_text_is_found(copy):
    _, out = copy
    file = table_file(out, "articles")
    text = pq.ParquetFile(file).read()["text"][0].as_py()
    rewrite(file, lambda table: with_first(table, "text", f"x{text[1:]}"))
    assert any(line.startswith("text: article") for line in findings(copy))


def test_a_text_changed_together_with_its_digest_does_not_fit_its_source(copy):
    from hashlib import sha256  # noqa: PLC0415 - only here

    _, out = copy
    file = table_file(out, "articles")
    text = "x" + pq.ParquetFile(file).read()["text"][0].as_py()[1:]
    digest = sha256(text.encode()).hexdigest()
    rewrite(file, lambda table: with_first(with_first(table, "text", text), "text_sha256", digest))
    assert any("do not give the source text of the raw file" in line for line in findings(copy))


@pytest.mark.parametrize(("column", "value"), [("old", "something else"), ("start", 1), ("text_start", 3), ("seq", 9)])
def test_a_changed_edit_is_found(copy, column, value):
    _, out = copy
    rewrite(table_file(out, "edits"), lambda table: with_first(table, column, value))
    assert any(line.startswith("edits: article") for line in findings(copy))


def test_a_missing_edit_is_found(copy):
    _, out = copy
    rewrite(table_file(out, "edits"), lambda table: table.slice(1))
    assert any(line.startswith("edits: article") for line in findings(copy))


def test_a_changed_count_is_found(copy):
    _, out = copy
    path = (out / "current").resolve() / "manifest.json"
    said = json.loads(path.read_text())
    said["counts"]["2024-10-14"]["articles"] += 1
    path.write_text(json.dumps(said))
    found = findings(copy)
    assert any(line.startswith("count: articles of 2024-10-14 should be") for line in found)
    assert any(line.startswith("manifest:") for line in found)


def test_a_byte_flipped_in_a_parquet_file_is_found(copy):
    _, out = copy
    file = table_file(out, "mentions")
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)
    assert any(line.startswith("table file: mentions/") and "digest differs" in line for line in findings(copy))


def test_a_file_that_is_missing_or_too_many_is_found(copy):
    _, out = copy
    file = table_file(out, "rejects")
    file.rename(file.with_name("part-other.parquet"))
    found = findings(copy)
    assert any("cannot be read" in line for line in found)
    assert any("does not belong to the generation" in line for line in found)


def test_the_command_fails_and_prints_each_finding(copy, copydesk):
    raw, out = copy
    assert copydesk("verify", "--raw", raw, "--out", out).returncode == 0
    (raw / "sample/2024-10-15/wire.jsonl.gz").write_bytes(b"")
    done = copydesk("verify", "--raw", raw, "--out", out)
    assert done.returncode == 1
    assert "raw file: sample/2024-10-15/wire.jsonl.gz is not what was read" in done.stdout


def test_no_edit_is_left_over_for_an_id_that_is_nowhere(sample):
    known = pa.concat_arrays(
        [array for table in ("articles", "duplicates") for array in pq.read_table(sample / table)["id"].chunks]
    )
    for table in ("edits", "mentions"):
        assert pc.all(pc.is_in(pq.read_table(sample / table)["id"], known)).as_py()
