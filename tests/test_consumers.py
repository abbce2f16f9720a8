"""The Parquet, read by what people read Parquet with; and the examples of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date

import duckdb
import harness
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from flows import schema


@pytest.mark.parametrize("table", schema.TABLES)
def test_every_reader_sees_the_same_rows(sample, table):
    folder = sample / table
    expected = pq.read_table(folder).num_rows
    assert expected == len(pd.read_parquet(folder))
    assert expected == len(pl.read_parquet(folder / "**/*.parquet", hive_partitioning=True))
    query = f"SELECT count(*) FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"  # noqa: S608 - our path
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchone() == (expected,)


def test_the_partition_column_can_be_a_date(sample):
    day = ds.partitioning(pa.schema([("ingest_date", pa.date32())]), flavor="hive")
    found = pq.read_table(sample / "articles", partitioning=day)["ingest_date"].to_pylist()
    assert set(found) == {date(2024, 10, 14), date(2024, 10, 15), date(2024, 11, 16)}
    frame = pd.read_parquet(sample / "articles", partitioning=day)
    assert frame["ingest_date"].iloc[0] == date(2024, 10, 14)
    with duckdb.connect() as connection:
        kind = connection.execute(
            f"SELECT typeof(ingest_date) FROM read_parquet('{sample}/articles/**/*.parquet', hive_partitioning = true)"  # noqa: S608
        ).fetchone()
    assert kind == ("DATE",)


def test_authors_and_times_arrive_as_values(sample):
    frame = pl.read_parquet(sample / "articles" / "**/*.parquet", hive_partitioning=True)
    names = frame.explode("authors").select(pl.col("authors").struct.field("name")).to_series()
    assert "Jane Roe" in names.to_list()
    assert frame.schema["published_at"] == pl.Datetime("us", "UTC")


def test_tables_join_below_the_real_path(sample):
    root = os.path.realpath(sample / "current")
    with duckdb.connect() as connection:
        query = f"""
            SELECT count(*) FROM read_parquet('{root}/edits/**/*.parquet') AS edit
            LEFT JOIN (SELECT id FROM read_parquet('{root}/articles/**/*.parquet')
                       UNION ALL SELECT id FROM read_parquet('{root}/duplicates/**/*.parquet')) AS article
            ON edit.id = article.id WHERE article.id IS NULL
        """  # noqa: S608 - our path
        assert connection.execute(query).fetchone() == (0,)


def test_the_examples_of_the_readme_run(sample):
    readme = (harness.ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    subprocess.run([sys.executable, "-c", code], cwd=sample.parent, check=True)
