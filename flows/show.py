"""`copydesk show`: the source of an article with the removals struck out, and the rule beside each.

Scraped text is shown as text: control characters, which could drive the terminal, are made visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
from rich.text import Text

from cleaners.edits import Edit, revert
from cleaners.model import Article, Reject
from flows import knowledge
from flows.plan import Input, Member, PlanError, scan_one
from flows.publish import current
from flows.settings import Settings
from flows.terminal import inert, inert_line
from flows.work import read, record_id, refined

HEADER = (
    "id", "title", "authors", "published_at", "published_source", "language", "site", "url", "source_path",
    "source_record", "rejected", "extractor", "charset", "flags", "duplicate_of", "duplicate_kind", "similarity",
)  # fmt: skip


class NotFoundError(LookupError):
    """There is no such record; the message says what to try."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be shown of one record."""

    said: Mapping[str, Any]
    source: str
    edits: tuple[Edit, ...]


def show(target: str, settings: Settings) -> Iterator[Text]:
    """Each record of a raw file, or the published one with that id (or a unique start of it).

    Raises:
        NotFoundError: if there is no such file and no such id.
    """
    path = Path(target)
    if _is_file(path):
        yield from (render(found) for found in _of_file(path, settings))
    else:
        yield render(_published(target, settings))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system is none of its files
        return False


def render(found: Shown) -> Text:
    """The record with a header; in its source the removals are struck out, and the rules stand behind.

    The marks are those of wdiff, so that the output can be read without colours too:
    `[-removed-]`, `{+inserted+}`, and the rules in double brackets.
    """
    text = Text()
    for name in HEADER:
        if (value := found.said.get(name)) not in (None, "", []):
            text.append(f"{name:17} ", "bold").append(f"{inert_line(_spoken(value))}\n")
    text.append("─" * 72 + "\n", "dim")
    position = 0
    for edit in found.edits:
        text.append(inert(found.source[position : edit.start])).append(_marked(edit))
        position = edit.end
    return text.append(inert(found.source[position:])).append("\n")


def _marked(edit: Edit) -> Text:
    """An edit as it is shown: line breaks stay where they are, so that the source keeps its shape."""
    before = edit.old[: len(edit.old) - len(edit.old.lstrip("\n"))]
    removed = edit.old.strip("\n")
    after = edit.old[len(before) + len(removed) :]
    text = Text(before)
    if removed:
        text.append(f"[-{inert(removed)}-]", "red strike")
    if edit.new.strip("\n"):
        text.append(f"{{+{inert(edit.new)}+}}", "green underline")
    return text.append(f"⟦{', '.join(edit.rules)}⟧", "yellow").append(after)


def _spoken(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_spoken(item) for item in value)
    if isinstance(value, dict):
        return " · ".join(str(part) for part in (value["name"], value["organization"]) if part)
    return str(value)


def _published(target: str, settings: Settings) -> Shown:
    generation = current(settings)
    if generation is None:
        raise NotFoundError(f"there is no file {target}, and nothing is published in {settings.out} yet")
    for table in ("articles", "duplicates"):
        rows = _rows(generation / table, pc.starts_with(ds.field("id"), target))
        if len(rows) > 1:
            raise NotFoundError(f"{len(rows)} ids start with {target}; give more of it")
        if rows:
            edits = _edits(generation, rows[0]["id"])
            return Shown(rows[0], revert(rows[0]["text"], edits), edits)
    raise NotFoundError(f"there is no file {target}, and no article or duplicate with an id that starts so")


def _edits(generation: Path, identity: str) -> tuple[Edit, ...]:
    rows = _rows(generation / "edits", ds.field("id") == identity)
    return tuple(
        Edit(row["start"], row["old"], row["new"], tuple(row["rules"]))
        for row in sorted(rows, key=lambda row: row["seq"])
    )


def _rows(folder: Path, wanted: pc.Expression) -> Sequence[dict[str, Any]]:
    return list(ds.dataset(folder, partitioning="hive").to_table(filter=wanted).to_pylist())


def _of_file(path: Path, settings: Settings) -> Iterator[Shown]:
    """The records of a file, cleaned now with the rules of now; nothing is written."""
    known = knowledge.load(settings)
    entry, root = _entry(path, settings)
    inside = path.resolve().is_relative_to(settings.raw.resolve())
    for part in entry.parts:
        for record in read(Member(entry.path, entry.ingest_date, part, entry.sidecar_sha256), root):
            outcome = record if isinstance(record, Reject) else refined(record, known)
            yield _outcome(outcome, record_id(outcome.origin) if inside else None)


def _entry(path: Path, settings: Settings) -> tuple[Input, Settings]:
    try:
        return scan_one(path, settings)
    except PlanError as error:
        raise NotFoundError(str(error)) from error


def _outcome(outcome: Article | Reject, identity: str | None) -> Shown:
    """What is shown of an outcome; a file elsewhere than below the raw root has records without ids."""
    said = {
        "id": identity,
        "source_path": outcome.origin.path,
        "source_record": outcome.origin.record,
    }
    if isinstance(outcome, Reject):
        return Shown(said | {"id": None, "rejected": f"{outcome.reason}: {outcome.detail}"}, "", ())
    published = outcome.published
    return Shown(
        said
        | {
            "title": outcome.title,
            "authors": [{"name": a.name, "organization": a.organization} for a in outcome.authors],
            "published_at": published.value if published else None,
            "published_source": published.source if published else None,
            "language": outcome.language.code,
            "site": outcome.site,
            "url": outcome.url,
            "extractor": outcome.extractor,
            "charset": outcome.charset,
            "flags": list(outcome.flags),
        },
        revert(outcome.text, outcome.edits),
        outcome.edits,
    )
