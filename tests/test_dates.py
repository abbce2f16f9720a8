"""Dates are found where they stand, mean what they say, and are never invented."""

import importlib
import json
import os
import pickle
import re
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.dates import date_in_url, date_mentions, parse_lexicon, publication_date
from cleaners.model import DateMention, PublishedDate

ROOT = Path(__file__).resolve().parent.parent
EVALUATION = Path(os.environ.get("COPYDESK_EVAL", str(ROOT.parent / "shared" / "eval")))
TABLES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "cleaners" / "lexicons").glob("dates.*.toml"))
}
LEXICON = parse_lexicon(TABLES)
LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl", "ar", "ru")

needs_evaluation = pytest.mark.skipif(
    not (EVALUATION / "score_dates.py").exists(),
    reason="the evaluation data is absent; point COPYDESK_EVAL at its folder",
)


def on(day: str) -> PublishedDate:
    written = date.fromisoformat(day)
    value = datetime(written.year, written.month, written.day, tzinfo=UTC)
    return PublishedDate(value, "day", day, local_date=written)


def header(text: str, language: str | None = None, site: str | None = None) -> PublishedDate | None:
    return publication_date([("meta", text)], language, LEXICON, site)


def mentions(text: str, published: str | None = None, language: str = "en") -> list[tuple[str, str]]:
    found = date_mentions(text, on(published) if published else None, language, LEXICON)
    return [(one.surface, one.value) for one in found]


# ---- headers

HEADERS = [
    ("2024-10-14T15:15:02Z", None, "2024-10-14T15:15:02", "second"),
    ("2024-10-14T15:15:02.5+02:00", None, "2024-10-14T13:15:02.500000", "second"),
    ("2024-10-14T15:15-0400", None, "2024-10-14T19:15:00", "minute"),
    ("2024-10-14T15Z", None, "2024-10-14T15:00:00", "hour"),
    ("2024-10-14", None, "2024-10-14T00:00:00", "day"),
    ("2024-10", None, "2024-10-01T00:00:00", "month"),
    ("2024", None, "2024-01-01T00:00:00", "year"),
    ("20241014T151502Z", None, "2024-10-14T15:15:02", "second"),
    ("2024-W42-1", None, "2024-10-14T00:00:00", "day"),
    ("2024-288", None, "2024-10-14T00:00:00", "day"),
    ("1728918900", None, "2024-10-14T15:15:00", "second"),
    ("1728918900123", None, "2024-10-14T15:15:00.123000", "second"),
    ("Mon, 14 Oct 2024 15:15:00 -0400", None, "2024-10-14T19:15:00", "second"),
    ("Mon Oct 14 15:15:00 +0000 2024", None, "2024-10-14T15:15:00", "second"),
    ("Published 3:15 PM EDT Oct. 14, 2024", "en", "2024-10-14T19:15:00", "minute"),
    ("Filed 9 a.m. PST, January 3, 2024", "en", "2024-01-03T17:00:00", "hour"),
    ("Jan. 3, 2024 11:00 pm ET", "en", "2024-01-04T04:00:00", "minute"),
    ("July 3, 2024 11:00 pm ET", "en", "2024-07-04T03:00:00", "minute"),
    ("Ana Lima07:05, 9 Apr 2024Updated 08:10, 9 Apr 2024", "en", "2024-04-09T07:05:00", "minute"),
    ("October 2024", "en", "2024-10-01T00:00:00", "month"),
    ("Updated 2 hours ago 2024-10-14", "en", "2024-10-14T00:00:00", "day"),
    ("9. Jänner 2024, 7:05 Uhr MEZ", "de", "2024-01-09T06:05:00", "minute"),
    ("09.01.24 um 7.05 Uhr", "de", "2024-01-09T07:05:00", "minute"),
    ("le 1er mai 2024 à 14h52", "fr", "2024-05-01T14:52:00", "minute"),
    ("9 de enero de 2024", "es", "2024-01-09T00:00:00", "day"),
    ("Ter, 9 de janeiro de 2024 às 7h05", "pt", "2024-01-09T07:05:00", "minute"),
    ("9 gennaio 2024 alle ore 7.05", "it", "2024-01-09T07:05:00", "minute"),
    ("9 января 2024 г., 07:05 МСК", "ru", "2024-01-09T04:05:00", "minute"),
    ("١٤ أكتوبر ٢٠٢٤", "ar", "2024-10-14T00:00:00", "day"),
    ("14 أكتوبر/تشرين الأول 2024 - 15:30", "ar", "2024-10-14T15:30:00", "minute"),
    ("2024年10月14日 下午3点15分", "zh", "2024-10-14T15:15:00", "minute"),
    ("2024年10月14日（月）15時15分 JST", "ja", "2024-10-14T06:15:00", "minute"),
    ("입력 2024. 10. 14. 오후 3:15", "ko", "2024-10-14T15:15:00", "minute"),
    ("2024. október 14.", "hu", "2024-10-14T00:00:00", "day"),
    ("14 listopada 2024", "pl", "2024-11-14T00:00:00", "day"),
    ("14 listopada 2024", "hr", "2024-10-14T00:00:00", "day"),
    ("14 EKİM 2024", "tr", "2024-10-14T00:00:00", "day"),
]


