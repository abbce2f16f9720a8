"""A record becomes a page: the text of its article, and what it says about itself.

For HTML the text that trafilatura finds is the source text, where edits begin; where it
finds nothing usable, BeautifulSoup collects the paragraphs. Plain text is its own source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from urllib.parse import urldefrag, urlsplit
from warnings import catch_warnings

import courlan
import trafilatura
from bs4 import BeautifulSoup, UnusualUsageWarning
from lxml.html import HtmlElement

from cleaners.decode import Decoded, decode, sound
from cleaners.metadata import Metadata, read_metadata
from cleaners.model import Page, Raw, Reject, Source
from cleaners.patterns import is_sentence

MIN_TEXT = 100
"""Code points below which a text is not usable. The shortest of 493 labelled articles has
369; what is shorter is the text of buttons and notices."""
MIN_UNSPOKEN = 500
"""Code points below which a text must hold a sentence to be an article. Of 493 labelled articles
three hold no line that ends like one, and each of them is longer; lists of buttons are not."""
FURNITURE = (
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "header",
    "footer",
    "aside",
    "form",
    "svg",
    "iframe",
)
_WEB = re.compile(r"(?i)https?://[^\s/]+(?:/\S*)?\Z")
PARAGRAPHS = ("p", "h2", "h3", "blockquote", "li", "pre")

TRAFILATURA = f"trafilatura {version('trafilatura')}"
SOUP = f"beautifulsoup4 {version('beautifulsoup4')}"


def extract(raw: Raw) -> Page | Reject:
    """The page of a record; a Reject if it is not text, or holds no article."""
    decoded = _decoded(raw)
    if decoded is None:
        return Reject(raw.origin, "decode", "undecodable", "the bytes are not text in any known character set")
    if not decoded.text.strip():
        return Reject(raw.origin, "extract", "empty", "the record holds no text")
    return EXTRACTORS[raw.media_type](raw, decoded)


def _decoded(raw: Raw) -> Decoded | None:
    if isinstance(raw.payload, bytes):
        decoded = decode(raw.payload, raw.charset)
    else:
        decoded = Decoded(raw.payload, "utf-8 (json)")
    if decoded is None:
        return None
    text, flags = sound(decoded.text)
    return replace(decoded, text=text, flags=(*decoded.flags, *flags))


def _plain(raw: Raw, decoded: Decoded) -> Page:
    page = Page(decoded.text, charset=decoded.charset, flags=decoded.flags, extractor=None)
    return _with_record(page, raw)


def _html(raw: Raw, decoded: Decoded) -> Page | Reject:
    tree = trafilatura.load_html(decoded.text)  # None for a piece of a page, such as a few paragraphs
    metadata = Metadata() if tree is None else read_metadata(tree)
    text, extractor = _body(tree, decoded.text)
    if not text:
        return Reject(raw.origin, "extract", "no-article", "neither trafilatura nor BeautifulSoup found an article")
    text, _ = sound(text)
    page = Page(text, charset=decoded.charset, flags=decoded.flags, extractor=extractor)
    return _with_record(_with_metadata(page, metadata, raw), raw)


def _body(tree: HtmlElement | None, page: str) -> tuple[str, str]:
    """The text of the article and the extractor that found it; empty if none did."""
    found = (
        None
        if tree is None
        else trafilatura.extract(
            tree,
            output_format="txt",
            include_comments=False,
            deduplicate=False,  # it carries state from page to page
            with_metadata=False,  # it would write a header into the text
        )
    )
    if found and _is_usable(found):
        return found, TRAFILATURA
    paragraphs = _paragraphs(page)
    return (paragraphs, SOUP) if _is_usable(paragraphs) else ("", "")


def _is_usable(text: str) -> bool:
    return len(text) >= MIN_UNSPOKEN or (len(text) >= MIN_TEXT and any(map(is_sentence, text.splitlines())))


def _paragraphs(page: str) -> str:
    """The paragraphs of `<article>`, `<main>` or the page, each once, without forms and menus."""
    with catch_warnings(action="ignore", category=UnusualUsageWarning):  # a page that hardly is one
        soup = BeautifulSoup(page, "lxml")
    for element in soup(FURNITURE):
        element.decompose()
    for element in soup(("br", *PARAGRAPHS)):
        element.insert_after(" ")
    root = soup.find("article") or soup.find("main") or soup.body or soup
    outermost = (element for element in root.find_all(PARAGRAPHS) if element.find_parent(PARAGRAPHS) is None)
    found = (" ".join(element.get_text().split()) for element in outermost)
    return "\n\n".join(text for text in found if text)


def _with_metadata(page: Page, metadata: Metadata, raw: Raw) -> Page:
    source, title = metadata.titles[0] if metadata.titles else (None, None)
    return replace(
        page,
        title=title,
        title_source=source,
        bylines=metadata.bylines,
        published=metadata.published,
        canonical_url=canonical_url(metadata.canonical_urls, raw.metadata.get("url")),
        site=metadata.site,
        language=metadata.language,
    )


def _with_record(page: Page, raw: Raw) -> Page:
    """What the record or its sidecar says goes before what the page says."""
    said: Mapping[str, str] = raw.metadata
    source: Source = raw.metadata_source
    url = said.get("url")
    bylines = tuple((said.get("authors") or said.get("byline") or "").splitlines())
    stated = ((source, said["published_at"]),) if said.get("published_at") else ()
    return replace(
        page,
        title=said.get("title") or page.title,
        title_source=source if said.get("title") else page.title_source,
        bylines=bylines or page.bylines,
        published=(*stated, *page.published),
        url=url,
        canonical_url=page.canonical_url or canonical_url((), url),
        site=said.get("site") or host(url or page.canonical_url) or page.site,
        language=said.get("language") or page.language,
        flags=(*raw.flags, *page.flags),
    )


def canonical_url(stated: tuple[str, ...], url: str | None) -> str | None:
    """One address for one article: the first usable `stated` one, else `url`; None without any.

    Tracking parameters and fragments are taken off. A stated address on another host than
    `url` is not believed, and neither is one that is only the front page of the site.
    """
    for address in (*(found for found in stated if _believable(found, url)), url):
        if address and (clean := _normal(address)):
            return clean
    return None


def _believable(address: str, url: str | None) -> bool:
    return _path(address) not in ("", "/") and (url is None or host(address) == host(url))


def _normal(address: str) -> str | None:
    """The address as it is written shortest; None if it is no address on the web."""
    address = address.strip()
    if not _WEB.match(address) or host(address) is None:
        return None
    try:
        return courlan.normalize_url(urldefrag(address).url) or None
    except ValueError:
        return None


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def host(url: str | None) -> str | None:
    """The host of `url` without `www.`; None where there is none."""
    try:
        name = urlsplit(url or "").hostname
    except ValueError:
        return None
    return name.removeprefix("www.") if name else None


EXTRACTORS: Mapping[str, Callable[[Raw, Decoded], Page | Reject]] = {
    "text/plain": _plain,
    "text/html": _html,
}
