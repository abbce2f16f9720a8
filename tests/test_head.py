"""The head of a text moves to the metadata; no sentence of the article goes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.edits import apply, revert
from cleaners.head import HEAD_LINES, Head, read_head
from cleaners.model import Knowledge
from cleaners.patterns import is_prose, lines
from flows.knowledge import load
from flows.settings import Settings

CASES = json.loads((Path(__file__).parent / "cases" / "head.json").read_text(encoding="utf-8"))
PROSE = "The harbor board voted on Monday to delay the building of the new dike until the spring of next year."
LINES = (
    "Board delays the dike again", "By Jane Roe", "October 14, 2024", "Updated 10:15 a.m.", PROSE, "", "", "Q: Why?",
    "***", "“We stay”",
    "HARBOR CITY (AP) — It rained all day in the old town, and nobody came to the meeting of the board.",
)  # fmt: skip


@cache
def knowledge() -> Knowledge:
    return load(Settings())


@cache
def without_datelines() -> Knowledge:
    return replace(knowledge(), options=replace(knowledge().options, datelines="remove"))


def left(text: str, head: Head) -> str:
    return apply(text, head.edits).strip("\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_the_head_is_read_and_the_article_is_left(case: dict[str, Any]):
    source, expected = (case[key].replace("{prose}", PROSE) for key in ("source", "left"))
    head = read_head(source, case.get("stated"), case.get("language", "en"), knowledge())
    assert left(source, head) == expected
    assert head.title == case.get("title")
    assert list(head.bylines) == case.get("bylines", [])
    assert (head.published and head.published.value.date().isoformat()) == case.get("date")


@given(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from((None, "x", *LINES[:4])))
@settings(max_examples=200, deadline=None)
def test_what_is_taken_out_is_whole_lines_and_can_be_put_back(chosen: list[str], title: str | None):
    text = "\n".join(chosen)
    for known in (knowledge(), without_datelines()):
        head = read_head(text, title, "en", known)
        assert revert(apply(text, head.edits), head.edits) == text
        whole = {line for _, line in lines(text)}
        assert all(edit.old.strip("\n") in whole for edit in head.edits if edit.rules != ("head.dateline",))


@given(st.lists(st.sampled_from(LINES), max_size=9))
@settings(max_examples=200, deadline=None)
def test_no_paragraph_is_ever_taken_out(chosen: list[str]):
    text = "\n\n".join(chosen)
    head = read_head(text, None, "en", knowledge())
    assert not any(is_prose(line) for edit in head.edits for line in edit.old.split("\n"))


@given(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from((None, "x", *LINES[:4])))
@settings(max_examples=100, deadline=None)
def test_what_is_taken_out_stands_in_the_metadata(chosen: list[str], title: str | None):
    text = "\n\n".join(chosen)
    head = read_head(text, title, "en", knowledge())
    said = {head.title, *head.bylines}
    for edit in head.edits:
        assert edit.old.strip("\n") in said or edit.rules == ("head.timestamp",)


def test_an_article_of_one_endless_paragraph_has_a_headline_too():
    text = f"Board delays the dike again\n\n{' '.join([PROSE] * 200)}"
    assert read_head(text, None, "en", knowledge()).title == "Board delays the dike again"


def test_the_head_has_few_lines():
    text = "\n".join(["By Jane Roe"] * 20)
    assert len(read_head(text, "x", "en", knowledge()).edits) == HEAD_LINES


@pytest.mark.parametrize(
    "dateline", ["HARBOR CITY (AP) — ", "PARIS — ", "PARIS, Oct. 14 (Reuters) - ", "NEW YORK, N.Y. -- "]
)
def test_a_dateline_goes_where_the_options_say_so(dateline: str):
    head = read_head(f"Board delays the dike\n\n{dateline}{PROSE}", "Board delays the dike", "en", without_datelines())
    assert head.edits[-1].old == dateline
    assert head.edits[-1].rules == ("head.dateline",)


@pytest.mark.parametrize(
    "sentence",
    [
        "COVID-19 came to the harbor on a Monday in March, and nobody on the ferry knew of it until the autumn.",
        "NATO-led troops left the harbor on Monday after a night in which the new dike had broken in three places.",
        "NATO — the alliance founded in 1949 — has no harbor in the old town, and it has never asked for one.",
        "IBM – which makes computers – will leave the harbor in the spring, the board was told on Monday evening.",
        "U.S.-backed plans for the dike were put off again on Monday, to the anger of everybody in the old town.",
        "The DIKE — and the lock — will be built in the spring of next year, the board of the harbor has decided.",
        "A — the first letter — was missing on the sign, and so nobody found the harbor on the morning of the storm.",
    ],
)
def test_a_sentence_that_only_looks_like_it_has_no_dateline(sentence: str):
    assert read_head(sentence, "x", "en", without_datelines()).edits == ()
