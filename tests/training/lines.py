"""Learn the line model: `python tests/training/lines.py [--eval FOLDER] [--write FILE]`.

Needs `pip install -c constraints.txt -e '.[train]'` and the evaluation data (docs/evaluation.md).
Sites are dealt into five folds. The model is learnt on folds 1 to 4; fold 0 is set aside, and
nobody reads it. Thresholds are set where the scores of documents that a model has not seen lose so
much content, each site scored by a model that has not met it. Same input, same output: all is seeded.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import documents
import lightgbm
import numpy as np
from documents import FOLDS, RESIDUE, UNKNOWN, Document
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from cleaners.characters import CHARACTERS
from cleaners.edits import Edit, clean
from cleaners.language import detect
from cleaners.line_features import FEATURES, Line, line_features, read_lines, terms
from cleaners.line_model import MAX_SCORE, Subject, by_line, cost, is_the_articles, signs
from cleaners.model import Knowledge
from cleaners.patterns import is_prose
from cleaners.pipeline import rules_for
from cleaners.residue import Found, line_matches, span_edits
from flows.knowledge import load
from flows.settings import Settings

LEAST_SITES = 8
"""Sites on which a term must occur: what only one site writes says nothing of the next."""
LEAST_WEIGHT = 20
"""Hundredths of a log-odd; a term that says less is left out of the table."""
STRENGTH = 1.0
"""Inverse regularisation of the term weights. Of .1, .3 and 1, none was better by more than chance."""
ROUNDS = 300
STAGES = (40, 100, ROUNDS)
"""Trees after which a line may be given up: of 300 scraped articles four lines of five are, after the first."""
TREES = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.4,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5, "seed": 1, "deterministic": True,
    "force_row_wise": True, "num_threads": 1, "verbose": -1,
}  # fmt: skip
"""Of 150 to 400 trees of 15 to 31 leaves none found more than the others by more than chance."""
LOSSES = {"careful": 0.0003, "normal": 0.0009, "eager": 0.002}
"""Share of the content tokens that an operating point may cost on sites that were not learnt from."""
ALWAYS, NEVER = 1e6, -1e6
"""Scores of lines that a rule removes, and of those that are the article's own."""
SCALE = 1000
"""Answers of trees are kept in thousandths of a log-odd."""


@dataclass(slots=True)
class Sample:
    """A document as the line model meets it."""

    document: Document
    text: str
    lines: tuple[Line, ...]
    matches: list[Found]
    counts: np.ndarray[Any, Any]
    """For each line its tokens of content, residue and unknown, by label."""
    terms: list[list[str]]

    @property
    def targets(self) -> np.ndarray[Any, Any]:
        """1 for residue, 0 for content, -1 where a line is both, or unknown."""
        content, residue = self.counts[:, 0] > 0, self.counts[:, RESIDUE] > 0
        return np.where(residue & ~content, 1, np.where(content & ~residue, 0, -1)) * np.where(
            (self.counts[:, UNKNOWN] > 0) & ~residue & ~content, -1, 1
        )


def sample(document: Document, knowledge: Knowledge) -> Sample:
    """What the pipeline makes of a document before lines are judged, with the labels carried along."""
    language = detect(document.text).code
    rules = rules_for(None, language, knowledge)
    cleaned = clean(document.text, (*CHARACTERS, lambda text: span_edits(text, rules)))
    labels = carried(document.labels, cleaned.edits)
    lines = read_lines(cleaned.text)
    counts = np.array([_count(line, labels) for line in lines]).reshape(len(lines), 3)
    words = [sorted(terms(line, knowledge.lines.words)) for line in lines]
    return Sample(document, cleaned.text, lines, line_matches(cleaned.text, rules), counts, words)


