"""Real scraped news through the public path: residue goes, and not one sentence of an article."""

from __future__ import annotations

import gzip
import json
import re
from itertools import islice
from pathlib import Path

import pytest
from harness import rows

pytestmark = pytest.mark.evaluation

RESIDUE = (
    "{Matzav.com}", "Recent Comments", "About The Author:", "Share this post:", "You May Also Like:",
    "Sign up for Daily Newsletters", "View original", "Please enter your comment!", "Please enter your name here",
)  # fmt: skip


@pytest.fixture(scope="module")
def seeds(evaluation) -> Path:
    return evaluation.parent / "corpus" / "seeds"


@pytest.fixture(scope="module")
def cleaned(seeds, copydesk, tmp_path_factory) -> dict[str, dict]:
    """The rows of the five documents, by the first three characters of their names."""
    out = tmp_path_factory.mktemp("seeds") / "processed"
    done = copydesk("ingest", "--raw", seeds, "--out", out)
    assert done.returncode == 0, done.stderr
    return {row["source_path"][:3]: row for row in rows(out, "articles")}


def test_every_residue_line_of_the_five_documents_is_gone(cleaned):
    assert len(cleaned) == 5
    assert not [line for row in cleaned.values() for line in RESIDUE if line.casefold() in row["text"].casefold()]


def test_not_one_sentence_of_the_five_documents_is_lost(cleaned, seeds):
    """What is left of each source without residue and byline is title and text, word for word."""
    for file in sorted(seeds.glob("*.txt")):
        lines = file.read_text(encoding="utf-8").split("\n")
        kept = [
            line for line in lines if line.strip() not in (*RESIDUE, "By Jake Smith (Daily Caller News Foundation)")
        ]
        row = cleaned[file.name[:3]]
        assert re.findall(r"\w+", f"{row['title'] or ''} {row['text']}") == re.findall(r"\w+", " ".join(kept))


def test_the_headlines_are_titles_and_the_byline_an_author_with_an_organisation(cleaned):
    assert {name: row["title"] for name, row in cleaned.items()} == {
        "000": None,
        "001": None,
        "002": "Iran reportedly seeks ‘revenge’ on the U.S. over death of Qassem Soleimani",
        "003": None,
        "004": "Donald Trump threatens retaliation if Iran-backed groups target Americans",
    }
    assert [(a["name"], a["organization"]) for a in cleaned["003"]["authors"]] == [
        ("Jake Smith", "Daily Caller News Foundation")
    ]


def test_five_hundred_scraped_articles_go_through_the_whole_path(evaluation, copydesk, tmp_path):
    raw, out = tmp_path / "raw" / "2024-10-01", tmp_path / "processed"
    raw.mkdir(parents=True)
    with gzip.open(evaluation.parent / "corpus" / "news-en.jsonl.gz", "rt", encoding="utf-8") as stream:
        lines = list(islice(stream, 500))
    (raw / "news.jsonl").write_text("".join(lines), encoding="utf-8")
    done = copydesk("ingest", "--raw", raw.parent, "--out", out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    found = {table: rows(out, table) for table in ("articles", "duplicates", "rejects")}
    assert sum(map(len, found.values())) == 500
    assert len(found["articles"]) >= 490
    stated = {json.loads(line)["id"]: json.loads(line) for line in lines}
    assert all(
        stated[row["source_record_id"]]["title"].split() == row["title_raw"].split() for row in found["articles"]
    )
    done = copydesk("verify", "--raw", raw.parent, "--out", out)
    assert done.returncode == 0, done.stdout
