"""What a page says around an article: comment prompts, share widgets, sign-up text.

Rules are TOML (`rules/<language>.toml`), each with `why`, `removes` and `keeps`. A rule of
scope `line` removes whole lines, one of scope `span` a part of a line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ahocorasick_rs import AhoCorasick

from cleaners.edits import Cleaner, Edit
from cleaners.model import Effect, Rule, Scope, Zone
from cleaners.patterns import SENTENCE_LENGTH, disjoint, in_zone, is_sentence, line_end, lines, prose_span

MAX_LINE = 2_000
"""Code points; a line rule is not tried on a longer line, which no widget writes."""
Line = tuple[int, str]
"""Where a line starts, in code points, and the line."""
PRINT = 100
"""Code points of the longest line of wrapped text; mail and print wrap at 65 to 80."""
RAGGED = 20
"""Code points by which two lines of a wrapped paragraph may differ: the word that did not fit."""
SHORT_LINE = 80
"""Code points; a longer line meets only the rules that could match it (`longest`)."""
KEYS = {"id", "family", "why", "pattern", "cues", "zone", "scope", "effect", "longest", "sites", "removes", "keeps"}
REQUIRED = ("id", "family", "why", "pattern", "cues", "removes", "keeps")


class RuleError(ValueError):
    """A rule file says something that cannot be a rule."""


def parse_rules(tables: Mapping[str, Mapping[str, object]]) -> tuple[Rule, ...]:
    """The rules of parsed TOML files, keyed by file stem: the language or `any`, perhaps with more behind a hyphen.

    Raises:
        RuleError: with the file, the rule and the reason.
    """
    for stem, table in tables.items():
        if not isinstance(table.get("rule"), list) or len(table) > 1:
            raise RuleError(f"rules/{stem}.toml: holds no [[rule]], or something else beside them")
    rules = tuple(
        _parse(stem, index, entry)
        for stem, table in sorted(tables.items())
        for index, entry in enumerate(cast("Sequence[Mapping[str, object]]", table.get("rule", ())))
    )
    ids = [rule.id for rule in rules]
    if double := sorted({name for name in ids if ids.count(name) > 1}):
        raise RuleError(f"rule ids must be unique; used twice: {', '.join(double)}")
    return rules


class Finder:
    """Finds which of many rules to try on which lines: those of which the line holds a cue.

    Most lines are long, and most rules for lines are for short ones: a long line meets only the
    rules that could match it.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Take all `rules` that a text could meet."""
        known = tuple(rules)
        whole = [rule for rule in known if rule.scope == "line"]
        self._spans = _Cues([rule for rule in known if rule.scope == "span"])
        self._short = _Cues(whole)
        self._long = _Cues([rule for rule in whole if rule.longest > SHORT_LINE])

    def for_spans(self, text: str) -> Iterator[tuple[Line, Rule]]:
        """The lines of `text`, in order, each with the rules for parts of lines of which it holds a cue."""
        return ((line, rule) for line in lines(text) if line[1] for rule in self._spans.found(line[1]))

    def for_lines(self, text: str) -> Iterator[tuple[Line, Rule]]:
        """The lines of `text`, in order, each with the rules for lines of which it holds a cue."""
        for line in lines(text):
            if length := len(line[1]):
                cues = self._short if length <= SHORT_LINE else self._long
                yield from ((line, rule) for rule in cues.found(line[1]) if length <= rule.longest)


class _Cues:
    """An automaton that reads a line once for all cues of its rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        of_cue = defaultdict[str, list[int]](list)
        for number, rule in enumerate(rules):
            for cue in rule.cues:
                of_cue[cue].append(number)
        self._of_cue = tuple(of_cue.values())
        self._automaton = AhoCorasick(list(of_cue))

    def found(self, line: str) -> list[Rule]:
        hits = {hit[0] for hit in self._automaton.find_matches_as_indexes(line.casefold(), overlapping=True)}
        return [self._rules[number] for number in sorted({rule for hit in hits for rule in self._of_cue[hit]})]


@dataclass(frozen=True, slots=True)
class Found:
    """A line that a rule matches."""

    start: int
    """Code points into the text."""
    length: int
    rule: Rule
    removed: bool
    """Whether that is enough: the rule removes, and the line stands in its zone."""


def residue(rules: Sequence[Rule]) -> tuple[Cleaner, ...]:
    """The cleaners that carry out `rules`: first parts of lines, then whole lines."""
    return carry_out(Finder(rules))


def carry_out(rules: Finder) -> tuple[Cleaner, ...]:
    """The same for rules whose cues are known already."""
    return (lambda text: span_edits(text, rules), lambda text: line_edits(text, line_matches(text, rules)))


