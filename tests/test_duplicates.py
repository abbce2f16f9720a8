"""The survivor rule is a function of the set of articles, and every duplicate names a survivor it matches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.duplicates import (
    MAX_FORM,
    MIN_OVERLAP,
    MIN_REVISION,
    Decision,
    Entry,
    Overlap,
    Pair,
    Rule,
    compare,
    decide,
    identifies,
)

DAY = datetime(2024, 10, 14, tzinfo=UTC)
URL = "https://ledger.example/news/board-delays-the-dike"
RULE = Rule()


def entry(name: str, digest: str | None = None, length: int = 100, **more: object) -> Entry:
    return Entry(name, digest or name, length, **more)  # type: ignore[arg-type]


def likeness(
    entries: list[Entry], similar: Mapping[frozenset[str], Pair], default: Pair | None = None
) -> Callable[[str, str], Pair]:
    """A `compare` that knows how similar two digests are; equal ones are equal."""
    digests = {one.id: one.digest for one in entries}

    def look_up(a: str, b: str) -> Pair:
        if digests[a] == digests[b]:
            return Pair(1.0, 1.0, is_template=False)
        return similar.get(frozenset((digests[a], digests[b])), default or Pair(0.0, 0.0, is_template=False))

    return look_up


def of_names(entries: list[Entry], **similar: float) -> Callable[[str, str], Pair]:
    """`likeness` from names: `a_b=0.9`."""
    pairs = {frozenset(names.split("_")): Pair(value, value, is_template=False) for names, value in similar.items()}
    return likeness(entries, pairs)


def every(entries: list[Entry]) -> dict[str, list[str]]:
    """Buckets in which all articles meet."""
    return {one.id: ["bucket"] for one in entries}


# ---- laws


@dataclass
class World:
    """Some articles, how alike they are, and which pairs were found."""

    entries: list[Entry]
    compare: Callable[[str, str], Pair]
    buckets: dict[str, list[int]]
    rule: Rule


@st.composite
def worlds(draw: st.DrawFn) -> World:
    times = st.one_of(st.none(), st.integers(0, 3).map(lambda day: DAY + timedelta(days=day)))
    made = [
        Entry(
            f"{number:02}",
            draw(st.sampled_from("ABCDEF")),
            draw(st.integers(1, 3)),
            draw(st.sampled_from((None, "one.example", "two.example"))),
            draw(st.sampled_from((None, URL, f"{URL}-again", "https://ledger.example/"))),
            draw(times),
            draw(times),
        )
        for number in range(draw(st.integers(0, 8)))
    ]
    values = st.sampled_from((0.0, 0.1, 0.3, 0.5, 0.79, 0.8, 0.9))
    similar = {
        frozenset(two): Pair(draw(values), draw(values), is_template=draw(st.booleans()))
        for two in combinations("ABCDEF", 2)
    }
    similar = {two: replace(pair, containment=max(pair.jaccard, pair.containment)) for two, pair in similar.items()}
    meeting = {digest: draw(st.lists(st.integers(0, 4), unique=True)) for digest in "ABCDEF"}
    prefer = draw(st.sampled_from(((), ("two.example",), ("two.example", "one.example"))))
    return World(made, likeness(made, similar), {one.id: meeting[one.digest] for one in made}, Rule(0.8, prefer))


def verdict(world: World) -> Decision:
    return decide(world.entries, world.buckets, world.compare, world.rule)


def meet(world: World, a: str, b: str) -> bool:
    return bool(set(world.buckets[a]) & set(world.buckets[b]))


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_articles_and_buckets_does_not_matter(world: World, chance):
    entries = chance.sample(world.entries, len(world.entries))
    buckets = {one.id: chance.sample(world.buckets[one.id], len(world.buckets[one.id])) for one in entries}
    again = decide(iter(entries), buckets, world.compare, world.rule)
    expected = verdict(world)
    assert again.duplicates == expected.duplicates
    assert again.shared_urls == expected.shared_urls
    assert again.overlaps == expected.overlaps


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_every_duplicate_names_a_survivor_that_it_matches_itself(world: World):
    known = {one.id: one for one in world.entries}
    gone = verdict(world).duplicates
    for name, duplicate in gone.items():
        pair = world.compare(name, duplicate.of)
        assert duplicate.of in known
        assert duplicate.of not in gone
        assert duplicate.similarity == pair.jaccard
        match duplicate.kind:
            case "exact":
                assert known[name].digest == known[duplicate.of].digest
            case "near":
                assert pair.jaccard >= world.rule.threshold
                assert not pair.is_template
            case "revision":
                assert pair.containment >= MIN_REVISION
                assert known[name].url
                assert identifies(known[name].url or "")


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_no_two_survivors_have_the_same_words_or_were_found_alike(world: World):
    gone = verdict(world).duplicates
    staying = [one for one in world.entries if one.id not in gone]
    assert len({one.digest for one in staying}) == len(staying)
    kept = {one.id for one in staying}
    for a, b in combinations(sorted(kept), 2):
        if meet(world, a, b):
            pair = world.compare(a, b)
            assert pair.jaccard < world.rule.threshold or pair.is_template


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_overlaps_are_between_survivors_and_verified(world: World):
    decision = verdict(world)
    for overlap in decision.overlaps:
        assert not {overlap.id, overlap.other_id} & decision.duplicates.keys()
        assert world.compare(overlap.id, overlap.other_id).containment == overlap.containment >= MIN_OVERLAP
    assert len({(one.id, one.other_id) for one in decision.overlaps}) == len(decision.overlaps)


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_shared_urls_are_those_of_survivors_that_have_one(world: World):
    decision = verdict(world)
    known = {one.id: one for one in world.entries}
    for name in decision.shared_urls:
        assert name not in decision.duplicates
        assert known[name].url in (URL, f"{URL}-again")


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_what_was_decided_stands_when_it_is_decided_again_without_the_duplicates(world: World):
    gone = verdict(world).duplicates
    staying = [one for one in world.entries if one.id not in gone]
    again = decide(staying, world.buckets, world.compare, world.rule)
    assert not [name for name, duplicate in again.duplicates.items() if duplicate.kind != "revision"]


# ---- examples


def test_nothing_chains():
    entries = [entry("a", length=3), entry("b", length=2), entry("c", length=1)]
    found = decide(entries, every(entries), of_names(entries, a_b=0.9, b_c=0.9), RULE)
    assert {name: duplicate.of for name, duplicate in found.duplicates.items()} == {"b": "a"}


def test_the_earliest_known_publication_stays_then_the_longer_text_then_the_smaller_id():
    late, early, unknown = (
        entry("a", "x", published_at=DAY + timedelta(days=1)),
        entry("b", "x", published_at=DAY),
        entry("c", "x", length=999),
    )
    found = decide([late, early, unknown], {}, of_names([late, early, unknown]), RULE).duplicates
    assert {name: duplicate.of for name, duplicate in found.items()} == {"a": "b", "c": "b"}
    long, short, twin = entry("z", "x", length=9), entry("b", "x", length=8), entry("c", "x", length=8)
    found = decide([short, long, twin], {}, of_names([short, long, twin]), RULE).duplicates
    assert {name: duplicate.of for name, duplicate in found.items()} == {"b": "z", "c": "z"}
    assert list(decide([short, twin], {}, of_names([short, twin]), RULE).duplicates) == ["c"]


def test_a_preferred_site_leads_whatever_the_dates_say():
    early, preferred = entry("a", "x", site="one.example", published_at=DAY), entry("b", "x", site="two.example")
    found = decide([early, preferred], {}, of_names([early, preferred]), Rule(prefer=("two.example",))).duplicates
    assert found["a"].of == "b"


def test_copies_with_the_same_words_and_different_dates_are_exact():
    entries = [entry("a", "x", published_at=DAY), entry("b", "x", published_at=DAY - timedelta(days=400))]
    found = decide(entries, {}, of_names(entries), RULE).duplicates
    assert (found["a"].of, found["a"].kind, found["a"].similarity) == ("b", "exact", 1.0)


def test_a_form_filled_in_twice_is_not_merged_but_may_be_an_overlap():
    entries = [entry("a"), entry("b")]
    form = {frozenset("ab"): Pair(0.9, 0.95, is_template=True)}
    found = decide(entries, every(entries), likeness(entries, form), RULE)
    assert found.duplicates == {}
    assert found.overlaps == (Overlap("a", "b", 0.95, 0.9),)


def test_the_overlap_is_that_of_the_copy_that_stays():
    entries = [entry("a", "x", length=9), entry("z", "x", length=9, published_at=DAY), entry("b", "y", length=5)]
    inside = {frozenset("xy"): Pair(0.5, 1.0, is_template=False)}
    found = decide(entries, every(entries), likeness(entries, inside), RULE)
    assert list(found.duplicates) == ["a"]
    assert found.overlaps == (Overlap("b", "z", 1.0, 0.5),)


def test_the_newest_fetch_of_a_page_stays_and_an_unknown_one_goes():
    entries = [
        entry("a", url=URL, fetched_at=DAY, length=900, published_at=DAY),
        entry("b", url=URL, fetched_at=DAY + timedelta(days=1)),
        entry("c", url=URL),
    ]
    found = decide(entries, {}, of_names(entries, a_b=0.4, b_c=0.3, a_c=0.9), RULE)
    assert {name: (one.of, one.kind) for name, one in found.duplicates.items()} == {
        "a": ("b", "revision"),
        "c": ("b", "revision"),
    }
    assert found.shared_urls == frozenset()


def test_two_unlike_texts_of_one_address_both_stay_and_say_so():
    entries = [entry("a", url=URL), entry("b", url=URL)]
    found = decide(entries, {}, of_names(entries, a_b=0.29), RULE)
    assert (found.duplicates, found.shared_urls) == ({}, frozenset("ab"))


def test_an_address_of_more_than_three_unlike_texts_identifies_nothing():
    entries = [entry(name, url=URL, fetched_at=DAY) for name in "abcd"] + [entry("e", url=URL)]
    found = decide(entries, {}, of_names(entries, a_e=0.7), RULE)
    assert (found.duplicates, found.shared_urls) == ({}, frozenset("abcde"))
    three = [entry(name, url=URL, fetched_at=DAY) for name in "abc"] + [entry("e", url=URL)]
    assert decide(three, {}, of_names(three, a_e=0.7), RULE).duplicates["e"].of == "a"


def test_a_revision_of_a_copy_goes_where_the_copy_went_or_stays():
    entries = [entry("old", url=URL), entry("new", "x", url=URL, fetched_at=DAY), entry("first", "x", published_at=DAY)]
    like = {frozenset(("old", "x")): Pair(0.4, 0.5, is_template=False)}
    found = decide(entries, {}, likeness(entries, like), RULE).duplicates
    assert {name: (one.of, one.kind) for name, one in found.items()} == {
        "new": ("first", "exact"),
        "old": ("first", "revision"),
    }


def test_no_articles_need_no_decision():
    assert decide([], {}, compare, RULE) == Decision({}, frozenset(), ())


@pytest.mark.parametrize(
    "url",
    [
        "https://ledger.example", "https://ledger.example/", "https://ledger.example/news", "https://ledger.example/news/local/",
        "https://ledger.example/index.html", "https://ledger.example/news/index.php", "https://ledger.example/default.aspx",
        "https://ledger.example/news?page=2", "https://ledger.example/?paged=3", "https://ledger.example/index.php?start=20",
        "https://ledger.example/top-news", "",
    ],
)  # fmt: skip
def test_front_and_section_pages_identify_nothing(url: str):
    assert not identifies(url)
    entries = [entry("a", url=url), entry("b", url=url, fetched_at=DAY)]
    assert decide(entries, {}, of_names(entries, a_b=0.7), RULE).duplicates == {}


@pytest.mark.parametrize(
    "url",
    [
        URL, "https://ledger.example/?p=1234", "https://ledger.example/a/b/c/dike", "https://ledger.example/story.html",
        "https://ledger.example/index.php?id=77", "https://ledger.example/news/2024/10/14/dike", "https://ledger.example/a1",
        "https://ledger.example/board_delays_the_dike",
    ],
)  # fmt: skip
def test_the_address_of_an_article_identifies_it(url: str):
    assert identifies(url)


# ---- exact comparison

REPORT = (
    "{home} beat {away} {score} at {place} on {day} in front of {crowd} people. {scorer} scored the first goal after "
    "{minute} minutes and the second goal shortly before half time. The visitors came back after the break but never "
    "found a way through, and the referee, who showed four yellow cards, ended the match on time in heavy rain."
)
STANDING = (
    "The table is kept by the league and is brought up to date on the morning after the last match of the round. "
    "Tickets for the next round can be had at the gate, and children under twelve who come with a grown person "
    "need not pay."
)
ONE = REPORT.format(
    home="Ayr", away="Luss", score="3-1", place="Oban", day="Monday", crowd="1,204", scorer="Roe", minute="12"
)
OTHER = REPORT.format(
    home="Mull", away="Tarbert", score="2-0", place="Perth", day="Friday", crowd="977", scorer="Poe", minute="31"
)


def test_two_reports_written_with_one_form_are_a_template():
    pair = compare(f"{ONE} {STANDING}", f"{OTHER} {STANDING}")
    assert pair.jaccard > 0.5
    assert pair.is_template


def test_a_copy_with_one_number_put_right_is_no_template():
    assert not compare(ONE, ONE.replace("1,204", "1,240")).is_template
    assert compare(ONE, ONE) == Pair(1.0, 1.0, is_template=False)


def test_a_story_inside_another_is_contained_in_it():
    pair = compare(ONE, f"{ONE} {'And then there was much more to say about the dike. ' * 3}")
    assert pair.containment == 1
    assert pair.jaccard < 1


def test_long_texts_are_compared_in_a_moment():
    long = [f"w{number % 997}" for number in range(10 * MAX_FORM)]
    other = [f"Z{number}" if number % 50 == 0 else word for number, word in enumerate(long)]
    start = time.process_time()
    pair = compare(" ".join(long), " ".join(other))
    assert not pair.is_template
    assert time.process_time() - start < 5
