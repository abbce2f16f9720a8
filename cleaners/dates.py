"""Publication dates from headers, and date expressions in running text.

Nothing here knows what day it is: every value comes from the text, or is counted from the
publication date. What neither can tell stays unknown (`XXXX-10-14`), or there is no value.

Words, shapes and zones are data (`lexicons/dates.*.toml`); this module is the arithmetic.
Values are ISO 8601 and EDTF; where these have no notation, TIMEX3's is used: `T…` for a part of
the day (`2024-10-14TMO`, a morning) and `-WE` for a weekend (`2024-W42-WE`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from cleaners.model import DateGrammar, DateLexicon, DateMention, Precision, PublishedDate, Source

FIRST_YEAR = 1605
"""The first newspaper, the Relation of Strasbourg: nothing was published earlier."""
LAST_YEAR = 2100
LONGEST_HEADER = 500
"""Code points of a date string that are read; a date that stands later belongs to something else."""
PIVOT = 69
"""Two-digit years from here on are of the 20th century, as in POSIX."""

Table = Mapping[str, object]


def publication_date(
    candidates: Sequence[tuple[Source, str]],
    language: str | None,
    lexicon: DateLexicon,
    site: str | None = None,
) -> PublishedDate | None:
    """The first of `candidates` that names one date without ambiguity; None if none does.

    `candidates` are date strings, best source first. `language` is a code like `en` or `en-GB`;
    with the top level domain of `site` (a host name or an address) it decides whether 5/6 is in May
    or in June.
    """
    place = _Place(_primary(language), _country(language, site), lexicon)
    for source, raw in candidates:
        moment = _read(_plain(raw[:LONGEST_HEADER]), place)
        if moment is not None:
            return _published(moment, source, raw)
    return None


def date_in_url(url: str) -> str | None:
    """The day that an address names ("/2024/10/14/"), as `YYYY-MM-DD`; None if it names none."""
    for match in _URL_DATE.finditer(url[:2000]):
        name = match["name"]
        month = _URL_MONTHS.index(name.lower()) + 1 if name else int(match["month"] or match["basic"] or match["short"])
        day = int(match["day"] or match["basic_day"] or match["short_day"])
        if (found := _date(int(match["year"]), month, day)) is not None:
            return found.isoformat()
    return None


def date_mentions(
    text: str, published: PublishedDate | None, language: str, lexicon: DateLexicon
) -> tuple[DateMention, ...]:
    """The date expressions of `text`, in order, none overlapping another.

    Relative ones are counted from the day of `published`; without it their value has `X` for
    what the text does not say. A language without a grammar has no mentions.
    """
    grammar = lexicon.grammars.get(_primary(language))
    if grammar is None:
        return ()
    plain = _ascii_digits(text)
    found = _scan(plain, grammar, _anchor(published))
    return tuple(_mention(text, one) for one in _share_years(plain, grammar, list(found)))


# ---------------------------------------------------------------------------------------------
# Dates of publication


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a header was written: what decides between the readings of its numbers and names."""

    language: str
    country: str
    lexicon: DateLexicon


@dataclass(frozen=True, slots=True)
class _Moment:
    """A date as written: only what stood there."""

    year: int
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    microsecond: int = 0
    zone: int | None = None
    """Minutes east of UTC."""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """A piece of a header that looks like a date; `moment` is None if no such date exists."""

    start: int
    end: int
    moment: _Moment | None


def _read(text: str, place: _Place) -> _Moment | None:
    """What a whole header says."""
    stripped = text.strip()
    for pattern, reader in _WHOLE:
        if match := pattern.fullmatch(stripped):
            return reader(match)
    shape = _published_shape(text, _shapes(text, place), place.lexicon)
    return shape.moment if shape else None


def _epoch(match: re.Match[str]) -> _Moment | None:
    seconds, milliseconds = int(match[1]), int(match[2] or 0)
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, milliseconds=milliseconds)
    return _Moment(when.year, when.month, when.day, when.hour, when.minute, when.second, when.microsecond, zone=0)


def _basic(match: re.Match[str]) -> _Moment | None:
    """ISO 8601 without hyphens: 20241014, 20241014T151500Z."""
    day = _date(*(int(match[key]) for key in ("year", "month", "day")))
    if day is None:
        return None
    moment = _Moment(day.year, day.month, day.day)
    if match["hour"] is None:
        return moment
    second = int(match["second"]) if match["second"] else None
    zone = _offset(match["zone"] or "")
    return _with_clock(moment, int(match["hour"]), int(match["minute"]), second, micro=0, zone=zone)


def _ordinal(match: re.Match[str]) -> _Moment | None:
    """The 288th day of a year: 2024-288."""
    year, number = int(match[1]), int(match[2])
    if _date(year, 1, 1) is None or not number:
        return None
    day = date(year, 1, 1) + timedelta(days=number - 1)
    return _Moment(year, day.month, day.day) if day.year == year else None


def _weekdate(match: re.Match[str]) -> _Moment | None:
    """A day of an ISO week: 2024-W42-1."""
    year, week, weekday = (int(part) for part in match.groups())
    if _date(year, 1, 1) is None or week > date(year, 12, 28).isocalendar().week or not week:
        return None
    day = date.fromisocalendar(year, week, weekday)
    return _Moment(day.year, day.month, day.day)


def _year_month(match: re.Match[str]) -> _Moment | None:
    year, month = int(match[1]), int(match[2]) if match[2] else None
    return _Moment(year, month) if _date(year, month or 1, 1) else None


def _shapes(text: str, place: _Place) -> Iterator[_Shape]:
    """Everything in `text` that looks like a date, from left to right."""
    start = 0
    while start < len(text):
        found = [shape for pattern in place.lexicon.shapes if (shape := _next_shape(pattern, text, start, place))]
        if not found:
            return
        first = min(found, key=lambda shape: (shape.start, -shape.end))
        yield first
        start = first.end


def _next_shape(pattern: re.Pattern[str], text: str, start: int, place: _Place) -> _Shape | None:
    """The next place after `start` where `pattern` matches with a real name of a month."""
    while match := pattern.search(text, start):
        named = match.groupdict().get("name")
        month = _lookup(place.lexicon.months, place.language, named) if named else None
        if not named or month:
            return _Shape(*match.span(), _moment(text, match, month, place))
        start = match.start() + 1
    return None


def _moment(text: str, match: re.Match[str], month: int | None, place: _Place) -> _Moment | None:
    """The date and the time of day that stand around a match; None if no such date exists."""
    clock = _clock_near(text, match, place.lexicon)
    days = tuple(_days(match, month, place, clock["zone"] if clock else None))
    weekday = _weekday_near(text, match.start(), clock, place)
    if len(days) > 1 and weekday:
        days = tuple(day for day in days if day.isoweekday() == weekday)
    if len(days) != 1:
        return None
    [day] = days
    if not (match.groupdict().get("a") or match.groupdict().get("day")):
        return _Moment(day.year, day.month)
    moment = _Moment(day.year, day.month, day.day)
    if weekday and weekday != day.isoweekday():
        moment = replace(moment, flags=("weekday-mismatch",))
    return _clocked(moment, clock, place) if clock else moment


