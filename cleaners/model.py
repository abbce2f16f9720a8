"""The values that travel through the pipeline, one frozen class per stage.

    Origin ─▶ Raw ─▶ Page ─▶ Article | Reject

Offsets count Unicode code points. Times are aware datetimes in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from cleaners.edits import Edit

Precision = Literal["second", "minute", "hour", "day", "month", "year"]
Source = Literal["record", "sidecar", "jsonld", "meta", "h1", "html", "text", "url"]
Zone = Literal["any", "head", "body", "tail"]
Scope = Literal["line", "span"]
Keep = Literal["keep", "remove"]
OperatingPoint = Literal["off", "careful", "normal", "eager"]
Effect = Literal["remove", "vote", "note"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record stands: the raw file below the raw root, and the record in it.

    `record` is the physical number of the record in its file, from 0: the line of a
    JSONL file, the record of a WARC file, 0 for a file that is one document.
    """

    path: str
    record: int = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it was read: its payload, and what the file says about it."""

    origin: Origin
    payload: bytes | str
    media_type: str
    """`text/plain` or `text/html`."""
    charset: str | None = None
    """The character set that somebody claimed for a payload of bytes (HTTP header, sidecar)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the record or its sidecar says; the keys are those of `readers.KEYS`."""
    metadata_source: Source = "record"
    ingest_date: date | None = None
    """The partition; an article that claims to be younger is flagged `date-in-future`."""
    record_id: str | None = None
    source_metadata: str | None = None
    """JSON of the keys nobody asked for."""
    flags: tuple[str, ...] = ()
    """What the reader noticed: `sidecar-invalid` …"""


@dataclass(frozen=True, slots=True)
class Author:
    """One author of an article, in the order of the byline.

    `name` is None where only an organisation signed ("Associated Press").
    """

    name: str | None
    raw: str
    """The piece of the byline that this author came from, untouched."""
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedDate:
    """When an article was published, exactly as precise as the source says."""

    value: datetime
    """Aware, in UTC; the start of the interval when imprecise."""
    precision: Precision
    raw: str
    """The text that stood there."""
    source: Source = "text"
    flags: tuple[str, ...] = ()
    """`zone-unknown`: a time of day without a zone, stored as if it were UTC.
    `weekday-mismatch`: the weekday written beside the date is not that date's."""
    local_date: date | None = None
    """The calendar day as written, before conversion to UTC: what "today" meant to the
    author. None when the precision is coarser than a day."""


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date expression in a clean text."""

    start: int
    end: int
    surface: str
    value: str
    """ISO 8601 / EDTF, with `X` for the digits that are not known: `2024-10-14`,
    `XXXX-10-14`, `XXXX-WXX-3`, `199X`, `2024-10`."""
    precision: str
    """`second minute hour day week month quarter season year decade century`."""
    method: str
    """Which kind of rule resolved it: `absolute`, `anchored`, `unanchored` …"""
    anchor: str | None = None
    """The ISO date that the value was computed from, None if none was used."""
    anchored: bool = False
    """Whether the value needed an anchor."""
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class PersonMention:
    """A mention of a person in a clean text; titles ("Gen.") are not part of it."""

    start: int
    end: int
    surface: str
    value: str
    """The canonical name, as full as the document (or a reviewed alias) gives it."""
    key: str
    """Equal for spelling variants of one name, across documents."""
    method: str
    """`full`, `surname`, `alias` …: how the value was found."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language, how sure the detector is (0 to 1), and which detector decided."""

    code: str
    """ISO 639-1, ISO 639-3 where it has none, `und` when unknown."""
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Page:
    """A document with its text extracted: the source text, where edits begin."""

    text: str
    title: str | None = None
    title_source: Source | None = None
    bylines: tuple[str, ...] = ()
    published: tuple[tuple[Source, str], ...] = ()
    """Date strings as they stood, best source first."""
    url: str | None = None
    canonical_url: str | None = None
    site: str | None = None
    language: str | None = None
    """What the page or record claims."""
    charset: str | None = None
    extractor: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """A clean article: one row of the table `articles` (or `duplicates`), and what belongs to it."""

    origin: Origin
    text: str
    title: str | None
    title_raw: str | None
    title_source: Source | None
    authors: tuple[Author, ...]
    published: PublishedDate | None
    published_stated: tuple[Source, str] | None
    """Where a date was stated that cannot be read, or not without a guess: what stood there."""
    language: Language
    url: str | None
    canonical_url: str | None
    site: str | None
    word_count: int
    source_record_id: str | None
    source_metadata: str | None
    media_type: str
    charset: str | None
    extractor: str | None
    fetched_at: datetime | None
    flags: tuple[str, ...]
    edits: tuple[Edit, ...]
    mentions: tuple[PersonMention | DateMention, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that did not become an article, with a stable reason."""

    origin: Origin
    stage: str
    """`read`, `decode`, `extract`, `clean` or `work`."""
    reason: str
    """Stable and short: `invalid-json`, `no-article` … Listed in docs/rejects.md."""
    detail: str
    """For a person: what was wrong, where."""
    environmental: bool = False
    """True when another run might succeed with the same bytes."""
    payload: bytes | None = None
    """The record's bytes, where they cannot be had from the raw file again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One residue rule, as read from a TOML file in `cleaners/rules/`."""

    id: str
    language: str
    """ISO 639-1, or `any`."""
    family: str
    why: str
    pattern: re.Pattern[str]
    cues: tuple[str, ...]
    """Casefolded literals; the rule is tried only on a text that holds one of them."""
    zone: Zone
    scope: Scope
    removes: tuple[str, ...]
    keeps: tuple[str, ...]
    effect: Effect = "remove"
    """`remove`: what matches goes. `vote`: it is a sign among others, weighed by the line model.
    `note`: it is the newsroom's own word, which stays unless an option says otherwise; the article is flagged."""
    longest: int = 2_000
    """Code points of the longest line that the rule is tried on; no widget writes a longer one than by default."""
    sites: tuple[str, ...] = ()
    """The sites (`Page.site`) whose articles the rule meets; empty: those of all sites."""


@dataclass(frozen=True, slots=True)
class NameLexicon:
    """What `names.py` knows, as read from the TOML files in `lexicons/` and `aliases/`.

    Words are casefolded unless said otherwise; the files say what each list is for.
    """

    titles: frozenset[str] = frozenset()
    strong_titles: frozenset[str] = frozenset()
    introducers: frozenset[str] = frozenset()
    speech: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    signing_roles: frozenset[str] = frozenset()
    """The part of `roles` that says of a line without "By" that it is a byline."""
    beats: frozenset[str] = frozenset()
    press_words: frozenset[str] = frozenset()
    organisation_words: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    """Capitalised words that name no person, as they are written."""
    common: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    """Given names of all kinds, folded: without case and accents."""
    romanised: frozenset[str] = frozenset()
    """Given names that have several spellings in Latin script; folded, a part of `given`."""
    surnames: frozenset[str] = frozenset()
    family_first: frozenset[str] = frozenset()
    ambiguous_given: frozenset[str] = frozenset()
    particles: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()
    agencies: Mapping[str, str] = field(default_factory=dict)
    """From the folded name of an agency or paper to the name as it writes itself."""
    nicknames: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """From a folded given name to the keys of the groups it stands in."""
    persons: Mapping[str, str] = field(default_factory=dict)
    """From a folded full name to the name that is published for that person."""
    person_starts: frozenset[str] = frozenset()
    """The first words of `persons`: few words of a text need to be looked up."""
    alone: Mapping[str, str] = field(default_factory=dict)
    """From a folded surname to the public figure that it means where nobody else is named."""
    lead: re.Pattern[str] = re.compile("(?!)")
    """What stands before the names of a byline."""
    other_credit: re.Pattern[str] = re.compile("(?!)")
    """What stands before the names of people who did not write the text."""
    joint: re.Pattern[str] = re.compile("(?!)")
    """What stands between two names of a byline."""


@dataclass(frozen=True, slots=True)
class DateGrammar:
    """How one language writes dates in running text, as `parse_lexicon` compiled it.

    A kind of word is the name of a group in the expressions: `month`, `weekday`, `relative` …
    """

    expressions: tuple[re.Pattern[str], ...]
    """Tried in order at every cue; the first that matches there is meant."""
    named: tuple[tuple[re.Pattern[str], str], ...]
    """Days that became names, with their ISO dates."""
    cues: frozenset[str]
    """First words of expressions, in small letters."""
    words: Mapping[str, Mapping[str, str]]
    """Kind → word → what it means."""
    before: Mapping[str, frozenset[str]]
    """Kind → words in front of an expression that forbid it."""
    after: Mapping[str, re.Pattern[str]]
    """Kind → what may not follow an expression."""
    needs: Mapping[str, frozenset[str]]
    """Kind → words of which one must stand in front."""
    needing: frozenset[str]
    """The months that need such a word; empty when all do."""
    capitalised: bool
    """Whether names of months and weekdays start with a capital letter."""
    order: str
    """`dmy`, `mdy`, `ymd`, or empty when the language does not tell."""
    ranges: frozenset[str]
    """Words between the two ends of a range."""
    future: frozenset[str]
    """Words that say an event is still to come; `perhaps` says it less surely."""
    perhaps: frozenset[str]
    past: frozenset[str]
    past_endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DateLexicon:
    """What `dates.py` knows, as read from the TOML files in `lexicons/`."""

    months: Mapping[str, Mapping[str, int]]
    """Language → folded name → 1 to 12; the empty language holds what all agree on."""
    weekdays: Mapping[str, Mapping[str, int]]
    """Language → folded name → 1 (Monday) to 7; the empty language holds what all agree on."""
    orders: Mapping[str, str]
    """Language, `.country` or `@zone` → `dmy`, `mdy` or `ymd`."""
    zones: Mapping[str, int]
    """Zone, or `zone.country` → minutes east of UTC."""
    daylight_zones: Mapping[str, int]
    """Zones with American daylight saving time → minutes east of UTC in winter."""
    shapes: tuple[re.Pattern[str], ...]
    clock: re.Pattern[str]
    connectors: frozenset[str]
    """Words that may stand between a date and its time of day."""
    halves: Mapping[str, int]
    """`am` and its translations → 0, `pm` and its translations → 12."""
    labels: re.Pattern[str]
    """Finds what a date says about itself, in the groups `published` and `updated`."""
    grammars: Mapping[str, DateGrammar]
    """Language → grammar."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of the user that change what comes out of the cleaners."""

    datelines: Keep = "keep"
    """Whether a dateline inside the first paragraph ("PARIS (AP) —") stays in the text."""
    corrections: Keep = "keep"
    """Whether lines that correct the article or say how it was updated stay in the text."""
    contributor_credits: Keep = "keep"
    """Whether lines that name who else reported stay in the text ("Ann Roe contributed to this report.")."""
    line_model: OperatingPoint = "normal"
    """How sure the line model must be to remove a line; `off`: only rules remove."""
    short_words: int = 25
    """An article of fewer words is flagged `short`."""


@dataclass(frozen=True, slots=True)
class LineWords:
    """Words that tell running text from labels and calls, in small letters."""

    function: frozenset[str]
    """Words of grammar."""
    address: frozenset[str]
    """With these a page speaks to its reader, and of its publisher."""
    months: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of questions; the answers to all trees add up to the score of a line."""

    nodes: tuple[tuple[int, int, int, int], ...]
    """Each: a feature, the most it may be to go left, the node to the left, the node to the right.
    A node below zero is the answer at its complement (`~node`)."""
    answers: tuple[int, ...]
    """In thousandths of a log-odd."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Some of the trees, in order."""

    trees: tuple[Tree, ...]
    least: int
    """In thousandths of a log-odd: a line whose answers up to here add up to less is given up."""


@dataclass(frozen=True, slots=True)
class LineModel:
    """What `line_model.py` knows, as read from `models/lines.json` and `lexicons/lines.toml`."""

    words: LineWords
    terms: Mapping[str, int]
    """What a term says for residue, in hundredths of a log-odd."""
    bias: int
    stages: tuple[Stage, ...]
    gate: int
    """A line of running text that no rule knows and whose terms say less than this is not asked about."""
    thresholds: Mapping[str, int]
    """The least score at which a line goes, by operating point."""


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """Everything the cleaners know: rules, aliases, lexicons and options, parsed and digested."""

    rules: tuple[Rule, ...]
    names: NameLexicon
    dates: DateLexicon
    lines: LineModel
    options: Options
    digest: str
    """Of the tables that this was parsed from, in hex."""
