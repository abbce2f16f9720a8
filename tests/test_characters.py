"""Characters are put right letter by letter, and no word is changed."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cleaners.characters import CHARACTERS, LAYOUT, ROUNDS, mojibake, settled, trimmed
from cleaners.edits import Edit, apply, clean, revert
from cleaners.patterns import replace

CASES = Path(__file__).parent / "cases"
CHANGED = json.loads((CASES / "characters.json").read_text(encoding="utf-8"))
UNTOUCHED = json.loads((CASES / "characters_untouched.json").read_text(encoding="utf-8"))
ALL = (*CHARACTERS, *LAYOUT)

PIECES = (
    "â€™", "â€", "Ã\x85", "Ã", "Â\xa0", "Â", "ï»¿", "\x85", "\x80", "&", "amp;", "&amp;", "&#38;", "#8217;", "&#226;",
    "&lt;", "&#x200b;", "&#13;", "\r", "\n", "\u2028", "\x0b", " ", "\t", "\xa0", "\u202f", "\u3000", "\u200b",
    "\u200c", "\u200d", "\xad", "\ufeff", "\x00", "'", "`", "’", "‘", "\ud800", "\U0001f469", "e", "\u0301", "Word",
)  # fmt: skip
broken = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize("case", CHANGED, ids=lambda case: case["why"])
def test_what_is_broken_is_put_right(case: dict[str, str]):
    cleaned = clean(case["source"], ALL)
    assert cleaned.text == case["clean"]
    assert revert(cleaned.text, cleaned.edits) == case["source"]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_right_is_not_touched(text: str):
    assert clean(text, ALL).edits == ()


@given(st.one_of(broken, st.text(max_size=60)))
@example("sÃ\u200b¤")
@example("&&#97;mp;amp;")
@example("&#13;Ã\ufeffÂ\xa0â€™")
@settings(max_examples=600, deadline=None)
def test_cleaning_a_clean_text_changes_nothing(source: str):
    text = clean(source, ALL).text
    assert clean(text, ALL).edits == ()


@given(st.one_of(broken, st.text(max_size=60)))
@settings(max_examples=300, deadline=None)
def test_the_source_can_be_had_again(source: str):
    cleaned = clean(source, ALL)
    assert apply(source, cleaned.edits) == cleaned.text
    assert revert(cleaned.text, cleaned.edits) == source


@given(st.lists(st.from_regex(r"[A-Za-zÀ-ÖØ-öø-ÿа-я]{1,8}[.,;]?", fullmatch=True), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_no_letter_of_a_text_without_mojibake_is_changed(words: list[str]):
    source = "\u00a0 ".join(words)
    if not tuple(mojibake(source)):
        assert clean(source, ALL).text.split() == source.split()


@given(broken)
@settings(max_examples=300, deadline=None)
def test_a_clean_text_has_no_character_that_nobody_sees(source: str):
    text = clean(source, ALL).text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xa0\xad\u200b\u2028\u2029\u202f\u3000\ufeff]", text)
    assert "\n\n\n" not in text
    assert text.strip() == text


def test_each_broken_word_is_an_edit_of_its_own():
    edits = clean("It wasnâ€™t much, and she didnâ€™t care.", CHARACTERS).edits
    assert [(edit.old, edit.new, edit.rules) for edit in edits] == [
        ("â€™", "’", ("characters.mojibake",)),
        ("â€™", "’", ("characters.mojibake",)),
    ]


def test_a_repair_that_lays_open_another_names_both_rules():
    (edit,) = clean("&#226;&#128;&#153;", CHARACTERS).edits
    assert set(edit.rules) == {"characters.reference", "characters.mojibake"}
    assert edit.new == "’"


def test_a_trimmed_edit_does_the_same_with_less():
    assert trimmed(Edit(5, "aXa", "aYYa", ("rule",))) == Edit(6, "X", "YY", ("rule",))
    assert trimmed(Edit(0, "aa", "aaa", ("rule",))) == Edit(2, "", "a", ("rule",))


def test_cleaners_that_never_agree_are_stopped():
    quarrel = settled((replace("grow", "a", "aa"),))
    assert len(clean("a", (quarrel,)).text) == 2**ROUNDS


@pytest.mark.parametrize("piece", ["a", " ", "â€™", "&amp;", "\u00a0", "'", "\r", "\n", "\u200b", "\ud800", "&#"])
def test_a_line_of_200_000_characters_is_cleaned_in_a_moment(piece: str):
    start = time.process_time()
    source = "x" + piece * (200_000 // len(piece)) + "x"
    cleaned = clean(source, ALL)
    assert revert(cleaned.text, cleaned.edits) == source
    assert time.process_time() - start < 5
