"""Lines that recur across the articles of a site, and the rules that would remove them.

A proposal and no more: most lines that recur are the site's, some are the sub-headings that its
editors like. A person reads the proposal before it becomes a rule.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import normalize
from zlib import crc32

from cleaners.model import Zone
from cleaners.patterns import in_zone, lines, prose_span
from cleaners.residue import MAX_LINE, continues

LEAST_ARTICLES = 5
"""Articles of a site in which a line must stand. In 6,061 scraped articles of 233 sites, cleaned by
the packaged rules of version 0.1.0, some 110 lines stand in so many. Nearly half are prose, and all
of these are sign-up texts, disclaimers, biographies and captions of galleries, none a passage that
articles quote from each other: so prose needs no bar of its own. Six of the others are sub-headings
("What happens next?") or speech ("Right."): so a person has to read the proposal."""
LEAST_SHARE = 0.005
"""Share of the articles of a site in which a line must stand as well. A choice that keeps the
proposal for a large site short: below 1,000 articles, as measured, it asks for nothing more."""
EXAMPLES = 3
"""Ways of writing a line, and ids of articles, that are kept of each."""
SLOTS = 1 << 22
"""Counters of the first reading, 16 MB. Lines may share one, which only costs memory in the second."""
NAME_LENGTH = 40
"""Code points of a rule's name or a site's in a file name."""

_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"[^\W_]+")
_TWO_LETTERS = re.compile(r"[^\W\d_][^\n]*[^\W\d_]")
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]()|]")


@dataclass(frozen=True, slots=True)
class SiteText:
    """The clean text of one article, as much of the article as is needed here."""

    id: str
    site: str
    text: str


@dataclass(frozen=True, slots=True)
class RecurringLine:
    """A line that stands in several articles of a site, whatever its case and digits."""

    articles: int
    """In how many; an article that holds it ten times counts once."""
    zone: Zone
    """Where it first stands in most of them."""
    surfaces: tuple[str, ...]
    """How it is written, at most `EXAMPLES` ways."""
    ids: tuple[str, ...]
    """Some of the articles."""


@dataclass(frozen=True, slots=True)
class SiteLines:
    """The articles of a site, and the lines that recur in them, the commonest first."""

    articles: int
    lines: tuple[RecurringLine, ...]


def recurring_lines(read: Callable[[], Iterable[SiteText]], least: int = LEAST_ARTICLES) -> dict[str, SiteLines]:
    """For each site its articles and the lines that recur in at least `least` of them, sites in order.

    `read` gives the same articles twice: the first reading finds out, in counters of a fixed
    size, which lines are worth remembering in the second. The order of the articles does not matter.
    """
    sites, slots = _counted(read())
    tallies = dict[tuple[str, str], _Tally]()
    for article in read():
        prose = prose_span(article.text)
        for key, (start, surface) in _removable(article.text).items():
            if slots[_slot(article.site, key)] >= least:
                tally = tallies.setdefault((article.site, key), _Tally())
                tally.add(_zone(start, prose), surface, article.id)
    return {site: SiteLines(count, _often(site, tallies, max(least, LEAST_SHARE * count)))
            for site, count in sorted(sites.items())}  # fmt: skip


def _counted(articles: Iterable[SiteText]) -> tuple[Counter[str], array[int]]:
    """The articles of each site; and for each slot the articles that have a line in it."""
    sites, slots = Counter[str](), array("I", bytes(4 * SLOTS))
    for article in articles:
        sites[article.site] += 1
        for slot in {_slot(article.site, key) for key in _removable(article.text)}:
            slots[slot] += 1
    return sites, slots


def _slot(site: str, key: str) -> int:
    return crc32(f"{site}\n{key}".encode("utf-8", "surrogatepass")) % SLOTS


def _often(site: str, tallies: Mapping[tuple[str, str], _Tally], least: float) -> tuple[RecurringLine, ...]:
    found = [(key, tally) for (of, key), tally in tallies.items() if of == site and tally.zones.total() >= least]
    return tuple(tally.line() for _, tally in sorted(found, key=lambda pair: (-pair[1].zones.total(), pair[0])))


@dataclass(slots=True)
class _Tally:
    """What is remembered of a line while articles are read; the same whatever their order."""

    zones: Counter[Zone] = field(default_factory=Counter)
    surfaces: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def add(self, zone: Zone, surface: str, article: str) -> None:
        self.zones[zone] += 1
        self.surfaces = sorted({*self.surfaces, surface})[:EXAMPLES]
        self.ids = sorted({*self.ids, article})[:EXAMPLES]

    def line(self) -> RecurringLine:
        zone = min(self.zones, key=lambda zone: (-self.zones[zone], zone))
        return RecurringLine(self.zones.total(), zone, tuple(self.surfaces), tuple(self.ids))


def _removable(text: str) -> dict[str, tuple[int, str]]:
    """Every line that a rule could remove, by what makes lines equal: its first place and how it is written there."""
    found = dict[str, tuple[int, str]]()
    for start, line in lines(text):
        surface = line.strip(" \t")
        if len(line) <= MAX_LINE and _TWO_LETTERS.search(surface) and not continues(text, start):
            found.setdefault(_key(surface), (start, surface))
    return found


def _key(line: str) -> str:
    """Equal for lines that one pattern matches: in small letters, every number a 0.

    Letter by letter, as patterns compare: lower() alone takes neighbours into account (Σ) or
    makes two letters of one (İ).
    """
    small = "İ".join(piece.lower() for piece in line.replace("Σ", "σ").split("İ"))
    return _DIGITS.sub("0", small)


def _zone(start: int, prose: tuple[int, int]) -> Zone:
    zones: tuple[Zone, ...] = ("head", "body", "tail")
    return next(zone for zone in zones if in_zone(start, zone, prose))


# ── the proposal ────────────────────────────────────────────────────────────────────────────

HEADER = """\
# Proposed by `copydesk rules learn` for the site {site}, from its {articles} articles. Not in force.
#
# Read every rule. A line that recurs can be a sub-heading that belongs to the articles, or the name
# of an author: delete such rules, and say in `why` and `family` what the others remove. Then
#
#   copydesk rules test {name}
#
# shows what they remove. To accept them, name this file in copydesk.toml,
#
#   [clean]
#   rules = [{name}]
#
# and clean what is published again: copydesk backfill --reprocess changed (with --from and --to).
"""


def file_name(site: str) -> str:
    """The name for a file of rules for `site`: one plain file name, whatever the site is called.

    >>> file_name("news.ledger.example"), file_name("../../etc")
    ('any-news-ledger-example.toml', 'any-etc.toml')
    """
    return f"any-{_name(_NAME, site) or 'site'}.toml"


def as_toml(site: str, found: SiteLines, name: str) -> str:
    """A file of rules, to be written to `name`, that removes the lines of `found` from the articles of `site`."""
    header = HEADER.format(site=_string(site), articles=found.articles, name=_string(name))
    pairs = zip(as_rules(site, found), found.lines, strict=True)
    return "\n".join((header, *(_stanza(rule, line, found.articles) for rule, line in pairs)))


def as_rules(site: str, found: SiteLines) -> tuple[Mapping[str, str | Sequence[str]], ...]:
    """The rules as tables, one a line.

    They have no zone: where the prose of an article begins and ends depends on what other rules
    remove, and a whole line of one site, letter by letter, is narrow enough.
    """
    names = _numbered(_name(_LETTERS, line.surfaces[0]) or "line" for line in found.lines)
    return tuple(_rule(name, site, line, found.articles) for name, line in zip(names, found.lines, strict=True))


def _rule(name: str, site: str, line: RecurringLine, of: int) -> Mapping[str, str | Sequence[str]]:
    surface = line.surfaces[0]
    return {
        "id": name,
        "family": "boilerplate",
        "why": f"Stood in {line.articles} of {of} articles of {site}.",
        "pattern": _pattern(surface),
        "cues": [_cue(surface)],
        "sites": [site],
        "removes": line.surfaces,
        "keeps": [f"“{surface}”, the sign said."],
    }


def _pattern(surface: str) -> str:
    r"""Matches the line, with other numbers in it too.

    >>> print(_pattern("Page 3 of 17 (more)"))
    Page \d+ of \d+ \(more\)
    """
    return r"\d+".join(_SPECIAL.sub(r"\\\g<0>", piece) for piece in _DIGITS.split(surface))


def _cue(surface: str) -> str:
    """The part of the line between numbers that has the most letters, as cues are written."""
    return max(_DIGITS.split(surface), key=lambda piece: sum(map(str.isalpha, piece))).strip().casefold()


def _name(words: re.Pattern[str], text: str) -> str:
    """The words of `text` with hyphens between them, as many as there is room for."""
    name = "-".join(words.findall(normalize("NFC", text).lower()))
    return name if len(name) <= NAME_LENGTH else name[:NAME_LENGTH].rpartition("-")[0] or name[:NAME_LENGTH]


def _numbered(names: Iterable[str]) -> Iterator[str]:
    """The names, those that came before with a number behind them."""
    seen = Counter[str]()
    for name in names:
        seen[name] += 1
        yield f"{name}-{seen[name]}" if seen[name] > 1 else name


def _stanza(rule: Mapping[str, str | Sequence[str]], line: RecurringLine, of: int) -> str:
    where = f"# {line.articles} of {of} articles, mostly in the {line.zone}; for one: copydesk show {line.ids[0]}"
    return "\n".join((where, "[[rule]]", *(f"{key} = {_value(key, value)}" for key, value in rule.items()), ""))


def _value(key: str, value: str | Sequence[str]) -> str:
    if not isinstance(value, str):
        return f"[{', '.join(map(_string, value))}]"
    is_plain = key == "pattern" and value.isprintable() and "'" not in value
    return f"'{value}'" if is_plain else _string(value)


def _string(text: str) -> str:
    r"""A TOML string in which everything can be seen: what does not print is escaped.

    >>> print(_string('say "no"\x1b'))
    "say \"no\"\u001B"
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04X}" if ord(letter) < 1 << 16 else f"\\U{ord(letter):08X}"