@pytest.mark.parametrize(("text", "language", "value", "precision"), HEADERS)
def test_a_header_is_read_exactly_as_precise_as_it_is(text: str, language: str | None, value: str, precision: str):
    found = header(text, language)
    assert found is not None
    assert (found.value.replace(tzinfo=None).isoformat(), found.precision) == (value, precision)
    assert found.raw == text


@pytest.mark.parametrize(
    "text",
    [
        "31 February 2024",
        "13/13/2024",
        "2024-02-30",
        "0000-10-14",
        "October 14, 0000",
        "14 October 99999",
        "99999-10-14",
        "2024-000",
        "2024-W60-1",
        "12345678901",
        "2 hours ago",
        "yesterday",
        "14 listopada 2024",  # October in Croatian, November in Polish
        "",
    ],
)
def test_a_date_that_does_not_exist_or_is_not_said_stays_unknown(text: str):
    assert header(text) is None


def test_a_number_pair_that_could_be_two_days_needs_a_witness():
    text = "10/11/2024"
    assert header(text, "en") is None
    for language, site, expected in [
        ("en", "www.example.co.uk", date(2024, 11, 10)),
        ("en", "https://example.gov/news", date(2024, 10, 11)),
        ("en-GB", None, date(2024, 11, 10)),
        ("de", None, date(2024, 11, 10)),
        ("es", "example.us", None),  # Spanish says one thing, the United States another
    ]:
        found = header(text, language, site)
        assert (found and found.local_date) == expected
    assert header("10/11/2024 3:00 PM EST", "en").local_date == date(2024, 10, 11)  # type: ignore[union-attr]
    assert header("Friday 10/11/2024", "en").local_date == date(2024, 10, 11)  # type: ignore[union-attr]
    assert header("13/11/2024", "en").local_date == date(2024, 11, 13)  # type: ignore[union-attr]


def test_a_time_without_a_zone_is_flagged_and_its_day_is_kept():
    found = header("October 14, 2024 at 11:30 p.m.", "en")
    assert found is not None
    assert found.flags == ("zone-unknown",)
    known = header("October 14, 2024 at 11:30 p.m. EDT", "en")
    assert known is not None
    assert (known.flags, known.value.day, known.local_date) == ((), 15, date(2024, 10, 14))


def test_a_zone_name_of_several_countries_counts_only_on_a_site_of_one():
    assert header("14 October 2024 15:15 IST", "en").flags == ("zone-unknown",)  # type: ignore[union-attr]
    found = header("14 October 2024 15:15 IST", "en", "example.in")
    assert found is not None
    assert (found.flags, found.value.hour, found.value.minute) == ((), 9, 45)


def test_a_wrong_weekday_is_flagged():
    assert header("Tuesday, 14 October 2024", "en").flags == ("weekday-mismatch",)  # type: ignore[union-attr]
    assert header("Monday, 14 October 2024", "en").flags == ()  # type: ignore[union-attr]


def test_the_publication_is_preferred_to_the_update():
    found = header("Updated June 5, 2024, published June 4, 2024", "en")
    assert found is not None
    assert found.local_date == date(2024, 6, 4)


def test_the_first_candidate_that_can_be_read_wins():
    candidates = [("record", "soon"), ("meta", "10/11/2024"), ("text", "3 May 2024"), ("url", "2024-05-04")]
    found = publication_date(candidates, "en", LEXICON)  # type: ignore[arg-type]
    assert found is not None
    assert (found.source, found.local_date) == ("text", date(2024, 5, 3))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_every_iso_time_comes_back(moment: datetime, minutes: int):
    offset = timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    text = f"{moment.isoformat(timespec='microseconds')}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    found = header(text)
    assert found is not None
    assert found.value == moment.replace(tzinfo=UTC) - offset
    assert found.local_date == moment.date()


