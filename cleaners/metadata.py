"""What a page says about itself: JSON-LD first, then meta tags, then what can be seen.

Only statements are collected here; what a date or a byline means is for `dates.py` and `names.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml.html import HtmlElement

from cleaners.model import Source

ARTICLE_TYPES = (
    "NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "BackgroundNewsArticle",
    "ReviewNewsArticle", "Article", "BlogPosting", "LiveBlogPosting", "SocialMediaPosting", "Report",
)  # fmt: skip
"""Types of schema.org whose headline and author are those of the page's article."""
MAX_NODES = 10_000
"""JSON-LD nodes looked at in a page; the largest of 493 labelled pages holds 124."""
PUBLISHED_META = (
    "article:published_time", "og:article:published_time", "datepublished", "date", "dc.date", "dc.date.issued",
    "dcterms.created", "pubdate", "publishdate", "publish-date", "parsely-pub-date", "sailthru.date",
)  # fmt: skip
AUTHOR_META = ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl")
TITLE_META = ("og:title", "twitter:title", "parsely-title", "dc.title")

_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The statements of a page, best source first; strings as they stood."""

    titles: tuple[tuple[Source, str], ...] = ()
    bylines: tuple[str, ...] = ()
    published: tuple[tuple[Source, str], ...] = ()
    canonical_urls: tuple[str, ...] = ()
    site: str | None = None
    language: str | None = None


def read_metadata(tree: HtmlElement) -> Metadata:
    """Everything that `tree` states about its article. Never raises on a malformed page."""
    node, meta = _article_node(tree), _meta(tree)
    return Metadata(
        titles=(*_titles(tree, node, meta),),
        bylines=_bylines(node, meta),
        published=(*_published(tree, node, meta),),
        canonical_urls=tuple(_canonical(tree, meta)),
        site=meta.get("og:site_name") or _name(node.get("publisher")),
        language=tree.get("lang") or _text(node.get("inLanguage")) or meta.get("og:locale"),
    )


def _titles(tree: HtmlElement, node: Mapping[str, object], meta: Mapping[str, str]) -> Iterator[tuple[Source, str]]:
    if headline := _text(node.get("headline")):
        yield "jsonld", headline
    yield from (("meta", meta[name]) for name in TITLE_META if name in meta)
    yield from (("h1", text) for element in tree.iter("h1") if (text := _visible(element)))
    yield from (("html", text) for element in tree.iter("title") if (text := _visible(element)))


def _bylines(node: Mapping[str, object], meta: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the JSON-LD; only without any, those in meta tags that are not addresses."""
    structured = tuple(name for author in _many(node.get("author")) if (name := _name(author)))
    stated = tuple(meta[name] for name in AUTHOR_META if name in meta and "://" not in meta[name])
    return structured or tuple(dict.fromkeys(stated))


def _published(tree: HtmlElement, node: Mapping[str, object], meta: Mapping[str, str]) -> Iterator[tuple[Source, str]]:
    yield from (("jsonld", text) for key in ("datePublished", "dateCreated") if (text := _text(node.get(key))))
    yield from (("meta", meta[name]) for name in PUBLISHED_META if name in meta)
    yield from (
        ("html", text) for element in tree.iter("time") if (text := element.get("datetime") or _visible(element))
    )


def _canonical(tree: HtmlElement, meta: Mapping[str, str]) -> Iterator[str]:
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split() and (address := link.get("href")):
            yield address.strip()
    if "og:url" in meta:
        yield meta["og:url"]


def _meta(tree: HtmlElement) -> dict[str, str]:
    """The first content of each meta tag, by its name, property or itemprop in lower case."""
    found = dict[str, str]()
    for element in tree.iter("meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
        if content := (element.get("content") or "").strip():
            found.setdefault(name, content)
    return found


def _article_node(tree: HtmlElement) -> Mapping[str, object]:
    """The first JSON-LD node that describes an article, or an empty one."""
    for script in tree.iter("script"):
        if (script.get("type") or "").lower().strip() == "application/ld+json":
            for node in _nodes(_json(script.text or "")):
                if any(kind in ARTICLE_TYPES for kind in map(_text, _many(node.get("@type")))):
                    return node
    return {}


def _json(text: str) -> object:
    """The parsed JSON-LD, or None: a broken block says nothing, it breaks nothing either."""
    try:
        return json.loads(text.strip().removesuffix(";"), strict=False)
    except (ValueError, RecursionError):
        return None


def _nodes(root: object) -> Iterator[Mapping[str, object]]:
    """Every object in the JSON, breadth first."""
    waiting, seen = [root], 0
    while waiting and seen < MAX_NODES:
        waiting, level = [], waiting
        for value in level:
            seen += 1
            if isinstance(value, dict):
                yield value
                waiting += [child for child in value.values() if isinstance(child, dict | list)]
            elif isinstance(value, list):
                waiting += value


def _many(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _name(value: object) -> str | None:
    return _text(value.get("name")) if isinstance(value, dict) else _text(value)


def _text(value: object) -> str | None:
    """The string on one line; half of a surrogate pair, which JSON can spell, as U+FFFD."""
    return " ".join(_SURROGATES.sub("�", value).split()) or None if isinstance(value, str) else None


def _visible(element: HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())
