"""The line model removes what no rule knows, and never what is the article's own."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaners.edits import apply
from cleaners.line_features import FEATURES, Signs, line_features, read_lines
from cleaners.line_model import ModelError, Subject, is_the_articles, judged, parse_model, tree_score
from cleaners.model import Knowledge, LineModel, Origin, Raw, Stage, Tree
from cleaners.pipeline import refine, rules_for
from cleaners.residue import line_matches
from flows.knowledge import load
from flows.settings import Settings

PROSE = (
    "The harbor board voted on Monday to delay the building of the new dike until spring, and the mayor agreed.",
    "Nobody on the ferry that morning knew that the lock had been closed since the storm of the night before.",
    "“We were told on Sunday,” said Anke Brandvik, who sells tickets at the pier, “and by then it was too late.”",
)
CALL = "Have our best work of the week sent to your inbox every Friday: subscribe to the Ledger newsletter today"
ARTICLE = "\n\n".join(PROSE)


@cache
def knowledge() -> Knowledge:
    return load(Settings())


def eager() -> LineModel:
    """A model that takes every line it is asked about."""
    return replace(knowledge().lines, stages=(Stage((Tree((), (0,)),), 0),), gate=-999, thresholds={"normal": -10_000})


def left(text: str, model: LineModel, subject: Subject | None = None) -> str:
    matches = line_matches(text, rules_for(None, "en", knowledge()))
    return apply(text, tuple(judged(text, matches, model, "normal", subject or Subject())))


def refined(text: str, **options):
    known = replace(knowledge(), options=replace(knowledge().options, **options))
    return refine(Raw(Origin("a.txt", 0), text, "text/plain"), known)


@pytest.mark.parametrize(
    "line",
    [
        CALL,
        "Most read this week in Harbor news",
        "Jorun Vale is a staff writer who covers the coast for the Harbor Ledger. Follow her on Twitter @jorunvale",
        "A crane stands idle at the harbor on Monday, March 4, 2024. (Piet Vos/Ledger Photos via AP)",
    ],
)
def test_a_line_that_no_page_is_read_for_goes_by_the_model_or_a_rule(line: str):
    article = refined(f"{ARTICLE}\n\n{line}")
    assert article.text == ARTICLE


def test_the_rule_of_a_removed_line_tells_how_sure_the_model_was():
    (edit,) = (edit for edit in refined(f"{ARTICLE}\n\n{CALL}").edits if "inbox" in edit.old)
    name, _, percent = edit.rules[0].partition(":")
    assert name == "model.line"
    assert 50 <= int(percent) <= 99


def test_the_model_can_be_turned_off():
    assert CALL in refined(f"{ARTICLE}\n\n{CALL}", line_model="off").text


def test_what_a_careful_model_removes_an_eager_one_removes_as_well():
    points = knowledge().lines.thresholds
    assert points["careful"] >= points["normal"] >= points["eager"]


@pytest.mark.parametrize(
    "line",
    [
        "“We shall come back when the water is gone,” she said, “and not before.”",
        "- „Pflanze nie vor der Kalten Sophie in den Garten.“",
        "The lock is open again! — Harbor Board (@harborboard) March 4, 2024",
        "The lock is open again, they say, at last pic.twitter.com/a1B2c3D4e5",
        "[3] https://ledger.example/2024/dike-report.pdf",
        "- Brandvik A, Vos P, 2003. Tides of the northern lock. Journal of Harbors 15, 44-48.",
    ],
)
def test_a_quotation_a_tweet_and_a_reference_stay_whatever_the_model_says(line: str):
    text = f"{ARTICLE}\n\n{line}\n\n{PROSE[0]}"
    assert line in left(text, eager())


@pytest.mark.parametrize(
    "subject",
    [
        Subject("Board delays the new dike until spring"),
        Subject(url="https://x.example/board-delays-the-new-dike-until-spring/"),
    ],
)
def test_the_headline_stays_where_the_page_or_its_address_names_it(subject: Subject):
    text = f"Board Delays the New Dike until Spring\n\n{ARTICLE}"
    assert left(text, eager(), subject).startswith("Board Delays")
    assert not left(text, eager()).startswith("Board Delays")


def test_a_wrapped_line_stays():
    wrapped = "Nobody on the ferry that morning knew that the lock had\nbeen closed since the storm."
    assert "been closed since the storm." in left(wrapped, eager())


def test_a_byline_that_only_the_model_takes_out_is_read_before_it_goes():
    """The head comes after the lines; a model that took the byline would cost the author."""
    article = refined(f"Board delays the dike\n\nBy Jane Roe\n\nMarch 3, 2024\n\n{ARTICLE}")
    assert [author.name for author in article.authors] == ["Jane Roe"]
    assert article.published.value.date().isoformat() == "2024-03-03"
    assert article.text == ARTICLE


@given(st.lists(st.text(max_size=90), max_size=12))
def test_there_is_a_row_of_whole_numbers_for_each_line_of_any_text(lines: list[str]):
    text = "\n".join(lines)
    found = read_lines(text)
    signs = Signs([0] * len(found), [False] * len(found), [0] * len(found))
    rows = line_features(text, found, signs, knowledge().lines.words)
    assert [len(row) for row in rows] == [len(FEATURES)] * len(found)
    assert all(isinstance(value, int) for row in rows for value in row)


@given(st.lists(st.text(max_size=120), max_size=12))
def test_the_model_removes_whole_lines_of_any_text_and_nothing_else(lines: list[str]):
    text = "\n".join(lines)
    edits = tuple(judged(text, (), eager(), "normal", Subject()))
    assert all(edit.new == "" and (edit.start == 0 or text[edit.start - 1] == "\n") for edit in edits)
    assert set(apply(text, edits).split("\n")) <= {*text.split("\n"), ""}


def test_trees_are_walked_by_whole_numbers():
    first = Stage((Tree(((0, 10, ~0, 1), (1, 5, ~1, ~2)), (-1000, 500, 2000)),), -999)
    model = replace(eager(), stages=(first, Stage((Tree((), (100,)),), 0)))
    assert [tree_score(row, model) for row in ([11, 5], [11, 6])] == [60, 210]


def test_a_line_that_the_first_trees_speak_against_is_given_up():
    first = Stage((Tree(((0, 10, ~0, ~1),), (-1000, -998)),), -999)
    model = replace(eager(), stages=(first, Stage((Tree((), (5000,)),), 0)))
    assert [tree_score(row, model) for row in ([10], [11])] == [-100, 400]


def table() -> dict:
    return json.loads((resources.files("cleaners") / "models" / "lines.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features": ["chars"]}, "made for other features"),
        ({"trees": [{"nodes": [0, 1, 0, -1], "answers": [1]}]}, "points nowhere"),
        ({"trees": [{"nodes": [999, 1, -1, -2], "answers": [1, 2]}]}, "points nowhere"),
        ({"trees": [{"nodes": [0, 1, -1, -3], "answers": [1, 2]}]}, "points nowhere"),
    ],
)
def test_a_table_that_no_walk_could_end_in_is_refused(change: dict, reason: str):
    lexicon = {"function_words": {}, "address_words": {}}
    with pytest.raises(ModelError, match=reason):
        parse_model(table() | change, lexicon, ())


def test_the_table_is_small_enough_to_be_read():
    assert len((resources.files("cleaners") / "models" / "lines.json").read_bytes()) < 500_000


def test_a_text_without_a_sentence_is_not_judged():
    """There is no article in it to tell residue from: a list of names must not become a reject."""
    text = "Harbor\nDike 12\nLock\nMost read"
    assert left(text, eager()) == text


def test_a_line_of_no_words_is_nobodys():
    (line,) = read_lines("* * *")
    assert not is_the_articles("* * *", line, Subject("x", "https://x.example/"))
