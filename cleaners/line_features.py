"""What a reader sees in the lines of a text, in whole numbers: length, case, place, neighbours, votes of rules.

The line model (`line_model.py`) decides by these. Shares are given in percent, so that scores are the same everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from cleaners.model import LineWords
from cleaners.patterns import ends_sentence, is_prose, is_sentence, lines

FAR = 20
"""Lines; what lies further away is far."""
LONG = 400
"""Code points of a line whose signs are counted; longer lines are paragraphs, and more of the same."""
MOST_CHARS = 2_000
"""Code points; a longer line counts as this long."""
FIRST_WORDS, LAST_WORDS = 28, 16
"""Words of a line that are looked at: a paragraph shows what it is where it begins and where it ends."""
CONTENT_WORD = 4
"""Code points from which a word that is no function word counts as content."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_URL = re.compile(r"(?i)https?:|www\.|\b[\w-]{2,}\.(?:com|org|net|info|tv|co|io|de|es|fr|it|br|nl|ru|uk|at|ch)\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d\d\b")
_TWEET = re.compile(r"pic\.twitter\.com/|//t\.co/|[—–-] ?[^—–\n]{2,50}\(@\w{2,20}\)")
_NUMBERED = re.compile(r"[\[(]?\d{1,3}[\])./]? ")
_OPENERS, _QUOTES, _BULLETS = "([{", "\"'“”„«»‘’‚›‹", "-•*·–—‣▪►"
_LASTS = {":": 1, "?": 2, "؟": 2, "!": 3, "…": 4}


@dataclass(frozen=True, slots=True)
class Line:
    """One line with text, and its words."""

    start: int
    """Code points into the text."""
    raw: str
    text: str
    """Without the spaces around it."""
    words: tuple[str, ...]
    """The first and the last ones, as they are written."""
    folded: tuple[str, ...]
    """The same in small letters, digits as `0`."""

    @property
    def end(self) -> int:
        """The offset behind the line."""
        return self.start + len(self.raw)


def parse_words(table: Mapping[str, object], months: Iterable[str]) -> LineWords:
    """The lexicons of the parsed `lexicons/lines.toml`, and the names of months."""

    def listed(key: str) -> frozenset[str]:
        return frozenset(word for words in cast("Mapping[str, str]", table[key]).values() for word in words.split())

    return LineWords(listed("function_words"), listed("address_words"), frozenset(months))


def read_lines(text: str) -> tuple[Line, ...]:
    """The lines of `text` that hold more than spaces."""
    return tuple(_read(start, line) for start, line in lines(text) if line and not line.isspace())


def _read(start: int, line: str) -> Line:
    text = line.strip()
    words = _ends(_WORD.findall(text[:MOST_CHARS]))
    folded = tuple(word.casefold() if word.isalpha() else _DIGIT.sub("0", word.casefold()) for word in words)
    return Line(start, line, text, words, folded)


def _ends(words: list[str]) -> tuple[str, ...]:
    if len(words) <= FIRST_WORDS + LAST_WORDS:
        return tuple(words)
    return (*words[:FIRST_WORDS], *words[-LAST_WORDS:])


def terms(line: Line, lexicon: LineWords) -> set[str]:
    """The words of a line, its pairs of words, its first and last ones, and how its grammar runs.

    In the grammar of a line function words stand for themselves, others for their case: a
    biography runs "Aa Aa is a", whoever it is of.
    """
    folded, function = line.folded, lexicon.function
    if not folded:
        return set()
    shape = [word if word in function else _shape(raw) for raw, word in zip(line.words, folded, strict=True)]
    found = {"^" + folded[0], "^" + "_".join(folded[:2]), "$" + "_".join(folded[-2:]), "#" + ".".join(shape[:4])}
    found.update(folded)
    found.update(map("_".join, pairwise(folded)))
    found.update(map("#%s.%s.%s".__mod__, zip(shape, shape[1:], shape[2:], strict=False)))
    return found