def carried(labels: bytes, edits: Iterable[Edit]) -> bytes:
    """The labels of a clean text: what stands for something else has the label of its first character."""
    pieces, position = list[bytes](), 0
    for edit in edits:
        pieces += (labels[position : edit.start], labels[edit.start : edit.start + 1] * len(edit.new))
        position = edit.end
    return b"".join((*pieces, labels[position:]))


def _count(line: Line, labels: bytes) -> list[int]:
    """The tokens of a line by label. Long lines count all their words, not only those that features see."""
    counts, inside = [0, 0, 0], False
    for offset, character in enumerate(line.raw):
        if character.isalnum() and not inside:
            counts[labels[line.start + offset]] += 1
        inside = character.isalnum()
    return counts


# ── learning ────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Terms:
    """What terms say for residue, in hundredths of a log-odd, as it is written to the table."""

    weights: dict[str, int]
    bias: int

    def scores(self, one: Sample) -> list[int]:
        """What the terms of each line say."""
        sums = (self.bias + sum(self.weights.get(term, 0) for term in row) for row in one.terms)
        return [max(-MAX_SCORE, min(MAX_SCORE, score)) for score in sums]


def learn_terms(samples: Sequence[Sample]) -> Terms:
    """Weights of the terms that occur on enough sites and say enough."""
    sites = defaultdict[str, set[frozenset[str]]](set)
    for one in samples:
        for term in {term for row in one.terms for term in row}:
            sites[term].add(one.document.sites)
    column = {term: i for i, term in enumerate(sorted(t for t, where in sites.items() if len(where) >= LEAST_SITES))}
    targets = np.concatenate([one.targets for one in samples])
    known = targets >= 0
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200, random_state=1)
    model.fit(_matrix(samples, column)[known], targets[known])
    weights = {term: round(100 * float(model.coef_[0][i])) for term, i in column.items()}
    strong = {term: weight for term, weight in weights.items() if abs(weight) >= LEAST_WEIGHT}
    return Terms(strong, round(100 * float(model.intercept_[0])))


def _matrix(samples: Sequence[Sample], column: dict[str, int]) -> csr_matrix:
    rows = [[column[term] for term in row if term in column] for one in samples for row in one.terms]
    ends = np.cumsum([0, *map(len, rows)])
    entries = [place for row in rows for place in row]
    return csr_matrix((np.ones(len(entries)), entries, ends), shape=(len(rows), len(column)))


def learn(samples: Sequence[Sample], knowledge: Knowledge) -> tuple[Terms, lightgbm.Booster]:
    """Terms, and trees that have met only scores of terms from sites other than their own."""
    scores = dict[str, list[int]]()
    for fold in sorted({one.document.fold for one in samples}):
        held = learn_terms([one for one in samples if one.document.fold != fold])
        scores |= {one.document.id: held.scores(one) for one in samples if one.document.fold == fold}
    rows = np.vstack([features(one, scores[one.document.id], knowledge) for one in samples])
    targets = np.concatenate([one.targets for one in samples])
    known = targets >= 0
    data = lightgbm.Dataset(rows[known], targets[known], feature_name=[f.replace("+", "p") for f in FEATURES])
    return learn_terms(samples), lightgbm.train(TREES, data, ROUNDS)


def features(one: Sample, scores: Sequence[int], knowledge: Knowledge) -> np.ndarray[Any, Any]:
    """A row for each line."""
    said = signs(one.lines, by_line(one.matches), scores)
    rows = line_features(one.text, one.lines, said, knowledge.lines.words)
    return np.array(rows, dtype=np.int64).reshape(len(one.lines), len(FEATURES))


# ── judging ─────────────────────────────────────────────────────────────────────────────────