@given(st.text(max_size=200), st.sampled_from(["en", "de", "zh", "ar", None]))
def test_no_header_crashes(text: str, language: str | None):
    assert header(text, language) == header(text, language)


@given(st.from_regex(r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,5}( [0-9:. ]{1,8})?", fullmatch=True))
def test_no_number_triple_crashes_or_invents_a_year(text: str):
    found = header(text, "en", "example.us")
    if found is not None:
        assert found.value.year % 100 in {int(number) % 100 for number in re.findall(r"\d+", text)}


# ---- addresses


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://news.example/2024/10/14/storm", "2024-10-14"),
        ("https://news.example/2024/oct/14/storm", "2024-10-14"),
        ("https://news.example/storm-2024-10-14.html", "2024-10-14"),
        ("https://news.example/a/20241014-storm", "2024-10-14"),
        ("https://news.example/2024/1014/storm", "2024-10-14"),
        ("https://news.example/2024/10/storm", None),
        ("https://news.example/2024/13/14/storm", None),
        ("https://news.example/2024/02/30/storm", None),
        ("https://news.example/id/12024101499", None),
        ("https://news.example/id/19290603", None),
    ],
)
def test_a_day_in_an_address_is_found(url: str, expected: str | None):
    assert date_in_url(url) == expected


# ---- mentions

ANCHOR = "2024-11-16"  # a Saturday
ANCHORED = [
    ("The letter was sent Oct. 14.", "Oct. 14", "2024-10-14"),
    ("The hearing was moved to last month.", "last month", "2024-10"),
    ("They met late Wednesday evening.", "late Wednesday evening", "2024-11-13TEV"),
    ("The mayor resigned in July.", "July", "2024-07"),
    ("The court will decide in January.", "January", "2025-01"),
    ("The tariffs came last week.", "last week", "2024-W45"),
    ("Prices rose this year.", "this year", "2024"),
    ("Rents doubled earlier this decade.", "earlier this decade", "202X"),
    ("The bridge closed on February 14.", "February 14", "2024-02-14"),
    ("The vote is set for Dec. 3.", "Dec. 3", "2024-12-03"),
    ("She arrived yesterday morning.", "yesterday morning", "2024-11-15TMO"),
    ("It rained last night.", "last night", "2024-11-15TNI"),
    ("He left this past Monday.", "this past Monday", "2024-11-11"),
    ("He returns next Tuesday.", "next Tuesday", "2024-11-19"),
    ("It ended last December.", "last December", "2023-12"),
    ("Fires burned last summer.", "last summer", "2024-22"),
    ("The fair opens this weekend.", "this weekend", "2024-W46-WE"),
    ("It began two weeks ago.", "two weeks ago", "2024-W44"),
    ("It begins on March 29 next year.", "March 29 next year", "2025-03-29"),
]
ABSOLUTE = [
    ("It was founded in 1776.", "1776", "1776"),
    ("Music of the 1990s is back.", "1990s", "199X"),
    ("Turnout was higher than 2016.", "2016", "2016"),
    ("In early 2020 shops closed.", "early 2020", "2020"),
    ("A 19th century mill burned.", "19th century", "18XX"),
    ("Sales fell in the third quarter of 2023.", "third quarter of 2023", "2023-35"),
    ("They wed in spring 2021.", "spring 2021", "2021-21"),
    ("On Monday, Oct. 14, 2024, they met.", "Monday, Oct. 14, 2024", "2024-10-14"),
    ("They met on the 14th of October 2024.", "14th of October 2024", "2024-10-14"),
    ("The log says 2024-10-14T10:00:00Z.", "2024-10-14T10:00:00Z", "2024-10-14"),
    ("The form is of 10/11/2024.", "10/11/2024", "2024-XX-XX"),
    ("The form is of 13/11/2024.", "13/11/2024", "2024-11-13"),
    ("The fair of June 4-6, 2023 paid.", "June 4-6, 2023", "2023-06-04/2023-06-06"),
    ("He survived the Sept. 11 attacks.", "Sept. 11", "2001-09-11"),
]


@pytest.mark.parametrize(("text", "surface", "value"), ANCHORED + ABSOLUTE)
def test_an_expression_means_a_date(text: str, surface: str, value: str):
    assert mentions(text, ANCHOR) == [(surface, value)]


