"""The head of a text: headline, byline, dateline and timestamp lines.

They are proposed for removal like anything else (`head.title`, `head.byline`,
`head.dateline`, `head.timestamp`); what they say moves to the metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

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

_TITLE = re.compile(rf"(?=.{{{MIN_TITLE},{MAX_TITLE}}}\Z)(?=\S+ )[\"'‘“¿¡]?[^\W_].*[^\s.,;:—–-]\s*\Z")
_TIMESTAMP_WORDS = re.compile(
    r"(?i)\b(?:published|updated|posted|last (?:updated|modified)|first published|created|at|on|by|"
    r"[ap]\.?m\.?|[A-Z]{2,4}|uhr|veröffentlicht|aktualisiert|publicado|actualizado|publié le|mis à jour|"
    r"min(?:ute)?s? read)\b"
)
_WORD = re.compile(r"\w+")
_DATELINE = re.compile(
    r"\A(?:[A-Z][A-Z'’.-]+(?: [A-Z][A-Z'’.-]+){0,3})(?:, [A-Z][\w.]+){0,2}"
    r"(?:,? (?:[A-Z][a-z]{2,8}\.? \d{1,2}))?(?: ?\([A-Z][\w .&/-]{1,30}\))? ?(?:—|–|--|-) ?"
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a text says, and the edits that take it out of the text."""

    title: str | None = None
    bylines: tuple[str, ...] = ()
    published: PublishedDate | None = None
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


def _first_lines(text: str) -> list[tuple[int, str]]:
    return [(start, line) for start, line in lines(text[: HEAD_LINES * 1000]) if line.strip()][:HEAD_LINES]


def _kind(start: int, line: str, head: Head, document: _Document) -> str | None:
    if head.title is None and _is_title(start, line, head, document):
        return "title"
    if _is_byline(line, document.knowledge):
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
    return (
        not head.edits
        and _TITLE.match(line) is not None
        and not _is_byline(line, document.knowledge)
        and _leads_an_article(line, document.text[start + len(line) :], document.knowledge)
    )


def _same(line: str, title: str) -> bool:
    """Whether the line is the title, letter for letter, but for case and punctuation."""
    return _WORD.findall(line.casefold()) == _WORD.findall(title.casefold())


def _leads_an_article(line: str, rest: str, knowledge: Knowledge) -> bool:
    """Whether a paragraph of running text follows, alone or behind a byline or a date."""
    following = [after for _, after in lines(rest[: HEAD_LINES * 1000]) if after.strip()][:4]
    apart = rest.startswith("\n\n")
    is_quotation = line.endswith(('"', "”")) and not apart
    follows = apart or (bool(following) and (is_prose(following[0]) or _is_byline(following[0], knowledge)))
    return follows and not is_quotation and any(map(is_prose, following))


def _is_byline(line: str, knowledge: Knowledge) -> bool:
    return len(line) <= MAX_BYLINE and is_byline(line, knowledge.names)


def _is_date_line(line: str, document: _Document) -> bool:
    """Whether the line holds a date, to the day at least, and hardly another word."""
    if len(line) > MAX_DATE_LINE or not any(character.isdigit() for character in line):
        return False
    found = _date_in(line, document)
    if found is None or found.precision in ("year", "month"):
        return False
    left = _TIMESTAMP_WORDS.sub(" ", line.replace(found.raw, " "))
    others = [word for word in map(str, _WORD.findall(left)) if len(word) > 1 and word.isalpha()]
    return len(others) <= MAX_OTHER_WORDS


def _with_dateline(head: Head, document: _Document) -> Head:
    """The dateline of the first paragraph, taken out only where the options say so."""
    if document.knowledge.options.datelines == "keep":
        return head
    text = document.text
    position = head.edits[-1].end if head.edits else 0
    body = text[position:]
    start = position + len(body) - len(body.lstrip())
    match = _DATELINE.match(text[start : start + 120])
    edits = (*head.edits, Edit(start, match.group(), "", ("head.dateline",))) if match else head.edits
    return replace(head, edits=edits)