def _days(match: re.Match[str], month: int | None, place: _Place, zone: str | None) -> Iterator[date]:
    """The days that a match can mean: none, one, or two where day and month could be swapped."""
    groups = match.groupdict()
    year = _full_year(match["year"])
    if groups.get("a") is None:
        pairs = [(month or int(groups["month"]), int(groups.get("day") or 1))]
    else:
        pairs = _month_and_day(int(match["a"]), int(match["b"]), match["s"].strip(), _order(match, place, zone))
    for pair in dict.fromkeys(pairs):
        if (found := _date(year, *pair)) is not None:
            yield found


def _month_and_day(first: int, second: int, separator: str, order: str) -> list[tuple[int, int]]:
    """The pairs of month and day that two numbers can be."""
    if separator == "." and order != "ymd":
        return [(second, first)]  # no country writes the month first and a point behind it
    if order == "dmy":
        return [(second, first)] if second <= 12 else [(first, second)]  # noqa: PLR2004 - months
    if order == "mdy":
        return [(first, second)] if first <= 12 else [(second, first)]  # noqa: PLR2004 - months
    return [(second, first), (first, second)] if order != "ymd" else []


def _order(match: re.Match[str], place: _Place, zone: str | None) -> str:
    """The order on which language, country and zone agree; empty when they do not.

    `ymd` means: the year is short, and in this place it might stand in front.
    """
    orders, name = place.lexicon.orders, (zone or "").casefold()[:4].rstrip("+-0123456789")
    votes = {orders.get(key, "") for key in (place.language, f".{place.country}", f"@{name}")} - {""}
    short = len(match["year"]) == 2  # noqa: PLR2004 - two digits
    if short and ("ymd" in votes or match["s"].strip() == "-"):
        return "ymd"
    votes.discard("ymd")
    return votes.pop() if len(votes) == 1 else ""


def _published_shape(text: str, shapes: Iterable[_Shape], lexicon: DateLexicon) -> _Shape | None:
    """The first shape, unless it is marked as an update and a later one as the publication."""
    first, end = None, 0
    for shape in shapes:
        label = _label(text[max(end, shape.start - 60) : shape.start], lexicon)
        if first is None and label != "updated":
            return shape
        if label == "published":
            return shape
        first, end = first or shape, shape.end
    return first


def _label(before: str, lexicon: DateLexicon) -> str | None:
    """`published` or `updated`: what the nearest label in front of a date says."""
    last = None
    for match in lexicon.labels.finditer(before):
        last = match.lastgroup
    return last


def _clock_near(text: str, match: re.Match[str], lexicon: DateLexicon) -> re.Match[str] | None:
    """The time of day that belongs to a date: directly behind it, or in it, or directly in front."""
    if match.groupdict().get("clock"):
        return lexicon.clock.match(text, match.start("clock"))
    return _clock_behind(text, match.end(), lexicon) or _clock_before(text, match.start(), lexicon)


def _clock_behind(text: str, start: int, lexicon: DateLexicon) -> re.Match[str] | None:
    """The time behind a date, with nothing but signs, connectors and a weekday between them."""
    while signs := _SIGNS.match(text, start):
        if clock := lexicon.clock.match(text, signs.end()):
            return clock
        word = _LETTERS.match(text, signs.end())
        if not word or not _is_link(word[0], lexicon):
            return None
        start = word.end()
    return None


def _clock_before(text: str, start: int, lexicon: DateLexicon) -> re.Match[str] | None:
    last = None
    for clock in lexicon.clock.finditer(text, max(0, start - 40), start):
        last = clock
    return last if last and _LINK_BEFORE.fullmatch(text, last.end(), start) else None


def _is_link(word: str, lexicon: DateLexicon) -> bool:
    """Whether a word between a date and a time keeps them together."""
    return word.casefold() in lexicon.connectors or _lookup(lexicon.weekdays, "", word) is not None


def _clocked(moment: _Moment, clock: re.Match[str], place: _Place) -> _Moment:
    """`moment` with its time of day, or as it is where no such time exists."""
    groups = clock.groupdict()
    hour = int(groups["hour"])
    half = groups["half"] or groups["half_before"]
    if half and 1 <= hour <= 12:  # noqa: PLR2004 - hours of a half day
        hour = hour % 12 + place.lexicon.halves[_fold(half).replace(".", "")]
    minute = next((int(groups[key]) for key in _MINUTES if groups[key]), None)
    second = int(groups["second"]) if groups["second"] else None
    micro = int((groups["fraction"] or "0")[:6].ljust(6, "0"))
    zone = _zone(groups["zone"] or "", moment, place)
    return _with_clock(moment, hour, minute, second, micro=micro, zone=zone)


def _with_clock(
    moment: _Moment, hour: int, minute: int | None, second: int | None, *, micro: int, zone: int | None
) -> _Moment:
    if hour > 23 or (minute or 0) > 59 or (second or 0) > 59:  # noqa: PLR2004 - a clock
        return moment
    flags = moment.flags if zone is not None else (*moment.flags, "zone-unknown")
    return replace(moment, hour=hour, minute=minute, second=second, microsecond=micro, zone=zone, flags=flags)


def _zone(written: str, moment: _Moment, place: _Place) -> int | None:
    """Minutes east of UTC, None for a zone that is unknown, ambiguous or not there."""
    name, offset = re.fullmatch(r"\s*([^\W\d_]*)\s*(.*)", written, re.DOTALL).groups()  # type: ignore[union-attr]
    name, zones = name.casefold(), place.lexicon.zones
    if offset:
        return _offset(offset)
    if name in place.lexicon.daylight_zones:
        return _daylight(place.lexicon.daylight_zones[name], moment)
    return zones.get(f"{name}.{place.country}", zones.get(name))


def _offset(written: str) -> int | None:
    """`+02:00`, `-0400`, `+1` or `Z` as minutes; None if it is none of these."""
    if written.upper() == "Z":
        return 0
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?", written)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return None if minutes > 14 * 60 else minutes * (-1 if match[1] == "-" else 1)


def _daylight(standard: int, moment: _Moment) -> int | None:
    """American time by the law of 2007: an hour more from March to November."""
    if moment.year < 2007 or moment.month is None or moment.day is None:  # noqa: PLR2004 - the year of the law
        return None
    start, end = _sunday(moment.year, 3, 8), _sunday(moment.year, 11, 1)
    return standard + 60 * (start <= date(moment.year, moment.month, moment.day) < end)


