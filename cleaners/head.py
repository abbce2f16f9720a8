"""The head of a text: headline, byline, dateline and timestamp lines.

They are proposed for removal like anything else (`head.title`, `head.byline`,
`head.dateline`, `head.timestamp`); what they say moves to the metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import islice
from unicodedata import combining, normalize

from cleaners.dates import publication_date
from cleaners.edits import Edit
from cleaners.model import Knowledge, PublishedDate
from cleaners.names import is_byline
from cleaners.patterns import is_prose, line_end, lines

HEAD_LINES = 8
"""How many lines with text the head may have: headline, standfirst, byline, dates, section."""
MAX_TITLE = 200
"""Code points of the longest headline; of 6,078 scraped news titles two are longer."""
MAX_BYLINE = 150
"""Code points of the longest byline line: four authors with their paper."""
MAX_DATE_LINE = 100
"""Code points of the longest date line; a longer one that holds a date is a sentence."""
MAX_OTHER_WORDS = 2
"""Words beside the date that a date line may have: a place of two words."""
MIN_TITLE = 12
"""Code points of the shortest line that is taken for a headline without further evidence."""
MIN_TITLE_WORDS = 4
"""Words of the shortest one: two or three are as often the name of an author or a section."""

# Not the first question of an interview, the credit of a picture, a sentence that ends inside its
# quotation marks, or two sentences.
_TITLE = re.compile(
    rf"(?=.{{{MIN_TITLE},{MAX_TITLE}}}\Z)(?=(?:\S+ ){{{MIN_TITLE_WORDS - 1}}})"
    r"(?!Q(?:uestion)?[.:]|Image c|Media [cp]|.*(?:[Pp]hoto ?:|\|))(?!.*[^\W\d]{4}[.!?] [^\W\d_])"
    r"[\"'‘“¿¡]?[^\W_].*(?:[^\s.…,;:—–\"”’»)\]-]|[^\s.…,;:][\"”’»)\]]+)\s*\Z"
)
_BRIEF_TITLE = re.compile(r"(?=.{6,80}\Z)[\"'‘“¿¡]?[^\W_\da-z]\S* \S.*[^\s.…,;:—–-]\s*\Z")
# "Von Friederike Achleitner", "By Dispatch Staff and Wire Reports": nothing but words that could be
# names, which are no evidence by themselves, but are where a headline or a date stands beside them.
_PART = r"(?:[A-ZÀ-ÖØ-Þ][\w’'.-]*|and|und|y|et|e|en|of|the|&)"
_NAMES = re.compile(rf"{_PART}(?:,? {_PART}){{1,7}}\Z")
_TIMESTAMP_WORDS = re.compile(
    r"(?i)\b(?:published|updated|posted|last (?:updated|modified)|first published|created|at|on|by|"
    r"[ap]\.?m\.?|min(?:ute)?s? read|"
    r"veröffentlicht|aktualisiert|am|um|uhr|publicado|actualizado|atualizado|em|el|de|a las|às|publié|mis à jour|le|à|"
    r"pubblicato|aggiornato|il|alle|gepubliceerd|bijgewerkt|op|om|опубликовано|обновлено|в)\b"
)
_WORD = re.compile(r"\w+")
_DATELINE = re.compile(
    r"\A(?:[A-Z][A-Z'’.-]+(?: [A-Z][A-Z'’.-]+){0,3})(?:, [A-Z][\w.]+){0,2}"
    r"(?:,? (?:[A-Z][a-z]{2,8}\.? \d{1,2}))?(?: ?\([A-Z][\w .&/-]{1,30}\))?(?: ?(?:—|–|--) ?| - )(?=[\"“'‘]?[A-Z0-9])"
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a text says, and the edits that take it out of the text."""

    title: str | None = None
    bylines: tuple[str, ...] = ()
    published: PublishedDate | None = None
    dateline: str | None = None
    """As it stands before the first paragraph, which it leaves only where the options say so."""
    edits: tuple[Edit, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Document:
    """The text whose head is read, and what is known of it."""

    text: str
    title: str | None
    language: str
    knowledge: Knowledge


def read_head(text: str, title: str | None, language: str, knowledge: Knowledge) -> Head:
    """Read the head of a clean text, given the title that the record or page states, if any.

    Stops at the first line that is none of the four kinds. A headline that nobody stated is
    taken only where the text shows it: a short line, without the end of a sentence, that
    stands apart from, or is followed by, the paragraphs of an article.
    """
    document, head = _Document(text, title, language, knowledge), Head()
    for start, line in _first_lines(text):
        kind = _kind(start, line, head, document)
        if kind is None:
            break
        head = _with(head, kind, start, line, document)
    return _with_dateline(head, document)


def is_head_line(line: str, language: str, knowledge: Knowledge) -> bool:
    """Whether a line is a byline or a date wherever it stands, so that the head may need it."""
    return _is_byline(line, knowledge) or _is_date_line(line, _Document("", None, language, knowledge))


def _first_lines(text: str) -> list[tuple[int, str]]:
    return list(islice(((start, line) for start, line in lines(text) if line.strip()), HEAD_LINES))


def _kind(start: int, line: str, head: Head, document: _Document) -> str | None:
    if head.title is None and _is_title(start, line, head, document):
        return "title"
    if _is_byline(line, document.knowledge) or _is_byline_here(start, line, head, document):
        return "byline"
    return "timestamp" if _is_date_line(line, document) else None


def _with(head: Head, kind: str, start: int, line: str, document: _Document) -> Head:
    old = document.text[start : line_end(document.text, start + len(line))]
    head = replace(head, edits=(*head.edits, Edit(start, old, "", (f"head.{kind}",))))
    match kind:
        case "title":
            return replace(head, title=line)
        case "byline":
            return replace(head, bylines=(*head.bylines, line))
        case _:
            return replace(head, published=head.published or _date_in(line, document))


def _date_in(line: str, document: _Document) -> PublishedDate | None:
    return publication_date((("text", line),), document.language, document.knowledge.dates)


def _is_title(start: int, line: str, head: Head, document: _Document) -> bool:
    """Whether the line is the stated title; or, where none is stated, a headline all the same."""
    if document.title:
        return _same(line, document.title)
    rest = document.text[start + len(line) :]
    return (
        not head.edits
        and (_TITLE.match(line) is not None or (_BRIEF_TITLE.match(line) is not None and _is_signed(rest, document)))
        and not _is_byline(line, document.knowledge)
        and not _is_date_line(line, document)
        and _leads_an_article(line, rest, document.knowledge)
    )


def _is_signed(rest: str, document: _Document) -> bool:
    """Whether the next line is a byline: what stands above it is a headline, however brief."""
    return any(_is_byline(line, document.knowledge) for _, line in _first_lines(rest)[:1])


def _same(line: str, title: str) -> bool:
    """Whether the line is the title, letter for letter, but for case and punctuation."""
    return _WORD.findall(line.casefold()) == (_WORD.findall(title.casefold()) or [title])


def _leads_an_article(line: str, rest: str, knowledge: Knowledge) -> bool:
    """Whether a paragraph of running text follows, alone or behind a byline or a date."""
    following = [after for _, after in _first_lines(rest)[:4]]
    apart = rest.startswith("\n\n")
    is_quotation = line.endswith(('"', "”")) and not apart
    goes_on = bool(following) and following[0][0].islower() and not apart  # a line of wrapped text
    follows = apart or (bool(following) and (is_prose(following[0]) or _is_byline(following[0], knowledge)))
    return follows and not is_quotation and not goes_on and any(map(is_prose, following))


def _is_byline(line: str, knowledge: Knowledge) -> bool:
    return len(line) <= MAX_BYLINE and is_byline(line, knowledge.names)


def _is_byline_here(start: int, line: str, head: Head, document: _Document) -> bool:
    """Whether a line that is no certain byline by itself is one where it stands."""
    lead = document.knowledge.names.lead.match(line)
    if lead is None or len(line) > MAX_BYLINE or _NAMES.match(line[lead.end() :].strip()) is None:
        return False
    dated = any(_is_date_line(after, document) for _, after in _first_lines(document.text[start + len(line) :])[:1])
    return dated or (head.title is not None and head.edits[-1].end == start)


def _is_date_line(line: str, document: _Document) -> bool:
    """Whether the line holds a date, to the day at least, and hardly another word: at most names."""
    if len(line) > MAX_DATE_LINE or not any(character.isdigit() for character in line):
        return False
    found = _date_in(line, document)
    if found is None or found.precision in ("year", "month"):
        return False
    known, left = _date_words(document), _TIMESTAMP_WORDS.sub(" ", line)
    others = [word for word in map(str, _WORD.findall(left)) if word.isalpha() and _folded(word) not in known]
    most = 0 if line.rstrip().endswith((".", "!", "?")) else MAX_OTHER_WORDS
    return len(others) <= most and not any(word[0].islower() for word in others)


def _date_words(document: _Document) -> frozenset[str]:
    """What a date is made of in the language of the text: names of months, weekdays and zones."""
    dates, languages = document.knowledge.dates, ("", "en", document.language)
    names = [table.get(language, {}) for table in (dates.months, dates.weekdays) for language in languages]
    return dates.connectors.union(dates.halves, dates.zones, dates.daylight_zones, *names)


def _folded(word: str) -> str:
    return "".join(letter for letter in normalize("NFD", word.casefold()) if not combining(letter))


def _with_dateline(head: Head, document: _Document) -> Head:
    """The dateline of the first paragraph, taken out only where the options say so."""
    text = document.text
    position = head.edits[-1].end if head.edits else 0
    body = text[position:]
    start = position + len(body) - len(body.lstrip())
    match = _DATELINE.match(text[start : start + 120])
    if match is None or document.knowledge.options.datelines == "keep":
        return replace(head, dateline=match.group() if match else None)
    edit = Edit(start, match.group(), "", ("head.dateline",))
    return replace(head, dateline=match.group(), edits=(*head.edits, edit))