@pytest.mark.parametrize(("text", "surface", "value"), ABSOLUTE)
def test_a_full_date_needs_no_publication(text: str, surface: str, value: str):
    assert mentions(text) == [(surface, value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The letter was sent Oct. 14.", "XXXX-10-14"),
        ("They met Wednesday evening.", "XXXX-WXX-3"),
        ("The mayor resigned in July.", "XXXX-07"),
        ("The tariffs came last week.", "XXXX"),
        ("The tariffs came last month.", "XXXX-XX"),
        ("The tariffs came today.", "XXXX-XX-XX"),
        ("It was in August of that year.", "XXXX-08"),
    ],
)
def test_without_a_publication_date_the_unknown_stays_unknown(text: str, value: str):
    [found] = date_mentions(text, None, "en", LEXICON)
    assert (found.value, found.anchored, found.anchor, found.earliest) == (value, True, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "They may march on in the second week while the sun sets.",
        "Theresa May and April Ryan met August Wilson.",
        "Black Friday sales filled the Sunday Times.",
        "About 2000 men, 1500 people and $2020 were lost.",
        "Over the last week, until the next day, at the last minute.",
        "On Feb. 30 and 31 April nothing happens.",
        "See example.org/2019/05/06/ and the 2019-20 season.",
        "Mar-a-Lago and Jan van Eyck.",
        "The March on Washington was his dream.",
        "Wait a second this time.",
    ],
)
def test_ordinary_words_and_amounts_are_not_dates(text: str):
    assert mentions(text, ANCHOR) == []


def test_a_range_shares_its_year():
    assert mentions("It ran from December 30 to January 2, 2019.") == [
        ("December 30", "2018-12-30"),
        ("January 2, 2019", "2019-01-02"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "de",
            "Das Treffen am Montagabend folgte dem vom 14. Oktober 2023.",
            ["2024-11-11TEV", "2023-10-14"],
        ),
        ("de", "Das Gesetz gilt seit 01.02.2023, der Antrag kam letzte Woche.", ["2023-02-01", "2024-W45"]),
        ("es", "El lunes 14 de octubre de 2024 y en mayo de 2023.", ["2024-10-14", "2023-05"]),
        ("fr", "Le 1er mai 2023, puis mardi dernier.", ["2023-05-01", "2024-11-12"]),
        ("it", "Lunedì 14 ottobre 2024 e ieri sera.", ["2024-10-14", "2024-11-15TEV"]),
        ("pt", "Na segunda-feira, 14 de outubro de 2024, e ontem.", ["2024-10-14", "2024-11-15"]),
        ("nl", "Op 14-10-2024 en vorige maand.", ["2024-10-14", "2024-10"]),
        ("ar", "يوم الاثنين ١٤ أكتوبر ٢٠٢٤ ثم في مايو 2023", ["2024-10-14", "2023-05"]),
        ("ru", "В среду и 14 октября 2023 года.", ["2024-11-13", "2023-10-14"]),
    ],
)
def test_other_languages_are_data(language: str, text: str, expected: list[str]):
    assert [value for _, value in mentions(text, ANCHOR, language)] == expected


def test_a_language_without_a_grammar_has_no_mentions():
    assert mentions("14 October 2024", ANCHOR, "und") == []


def test_a_mention_says_how_it_was_found():
    day, month = date_mentions("On Wednesday, not in October 2023.", on(ANCHOR), "en", LEXICON)
    assert (day.method, day.anchor, day.precision) == ("anchored", ANCHOR, "day")
    assert (day.earliest, day.latest) == (date(2024, 11, 13), date(2024, 11, 13))
    assert (month.method, month.anchor, month.precision) == ("absolute", None, "month")
    assert (month.earliest, month.latest) == (date(2023, 10, 1), date(2023, 10, 31))


def test_a_publication_known_to_the_month_anchors_nothing():
    month = publication_date([("meta", "October 2024")], "en", LEXICON)
    [found] = date_mentions("They met on Wednesday.", month, "en", LEXICON)
    assert found.value == "XXXX-WXX-3"


WORDS = (
    "last|next|this|early|mid-|late|May|March|Oct.|14|31|2020|1990s|'|Monday|Sept|week|ago|two|in|29|Feb.|/|-|,|"
    ".|of|today|9/11|summer|quarter|third|99999|Mai|lunes|الاثنين|مايو|среду|мая|١٤|İ|ß|\n| |years"
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS.split("|")), max_size=40).map(" ".join))
DAYS = st.one_of(st.none(), st.dates(date(1605, 1, 1), date(2100, 12, 31)).map(lambda day: on(day.isoformat())))


