"""Labelled news through the public path: as much residue goes as went before, and no more of the articles."""

from __future__ import annotations

import json
import re
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks import residue
from hypothesis import given
from hypothesis import strategies as st

from cleaners.model import Article, Origin, Raw, Reject
from cleaners.pipeline import refine
from flows.knowledge import load
from flows.settings import Settings

POINTS = residue.POINTS
OTHER_DATA = """\
{files}: not what {floors} was measured on, so its figures say nothing about it. For data of your own, measure anew:

    python tests/benchmarks/residue.py --write-floors"""


def cleaned(text: str, point: str = residue.DEFAULT) -> Article | Reject:
    return refine(Raw(Origin("file"), text, "text/plain"), load(Settings(line_model=point)))


def article(text: str, point: str = residue.DEFAULT) -> Article:
    found = cleaned(text, point)
    assert isinstance(found, Article)
    return found


def all_words(found: Article) -> list[str]:
    """The words of an article, those first that became its title."""
    title = found.title if found.title_source == "text" else None
    return re.findall(r"\w+", f"{title or ''} {found.text}")


def wrap(paragraph: str) -> str:
    return textwrap.fill(paragraph, 72, break_on_hyphens=False)


# ---- floors


@pytest.fixture(scope="module")
def floors(evaluation) -> dict[str, dict[str, float]]:
    """What is demanded. It belongs to the data it was measured on, digest by digest."""
    reviewed = json.loads(residue.FLOORS.read_text(encoding="utf-8"))
    found = residue.digests(evaluation)
    if changed := [name for name, digest in reviewed["data"].items() if found.get(name) != digest]:
        where = residue.FLOORS.relative_to(residue.ROOT)
        pytest.fail(OTHER_DATA.format(files=", ".join(changed), floors=where), pytrace=False)
    return reviewed["floors"]


@pytest.fixture(scope="module")
def measured(evaluation, floors) -> list[dict[str, Any]]:
    """What the scorer says of every labelled document. It asks for the floors, to fail before anything is measured."""
    assert floors
    return residue.measure(evaluation, residue.FILES, residue.DEFAULT).rows


@pytest.mark.evaluation
@pytest.mark.parametrize("name", residue.FLOORED)
def test_no_figure_is_below_its_floor(name, floors, measured, evaluation):
    found = residue.figures(residue.scorer(evaluation), residue.group(measured, name))
    worse = {
        figure: f"{found[figure]:.5f}, demanded {demanded}"
        for figure, demanded in floors[name].items()
        if not residue.is_met(figure, found[figure], demanded)
    }
    assert not worse


@pytest.mark.evaluation
def test_articles_about_newsletters_and_cookies_lose_no_sentence(floors, measured):
    lost = residue.sentences_lost(residue.adversarial(measured))  # which ones, the benchmark says with --errors
    assert lost <= floors["adversarial"]["sentences_lost"]


# ---- the benchmark itself


@given(st.sampled_from((*residue.AT_LEAST, *residue.AT_MOST)), st.floats(0, 1))
def test_a_figure_meets_the_floor_that_is_written_from_it(figure, value):
    demanded = residue._slack(figure, value)
    assert residue.is_met(figure, value, demanded)
    assert demanded == pytest.approx(value, abs=0.01)


def test_less_that_is_demanded_does_not_go_unnoticed():
    before = {"gold": {"recall": 0.7, "content_loss": 0.001}, "more": {"recall": 0.6}}
    now = {"gold": {"recall": 0.6, "content_loss": 0.002}, "more": {"recall": 0.6}}
    assert [line.partition(":")[0] for line in residue._weaker(before, now)] == ["gold.recall", "gold.content_loss"]


def test_the_errors_of_sites_set_aside_are_never_shown(capsys):
    sites = [f"site{number}.example" for number in range(40)]
    rows = [{"id": site, "site": site, "left": {"share": ["Share this"]}, "lost": ["He left."]} for site in sites]
    residue._print_errors(SimpleNamespace(tokens=str.split), rows, 1_000)
    shown = set(re.findall(r"site\d+\.example", capsys.readouterr().out))
    assert shown == {row["id"] for row in rows if not residue.is_set_aside(row)}
    assert 0 < len(shown) < len(sites)