def final_scores(one: Sample, learnt: tuple[Terms, lightgbm.Booster], knowledge: Knowledge) -> list[float]:
    """The scores by which lines go, in hundredths: a line that a rule removes has the highest, one with a veto none."""
    if not one.lines:
        return []
    said, trees = learnt
    raw = 100 * trees.predict(features(one, said.scores(one), knowledge), raw_score=True)
    known = {match.start for match in one.matches}
    removed = {match.start for match in one.matches if match.removed}
    noted = {match.start for match in one.matches if match.rule.effect == "note"}
    scores = list[float]()
    for line, score in zip(one.lines, raw, strict=True):
        kept = line.start in noted or is_the_articles(one.text, line, Subject())
        scores.append(ALWAYS if line.start in removed else NEVER if kept else score - cost(line, known))
    return scores


def curve(scored: Sequence[tuple[Sample, list[float]]]) -> dict[str, int]:
    """The thresholds of the operating points; prints what each finds and costs."""
    flat = sorted(
        ((score, *one.counts[i][:2]) for one, scores in scored for i, score in enumerate(scores)), key=lambda r: -r[0]
    )
    content, residue = (sum(row[column] for row in flat) for column in (1, 2))
    thresholds = dict[str, int]()
    for point, loss in LOSSES.items():
        lost, threshold = 0, 10.0**6
        for score, of_content, _ in flat:
            lost += of_content
            if lost > loss * content:
                break
            threshold = score
        thresholds[point] = int(np.ceil(threshold))
        describe(point, thresholds[point], scored, content, residue)
    return thresholds


def describe(name: str, least: float, scored: Sequence[tuple[Sample, list[float]]], content: int, residue: int) -> None:
    """Print recall, loss, and the share of documents that come out whole."""
    found = lost = 0
    recalls, perfect, hurt = list[float](), 0, 0
    for one, scores in scored:
        gone = np.array([score >= least for score in scores], dtype=bool)
        of_residue, of_content = int(one.counts[gone, RESIDUE].sum()), int(one.counts[gone, 0].sum())
        found, lost = found + of_residue, lost + of_content
        hurt += bool((one.counts[gone, 0] >= 4).any())
        if total := int(one.counts[:, RESIDUE].sum()):
            recalls.append(of_residue / total)
            perfect += of_residue == total and not of_content
    print(
        f"{name:8} at {least:7.0f}: recall {found / residue:.3f}, macro {np.mean(recalls):.3f}, "
        f"loss {lost / content:.5f}, perfect {perfect / len(recalls):.3f}, "
        f"documents that lose four tokens of a line {hurt}"
    )


# ── writing ─────────────────────────────────────────────────────────────────────────────────


def table(
    learnt: tuple[Terms, lightgbm.Booster], thresholds: dict[str, int], gate: int, leasts: Sequence[int]
) -> dict[str, Any]:
    """The model as `line_model.parse_model` reads it."""
    said, trees = learnt
    return {
        "features": list(FEATURES),
        "thresholds": thresholds,
        "gate": gate,
        "bias": said.bias,
        "stages": [
            {"first": first, "end": end, "least": least}
            for first, end, least in zip((0, *STAGES), STAGES, (*leasts, 0), strict=False)
        ],
        "trees": [_flat(tree["tree_structure"]) for tree in trees.dump_model()["tree_info"]],
        "terms": said.weights,
    }


def _flat(root: dict[str, Any]) -> dict[str, list[int]]:
    nodes, answers = list[list[int]](), list[int]()

    def add(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            answers.append(round(SCALE * node["leaf_value"]))
            return ~(len(answers) - 1)
        place = len(nodes)
        nodes.append([node["split_feature"], int(np.floor(node["threshold"])), 0, 0])
        nodes[place][2:] = [add(node["left_child"]), add(node["right_child"])]
        return place

    add(root)
    return {"nodes": [number for node in nodes for number in node], "answers": answers}


def written(model: dict[str, Any]) -> str:
    """JSON with a line for each tree and each term, so that a change can be read."""
    head = {key: model[key] for key in ("features", "thresholds", "gate", "bias", "stages")}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in model["trees"])
    said = ",\n".join(f"{json.dumps(term, ensure_ascii=False)}:{weight}" for term, weight in model["terms"].items())
    return "{\n" + "\n".join(lines) + f'\n"trees": [\n{trees}\n],\n"terms": {{\n{said}\n}}\n}}\n'


