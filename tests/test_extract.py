"""A record becomes the text of its article, and what the record and the page say about it."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.extract import SOUP, TRAFILATURA, canonical_url, extract, host
from cleaners.metadata import Metadata, read_metadata
from cleaners.model import Origin, Page, Raw, Reject

PARAGRAPHS = (
    "The harbor board voted on Monday to delay the building of the new dike until the spring of next year.",
    "Nobody on the ferry that morning knew that the lock had been closed since the storm of the night before.",
    "The mayor, who had asked for the vote, did not come; her deputy read a letter of four lines to the room.",
)
ARTICLE = "<article>" + "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + "</article>"


def raw(payload: str | bytes, media_type: str = "text/html", **more: object) -> Raw:
    return Raw(Origin("page"), payload, media_type, **more)  # type: ignore[arg-type]


def page(head: str = "", body: str = ARTICLE, **more: object) -> Page:
    found = extract(raw(f"<html><head>{head}</head><body>{body}</body></html>", **more))
    assert isinstance(found, Page)
    return found


def rejected(payload: str | bytes, **more: object) -> str:
    found = extract(raw(payload, **more))
    assert isinstance(found, Reject)
    return found.reason


def ld(*nodes: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


def news(headline: object = "Board delays the dike", **more: object) -> dict[str, object]:
    return {"@type": "NewsArticle", "headline": headline, **more}


# ---- the text


def test_the_paragraphs_of_the_article_are_the_text():
    found = page(body=f"<nav><a href='/'>Home</a></nav>{ARTICLE}<footer>About us</footer>")
    assert found.text.split("\n") == list(PARAGRAPHS)
    assert found.extractor == TRAFILATURA


def test_beautiful_soup_finds_what_trafilatura_does_not():
    body = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    found = page(body=f"<div class='comments'>{body}<form><p>Your name, please.</p></form></div>")
    assert found.extractor == SOUP
    assert found.text.split("\n\n") == list(PARAGRAPHS)


def test_beautiful_soup_takes_each_paragraph_once_and_spaces_stay_where_they_were():
    inside = f"<p>{PARAGRAPHS[0]}</p><p>The <a href='/m'>mayor</a>, <b>Har</b>bor<br>City</p>"
    found = page(body=f"<div class='comments'><blockquote>{inside}</blockquote><li><p>{PARAGRAPHS[1]}</p></li></div>")
    assert found.extractor == SOUP
    assert found.text == f"{PARAGRAPHS[0]} The mayor, Harbor City\n\n{PARAGRAPHS[1]}"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        (b"", "empty"),
        ("<html></html>", "no-article"),
        ("<html><body><p>Short.</p></body></html>", "no-article"),
        ("<html><body>" + "<a href='/x'>Button</a> " * 40 + "</body></html>", "no-article"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 40, "undecodable"),
    ],
)
def test_what_holds_no_article_is_rejected_with_a_reason(payload: str | bytes, reason: str):
    assert rejected(payload) == reason


@pytest.mark.parametrize(
    "payload",
    [
        "no html at all",
        "https://ledger.example/page",
        "<?xml version='1.0'?><rss><item>text</item></rss>",
        '{"json": true}',
        "<div>" * 100_000 + "text",
        "<p>" * 10_000 + "text",
        "\0<html>\0<body>\0",
        "<html><head><title>",
        "<!-- " * 1000,
        "<script>" * 1000,
        "%PDF-1.4",
        "<html><body>" + "&#xD800;&#0;&#x110000;" * 20,
    ],
)
def test_what_is_hardly_html_is_rejected_and_never_raises(payload: str):
    assert rejected(payload) in ("no-article", "not-html")


def test_html_in_bytes_is_read_in_the_charset_it_is_in():
    body = ARTICLE.replace("mayor", "Bürgermeisterin")
    lying = f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode("cp1252")
    found = extract(raw(lying, charset="utf-16"))
    assert isinstance(found, Page)
    assert "Bürgermeisterin" in found.text
    assert found.flags == ("charset-guessed",)


def test_lone_surrogates_become_a_sign_that_can_be_written():
    plain = extract(raw("a \ud83d b", "text/plain"))
    assert isinstance(plain, Page)
    assert (plain.text, plain.flags) == ("a � b", ("lone-surrogates",))
    found = page(ld(news()).replace("delays", "\\ud83d"), ARTICLE.replace("mayor", "\udfff"))
    assert (found.title, "�" in found.text) == ("Board � the dike", True)


def test_plain_text_is_its_own_source_to_the_last_line_break():
    text = "  One\r\n\r\n\ttwo <p>three</p>\n\n\n"
    found = extract(raw(text, "text/plain"))
    assert isinstance(found, Page)
    assert (found.text, found.extractor) == (text, None)


def test_no_page_knows_of_another():
    pages = [
        f"<html><head><title>Page {number}</title></head><body>{ARTICLE}<p>{PARAGRAPHS[number % 3]}</p></body></html>"
        for number in range(12)
    ]
    pages += [pages[0]] * 3 + ["<html></html>"]
    once = {text: extract(raw(text)) for text in pages}
    shuffled = random.Random(7).sample(pages, len(pages))  # noqa: S311 - the same numbers in every run
    assert {text: extract(raw(text)) for text in shuffled} == once


# ---- what the page says


def test_json_ld_goes_before_meta_tags_and_these_before_headings():
    meta = '<meta property="og:title" content="From meta">'
    body = f"<h1>From a heading</h1>{ARTICLE}"
    title = "<title>From the title</title>"
    assert (page(ld(news("From JSON-LD")) + meta + title, body).title_source) == "jsonld"
    assert (page(meta + title, body).title, page(meta + title, body).title_source) == ("From meta", "meta")
    assert (page(title, body).title, page(title, body).title_source) == ("From a heading", "h1")
    assert (page(title).title, page(title).title_source) == ("From the title", "html")
    assert (page().title, page().title_source) == (None, None)


@pytest.mark.parametrize(
    "block",
    [
        ld(news()),
        ld([{"@type": "WebSite"}, news()]),
        ld({"@graph": [{"@type": "WebPage", "headline": "No"}, news()]}),
        ld({"@type": "WebPage", "mainEntity": {"about": [[{"x": news()}]]}}),
        ld({"@type": "BreadcrumbList"}, news()),
        ld(news() | {"@type": ["Thing", "NewsArticle"]}),
        '<script type="application/ld+json">{broken</script>' + ld(news()),
        '<script type="application/ld+json"></script>' + ld(news()),
        '<script type="APPLICATION/LD+JSON ">' + json.dumps(news()) + ";</script>",
        '<script type="application/ld+json">' + "[" * 100_000 + "</script>" + ld(news()),
        '<script type="application/ld+json">' + "[" * 100_000 + "]" * 100_000 + "</script>" + ld(news()),
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Board\n delays\tthe dike"}</script>',
    ],
    ids=range(12),
)
def test_json_ld_is_found_however_it_is_wrapped(block: str):
    assert page(block).title == "Board delays the dike"


@pytest.mark.parametrize(
    "node",
    [
        news(None), news([]), news({}), news(5), news(" "), {"@type": None}, {"@type": {}}, [[], [None, 1, "x"]], None,
        1,
        news("", author=5, publisher=[], datePublished={}, inLanguage=["en"]), {"@graph": {"@graph": "x"}},
    ],
    ids=range(12),
)  # fmt: skip
def test_json_ld_that_says_nothing_usable_says_nothing(node: object):
    found = page(ld(node))
    assert (found.title, found.bylines, found.published) == (None, (), ())


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Jane Roe", ("Jane Roe",)),
        ({"name": "Jane Roe"}, ("Jane Roe",)),
        ([{"name": "Jane Roe"}, {"name": "Ann Poe"}], ("Jane Roe", "Ann Poe")),
        (["Jane Roe", None, {"name": ["x"]}, {}], ("Jane Roe",)),
    ],
)
def test_authors_are_read_from_json_ld(author: object, names: tuple[str, ...]):
    assert page(ld(news(author=author))).bylines == names


def test_authors_in_meta_tags_count_where_json_ld_has_none_and_addresses_are_no_names():
    meta = '<meta name="author" content="Jane Roe"><meta property="article:author" content="https://x.example/jane">'
    assert page(meta).bylines == ("Jane Roe",)
    assert page(meta + ld(news(author="Ann Poe"))).bylines == ("Ann Poe",)


def test_dates_come_best_source_first():
    head = ld(news(datePublished="2024-10-14")) + '<meta property="article:published_time" content="2024-10-15">'
    found = page(head, f'<time datetime="2024-10-16">a day</time><time></time>{ARTICLE}')
    assert found.published == (("jsonld", "2024-10-14"), ("meta", "2024-10-15"), ("html", "2024-10-16"))


def test_what_the_record_says_goes_before_what_the_page_says():
    said = {
        "title": "Recorded", "byline": "Jane Roe", "published_at": "2024-01-01", "url": "https://ledger.example/a/dike",
        "site": "Ledger", "language": "nl",
    }  # fmt: skip
    head = (
        ld(news("Paged", author="Ann Poe", datePublished="2024-10-14"))
        + '<meta property="og:site_name" content="Page">'
    )
    found = page(head, metadata=said, metadata_source="sidecar")
    assert (found.title, found.title_source, found.bylines) == ("Recorded", "sidecar", ("Jane Roe",))
    assert found.published == (("sidecar", "2024-01-01"), ("jsonld", "2024-10-14"))
    assert (found.site, found.language, found.url) == ("Ledger", "nl", "https://ledger.example/a/dike")


def test_a_script_in_a_title_is_text_and_nothing_else():
    found = page(ld(news("<script>alert(1)</script> &amp; more")).replace("</script> &", "<\\/script> &"))
    assert found.title == "<script>alert(1)</script> &amp; more"
    assert "alert" not in found.text


# ---- addresses


@pytest.mark.parametrize(
    ("stated", "url", "expected"),
    [
        ("https://ledger.example/a/dike", None, "https://ledger.example/a/dike"),
        ("https://ledger.example/a/dike?utm_source=x&fbclid=y#top", None, "https://ledger.example/a/dike"),
        ("https://ledger.example/a?id=3&utm_medium=x", None, "https://ledger.example/a?id=3"),
        ("https://www.ledger.example/a/dike", "https://ledger.example/x", "https://www.ledger.example/a/dike"),
        ("https://other.example/a/dike", "https://ledger.example/x", "https://ledger.example/x"),
        ("https://ledger.example/", "https://ledger.example/x", "https://ledger.example/x"),
        ("https://ledger.example", "https://ledger.example/x?utm_source=y", "https://ledger.example/x"),
        ("https://ledger.example/?p=5", None, None),
        ("/a/dike", "https://ledger.example/x", "https://ledger.example/x"),
        ("/a/dike", None, None),
        ("", None, None),
        ("http://[", "https://ledger.example/x", "https://ledger.example/x"),
        ("nonsense", "nonsense", None),
        ("javascript://ledger.example/a", "mailto:jane@ledger.example", None),
        ("https://ledger example/a", "https:///a", None),
    ],
)
def test_one_article_has_one_address(stated: str, url: str | None, expected: str | None):
    assert canonical_url((stated,), url) == expected


def test_the_canonical_address_is_read_from_the_page():
    link = '<link rel="stylesheet" href="/x.css"><link rel="Canonical" href=" https://ledger.example/a/dike?utm_id=1 ">'
    assert page(link).canonical_url == "https://ledger.example/a/dike"
    assert page('<meta property="og:url" content="https://ledger.example/b/dike">').canonical_url.endswith("/b/dike")
    assert page(metadata={"url": "https://ledger.example/c#x"}).canonical_url == "https://ledger.example/c"
    assert page(metadata={"url": "https://www.ledger.example/c"}).site == "ledger.example"


@given(st.one_of(st.text(max_size=40), st.text("htp:/[]@.?#&=%a1\\ ü", max_size=20).map("http://".__add__)))
@settings(max_examples=300, deadline=None)
def test_no_address_ever_raises(address: str):
    clean = canonical_url((address,), address)
    assert clean is None or "://" in clean
    assert host(address) != ""
    if clean:
        assert canonical_url((), clean) == clean


@given(
    st.lists(
        st.sampled_from(("<meta", " name=", "author", '"', "<link", "<time>", "<h1>", "</", ">", "\0", "{", "&#8;"))
    )
)
@settings(max_examples=150, deadline=None)
def test_no_page_ever_raises(pieces: list[str]):
    assert isinstance(extract(raw("<html><body>" + "".join(pieces) + ARTICLE)), Page | Reject)


def test_an_empty_tree_says_nothing():
    from lxml.html import fromstring  # noqa: PLC0415 - only this test builds a tree by hand

    assert read_metadata(fromstring("<p>x</p>")) == Metadata()
