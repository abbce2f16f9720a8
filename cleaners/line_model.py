"""Residue that no rule can see, found by what a reader sees: `line_features.py`, weighed by trees.

The model is a reviewed table, `models/lines.json`: what terms say for residue, and boosted trees
with whole thresholds and answers, so that a score is the same on every machine. A line that reaches
the threshold of the operating point goes by the rule `model.line:97`, where 97 is the chance in
percent that the trees give it. How the table is made, and how well it does: docs/evaluation.md.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import cast

from cleaners.edits import Edit
from cleaners.line_features import FEATURES, Line, Signs, line_features, parse_words, read_lines, terms
from cleaners.model import LineModel, OperatingPoint, Stage, Tree
from cleaners.patterns import is_prose, is_sentence
from cleaners.residue import Found, continues, removal

RULE = "model.line"
MAX_SCORE = 999
"""Hundredths of a log-odd; the words of a line say no more than this, however many they are."""
MOST_LINES = 2_000
"""Lines of a text that are judged. The longest of 6,078 scraped articles has 314; what is longer is no article."""
LONG_LINE = 120
"""Code points from which a line that no rule knows has to be surer: a mistake costs a paragraph."""
LONG_COST = 50
"""Hundredths of a log-odd per 100 code points above LONG_LINE. Of 0, 50 and 100 in one cross-validation over the
sites of 593 labelled documents, 50 found most at a loss of .1 % (recall .616, .645, .641)."""
PROSE_COST = 120
"""Hundredths of a log-odd more for running text that no rule knows. With it a model finds .633 of the residue
of sites that it has not met where the loss is .1 %, without it .615 (593 documents, five folds by site)."""
LIST_FAMILIES = frozenset({"related", "comments"})
"""Families of rules whose short lines are headings of lists."""
HEADING = 60
"""Code points of the longest heading of a list."""
SAME_TITLE = 80
"""Percent of a line's words that also stand in the address of a page that is named by its headline."""
FEW_WORDS = 5
"""Words of a line that is too short to tell: the link or author of a tweet, "Yes", a name."""
_PERCENT = tuple(ceil(100 * log(percent / (100 - percent))) for percent in range(1, 100))

# What is the article's own although it looks like furniture.
_QUOTES = '"“”„«»'
_TWEET = re.compile(r"[—–-] ?[^—–\n]{1,60}\(@\w{1,20}\)|//t\.co/|pic\.twitter\.com/")
_REFERENCE = re.compile(
    r"[\[(]?\d{1,3}[\]).]? ?https?:"
    r"|(?=[-•*\[(]?\s?(?:\d{1,3}\b|[^\W\d_][\w'’-]{0,30},? [A-ZÄÖÜ]\b))"
    r"[^\n]{0,400}(?:https?://|\bdoi\b|\b(?:19|20)\d\d[a-z]?[.)])"
)
_WORD = re.compile(r"[^\W\d_]+")


class ModelError(ValueError):
    """The table of the model says something impossible."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a page beside its text."""

    title: str = ""
    url: str = ""


def parse_model(table: Mapping[str, object], lexicon: Mapping[str, object], months: Iterable[str]) -> LineModel:
    """The model of the parsed `models/lines.json` and `lexicons/lines.toml`.

    Raises:
        ModelError: if it was made for other features, or a tree is broken.
    """
    if tuple(cast("list[str]", table["features"])) != FEATURES:
        raise ModelError("models/lines.json was made for other features than line_features.py has; train it again")
    return LineModel(
        words=parse_words(lexicon, months),
        terms=cast("Mapping[str, int]", table["terms"]),
        bias=cast("int", table["bias"]),
        stages=tuple(_stages(table)),
        gate=cast("int", table["gate"]),
        thresholds=cast("Mapping[str, int]", table["thresholds"]),
    )


def _stages(table: Mapping[str, object]) -> Iterator[Stage]:
    trees = [_tree(entry) for entry in cast("list[Mapping[str, list[int]]]", table["trees"])]
    for stage in cast("list[Mapping[str, int]]", table["stages"]):
        yield Stage(tuple(trees[stage["first"] : stage["end"]]), stage["least"])


def _tree(entry: Mapping[str, list[int]]) -> Tree:
    flat, answers = entry["nodes"], tuple(entry["answers"])
    nodes = tuple((flat[i], flat[i + 1], flat[i + 2], flat[i + 3]) for i in range(0, len(flat), 4))
    for place, (feature, _, left, right) in enumerate(nodes):
        ahead = all(place < child < len(nodes) if child >= 0 else ~child < len(answers) for child in (left, right))
        if not (ahead and 0 <= feature < len(FEATURES)):
            raise ModelError(f"models/lines.json: node {place} of a tree points nowhere")
    return Tree(nodes, answers)