# ---- laws that need no data

ALL_RESIDUE = """\
Advertisement

Share this article

Sign up for our newsletter

Please enter your comment!
Please enter your name here
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_document_that_is_all_residue_is_a_reject_that_says_so(point):
    found = cleaned(ALL_RESIDUE, point)
    assert isinstance(found, Reject)
    assert (found.stage, found.reason) == ("clean", "all-residue")


HARBOR = """\
The harbor board of Port Ellery voted on Tuesday night to spend two million dollars on the old breakwater, after
a storm in September tore out forty metres of stone and left the fleet without shelter for most of the autumn.

“We cannot share this burden with people who have not seen the water in the cellars,” said the mayor, Jane Roe,
whose own house on Canal Street was flooded twice. She asked the owners of the ferries to sign up for a fund that
would pay for pumps, and to follow the example of the fishermen, who had already subscribed.

Related companies that load stone at the quay have to comment on the plan before the end of the year. Read more
closely, the plan leaves out the eastern pier, where the board let advertising be put up in 2019, and where
nobody has accepted cookies, coffee or rent from the tenants since the roof came down.

By the spring the stone should be in place. The photo that a neighbour took from the lighthouse, and that was
printed on Monday, shows how little is left: a line of boulders, a crane and the stump of the beacon. Updated
drawings are to be shown in the library from 9 a.m. on Saturday, October 19, and visitors may leave a comment.

Not everyone is convinced. Ellis Poe, who sells newspapers at the terminal, said that the donation of a million
by the state was a promise and no more, and that newsletters and flyers had promised as much for years.

The board will meet again on November 4. Until then, the lock stays closed at night, all rights of way along the
dike are suspended, and boats that need shelter are asked to contact the office of the harbor master by radio.
"""
PARAGRAPHS = [" ".join(paragraph.split()) for paragraph in HARBOR.split("\n\n")]
LIKE_RESIDUE = (
    "subscribe.", "subscribe now.", "share this story.", "sign up for our newsletter.", "read more.",
    "leave a comment.", "advertisement.", "comments are closed.", "follow us on Twitter.", "photo by Jane Roe.",
    "Getty Images.", "October 19, 2024.", "Twitter.", "Facebook.", "Reuters.", "Share this story.", "Advertisement.",
    "Read more.", "Subscribe.",
)  # fmt: skip


def wrapped_before(phrase: str) -> str:
    """A wrapped paragraph whose last line is only the end of its sentence."""
    first = "It had rained since the morning, and the ferry that was to leave at eight lay at the pier until noon."
    tried = (
        wrap(f"{first} In the {'old ' * n}harbor, those who were asked said that they did not want to {phrase}")
        for n in range(1, 20)
    )
    return next(paragraph for paragraph in tried if paragraph.endswith(f"\n{phrase}"))


WRAPPED = {
    "paragraphs": "\n\n".join(map(wrap, PARAGRAPHS)),
    "lines without a gap": "\n".join(map(wrap, PARAGRAPHS)),
    "one long paragraph": wrap(" ".join(PARAGRAPHS * 9)),  # every time the lines begin with other words
    "last lines like residue": "\n\n".join(map(wrapped_before, LIKE_RESIDUE)),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_a_text_wrapped_at_72_columns_loses_not_a_word(text, point):
    assert max(map(len, text.splitlines())) <= 72
    assert all_words(article(text, point)) == re.findall(r"\w+", text)


LINES = {
    "prose": " ".join(PARAGRAPHS) + " ",
    "signs of residue": "Share this story, sign up for our newsletter, read more: comments (3) | Photo: Jane Roe · ",
    "one word": "a",
}
HUGE = 5_000_000
"""Characters of a line such as a broken export makes. Work that grows with the square of a line never ends here."""


@pytest.mark.parametrize("piece", LINES.values(), ids=LINES)
def test_a_line_of_five_megabytes_ends_and_stays(piece):
    line = (piece * (HUGE // len(piece) + 1))[:HUGE].strip()
    found = article(f"{PARAGRAPHS[0]}\n{line}\nAdvertisement\n")
    assert found.text == f"{PARAGRAPHS[0]}\n{line}"