def span_edits(text: str, rules: Finder) -> tuple[Edit, ...]:
    """The parts of lines that go."""
    tried = list(rules.for_spans(text))
    prose = prose_span(text) if tried else (0, 0)
    return disjoint(
        Edit(match.start(), match.group(), "", (rule.id,))
        for (start, line), rule in tried
        for match in rule.pattern.finditer(text, start, start + len(line))
        if in_zone(match.start(), rule.zone, prose)
    )


def line_matches(text: str, rules: Finder) -> list[Found]:
    """Every line that a rule matches, whatever the rule is for, in the order of the text."""
    tried = list(rules.for_lines(text))
    prose = prose_span(text) if tried else (0, 0)
    return [
        Found(start, len(line), rule, rule.effect == "remove" and in_zone(start, rule.zone, prose))
        for (start, line), rule in tried
        if rule.pattern.fullmatch(line) and not continues(text, start)
    ]


def line_edits(text: str, matches: Iterable[Found]) -> tuple[Edit, ...]:
    """The lines that go because of a rule alone."""
    return disjoint(removal(text, found.start, found.length, found.rule.id) for found in matches if found.removed)


def continues(text: str, start: int) -> bool:
    """Whether the line at `start` goes on with a sentence that was wrapped: "… would neither read nor / subscribe.".

    One that begins with a capital ("… did not want to / Share this story.") does where it is the
    third line at least of a paragraph set in lines of one width.
    """
    before = _line_before(text, start)
    if len(before) < SENTENCE_LENGTH or is_sentence(before):
        return False
    end = text.find("\n", start)
    ends = text[start : end if end >= 0 else len(text)].rstrip().endswith(".")
    return text[start : start + 1].islower() or (ends and _is_set(before, _line_before(text, start - len(before) - 1)))


def _line_before(text: str, start: int) -> str:
    """The line right above the one at `start`; empty at the top, and where a blank line lies between."""
    return text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]


def _is_set(line: str, above: str) -> bool:
    """Whether two lines look like those of one wrapped paragraph: full, no wider than print, and about as long."""
    return all(SENTENCE_LENGTH <= len(one) <= PRINT for one in (line, above)) and abs(len(line) - len(above)) <= RAGGED


def removal(text: str, start: int, length: int, rule: str) -> Edit:
    """The line with the line breaks behind it: all of them where it stands apart, else one."""
    stands_apart = start == 0 or text.startswith("\n\n", start - 2)
    end = line_end(text, start + length, None if stands_apart else 1)
    return Edit(start, text[start:end], "", (rule,))


def _parse(stem: str, index: int, entry: Mapping[str, object]) -> Rule:
    where = f"rules/{stem}.toml, rule {entry.get('id', index + 1)}"
    if missing := [key for key in REQUIRED if not entry.get(key)]:
        raise RuleError(f"{where}: missing or empty: {', '.join(missing)}")
    if unknown := sorted(set(entry) - KEYS):
        raise RuleError(f"{where}: unknown key: {', '.join(unknown)}")
    scope, zone = str(entry.get("scope", "line")), str(entry.get("zone", "any"))
    if scope not in ("line", "span") or zone not in ("any", "head", "body", "tail"):
        raise RuleError(f"{where}: scope must be line or span, zone any, head, body or tail")
    effect = str(entry.get("effect", "remove"))
    if effect not in ("remove", "vote", "note") or (effect != "remove" and scope == "span"):
        raise RuleError(f"{where}: effect must be remove, vote or note, and a rule of scope span can only remove")
    return Rule(
        id=f"{stem}.{entry['id']}",
        language=stem.partition("-")[0],
        family=str(entry["family"]),
        why=str(entry["why"]),
        pattern=_compile(str(entry["pattern"]), cast("Scope", scope), where),
        cues=_strings(entry["cues"], where),
        zone=cast("Zone", zone),
        scope=cast("Scope", scope),
        removes=_strings(entry["removes"], where),
        keeps=_strings(entry["keeps"], where),
        effect=cast("Effect", effect),
        longest=_length(entry.get("longest", MAX_LINE), where),
        sites=_strings(entry.get("sites", []), where),
    )


def _compile(pattern: str, scope: Scope, where: str) -> re.Pattern[str]:
    whole = rf"^[ \t]*(?:{pattern})[ \t]*$" if scope == "line" else pattern
    try:
        return re.compile(whole, re.IGNORECASE | re.MULTILINE)
    except re.error as error:
        raise RuleError(f"{where}: the pattern is not a regular expression: {error}") from error


def _length(value: object, where: str) -> int:
    if not isinstance(value, int) or not 0 < value <= MAX_LINE:
        raise RuleError(f"{where}: longest is a whole number of code points, at most {MAX_LINE}")
    return value


def _strings(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise RuleError(f"{where}: cues, sites, removes and keeps are lists of strings")
    return tuple(cast("list[str]", value))
