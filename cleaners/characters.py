"""Characters and layout: what a scraper or an editor's tool broke, put right, letter by letter.

None of this changes a word. Typographic quotes and dashes stay as the author wrote them.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import ftfy
from ftfy.badness import is_bad

from cleaners.edits import Cleaned, Cleaner, Edit, clean_on
from cleaners.patterns import lines, replace, rewrite

MAX_LINE = 100_000
"""Code points; a longer line is not searched for mojibake, which costs ftfy quadratic time
in the worst case. The longest line of 6,078 scraped articles has 14,440."""
ROUNDS = 8
"""How often the characters are looked at again: one repair can lay open another ("&amp;#8217;"),
and each of them leaves less to repair. No text of news needs a third round."""


def mojibake(text: str) -> Iterator[Edit]:
    """Undo wrong decodings ("donâ€™t"), line by line, as far as ftfy is certain."""
    if text.isascii():
        return
    for start, line in lines(text):
        if len(line) <= MAX_LINE and is_bad(line) and (fixed := ftfy.fix_encoding(line)) != line:
            yield from _word_by_word(start, line, fixed)


def _word_by_word(start: int, line: str, fixed: str) -> Iterator[Edit]:
    """Edits as small as they can be: each word by itself, unless spaces were broken too."""
    old, new = line.split(" "), fixed.split(" ")
    pairs = zip(old, new, strict=True) if len(old) == len(new) else ((line, fixed),)
    for before, after in pairs:
        if before != after:
            yield trimmed(Edit(start, before, after, ("characters.mojibake",)))
        start += len(before) + 1


def trimmed(edit: Edit) -> Edit:
    """The same edit without the characters that its two sides share at either end."""
    old, new = edit.old, edit.new
    limit = min(len(old), len(new))
    head = next((i for i in range(limit) if old[i] != new[i]), limit)
    limit -= head
    tail = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
    return Edit(edit.start + head, old[head : len(old) - tail], new[head : len(new) - tail], edit.rules)


newlines = replace("characters.newline", r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n")

# A character reference that survived into text. Only complete ones: "AT&T;" and "R&D" are text.
references = rewrite(
    "characters.reference",
    r"&(?:amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|[nm]dash|hellip|#\d{2,6}|#x[0-9A-Fa-f]{2,5});",
    lambda match: html.unescape(match.group()),
)

# Nobody sees these. U+200C and U+200D stay: Persian, Indic scripts and emoji are spelled with them.
invisible = replace(
    "characters.invisible",
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]+",
    "",
)

# One kind of space, one at a time, none at either end of a line. A single plain space inside a
# line, which is nearly every one, matches nothing.
_SPACE = r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
spaces = rewrite(
    "characters.space",
    rf"(?m)^{_SPACE}+|{_SPACE}+$|{_SPACE}{{2,}}|(?! ){_SPACE}",
    lambda match: " " if _inside_line(match.string, match.start(), match.end()) else "",
)

# ``TeX'' marks: what old newsroom systems made of double quotes.
quotes = replace("characters.quote", r"``|''", '"')

blank_lines = rewrite(
    "layout.blank-line",
    r"\A\n+|\n+\Z|\n{3,}",
    lambda match: "\n\n" if match.start() > 0 and match.end() < len(match.string) else "",
)


def _inside_line(text: str, start: int, end: int) -> bool:
    return start > 0 and text[start - 1] != "\n" and end < len(text) and text[end] != "\n"


def settled(cleaners: Sequence[Cleaner]) -> Cleaner:
    """One cleaner that runs `cleaners` until they find nothing more."""

    def propose(text: str) -> tuple[Edit, ...]:
        cleaned = Cleaned(text, ())
        for _ in range(ROUNDS):
            before, cleaned = cleaned, clean_on(text, cleaned, cleaners)
            if cleaned.text == before.text:
                break
        return cleaned.edits

    return propose


# Mojibake comes before newlines: U+0085 and U+2028 are half of a letter there ("Ã\x85rhus").
CHARACTERS: tuple[Cleaner, ...] = (settled((mojibake, references, newlines, invisible, spaces, quotes)),)
LAYOUT: tuple[Cleaner, ...] = (spaces, blank_lines)
