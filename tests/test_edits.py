"""The edits explain every difference between a source and its clean text, and can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.edits import Cleaned, Cleaner, Edit, EditMismatchError, apply, clean, clean_on, fold, revert, text_starts

LETTERS = "ab\n \u00e9\U0001f600"
texts = st.text(LETTERS, max_size=30)
Cut = tuple[int, int, str]
cuts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.text(LETTERS + "xy", max_size=4)), max_size=6)


def cleaner(name: str, plan: Iterable[Cut]) -> Cleaner:
    """A cleaner that goes through any text by steps: skip so many letters, replace so many by these."""

    def propose(text: str) -> Iterable[Edit]:
        position = 0
        for skip, length, new in plan:
            start = position + skip
            if start > len(text):
                return
            old = text[start : start + length]
            yield Edit(start, old, new, (name,))
            position = start + len(old)

    return propose


chains = st.lists(cuts, max_size=5).map(lambda plans: [cleaner(f"rule-{n}", plan) for n, plan in enumerate(plans)])


@given(texts, chains)
@settings(max_examples=300, deadline=None)
def test_the_edits_make_the_clean_text_and_give_the_source_back(source: str, chain: list[Cleaner]):
    cleaned = clean(source, chain)
    assert apply(source, cleaned.edits) == cleaned.text
    assert revert(cleaned.text, cleaned.edits) == source


@given(texts, chains)
@settings(max_examples=300, deadline=None)
def test_the_edits_are_ordered_and_apart_and_say_what_stood_there(source: str, chain: list[Cleaner]):
    edits = clean(source, chain).edits
    assert all(source[edit.start : edit.end] == edit.old != edit.new for edit in edits)
    assert all(one.end <= other.start for one, other in pairwise(edits))
    assert all(edit.rules for edit in edits)


@given(texts, chains)
@settings(max_examples=300, deadline=None)
def test_cleaning_does_what_the_cleaners_do_one_after_the_other(source: str, chain: list[Cleaner]):
    text = source
    for one in chain:
        text = apply(text, tuple(one(text)))
    assert clean(source, chain).text == text


@given(texts, chains, chains)
@settings(max_examples=200, deadline=None)
def test_cleaning_on_is_cleaning_at_once(source: str, first: list[Cleaner], then: list[Cleaner]):
    assert clean_on(source, clean(source, first), then) == clean(source, [*first, *then])


@given(texts, chains)
@settings(max_examples=200, deadline=None)
def test_text_starts_say_where_the_new_text_stands(source: str, chain: list[Cleaner]):
    text, edits = (cleaned := clean(source, chain)).text, cleaned.edits
    starts = tuple(text_starts(edits))
    assert len(starts) == len(edits)
    assert all(text.startswith(edit.new, start) for edit, start in zip(edits, starts, strict=True))


@given(texts, chains)
@settings(max_examples=200, deadline=None)
def test_no_rule_is_named_that_did_not_speak(source: str, chain: list[Cleaner]):
    names = {f"rule-{number}" for number in range(len(chain))}
    assert all(
        set(edit.rules) <= names and len(set(edit.rules)) == len(edit.rules) for edit in clean(source, chain).edits
    )


def test_edits_of_the_same_letters_become_one_that_names_all_rules_in_order():
    first = (Edit(2, "cd", "XY", ("first",)),)
    second = (Edit(3, "Ye", "Z", ("second",)),)
    assert fold("abcdef", first, second) == (Edit(2, "cde", "XZ", ("first", "second")),)


def test_an_edit_that_spans_several_swallows_them_all():
    first = (Edit(0, "a", "A", ("one",)), Edit(2, "c", "", ("two",)), Edit(4, "e", "EE", ("three",)))
    assert fold("abcdef", first, (Edit(0, "AbdEE", "", ("all",)),)) == (
        Edit(0, "abcde", "", ("one", "two", "three", "all")),
    )


def test_edits_side_by_side_stay_apart():
    assert fold("abcd", (Edit(0, "ab", "", ("one",)),), (Edit(0, "cd", "X", ("two",)),)) == (
        Edit(0, "ab", "", ("one",)),
        Edit(2, "cd", "X", ("two",)),
    )
    assert fold("abcd", (Edit(2, "cd", "X", ("one",)),), (Edit(0, "ab", "", ("two",)),)) == (
        Edit(0, "ab", "", ("two",)),
        Edit(2, "cd", "X", ("one",)),
    )


def test_an_insertion_has_no_side_and_joins_what_it_touches():
    assert fold("abcd", (Edit(0, "ab", "X", ("one",)),), (Edit(1, "", "Y", ("two",)),)) == (
        Edit(0, "ab", "XY", ("one", "two")),
    )


def test_what_is_undone_leaves_no_edit():
    assert fold("ab", (Edit(0, "a", "A", ("up",)),), (Edit(0, "A", "a", ("down",)),)) == ()


def test_a_cleaner_that_proposes_nothing_changes_nothing():
    assert clean("text", (lambda _text: (), lambda text: [Edit(0, text, text, ("same",))])) == Cleaned("text", ())


@pytest.mark.parametrize(
    "edits",
    [
        (Edit(0, "b", "", ("wrong letter",)),),
        (Edit(3, "d", "", ("behind the end",)),),
        (Edit(-1, "c", "", ("before the start",)),),
        (Edit(0, "ab", "", ("one",)), Edit(1, "b", "", ("overlaps",))),
        (Edit(1, "b", "", ("one",)), Edit(0, "a", "", ("comes too late",))),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error_that_names_it(edits: tuple[Edit, ...]):
    with pytest.raises(EditMismatchError, match=edits[-1].rules[0]):
        apply("abc", edits)


def test_a_cleaner_with_overlapping_proposals_is_found_out():
    with pytest.raises(EditMismatchError):
        clean("abc", (lambda _text: (Edit(0, "ab", "", ("one",)), Edit(1, "bc", "", ("two",))),))
