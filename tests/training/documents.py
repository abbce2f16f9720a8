"""The labelled documents from which the line model is learnt, by reference: their texts lie in the evaluation folder.

A document is a text with a label for each of its characters. `labels.tsv` names articles of
`../corpus/news-en.jsonl.gz` and pages of `extraction/` and `silver/`, as one of five extractors
reads them; a text that is not what was labelled (its digest differs) is left out and counted.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trafilatura
from boilerpy3 import extractors as boilerpy3
from lxml import html
from readability import Document as Readability

CONTENT, RESIDUE, UNKNOWN = 0, 1, 2
FOLDS = 5
LABELS = Path(__file__).with_name("labels.tsv")

BLOCKS = frozenset({
    "article", "aside", "blockquote", "br", "button", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "label", "li", "main", "nav", "ol", "option", "p", "pre", "section",
    "select", "table", "td", "th", "tr", "ul",
})  # fmt: skip
HIDDEN = frozenset({"script", "style", "noscript", "template", "svg", "iframe"})


@dataclass(frozen=True, slots=True)
class Document:
    """A text whose residue is known."""

    id: str
    sites: frozenset[str]
    """Names by which its site may be called: the parts of a host, or the group that the labels state."""
    text: str
    labels: bytes
    """One of CONTENT, RESIDUE and UNKNOWN for each code point."""
    gold: bool
    fold: int
    """Documents of one site are in one fold; fold 0 is set aside."""


def fold_of(site: str) -> int:
    """The fold of a site, 0 to FOLDS - 1."""
    return int(sha1(site.encode()).hexdigest(), 16) % FOLDS  # noqa: S324 - spreads, does not protect


def gold(folder: Path) -> Iterator[Document]:
    """The hand-labelled documents of `residue/`."""
    for name in ("gold.jsonl", "more.jsonl"):
        for record in _records(folder / "residue" / name):
            labels = bytearray(len(record["text"]))
            for span in record["spans"]:
                kind = RESIDUE if span["label"].startswith("residue:") else UNKNOWN
                labels[span["start"] : span["end"]] = bytes([kind]) * (span["end"] - span["start"])
            site = record["site_group"]
            yield Document(
                record["id"], frozenset({site}), record["text"], bytes(labels), gold=True, fold=fold_of(site)
            )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def labelled(folder: Path) -> Iterator[Document]:
    """The documents of `labels.tsv` whose texts are what was labelled."""
    texts, missed = _Texts(folder), 0
    for line in LABELS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, digest, residue, ambiguous = (*line.split("\t"), "", "")[:4]
        text, url = texts.of(name)
        if sha1(text.encode()).hexdigest()[:8] != digest:  # noqa: S324
            missed += 1
            continue
        host = urlsplit(url).netloc.casefold()
        sites = frozenset(host.split("."))
        labels = _by_line(text, {RESIDUE: _numbers(residue), UNKNOWN: _numbers(ambiguous)})
        yield Document(name, sites, text, labels, gold=False, fold=fold_of(host))
    if missed:
        print(f"{missed} documents of {LABELS.name} are not what was labelled, and left out", file=sys.stderr)


def _numbers(ranges: str) -> set[int]:
    bounds = (part.partition("-") for part in ranges.split())
    return {number for first, _, last in bounds for number in range(int(first), int(last or first) + 1)}


def _by_line(text: str, wanted: Mapping[int, set[int]]) -> bytes:
    labels, number = bytearray(), 0
    for line in text.split("\n"):
        kind = next((kind for kind, numbers in wanted.items() if line.strip() and number in numbers), CONTENT)
        labels += bytes([kind]) * (len(line) + 1)
        number += bool(line.strip())
    return bytes(labels[: len(text)])


class _Texts:
    """Finds the text and the address of a labelled document."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with gzip.open(folder.parent / "corpus" / "news-en.jsonl.gz", "rt", encoding="utf-8") as stream:
            self._news = {f"news:{record['id']}": record for record in map(json.loads, stream)}
        self._pages = {
            record["id"]: (folder / name, record)
            for name in ("extraction", "silver")
            for record in _records(folder / name / "gold.jsonl")
        }

    def of(self, name: str) -> tuple[str, str]:
        if record := self._news.get(name):
            return record["text"], record["url"]
        page, _, extractor = name.partition("/")
        if page not in self._pages:
            return "", ""
        folder, record = self._pages[page]
        source = gzip.decompress((folder / record["file"]).read_bytes()).decode("utf-8", "replace")
        return EXTRACTORS[extractor](source) or "", record["url"]


def container(source: str) -> str | None:
    """The visible text of the longest `article` or `main`."""
    found = html.fromstring(source).xpath("//article|//main")
    longest = max(found, key=lambda element: len(element.text_content()), default=None)
    return _visible(longest) if longest is not None else None


def _visible(root: html.HtmlElement) -> str:
    pieces = list[str]()

    def walk(element: html.HtmlElement) -> None:
        if isinstance(element.tag, str) and element.tag not in HIDDEN:
            edge = "\n" if element.tag in BLOCKS else ""
            pieces.append(edge + re.sub(r"\s+", " ", element.text or ""))
            for child in element:
                walk(child)
            pieces.append(edge)
            pieces.append(re.sub(r"\s+", " ", element.tail or ""))
        elif element.tail:
            pieces.append(element.tail)

    walk(root)
    return "\n".join(line.strip() for line in "".join(pieces).split("\n") if line.strip())


def _readability(source: str) -> str:
    return _visible(html.fromstring(Readability(source).summary()))


def _boilerpy(source: str) -> str:
    return str(boilerpy3.ArticleExtractor(raise_on_failure=False).get_content(source))


EXTRACTORS = {
    "trafilatura": lambda source: trafilatura.extract(source, include_comments=False, include_tables=True),
    "traf_recall": lambda source: trafilatura.extract(
        source, include_comments=True, include_tables=True, favor_recall=True
    ),
    "container": container,
    "readability": _readability,
    "boilerpy": _boilerpy,
}
