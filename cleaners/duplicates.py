"""Which articles are copies, and of which one that stays: the survivor rule.

Everything here is a function of the set of articles: the order in which they came, and how
often they were looked at before, does not enter.

* A **revision** has the canonical URL of a newer fetch and shares text with it.
* An **exact** copy has the same words, a **near** copy nearly the same shingles.
* Survivors are found by going through the articles in one total order: an article is a
  duplicate if it matches one that already survived, and it names that one. So every
  duplicate is verified against its survivor, and nothing chains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from cleaners.fingerprint import Words, cased_words, containment, jaccard, shingles, words

Kind = Literal["exact", "near", "revision"]

MIN_REVISION = 0.3
"""Containment from which two texts of one URL are versions of one article. A choice, far above what
two articles on one subject share; in the sample a revision has .90. To be measured on real revisions."""
MAX_UNLIKE = 3
"""A URL that more than this many unlike texts claim identifies nothing."""
SECTION_DEPTH = 2
"""Path segments that the address of a section may have ("/news/local/")."""
INDEX = ("index", "default", "home")
"""File names that stand for the folder they are in."""
PAGING = ("page", "paged", "pg", "offset", "start")
"""Parameters that turn the pages of a section."""
MIN_SPOTS = 3
"""Replaced places from which a pair may be a template: weather, stock and match reports
differ all over, an edited copy in one or two places."""
MIN_PARTICULARS = 0.6
"""Share of numbers and names among the replaced words above which a pair is a template. A choice, like
MIN_SPOTS, that holds on the sample; to be measured on labelled pairs."""
MAX_FORM = 2_000
"""Words above which nobody asks either: a form is short, and the question costs the square of them."""
MIN_SIMILAR = 0.5
"""Jaccard below which nobody asks whether a pair is a template."""
MIN_OVERLAP = 0.8
"""Containment from which two articles that are not duplicates are recorded as overlapping."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the survivor rule needs to know of an article."""

    id: str
    digest: str
    """Equal for the same words."""
    length: int
    """Words of the clean text."""
    site: str | None = None
    url: str | None = None
    """The canonical one."""
    published_at: datetime | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An article is a copy of the surviving article `of`."""

    of: str
    kind: Kind
    similarity: float
    """Exact Jaccard with that article."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """One article stands (nearly) whole in another, or so."""

    id: str
    other_id: str
    containment: float
    jaccard: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles compared exactly."""

    jaccard: float
    containment: float
    is_template: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a set of articles."""

    duplicates: Mapping[str, Duplicate]
    shared_urls: frozenset[str]
    """Ids of articles whose canonical URL is another article's too."""
    overlaps: tuple[Overlap, ...] = field(default=())


Compare = Callable[[str, str], Pair]
"""Two ids, compared exactly."""
Buckets = Mapping[str, Iterable[Hashable]]
"""For an id the buckets it is in; two articles that share none are not compared."""


def compare(a: str, b: str) -> Pair:
    """Two texts, compared exactly."""
    one, other = shingles(words(a)), shingles(words(b))
    similarity = jaccard(one, other)
    is_form = MIN_SIMILAR <= similarity < 1 and is_template(cased_words(a), cased_words(b))
    return Pair(similarity, containment(one, other), is_form)


def is_template(a: Words, b: Words) -> bool:
    """Whether two texts are one form filled in twice: they differ all over, in particulars.

    >>> is_template(tuple("Ayr beat Luss 3 to 1 on Monday".split()), tuple("Mull beat Oban 2 to 0 on Friday".split()))
    True
    >>> is_template(tuple("Ayr beat Luss 3 to 1 on Monday".split()), tuple("Ayr beat Luss 3 to 1 today".split()))
    False
    """
    if max(len(a), len(b)) > MAX_FORM:
        return False
    spots = [
        (a[a_start:a_end], b[b_start:b_end])
        for tag, a_start, a_end, b_start, b_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        if tag == "replace"
    ]
    replaced = [word for spot in spots for side in spot for word in side]
    particulars = sum(word[0].isdigit() or word[0].isupper() for word in replaced)
    return len(spots) >= MIN_SPOTS and particulars >= MIN_PARTICULARS * len(replaced)


def decide(entries: Iterable[Entry], buckets: Buckets, compare: Compare, rule: Rule) -> Decision:
    """Apply the survivor rule to `entries`, in whatever order they come.

    An article is compared with the survivors that it shares a bucket with, and with no others:
    ten thousand copies of one page cost ten thousand comparisons, not fifty million.
    """
    ordered = sorted(entries, key=rule.order)
    newest, shared = _revisions(ordered, compare)
    walk = _Walk(buckets, compare, rule.threshold)
    for entry in ordered:
        if entry.id not in newest:
            walk.meet(entry)
    for entry in ordered:
        if entry.id in newest:
            walk.meet_revision(entry, newest[entry.id])
    overlaps = tuple(sorted(walk.overlaps, key=lambda overlap: (overlap.id, overlap.other_id)))
    return Decision(walk.duplicates, shared - walk.duplicates.keys(), overlaps)