@settings(max_examples=400)
@given(TEXTS, DAYS, st.sampled_from(LANGUAGES))
def test_mentions_point_at_their_text_in_order(text: str, published: PublishedDate | None, language: str):
    found = date_mentions(text, published, language, LEXICON)
    assert found == date_mentions(text, published, language, LEXICON)
    end = 0
    for one in found:
        assert end <= one.start < one.end
        assert text[one.start : one.end] == one.surface
        assert one.earliest is None or one.latest is None or one.earliest <= one.latest
        end = one.end


@settings(max_examples=400)
@given(TEXTS, st.sampled_from(LANGUAGES))
def test_without_a_publication_date_no_year_is_invented(text: str, language: str):
    for one in date_mentions(text, None, language, LEXICON):
        if year := re.match(r"\d{4}", one.value):
            assert one.method in {"named", "shared-year"} or written_year(year[0], one), one


def written_year(year: str, one: DateMention) -> bool:
    digits = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in one.surface)
    return year in digits


@pytest.mark.parametrize("unit", ["9", "a", "May", "1/1/", "2020 ", "last ", "Mon, ", "early May ", "4 "])
def test_time_grows_with_the_length_only(unit: str):
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        date_mentions(text, on(ANCHOR), "en", LEXICON)
        publication_date([("meta", text)], "en", LEXICON)
        date_in_url(text)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(200_000) < 40 * seconds(20_000) + 0.2


# ---- lexicons


def test_a_lexicon_survives_a_trip_to_another_process():
    assert pickle.loads(pickle.dumps(LEXICON)) == LEXICON  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("stem", "change", "message"),
    [
        ("dates.en", {"months": {"13": ["smarch"]}}, "dates.en: months: 13"),
        ("dates.en", {"months": {"1": "january"}}, "must be a list of strings"),
        ("dates.en", {"months": {"1": ["jan"], "2": ["jan"]}}, "'jan' stands for 1 and for 2"),
        ("dates.en", {"order": "xyz"}, "dates.en: order: 'xyz'"),
        ("dates.en", {"named": [{"pattern": "x", "value": "2001-02-30"}]}, "dates.en: named: '2001-02-30'"),
        ("dates.en", {"mentions": {"expressions": ["{moon}"]}}, "unknown kind of words {moon}"),
        ("dates.en", {"mentions": {"expressions": ["("]}}, "dates.en: mentions: expressions"),
        ("dates.en", {"words": {"moons": {"full": 1}}}, "dates.en: words.moons"),
        ("dates.world", {"zones": {"cet": "one"}}, "dates.world: zones: cet: must be a whole number"),
        ("dates.world", {"countries": {"dyd": ["xx"]}}, "'dyd' is not an order"),
        ("dates.world", {"labels": "x"}, "labels: must be a table"),
    ],
)
def test_a_bad_table_is_named(stem: str, change: dict[str, object], message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_lexicon({**TABLES, stem: {**TABLES[stem], **change}})


def test_the_world_must_be_there():
    with pytest.raises(ValueError, match=re.escape("dates.world")):
        parse_lexicon({"dates.en": TABLES["dates.en"]})


# ---- quality, measured on news that was not written for this test


def lines(name: str) -> list[dict[str, object]]:
    with (EVALUATION / "dates" / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def scorer() -> Iterator[ModuleType]:
    sys.path.insert(0, str(EVALUATION))
    yield importlib.import_module("score_dates")
    sys.path.remove(str(EVALUATION))


def predicted(gold: list[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {
            "id": one["id"],
            "dates": [
                {"start": found.start, "end": found.end, "value": found.value}
                for found in date_mentions(str(one["text"]), on(str(one["dct"])) if one["dct"] else None, "en", LEXICON)
            ],
        }
        for one in gold
    ]


@needs_evaluation
def test_headers_of_many_countries_are_read():
    gold = lines("headers.jsonl")
    days = [
        (found.local_date.isoformat(), one["gold"])
        for one in gold
        if (found := header(str(one["s"]), str(one["lang"]) or None, f"news.example.{one['cc']}")) and found.local_date
    ]
    right = sum(day == expected for day, expected in days)
    assert right / len(gold) >= 0.98
    assert (len(days) - right) / len(gold) <= 0.01


@needs_evaluation
@pytest.mark.parametrize(("name", "value", "strict"), [("news.jsonl", 0.98, 0.98), ("seeds.jsonl", 0.98, 0.98)])
def test_date_expressions_of_real_news_are_found(scorer: ModuleType, name: str, value: float, strict: float):
    gold = lines(name)
    result, _ = scorer.score(gold, predicted(gold))
    assert result["value_date"]["F1"] >= value
    assert result["strict"]["F1"] >= strict
    assert result["invented"] == 0
