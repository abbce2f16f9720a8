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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Literal
from urllib.parse import urlsplit

from cleaners.fingerprint import Words, cased_words, containment, jaccard, shingles, words

Kind = Literal["exact", "near", "revision"]

MIN_REVISION = 0.3
"""Containment from which two texts of one URL are versions of one article. Versions of live
pages share at least that; two different articles on one URL share under a tenth."""
MAX_UNLIKE = 3
"""A URL that more than this many unlike texts claim identifies nothing."""
SECTION_DEPTH = 2
"""Path segments that the address of a section may have ("/news/local/")."""
MIN_SPOTS = 3
"""Replaced places from which a pair may be a template: weather, stock and match reports
differ all over, an edited copy in one or two places."""
MIN_PARTICULARS = 0.6
"""Share of numbers and names among the replaced words above which a pair is a template."""
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
    spots = [
        (a[a_start:a_end], b[b_start:b_end])
        for tag, a_start, a_end, b_start, b_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        if tag == "replace"
    ]
    replaced = [word for spot in spots for side in spot for word in side]
    particulars = sum(word[0].isdigit() or word[0].isupper() for word in replaced)
    return len(spots) >= MIN_SPOTS and particulars >= MIN_PARTICULARS * len(replaced)


def decide(entries: Iterable[Entry], pairs: Iterable[tuple[str, str]], compare: Compare, rule: Rule) -> Decision:
    """Apply the survivor rule to `entries`, given candidate `pairs` of ids (in any order)."""
    ordered = sorted(entries, key=rule.order)
    newest, shared = _revisions(ordered, compare)
    neighbours = _neighbours(ordered, pairs, compare, rule.threshold)
    survivors = _Survivors(neighbours)
    for entry in ordered:
        if entry.id not in newest:
            survivors.meet(entry)
    for entry in ordered:
        if entry.id in newest:
            survivors.meet_revision(entry, newest[entry.id], compare)
    overlaps = tuple(_overlaps(ordered, pairs, compare, survivors.duplicates))
    return Decision(survivors.duplicates, shared - survivors.duplicates.keys(), overlaps)


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
class _Survivors:
    """The articles met so far, in total order, and what became of each."""

    neighbours: Mapping[str, Mapping[str, float]]
    places: dict[str, int] = field(default_factory=dict)
    by_digest: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, Duplicate] = field(default_factory=dict)

    def meet(self, entry: Entry) -> None:
        """Decide on an article that is not an older revision."""
        near = self.neighbours.get(entry.digest, {})
        matches = {other: Duplicate(other, "near", near[other]) for other in near if other in self.places}
        if (same := self.by_digest.get(entry.digest)) is not None:
            matches[same] = Duplicate(same, "exact", 1.0)
        if matches:
            self.duplicates[entry.id] = matches[min(matches, key=self.places.__getitem__)]
        else:
            self.places[entry.id] = len(self.places)
            self.by_digest[entry.digest] = entry.id

    def meet_revision(self, entry: Entry, newest: str, compare: Compare) -> None:
        """Decide on an older revision: it goes with its newest version, wherever that went."""
        of = self.duplicates[newest].of if newest in self.duplicates else newest
        pair = compare(entry.id, of)
        if pair.containment >= MIN_REVISION:
            self.duplicates[entry.id] = Duplicate(of, "revision", pair.jaccard)
        else:
            self.meet(entry)


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
    """Which articles of one URL are older versions of which; and the ids of those that stay."""
    newest, kept = dict[str, str](), list[str]()
    for entry in sorted(group, key=lambda entry: (_age(entry), entry.id)):
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
    segments = [segment for segment in parts.path.split("/") if segment]
    last = segments[-1] if segments else ""
    slug = last.count("-") + last.count("_") > 1 or any(character.isdigit() for character in last + parts.query)
    return slug or len(segments) > SECTION_DEPTH or last.endswith((".html", ".htm", ".php", ".aspx"))


def _neighbours(
    ordered: Sequence[Entry], pairs: Iterable[tuple[str, str]], compare: Compare, threshold: float
) -> dict[str, dict[str, float]]:
    """For each digest the ids of near copies, with their similarity.

    Pairs are between the first articles of each digest; copies of either are matched too.
    """
    of_id = {entry.id: entry.digest for entry in ordered}
    by_digest = defaultdict[str, list[str]](list)
    for entry in ordered:
        by_digest[entry.digest].append(entry.id)
    near = defaultdict[str, dict[str, float]](dict)
    for a, b in pairs:
        pair = compare(a, b)
        if pair.jaccard >= threshold and not pair.is_template and of_id[a] != of_id[b]:
            near[of_id[a]] |= dict.fromkeys(by_digest[of_id[b]], pair.jaccard)
            near[of_id[b]] |= dict.fromkeys(by_digest[of_id[a]], pair.jaccard)
    return near


def _overlaps(
    ordered: Sequence[Entry],
    pairs: Iterable[tuple[str, str]],
    compare: Compare,
    gone: Mapping[str, Duplicate],
) -> Iterable[Overlap]:
    """Verified pairs of surviving articles of which one stands nearly whole in the other."""
    lengths = {entry.id: (entry.length, entry.id) for entry in ordered}
    for a, b in sorted(tuple(sorted(pair, key=lengths.__getitem__)) for pair in pairs):
        if a not in gone and b not in gone and (pair := compare(a, b)).containment >= MIN_OVERLAP:
            yield Overlap(a, b, pair.containment, pair.jaccard)
