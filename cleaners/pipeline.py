"""The page to read first: what happens to a record, in order.

    Raw ─ extract ─▶ Page ─ characters, residue, head, layout ─▶ text ─ names, dates, language ─▶ Article

Text is changed only by edits (`edits.py`), so that every change is explained and reversible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from cleaners.characters import CHARACTERS, LAYOUT
from cleaners.dates import date_in_url, date_mentions, publication_date
from cleaners.edits import Cleaned, Cleaner, Edit, clean, clean_on
from cleaners.extract import extract
from cleaners.fingerprint import words
from cleaners.head import Head, is_head_line, read_head
from cleaners.language import detect
from cleaners.line_model import Subject, judged
from cleaners.model import (
    Article,
    Author,
    DateMention,
    Knowledge,
    Language,
    Options,
    Page,
    PersonMention,
    PublishedDate,
    Raw,
    Reject,
    Source,
)
from cleaners.names import parse_byline, person_mentions
from cleaners.patterns import disjoint, lines
from cleaners.residue import Finder, Found, carry_out, line_edits, line_matches, removal, span_edits

_LANGUAGE_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")
"""The language in a tag like `pt-BR` or `fil`; the names of languages are no tags."""

ALL_LANGUAGES = ("any", "en")
"""Rule packs that every text meets: sites in all languages carry English widgets."""


@lru_cache(maxsize=64)
def _finder(knowledge: Knowledge, language: str, site: str | None) -> Finder:
    """The rules that meet texts in `language`, and of `site` where some rules are for it alone."""
    return Finder(
        rule
        for rule in knowledge.rules
        if rule.language in (*ALL_LANGUAGES, language) and (not rule.sites or site in rule.sites)
    )


def cleaners(language: str, knowledge: Knowledge, site: str | None = None) -> tuple[Cleaner, ...]:
    """The cleaners that need nothing but the text: characters, and what the rules alone remove."""
    return (*CHARACTERS, *carry_out(rules_for(site, language, knowledge)))


def rules_for(site: str | None, language: str, knowledge: Knowledge) -> Finder:
    """The rules that meet a text of this site in this language."""
    is_named = any(site in rule.sites for rule in knowledge.rules if rule.sites)
    return _finder(knowledge, language, site if is_named else None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record whose text is clean; what it says about itself is still to be made sense of."""

    raw: Raw
    page: Page
    language: Language
    head: Head
    cleaned: Cleaned
    word_count: int
    notes: tuple[str, ...]
    """Families of notes by the newsroom that the source holds."""


def refine(raw: Raw, knowledge: Knowledge) -> Article | Reject:
    """A record becomes an article, or a Reject that says why not."""
    page = extract(raw)
    if isinstance(page, Reject):
        return page
    draft = _draft(raw, page, knowledge)
    if not draft.word_count:
        return Reject(raw.origin, "clean", "all-residue", "nothing was left when the residue was taken out")
    return _article(draft, knowledge)


def _draft(raw: Raw, page: Page, knowledge: Knowledge) -> Draft:
    language, title = _language(page), _one_line(page.title)
    done = _clean_lines(page, title, language.code, knowledge)
    head = read_head(done.cleaned.text, title, language.code, knowledge)
    rest = (lambda _text: head.edits, lambda text: _left_over(text, done.waiting), *LAYOUT)
    cleaned = clean_on(page.text, done.cleaned, rest)
    return Draft(raw, page, language, head, cleaned, len(words(cleaned.text)), done.notes)


@dataclass(frozen=True, slots=True)
class _Lines:
    """A text without its residue, and what is left to do."""

    cleaned: Cleaned
    waiting: Mapping[str, str]
    """Bylines and dates that the line model takes out, and by which rule: the head is read first."""
    notes: tuple[str, ...]
    """Families of the newsroom's own words that stand in the text."""


def _clean_lines(page: Page, title: str | None, language: str, knowledge: Knowledge) -> _Lines:
    rules, options = rules_for(page.site, language, knowledge), knowledge.options
    cleaned = clean(page.text, (*CHARACTERS, lambda text: span_edits(text, rules)))
    text = cleaned.text
    matches = [_with_options(match, options) for match in line_matches(text, rules)]
    subject = Subject(title or "", page.url or page.canonical_url or "")
    more = tuple(judged(text, matches, knowledge.lines, options.line_model, subject))
    waiting = {edit.old.strip(): edit.rules[0] for edit in more if is_head_line(edit.old.strip(), language, knowledge)}
    now = [edit for edit in more if edit.old.strip() not in waiting]
    edits = disjoint((*line_edits(text, matches), *now))
    notes = dict.fromkeys(match.rule.family for match in matches if match.rule.effect == "note")
    return _Lines(clean_on(page.text, cleaned, (lambda _text: edits,)), waiting, tuple(notes))


