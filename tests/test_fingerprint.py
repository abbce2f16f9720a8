"""Equal texts look equal, near copies meet in a band, and the exact measures are measures."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.fingerprint import BANDS, SHINGLE, cased_words, containment, digest, jaccard, shingles, sketch, words

texts = st.lists(st.sampled_from(("harbor", "dike", "the", "mayor", "vote", "lock", "on", "of")), max_size=40).map(
    " ".join
)
ALPHABET = [f"word{number}" for number in range(3_000)]


def of(text: str) -> frozenset[tuple[str, ...]]:
    return shingles(words(text))


@given(texts)
def test_equal_texts_have_equal_sketches_and_digests(text: str):
    again = f"  {text.upper()} … "
    assert sketch(words(text)) == sketch(words(again))
    assert digest(words(text)) == digest(words(again))
    assert len(sketch(words(text))) == (BANDS if words(text) else 0)


@given(texts, texts)
def test_similarity_is_the_same_from_both_sides_and_between_0_and_1(a: str, b: str):
    for measure in (jaccard, containment):
        assert measure(of(a), of(b)) == measure(of(b), of(a))
        assert 0 <= jaccard(of(a), of(b)) <= containment(of(a), of(b)) <= 1


@given(texts, texts)
def test_only_equal_sets_of_shingles_are_wholly_similar(a: str, b: str):
    assert (jaccard(of(a), of(b)) == 1) == (bool(of(a)) and of(a) == of(b))
    assert (jaccard(of(a), of(b)) == 0) == (not of(a) & of(b))


@given(texts, texts)
def test_a_part_is_contained_in_the_whole(a: str, b: str):
    if len(words(a)) >= SHINGLE:
        assert containment(of(a), of(f"{a} {b}")) == 1


def test_an_empty_text_is_like_nothing_not_even_itself():
    assert (words(""), of(""), sketch(())) == ((), frozenset(), ())
    assert jaccard(of(""), of("")) == containment(of(""), of("dike")) == 0


@pytest.mark.parametrize("text", ["dike", "the dike broke", "dike " * 5000])
def test_a_text_of_few_words_has_one_shingle(text: str):
    assert len(of(text)) == 1
    assert len(sketch(words(text))) == BANDS
    assert jaccard(of(text), of(text)) == 1


def test_random_near_copies_meet_in_at_least_one_band():
    chance = random.Random(20_241_014)  # noqa: S311 - the same numbers in every run
    met = pairs = 0
    while pairs < 300:
        text = [chance.choice(ALPHABET) for _ in range(chance.randint(60, 500))]
        copy = edited(text, chance)
        if jaccard(shingles(tuple(text)), shingles(tuple(copy))) >= 0.85:
            pairs += 1
            met += bool(set(sketch(tuple(text))) & set(sketch(tuple(copy))))
    assert met >= 0.99 * pairs


def test_random_unlike_texts_hardly_ever_meet():
    chance = random.Random(20_241_015)  # noqa: S311 - the same numbers in every run
    sketches = [sketch(tuple(chance.choice(ALPHABET) for _ in range(200))) for _ in range(150)]
    bands = [band for one in sketches for band in one]
    assert len(set(bands)) == len(bands)


def edited(text: list[str], chance: random.Random) -> list[str]:
    """A copy with some words replaced, left out or put in, at the most as many as a near copy bears."""
    copy = list(text)
    for _ in range(chance.randint(0, max(1, len(text) // 55))):
        place, new = chance.randrange(len(copy)), chance.choice(ALPHABET)
        copy[place : place + chance.choice((0, 1))] = chance.choice(([], [new]))
    return copy


def test_numbers_in_a_sketch_fit_a_column_of_64_bits():
    assert all(0 <= band < 2**64 for band in sketch(words("the harbor board voted on monday")))


def test_a_sketch_is_the_same_on_every_machine():
    found = words("The harbor board voted on Monday.")
    assert sketch(found)[:2] == (14524773093912512631, 15018673146905041611)
    assert digest(found) == "732a39789b634fd46b3a5ce0d0fe065f"


def test_texts_in_scripts_without_spaces_have_shingles():
    chinese, changed = (
        "港口委员会星期一决定推迟建设新的堤坝直到明年春天",
        "港口委员会星期二决定推迟建设新的堤坝直到明年春天",
    )
    assert len(of(chinese)) == len(chinese) - SHINGLE + 1
    assert 0.5 < jaccard(of(chinese), of(changed)) < 1
    assert len(of("港の委員会は月曜日に決めた")) > 5
    assert len(of("คณะกรรมการท่าเรือลงมติ")) > 5


def test_accents_compare_equal_however_they_are_spelled():
    assert digest(words("cafe\u0301 a\u030a")) == digest(words("CAFÉ Å"))
    assert cased_words("Cafe\u0301") == ("Café",)


def test_a_text_of_a_megabyte_is_sketched_in_a_moment():
    text = " ".join(f"w{number % 70_000}" for number in range(160_000))
    assert len(text) > 1_000_000
    start = time.process_time()
    assert len(sketch(words(text))) == BANDS
    assert time.process_time() - start < 5


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_compared(text: str):
    found = words(text)
    assert all(found)
    assert len(sketch(found)) == (BANDS if found else 0)
    assert len(digest(words(text))) == 32