def judged(
    text: str, matches: Sequence[Found], model: LineModel, point: OperatingPoint, subject: Subject
) -> Iterator[Edit]:
    """The lines that the model takes out, given what the rules found; nothing where it is off."""
    if point == "off":
        return
    found = read_lines(text)[:MOST_LINES]
    known = by_line(matches)
    scores = [term_score(line, model) for line in found]
    asked = [i for i, line in enumerate(found) if _is_open(line, scores[i], known.get(line.start, ()), model)]
    if not asked or not any(is_sentence(line.text) for line in found):
        return  # without a sentence there is no article to tell residue from
    rows = line_features(text, found, signs(found, known, scores), model.words, subject.title)
    for i in asked:
        line, score = found[i], tree_score(rows[i], model) - cost(found[i], known)
        if score >= model.thresholds[point] and not is_the_articles(text, line, subject):
            yield removal(text, line.start, len(line.raw), f"{RULE}:{_percent(score)}")


def by_line(matches: Iterable[Found]) -> Mapping[int, Sequence[Found]]:
    """The matches of each line, by where it starts."""
    known = defaultdict[int, list[Found]](list)
    for match in matches:
        known[match.start].append(match)
    return known


def signs(found: Sequence[Line], known: Mapping[int, Sequence[Found]], scores: Sequence[int]) -> Signs:
    """What rules and words say of each line."""
    votes = [_votes(known.get(line.start, ())) for line in found]
    return Signs(votes, [_heads_a_list(line, known) for line in found], scores)


def _votes(matches: Sequence[Found]) -> int:
    votes = sum(match.rule.effect != "note" for match in matches)
    return min(votes, 3) + 3 * any(match.removed for match in matches)


def _heads_a_list(line: Line, known: Mapping[int, Sequence[Found]]) -> bool:
    return len(line.text) < HEADING and any(match.rule.family in LIST_FAMILIES for match in known.get(line.start, ()))


def _is_open(line: Line, score: int, matches: Sequence[Found], model: LineModel) -> bool:
    """Whether to ask the trees: not where a rule has decided, nor of running text without a sign of residue."""
    if any(match.removed or match.rule.effect == "note" for match in matches):
        return False
    return bool(matches) or score >= model.gate or not is_prose(line.text)


def term_score(line: Line, model: LineModel) -> int:
    """What the terms of a line say for residue, each once."""
    known = model.terms
    score = model.bias + sum(known.get(term, 0) for term in terms(line, model.words))
    return max(-MAX_SCORE, min(MAX_SCORE, score))


def tree_score(row: Sequence[int], model: LineModel) -> int:
    """The sum of the answers of the trees, in hundredths of a log-odd; of a line given up early, those so far."""
    score = 0
    for stage in model.stages:
        for tree in stage.trees:
            nodes = tree.nodes
            place = 0 if nodes else ~0
            while place >= 0:
                feature, most, left, right = nodes[place]
                place = left if row[feature] <= most else right
            score += tree.answers[~place]
        if score < stage.least:
            break
    return score // 10


def cost(line: Line, known: Container[int]) -> int:
    """How much surer the trees must be of a line that no rule knows, in hundredths of a log-odd."""
    if line.start in known:
        return 0
    return LONG_COST * max(0, len(line.text) - LONG_LINE) // 100 + PROSE_COST * is_prose(line.text)


def _percent(score: int) -> int:
    return bisect_right(_PERCENT, score)


# ── what stays ──────────────────────────────────────────────────────────────────────────────


def is_the_articles(text: str, line: Line, subject: Subject) -> bool:
    """Whether a line is the article's own, whatever it looks like."""
    return (
        _is_quotation(line.text)
        or (len(line.words) > FEW_WORDS and _TWEET.search(line.text) is not None)
        or _REFERENCE.match(line.text) is not None
        or continues(text, line.start)
        or _is_headline(line, subject)
    )


def _is_quotation(line: str) -> bool:
    return line.lstrip("-–—• ")[:1] in _QUOTES and line[-1] in _QUOTES and line.count(" ") >= FEW_WORDS - 1


def _is_headline(line: Line, subject: Subject) -> bool:
    """Whether a line is the stated title, or its words are those in the address of the page."""
    words = [word.casefold() for word in _WORD.findall(line.text)]
    if not words:
        return False
    if subject.title and words == [word.casefold() for word in _WORD.findall(subject.title)]:
        return True
    slug = set(_WORD.findall(subject.url.casefold().rpartition("//")[2].partition("/")[2]))
    return len(words) >= FEW_WORDS and 100 * sum(word in slug for word in words) >= SAME_TITLE * len(words)