def _with_options(match: Found, options: Options) -> Found:
    """A line that is the newsroom's own word goes where the options say so."""
    wanted = {"correction": options.corrections, "contributor_credit": options.contributor_credits}
    goes = match.rule.effect == "note" and wanted.get(match.rule.family) == "remove"
    return replace(match, removed=True) if goes else match


def _left_over(text: str, waiting: Mapping[str, str]) -> Iterator[Edit]:
    """The lines that waited for the head to be read, and were none of its."""
    for start, line in lines(text) if waiting else ():
        if rule := waiting.get(line.strip()):
            yield removal(text, start, len(line), rule)


def _article(draft: Draft, knowledge: Knowledge) -> Article:
    raw, page, head, text = draft.raw, draft.page, draft.head, draft.cleaned.text
    published = _published(draft, knowledge)
    fetched = publication_date((("record", raw.metadata.get("fetched_at", "")),), None, knowledge.dates)
    return Article(
        origin=raw.origin,
        text=text,
        title=_one_line(page.title) or _one_line(head.title),
        title_raw=page.title or head.title,
        title_source=page.title_source or ("text" if head.title else None),
        authors=tuple(_authors(page.bylines or head.bylines, knowledge)),
        published=published,
        published_stated=None if published else next(iter(page.published), None),
        language=draft.language,
        url=page.url,
        canonical_url=page.canonical_url,
        site=page.site,
        word_count=draft.word_count,
        source_record_id=raw.record_id,
        source_metadata=raw.source_metadata,
        media_type=raw.media_type,
        charset=page.charset,
        extractor=page.extractor,
        fetched_at=fetched.value if fetched else None,
        flags=tuple(_flags(draft, published, fetched, knowledge.options)),
        edits=draft.cleaned.edits,
        mentions=_mentions(text, published, draft.language.code, knowledge),
    )


def _language(page: Page) -> Language:
    """What the text shows; for a text too short to tell, what the page or record claims."""
    found = detect(page.text)
    claimed = _LANGUAGE_TAG.match(page.language or "")
    return Language(claimed[1].lower(), 0.0, "declared") if found.code == "und" and claimed else found


def _published(draft: Draft, knowledge: Knowledge) -> PublishedDate | None:
    """The first source that states a date: record, page, date line, URL."""
    page, head = draft.page, draft.head
    in_url = date_in_url(page.url or page.canonical_url or "")
    candidates: list[tuple[Source, str]] = [*page.published]
    candidates += [("text", head.published.raw)] if head.published else []
    candidates += [("url", in_url)] if in_url else []
    return publication_date(candidates, draft.language.code, knowledge.dates, page.site)


def _authors(bylines: Iterable[str], knowledge: Knowledge) -> Iterator[Author]:
    """The authors of all bylines, each once; of a byline that cannot be read, what stood there."""
    seen = set[tuple[str | None, str | None, str]]()
    for byline in bylines:
        for author in parse_byline(byline, knowledge.names) or (Author(None, byline),):
            who = (author.name, author.organization, "" if author.name or author.organization else author.raw)
            if who not in seen:
                seen.add(who)
                yield author


def _mentions(
    text: str, published: PublishedDate | None, language: str, knowledge: Knowledge
) -> tuple[PersonMention | DateMention, ...]:
    persons = person_mentions(text, language, knowledge.names)
    dates = date_mentions(text, published, language, knowledge.dates)
    return tuple(sorted((*persons, *dates), key=lambda mention: (mention.start, mention.end)))


def _flags(
    draft: Draft, published: PublishedDate | None, fetched: PublishedDate | None, options: Options
) -> Iterator[str]:
    yield from draft.page.flags
    yield from sorted(note.replace("_", "-") for note in draft.notes)
    if draft.head.dateline:
        yield "dateline"
    if any("characters.mojibake" in edit.rules for edit in draft.cleaned.edits):
        yield "mojibake-repaired"
    if draft.word_count < options.short_words:
        yield "short"
    if not published and draft.page.published:
        yield "date-unreadable"
    if published:
        yield from published.flags
        seen = fetched.value.date() if fetched else draft.raw.ingest_date
        if seen and _is_later(published, seen):
            yield "date-in-future"


def _is_later(published: PublishedDate, seen: date) -> bool:
    """Whether an article claims to be younger than the day it was seen; a day is the width of the zones."""
    return published.value.date() - seen > timedelta(days=1)


def _one_line(text: str | None) -> str | None:
    """A title as it is shown: characters put right, on one line."""
    return " ".join(clean(text, CHARACTERS).text.split()) or None if text else None
