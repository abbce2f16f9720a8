"""Bylines, mentions of persons, and names that are one."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaners.model import NameLexicon, PersonMention
from cleaners.names import is_byline, name_key, parse_byline, parse_lexicon, person_mentions, same_person

ROOT = Path(__file__).resolve().parent.parent
EVAL = Path(os.environ.get("COPYDESK_EVAL", ROOT.parent / "shared" / "eval"))


@cache
def lexicon() -> NameLexicon:
    files = [*ROOT.glob("cleaners/lexicons/names.*.toml"), *ROOT.glob("cleaners/aliases/*.toml")]
    return parse_lexicon({file.stem: tomllib.loads(file.read_text("utf-8")) for file in files})


def authors(byline: str) -> list[tuple[str | None, str | None]]:
    return [(author.name, author.organization) for author in parse_byline(byline, lexicon())]


def names(byline: str) -> list[str | None]:
    return [name for name, _ in authors(byline)]


def mentions(text: str, language: str = "en") -> list[tuple[str, str]]:
    return [(m.surface, m.value) for m in person_mentions(text, language, lexicon())]


def methods(text: str) -> list[str]:
    return [m.method for m in person_mentions(text, "en", lexicon())]


# --- bylines

BYLINES: Sequence[tuple[str, list[tuple[str | None, str | None]]]] = (
    ("By Mary Miller", [("Mary Miller", None)]),
    ("By: Mary Miller", [("Mary Miller", None)]),
    ("By Mary Miller (Prairie News Service)", [("Mary Miller", "Prairie News Service")]),
    ("By Mary Miller and Omar Haddad | Reuters", [("Mary Miller", "Reuters"), ("Omar Haddad", "Reuters")]),
    ("By Mary Miller and Omar Haddad, Reuters", [("Mary Miller", "Reuters"), ("Omar Haddad", "Reuters")]),
    ("By Mary Miller, Special to The Prairie Times", [("Mary Miller", "Prairie Times")]),
    ("Mary Miller of NBC News", [("Mary Miller", "NBC News")]),
    ("Mary Miller, Omar Haddad, Associated Press",
     [("Mary Miller", None), ("Omar Haddad", None), (None, "Associated Press")]),
    ("By the Associated Press", [(None, "Associated Press")]),
    ("By Reuters Staff", [(None, "Reuters")]),
    ("By Mary Miller, CNN Senior Political Reporter", [("Mary Miller", "CNN")]),
    ("MARY O'NEILL, Staff Writer", [("Mary O'Neill", None)]),
    ("By RONALD MCDONALD", [("Ronald McDonald", None)]),
    ("By Dr. Mary Miller, M.D.", [("Mary Miller", None)]),
    ("By Tom Miller, Jr., Markets Reporter", [("Tom Miller, Jr.", None)]),
    ("By Mary Miller mary@prairie.example @marym", [("Mary Miller", None)]),
    ("By Mary Miller | Updated Jan. 3, 2024 at 5:00 p.m.", [("Mary Miller", None)]),
    ("Mary Miller, Mary Miller, Mary Mill", [("Mary Miller", None)]),
    ("Von Anna Müller und Jörg Weber", [("Anna Müller", None), ("Jörg Weber", None)]),
    ("Por Juan Pérez García", [("Juan Pérez García", None)]),
    ("Par Jean Dupont et Claire Moreau", [("Jean Dupont", None), ("Claire Moreau", None)]),
    ("Di Chiara Rossi", [("Chiara Rossi", None)]),
    ("Door Jan de Vries", [("Jan de Vries", None)]),
    ("Reporting by Mary Miller; Editing by Omar Haddad", [("Mary Miller", None)]),
    ("CNN's Mary Miller contributed to this report.", [("Mary Miller", "CNN")]),
    ("Mary Miller is a politics reporter for the Gazette.", [("Mary Miller", "Gazette")]),
    ("By bringing order to the docks, the port hopes to win back trade.", []),
    ("By contrast, in Ohio, where the vote was close, nobody slept.", []),
    ("By the end of the day, Mary Miller had left.", []),
    ("BY THE NUMBERS", []),
    ("", []),
)  # fmt: skip


@pytest.mark.parametrize(("byline", "expected"), BYLINES)
def test_a_byline_becomes_its_authors(byline: str, expected: list[tuple[str | None, str | None]]):
    assert authors(byline) == expected


def test_the_raw_piece_of_every_author_stands_in_the_byline():
    byline = "By MARY MILLER (Reuters) and  Omar Haddad of NBC News"
    assert all(author.raw in byline for author in parse_byline(byline, lexicon()))


@pytest.mark.parametrize(
    "line",
    [
        "By Mary Miller (Prairie News Service)",
        "MARY MILLER, Staff Writer",
        "By Mary Miller and Omar Haddad | Reuters",
        "Von Anna Müller",
        "By Associated Press",
        "Mary Miller, BBC News",
        "By Mary Miller, BBC News, Paris",
    ],
)
def test_a_line_that_only_signs_is_a_byline(line: str):
    assert is_byline(line, lexicon())


@pytest.mark.parametrize(
    "line",
    [
        "By all accounts the harvest was good.",
        "Mary Miller",
        "Mary Miller Wins Again",
        "By the numbers",
        "By Christmas Eve",
        "By Supreme Court Order",
        "Von Berlin nach Paris",
        "Von der Leyen warnt die Mitglieder",
        "Mary Miller, chief of staff",
        "Sen. Mary Miller of Ohio",
        "Mary Miller said so. By Omar Haddad",
        "A farmer looks at the sky. Mary Miller/AP",
        "Reuters' Mary Miller and a friend (Omar Haddad)",
        "By Mary Miller?",
        "",
        "By",
    ],
)
def test_other_lines_are_no_bylines(line: str):
    assert not is_byline(line, lexicon())


# --- mentions


def test_a_surname_refers_to_the_full_name_that_stands_before_or_after():
    text = "Haddad was late, Mr. Haddad said. Omar Haddad is a baker. Haddad sells bread."
    assert {value for _, value in mentions(text)} == {"Omar Haddad"}
    assert methods("Omar Haddad bakes. Mr. Haddad sings. Haddad sleeps.") == ["full", "title", "surname"]


def test_titles_are_evidence_but_not_part_of_the_span():
    assert mentions("On Monday Gen. Zyxa Qwert met President Plonk.") == [
        ("Zyxa Qwert", "Zyxa Qwert"),
        ("Plonk", "Plonk"),
    ]


def test_the_possessive_is_not_part_of_the_span():
    assert mentions("They read Mary Miller’s book. It was Miller's first.")[1] == ("Miller", "Mary Miller")


def test_two_people_of_one_surname_stay_apart():
    text = "Mary Miller met Tom Miller. Miller laughed. Then Mary Miller left. Miller wept."
    assert [value for _, value in mentions(text)] == [
        "Mary Miller", "Tom Miller", "Tom Miller", "Mary Miller", "Mary Miller",
    ]  # fmt: skip


def test_a_bare_surname_before_two_full_names_stays_itself():
    assert mentions("Mr. Miller came. Mary Miller and Tom Miller followed.")[0] == ("Miller", "Miller")


def test_spelling_variants_of_a_listed_person_share_value_and_key():
    text = "Muammar Qaddafi spoke. Later Gadhafi left."
    found = person_mentions(text, "en", lexicon())
    assert {m.value for m in found} == {"Moammar Gadhafi"}
    assert len({m.key for m in found}) == 1
    assert found[0].method == "alias"


def test_a_stray_capital_before_a_known_name_is_left_out():
    (found,) = person_mentions("Foreign Minister JMohammad Javad Zarif replied.", "en", lexicon())
    assert (found.surface, found.start) == ("Mohammad Javad Zarif", 18)


def test_a_particle_belongs_to_the_surname():
    text = "Yesterday Anna van Dyck sang. Later van Dyck slept. Van Dyck dreams."
    assert mentions(text)[1:] == [("van Dyck", "Anna van Dyck"), ("Van Dyck", "Anna van Dyck")]


def test_a_headline_glued_to_a_name_is_cut_off():
    assert mentions("They asked Sen. Mary Ann MillerFive takeaways from the debate")[0][0] == "Mary Ann Miller"


@pytest.mark.parametrize(
    "text",
    [
        "On Wednesday the House of Representatives and the Supreme Court met in New York.",
        "The United States and South Korea signed. Germans cheered in October.",
        "Trump Tower stands on Fifth Avenue.",
        "Nevertheless the harvest was good. Prices fell.",
        "The State Department and Wall Street agreed on Christmas Eve.",
    ],
)
def test_places_institutions_and_days_are_no_persons(text: str):
    assert mentions(text) == []


def test_german_nouns_are_no_persons():
    text = "Die Stadt Berlin plant einen Neuen Markt. Bürgermeister und Polizei lobten den Großen Plan."
    assert mentions(text, "de") == []


def test_full_names_and_their_surnames_are_found_in_other_languages():
    text = "Gestern traf Anna Müller die Presse. Müller schwieg."
    assert mentions(text, "de") == [("Anna Müller", "Anna Müller"), ("Müller", "Anna Müller")]


def test_offsets_count_code_points():
    text = "😀 Mary Miller"
    assert [(m.start, m.end) for m in person_mentions(text, "en", lexicon())] == [(2, 13)]


def test_text_from_right_to_left_holds_nothing_and_harms_nothing():
    assert mentions("قال الرئيس إن الاجتماع كان جيدا", "ar") == []


WORDS = [
    "Mary",
    "Miller",
    "Mr.",
    "Trump",
    "JMohammad",
    "al-Assad",
    "Jr.",
    "said",
    "the",
    "New",
    "York",
    "O’Neill",
    "MillerFive",
    "By",
    "(Reuters)",
    "and",
    ",",
    ".",
    "\n",
    "bin",
    "Kim",
    "Jong-un",
    "'s",
    "J.",
    "😀",
    "ß",
    "Ǆ",
]
texts = st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join) | st.lists(st.sampled_from(WORDS)).map("".join)


def _well_formed(text: str, found: Sequence[PersonMention]) -> Iterator[bool]:
    for m in found:
        yield text[m.start : m.end] == m.surface != ""
        yield bool(m.value)
        yield bool(m.key)
    for left, right in pairwise(found):
        yield left.end <= right.start


@given(texts, st.sampled_from(["en", "de", "ar", "und"]))
def test_mentions_of_any_text_are_ordered_apart_and_point_at_their_surface(text: str, language: str):
    found = person_mentions(text, language, lexicon())
    assert all(_well_formed(text, found))
    assert person_mentions(text, language, lexicon()) == found


@given(texts)
def test_any_byline_can_be_read_and_twice_the_same(text: str):
    found = parse_byline(text, lexicon())
    assert parse_byline(text, lexicon()) == found
    assert all(author.name or author.organization for author in found)
    assert is_byline(text, lexicon()) in {True, False}


@given(texts, texts)
def test_any_two_names_can_be_compared_in_either_order(a: str, b: str):
    assert same_person(a, b, lexicon()) == same_person(b, a, lexicon())
    assert name_key(a, lexicon()) == name_key(a, lexicon())


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "A",
        "Mary Miller ",
        "Mr. Smith ",
        "MARY ",
        "O'",
        "A.",
        "By Mary Miller, ",
        " ",
        "(",
        "Jr., ",
        "@",
        "a@",
        "-",
        "Miller said ",
        "Abcdefghij-",
        "Mary ",
        "Zyxa ",
        "Mr. ",
        "al-",
        "'s ",
        "and ",
        "and Mary ",
        "(Reuters) ",
        "of ",
        "in Paris ",
        ". ",
    ],
)
def test_long_input_takes_time_in_proportion(unit: str):
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    person_mentions(text, "en", lexicon())
    parse_byline(text, lexicon())
    assert time.process_time() - start < 10  # seconds; quadratic behaviour takes minutes


def test_a_thousand_authors_are_read():
    surnames = [f"M{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{'x' * (i // 676)}ller" for i in range(1000)]
    byline = "By " + ", ".join(f"Mary {surname}" for surname in surnames)
    assert len(parse_byline(byline, lexicon())) == 1000


def test_a_thousand_namesakes_are_told_apart():
    given_names = [chr(65 + i % 26) + chr(97 + i // 26 % 26) + "zor" + "u" * (i // 676) for i in range(1000)]
    text = ". ".join(f"Mr. {first} Miller met Miller" for first in given_names)
    assert len({value for _, value in mentions(text)}) > 900


# --- keys and pairs

SAME = (
    ("Qasem Soleimani", "Qassem Soleimani"),
    ("Moammar Gadhafi", "Muammar el-Qaddafi"),
    ("Mohammed Khatib", "Muhammad al-Khateeb"),
    ("Bob Miller", "Robert J. Miller"),
    ("José Ramírez", "Jose Ramirez"),
    ("Sergei Ivanov", "Sergey Ivanov"),
    ("Kim Jong Un", "Kim Jong-un"),
    ("Sen. Mary Miller", "Mary Miller"),
)
DIFFERENT = (
    ("Mike Pence", "Mike Pompeo"),
    ("Hillary Clinton", "Bill Clinton"),
    ("Donald Trump", "Donald Trump Jr."),
    ("Kim Jong Un", "Kim Jong Il"),
    ("George W. Bush", "George H.W. Bush"),
    ("Mary Miller", "Tom Miller"),
    ("Hassan Karimi", "Hussein Karimi"),
)


@pytest.mark.parametrize(("a", "b"), SAME)
def test_spellings_of_one_name_have_one_key(a: str, b: str):
    assert same_person(a, b, lexicon())
    assert name_key(a, lexicon()) == name_key(b, lexicon())


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_people_have_different_keys(a: str, b: str):
    assert not same_person(a, b, lexicon())
    assert name_key(a, lexicon()) != name_key(b, lexicon())


def test_initials_and_middle_names_agree_or_contradict():
    assert same_person("J. Miller", "Jane Miller", lexicon())
    assert same_person("Jane Q. Miller", "Jane Quinn Miller", lexicon())
    assert not same_person("Jane Q. Miller", "Jane R. Miller", lexicon())


# --- the lexicon


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"names.mine": {"titels": ["mr"]}}, "names.mine.toml: titels: unknown key"),
        ({"names.mine": {"titles": "mr"}}, "names.mine.toml: titles: must be a list"),
        ({"names.mine": {"titles": ["mr", 7]}}, "names.mine.toml: titles: 7 is not a word"),
        ({"mine": {"person": [{"variants": []}]}}, "mine.toml: person: every entry needs a name"),
        ({"mine": {"person": [{"name": "A B", "alias": []}]}}, "mine.toml: person 'A B': unknown key alias"),
        ({"mine": {"person": [{"name": "A B"}, {"name": "C D", "variants": ["A B"]}]}}, "'A B' stands for"),
    ],
)
def test_a_bad_table_is_refused_with_file_key_and_reason(tables: Mapping[str, Mapping[str, object]], message: str):
    with pytest.raises(ValueError, match=message):
        parse_lexicon(tables)


def test_the_lexicon_survives_pickling():
    assert pickle.loads(pickle.dumps(lexicon())) == lexicon()  # noqa: S301


def test_an_empty_lexicon_is_harmless():
    assert parse_byline("By Mary Miller", NameLexicon()) is not None
    assert parse_lexicon({}) is not None
    assert person_mentions("Mary Miller spoke.", "en", NameLexicon()) is not None


# --- quality, on data that is not part of the project; the floors stand a little below what was measured

needs_data = pytest.mark.skipif(
    not (EVAL / "names").is_dir(), reason=f"no evaluation data at {EVAL}; set COPYDESK_EVAL"
)


def _scorer(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EVAL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _gold(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EVAL / "names" / f"{name}.jsonl").read_text("utf-8").splitlines() if line]


def _byline_record(record: Mapping[str, Any]) -> dict[str, Any]:
    found = parse_byline(record["byline"], lexicon())
    orgs = [author.organization for author in found if author.organization]
    return {"id": record["id"], "authors": [author.name for author in found if author.name], "orgs": orgs}


def _mention_record(record: Mapping[str, Any]) -> dict[str, Any]:
    found = person_mentions(record["text"], "en", lexicon())
    return {
        "id": record["id"],
        "mentions": [{"start": m.start, "end": m.end, "canonical": m.value} for m in found],
    }


@needs_data
def test_bylines_are_read_as_well_as_measured():
    gold = _gold("bylines")
    result, _ = _scorer("score_bylines").score(gold, [_byline_record(record) for record in gold])
    assert result["authors"]["F1"] >= 0.98
    assert result["record"] >= 0.96


@needs_data
@pytest.mark.parametrize(("name", "strict", "canonical"), [("mentions", 0.96, 0.89), ("seeds", 0.98, 0.98)])
def test_mentions_are_found_as_well_as_measured(name: str, strict: float, canonical: float):
    gold = _gold(name)
    result, _ = _scorer("score_names").score(gold, [_mention_record(record) for record in gold])
    assert result["strict"]["F1"] >= strict
    assert result["canonical_acc"] >= canonical


@needs_data
@pytest.mark.parametrize(("name", "floor"), [("pairs_news", 0.97), ("pairs_us_congress", 0.97)])
def test_pairs_of_names_are_told_apart_as_well_as_measured(name: str, floor: float):
    gold = _gold(name)
    predicted = [{"id": r["id"], "same": same_person(r["a"], r["b"], lexicon())} for r in gold]
    result = _scorer("score_names").pairs(gold, predicted, 0.5)
    assert result["F1"] >= floor
    assert result["P"] >= 0.98