def _sunday(year: int, month: int, day: int) -> date:
    """The first Sunday from a day on."""
    start = date(year, month, day)
    return start + timedelta(days=7 - start.isoweekday())


def _weekday_near(text: str, start: int, clock: re.Match[str] | None, place: _Place) -> int | None:
    """The weekday written directly in front of a date (or of its time)."""
    starts = [start] + ([clock.start()] if clock and clock.start() < start else [])
    for end in starts:
        if (word := _LAST_WORD.search(text, max(0, end - 24), end)) and (
            day := _lookup(place.lexicon.weekdays, place.language, word[1])
        ):
            return day
    return None


def _published(moment: _Moment, source: Source, raw: str) -> PublishedDate:
    month, day = moment.month or 1, moment.day or 1
    local = datetime(
        moment.year,
        month,
        day,
        moment.hour or 0,
        moment.minute or 0,
        moment.second or 0,
        moment.microsecond,
        UTC,
    )
    value = local - timedelta(minutes=moment.zone or 0)
    return PublishedDate(
        value, _precision(moment), raw, source, moment.flags, local.date() if moment.day is not None else None
    )


def _precision(moment: _Moment) -> Precision:
    names: tuple[tuple[int | None, Precision], ...] = (
        (moment.second, "second"),
        (moment.minute, "minute"),
        (moment.hour, "hour"),
        (moment.day, "day"),
        (moment.month, "month"),
    )
    return next((name for value, name in names if value is not None), "year")


def _full_year(written: str) -> int:
    year = int(written)
    return year if len(written) > 2 else year + (1900 if year >= PIVOT else 2000)  # noqa: PLR2004 - digits


def _date(year: int, month: int, day: int) -> date | None:
    """The day, None if there is no such day or it cannot be a day of news."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _primary(language: str | None) -> str:
    return re.split("[-_]", (language or "").casefold(), maxsplit=1)[0]


def _country(language: str | None, site: str | None) -> str:
    """The country of a site by its top level domain, else of the language (`en-GB`)."""
    host = re.sub(r"^\w+://", "", (site or "")[:2000]).split("/", 1)[0].split(":", 1)[0].casefold()
    last = host.rsplit(".", 1)[-1]
    region = re.search(r"[-_]([A-Za-z]{2})$", language or "")
    generic = len(last) != 2 and last not in {"gov", "mil"}  # noqa: PLR2004 - countries have two letters
    return region[1].casefold() if generic and region else last


def _lookup(tables: Mapping[str, Mapping[str, int]], language: str, name: str) -> int | None:
    """What a name means in a language, else in English, else where all other languages agree."""
    folded = _fold(name)
    known = (language, "en", "") if len(folded) >= SHORTEST_FOREIGN_NAME else (language, "en")
    return next((number for key in known if (number := tables.get(key, {}).get(folded)) is not None), None)


SHORTEST_FOREIGN_NAME = 4
"""Shorter names count in their own language only: "ago" is August in Spanish."""


def _fold(name: str) -> str:
    """Small letters without accents, points and blanks: how names are compared."""
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(one for one in letters if not unicodedata.combining(one) and unicodedata.category(one)[0] in "LNM")


def _plain(text: str) -> str:
    """Composed characters and ASCII digits."""
    return _ascii_digits(unicodedata.normalize("NFC", text))


def _ascii_digits(text: str) -> str:
    """Arabic, Persian and full-width digits as 0 to 9; the length stays."""
    return text.translate(_DIGITS) if _FOREIGN_DIGIT.search(text) else text


_LETTERS = re.compile(r"[^\W\d_]+")
_MINUTES = ("minute", "minute_h", "minute_point", "minute_cjk")
_SIGNS = re.compile(r"[\s,.;:|•·()（）–—Â-]{0,8}")
_LINK_BEFORE = re.compile(r"[\s,.;|•·()–—-]{0,5}(?:[^\W\d_]{1,12}[\s.,]{0,3})?")
_LAST_WORD = re.compile(r"([^\W\d_]+)[.\s,()-]*$")
_FOREIGN_DIGIT = re.compile(r"[٠-٩۰-۹０-９]")
_DIGITS = {ord(digit): str(number % 10) for number, digit in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９")}
_URL_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_URL_DATE = re.compile(
    r"(?<!\d)(?P<year>199[3-9]|20\d\d)(?:"  # the first news site is of 1993
    r"(?P<s>[/_.-])(?:(?P<month>0?[1-9]|1[0-2])|(?P<name>"
    + "|".join(_URL_MONTHS)
    + r")[a-z]{0,6})(?P=s)(?P<day>[0-3]?\d)"
    r"|(?P<basic>[01]\d)(?P<basic_day>[0-3]\d)"
    r"|/(?P<short>[01]\d)(?P<short_day>[0-3]\d)"
    r")(?!\d)",
    re.IGNORECASE,
)
_WHOLE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Moment | None]], ...] = (
    (re.compile(r"(\d{10})(\d{3})?", re.ASCII), _epoch),
    (
        re.compile(
            r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
            r"(?:T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?:[.,]\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
            re.IGNORECASE,
        ),
        _basic,
    ),
    (re.compile(r"(\d{4})-(\d{3})"), _ordinal),
    (re.compile(r"(\d{4})-?W(\d\d)-?([1-7])"), _weekdate),
    (re.compile(r"(\d{4})(?:-(\d\d))?"), _year_month),
)


# ---------------------------------------------------------------------------------------------
# Date expressions in running text


@dataclass(frozen=True, slots=True)
class _Found:
    """An expression at its place, with what resolves it."""

    text: str
    start: int
    end: int
    words: Mapping[str, str]
    """Kind → the word as written."""
    grammar: DateGrammar
    anchor: date | None

    def meaning(self, kind: str) -> str:
        """What a word of this expression means, by its table."""
        return self.grammar.words[kind][_key(self.words[kind])]

    def number(self, kind: str) -> int:
        """What a word of this expression means, as a number."""
        return int(self.meaning(kind))


@dataclass(frozen=True, slots=True)
class _Value:
    """What an expression means; fields as in `DateMention`."""

    value: str
    precision: str
    anchored: bool = False
    earliest: date | None = None
    latest: date | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An expression and its meaning."""

    found: _Found
    meaning: _Value


def _scan(text: str, grammar: DateGrammar, anchor: date | None) -> Iterator[_Resolved]:
    """Go from cue to cue; at each, the first expression that matches is taken or refused."""
    end = 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if token.start() < end or not (word[0].isdigit() or word.lower() in grammar.cues):
            continue
        named = _named(text, token.start(), grammar, anchor)
        found = named.found if named else _expression(text, token.start(), grammar, anchor)
        if found is None:
            continue
        meaning = named.meaning if named else _resolve(found)
        if meaning is not None:
            end = found.end
            yield _Resolved(found, meaning)