@dataclass(slots=True)
class Judged:
    """A document scored by a model that has not met its site."""

    sample: Sample
    said: list[int]
    """By terms."""
    scores: list[float]
    early: list[np.ndarray[Any, Any]]
    """The sums after each stage but the last, in thousandths."""

    def taken(self, least: float) -> Iterator[int]:
        """The lines that the model alone takes."""
        return (i for i, score in enumerate(self.scores) if least <= score < ALWAYS)


def gate_of(judged: Sequence[Judged], least: float) -> int:
    """What terms say at least of the lines of running text without a vote that go; one in fifty of them is let go."""
    lowest = [
        one.said[i]
        for one in judged
        for i in one.taken(least)
        if is_prose(one.sample.lines[i].text)
        and one.sample.lines[i].start not in {match.start for match in one.sample.matches}
    ]
    return int(np.percentile(lowest, 2))


def leasts_of(judged: Sequence[Judged], least: float) -> list[int]:
    """The least sums after each stage of the lines that go; one in two hundred of them is let go."""
    return [
        int(np.floor(np.percentile([one.early[stage][i] for one in judged for i in one.taken(least)], 0.5)))
        for stage in range(len(STAGES) - 1)
    ]


def judge(fold: int, samples: Sequence[Sample], knowledge: Knowledge) -> list[Judged]:
    """The gold documents of a fold, by what all other sites teach."""
    tested = [one for one in samples if one.document.gold and one.document.fold == fold]
    learnt = learn(not_of(samples, tested), knowledge)
    return [_judged(one, learnt, knowledge) for one in tested]


def _judged(one: Sample, learnt: tuple[Terms, lightgbm.Booster], knowledge: Knowledge) -> Judged:
    said = learnt[0].scores(one)
    rows = features(one, said, knowledge)
    early = [SCALE * learnt[1].predict(rows, raw_score=True, num_iteration=end) for end in STAGES[:-1]]
    return Judged(one, said, final_scores(one, learnt, knowledge), early)


def main() -> None:
    """Learn, show what was learnt, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--eval", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--write", type=Path, help="the model file to write: cleaners/models/lines.json")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(10_000)
    knowledge = load(Settings())
    samples = [sample(one, knowledge) for source in (documents.gold, documents.labelled) for one in source(asked.eval)]
    print(f"{len(samples)} documents, {sum(len(one.lines) for one in samples)} lines")
    unseen = [one for fold in range(FOLDS) for one in judge(fold, samples, knowledge)]
    print("five folds by site, each scored by a model that has not met it:")
    thresholds = curve([(one.sample, one.scores) for one in unseen])
    aside = [(one.sample, one.scores) for one in unseen if one.sample.document.fold == 0]
    print("the fold that is set aside, by the model that is written:")
    totals = [int(sum(one.counts[:, label].sum() for one, _ in aside)) for label in (0, RESIDUE)]
    for point, least in thresholds.items():
        describe(point, least, aside, *totals)
    if asked.write:
        tested = [one for one in samples if one.document.gold and one.document.fold == 0]
        learnt = learn(not_of(samples, tested), knowledge)
        least = thresholds["eager"]
        model = table(learnt, thresholds, gate_of(unseen, least), leasts_of(unseen, least))
        asked.write.write_text(written(model), encoding="utf-8")
        print(f"{asked.write}: {asked.write.stat().st_size} bytes, {len(model['terms'])} terms, gate {model['gate']}")


def not_of(samples: Sequence[Sample], tested: Sequence[Sample]) -> list[Sample]:
    """The documents of other sites than those tested."""
    sites = frozenset[str]().union(*(one.document.sites for one in tested))
    return [one for one in samples if not one.document.sites & sites]


if __name__ == "__main__":
    main()
