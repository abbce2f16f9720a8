"""The only way text is changed: cleaners propose edits, `clean` carries them out.

A cleaner is shown a text and proposes edits of it; it never returns text. Folded back
onto the source, the edits explain every difference between source and clean text:

1. `apply(source, edits) == text`
2. `revert(text, edits) == source`
3. the edits are ordered and apart, and `source[e.start:e.end] == e.old` for each
4. cleaning a clean text changes nothing (for cleaners that look at characters, not zones)

Offsets count Unicode code points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `old`, which stands at `start`, by `new`, because of `rules`."""

    start: int
    old: str
    new: str
    rules: tuple[str, ...]

    @property
    def end(self) -> int:
        """The offset behind the last character of `old`."""
        return self.start + len(self.old)

    @property
    def growth(self) -> int:
        """How many code points longer the text gets."""
        return len(self.new) - len(self.old)


Cleaner = Callable[[str], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean text and the edits of its source that make it."""

    text: str
    edits: tuple[Edit, ...]


class EditMismatchError(ValueError):
    """An edit does not fit the text it is applied to."""


def clean(source: str, cleaners: Iterable[Cleaner]) -> Cleaned:
    """Run `cleaners` in order; return the text and the edits of `source` that make it."""
    return clean_on(source, Cleaned(source, ()), cleaners)


def clean_on(source: str, cleaned: Cleaned, cleaners: Iterable[Cleaner]) -> Cleaned:
    """Run more `cleaners` on what was `cleaned` from `source`, as if they had followed at once."""
    text, edits = cleaned.text, cleaned.edits
    for cleaner in cleaners:
        if proposed := tuple(cleaner(text)):
            edits = fold(source, edits, proposed)
            text = apply(text, proposed)
    return Cleaned(text, edits)


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Carry out `edits` on `text`. Raise EditMismatchError if one does not fit."""
    pieces, position = list[str](), 0
    for edit in edits:
        if edit.start < position or text[edit.start : edit.end] != edit.old:
            raise EditMismatchError(f"edit at {edit.start} ({', '.join(edit.rules)}) does not fit the text")
        pieces += (text[position : edit.start], edit.new)
        position = edit.end
    return "".join((*pieces, text[position:]))


def revert(text: str, edits: Sequence[Edit]) -> str:
    """Undo `edits` on the `text` they made. Raise EditMismatchError if one does not fit."""
    return apply(text, tuple(inverse(edits)))


def inverse(edits: Iterable[Edit]) -> Iterator[Edit]:
    """The edits of the clean text that give the source back."""
    shift = 0
    for edit in edits:
        yield Edit(edit.start + shift, edit.new, edit.old, edit.rules)
        shift += edit.growth


def text_starts(edits: Iterable[Edit]) -> Iterator[int]:
    """Where each edit stands in the clean text, in code points."""
    return (edit.start for edit in inverse(edits))


def fold(source: str, edits: Sequence[Edit], proposed: Sequence[Edit]) -> tuple[Edit, ...]:
    """One list of edits of `source` that does `edits`, then `proposed`.

    `edits` are of `source`; `proposed` are of the text that `edits` make. Edits that touch
    the same characters, old and new, become one edit that names all their rules; edits that
    only stand side by side stay apart, unless one is an insertion, which has no side.
    """
    folded = (_merge(source, group) for group in _groups(edits, proposed))
    return tuple(edit for edit in folded if edit.old != edit.new)


@dataclass(slots=True)
class _Group:
    """Edits that touch each other; all offsets are in the text between the two steps."""

    start: int
    end: int
    shift: int
    """What to take from an offset in the middle text to get one in the source, at `start`."""
    first: list[Edit]
    second: list[Edit]
    last: Edit

    def touches(self, start: int, edit: Edit) -> bool:
        """Whether `edit`, which stands at `start` in the middle text, must be merged with these."""
        beside = start == self.end and bool(edit.old and self.last.old)
        return start <= self.end and not beside


def _groups(edits: Sequence[Edit], proposed: Sequence[Edit]) -> Iterator[_Group]:
    """Both lists merged by their place in the middle text, joined where they touch."""
    group: _Group | None = None
    for start, end, shift, edit, is_first in _in_order(edits, proposed):
        if group is None or not group.touches(start, edit):
            if group is not None:
                yield group
            group = _Group(start, end, shift, [], [], edit)
        (group.first if is_first else group.second).append(edit)
        group.end, group.last = max(group.end, end), edit
    if group is not None:
        yield group


def _in_order(edits: Sequence[Edit], proposed: Sequence[Edit]) -> Iterator[tuple[int, int, int, Edit, bool]]:
    """(start, end, shift, edit, whether it is of the first step), in the order of the middle text."""
    shift, waiting = 0, iter(proposed)
    second = next(waiting, None)
    for edit in edits:
        start = edit.start + shift
        while second is not None and second.start < start:
            yield second.start, second.end, shift, second, False
            second = next(waiting, None)
        yield start, start + len(edit.new), shift, edit, True
        shift += edit.growth
    while second is not None:
        yield second.start, second.end, shift, second, False
        second = next(waiting, None)


def _merge(source: str, group: _Group) -> Edit:
    """The one edit of `source` that does what all edits of `group` do."""
    start = group.start - group.shift
    end = group.end - group.shift - sum(edit.growth for edit in group.first)
    old = source[start:end]
    moved = [Edit(edit.start - start, edit.old, edit.new, edit.rules) for edit in group.first]
    middle = apply(old, moved)
    again = [Edit(edit.start - group.start, edit.old, edit.new, edit.rules) for edit in group.second]
    rules = dict.fromkeys(rule for edit in (*group.first, *group.second) for rule in edit.rules)
    return Edit(start, old, apply(middle, again), tuple(rules))