def _named(text: str, start: int, grammar: DateGrammar, anchor: date | None) -> _Resolved | None:
    for pattern, value in grammar.named:
        if match := pattern.match(text, start):
            day = date.fromisoformat(value)
            found = _Found(text, start, match.end(), {}, grammar, anchor)
            return _Resolved(found, _Value(value, "day", earliest=day, latest=day, method="named"))
    return None


def _expression(text: str, start: int, grammar: DateGrammar, anchor: date | None) -> _Found | None:
    """The first expression of the grammar that stands at `start`."""
    if start and text[start - 1] in _GLUE:
        return None
    for pattern in grammar.expressions:
        if match := pattern.match(text, start):
            words = {kind: word for kind, word in match.groupdict().items() if word is not None}
            found = _Found(text, start, match.end(), words, grammar, anchor)
            return found if _allowed(found) else None
    return None


def _allowed(found: _Found) -> bool:
    """Whether spelling and neighbours let an expression be a date."""
    return _spelled(found) and all(_neighbours(found, kind) for kind in _alone(found.words))


def _spelled(found: _Found) -> bool:
    """Names of months and weekdays are capitalised where the language does that."""
    names = (found.words.get(kind, "X") for kind in ("month", "weekday", "dayname"))
    return not found.grammar.capitalised or all(name[0].isupper() for name in names)


def _alone(words: Mapping[str, str]) -> tuple[str, ...]:
    """The kind of word that carries an expression by itself, and so needs its neighbours checked."""
    kinds = set(words) - {"modifier", "part", "othermonth"}
    if "relative" in kinds and "unit" in kinds:
        return ("unit",)
    return tuple(kinds) if len(kinds) == 1 else ()


def _neighbours(found: _Found, kind: str) -> bool:
    """Whether the words around let a lone word be a date."""
    grammar = found.grammar
    before = _word_before(found)
    kinds = (kind, "amount") if kind == "year" and found.words["year"].endswith("00") else (kind,)
    if any(before in grammar.before.get(one, ()) for one in kinds) or _hindered(found, kind):
        return False
    behind = grammar.after.get(kind)
    return not (behind and behind.match(found.text, found.end)) and _needed(found, kind, before)


def _needed(found: _Found, kind: str, before: str) -> bool:
    """Whether a lone word that needs a preposition has one."""
    grammar, word = found.grammar, _key(found.words[kind])
    if kind == "year":
        needy = not COMMON_YEARS[0] <= word <= COMMON_YEARS[1]
    else:
        needy = kind in grammar.needs and (not grammar.needing or word in grammar.needing)
    if not needy or "modifier" in found.words:
        return True
    named = "name" in grammar.needs and _CAPITAL.match(found.text, found.end)  # "June Smith"
    return before in grammar.needs.get("name" if named else kind, ())


COMMON_YEARS = ("1900", "2049")
"""Numbers between these are years unless something speaks against it; others only after a preposition."""


def _hindered(found: _Found, kind: str) -> bool:
    """Whether signs around a lone number make it an amount, an address or a part of a name."""
    if kind != "year":
        return False
    text, start, end = found.text, found.start, found.end
    before, behind = text[max(0, start - 2) : start], text[end : end + 6]
    if _YEAR_RANGE.match(text, end):
        return True
    hyphen = (
        before.endswith("-") and "modifier" not in found.words and not _PREFIXED.search(text, max(0, start - 6), start)
    )
    return hyphen or before[-1:] in _YEAR_SIGNS or bool(_YEAR_TAIL.match(behind))


def _word_before(found: _Found) -> str:
    match = _WORD_BEFORE.search(found.text, max(0, found.start - 24), found.start)
    return match[1].lower() if match else ""


def _resolve(found: _Found) -> _Value | None:
    for kinds, resolver in RESOLVERS:
        if all(kind in found.words for kind in kinds):
            return resolver(found)
    return None


# ---- one function for each combination of words


def _iso(found: _Found) -> _Value | None:
    year, month, day = (int(part) for part in found.words["iso"].split("-"))
    return _day(_date(year, month, day))


def _numeric(found: _Found) -> _Value | None:
    """10/14/2024; where day and month could be swapped, only the year is sure."""
    first, second, year = int(found.words["a"]), int(found.words["b"]), int(found.words["year"])
    pairs = _month_and_day(first, second, found.words["sep"], found.grammar.order)
    days = sorted({day for pair in pairs if (day := _date(year, *pair))})
    if len(days) <= 1:
        return _day(days[0]) if days else None
    return _Value(f"{year}-XX-XX", "day", earliest=days[0], latest=days[-1])


def _month_day(found: _Found) -> _Value | None:
    month, day = found.number("month"), int(found.words["day"])
    if "year" in found.words:
        return _day(_date(int(found.words["year"]), month, day))
    if month == 2 and day == 29 and found.anchor is None or _date(2000, month, day) is None:  # noqa: PLR2004,RUF021
        return _Value(f"XXXX-{month:02d}-{day:02d}", "day", anchored=True) if (month, day) == (2, 29) else None
    if found.anchor is None:
        return _Value(f"XXXX-{month:02d}-{day:02d}", "day", anchored=True)
    years = range(found.anchor.year - 1, found.anchor.year + 2)
    days = [(one, one) for year in years if (one := _date(year, month, day))]
    return _day(_nearest(found, days)[0], anchored=True) if days else None


def _day_range(found: _Found) -> _Value | None:
    """June 4-6: an interval of days in one month."""
    first = _month_day(found)
    last = int(found.words["lastday"])
    if first is None or last <= int(found.words["day"]):
        return None
    value = f"{first.value}/{first.value[:-2]}{last:02d}"
    if first.earliest is None:
        return replace(first, value=value)
    latest = _date(first.earliest.year, first.earliest.month, last)
    return replace(first, value=value, latest=latest) if latest else None


def _month_of_year(found: _Found) -> _Value | None:
    """March 29 next year; "of that year" is a year that only the story knows."""
    offset = found.meaning("yearword")
    rest = {kind: word for kind, word in found.words.items() if kind != "yearword"}
    if found.anchor is None or offset == "?":
        return _resolve(replace(found, words=rest, anchor=None))
    year = str(found.anchor.year + int(offset))
    meaning = _resolve(replace(found, words={**rest, "year": year}))
    return replace(meaning, anchored=True) if meaning else None


def _month_year(found: _Found) -> _Value | None:
    return _month(int(found.words["year"]), found.number("month"))