def _shape(word: str) -> str:
    if word[0].isdigit():
        return "0"
    if word[0].isupper():
        return "AA" if len(word) > 1 and word.isupper() else "Aa"
    return "a"


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of each line beside its words: the same lengths all."""

    votes: Sequence[int]
    """How many residue rules match the line; three more if one of them removes it."""
    lists: Sequence[bool]
    """Whether one of them knows the line for the heading of a list: related stories, comments."""
    scores: Sequence[int]
    """What its words say, in hundredths of a log-odd."""


def line_features(
    text: str, found: Sequence[Line], signs: Signs, lexicon: LineWords, title: str = ""
) -> list[list[int]]:
    """A row of numbers, named by `FEATURES`, for each of the lines `found` in `text`."""
    document = _Document(found, signs, lexicon, title or (found[0].text if found else ""))
    return [
        [*document.own[i], *document.said(i), *document.place(i, len(text)), *document.overlap(i), *document.around(i)]
        for i in range(len(found))
    ]


OWN = (
    "chars", "words", "capitalised", "capitals", "small", "digits", "punctuation", "function_words",
    "commas", "stops", "bars", "colons", "quotes", "ends_sentence", "last", "first",
    "url", "at", "copyright", "tweet", "numbered", "months", "year", "time",
    "address_words", "slashes", "ellipsis", "word_length",
)  # fmt: skip


def _own(line: Line, lexicon: LineWords) -> list[int]:
    text, words, folded = line.text[:LONG], line.words, line.folded
    count, length = max(len(words), 1), len(text)
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    firsts = [word[0] for word in words]
    return [
        min(len(line.text), MOST_CHARS), text.count(" ") + 1, 100 * sum(map(str.isupper, firsts)) // count,
        100 * sum(word.isupper() for word in words if len(word) > 1) // count,
        100 * sum(map(str.islower, firsts)) // count, 100 * digits // length,
        100 * (length - letters - digits - text.count(" ")) // length,
        100 * sum(map(lexicon.function.__contains__, folded)) // count,
        text.count(","), text.count("."), sum(map(text.count, "|»›•>")), text.count(":"),
        sum(map(text.count, '"“”„«»')), ends_sentence(line.text), _last(line.text[-1]), _first(text[0]),
        _URL.search(text) is not None, text.count("@"), "©" in text or "(c)" in text or "(C)" in text,
        _TWEET.search(line.text[-LONG:]) is not None, _NUMBERED.match(text) is not None,
        sum(map(lexicon.months.__contains__, folded)), digits > 0 and _YEAR.search(text) is not None,
        digits > 0 and _TIME.search(text) is not None,
        sum(map(lexicon.address.__contains__, folded)), text.count("/") + text.count("#"),
        "..." in text or "…" in text, 10 * sum(map(len, words)) // count,
    ]  # fmt: skip


def _last(character: str) -> int:
    return _LASTS.get(character) or (5 if character in ")]}" else 6 if character in _QUOTES else 0)


def _first(character: str) -> int:
    kinds = (
        character.islower(),
        character in _QUOTES,
        character in _BULLETS,
        character.isdigit(),
        character in _OPENERS,
    )
    return next((number for number, is_so in enumerate(kinds, 1) if is_so), 0)


PLACE = (
    "index", "index_from_end", "index_share", "chars_share", "from_first_prose", "from_last_prose",
    "prose_before", "prose_after", "lines", "prose_share", "mean_chars", "to_prose_before", "to_prose_after",
    "gap_before", "gap_after", "fragments_before", "fragments_after", "run", "run_before", "wrapped_share",
)  # fmt: skip
OVERLAP = ("in_prose", "in_document", "in_title", "content_words", "copies")
NEIGHBOURS = tuple(
    f"{name}{offset:+d}"
    for offset in (-2, -1, 1, 2)
    for name in ("chars", "capitalised", "function_words", "ends_sentence", "address_words", "votes", "score")
)
AROUND = (
    *NEIGHBOURS,
    "best_before",
    "best_after",
    "run_score",
    "votes_before",
    "votes_after",
    "since_vote",
    "until_vote",
)
FEATURES = (*OWN, "votes", "score", "since_list_heading", *PLACE, *OVERLAP, *AROUND)
NOWHERE = [-1, -1, -1, -1, -1, -1, -999]


class _Document:
    """The lines of a text as neighbours of each other."""

    def __init__(self, found: Sequence[Line], signs: Signs, lexicon: LineWords, title: str) -> None:
        """Count once what the rows of all lines need."""
        self.found, self.count, self.votes, self.scores = found, len(found), signs.votes, signs.scores
        self.own = [_own(line, lexicon) for line in found]
        self.prose = [is_prose(line.text) for line in found]
        self.sentences = [is_sentence(line.text) for line in found]
        self._count_words(lexicon, title)
        where = [index for index, prose in enumerate(self.prose) if prose]
        self.first, self.last = (where[0], where[-1]) if where else (self.count, -1)
        self.mean = sum(len(line.text) for line in found) // max(self.count, 1)
        self.wrapped = 100 * sum(line.text[0].islower() for line in found[1:]) // max(self.count, 1)
        self.runs, self.best_after = _runs(self.sentences), _best_after(signs.scores)
        self._measure([vote > 0 for vote in signs.votes], signs.lists)

    def _count_words(self, lexicon: LineWords, title: str) -> None:
        self.content = [_content(line.folded, lexicon) for line in self.found]
        self.in_lines = Counter(word for words in self.content for word in words)
        in_prose = (words for words, prose in zip(self.content, self.prose, strict=True) if prose)
        self.in_prose = Counter(word for words in in_prose for word in words)
        self.title = _content(_read(0, title).folded, lexicon) if title else frozenset[str]()
        self.copies = Counter(line.folded for line in self.found)

    def _measure(self, voted: list[bool], lists: Sequence[bool]) -> None:
        self.prose_before, self.votes_before = _running(self.prose), _running(voted)
        self.since, self.until = _since(voted), _since(voted[::-1])[::-1]
        self.since_prose, self.until_prose = _since(self.prose), _since(self.prose[::-1])[::-1]
        self.since_list = _since(lists)

    def said(self, i: int) -> list[int]:
        return [self.votes[i], self.scores[i], self.since_list[i]]

    def place(self, i: int, size: int) -> list[int]:
        line, last = self.found[i], self.count - 1
        before = line.start - self.found[i - 1].end if i else 3
        after = self.found[i + 1].start - line.end if i < last else 3
        run_start, run_end = self.runs[i]
        return [
            i, last - i, 100 * i // max(last, 1), 100 * line.start // max(size, 1), i - self.first, i - self.last,
            self.prose_before[i], self.prose_before[-1] - self.prose_before[i] - self.prose[i], self.count,
            100 * self.prose_before[-1] // self.count, self.mean, self.since_prose[i], self.until_prose[i],
            min(before, 3), min(after, 3), sum(not s for s in self.sentences[max(i - 3, 0) : i]),
            sum(not s for s in self.sentences[i + 1 : i + 4]), run_end - run_start, i - run_start, self.wrapped,
        ]  # fmt: skip

    def overlap(self, i: int) -> list[int]:
        words, prose = self.content[i], self.prose[i]
        count = max(len(words), 1)
        return [
            100 * sum(self.in_prose[word] > prose for word in words) // count,
            100 * sum(self.in_lines[word] > 1 for word in words) // count,
            100 * len(words & self.title) // count if i else 0, len(words), self.copies[self.found[i].folded],
        ]  # fmt: skip

    def around(self, i: int) -> list[int]:
        row = list[int]()
        for j in (i - 2, i - 1, i + 1, i + 2):
            row += self._neighbour(j) if 0 <= j < self.count else NOWHERE
        start, end = self.runs[i]
        run = self.scores[start:end] or [self.scores[i]]
        after = self.votes_before[-1] - self.votes_before[i] - (self.votes[i] > 0)
        return [
            *row, max(self.scores[max(i - 3, 0) : i], default=-999), self.best_after[i], sum(run) // len(run),
            self.votes_before[i], after, self.since[i], self.until[i],
        ]  # fmt: skip

    def _neighbour(self, j: int) -> list[int]:
        own = self.own[j]
        return [own[0], own[2], own[7], own[13], own[24], self.votes[j], self.scores[j]]


def _content(folded: Iterable[str], lexicon: LineWords) -> frozenset[str]:
    """The words that say what a line is about."""
    return frozenset(
        word for word in folded if len(word) >= CONTENT_WORD and word not in lexicon.function and word[0] != "0"
    )


def _running(flags: Sequence[bool]) -> list[int]:
    """How many are set before each place, and, last, how many in all."""
    counts = [0]
    for flag in flags:
        counts.append(counts[-1] + flag)
    return counts


def _since(flags: Sequence[bool]) -> list[int]:
    """How many places ago one was set, itself not counted."""
    distance, row = FAR, list[int]()
    for flag in flags:
        row.append(distance)
        distance = 1 if flag else min(distance + 1, FAR)
    return row


def _runs(sentences: Sequence[bool]) -> list[tuple[int, int]]:
    """For each line the stretch of lines around it that are no sentences; a sentence is a stretch of none."""
    stretches, start = list[tuple[int, int]](), 0
    for index, sentence in enumerate((*sentences, True)):
        if sentence:
            stretches += [(start, index)] * (index - start)
            if index < len(sentences):
                stretches.append((index, index))
            start = index + 1
    return stretches


def _best_after(scores: Sequence[int]) -> list[int]:
    best, row = -999, list[int]()
    for score in reversed(scores):
        row.append(best)
        best = max(best, score)
    return row[::-1]