@dataclass(frozen=True, slots=True)
class Rule:
    """The settings of the survivor rule."""

    threshold: float = 0.8
    """Jaccard from which two texts are near copies."""
    prefer: tuple[str, ...] = ()
    """Sites whose articles stay before those of others, best first."""

    def order(self, entry: Entry) -> tuple[int, bool, datetime, int, str]:
        """The total order: preferred sites, known and early publication, long text, id."""
        place = self.prefer.index(entry.site) if entry.site in self.prefer else len(self.prefer)
        return place, entry.published_at is None, entry.published_at or _EVER, -entry.length, entry.id


@dataclass(slots=True)
class _Walk:
    """The articles met so far, in total order, and what became of each."""

    buckets: Buckets
    compare: Compare
    threshold: float
    places: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    """The survivors, with the order in which they were met."""
    in_bucket: defaultdict[Hashable, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The survivors in each bucket."""
    by_digest: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, Duplicate] = field(default_factory=dict)
    overlaps: list[Overlap] = field(default_factory=list)

    def meet(self, entry: Entry) -> None:
        """Decide on an article: a copy of the first survivor that it matches, or a survivor itself."""
        if (same := self.by_digest.get(entry.digest)) is not None:
            self.duplicates[entry.id] = Duplicate(same, "exact", 1.0)
            return
        overlaps = list[Overlap]()
        for other in self._candidates(entry):
            pair = self.compare(entry.id, other)
            if pair.jaccard >= self.threshold and not pair.is_template:
                self.duplicates[entry.id] = Duplicate(other, "near", pair.jaccard)
                return
            if pair.containment >= MIN_OVERLAP:
                overlaps.append(_overlap(entry, self.places[other][1], pair))
        self._survive(entry)
        self.overlaps += overlaps

    def meet_revision(self, entry: Entry, newest: str) -> None:
        """Decide on an older revision: it goes with its newest version, wherever that went."""
        of = self.duplicates[newest].of if newest in self.duplicates else newest
        pair = self.compare(entry.id, of)
        if pair.containment >= MIN_REVISION:
            self.duplicates[entry.id] = Duplicate(of, "revision", pair.jaccard)
        else:
            self.meet(entry)

    def _candidates(self, entry: Entry) -> list[str]:
        """The survivors that share a bucket with the article, in the order they were met."""
        found = {other for bucket in self.buckets.get(entry.id, ()) for other in self.in_bucket.get(bucket, ())}
        return sorted(found, key=lambda other: self.places[other][0])

    def _survive(self, entry: Entry) -> None:
        self.places[entry.id] = (len(self.places), entry)
        self.by_digest[entry.digest] = entry.id
        for bucket in self.buckets.get(entry.id, ()):
            self.in_bucket[bucket].append(entry.id)


def _overlap(a: Entry, b: Entry, pair: Pair) -> Overlap:
    """The shorter article stands in the longer one."""
    shorter, longer = sorted((a, b), key=lambda entry: (entry.length, entry.id))
    return Overlap(shorter.id, longer.id, pair.containment, pair.jaccard)


def _revisions(ordered: Sequence[Entry], compare: Compare) -> tuple[dict[str, str], frozenset[str]]:
    """Of each older revision the newest one; and the ids of articles that share a URL."""
    by_url = defaultdict[str, list[Entry]](list)
    for entry in ordered:
        if entry.url and identifies(entry.url):
            by_url[entry.url].append(entry)
    newest, shared = dict[str, str](), set[str]()
    for group in by_url.values():
        found, kept = _versions(group, compare)
        newest |= found
        shared |= kept if len(kept) > 1 else set()
    return newest, frozenset(shared)


def _versions(group: Sequence[Entry], compare: Compare) -> tuple[dict[str, str], set[str]]:
    """Which articles of one URL are older versions of which; and the ids of those that stay.

    Articles grow: of two whose fetch is unknown the longer one counts as newer.
    """
    newest, kept = dict[str, str](), list[str]()
    for entry in sorted(group, key=lambda entry: (_age(entry), -entry.length, entry.id)):
        like = next((other for other in kept if compare(entry.id, other).containment >= MIN_REVISION), None)
        if like is not None:
            newest[entry.id] = like
        elif len(kept) < MAX_UNLIKE:
            kept.append(entry.id)
        else:
            return {}, {entry.id for entry in group}
    return newest, set(kept)


def _age(entry: Entry) -> float:
    """Smaller for a newer fetch; an unknown one is the oldest."""
    return -(entry.fetched_at or _NEVER).timestamp()


def identifies(url: str) -> bool:
    """Whether a URL can name one article: not a front page, not a section.

    >>> identifies("https://ledger.example/news/"), identifies("https://ledger.example/news/mayor-resigns-today")
    (False, True)
    """
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment and segment.partition(".")[0] not in INDEX]
    last = segments[-1] if segments else ""
    query = "".join(value for name, value in parse_qsl(parts.query) if name not in PAGING)
    slug = last.count("-") + last.count("_") > 1 or any(character.isdigit() for character in last + query)
    return slug or len(segments) > SECTION_DEPTH or last.endswith((".html", ".htm", ".php", ".aspx"))