def _relative_month(found: _Found) -> _Value | None:
    """Last January: the last whole one before this month; next January likewise."""
    month, step = found.number("month"), found.number("relative")
    if found.anchor is None:
        return _unknown(f"XXXX-{month:02d}", "month")
    year = found.anchor.year
    if step < 0 and month >= found.anchor.month:
        year -= 1
    if step > 0 and month <= found.anchor.month:
        year += 1
    return _month(year, month, anchored=True)


def _bare_month(found: _Found) -> _Value | None:
    month, anchor = found.number("month"), found.anchor
    if anchor is None:
        return _unknown(f"XXXX-{month:02d}", "month")
    spans = [_month_span(year, month) for year in range(anchor.year - 1, anchor.year + 2)]
    return _month(_nearest(found, spans)[0].year, month, anchored=True)


def _bare_weekday(found: _Found) -> _Value | None:
    """Newspapers name the days within a week of publication by their weekday.

    A weekday is the last such day, today included, unless the words around speak of the future.
    The names of yesterday and tomorrow mean these whatever the words say, since writers call the day
    six days ago "last Thursday" and the day in six days "next Thursday".
    """
    weekday, part = found.number("weekday"), _part(found)
    if found.anchor is None:
        return _unknown(f"XXXX-WXX-{weekday}", "day")
    ahead = (weekday - found.anchor.isoweekday()) % 7
    if ahead == 6 or (ahead > 1 and _tense(found) <= 0):  # noqa: PLR2004 - yesterday
        ahead -= 7
    return _day(found.anchor + timedelta(days=ahead), part, anchored=True)


def _relative_weekday(found: _Found) -> _Value | None:
    weekday, part, step = found.number("weekday"), _part(found), found.number("relative")
    if found.anchor is None:
        return _unknown(f"XXXX-WXX-{weekday}", "day")
    offset = weekday - found.anchor.isoweekday()
    if step < 0:
        offset = offset - 7 if offset >= 0 else offset
    if step > 0:
        offset += 7
    return _day(found.anchor + timedelta(days=offset), part, anchored=True)


def _decade(found: _Found) -> _Value | None:
    return _years(int(found.words["decade"]) * 10, 10)


def _short_decade(found: _Found) -> _Value | None:
    """The '90s, of the last century; only behind an apostrophe or an article."""
    if not _DECADE_BEFORE.search(found.text, max(0, found.start - 5), found.start):
        return None
    return _years(1900 + int(found.words["shortdecade"]) * 10, 10)


def _century(found: _Found) -> _Value | None:
    return _years((int(found.words["century"]) - 1) * 100, 100)


def _year(found: _Found) -> _Value | None:
    return _years(int(found.words["year"]), 1)


def _deictic(found: _Found) -> _Value | None:
    """Today, yesterday evening, last week: a unit, an offset, a part of the day."""
    unit, offset, *part = found.meaning("deictic").split()
    suffix = _part(found) or (f"T{part[0]}" if part else "")
    return _shifted(found, unit, int(offset), suffix)


def _relative_part(found: _Found) -> _Value | None:
    """This morning, last night."""
    return _shifted(found, "day", found.number("relative"), _part(found))


def _relative_unit(found: _Found) -> _Value | None:
    unit, step = found.meaning("unit"), found.number("relative")
    recent = found.anchor is not None and found.anchor.isoweekday() <= 2  # noqa: PLR2004 - Tuesday
    if unit == "weekend" and step == 0 and recent and _tense(found) < 0:
        step = -1  # on a Monday, "this weekend" is over
    return _shifted(found, unit, step, "")


def _ago(found: _Found) -> _Value | None:
    """Three days ago, two weeks ago, a year as precise as its unit."""
    count = int(found.words["figure"]) if "figure" in found.words else found.number("count")
    return _shifted(found, found.meaning("counted"), -count, "")


def _relative_season(found: _Found) -> _Value | None:
    """Last summer: the last one that began before this season did."""
    season, step = found.number("season"), found.number("relative")
    if found.anchor is None:
        return _unknown(f"XXXX-{season}", "season")
    year = found.anchor.year
    now = 21 + (found.anchor.month - 3) % 12 // 3
    if season == 24 and found.anchor.month < 3:  # noqa: PLR2004 - winter is named by its December
        year -= 1
    if step < 0 and season >= now:
        year -= 1
    if step > 0 and season <= now:
        year += 1
    return _season(year, season, anchored=True)


def _season_year(found: _Found) -> _Value | None:
    return _season(int(found.words["year"]), found.number("season"))


def _bare_season(found: _Found) -> _Value | None:
    """Earlier in the summer: the one of the year of publication."""
    season = found.number("season")
    if found.anchor is None:
        return _unknown(f"XXXX-{season}", "season")
    return _season(found.anchor.year, season, anchored=True)


def _quarter_year(found: _Found) -> _Value | None:
    return _quarter(int(found.words["year"]), found.number("quarter"))


RESOLVERS: tuple[tuple[tuple[str, ...], Callable[[_Found], _Value | None]], ...] = (
    (("iso",), _iso),
    (("a", "b", "year"), _numeric),
    (("month", "day", "lastday"), _day_range),
    (("month", "yearword"), _month_of_year),
    (("month", "day"), _month_day),
    (("month", "year"), _month_year),
    (("relative", "month"), _relative_month),
    (("month",), _bare_month),
    (("relative", "weekday"), _relative_weekday),
    (("weekday",), _bare_weekday),
    (("decade",), _decade),
    (("shortdecade",), _short_decade),
    (("century",), _century),
    (("deictic",), _deictic),
    (("relative", "part"), _relative_part),
    (("relative", "season"), _relative_season),
    (("season", "year"), _season_year),
    (("season",), _bare_season),
    (("relative", "unit"), _relative_unit),
    (("counted",), _ago),
    (("quarter", "year"), _quarter_year),
    (("year",), _year),
)
"""The first entry whose words all occur in an expression resolves it."""


# ---- values of each precision


def _day(day: date | None, part: str = "", *, anchored: bool = False) -> _Value | None:
    return _Value(day.isoformat() + part, "day", anchored, day, day) if day else None


def _month(year: int, month: int, *, anchored: bool = False) -> _Value | None:
    return _Value(f"{year}-{month:02d}", "month", anchored, *_month_span(year, month))


def _month_span(year: int, month: int) -> tuple[date, date]:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), following - timedelta(days=1)


def _years(first: int, count: int, *, anchored: bool = False) -> _Value | None:
    """A year, a decade or a century."""
    hidden = len(str(count)) - 1
    written = str(first)[: 4 - hidden] + "X" * hidden
    return _Value(written, _YEARS[count], anchored, date(first, 1, 1), date(first + count - 1, 12, 31))


def _season(year: int, season: int, *, anchored: bool = False) -> _Value | None:
    """The bounds hold north and south of the equator."""
    latest = date(year + 1, 3, 31) if season == 24 else date(year, 12, 31)  # noqa: PLR2004 - winter
    return _Value(f"{year}-{season}", "season", anchored, date(year, 1, 1), latest)


