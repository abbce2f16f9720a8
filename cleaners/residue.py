"""What a page says around an article: comment prompts, share widgets, sign-up text.

Rules are TOML (`rules/<language>.toml`), each with `why`, `removes` and `keeps`. A rule of
scope `line` removes whole lines, one of scope `span` a part of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from cleaners.edits import Cleaner, Edit
from cleaners.model import Effect, Rule, Scope, Zone
from cleaners.patterns import SENTENCE_LENGTH, disjoint, in_zone, is_sentence, line_end, prose_span

MAX_LINE = 2_000
"""Code points; a line rule is not tried on a longer line, which no widget writes."""
KEYS = {"id", "family", "why", "pattern", "cues", "zone", "scope", "effect", "sites", "removes", "keeps"}
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


def residue(rules: Sequence[Rule]) -> tuple[Cleaner, ...]:
    """The cleaners that carry out `rules`: first parts of lines, then whole lines."""
    removing = [rule for rule in rules if rule.effect == "remove"]
    spans = tuple(rule for rule in removing if rule.scope == "span")
    whole = tuple(rule for rule in removing if rule.scope == "line")
    return (lambda text: _propose(text, spans), lambda text: _propose(text, whole))


def _propose(text: str, rules: Iterable[Rule]) -> tuple[Edit, ...]:
    folded, prose = text.casefold(), prose_span(text)
    return disjoint(
        edit
        for rule in rules
        if any(cue in folded for cue in rule.cues)
        for edit in _matches(text, rule)
        if in_zone(edit.start, rule.zone, prose)
    )


def _matches(text: str, rule: Rule) -> Iterator[Edit]:
    for match in rule.pattern.finditer(text):
        if rule.scope == "span":
            yield Edit(match.start(), match.group(), "", (rule.id,))
        elif match.end() - match.start() <= MAX_LINE and not continues(text, match.start()):
            yield _line(text, match, rule.id)


def continues(text: str, start: int) -> bool:
    """Whether the line at `start` goes on with a sentence that was wrapped: "… would neither read nor / subscribe."."""
    before = text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
    return text[start : start + 1].islower() and len(before) >= SENTENCE_LENGTH and not is_sentence(before)


def _line(text: str, match: re.Match[str], rule: str) -> Edit:
    """The matched line with the line breaks behind it: all of them where it stands apart, else one."""
    stands_apart = match.start() == 0 or text.startswith("\n\n", match.start() - 2)
    end = line_end(text, match.end(), None if stands_apart else 1)
    return Edit(match.start(), text[match.start() : end], "", (rule,))


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
    if effect not in ("remove", "vote") or (effect == "vote" and scope == "span"):
        raise RuleError(f"{where}: effect must be remove or vote, and only a rule for lines can vote")
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
        sites=_strings(entry.get("sites", []), where),
    )


def _compile(pattern: str, scope: Scope, where: str) -> re.Pattern[str]:
    whole = rf"^[ \t]*(?:{pattern})[ \t]*$" if scope == "line" else pattern
    try:
        return re.compile(whole, re.IGNORECASE | re.MULTILINE)
    except re.error as error:
        raise RuleError(f"{where}: the pattern is not a regular expression: {error}") from error


def _strings(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise RuleError(f"{where}: cues, sites, removes and keeps are lists of strings")
    return tuple(cast("list[str]", value))
