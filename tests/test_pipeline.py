"""A record becomes an article whose every change is explained, or a Reject that says why not."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.edits import apply, revert
from cleaners.extract import extract
from cleaners.model import Article, DateMention, Knowledge, Origin, Page, PersonMention, Raw, Reject
from cleaners.pipeline import cleaners, refine
from flows.knowledge import load
from flows.settings import Settings

PROSE = (
    "The harbor board voted on Monday to delay the building of the new dike until the spring of next year.",
    "“We will not leave the harbor,” said the mayor, Jane Roe, who had come to the old town on 12 October 2024.",
    "Nobody on the ferry that morning knew that the lock had been closed since the storm of the night before.",
    "On the way out Roe was asked to share this story with her deputy, and she said that comments are closed.",
)
RESIDUE = (
    "Share this article",
    "Advertisement",
    "Sign up for our newsletter",
    "Leave a comment",
    "Read more »",
    "Menu",
)
ODD = ("", " ", "\t", "\u00a0", "\r", "\ufeff", "donâ€™t", "fish &amp; chips", "\u2028", "a  b", "…", "\x00")
EMBEDDED = (
    "Under the picture of the lock the site still said leave a comment, and beside it stood subscribe now, in red.",
    "A sign that read all rights reserved hung above the door, and nobody in the harbor could say what it meant.",
)


@cache
def knowledge() -> Knowledge:
    return load(Settings())


def raw(payload: str | bytes, media_type: str = "text/plain", **metadata: str) -> Raw:
    return Raw(Origin("file"), payload, media_type, metadata=metadata)


def article(record: Raw) -> Article:
    found = refine(record, knowledge())
    assert isinstance(found, Article)
    return found


def source(record: Raw) -> str:
    page = extract(record)
    assert isinstance(page, Page)
    return page.text


HTML = (
    '<html lang="en"><head><title>Board delays the dike</title></head><body><article>'
    + "".join(f"<p>{text}</p>" for text in (PROSE[0], RESIDUE[0], *PROSE[1:]))
    + "</article></body></html>"
)


def test_a_plain_text_loses_its_head_and_its_residue_and_nothing_else():
    text = "Board delays the dike\n\nBy Jane Poe\n\n14 October 2024\n\n" + "\n\n".join(
        (PROSE[0], "Advertisement", PROSE[1], "Share this article", PROSE[2], "Leave a comment")
    )
    found = article(raw(text))
    assert found.text == "\n\n".join(PROSE[:3])
    assert (found.title, found.title_source) == ("Board delays the dike", "text")
    assert [author.name for author in found.authors] == ["Jane Poe"]
    assert found.published is not None
    assert found.published.value == datetime(2024, 10, 14, tzinfo=UTC)
    assert found.published.source == "text"
    assert {rule for edit in found.edits for rule in edit.rules} >= {"head.title", "head.byline", "head.timestamp"}
    assert revert(found.text, found.edits) == text


def test_a_page_becomes_an_article():
    record = raw(HTML, "text/html", url="https://ledger.example/news/2024/10/14/dike")
    found = article(record)
    assert [line for line in found.text.split("\n") if line] == list(PROSE)
    assert (found.title, found.title_source, found.language.code) == ("Board delays the dike", "html", "en")
    assert (found.site, found.published and found.published.source) == ("ledger.example", "url")
    assert revert(found.text, found.edits) == source(record)


@pytest.mark.parametrize(
    ("record", "stage", "reason"),
    [
        (raw(""), "extract", "empty"),
        (raw(b"\r\n \n"), "extract", "empty"),
        (raw(b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 40), "decode", "undecodable"),
        (raw("\n\n".join(RESIDUE)), "clean", "all-residue"),
        (raw("* * *\n—"), "clean", "all-residue"),
        (raw("<html></html>", "text/html"), "extract", "no-article"),
    ],
)
def test_what_becomes_no_article_says_where_and_why(record: Raw, stage: str, reason: str):
    found = refine(record, knowledge())
    assert isinstance(found, Reject)
    assert (found.stage, found.reason, found.origin) == (stage, reason, record.origin)
    assert found.detail
    assert not found.environmental


parts = st.one_of(st.sampled_from((*PROSE, *EMBEDDED, *RESIDUE, *ODD)), st.text(max_size=12))
documents = st.lists(st.tuples(parts, st.sampled_from(("\n", "\n\n", "\r\n", "\n \n"))), max_size=9).map(
    lambda pieces: "".join(part + gap for part, gap in pieces)
)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_the_text_and_its_edits_rebuild_the_source(text: str):
    record = raw(text)
    found = refine(record, knowledge())
    if isinstance(found, Article):
        assert revert(found.text, found.edits) == source(record)
        assert apply(source(record), found.edits) == found.text


@given(documents)
@settings(max_examples=100, deadline=None)
def test_every_sentence_of_the_article_survives(text: str):
    found = refine(raw(text), knowledge())
    if isinstance(found, Article):
        for sentence in (*PROSE, *EMBEDDED):
            assert found.text.count(sentence) == text.count(sentence)


@given(documents)
@settings(max_examples=100, deadline=None)
def test_mentions_point_at_their_surface(text: str):
    found = refine(raw(text), knowledge())
    if isinstance(found, Article):
        assert all(found.text[one.start : one.end] == one.surface for one in found.mentions)
        assert sorted(found.mentions, key=lambda one: (one.start, one.end)) == list(found.mentions)


@given(documents)
@settings(max_examples=60, deadline=None)
def test_the_same_record_gives_the_same_article(text: str):
    assert refine(raw(text), knowledge()) == refine(raw(text), knowledge())


def test_records_do_not_know_of_each_other():
    chance = random.Random(3)  # noqa: S311 - the same numbers in every run
    records = [raw("\n\n".join(chance.sample((*PROSE, *RESIDUE), 6))) for _ in range(15)]
    records += [
        raw(HTML, "text/html"),
        raw(""),
        raw("Der Rat hat am Montag beschlossen, den Bau des Deichs zu verschieben."),
    ]
    once = [refine(record, knowledge()) for record in records]
    order = chance.sample(range(len(records)), len(records))
    again = {place: refine(records[place], knowledge()) for place in order}
    assert [again[place] for place in range(len(records))] == once
    assert pickle.loads(pickle.dumps(once)) == once  # noqa: S301 - our own values, as they go between processes


def test_persons_and_dates_of_the_text_are_mentioned():
    found = article(raw("\n\n".join(PROSE), published_at="2024-10-14"))
    persons = [one for one in found.mentions if isinstance(one, PersonMention)]
    dates = [one for one in found.mentions if isinstance(one, DateMention)]
    assert {one.value for one in persons} == {"Jane Roe"}
    assert "2024-10-12" in {one.value for one in dates}


@pytest.mark.parametrize(
    ("published", "fetched", "ingested", "flagged"),
    [
        ("2024-10-16T12:00:00Z", "2024-10-14T12:00:00Z", None, True),
        ("2024-10-15T12:00:00Z", "2024-10-14T12:00:00Z", None, False),
        ("2024-10-14", "2024-10-14T12:00:00Z", None, False),
        ("2024-10-16", "", date(2024, 10, 14), True),
        ("2024-10-16", "2024-10-16T12:00:00Z", date(2024, 10, 1), False),
        ("2099-01-01", "", None, False),
    ],
)
def test_a_date_in_the_future_is_judged_by_the_day_the_page_was_seen(
    published: str, fetched: str, ingested: date | None, *, flagged: bool
):
    record = replace(raw("\n\n".join(PROSE), published_at=published, fetched_at=fetched), ingest_date=ingested)
    assert ("date-in-future" in article(record).flags) == flagged


def test_flags_say_what_was_noticed():
    assert article(raw("The mayor wasnâ€™t there.")).flags == ("mojibake-repaired", "short")
    assert "charset-guessed" in article(raw((PROSE[0] + " Fähre über den Fluß. ").encode("cp1252") * 3)).flags
    assert article(replace(raw("\n\n".join(PROSE)), flags=("sidecar-invalid",))).flags == ("sidecar-invalid",)


@pytest.mark.parametrize(
    ("claimed", "code"),
    [("pt-BR", "pt"), ("EN_us", "en"), ("fil", "fil"), (" de", "de"), ("english", "und"), ("", "und"), ("x", "und")],
)
def test_a_text_too_short_to_tell_is_in_the_language_it_claims(claimed: str, code: str):
    found = article(raw("Dike 12", language=claimed)).language
    assert (found.code, found.method) == (code, "none" if code == "und" else "declared")


def test_a_title_is_shown_on_one_line_with_its_characters_put_right():
    found = article(raw("\n\n".join(PROSE), title="Board  isnâ€™t\n ready &amp; waits"))
    assert (found.title, found.title_raw) == ("Board isn’t ready & waits", "Board  isnâ€™t\n ready &amp; waits")
    assert found.title_source == "record"


def test_an_author_is_named_once():
    assert [one.name for one in article(raw(PROSE[0], authors="Jane Roe\nBy Jane Roe\nAnn Poe")).authors] == [
        "Jane Roe",
        "Ann Poe",
    ]


def test_every_text_meets_the_rules_for_all_languages_and_for_english():
    assert len(cleaners("de", knowledge())) == len(cleaners("en", knowledge()))
    german = "Der Hafenrat hat am Montag beschlossen, den Bau des neuen Deichs auf das nächste Frühjahr zu verschieben."
    assert article(raw(f"{german}\n\nShare this article\n\n{german}")).text == f"{german}\n\n{german}"


def test_a_paragraph_of_200_000_letters_is_an_article_like_any_other():
    text = " ".join(PROSE * 480)
    assert len(text) > 190_000
    found = article(raw(text))
    assert (found.text, found.edits) == (text, ())