def _quarter(year: int, quarter: int, *, anchored: bool = False) -> _Value | None:
    """EDTF counts the quarters from 33 to 36."""
    first, last = _month_span(year, quarter * 3 - 2)[0], _month_span(year, quarter * 3)[1]
    return _Value(f"{year}-{32 + quarter}", "quarter", anchored, first, last)


def _week(day: date) -> _Value:
    year, week, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    return _Value(f"{year}-W{week:02d}", "week", True, monday, monday + timedelta(days=6))  # noqa: FBT003 - a field


def _weekend(day: date) -> _Value:
    week = _week(day)
    monday = day - timedelta(days=day.isoweekday() - 1)
    return replace(week, value=week.value + "-WE", earliest=monday + timedelta(days=5))


def _unknown(value: str, precision: str) -> _Value:
    return _Value(value, precision, anchored=True)


def _shifted(found: _Found, unit: str, offset: int, part: str) -> _Value | None:
    """The day, week, month … that lies `offset` units after the publication."""
    anchor = found.anchor
    if anchor is None:
        precision = "week" if unit == "weekend" else unit
        return _unknown({"day": "XXXX-XX-XX", "month": "XXXX-XX"}.get(unit, "XXXX") + part, precision)
    try:
        return _SHIFTS[unit](anchor, offset, part)
    except (OverflowError, ValueError):  # before the year 1
        return None


