"""Every residue rule removes what it says, and no rule removes a sentence of an article."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from cleaners.edits import Cleaner, Edit, clean
from cleaners.model import Knowledge, Rule
from cleaners.patterns import disjoint, in_zone, is_prose, is_sentence, lines, prose_span
from cleaners.pipeline import cleaners
from cleaners.residue import MAX_LINE, RuleError, parse_rules, residue
from flows.knowledge import load
from flows.settings import Settings

CASES = json.loads((Path(__file__).parent / "cases" / "sentences.json").read_text(encoding="utf-8"))
PROSE = (
    "The harbor board voted on Monday to delay the building of the new dike until spring, and the mayor agreed.",
    "Nobody on the ferry that morning knew that the lock had been closed since the storm of the night before.",
)


@cache
def knowledge() -> Knowledge:
    return load(Settings())


@cache
def together() -> tuple[Cleaner, ...]:
    """All rules of all languages."""
    return residue(knowledge().rules)


def alone(rule: Rule) -> tuple[Cleaner, ...]:
    """The rule as if its word were enough, so that what a vote or a note is for can be seen too."""
    return residue((replace(rule, effect="remove"),))


def removed_by(cleaners: tuple[Cleaner, ...], text: str) -> str:
    return clean(text, cleaners).text


def setting(rule: Rule, line: str) -> str:
    """`line` where the rule looks for it: before, between or behind the paragraphs of an article."""
    line = line.strip("\n")
    if rule.scope == "span":
        return f"{PROSE[0]}{line}\n\n{PROSE[1]}"
    match rule.zone:
        case "head":
            return f"{line}\n\n{PROSE[0]}\n\n{PROSE[1]}"
        case "tail":
            return f"{PROSE[0]}\n\n{PROSE[1]}\n\n{line}"
        case _:
            return f"{PROSE[0]}\n\n{line}\n\n{PROSE[1]}"


every_rule = pytest.mark.parametrize("rule", knowledge().rules, ids=lambda rule: rule.id)


@every_rule
def test_a_rule_removes_what_it_says(rule: Rule):
    cleaners = alone(rule)
    for line in rule.removes:
        left = removed_by(cleaners, setting(rule, line))
        assert line.strip() not in left
        assert all(paragraph in left for paragraph in PROSE), line


@every_rule
def test_what_a_rule_removes_holds_one_of_its_cues(rule: Rule):
    assert [line for line in rule.removes if not any(cue in line.casefold() for cue in rule.cues)] == []


@every_rule
def test_what_a_rule_keeps_stays_under_all_rules(rule: Rule):
    for line in rule.keeps:
        everywhere = (f"{line}\n\n{PROSE[0]}", f"{PROSE[0]}\n\n{line}\n\n{PROSE[1]}", f"{PROSE[0]}\n\n{line}", line)
        assert [text for text in everywhere if line not in removed_by(together(), text)] == []
        assert not rule.pattern.fullmatch(line)


@pytest.mark.parametrize(
    "rule", [rule for rule in knowledge().rules if rule.effect == "note"], ids=lambda rule: rule.id
)
def test_what_a_newsroom_says_of_its_article_is_of_a_kind_that_settings_name_and_stays(rule: Rule):
    assert rule.family in ("correction", "contributor_credit")
    for line in rule.removes:
        assert line in removed_by(together(), f"{PROSE[0]}\n\n{PROSE[1]}\n\n{line}")


@every_rule
def test_a_line_rule_leaves_the_same_words_inside_a_paragraph_alone(rule: Rule):
    cleaners = alone(rule)
    for line in rule.removes if rule.scope == "line" else ():
        words = line.strip().rstrip(".")
        paragraph = (
            f"On the old sign above the door, as far as it could still be read, stood {words}, and no more than that."
        )
        for text in (paragraph, f"{PROSE[0]}\n\n{paragraph}", f"{paragraph}\n\n{PROSE[0]}"):
            assert paragraph in removed_by(cleaners, text)


@pytest.mark.parametrize("sentence", CASES["keeps"])
@pytest.mark.parametrize("place", ["head", "middle", "tail", "alone"])
def test_a_sentence_of_an_article_stays_wherever_it_stands(sentence: str, place: str):
    text = {
        "head": f"{sentence}\n\n{PROSE[0]}\n\n{PROSE[1]}",
        "middle": f"{PROSE[0]}\n\n{sentence}\n\n{PROSE[1]}",
        "tail": f"{PROSE[0]}\n\n{PROSE[1]}\n\n{sentence}",
        "alone": sentence,
    }[place]
    assert clean(text, cleaners("en", knowledge())).text == text


@pytest.mark.parametrize("sentence", CASES["keeps"])
def test_no_pattern_means_a_sentence_of_an_article_whatever_zones_and_cues_say(sentence: str):
    removing = (rule for rule in knowledge().rules if rule.effect == "remove")
    assert [rule.id for rule in removing if rule.pattern.search(sentence)] == []


@pytest.mark.parametrize("lines_of_text", CASES["wrapped"])
def test_a_wrapped_line_of_a_paragraph_is_no_button(lines_of_text: list[str]):
    text = "\n".join(lines_of_text)
    assert removed_by(together(), text) == text


@pytest.mark.xfail(reason="nothing in the line tells it from a button", strict=True)
@pytest.mark.parametrize("line", CASES["known_failures"])
def test_a_short_line_of_an_article_that_reads_like_a_button_stays(line: str):
    text = f"{PROSE[0]}\n\n{line}\n\n{PROSE[1]}"
    assert removed_by(together(), text) == text


def test_every_rule_has_an_id_of_its_own_and_says_why():
    rules = knowledge().rules
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.why and rule.removes and rule.keeps and rule.cues and rule.family for rule in rules)
    assert all(re.match(rf"{rule.language}(?:-\w+)*\.", rule.id) for rule in rules)
    assert all(cue == cue.casefold() for rule in rules for cue in rule.cues)


@every_rule
def test_no_match_crosses_a_line(rule: Rule):
    widgets = "\n".join((*rule.removes, "", " ", *rule.removes, "\t", *rule.keeps))
    assert all("\n" not in match.group() for match in rule.pattern.finditer(widgets))
    assert not rule.pattern.search("\n\n \n\n")


HOSTILE = (
    "a ",
    " ",
    "[(",
    "read more ",
    "share on facebook ",
    "©2020 ",
    "the post ",
    "1 comments ",
    '"“',
    "x, ",
    "-",
    "{",
)


@every_rule
def test_a_hostile_line_ten_times_as_long_costs_no_hundred_times_as_much(rule: Rule):
    for piece in (*HOSTILE, *(f"{line} " for line in rule.removes)):
        short, long = (piece * (length // len(piece)) + "!" for length in (2_000, 20_000))
        taken = cost(rule.pattern, long)
        assert taken < 0.2 or taken < 40 * cost(rule.pattern, short) + 0.2, piece


def cost(pattern: re.Pattern[str], line: str) -> float:
    """Seconds of this process to find every match in the line, and in as many short lines."""
    start = time.process_time()
    for text in (line, line.replace(" ", "\n")):
        for _ in pattern.finditer(text):
            pass
    return time.process_time() - start


def test_a_line_longer_than_any_widget_is_never_removed():
    line = f"Read more: {'a story without an end ' * (MAX_LINE // 20)}"
    assert removed_by(together(), f"{PROSE[0]}\n{line}\n{PROSE[1]}").count(line) == 1


GOOD = {
    "id": "bell",
    "family": "related",
    "why": "A bell is no news.",
    "pattern": "ring the bell",
    "cues": ["bell"],
    "removes": ["Ring the bell"],
    "keeps": ["Ring the bell, he said."],
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"why": ""}, "missing or empty: why"),
        ({"keeps": []}, "missing or empty: keeps"),
        ({"pattern": "(ring"}, "not a regular expression"),
        ({"cues": "bell"}, "lists of strings"),
        ({"removes": [1]}, "lists of strings"),
        ({"zone": "attic"}, "zone"),
        ({"scope": "page"}, "scope"),
        ({"effect": "maybe"}, "effect"),
        ({"effect": "vote", "scope": "span"}, "effect"),
        ({"sites": "ledger.example"}, "lists of strings"),
        ({"colour": "red"}, "unknown key: colour"),
    ],
)
def test_a_rule_that_cannot_be_one_is_refused_with_file_rule_and_reason(change: dict[str, object], reason: str):
    with pytest.raises(RuleError, match=reason) as error:
        parse_rules({"xx": {"rule": [GOOD, GOOD | {"id": "broken"} | change]}})
    assert "rules/xx.toml" in str(error.value)
    assert "broken" in str(error.value)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(RuleError, match=r"used twice: xx\.bell"):
        parse_rules({"xx": {"rule": [GOOD, GOOD]}})


def test_a_line_goes_with_its_line_break_and_leaves_its_neighbours_as_they_were():
    rules = parse_rules({"xx": {"rule": [GOOD]}})
    assert removed_by(residue(rules), "one\nRing the bell\ntwo") == "one\ntwo"
    assert removed_by(residue(rules), "one\n\nRing the bell\n\ntwo") == "one\n\ntwo"
    assert removed_by(residue(rules), "Ring the bell\none") == "one"
    assert removed_by(residue(rules), "Ring the bell") == ""


def test_removals_that_overlap_become_one_that_names_both_rules():
    edits = (Edit(4, "efg", "", ("two",)), Edit(0, "abcdef", "", ("one",)), Edit(9, "j", "", ("three",)))
    assert disjoint(edits) == (Edit(0, "abcdefg", "", ("one", "two")), Edit(9, "j", "", ("three",)))


def test_every_offset_is_in_the_head_the_body_or_the_tail():
    text = f"Menu\n\n{PROSE[0]}\n\nshort\n\n{PROSE[1]}\n\nComments"
    prose = prose_span(text)
    zones = [[zone for zone in ("head", "body", "tail") if in_zone(start, zone, prose)] for start, _ in lines(text)]
    assert [zone for (zone,) in zones] == ["head"] * 2 + ["body"] * 4 + ["tail"] * 3


def test_a_text_without_prose_is_head_and_tail_at_once():
    prose = prose_span("Menu\nComments")
    assert in_zone(0, "head", prose)
    assert in_zone(0, "tail", prose)
    assert not in_zone(5, "body", prose)


@pytest.mark.parametrize("end", [".", "!", "?", "…", '."', ".”", ".)", "。", "؟"])
def test_a_long_line_that_ends_like_a_sentence_is_prose(end: str):
    assert is_prose("x" * 80 + end)
    assert is_sentence("x" * 40 + end)
    assert not is_prose("x" * 200)
    assert not is_prose(f"Too short{end}")