def _shifted_month(anchor: date, offset: int, _part: str) -> _Value | None:
    months = anchor.year * 12 + anchor.month - 1 + offset
    return _month(months // 12, months % 12 + 1, anchored=True)


def _shifted_quarter(anchor: date, offset: int, _part: str) -> _Value | None:
    quarters = anchor.year * 4 + (anchor.month - 1) // 3 + offset
    return _quarter(quarters // 4, quarters % 4 + 1, anchored=True)


_SHIFTS: Mapping[str, Callable[[date, int, str], _Value | None]] = {
    "day": lambda anchor, offset, part: _day(anchor + timedelta(days=offset), part, anchored=True),
    "week": lambda anchor, offset, _: _week(anchor + timedelta(weeks=offset)),
    "weekend": lambda anchor, offset, _: _weekend(anchor + timedelta(weeks=offset)),
    "month": _shifted_month,
    "quarter": _shifted_quarter,
    "year": lambda anchor, offset, _: _years(anchor.year + offset, 1, anchored=True),
    "decade": lambda anchor, offset, _: _years((anchor.year // 10 + offset) * 10, 10, anchored=True),
    "century": lambda anchor, offset, _: _years((anchor.year // 100 + offset) * 100, 100, anchored=True),
}
_YEARS = {1: "year", 10: "decade", 100: "century"}


def _part(found: _Found) -> str:
    return f"T{found.meaning('part')}" if "part" in found.words else ""


# ---- which year


WRONG_SIDE = {2: 20.0, 1: 5.0, 0: 1.25, -1: 5.0}
"""Tense → how many times nearer a date on the other side must be to be meant all the same.

"Will … in November" means the coming one though the last is a month old; "were scheduled from
Nov. 23 to Dec. 3", written in November, means next week though the verb is past.
Without a verb, news looks back a little.
"""


def _nearest(found: _Found, spans: Sequence[tuple[date, date]]) -> tuple[date, date]:
    """The span that is meant: the nearest on the side that the tense points to."""
    tense, anchor = _tense(found), found.anchor or spans[0][0]
    weight = WRONG_SIDE[tense]

    def cost(span: tuple[date, date]) -> float:
        ahead, behind = (span[0] - anchor).days, (anchor - span[1]).days
        if ahead > 0:
            return ahead * (weight if tense <= 0 else 1)
        return max(behind, 0) * (weight if tense > 0 else 1)

    return min(spans, key=cost)


def _tense(found: _Found) -> int:
    """2 where the words around speak of the future, 1 of plans, -1 of the past, 0 where they do not tell."""
    text, grammar = found.text, found.grammar
    before = _SENTENCE.split(text[max(0, found.start - 100) : found.start])[-1]
    behind = _SENTENCE.split(text[found.end : found.end + 70])[0]
    words = _LETTERS.findall(before.lower())[::-1] + _LETTERS.findall(behind.lower())
    return next((tense for word in words if (tense := _word_tense(word, grammar))), 0)


def _word_tense(word: str, grammar: DateGrammar) -> int:
    if word in grammar.future:
        return 2
    if word in grammar.perhaps:
        return 1
    ending = bool(grammar.past_endings) and word.endswith(grammar.past_endings)
    return -1 if word in grammar.past or ending and word not in grammar.words["not_past"] else 0  # noqa: RUF021


def _share_years(text: str, grammar: DateGrammar, found: list[_Resolved]) -> Iterator[_Resolved]:
    """In "from May 3 to June 2, 2019" the year stands once and counts twice."""
    for index, one in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else one
        yield _with_year(one, following) if _is_range(text, grammar, one, following) else one


def _is_range(text: str, grammar: DateGrammar, one: _Resolved, following: _Resolved) -> bool:
    between = text[one.found.end : following.found.start].strip().lower()
    return (
        between in grammar.ranges
        and "month" in one.found.words
        and not {"year", "relative"} & one.found.words.keys()
        and {"month", "year"} <= following.found.words.keys()
    )


def _with_year(one: _Resolved, following: _Resolved) -> _Resolved:
    year, month = int(following.found.words["year"]), one.found.number("month")
    year -= month > following.found.number("month")
    words = {**one.found.words, "year": str(year)}
    meaning = _resolve(replace(one.found, words=words))
    return replace(one, meaning=replace(meaning, method="shared-year")) if meaning else one


def _mention(text: str, one: _Resolved) -> DateMention:
    found, meaning = one.found, one.meaning
    known = meaning.anchored and meaning.earliest is not None
    method = "anchored" if known else "unanchored" if meaning.anchored else "absolute"
    return DateMention(
        start=found.start,
        end=found.end,
        surface=text[found.start : found.end],
        value=meaning.value,
        precision=meaning.precision,
        method=meaning.method or method,
        anchor=found.anchor.isoformat() if known and found.anchor else None,
        anchored=meaning.anchored,
        earliest=meaning.earliest,
        latest=meaning.latest,
    )


def _anchor(published: PublishedDate | None) -> date | None:
    """The day that relative expressions are counted from; none when only the month is known."""
    return published.local_date if published else None


def _key(word: str) -> str:
    return " ".join(word.lower().rstrip(".").split())


_TOKEN = re.compile(r"\b\w{1,20}\b")
_CAPITAL = re.compile(r"\s[A-Z][a-z]")
_GLUE = frozenset("@#_/\\&=+$€£¥%")
_YEAR_SIGNS = frozenset("$€£¥#.,:/\\@_&=+")
_YEAR_TAIL = re.compile(r"[%$€£°/:@_+]|[,.]\d|-(?!\d{4})[A-Za-z0-9]{1,2}(?![a-z])")
_YEAR_RANGE = re.compile(r"[-–]\d{1,3}(?!\d)")
_PREFIXED = re.compile(r"(?:pre|post|non|mid|\d{4})-$", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"([^\W_]+\.?)[\s\"“'’(-]*$")
_DECADE_BEFORE = re.compile(r"(?:['’‘]|\bthe )$", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?]\s|\n")


# ---------------------------------------------------------------------------------------------
# Lexicons


def parse_lexicon(tables: Mapping[str, Table]) -> DateLexicon:
    """Compile the tables whose names start with `dates.`; `dates.world` is what all languages share.

    Raises:
        ValueError: a table is not what it should be; the message names file, key and reason.
    """
    files = {
        stem.removeprefix("dates."): _File(stem, table) for stem, table in tables.items() if stem.startswith("dates.")
    }
    if "world" not in files:
        raise ValueError("dates.world: the file is missing")
    world = files.pop("world")
    return DateLexicon(
        months=_names_by_language(files, "months", 12),
        weekdays=_names_by_language(files, "weekdays", 7),
        orders=_orders(world, files),
        zones=_zones(world),
        daylight_zones=world.numbers("zones_with_daylight_rule"),
        shapes=tuple(world.pattern("shapes", shape.replace("@name", _NAME)) for shape in world.strings("shapes")),
        clock=_clock(world),
        connectors=frozenset(world.strings("connectors")),
        halves=_halves(world),
        labels=_labels(world),
        grammars={language: _grammar(file) for language, file in files.items() if "mentions" in file.table},
    )


@dataclass(frozen=True, slots=True)
class _File:
    """A table and where it came from, so that a bad value can be named."""

    stem: str
    table: Table

    def error(self, key: str, reason: str) -> ValueError:
        """An error that says where to look."""
        return ValueError(f"{self.stem}: {key}: {reason}")

    def part(self, key: str) -> _File:
        """The table under a dotted key; empty when absent."""
        found: object = self.table
        for step in key.split("."):
            found = found.get(step, {}) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise self.error(key, "must be a table")
        return _File(f"{self.stem}: {key}", found)

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        found = self.table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.error(key, "must be a list of strings")
        return tuple(found)

    def numbers(self, key: str) -> dict[str, int]:
        """A table of whole numbers."""
        part = self.part(key)
        return {name: part.number(name) for name in part.table}

    def number(self, key: str) -> int:
        """One whole number."""
        found = self.table.get(key)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.error(key, "must be a whole number")
        return found

    def pattern(self, key: str, source: str) -> re.Pattern[str]:
        """A compiled pattern, blind to case."""
        try:
            return re.compile(source, re.IGNORECASE)
        except re.error as error:
            raise self.error(key, f"{error}: {source[:80]}") from error


def _numbered(file: _File, key: str, count: int) -> dict[int, tuple[str, ...]]:
    """A table of names by number: months, weekdays."""
    part = file.part(key)
    if wrong := [number for number in part.table if not number.isdecimal() or not 1 <= int(number) <= count]:
        raise file.error(key, f"{wrong[0]} is not a number from 1 to {count}")
    return {int(number): part.strings(number) for number in part.table}


def _names_by_language(files: Mapping[str, _File], key: str, count: int) -> dict[str, dict[str, int]]:
    """Names by language, and under the empty language those that mean the same everywhere."""
    pairs = {language: _spellings(file, key, count) for language, file in files.items()}
    agreed = _agreed(pair for spellings in pairs.values() for pair in spellings.items())
    return {language: _agreed(spellings.items()) for language, spellings in pairs.items()} | {"": agreed}


def _agreed(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Folded names with one meaning; Slovak "st" and "št" fold to the same, so neither stays."""
    numbers: dict[str, set[int]] = {}
    for name, number in pairs:
        numbers.setdefault(_fold(name), set()).add(int(number))
    return {name: min(found) for name, found in numbers.items() if len(found) == 1}


def _orders(world: _File, files: Mapping[str, _File]) -> dict[str, str]:
    orders = {language: _one_order(file) for language, file in files.items()}
    for mark, key in ((".", "countries"), ("@", "zone_orders")):
        part = world.part(key)
        orders |= {mark + name: order for order in part.table for name in part.strings(order)}
    if wrong := [key for key, order in orders.items() if order not in {"", "dmy", "mdy", "ymd"}]:
        raise world.error(wrong[0], f"{orders[wrong[0]]!r} is not an order")
    return orders


def _one_order(file: _File) -> str:
    order = file.table.get("order", "")
    if order not in {"", "dmy", "mdy", "ymd"}:
        raise file.error("order", f"{order!r} is not an order")
    return str(order)


def _zones(world: _File) -> dict[str, int]:
    zones, by_country = world.numbers("zones"), world.part("zones_by_country")
    for name in by_country.table:
        zones |= {f"{name}.{country}": offset for country, offset in by_country.numbers(name).items()}
    return zones


def _halves(world: _File) -> dict[str, int]:
    part = world.part("meridiem")
    return {_fold(name): hours for key, hours in (("am", 0), ("pm", 12)) for name in part.strings(key)}


def _labels(world: _File) -> re.Pattern[str]:
    part = world.part("labels")
    groups = (f"(?P<{key}>{_choice(part.strings(key))})" for key in ("published", "updated"))
    return world.pattern("labels", "|".join(groups))


def _clock(world: _File) -> re.Pattern[str]:
    """A time of day: 15:46, 14h52, 3 PM, kl. 13.05, 下午3点15分, with its zone."""
    meridiem = world.part("meridiem")
    half = _choice((*meridiem.strings("am"), *meridiem.strings("pm")))
    pointers, hours, durations = (_choice(world.strings(key)) for key in ("pointers", "hours", "durations"))
    return world.pattern(
        "clock",
        rf"(?<!\d)(?<![\d][:.])(?:(?P<half_before>{half})\s?)?(?:(?P<pointer>{pointers})\b\.?\s?)?T?(?P<hour>\d{{1,2}})"
        rf"(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{{1,9}}))?)?(?!\d)"
        rf"|\s?h\s?(?P<minute_h>\d\d)(?!\d)"
        rf"|(?(pointer)\.(?P<minute_point>\d\d)|(?!))(?![\d.])"
        rf"|\s?[時时点點시]\s?(?:(?P<minute_cjk>\d{{1,2}})\s?[分분])?"
        rf"|(?=\s?(?:{half}|{hours})(?!\w))|(?<=T\d\d)(?![\d:]))"
        rf"(?!\s?(?:{durations})\b)"
        rf"(?:\s?(?P<half>{half})(?!\w))?(?:\s?(?:{hours})\b)?"
        r"(?:\s?\(?(?P<zone>[^\W\d_]{1,5}(?![^\W\d_])(?:\s?[+-]\d{1,2}(?::?\d\d)?(?![\d.]))?|[+-]\d\d(?::?\d\d)?(?![\d.:/-])))?",
    )


def _grammar(file: _File) -> DateGrammar:
    """The compiled grammar of one language."""
    words, mentions, lists = _words(file), file.part("mentions"), file.part("words")
    choices = {kind: _choice(table) for kind, table in words.items()}
    choices |= {"month": _months_choice(file), "othermonth": choices["month"], "dayname": _names_choice(file)}
    tense, needs = file.part("tense"), file.part("needs")
    words["not_past"] = dict.fromkeys(tense.strings("not_past"), "")
    sources = mentions.strings("expressions")
    return DateGrammar(
        expressions=tuple(mentions.pattern("expressions", _expand(mentions, source, choices)) for source in sources),
        named=_named_days(file),
        cues=_cues(words),
        words=words,
        before={kind: frozenset(file.part(f"guards.{kind}").strings("before")) for kind in file.part("guards").table},
        after=_after(file),
        needs={kind: frozenset(needs.part(kind).strings("before")) for kind in needs.table},
        needing=frozenset(needs.part("month").strings("names")),
        capitalised=mentions.table.get("capitalised") is True,
        order=_one_order(file),
        ranges=frozenset(lists.strings("ranges")),
        future=frozenset(tense.strings("future")),
        perhaps=frozenset(tense.strings("perhaps")),
        past=frozenset(tense.strings("past")),
        past_endings=tense.strings("past_endings"),
    )


def _words(file: _File) -> dict[str, dict[str, str]]:
    """Kind → word → meaning; a kind is named by the singular of its table."""
    lists = file.part("words")
    words = {
        _KINDS[name]: {_key(word): str(meaning) for word, meaning in table.items()}
        for name, table in lists.table.items()
        if isinstance(table, dict) and name in _KINDS
    }
    if wrong := [name for name, table in lists.table.items() if isinstance(table, dict) and name not in _KINDS]:
        raise file.error(f"words.{wrong[0]}", "is not a kind of words")
    months, weekdays = (_spellings(file, key, count) for key, count in (("months", 12), ("weekdays", 7)))
    full = {word: number for word, number in weekdays.items() if len(word) >= SHORTEST_WEEKDAY}
    words["month"] = months | words.get("month", {})
    words["weekday"] = full | words.get("weekday", {})
    words["dayname"] = weekdays | words["weekday"]
    words["modifier"] = dict.fromkeys(lists.strings("modifiers"), "")
    return words


SHORTEST_WEEKDAY = 5
"""Shorter names of weekdays ("sun", "mar", "di") are ordinary words: they count only beside a date."""


def _spellings(file: _File, key: str, count: int) -> dict[str, str]:
    words: dict[str, str] = {}
    for number, names in _numbered(file, key, count).items():
        for name in map(_key, names):
            if words.setdefault(name, str(number)) != str(number):
                raise file.error(key, f"{name!r} stands for {words[name]} and for {number}")
    return words


def _months_choice(file: _File) -> str:
    """Names of months; abbreviations may have a point."""
    words = _words(file)["month"]
    short = {one for one in words if any(other != one and other.startswith(one) for other in words)}
    return rf"(?:(?:{_choice(words.keys() - short)})(?!\w)|(?:{_choice(short)})(?!\w)\.?)"


def _names_choice(file: _File) -> str:
    return rf"(?:{_choice(_words(file)['dayname'])})(?!\w)"


def _choice(words: Iterable[str]) -> str:
    """An alternative of literal words, the longest first."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"\s{1,2}") for word in ordered) or "(?!)"


def _expand(file: _File, source: str, choices: Mapping[str, str]) -> str:
    """An expression of the lexicon as a pattern."""
    source = source.replace("[ -]", r"(?:\s|[-‑–])").replace(" ?", r"\s{0,2}").replace(" ", r"\s{1,2}")

    def group(match: re.Match[str]) -> str:
        kind = match[1]
        if kind in _NUMBERS:
            return _NUMBERS[kind]
        if kind not in choices:
            raise file.error("expressions", f"unknown kind of words {{{kind}}}")
        return f"(?P<{kind}>{choices[kind]})"

    return re.sub(r"\{([a-z]+)\}", group, source)


def _cues(words: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """The first words of everything that can start an expression, "Montagabend" among them."""
    starts = [word for kind, table in words.items() if kind not in _NEVER_FIRST for word in table]
    starts += [weekday + part for weekday in words["weekday"] for part in words.get("part", {})]
    return frozenset(first[0] for word in starts if (first := _CUE.findall(word)))


def _named_days(file: _File) -> tuple[tuple[re.Pattern[str], str], ...]:
    entries = file.table.get("named", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise file.error("named", "must be a list of tables")
    return tuple((file.pattern("named", str(entry.get("pattern"))), _iso_value(file, entry)) for entry in entries)


def _iso_value(file: _File, entry: Table) -> str:
    try:
        return date.fromisoformat(str(entry.get("value"))).isoformat()
    except ValueError as error:
        raise file.error("named", f"{entry.get('value')!r} is not a day") from error


def _after(file: _File) -> dict[str, re.Pattern[str]]:
    guards = file.part("guards")
    found = {kind: guards.part(kind).strings("after") for kind in guards.table}
    return {kind: file.pattern(kind, rf"[\s-]{{1,2}}(?:{_choice(words)})\b") for kind, words in found.items() if words}


_NAME = (  # a word, with the vowel signs of Hebrew, Arabic and India; two Levantine names have a second word
    r"(?P<name>[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u0dff׳]){1,19}"
    r"(?:\s(?:الثاني|الأول))?)"
)
_NUMBERS = {
    "year": r"(?P<year>(?:1[5-9]|20)\d\d)",
    "day": r"(?P<day>3[01]|[12]\d|0?[1-9])(?!\d)",
    "lastday": r"(?P<lastday>3[01]|[12]\d|0?[1-9])(?!\d)",
}
_KINDS = {
    "deictics": "deictic",
    "relatives": "relative",
    "units": "unit",
    "counted": "counted",
    "counts": "count",
    "parts": "part",
    "seasons": "season",
    "quarters": "quarter",
    "months": "month",
    "weekdays": "weekday",
    "yearwords": "yearword",
}
_NEVER_FIRST = frozenset({"unit", "counted", "part", "yearword"})
_CUE = re.compile(r"\w+")
